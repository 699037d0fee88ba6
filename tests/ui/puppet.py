"""A stand-in for the kernel, which says that it is one: the bridge's real server, and canned answers behind it.

    python puppet.py ENDPOINT

It is for what a real kernel does not do on demand: answer late, die, propose a method, send a flood. Whatever the real
kernel can be asked for, the tests ask the real one.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Iterable
from typing import Any

from batos.bridge.codes import Code
from batos.bridge.covenant import (
    Approval,
    Browse,
    Complete,
    Completion,
    Completions,
    Data,
    Done,
    Entry,
    Evaluate,
    Frame,
    GetFullStateCommand,
    History,
    Inspect,
    MethodEntry,
    MethodReply,
    Methods,
    Outcome,
    Page,
    Progress,
    Undo,
    UpdatePropertyCommand,
    UvmStateUpdateEvent,
)
from batos.bridge.server import Server
from batos.bridge.session import Request, Withdrawn

ACCOUNT = "00000000000000a1"
BODY = "withdraw: amount [\n    balance := balance - amount.\n    ^self\n]"
GATES = [{"gate": "parse", "passed": "True"}, {"gate": "trial", "passed": "True", "reason": "ran in 12 ms"}]
SELECTORS = ("clone", "double")


class Puppet:
    """The server's handler. ``3 + 4`` answers 7; what else it knows, `evaluate` below says."""

    def __init__(self) -> None:
        self.server: Server
        self.watched: dict[bytes, set[str]] = {}
        self.state: dict[str, Any] = {
            "parent*": None,
            "greeting": "it's alive",
            "answer": 42,
            "account": {"handle": ACCOUNT, "print": "an Account"},
        } | {name: {"method": name, "handle": "2", "print": name} for name in SELECTORS}
        self.accounts = {"balance": 70, "parent*": {"handle": "1", "print": "Object"}}

    def describe(self) -> dict[str, object]:
        return {"version": "puppet", "image": "puppet.fs", "puppet": True}

    def figures(self) -> dict[str, object]:
        return {}

    def watch(self, session: bytes, topics: Iterable[str]) -> None:
        self.watched[session] = set(topics)

    def shutdown(self, now: bool) -> None:
        self.server.stop("asked to")

    def start(self, request: Request) -> None:
        threading.Thread(target=self.work, args=(request,), daemon=True).start()

    def work(self, request: Request) -> None:
        try:
            self.answer(request)
        except Withdrawn:
            request.fail(Code.INTERRUPTED, "interrupted")
        except Exception as problem:
            request.fail(Code.FAILED, repr(problem))

    def answer(self, request: Request) -> None:
        match request.command:
            case Evaluate() as command:
                self.evaluate(request, command)
            case GetFullStateCommand(target=target):
                if target and int(target, 16) == int(ACCOUNT, 16):
                    request.finish(UvmStateUpdateEvent(state=self.accounts, target=ACCOUNT))
                else:
                    first = dict(list(self.state.items())[:100])
                    truncated = len(first) < len(self.state)
                    request.finish(UvmStateUpdateEvent(state=first, target="0000000000000001", truncated=truncated))
            case UpdatePropertyCommand() as command:
                self.change(command.property_name, command.property_value)
                request.finish(Done())
            case Browse(selector=None):
                entries = [MethodEntry(target="1", owner="Object", selector=s, language="message") for s in SELECTORS]
                request.finish(Methods(methods=entries))
            case Browse(selector=str(selector)):
                source = f"{selector} [\n    ^self * 2\n]"
                request.finish(
                    MethodReply(target="1", selector=selector, source=source, language="message", author="a person")
                )
            case Complete(source=source, position=position):
                start = source[:position].rfind(" ") + 1
                names = [n for n in ("deposit:", "double", "withdraw:") if n.startswith(source[start:position])]
                items = [Completion(text=n, what="selector", hint="Account") for n in names]
                request.finish(Completions(start=start, items=items))
            case Inspect(target=None, find=find):
                entries = [Entry(name=name, printed=str(value)) for name, value in self.state.items() if find in name]
                page = Page(target="1", printed="Object", start=0, total=len(entries), entries=entries[:1000])
                request.finish(page)
            case Inspect(target=target):
                entries = [Entry(name=name, printed=repr(value)) for name, value in self.accounts.items()]
                request.finish(
                    Page(target=target or "1", printed="an Account", start=0, total=len(entries), entries=entries)
                )
            case History():
                request.finish(
                    Data(data=[{"id": "03e1", "when": "12:00", "who": "a person", "what": "savings deposit: 50"}])
                )
            case Undo():
                request.finish(Data(data={"id": "03e1", "what": "savings deposit: 50"}))
            case other:
                request.fail(Code.NOT_OFFERED, f"a puppet does not know {other.command}")  # type: ignore[attr-defined]

    def change(self, name: str, value: Any) -> None:
        self.state[name] = value
        for session, topics in self.watched.items():
            if "state" in topics:
                self.server.publish(session, UvmStateUpdateEvent(state={name: value}, whole=False))

    def evaluate(self, request: Request, command: Evaluate) -> None:
        failed, outcomes = False, []
        for number, statement in enumerate(command.source.split("\n"), 1):
            if not statement.strip():
                continue
            outcome = self.outcome(request, command, statement.strip().rstrip("."), number)
            failed = outcome.error is not None
            if command.stream:
                request.send(outcome)
            else:
                outcomes.append(outcome)
            if failed:
                break
        request.finish(Done(outcomes=outcomes, failed=failed))

    def outcome(self, request: Request, command: Evaluate, statement: str, line: int) -> Outcome:
        said = Outcome(statement=statement, line=line)
        match statement.split(" "):
            case ["3", "+", "4"]:
                said.printed = "7"
            case ["savings"]:
                said.printed, said.handle = "an Account", ACCOUNT
            case ["policy"]:
                said.printed = command.policy
            case ["workspace"]:
                said.printed = command.workspace
            case ["show"]:
                said.transcript, said.printed = "hello\nworld\n", "nil"
            case ["long"]:
                said.printed = "\n".join(f"line {i}" for i in range(1000))
            case ["escape"]:
                said.printed = "'\x1b[31mred\x1b]0;title\x07'"
            case ["set", name, value]:
                self.change(name, int(value))
                said.printed = value
            case ["grow", count]:
                self.state |= {f"slot{i}": i for i in range(int(count))}
                said.printed = count
            case ["flood"]:
                for i in range(2000):
                    self.change("tick", i)
                said.printed = "2000"
            case ["forever"]:
                stopped = threading.Event()
                with request.interruptible(stopped.set):
                    stopped.wait(60)
                said.error = report("interrupted", "the evaluation was interrupted", statement, line)
            case ["deaf"]:
                time.sleep(60)
            case ["slow"]:
                time.sleep(1.5)
                said.printed = "late"
            case ["die"]:
                time.sleep(0.2)
                import os

                os._exit(9)
            case ["Transcript", "showCr:", "(genesis", "ask:", *words]:
                self.talk(request, said, " ".join(words))
            case ["savings", "withdraw:", amount]:
                if command.policy == "off":
                    said.error = report("not-understood", "Account does not understand withdraw:", statement, line)
                else:
                    self.propose(request, said, amount)
            case _:
                said.error = report("zero-divide", f"ZeroDivide: {statement}", statement, line)
        return said

    def talk(self, request: Request, said: Outcome, words: str) -> None:
        """A wish in words: code to be run once, which the person may edit."""
        code = "self.button = ButtonMorph.clone()\nself.button.openInWorld()"
        approval = Approval(
            prototype="Object", selector="ask:", explanation=f"You said {words}.", code=code, gates=GATES,
            replaces="self.button = nil", note="the second try", title="You asked the model.",
        )  # fmt: skip
        answer = request.ask(approval, 60)
        if answer.decision in ("yes", "edit"):
            said.transcript = f"made a ButtonMorph\n{answer.code or ''}"
        else:
            said.error = report("declined", "it was not run", "Transcript showCr:", 1)

    def propose(self, request: Request, said: Outcome, amount: str) -> None:
        """A miss: the model thinks for a second, proposes, and again for as long as the person wants another try."""
        hint = ""
        while True:
            for word in ("balance ", ":= ", "balance ", "- ", "amount"):
                request.send(Progress(phase="the model writes Account>>withdraw:", elapsed=0.2, tokens=1, text=word))
                time.sleep(0.2)
            approval = Approval(
                prototype="Account",
                selector="withdraw:",
                explanation="Takes the amount from the balance." + (f" You said: {hint}" if hint else ""),
                code=BODY,
                gates=GATES,
            )
            answer = request.ask(approval, 60)
            if answer.decision != "retry":
                break
            hint = answer.hint
        if answer.decision == "no":
            said.error = report("not-understood", "Account does not understand withdraw: (declined)", "savings", 1)
        else:
            said.printed = f"{answer.decision} {answer.code or ''}".strip()


def report(code: str, message: str, source: str, line: int) -> Frame:
    stack = [f"Account(Object)>>step{i}: line 1" for i in range(40)]
    text = f"{message}\n{source}\n^^^\n" + "\n".join(stack[:3])
    return Frame(
        code=code, message=message, origin="<input>", line=line, column=3, length=3, source_line=source, stack=stack,
        python="Traceback (most recent call last):\nZeroDivisionError", text=text,
    )  # fmt: skip


def main(endpoint: str) -> None:
    puppet = Puppet()
    puppet.server = Server(endpoint, puppet)
    puppet.server.bind()
    print("a puppet, not a kernel, listens", flush=True)
    asyncio.run(puppet.server.run())


if __name__ == "__main__":
    main(sys.argv[1])
