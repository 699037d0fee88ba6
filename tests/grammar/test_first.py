"""The smallest proof that text becomes a tree; the room's other tests go further."""

from batos.grammar import parse
from batos.grammar.nodes import Define, Name, Number, Send


def test_statements_and_definitions() -> None:
    define, send = parse("Account >> deposit: amount [ balance := balance + amount ] 3 - -4.").statements
    assert isinstance(define, Define) and define.target == Name("Account")
    assert define.method.selector == "deposit:" and define.method.text == " balance := balance + amount "
    assert send == Send(Number(3), "-", (Number(-4),))
