"""A grammar (GBNF) of the methods that make sense for one receiver, which a small model cannot leave.

Slots and arguments come with what kind of value they hold now, so that a number is not added to a name, and no slot
can be written that is not there. Made for simple receivers only: where a slot or an argument is neither number, text
nor Boolean there is no grammar, and the gates judge freely written code instead. On the everyday misses of
benchmarks/jit this grammar is the difference between code that parses and code that is mostly right (docs/jit.md).
"""

from __future__ import annotations

from collections.abc import Sequence

from .situation import Argument, Slot

NUMBERS = ("int", "float")


def method_grammar(
    slots: Sequence[Slot], arguments: Sequence[Argument], question: bool = False, indent: str = "        "
) -> str | None:
    """The grammar of a body, begun one space before its first statement; None where the receiver is not simple.

    question: the selector asks for true or false, so that is what the method answers, and it changes nothing.
    """
    kinds = {s.kind for s in slots} | {a.kind for a in arguments}
    if not slots or kinds - {*NUMBERS, "bool", "str"}:
        return None
    numbers, truths, texts = _names(slots, NUMBERS), _names(slots, ("bool",)), _names(slots, ("str",))
    typed = [(n, "num") for n in numbers] + [(n, "bool") for n in truths] + [(n, "text") for n in texts]
    numbers += _plain(arguments, NUMBERS)
    truths += _plain(arguments, ("bool",))
    texts += _plain(arguments, ("str",))
    # A small model goes on adding terms: each operand once, and a constant, is enough for what is usual.
    operations, joins = min(3, max(1, len(numbers) - 1)), min(3, len(texts) + 1)
    change = f'assign "\\n{indent}" (assign "\\n{indent}"){{0,{min(3, len(slots)) - 1}}} "return self"'
    rules = {
        "root": '" return " cond end' if question else f'" " ("return " answer | {change}) end',
        # A method in a class ends in one token, two newlines: a grammar with but one would hide the end from the model.
        "end": r'"\n" "\n"?',
        "assign": " | ".join(f'"{name} = " {kind}' for name, kind in typed),
        "answer": "num | bool | text",
        "num": f'nterm (" " op " " nfactor){{0,{operations}}}',
        "nfactor": 'nterm | "(" nterm " " op " " nterm ")"',
        "op": '"+" | "-" | "*" | "/"',
        "nterm": " | ".join([f'"{n}"' for n in numbers] + ["number"]),
        "bool": '"True" | "False" | cond',
        "cond": 'num " " cmp " " num'
        + (' | ("not ")? bterm' if truths else "")
        + (' | tterm " == " tterm' if texts else ""),
        "cmp": '"==" | "!=" | "<" | ">" | "<=" | ">="',
        "text": f'tterm (" + " tterm){{0,{joins}}}',
        "tterm": " | ".join([f'"{n}"' for n in texts] + ["string"]),
        "number": '[0-9]{1,4} ("." [0-9]{1,2})?',
        "string": '"\'" [A-Za-z0-9 ,.!?:-]{0,30} "\'"',
    }
    if truths:
        rules["bterm"] = " | ".join(f'"{n}"' for n in truths)
    if question:
        for unused in ("assign", "answer", "bool", "text"):
            del rules[unused]
    return "".join(f"{name} ::= {rule}\n" for name, rule in rules.items())


def _names(slots: Sequence[Slot], kinds: Sequence[str]) -> list[str]:
    return [f"self.{s.name}" for s in slots if s.kind in kinds]


def _plain(arguments: Sequence[Argument], kinds: Sequence[str]) -> list[str]:
    return [a.name for a in arguments if a.kind in kinds]
