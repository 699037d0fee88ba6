"""What an evaluation found, in figures: plain values that go to a JSON file and come back."""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

FORMAT = 1
RESAMPLES = 2_000


@dataclass(frozen=True, slots=True)
class TryResult:
    """One answer: `gate` that refused it ("" for none) and why; `wrong`: the first hidden check that it fails, "" where
    all hold or a gate had refused it before; tokens of the answer and of the prompt; seconds the model took."""

    source: str
    gate: str
    reason: str
    wrong: str
    tokens: int
    prompt_tokens: int
    seconds: float

    @property
    def right(self) -> bool:
        return not self.gate and not self.wrong


@dataclass(frozen=True, slots=True)
class TaskResult:
    """One task: every try; `digest` is the task's, so that a changed task is run again."""

    id: str
    family: str
    half: str
    digest: str
    tries: tuple[TryResult, ...]

    @property
    def first(self) -> bool:
        """Right at the first answer: through every gate, and every hidden check holds."""
        return self.tries[0].right

    @property
    def last(self) -> bool:
        """Right after the repairs that the gates, which do not know the hidden checks, asked for."""
        return self.tries[-1].right


@dataclass
class Report:
    """All results of one model. `how`: engine, model, digest, adapter, style, repairs: what must be the same for
    results to be added to."""

    how: dict[str, Any]
    results: list[TaskResult] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        """pass@1 and after repairs with 95 % intervals, gates, tokens, seconds; for each half and family as well."""
        tries = [t for r in self.results for t in r.tries]
        return {
            "tasks": len(self.results),
            "pass_at_1": rate(r.first for r in self.results),
            "pass_after_repairs": rate(r.last for r in self.results),
            "halves": {
                half: {
                    "pass_at_1": rate(r.first for r in self.results if r.half == half),
                    "pass_after_repairs": rate(r.last for r in self.results if r.half == half),
                }
                for half in sorted({r.half for r in self.results})
            },
            "families": {
                family: rate(r.first for r in self.results if r.family == family)
                for family in sorted({r.family for r in self.results})
            },
            "gates": {
                "tries": len(tries),
                "refused_by": dict(Counter(t.gate for t in tries if t.gate)),
                "passed_and_right": sum(t.right for t in tries),
                "passed_and_wrong": sum(bool(t.wrong) for t in tries),
                "repaired": sum(not r.first and r.last for r in self.results),
            },
            "tokens": sum(t.tokens for t in tries),
            "prompt_tokens": sum(t.prompt_tokens for t in tries),
            "seconds": round(sum(t.seconds for t in tries), 1),
        }

    def table(self) -> str:
        """The summary for people."""
        told = self.summary()
        if not self.results:
            return "no task was run"
        tokens = f"{told['prompt_tokens']} tokens in, {told['tokens']} out"
        lines = [
            " ".join(f"{key} {value}" for key, value in self.how.items() if value not in (None, "")),
            f"{told['tasks']} tasks, {told['seconds']} s of model; {tokens}",
            "",
            f"{'':14}{'right at first':>26}{'after repairs':>26}",
        ]
        halves = {**told["halves"], "all": told} if len(told["halves"]) > 1 else told["halves"]
        for half, figures in halves.items():
            first, after = _said(figures["pass_at_1"]), _said(figures["pass_after_repairs"])
            lines.append(f"{half:14}{first:>26}{after:>26}")
        lines.append("")
        families = told["families"].items()
        lines += [f"  {family:14}{figures['right']:>4} of {figures['of']}" for family, figures in families]
        gates = told["gates"]
        refused = ", ".join(f"{gate} {count}" for gate, count in gates["refused_by"].items()) or "none"
        lines += [
            "",
            f"{gates['tries']} answers; refused by a gate: {refused}",
            f"passed every gate and right {gates['passed_and_right']}, passed and wrong {gates['passed_and_wrong']}",
            f"tasks that are right only after a repair: {gates['repaired']}",
        ]
        return "\n".join(lines)

    def save(self, path: Path) -> None:
        """Write it whole or not at all."""
        results = [asdict(r) for r in self.results]
        data = {"format": FORMAT, "how": self.how, "summary": self.summary(), "results": results}
        draft = path.with_name(path.name + ".tmp")
        draft.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", "utf-8")
        os.replace(draft, path)

    @classmethod
    def load(cls, path: Path) -> Report:
        """Raises ValueError where the file is no report."""
        try:
            data = json.loads(path.read_text("utf-8"))
            if data["format"] != FORMAT:
                raise KeyError("format")
            results = [
                TaskResult(**{**entry, "tries": tuple(TryResult(**t) for t in entry["tries"])})
                for entry in data["results"]
            ]
            return cls(data["how"], results)
        except (KeyError, TypeError, ValueError) as problem:
            raise ValueError(f"{path} is no report of an evaluation ({type(problem).__name__}: {problem})") from None


def rate(rights: Iterable[bool]) -> dict[str, Any]:
    """How many, of how many, the share, and its 95 % interval by the percentile bootstrap over tasks."""
    found = list(rights)
    low, high = interval(found, lambda sample: sum(sample) / len(sample))
    share = sum(found) / len(found) if found else 0.0
    return {"right": sum(found), "of": len(found), "share": round(share, 4), "low": low, "high": high}


def compare(before: Report, after: Report) -> dict[str, Any]:
    """How much better `after` is at pass@1, over the tasks both ran: the difference of the shares and its 95 %
    interval, resampling tasks (paired)."""
    old = {r.id: r.first for r in before.results}
    pairs = [(old[r.id], r.first) for r in after.results if r.id in old]
    gains = [int(new) - int(was) for was, new in pairs]
    low, high = interval(gains, lambda sample: sum(sample) / len(sample))
    return {
        "tasks": len(pairs),
        "before": sum(was for was, _ in pairs),
        "after": sum(new for _, new in pairs),
        "gain": round(sum(gains) / len(gains), 4) if gains else 0.0,
        "low": low,
        "high": high,
    }


def interval(values: Sequence[int], statistic: Callable[[Sequence[int]], float]) -> tuple[float, float]:
    """95 % percentile bootstrap (Efron 1979), the same for the same values."""
    if not values:
        return 0.0, 0.0
    draw = random.Random(0)
    found = sorted(statistic(draw.choices(values, k=len(values))) for _ in range(RESAMPLES))
    return round(found[int(RESAMPLES * 0.025)], 4), round(found[int(RESAMPLES * 0.975) - 1], 4)


def _said(figures: dict[str, Any]) -> str:
    return f"{figures['right']}/{figures['of']} {figures['share']:.0%} ({figures['low']:.0%} to {figures['high']:.0%})"
