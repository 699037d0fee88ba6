"""The instances of a class: every object that is one, in memory or in the image.

Nothing keeps a list of them, so the image is walked from its root, record by record, without loading what is none
of the class's: some 10 microseconds an object. What the message that asks has made and not stored yet is found among
Python's own objects; as in other Smalltalks, some of it may be on its way out.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

from ZODB.POSException import POSKeyError
from ZODB.serialize import referencesf

from ...image.object import is_object, own_slots
from . import primitive

if TYPE_CHECKING:
    from ..world import World


@primitive("class.allInstances", world=True)
def all_instances(world: World) -> Any:
    def all_instances(self: Any) -> Any:
        prototype = world.primitives["object.prototype"]
        return world.new_array([one for one in _candidates(world, self) if prototype(one) is self])

    return all_instances


def _candidates(world: World, wanted: Any) -> list[Any]:
    """Objects that may be instances of a class, each once: those that are not stored yet and know it, and those whose
    record refers to it."""
    connection = world.connection
    types = world.families.by_type
    new = [one for one in gc.get_objects() if type(one) in types and is_object(one) and _is_new(connection, one)]
    found = {id(one): one for one in new if not _is_side(one)}
    for oid in _reached(connection, wanted._p_oid):
        one = connection.get(oid)
        if is_object(one) and not _is_side(one):
            found.setdefault(id(one), one)
    return list(found.values())


def _is_side(thing: Any) -> bool:
    return "class*" in own_slots(thing)


def _is_new(connection: Any, thing: Any) -> bool:
    return thing._p_oid is None or thing._p_oid in connection._added


def _reached(connection: Any, wanted: bytes | None) -> list[bytes]:
    """The oids of stored objects, reached from the root, that refer to one of them."""
    root = connection.root()._p_oid
    seen, waiting, found = {root}, [root], []
    while waiting:
        oid = waiting.pop()
        try:
            data, _ = connection._storage.load(oid)
        except POSKeyError:
            continue  # made in this transaction
        references = referencesf(data)
        if wanted in references:
            found.append(oid)
        fresh = set(references) - seen
        seen |= fresh
        waiting.extend(fresh)
    return found
