"""The static gates: what people write passes, and none of the hostile bodies in escapes/ does."""

from __future__ import annotations

from pathlib import Path

import pytest

from batos.jit.crucible import assay
from batos.jit.gates.verdict import Candidate, Surroundings, Verdict

ESCAPES = sorted((Path(__file__).parent / "escapes").glob("*.txt"))
ACCOUNT = Surroundings(
    prototype="Account",
    data_slots=frozenset({"balance", "items", "name"}),
    selectors=frozenset({"deposit:", "balance", "balance:", "show"}),
    vocabulary=frozenset({"do:", "add:", "setSlot:value:", "perform:", "format", "gi_frame", "quit", "size"}),
    world_names=frozenset({"Account", "Object", "Smalltalk", "Transcript", "Bank"}),
)


def judge(source: str, selector: str = "attack:") -> tuple[Verdict, ...]:
    name = selector.replace(":", "_")
    parameters = tuple(f"amount{i or ''}" for i in range(selector.count(":")))
    return assay(Candidate(selector, name, parameters, source), ACCOUNT).verdicts


@pytest.mark.parametrize("path", ESCAPES, ids=lambda p: p.stem)
def test_no_escape_passes(path: Path) -> None:
    first, _, source = path.read_bytes().decode().partition("\n")
    gate = first[2:].partition(":")[0]
    verdict = judge(source)[-1]
    assert (verdict.gate, verdict.passed) == (gate, False), verdict.reason
    assert verdict.reason and "\n" not in verdict.reason


def test_the_corpus_is_large() -> None:
    assert len(ESCAPES) >= 100


GOOD = {
    "attack:": [
        "self.balance = self.balance - amount\nreturn self",
        "self.balance -= amount\nreturn self",
        "if amount > self.balance:\n    raise ValueError('insufficient funds')\nself.deposit_(-amount)\nreturn self",
        "total = 0\nfor x in self.items:\n    if x > amount:\n        total += x\nreturn total",
        "return [x * amount for x in self.items if x]",
        "import math\nreturn math.sqrt(amount) + math.pi",
        "from math import floor as down\nreturn down(amount)",
        "try:\n    return self.balance / amount\nexcept ZeroDivisionError as e:\n    return str(e)",
        "return f'{self.name}: {amount:.2f}'",
        "return sorted(self.items, key=lambda x: -x)[:amount]",
        "self.items.append(amount)\nreturn self",
        "self.items.do_(lambda x: self.deposit_(x + amount))\nreturn self",
        "a, b = amount, 2\nwhile a > b:\n    a = a - b\nreturn a ** 2",
        "return Account.show() if amount else Bank",
        "return amount in {'a': 1} and not isinstance(amount, str)",
        "if amount <= 1:\n    return 1\nreturn amount * self.attack_(amount - 1)",
    ],
    "attack": ["return self.name.upper() + '!'", "return sum(self.items) / len(self.items)", "return True"],
}


@pytest.mark.parametrize(("selector", "body"), [(s, b) for s, bodies in GOOD.items() for b in bodies])
def test_plain_methods_pass(selector: str, body: str) -> None:
    head = "def attack_(self, amount):\n" if selector.endswith(":") else "def attack(self):\n"
    source = head + "".join(f"    {line}\n" for line in body.split("\n"))
    assert judge(source, selector)[-1].passed, judge(source, selector)[-1].reason


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("return self.balanc - amount", "did you mean balance?"),
        ("return balance - amount", "write self.balance"),
        ("self.volume = amount\nreturn self", "Account has no slot volume to write"),
        ("self.balance = self.balance - 30\nreturn self", "the argument amount is never used"),
        ("return self.balance +* amount", "line 2: not Python"),
    ],
)
def test_a_refusal_tells_how_to_do_better(body: str, says: str) -> None:
    source = "def attack_(self, amount):\n" + "".join(f"    {line}\n" for line in body.split("\n"))
    assert says in judge(source)[-1].reason


def test_effects_are_told() -> None:
    verdicts = judge("def attack_(self, amount):\n    self.balance += amount\n    return self.show()\n")
    assert verdicts[2].details == {"writes": ("balance",), "reads": ("balance",), "sends": ("show",)}
    assert [v.gate for v in verdicts] == ["shape", "allow", "effects", "properties"]


def test_a_receiver_without_slots_may_get_its_first() -> None:
    candidate = Candidate("turnOn", "turnOn", (), "def turnOn(self):\n    self.on = True\n    return self\n")
    assert assay(candidate, Surroundings("Lamp")).passed
