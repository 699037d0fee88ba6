"""Every kind of bad line is caught, counted and kept with its reason; hostile code costs its own line and no more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from batos.training.leaks import HeldOut, held_out
from batos.training.talk import unknown_names
from batos.training.validate import ValidationReport, validate


def talk(*codes: str) -> str:
    messages: list[dict[str, Any]] = []
    for number, code in enumerate(codes):
        messages.append({"role": "architect", "content": f"please, {number}"})
        messages.append({"role": "uvm_jit", "content": {"explanation": "so", "code": code}})
    return json.dumps({"messages": messages})


def row(answer: str, **more: Any) -> str:
    messages = [{"role": "user", "content": "q"}, {"role": "assistant", "content": answer}]
    return json.dumps({"id": "r", "task": "code", "messages": messages, **more})


ADD = "def add_(self, amount):\n    self.n = self.n + amount\n    return self\n"
TRIAL = {"slots": {"n": 3}, "calls": [{"selector": "add:", "arguments": [4], "answer": "self", "after": {"n": 7}}]}
CONTROL = "RECEIVER: boolean_false_prototype\nMESSAGE: ifTrue:ifFalse:\nARG_1: block_a\nARG_2: block_b"


def control(answer: str) -> str:
    messages = [{"role": "user", "content": CONTROL}, {"role": "assistant", "content": answer}]
    return json.dumps({"id": "c", "task": "control", "messages": messages})


def call(answer: str) -> str:
    messages = [{"role": "user", "content": "undo"}, {"role": "assistant", "content": answer}]
    return json.dumps({"id": "f", "task": "function", "messages": messages})


def persona(answer: str) -> str:
    messages = [{"role": "user", "content": "I doubt it."}, {"role": "assistant", "content": answer}]
    return json.dumps({"id": "p", "task": "persona", "messages": messages})


LINES: list[tuple[str, str, str]] = [
    (talk("self.a = Object.clone()\nself.a.setSlot_value_('n', 3)", "self.b = self.a.n + 1"), "", ""),
    (row(ADD, trial=TRIAL), "", ""),
    (control("EXECUTE: block_b"), "", ""),
    (call('{"tool_calls": [{"name": "undo", "arguments": {"count": 3}}]}'), "", ""),
    ("{broken", "json", "line 5: not JSON"),
    (json.dumps({"messages": []}), "schema", "line 6, field messages"),
    (talk("x = (1 +"), "syntax", "line 7, turn 2, field content.code"),
    (talk("self.a = 1", "self.b.setSlot_value_('x', 1)"), "names", "turn 4, field content.code: self.b is used"),
    (talk("Gadget.foo()"), "names", "Gadget is used before anything makes it"),
    (talk("self.x = 1 / 0"), "execution", "turn 2, field content.code"),
    (row(ADD.replace("+", "-"), trial=TRIAL), "execution", "add: answers self and leaves {'n': -1}"),
    (row("def add_(self, amount)\n    return 1\n"), "syntax", "turn 2, field content"),
    (control("EXECUTE: block_a"), "execution", "the interpreter does 'EXECUTE: block_b'"),
    (call('{"tool_calls": [{"name": "undo", "arguments": {"count": 0}}]}'), "execution", "undo, argument count"),
    (call("I would undo it."), "execution", "the answer is not JSON"),
    (talk("while True:\n    pass"), "execution", "line 16: it ran longer than"),
    (talk("import json\njson.codecs.sys.modules['os']._exit(3)"), "execution", "line 17: its process ended"),
    (talk("self.x = [0] * 10**12"), "execution", ""),
    (talk("self.x = open('/etc/passwd').read()"), "execution", ""),
    ('{"messages": ' + "[" * 15_000, "json", "not JSON: recursion limit"),
    (row(ADD.replace("n +", "n  +"), trial=TRIAL), "duplicate", "an earlier line says the same"),
    (row(ADD, trial=TRIAL), "duplicate", "an earlier line says the same"),
    (row(ADD.replace("add_", "secret_")), "leak", "the method secret_ is held out"),
    (talk("import os\nos.system('true')"), "names", "turn 2, field content.code: import of os"),
    (talk("from subprocess import run"), "names", "import of subprocess"),
    (talk("import math\nself.n = math.floor(2.5)"), "", ""),
    (persona("hi"), "execution", "turn 2, field content: it is not (ROBIN): ..."),
    (persona("(ROBIN): I hear it.\n\n(BRICK): Noted."), "execution", "BRICK does not build on what ROBIN said"),
]  # fmt: skip
HELD = HeldOut(frozenset({"Hidden"}), frozenset({"secret:"}), frozenset())


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> tuple[ValidationReport, Path]:
    folder = tmp_path_factory.mktemp("lines")
    source = folder / "in.jsonl"
    source.write_text("".join(line + "\n" for line, _, _ in LINES), encoding="utf-8")
    patch = pytest.MonkeyPatch()
    patch.setenv("BATOS_LINE_SECONDS", "3")
    report = validate(source, folder / "good", folder / "rejected", jobs=2, leaks=HELD)
    patch.undo()
    return report, folder


def test_each_line_has_the_reason_it_should(judged: tuple[ValidationReport, Path]) -> None:
    report, folder = judged
    rejected = {told["line"]: told for told in map(json.loads, (folder / "rejected").read_text().splitlines())}
    for number, (text, reason, detail) in enumerate(LINES, 1):
        told = rejected.get(number, {"reason": "", "detail": "", "text": text})
        assert (told["reason"], told["text"]) == (reason, text), (number, told)
        assert detail in told["detail"], (number, told)
    assert report.lines == len(LINES)
    assert sum(report.reasons.values()) == len(rejected) == report.lines - report.good


def test_good_lines_are_kept_as_they_were(judged: tuple[ValidationReport, Path]) -> None:
    report, folder = judged
    kept = (folder / "good").read_text(encoding="utf-8").splitlines()
    assert kept == [text for text, reason, _ in LINES if not reason]
    assert report.good == len(kept)
    assert "json" in report.table() and "execution" in report.table()


def test_an_empty_file_and_blank_lines_are_no_error(tmp_path: Path) -> None:
    (tmp_path / "in").write_text("\n\n")
    assert validate(tmp_path / "in", jobs=1).lines == 0


def test_the_real_held_out_half_is_read() -> None:
    held = held_out()
    assert len(held.selectors) > 50 and held.prototypes
    name = sorted(held.selectors)[0]
    assert "held out" in held.why({"selectors": [name], "messages": []})
    assert held.why({"prototype": "Qzx", "selectors": ["qzx"], "messages": []}) == ""


def test_a_name_must_be_made_before_it_is_used() -> None:
    codes = [(2, "Smalltalk.at_put_('A', Object.clone())\nself.a = A.clone()\nn = 3"), (4, "self.a.x = n\nB.y()")]
    assert unknown_names(codes, {"Object", "Smalltalk"}) == [(4, "n"), (4, "B")]
