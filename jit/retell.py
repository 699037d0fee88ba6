"""Message syntax retold in Python, for a model to read beside the method it is to write.

A small model imitates what stands above: `deposit: amount [ balance := balance + amount. ^self ]` shown as a Python
method helps it where the original does not. Only what has a plain Python counterpart is retold; the rest is left out.
The result is never run.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..grammar import nodes
from .gates.allow import python_name

OPERATORS = {
    "+": "+", "-": "-", "*": "*", "/": "/", "//": "//", "\\\\": "%", "<": "<", ">": ">", "<=": "<=",
             ">=": ">=", "=": "==", "~=": "!=",
    "==": "is", "~~": "is not", "&": "and", "|": "or", ",": "+",
}  # fmt: skip
MULTIPLY = ("*", "/", "//", "\\\\")  # a left operand that binds as tightly as Python knows
WORDS = {"nil": "None", "true": "True", "false": "False", "self": "self"}
MAX_LINES = 12


class NoCounterpart(Exception):
    """This piece of message syntax has no plain Python counterpart."""


def retell(method: nodes.Method, slots: Iterable[str]) -> str | None:
    """The method as a Python function, or None where that would not be plain.

    slots: names that are data slots of self; every other free name is one of the world's.
    """
    if method.language == "python":
        lines = method.text.splitlines()
    else:
        try:
            lines = _Teller(set(slots), {*method.params, *method.temps}).statements(method.body)
        except NoCounterpart:
            return None
        if not method.body or not isinstance(method.body[-1], nodes.Return):
            lines.append("return self")
    if len(lines) > MAX_LINES:
        return None
    head = f"def {python_name(method.selector)}({', '.join(('self', *method.params))}):"
    return "\n".join([head, *("    " + line for line in lines)])


class _Teller:
    def __init__(self, slots: set[str], variables: set[str]) -> None:
        self.slots = slots
        self.variables = variables

    def statements(self, body: Iterable[nodes.Node]) -> list[str]:
        return [line for node in body for line in self.statement(node)]

    def statement(self, node: nodes.Node) -> list[str]:
        if isinstance(node, nodes.Return):
            return [f"return {self.value(node.value)}"]
        if isinstance(node, nodes.Assign):
            return [f"{self.name(node.name)} = {self.value(node.value)}"]
        if isinstance(node, nodes.Send) and node.selector in ("ifTrue:", "ifFalse:", "ifTrue:ifFalse:"):
            return self.condition(node)
        if isinstance(node, nodes.Variables):
            return []
        return [self.value(node)]

    def condition(self, node: nodes.Send) -> list[str]:
        test = self.value(node.receiver)
        blocks = [self.block(a) for a in node.args]
        if node.selector == "ifFalse:":
            test = f"not ({test})"
        lines = [f"if {test}:", *("    " + line for line in blocks[0])]
        if len(blocks) == 2:
            lines += ["else:", *("    " + line for line in blocks[1])]
        return lines

    def block(self, node: nodes.Node) -> list[str]:
        if not isinstance(node, nodes.Block) or node.params or not node.body:
            raise NoCounterpart
        return self.statements(node.body)

    def value(self, node: nodes.Node) -> str:
        if isinstance(node, nodes.Number) and isinstance(node.value, int | float):
            return repr(node.value)
        if isinstance(node, nodes.String):
            return repr(node.value)
        if isinstance(node, nodes.Pseudo) and node.name in WORDS:
            return WORDS[node.name]
        if isinstance(node, nodes.Name):
            return self.name(node.name)
        if isinstance(node, nodes.Send):
            return self.send(node)
        raise NoCounterpart

    def send(self, node: nodes.Send) -> str:
        args = [self.value(a) for a in node.args]
        if node.selector in OPERATORS:
            left, right = self.operand(node.receiver, False), self.operand(node.args[0], True)
            return f"{left} {OPERATORS[node.selector]} {right}"
        if not node.args and node.selector == "not":
            return f"not {self.operand(node.receiver, True)}"
        if not node.selector[0].isalpha() or isinstance(node.receiver, nodes.Block):
            raise NoCounterpart
        if isinstance(node.receiver, nodes.Pseudo) and node.receiver.name == "super":
            raise NoCounterpart
        receiver = self.value(node.receiver)
        if not node.args and node.selector in self.slots:
            return f"{receiver}.{node.selector}"
        return f"{receiver}.{python_name(node.selector)}({', '.join(args)})"

    def operand(self, node: nodes.Node, right: bool) -> str:
        """Message syntax binds binary sends alike, from left to right; Python does not."""
        told = self.value(node)
        if not isinstance(node, nodes.Send) or node.selector not in OPERATORS:
            return told
        return f"({told})" if right or node.selector not in MULTIPLY else told

    def name(self, name: str) -> str:
        if name in self.variables:
            return name
        if name in self.slots:
            return f"self.{name}"
        if name[:1].isupper() and "." not in name:
            return name
        raise NoCounterpart
