"""Showing outcomes: the last value (eval), output only (run), or a golden transcript (run --transcript)."""

from __future__ import annotations

import sys

from .session import Show, View


class Advice:
    """Shows by another, and keeps what a person might do about an error."""

    def __init__(self, show: Show, unasked: bool) -> None:
        self.show = show
        self.unasked = unasked  # nobody has said that no model is to be asked
        self.kinds: set[str] = set()

    def __call__(self, view: View) -> None:
        self.show(view)
        self.kinds.add(view.advice)

    def finish(self) -> None:
        """Says it once, at the end."""
        if "say" in self.kinds:
            print("hint: that reads as prose; in the REPL a line that begins with ? asks the model in words: `batos`, "
                  "then `? make a button`", file=sys.stderr)  # fmt: skip
        elif "write" in self.kinds and self.unasked:
            print("hint: with `--jit ask`, as in the REPL, a model writes the method that is missing, and you decide",
                  file=sys.stderr)  # fmt: skip


def _complain(view: View) -> None:
    sys.stdout.flush()
    print(view.error, file=sys.stderr, flush=True)


class Last:
    """Output as it comes; at the end the value of the last statement."""

    def __init__(self) -> None:
        self.printed: str | None = None

    def __call__(self, view: View) -> None:
        sys.stdout.write(view.transcript)
        self.printed = None if view.error else view.printed
        if view.error:
            _complain(view)

    def finish(self) -> None:
        if self.printed is not None:
            print(self.printed)
        sys.stdout.flush()


class Plain:
    """What the program wrote, and its errors."""

    def __call__(self, view: View) -> None:
        sys.stdout.write(view.transcript)
        sys.stdout.flush()
        if view.error:
            _complain(view)


class Golden:
    """Each statement as written, then its output, then ``=> value`` or the error, then an empty line."""

    def __call__(self, view: View) -> None:
        print(view.statement.strip())
        if view.transcript:
            print(view.transcript, end="" if view.transcript.endswith("\n") else "\n")
        if view.error:
            print("\n".join("!! " + line if i == 0 else "   " + line for i, line in enumerate(view.error.split("\n"))))
        elif not view.defines and view.printed is not None:
            print("=> " + view.printed)
        print(flush=True)
