"""Is an image whole? ``check`` reads every record there is, and says what is wrong in words.

It looks at the file (does every transaction, of all times, read as one), at each object (does its record load, are
its slots what slots may be), and at the references between them (does each lead somewhere, is everything reachable).
It opens the image to be read, so a kernel may go on working with it, and keeps some fifty bytes per object, so that a
million objects are no trouble.
"""

from __future__ import annotations

import os
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Final

from ZODB._compat import PersistentUnpickler
from ZODB.serialize import referencesf
from ZODB.utils import load_current, p64, u64

from .errors import ImageDamaged
from .imagefile import ImageFile
from .log import walk
from .records import Reference, class_named, name_of_class
from .storage import Image, open_image

Progress = Callable[[str, int, int], None]
"""Called as ``progress(what, done, total)`` now and then."""

_OFTEN: Final = 2_000
SHOWN: Final = 50


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing that is wrong. ``code`` is stable; ``oid`` is the object's number, 0 if it is no object's."""

    code: str
    text: str
    oid: int = 0


@dataclass(slots=True)
class CheckReport:
    """What ``check`` found. ``flaws`` holds the first ones, ``flaw_count`` counts all."""

    location: str
    objects: int = 0
    methods: int = 0
    transactions: int = 0
    size: int = 0
    """Bytes of the file; 0 where the image is on a server."""
    unreachable: int = 0
    unreachable_size: int = 0
    flaw_count: int = 0
    flaws: list[Flaw] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.flaw_count

    def add(self, code: str, text: str, oid: int = 0) -> None:
        self.flaw_count += 1
        if len(self.flaws) < SHOWN:
            self.flaws.append(Flaw(code, text, oid))

    def render(self) -> str:
        """``ok: 1,204 objects, 311 methods, 96 transactions, 1.2 MB``, or the flaws one a line."""
        counts = [_count(self.objects, "object"), _count(self.methods, "method")]
        if self.transactions:
            counts.append(_count(self.transactions, "transaction"))
        if self.size:
            counts.append(_bytes(self.size))
        found = ", ".join(counts)
        lines = [f"ok: {found}"] if self.ok else [f"{_count(self.flaw_count, 'flaw')} in {self.location}: {found}"]
        lines += [f"  {flaw.code}: {flaw.text}" for flaw in self.flaws]
        if self.flaw_count > len(self.flaws):
            lines.append(f"  ... and {self.flaw_count - len(self.flaws):,} more")
        if self.unreachable:
            what = _count(self.unreachable, "record")
            lines.append(f"  {what} ({_bytes(self.unreachable_size)}) that nothing refers to; packing frees them")
        return "\n".join([*lines, *(f"  note: {note}" for note in self.notes)])


def check(
    where: str | os.PathLike[str] | Image,
    progress: Progress | None = None,
    method_flaw: Callable[[dict[str, Any]], str] | None = None,
) -> CheckReport:
    """Check the image at a location, or one that is open.

    ``method_flaw`` is given the slots of each method and answers what is wrong with it, or ``""`` (the grammar, which
    this room may not import, can be asked there). Raises ImageMissing, NotAnImage and the like if there is nothing to
    check; damage is reported, not raised.
    """
    location = where.location if isinstance(where, Image) else os.fspath(where)
    report = CheckReport(location)
    if isinstance(where, Image) and where.path is None:
        _check_records(where.db.storage, report, progress, method_flaw)
        return report
    try:
        # A view of its own, which stands still while others commit.
        with open_image(location, create=False, read_only=True) as image:
            report.location = image.location
            report.notes += image.notes
            storage = image.db.storage
            if isinstance(storage, ImageFile):
                _check_file(storage, report, progress)
            _check_records(storage, report, progress, method_flaw)
    except ImageDamaged as error:
        report.add("damaged", error.message)
    return report


def _check_file(storage: ImageFile, report: CheckReport, progress: Progress | None) -> None:
    report.size = storage.getSize()
    handle = os.open(storage.__name__, os.O_RDONLY)
    try:
        for step, (pos, flaw) in enumerate(walk(handle, report.size)):
            report.transactions += 1
            if flaw:
                report.add("damaged", f"the transaction at byte {pos:,}: {flaw}")
            if progress and step % _OFTEN == 0:
                progress("transactions", pos, report.size)
    finally:
        os.close(handle)


class _Graph:
    """Who refers to whom, as numbers. Records come in the order of their oids."""

    def __init__(self) -> None:
        self.oids = array("Q")
        self.sizes = array("Q")
        self.first = array("Q")  # where in targets each object's references begin
        self.targets = array("Q")

    def add(self, oid: int, size: int, targets: list[int]) -> None:
        self.oids.append(oid)
        self.sizes.append(min(size, (1 << 63) - 1))
        self.first.append(len(self.targets))
        self.targets.extend(targets)

    def place(self, oid: int) -> int:
        """The object's position, or -1."""
        place = bisect_left(self.oids, oid)
        return place if place < len(self.oids) and self.oids[place] == oid else -1

    def span(self, place: int) -> tuple[int, int]:
        """Where in ``targets`` the object's references begin and end."""
        return self.first[place], self.first[place + 1] if place + 1 < len(self.first) else len(self.targets)


def _check_records(
    storage: Any, report: CheckReport, progress: Progress | None, method_flaw: Callable[[dict[str, Any]], str] | None
) -> None:
    graph = _Graph()
    total = len(storage)
    unloadable: dict[str, int] = {}
    for oid, data in _records(storage, report):
        number = u64(oid)
        if progress and report.objects % _OFTEN == 0:
            progress("objects", report.objects, total)
        report.objects += 1
        references: dict[int, None] = {}
        _check_record(number, data, references, report, unloadable, method_flaw)
        graph.add(number, len(data), list(references))
    for name, count in sorted(unloadable.items()):
        who = f"{_count(count, 'object')} of" if count else "objects refer to"
        report.add("unloadable", f"{who} {name}, which cannot be imported here")
    _check_graph(graph, report, progress)


def _records(storage: Any, report: CheckReport) -> Iterator[tuple[bytes, bytes]]:
    """Each current record, by oid. One that cannot be read is a flaw, and the next ones are still read."""
    if isinstance(storage, ImageFile):
        for oid, data in storage.records():
            if isinstance(data, Exception):
                report.add("unreadable", f"object {u64(oid):#x} cannot be read: {data}", u64(oid))
            else:
                yield oid, data
    elif hasattr(storage, "record_iternext"):
        following: bytes | None = None
        while True:
            oid, _, data, following = storage.record_iternext(following)
            if data is not None:  # its creation was undone: it is not there, and that is as it should be
                yield oid, data
            if following is None:
                return
    else:  # an image in memory
        yield from _reachable_records(storage)


def _reachable_records(storage: Any) -> Iterator[tuple[bytes, bytes]]:
    """For storages that cannot list what they hold: what the root leads to, all in memory."""
    found: dict[bytes, bytes] = {}
    waiting = [p64(0)]
    while waiting:
        oid = waiting.pop()
        if oid in found:
            continue
        try:
            found[oid] = load_current(storage, oid)[0]
        except KeyError:  # _check_graph names who refers to it
            continue
        waiting.extend(referencesf(found[oid]))
    yield from sorted(found.items())


def _check_record(
    oid: int,
    data: bytes,
    references: dict[int, None],
    report: CheckReport,
    unloadable: dict[str, int],
    method_flaw: Callable[[dict[str, Any]], str] | None,
) -> None:
    missing: list[str] = []

    def load(reference: Any) -> Reference:
        found = Reference.read(reference)
        if found.oid is not None and not found.elsewhere:
            references[u64(found.oid)] = None
        return found

    def find(module: str, name: str) -> Any:
        try:
            return class_named(module, name)
        except (ImportError, AttributeError):
            missing.append(f"{module}.{name}")
            return _Unknown

    unpickler = PersistentUnpickler(find, load, BytesIO(data))
    try:
        kind = unpickler.load()
        for name in missing:
            unloadable[name] = unloadable.get(name, 0) + 1
        known = not missing
        state = unpickler.load()
    except Exception as error:  # a broken pickle may raise anything
        if not missing:
            report.add("unreadable", f"object {oid:#x} cannot be read: {error or type(error).__name__}", oid)
        return
    for name in missing:
        unloadable.setdefault(name, 0)
    if not known:
        return
    kind = kind[0] if isinstance(kind, tuple) else kind
    if name_of_class(kind) == "batos.image.method.Method":
        report.methods += 1
    for flaw in slot_flaws(kind, state, method_flaw):
        report.add("malformed", f"object {oid:#x} ({name_of_class(kind)}): {flaw}", oid)


class _Unknown:
    """Stands for instances of a class that is not there."""

    def __new__(cls, *args: Any, **kw: Any) -> _Unknown:
        return object.__new__(cls)

    def __setstate__(self, state: Any) -> None:
        pass


def slot_flaws(kind: Any, state: Any, method_flaw: Callable[[dict[str, Any]], str] | None = None) -> Iterator[str]:
    """What is wrong with the slots of an object of this class. Other classes than ours are taken as they are."""
    ours = _body_class()
    if ours is None or not (isinstance(kind, type) and issubclass(kind, ours)):
        return
    if not isinstance(state, dict):
        yield f"its slots are no dictionary but {type(state).__name__}"
        return
    for name in state:
        if not isinstance(name, str) or not name:
            yield f"{name!r} is no name of a slot"
    parents = state.get("parent*")
    for parent in parents if isinstance(parents, tuple | list) else (parents,):
        if parent is not None and not isinstance(parent, Reference):
            yield f"its parent* holds {type(parent).__name__}, which is no object"
    if name_of_class(kind) == "batos.image.method.Method":
        yield from _method_flaws(state, method_flaw)


def _method_flaws(state: dict[str, Any], method_flaw: Callable[[dict[str, Any]], str] | None) -> Iterator[str]:
    for name in ("selector", "source", "language"):
        if not isinstance(state.get(name), str) or not state[name]:
            yield f"a method without {name}"
            return
    if state["language"] not in ("smalltalk", "python"):
        yield f"method {state['selector']}: nobody reads its language, {state['language']!r}"
        return
    for name in ("before*", "history"):
        if not isinstance(state.get(name, ()), tuple):
            yield f"method {state['selector']}: {name} is no sequence"
    flaw = method_flaw(state) if method_flaw else ""
    if flaw:
        yield f"method {state['selector']}: {flaw}"


def _body_class() -> type | None:
    from .object import Body

    return Body


def _check_graph(graph: _Graph, report: CheckReport, progress: Progress | None) -> None:
    """Walk from the root; name references that lead nowhere, count what was not reached."""
    total = len(graph.oids)
    for place in range(total):
        first, end = graph.span(place)
        for number in range(first, end):
            target = graph.targets[number]
            found = graph.place(target)
            graph.targets[number] = found if found >= 0 else place  # from here on places, not oids
            if found < 0:
                source = graph.oids[place]
                report.add("dangling", f"object {source:#x} refers to {target:#x}, which is not there", source)
    start = graph.place(0)
    if start < 0:
        if total:
            report.add("rootless", "there are objects, but no root to reach them from")
        return
    reached = bytearray(total)
    reached[start] = 1
    waiting = array("Q", [start])
    done = 0
    while waiting:
        if progress and done % _OFTEN == 0:
            progress("references", done, total)
        done += 1
        first, end = graph.span(waiting.pop())
        for place in graph.targets[first:end]:
            if not reached[place]:
                reached[place] = 1
                waiting.append(place)
    for place in range(total):
        if not reached[place]:
            report.unreachable += 1
            report.unreachable_size += graph.sizes[place]


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _bytes(number: int) -> str:
    size = float(number)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            break
        size /= 1000
    return f"{number:,} bytes" if unit == "bytes" else f"{size:.1f} {unit}"
