"""Taking objects from one image to another, in a file.

An object refers, along ``parent*``, to the whole world. What goes into the file is therefore what can be reached from
it without passing an object that the world has a name for; references to those are kept as names (``Account``), and
mean the object of that name in the image into which the file is read.

The file: a line ``BATOS-EXPORT 1``, a line of JSON (``root``, ``objects``, ``outside``: oid to name), then the records
as ZODB's exportFile writes them (oid, length, pickle; sixteen bytes of ff at the end), then the SHA-256 of all that.
Unlike ZODB's importFile, which makes whatever a pickle asks for, only classes of the image are let in.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, Final, NamedTuple

from persistent import Persistent
from ZODB._compat import PersistentPickler, PersistentUnpickler, _protocol
from ZODB.serialize import referencesf
from ZODB.utils import p64, u64, z64

from .errors import BadExport, ImageForbidden
from .records import Reference, class_named

MAGIC: Final = b"BATOS-EXPORT 1\n"
_END: Final = b"\xff" * 16

_PLAIN: Final = frozenset(
    [
        *(("builtins", name) for name in "object set frozenset bytearray complex slice range".split()),
        *(("datetime", name) for name in "date datetime time timedelta timezone".split()),
        ("fractions", "Fraction"),
        ("decimal", "Decimal"),
        ("copyreg", "_reconstructor"),
        ("copyreg", "__newobj__"),
        ("_codecs", "encode"),
        ("batos.image.values", "Symbol"),
        ("batos.image.values", "Character"),
        ("batos.image.values", "_restore"),
        ("batos.image.object", "_same"),
        ("batos.image.shards", "_Truth"),
    ]
)


class Export(NamedTuple):
    """What a file holds: how many objects, and the names that it needs in the image it is read into."""

    objects: int
    names: tuple[str, ...]


def export_object(thing: Any, path: str | os.PathLike[str]) -> Export:
    """Write ``thing``, and what it reaches without passing a name of the world, to a new file.

    What is written is what is committed. Raises BadExport for an object that is not in an image yet or has changes
    that are not, ImageForbidden if the file is there already.
    """
    connection = getattr(thing, "_p_jar", None)
    if connection is None or thing._p_oid is None or thing._p_serial == z64:
        raise BadExport("Only an object that is in an image, and committed, can be exported.")
    names = {oid: name for name, oid in _names(connection).items() if oid != thing._p_oid}
    records: dict[bytes, bytes] = {}
    used: dict[bytes, str] = {}
    waiting = [thing._p_oid]
    while waiting:
        oid = waiting.pop()
        if oid in records or oid in used:
            continue
        if oid in names:
            used[oid] = names[oid]
            continue
        try:
            records[oid] = connection._storage.load(oid)[0]
        except KeyError:
            raise BadExport(f"It refers to object {u64(oid):#x}, which is not there: check the image.") from None
        waiting.extend(referencesf(records[oid]))
    head = {
        "root": thing._p_oid.hex(),
        "objects": len(records),
        "outside": {oid.hex(): name for oid, name in sorted(used.items(), key=lambda pair: pair[1])},
    }
    digest = hashlib.sha256()
    try:
        with open(path, "xb") as file:
            for piece in (MAGIC, json.dumps(head).encode() + b"\n", *_written(records), _END):
                digest.update(piece)
                file.write(piece)
            file.write(digest.digest())
    except FileExistsError:
        raise ImageForbidden(f"{os.fspath(path)} is there already.", os.fspath(path)) from None
    return Export(len(records), tuple(sorted(used.values())))


def import_object(connection: Any, path: str | os.PathLike[str]) -> Any:
    """Make the objects of an export file in the connection's transaction, and answer the one that was exported.

    They are kept if something that is kept refers to it when the transaction commits. Raises BadExport, and changes
    nothing, if the file is no export or broken, if a name that it needs is not in this image, or if it asks for what
    is no object of the image.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise BadExport(f"{os.fspath(path)} cannot be read: {error.strerror}.", os.fspath(path)) from error
    head, records = _read(data, os.fspath(path))
    known = _names(connection)
    missing = sorted(set(head["outside"].values()) - known.keys())
    if missing:
        raise BadExport(f"{os.fspath(path)} needs {', '.join(missing)}, which this image has not.", os.fspath(path))
    new = {bytes.fromhex(old): known[name] for old, name in head["outside"].items()}
    new.update((oid, connection.new_oid()) for oid in records)
    # All of it is rewritten before any of it is stored.
    rewritten = [(new[oid], _rewrite(oid, record, new, os.fspath(path))) for oid, record in records.items()]

    def store(transaction: Any, *_: Any) -> None:
        for oid, record in rewritten:
            connection._storage.store(oid, None, record, "", transaction)

    # As Connection.importFile does: the records go in while a savepoint is made, and are objects like others then.
    connection._importDuringCommit = store
    try:
        connection._import = (None, None)
        connection._register()
        connection.transaction_manager.get().savepoint(optimistic=True)
    finally:
        connection._import = None
        del connection._importDuringCommit
    return connection.get(new[bytes.fromhex(head["root"])])


def _names(connection: Any) -> dict[str, bytes]:
    """The names of the world whose values are objects, with their oids."""
    from .object import own_slots

    names = connection.root().get("names")
    if names is None:
        return {}
    return {
        name: value._p_oid
        for name, value in own_slots(names).items()
        if isinstance(value, Persistent) and value._p_oid is not None and not name.endswith("*")
    } | {"world names": names._p_oid}


def _written(records: dict[bytes, bytes]) -> Iterator[bytes]:
    for oid, data in records.items():
        yield oid + p64(len(data))
        yield data


def _read(data: bytes, name: str) -> tuple[dict[str, Any], dict[bytes, bytes]]:
    if not data.startswith(MAGIC):
        raise BadExport(f"{name} is no export of an image.", name)
    if len(data) < len(MAGIC) + 48 or hashlib.sha256(data[:-32]).digest() != data[-32:]:
        raise BadExport(f"{name} is broken: its checksum is wrong. Nothing was imported.", name)
    try:
        end = data.index(b"\n", len(MAGIC))
        head = json.loads(data[len(MAGIC) : end])
        records: dict[bytes, bytes] = {}
        pos = end + 1
        while data[pos : pos + 16] != _END:
            oid, length = data[pos : pos + 8], u64(data[pos + 8 : pos + 16])
            records[oid] = data[pos + 16 : pos + 16 + length]
            if len(records[oid]) != length:
                raise ValueError("a record is cut off")
            pos += 16 + length
        if bytes.fromhex(head["root"]) not in records or len(records) != head["objects"]:
            raise ValueError("it does not hold what it says")
        if not all(isinstance(each, str) for pair in head["outside"].items() for each in pair):
            raise ValueError("its names are no names")
    except Exception as error:  # a file made by hand may be wrong in any way
        raise BadExport(f"{name} is broken: {error}. Nothing was imported.", name) from error
    return head, records


class _Moved:
    """A reference on its way into another image: the persistent id that it shall have there."""

    __slots__ = ("reference",)

    def __init__(self, reference: Any) -> None:
        self.reference = reference


def _rewrite(oid: bytes, record: bytes, new: dict[bytes, bytes], name: str) -> bytes:
    """The record with each reference leading where it shall lead in the new image."""

    def load(kept: Any) -> _Moved:
        reference = Reference.read(kept)
        if reference.elsewhere or reference.oid not in new:
            raise BadExport(f"{name} is broken: an object in it refers to one that is not. Nothing was imported.", name)
        target = new[reference.oid]
        if reference.weak:
            return _Moved(["w", (target,)])
        return _Moved((target, kept[1]) if isinstance(kept, tuple) else target)

    def find(module: str, kind: str) -> Any:
        found = _allowed(module, kind)
        if found is None:
            raise BadExport(f"{name} asks for {module}.{kind}, which is no object of an image. It was refused.", name)
        return found

    output = BytesIO()
    pickler = PersistentPickler(lambda thing: thing.reference if type(thing) is _Moved else None, output, _protocol)
    unpickler = PersistentUnpickler(find, load, BytesIO(record))
    try:
        pickler.dump(unpickler.load())
        pickler.dump(unpickler.load())
    except BadExport:
        raise
    except Exception as error:  # a broken pickle may raise anything
        raise BadExport(
            f"{name} is broken: object {u64(oid):#x} cannot be read ({error}). Nothing was imported.", name
        ) from error
    return output.getvalue()


def _allowed(module: str, kind: str) -> Any:
    """The class, if an object of an image may be of it: ours, BTrees and ZODB's own collections, and plain values."""
    if "." in kind:
        return None
    if (module, kind) in _PLAIN:
        return class_named(module, kind)
    if not module.startswith(("batos.image.", "BTrees.", "persistent.")):
        return None
    try:
        found = class_named(module, kind)
    except (ImportError, AttributeError):
        return None
    return found if isinstance(found, type) and issubclass(found, Persistent) else None
