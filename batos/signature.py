"""What the message that is being typed wants: the heads of the methods it may mean. Nothing is run for it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .bridge.covenant import Data, Signature
from .completion import UNKNOWN, receiver_at, workspace_of
from .grammar.python_text import parse_python
from .image.object import Body, own_slots
from .snapshot import cut, slots_of

if TYPE_CHECKING:
    from .interp.world import World

# Strings, comments and characters hide what is in them; a keyword is a word with a colon that is no assignment.
TOKENS = re.compile(
    r"""(?P<hidden>'(?:[^']|'')*'? | "[^"]*"? | \$. | \#[A-Za-z:]+) | (?P<keyword>[A-Za-z_]\w*:(?!=))
      | (?P<word>[A-Za-z_]\w*) | (?P<open>[(\[{]) | (?P<close>[)\]}]) | (?P<end>:=|[.^|!]) | (?P<again>;)""",
    re.VERBOSE | re.DOTALL,
)


@dataclass
class Message:
    """A message that is being written: where its receiver begins and ends, and its keywords so far."""

    start: int
    end: int = -1
    keywords: list[str] = field(default_factory=list)


def signature(world: World, command: Signature) -> Data:
    """Signatures for the message at the cursor: the receiver's own, or if that cannot be told, anybody's."""
    before = command.source[: command.position]
    message = message_at(before)
    if message is None:
        return Data(data=[])
    selector = "".join(message.keywords)
    receiver_text = before[message.start : message.end].strip()
    receiver: Any = UNKNOWN
    if receiver_text and not re.search(r"[\s(){}\[\]]", re.sub(r"'(?:[^']|'')*'", "''", receiver_text)):
        receiver = receiver_at(world, workspace_of(world, command.workspace), receiver_text + " ")
    if receiver is UNKNOWN:
        from .commands import prototypes

        places: list[Any] = prototypes(world)
    else:
        places = list(world.family(receiver).order)
        if isinstance(receiver, Body) and receiver not in places:
            places.insert(0, receiver)
    found: dict[str, dict[str, str]] = {}
    for owner, method in _methods(places, selector):
        slots = own_slots(method)
        name = str.__str__(slots["selector"])
        if name not in found:
            comment = str(slots.get("comment") or "").split("\n")[0]
            told = {"owner": world.describe(owner), "signature": head_of(name, slots["source"], slots["language"])}
            found[name] = {**told, "comment": cut(comment, 200)}
        if len(found) >= 50:
            break
    ordered = sorted(found.items(), key=lambda item: (item[0] != selector, len(item[0])))
    return Data(data=[told for _, told in ordered[: command.limit]])


def _methods(places: list[Any], selector: str) -> Iterator[tuple[Any, Any]]:
    for one in places:
        for name, value, method in slots_of(one):
            if method and name.removeprefix("&").startswith(selector):
                yield one, value


def message_at(before: str) -> Message | None:
    """The innermost keyword message that the end of the text is in; None if it is in none."""
    messages = [Message(0)]
    for token in TOKENS.finditer(before):
        kind, now = token.lastgroup, messages[-1]
        if kind == "keyword":
            if now.end < 0:
                now.end = token.start()
            now.keywords.append(token.group())
        elif kind == "open":
            messages.append(Message(token.end()))
        elif kind == "close" and len(messages) > 1:
            messages.pop()
        elif kind == "end":
            messages[-1] = Message(token.end())
        elif kind == "again":
            now.keywords = []
    return next((message for message in reversed(messages) if message.keywords), None)


def head_of(selector: str, source: str, language: str) -> str:
    """`at: index put: value`: a method's selector with the names of its arguments."""
    names: list[str] = []
    if language == "python":
        try:
            function = next(node for node in parse_python(source).body if isinstance(node, ast.FunctionDef))
            names = [argument.arg for argument in function.args.args[1:]]
        except (SyntaxError, StopIteration, ValueError):
            pass
    else:
        names = re.findall(r"(?:\w+:|[^\w\s\[:]+)\s*(\w+)", source.split("[")[0])
    parts = re.findall(r"\w+:", selector) or [selector]
    if len(parts) == 1 and not names:
        return selector
    return " ".join(f"{part} {name}" for part, name in zip(parts, [*names, *["?"] * len(parts)], strict=False))
