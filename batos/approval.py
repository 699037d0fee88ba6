"""Asking the person at the terminal whether a method that a model wrote may be installed."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Decision:
    """``verdict``: "yes", "no", "edit" (then code replaces what was proposed), "retry" (with a hint for the model) or
    "later" (nobody is here)."""

    verdict: str
    code: str | None = None
    hint: str = ""


def ask(proposal: Any) -> Decision:
    """Show a proposal (explanation, code, gates) and wait for y, n, e or r. Without a terminal the answer is no."""
    err = sys.stderr
    title = getattr(proposal, "title", "") or f"{proposal.prototype}>>{proposal.selector} is not written."
    print(f"\n{title} {proposal.explanation}".rstrip(), file=err)
    print("\n".join("    " + line for line in proposal.code.splitlines()), file=err)
    for gate in proposal.gates:
        verdict = (
            gate
            if isinstance(gate, str)
            else " ".join(str(gate[k]) for k in ("name", "verdict", "detail") if gate.get(k))
        )
        print(f"  gate: {verdict}", file=err)
    if not sys.stdin.isatty():
        print("nobody is here to decide (batos jit pending; --jit auto takes what passes every gate)", file=err)
        return Decision("later")
    while True:
        question = "run it?" if getattr(proposal, "title", "") else "install it?"
        print(f"{question} y(es) n(o) e(dit) r(etry with a hint): ", end="", file=err, flush=True)
        answer = sys.stdin.readline()
        match answer.strip().lower()[:1]:
            case "y":
                return Decision("yes")
            case "n":
                return Decision("no")
            case "e":
                import click

                edited = click.edit(proposal.code, extension=".py")
                if edited is not None:
                    return Decision("edit", code=edited)
            case "r":
                print("hint: ", end="", file=err, flush=True)
                return Decision("retry", hint=sys.stdin.readline().strip())
            case "" if not answer:
                return Decision("no")
