"""What the kernel does for each command that looks or writes, in a transaction: `carry_out` and a function for each."""

from __future__ import annotations

import ast
import textwrap
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from .bridge.codes import Code
from .bridge.covenant import (
    Browse,
    Command,
    Complete,
    CreateMethodCommand,
    Data,
    Done,
    Entry,
    GetFullStateCommand,
    GetScene,
    History,
    Implementors,
    Inspect,
    MethodEntry,
    MethodReply,
    Methods,
    Page,
    Reply,
    Senders,
    Signature,
    UpdatePropertyCommand,
    UvmStateUpdateEvent,
    Written,
)
from .grammar.python_text import parse_python
from .image.method import Method, earlier, python_name
from .image.object import Body, own_slots
from .snapshot import Refused, as_data, cut, from_data, handle_of, methods_of, names_of, object_of, show, state_of

if TYPE_CHECKING:
    from .interp.world import World


def carry_out(world: World, command: Command, author: str) -> Reply:
    """The reply to a command; Refused if it cannot be carried out."""
    match command:
        case GetFullStateCommand():
            thing = object_of(world, command.target)
            state, truncated = state_of(world, thing)
            return UvmStateUpdateEvent(state=state, target=handle_of(thing) or "", truncated=truncated)
        case UpdatePropertyCommand():
            return update_property(world, command)
        case CreateMethodCommand():
            return create_method(world, command, author)
        case Inspect():
            return inspect(world, command)
        case Complete():
            from .completion import complete

            return complete(world, command)
        case Signature():
            from .signature import signature

            return signature(world, command)
        case Browse():
            return browse(world, command)
        case GetScene():
            from .scene import scene_page

            return scene_page(world, command)
        case Written():
            return written(world, command)
        case Implementors():
            return implementors(world, command)
        case Senders():
            return senders(world, command)
        case History() if command.selector is not None:
            return versions(world, command)
    raise Refused(Code.NOT_OFFERED, f"this kernel does not do {type(command).__name__}")


def update_property(world: World, command: UpdatePropertyCommand) -> Reply:
    from .interp.families import is_method

    thing = object_of(world, command.target)
    name = command.property_name
    if is_method(own_slots(thing).get(name)):
        raise Refused(Code.BAD_VALUE, f"{name} is a method of {world.describe(thing)}; create_method replaces it")
    if name[0] in "_&" or (name.endswith("*") and name != "parent*"):
        raise Refused(Code.NO_SUCH_SLOT, f"{name!r} cannot be the name of a slot")
    value = from_data(world, command.property_value)
    if name == "parent*" and not isinstance(value, Body):
        raise Refused(Code.BAD_VALUE, "parent* holds an object, or a list of objects")
    try:
        thing._slots[name] = value
    except KeyError as problem:
        raise Refused(Code.NO_SUCH_SLOT, str(problem.args[0])) from None
    return Done()


# -- methods ----------------------------------------------------------------------------------------------------------


def create_method(world: World, command: CreateMethodCommand, author: str) -> Reply:
    thing = object_of(world, command.target)
    source, language = method_source(command.method_name, command.method_code, command.language)
    method = Method(command.method_name, source, language, author=author, intent=command.intent)
    world.define(thing, method)
    return method_reply(world, thing, method)


def method_source(selector: str, code: str, language: str | None) -> tuple[str, str]:
    """Source and language ("smalltalk" or "python") of a method, from code that may be whole, or a body alone.

    Refused if it is neither message syntax nor Python, or is a method for another selector.
    """
    from .grammar import SyntaxProblem, parse_method

    message_problem = ""
    if language is None and is_python(code):
        language = "python"
    if language != "python":
        for attempt in (code, f"{selector} [ {code} ]", f"{selector} [ {code}\n]"):
            try:
                found = parse_method(attempt)
            except SyntaxProblem as problem:
                message_problem = message_problem or problem.message
                continue
            if found.selector != selector:
                raise Refused(Code.BAD_METHOD, f"the code defines {found.selector!r}, not {selector!r}")
            return attempt, found.language
    if language != "message":
        return _python_source(selector, code, message_problem if language is None else ""), "python"
    raise Refused(Code.BAD_METHOD, message_problem)


# What Python has and message syntax has not. Some texts are both: `return self.balance * 3` is two statements of
# messages.
PYTHONIC = (
    ast.stmt, ast.Call, ast.Attribute, ast.Subscript, ast.BoolOp, ast.Compare, ast.List, ast.Dict, ast.Lambda,
    ast.IfExp,
)  # fmt: skip
NEITHER = (ast.Expr, ast.AnnAssign, ast.Pass)


def is_python(code: str) -> bool:
    """Does the code read as Python, rather than as messages?"""
    try:
        tree = parse_python(textwrap.dedent(code))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return code.startswith("def ") and "(" in code.split("\n")[0]
    return any(isinstance(node, PYTHONIC) and not isinstance(node, NEITHER) for node in ast.walk(tree))


def _python_source(selector: str, code: str, message_problem: str) -> str:
    name = python_name(selector)
    code = textwrap.dedent(code).strip("\n")
    if not name.isidentifier():
        raise Refused(Code.BAD_METHOD, f"{selector!r} has no Python name")
    try:
        tree = parse_python(code)
        if not (len(tree.body) == 1 and isinstance(tree.body[0], ast.FunctionDef)):
            if ":" in selector or not selector.isidentifier():
                raise Refused(Code.BAD_METHOD, f"write it as def {name}(self, ...): its arguments need names")
            code = f"def {name}(self):\n" + "\n".join("    " + line for line in code.splitlines())
            tree = parse_python(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as problem:
        why = f"no message syntax ({message_problem}) and " if message_problem else ""
        where = f", line {problem.lineno}" if isinstance(problem, SyntaxError) else ""
        raise Refused(Code.BAD_METHOD, f"{why}no Python ({problem_of(problem)}{where})") from None
    function = tree.body[0]
    assert isinstance(function, ast.FunctionDef)
    if function.name != name:
        raise Refused(Code.BAD_METHOD, f"the code defines {function.name!r}, not {name!r}")
    wanted = selector.count(":") if ":" in selector else int(not selector.isidentifier())
    given = len(function.args.posonlyargs) + len(function.args.args) - 1
    if given != wanted:
        raise Refused(Code.BAD_METHOD, f"{selector} takes {wanted} argument(s) besides self, and {name} takes {given}")
    return code


def problem_of(problem: BaseException) -> str:
    """What Python's parser has against a text; what it has no stack for it says without words."""
    told = str(getattr(problem, "msg", problem))[:200]
    return told or "it is nested too deeply"


def method_reply(world: World, thing: Body, method: Any) -> MethodReply:
    slots = own_slots(method)
    return MethodReply(
        target=handle_of(thing) or "",
        selector=slots["selector"],
        source=cut(slots["source"], 1024 * 1024),
        language=slots["language"],
        author=slots["author"],
        intent=slots["intent"],
        comment=slots["comment"],
    )


def browse(world: World, command: Browse) -> Reply:
    thing = object_of(world, command.target)
    if command.selector is not None:
        method = own_method(thing, command.selector)
        if method is None:
            raise Refused(Code.NO_SUCH_SLOT, f"{world.describe(thing)} has no method {command.selector} of its own")
        return method_reply(world, thing, method)
    owner, handle = world.describe(thing), handle_of(thing) or ""
    found = [
        MethodEntry(
            target=handle, owner=owner, selector=own_slots(value)["selector"], language=own_slots(value)["language"]
        )
        for value in methods_of(thing)
    ]
    return Methods(methods=sorted(found, key=lambda entry: entry.selector)[:5000], truncated=len(found) > 5000)


def own_method(thing: Body, selector: str) -> Any:
    """The object's own method for a selector, or None."""
    from .interp.families import is_method

    slots = own_slots(thing)
    for name in ("&" + selector, selector):
        if is_method(slots.get(name)):
            return slots[name]
    return None


def prototypes(world: World) -> list[Body]:
    """The objects that have a name of the world, each once: where methods live."""
    found: dict[int, Body] = {}
    for value in [world.genesis, *list(own_slots(world.names).values())]:
        if isinstance(value, Body):
            found.setdefault(id(value), value)
    return list(found.values())


def implementors(world: World, command: Implementors) -> Reply:
    found = []
    for thing in prototypes(world):
        method = own_method(thing, command.selector)
        if method is not None:
            found.append(_entry(world, thing, method))
    return Methods(methods=found[: command.limit], truncated=len(found) > command.limit)


def senders(world: World, command: Senders) -> Reply:
    from .mentions import sends

    found: list[MethodEntry] = []
    for thing in prototypes(world):
        for value in methods_of(thing):
            if command.selector in sends(own_slots(value)["source"], own_slots(value)["language"]):
                if len(found) == command.limit:
                    return Methods(methods=found, truncated=True)
                found.append(_entry(world, thing, value))
    return Methods(methods=found)


def _entry(world: World, thing: Body, method: Any) -> MethodEntry:
    slots = own_slots(method)
    return MethodEntry(
        target=handle_of(thing) or "",
        owner=world.describe(thing),
        selector=slots["selector"],
        language=slots["language"],
    )


def versions(world: World, command: History) -> Reply:
    """The versions of one method, newest first."""
    thing = object_of(world, command.target)
    assert command.selector is not None
    method = own_method(thing, command.selector)
    if method is None:
        raise Refused(Code.NO_SUCH_SLOT, f"{world.describe(thing)} has no method {command.selector} of its own")
    found = []
    for one in islice(chain([method], earlier(method)), command.count):
        slots = own_slots(one)
        shown = {name: slots.get(name) for name in ("selector", "source", "language", "author", "intent", "made")}
        provenance = {str(key): as_data(world, value) for key, value in dict(slots.get("provenance") or {}).items()}
        found.append({**shown, "source": cut(slots["source"], 65536), "provenance": provenance})
    return Data(data=found)


def written(world: World, command: Written) -> Reply:
    """The methods a model wrote, with where each came from, newest first."""
    from .jit.story import stories

    found = sorted(stories(world), key=lambda story: str(story.provenance.get("time", "")), reverse=True)
    shown = []
    for story in found[: command.count]:
        provenance = {str(key): as_data(world, value) for key, value in story.provenance.items() if key != "gates"}
        gates = [
            {str(key): cut(str(said), 4096) for key, said in gate.items()} for gate in story.provenance.get("gates", ())
        ]
        shown.append(
            {
                "target": handle_of(world.lookup(story.prototype)) or "",
                "prototype": story.prototype,
                "selector": story.selector,
                "author": story.author,
                "intent": cut(story.intent, 4096),
                "source": cut(story.source, 65536),
                "told": story.line(),
                "provenance": provenance,
                "gates": gates,
            }
        )
    return Data(data=shown)


# -- looking ----------------------------------------------------------------------------------------------------------


def inspect(world: World, command: Inspect) -> Page:
    """One page of slots, then elements. The page is cut out before anything is shown, so its cost is its own size."""
    from .interp.families import is_method

    thing = object_of(world, command.target)
    wanted = command.find
    slots = own_slots(thing)
    named = names_of(thing)
    if wanted:
        named = [name for name in named if wanted in name]
    items = slots.get("_items")
    total = len(named)
    entries = [
        Entry(
            name=cut(name, 512), printed=show(world, slots[name]), handle=handle_of(slots[name]),
            method=is_method(slots[name]),
        )
        for name in named[command.start : command.start + command.count]
    ]  # fmt: skip
    if isinstance(items, list | dict | bytearray | str | set) and not wanted:
        start = max(0, command.start - total)
        room = command.count - len(entries)
        total += len(items)
        entries += [
            Entry(name=name, printed=show(world, value), handle=handle_of(value))
            for name, value in elements(world, items, start, room)
        ]
    return Page(
        target=handle_of(thing) or "",
        printed=world.describe(thing),
        start=command.start,
        total=total,
        entries=entries,
    )


def elements(world: World, items: Any, start: int, count: int) -> list[tuple[str, Any]]:
    """Some of a collection's elements, named by index (from 1) or key."""
    from itertools import islice

    if isinstance(items, dict):
        return [(show(world, key), value) for key, value in islice(items.items(), start, start + count)]
    if isinstance(items, set):
        return [(str(start + n + 1), value) for n, value in enumerate(islice(items, start, start + count))]
    return [(str(start + n + 1), value) for n, value in enumerate(items[start : start + count])]
