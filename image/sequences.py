"""Two more collections of the world: numbers in steps, and a position in a sequence."""

from __future__ import annotations

from typing import Any

from .collections import CLASSES, Array, Collection, items_of, sequences_equal


class Interval(Collection):
    """Numbers in steps; ``_items`` is a range, or a tuple of the numbers where they are not all Integers.

    ``_bounds`` then holds first, last and step as they were given. Equal to an Array of the same numbers.
    """

    _p_traits = "Interval"
    _p_empty = tuple

    def __eq__(self, other: object) -> bool:
        if isinstance(other, tuple) or getattr(type(other), "_p_ghost", type(other)) in (Array, Interval):
            return sequences_equal(self, other)
        return NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(items_of(self)))


class Stream(Collection):
    """A position in a sequence of elements; ``_items`` is a list of them, of single characters (str) for text.

    ``_position`` is how many elements lie before it, ``_kind`` what ``contents`` answers ("String", "Array",
    "ByteArray"). A new ReadStream has its elements as ``_v_read``, too, or those of text as ``_v_chars``, by which
    compiled code reads it (primitives/streams.py); not if it was loaded, or has become another's clone.
    """

    _p_traits = "Stream"

    @staticmethod
    def _p_live(thing: Any) -> None:
        vars(thing).pop("_v_read", None)
        vars(thing).pop("_v_chars", None)


CLASSES.update({"Interval": Interval, "Stream": Stream})
