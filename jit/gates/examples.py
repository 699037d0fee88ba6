"""Gate 6: the examples that people gave for this prototype and that send this message, each on a copy of the world."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...interp.example import Example
from ..sandbox.client import Sandbox
from .trial import TrialRun
from .verdict import Candidate, Verdict


def examples_gate(
    sandbox: Sandbox, run: TrialRun, author: str, examples: Sequence[Example]
) -> Callable[[Candidate], Verdict] | None:
    """The gate for one miss; None where nobody gave an example."""
    if not examples:
        return None

    def hold(candidate: Candidate) -> Verdict:
        ran = sandbox.run({
            "prototype": run.prototype.hex(),
            "selector": candidate.selector,
            "source": candidate.source,
            "author": author,
            "workspace": run.workspace,
            "examples": [example.as_dict() for example in examples],
        })  # fmt: skip
        if ran.result is None or "error" in ran.result:
            why = ran.death or str((ran.result or {})["error"].get("message"))
            return Verdict("examples", False, f"with the examples, {why}", ran.seconds)
        told = ran.result["examples"]
        for example, one in zip(examples, told, strict=True):
            if not one["holds"]:
                return Verdict("examples", False, f"the example `{example}` {one['told']}", ran.seconds)
        count = len(examples)
        return Verdict("examples", True, f"{count} example{'s' * (count > 1)} hold{'s' * (count == 1)}", ran.seconds)

    return hold
