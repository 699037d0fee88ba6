"""The stack of a message that failed, kept to be looked around in: frames, their variables, messages sent in a frame.

The message's transaction is over by then, and so is its world as it was. So a stack is taken down while the message
fails, as things that mean the same to every worker later: values as themselves, objects of the image by their oid, and
objects that the message had made (which were never stored) as copies of their slots. Nothing in it belongs to a
connection, no transaction stays open, and any worker can carry out a message in a frame.

An object of the image is then what it is now, after the failed message was taken back; what the variables and the
receiver's slots were is there as text.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Any

from .bridge.codes import Code
from .bridge.covenant import Entry, StackFrame, StackReply
from .image.object import Body, Box, own_slots, set_dict
from .image.values import Character, ScaledDecimal, Symbol
from .snapshot import Refused, cut, show, slots_of

if TYPE_CHECKING:
    from .interp.stack import Place
    from .interp.world import World

MOST_STACKS = 64  # of all sessions together; the oldest goes
SECONDS = 1800.0  # that a stack is kept
MOST_FRAMES = 100
MACHINERY = 50  # frames of the library's exceptions above the place of the error, at most
MOST_VARIABLES = 50  # of one frame
MOST_COPIES = 300  # objects of one stack that are copied because the message had made them
MOST_BYTES = 4 << 20  # of all values of one stack together, roughly; what is beyond is shown and not kept
GONE = "which is shown as it was, and cannot be used again"
PLAIN = (bool, int, float, Fraction, ScaledDecimal, str, Symbol, Character, bytes)


@dataclass
class Kept:
    """A value of a frame. `how`: plain (`what` is it), stored (its oid), copy (its class, and its slots as Kept), lost
    (it can be shown only)."""

    printed: str
    how: str
    what: Any = None


@dataclass
class KeptFrame:
    label: str
    line: int  # from 1, in `source`
    column: int
    length: int
    source: str
    origin: str
    first_line: int
    home: bytes  # the oid of the object whose slot holds the method; empty for a statement
    receiver: Kept
    variables: dict[str, Kept]
    slots: list[tuple[str, str]]


@dataclass
class Stack:
    """What is kept of one failed message. `missing`: prototype, selector and parameters of a method that was not
    there."""

    statement: str
    workspace: str
    frames: list[KeptFrame]
    missing: dict[str, Any] | None = None
    since: float = field(default_factory=monotonic)


class Stacks:
    """The last failed message of each session."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[bytes, Stack] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, session: bytes, stack: Stack) -> None:
        with self._lock:
            self._kept[session] = stack
            self._kept.move_to_end(session)
            horizon = monotonic() - SECONDS
            for old in [s for s, kept in self._kept.items() if kept.since < horizon]:
                del self._kept[old]
            while len(self._kept) > MOST_STACKS:
                self._kept.popitem(last=False)

    def of(self, session: bytes) -> Stack:
        """Refused if there is none (any more)."""
        with self._lock:
            stack = self._kept.get(session)
        if stack is None or monotonic() - stack.since > SECONDS:
            raise Refused(Code.NO_SUCH_STACK, "no stack of this session is kept; they go after half an hour")
        return stack

    def frame(self, session: bytes, number: int) -> KeptFrame:
        frames = self.of(session).frames
        if number >= len(frames):
            raise Refused(Code.NO_SUCH_STACK, f"there is no frame {number}; the last one is {len(frames) - 1}")
        return frames[number]


def reply_of(stack: Stack) -> StackReply:
    return StackReply(
        statement=cut(stack.statement, 65536),
        missing=stack.missing,
        frames=[
            StackFrame(
                label=cut(frame.label, 512),
                line=frame.line,
                column=frame.column,
                length=frame.length,
                source=cut(frame.source, 8192),
                origin=frame.origin,
                first_line=frame.first_line,
                receiver=_entry("self", frame.receiver),
                variables=[_entry(name, kept) for name, kept in frame.variables.items()],
                slots=[Entry(name=cut(name, 512), printed=text) for name, text in frame.slots],
            )
            for frame in stack.frames
        ],
    )


def _entry(name: str, kept: Kept) -> Entry:
    return Entry(
        name=cut(name, 512), printed=kept.printed, handle=kept.what.hex() if kept.how == "stored" else None
    )


class Room:
    """What has been copied for one stack, by id, and the bytes that are left for more."""

    def __init__(self) -> None:
        self.copies: dict[int, Kept] = {}
        self.left = MOST_BYTES

    def takes(self, size: int) -> bool:
        if size > self.left:
            return False
        self.left -= size
        return True


# -- taking it down ---------------------------------------------------------------------------------------------------


def take_down(world: World, failure: BaseException, statement: str, workspace: str) -> Stack:
    """The stack of a message that fails just now, innermost frame first; its transaction is still open."""
    from .interp.stack import activations

    passed: deque[tuple[Any, TracebackType]] = deque(maxlen=MOST_FRAMES + MACHINERY)
    trace: TracebackType | None = failure.__traceback__
    while trace is not None:
        frame = trace.tb_frame
        code = frame.f_code
        if code.co_filename in world.sources and code.co_name != "<module>" and not (passed and passed[-1][0] is frame):
            passed.append((frame, trace))
        trace = trace.tb_next
    found: list[tuple[Place, Mapping[str, Any]]] = []
    for frame, trace in reversed(passed):
        found += activations(world.sources, frame, trace.tb_lasti, world.frame_label)
    told = list(getattr(failure, "stack", None) or ())
    if told:  # what lies above the place of the error is the machinery of exceptions
        first = next((n for n, (place, _) in enumerate(found) if _same(place, told[0])), 0)
        found = found[first:]
    room = Room()
    frames = [_frame(world, variables, place, room) for place, variables in found[:MOST_FRAMES]]
    return Stack(statement, workspace, frames, _missing(world, failure))


def _same(one: Place, other: Place) -> bool:
    return one.source is other.source and (one.line, one.column) == (other.line, other.column)


def _frame(world: World, variables: Mapping[str, Any], place: Place, room: Room) -> KeptFrame:
    receiver = variables.get("self")
    named = [
        (name.rstrip("."), value)
        for name, value in variables.items()
        if name[0].isalpha() and name != "self" and not name.endswith(".arg")
    ]
    slots: list[tuple[str, str]] = []
    if isinstance(receiver, Body):
        slots = [(name, show(world, value)) for name, value, method in slots_of(receiver) if not method]
    source, home = place.source, getattr(place.source.home, "_p_oid", None)
    return KeptFrame(
        label=place.label,
        line=place.line,
        column=place.column,
        length=place.length,
        source=source.text,
        origin=source.origin,
        first_line=source.first_line,
        home=home or b"",
        receiver=_keep(world, receiver, room),
        variables={name: _keep(world, value, room) for name, value in named[:MOST_VARIABLES]},
        slots=[(name, cut(text, 300)) for name, text in slots[:MOST_VARIABLES]],
    )


def _keep(world: World, value: Any, room: Room) -> Kept:
    if isinstance(value, Box):
        return _keep(world, own_slots(value).get("v"), room)
    printed = cut(show(world, value), 300)
    if value is None or isinstance(value, PLAIN):
        return Kept(printed, "plain", value) if room.takes(_size(value)) else Kept(printed, "lost")
    if type(value) is tuple:
        items = [_keep(world, item, room) for item in value] if len(value) <= 1000 else []
        if len(value) == len(items) and all(item.how == "plain" for item in items):
            return Kept(printed, "plain", tuple(item.what for item in items))
        return Kept(printed, "lost")
    if not isinstance(value, Body):
        return Kept(printed, "lost")
    if value._p_jar is not None and value._p_oid is not None and value._p_serial.strip(b"\0"):
        return Kept(printed, "stored", value._p_oid)
    if id(value) in room.copies:
        return room.copies[id(value)]
    slots = own_slots(value)
    if len(room.copies) >= MOST_COPIES or len(slots) > 1000 or not room.takes(100 * len(slots)):
        return Kept(printed, "lost")
    kept = room.copies[id(value)] = Kept(printed, "copy")
    kept.what = (
        getattr(type(value), "_p_ghost", type(value)),
        {name: _keep_part(world, each, room) for name, each in list(slots.items())},
    )
    return kept


def _keep_part(world: World, value: Any, room: Room) -> Any:
    """A slot of an object that is copied; collections keep their elements in a list, dict or set of Python's."""
    if isinstance(value, list | dict | bytearray | set):
        if len(value) > 10_000 or not room.takes(100 * len(value)):
            return Kept("", "lost")
        if isinstance(value, list):
            return [_keep(world, each, room) for each in value]
        if isinstance(value, dict):
            return {key: _keep(world, each, room) for key, each in value.items() if isinstance(key, PLAIN)}
        if isinstance(value, bytearray):
            return value.copy()
        return {each for each in value if isinstance(each, PLAIN)}
    return _keep(world, value, room)


def _size(value: Any) -> int:
    if isinstance(value, str | bytes):
        return 50 + len(value)
    return 50 + value.bit_length() // 8 if type(value) is int else 50


def _missing(world: World, failure: BaseException) -> dict[str, Any] | None:
    """If nobody understood a message: what method of which prototype would be wanted."""
    from .interp.misses import home_for, parameters

    exception = getattr(failure, "exception", None)
    if not isinstance(exception, Body):
        return None
    message = own_slots(exception).get("message")
    receiver = own_slots(exception).get("receiver")
    if not isinstance(message, Body):
        return None
    selector = str.__str__(own_slots(message)["selector"])
    arguments = own_slots(message).get("arguments")
    items = own_slots(arguments).get("_items", []) if isinstance(arguments, Body) else []
    home = home_for(world, receiver) if isinstance(receiver, Body) else None
    name = world.name_of(home) if home is not None else world.describe(receiver).partition(" ")[2]
    return {"prototype": name or "", "selector": selector, "parameters": list(parameters(selector, list(items)))}


# -- a message in a frame ---------------------------------------------------------------------------------------------


def send_in(world: World, frame: KeptFrame, text: str) -> Any:
    """The value of a statement with the frame's receiver as self and its variables by their names.

    They are arguments of a method that is made for it and forgotten: they cannot be assigned to.
    """
    from .image.method import Method
    from .interp.flow import Fault
    from .interp.stack import Source

    memo: dict[int, Any] = {}
    receiver = _revive(world, frame.receiver, memo)
    if receiver is UNKNOWN:
        raise Fault("SystemExceptions.InvalidValue", f"self was {frame.receiver.printed}, {GONE}")
    used = set(re.findall(r"[A-Za-z_][A-Za-z0-9_]*", text))
    values = {name: _revive(world, kept, memo) for name, kept in frame.variables.items() if name in used}
    for name, value in values.items():
        if value is UNKNOWN:
            raise Fault("SystemExceptions.InvalidValue", f"{name} was {frame.variables[name].printed}, {GONE}")
    selector = "".join(f"frame{n}:" for n in range(len(values))) or "inFrame"
    head = " ".join(f"frame{n}: {name}" for n, name in enumerate(values)) or "inFrame"
    method = Method(selector, f"{head} [ ^[\n{text}\n] value ]", "smalltalk")
    holder = world.connection.get(frame.home) if frame.home else receiver if isinstance(receiver, Body) else None
    if isinstance(receiver, Body):
        world.families.current(receiver)
    function = world.method_function(method, holder or world.genesis, world.family(receiver), type(receiver))
    # What is reported of it counts lines in what the person typed.
    world.sources[function.__code__.co_filename] = Source("the frame", "\n" + text, "<input>", 0, holder)
    return function(receiver, *values.values())


UNKNOWN = object()


def _revive(world: World, kept: Kept, memo: dict[int, Any]) -> Any:
    if kept.how == "plain":
        return kept.what
    if kept.how == "stored":
        thing = world.connection.get(kept.what)
        own_slots(thing)
        return thing
    if kept.how == "lost" or kept.what is None:
        return UNKNOWN
    if id(kept) in memo:
        return memo[id(kept)]
    kind, slots = kept.what
    made = memo[id(kept)] = kind.__new__(kind)
    values = {name: _revive_part(world, value, memo) for name, value in slots.items()}
    set_dict(made, {name: value for name, value in values.items() if value is not UNKNOWN})
    world.families.current(made)
    return made


def _revive_part(world: World, value: Any, memo: dict[int, Any]) -> Any:
    if isinstance(value, bytearray | set):
        return value.copy()
    if isinstance(value, list):
        return [None if (v := _revive(world, each, memo)) is UNKNOWN else v for each in value]
    if isinstance(value, dict):
        return {key: None if (v := _revive(world, each, memo)) is UNKNOWN else v for key, each in value.items()}
    return _revive(world, value, memo)
