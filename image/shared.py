"""Objects that many writers change at once without getting in each other's way.

ZODB lets only one of two transactions that changed the same object commit; the other must run again. These objects say
instead how two changes to them merge (``_p_resolveConflict``): from the state both began with, what was committed
meanwhile, and what this transaction made of it. The merge must come out the same whoever commits first, and must refuse
(ConflictError, and the message runs again) what cannot both be true: two takers of one item, two values for one key.

Elements and keys are values: text, symbols, characters, numbers, bytes, true, false, nil, and arrays of these. They are
found by a hash that is the same in every process. What is kept under a key, or queued, may be anything that persists.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from typing import Any, Final

from persistent import Persistent
from ZODB.POSException import ConflictError

from .shards import Shard, Tally, frozen, thawed

_MISSING: Final = object()


class Counter(Persistent):
    """A number that writers increase at the same time. All increases count, in whatever order they commit.

    A transaction sees its own increases and those committed before it began, so the value it reads may be old by the
    time it commits; only the sum is promised.
    """

    def __init__(self, value: Any = 0) -> None:
        """``value`` is a number, or another counter to begin where that is."""
        self._value = value.value if isinstance(value, Counter) else value

    @property
    def value(self) -> Any:
        return self._value

    def increase(self, by: Any = 1) -> Any:
        """Answer the new value as this transaction sees it. With Integers and Fractions the sum is exact."""
        self._value += by
        return self._value

    def copy(self) -> Counter:
        return Counter(self)

    def parts(self) -> Iterator[Persistent]:
        """The records that reading all of it reads."""
        yield self

    def _p_resolveConflict(self, old: dict[str, Any], saved: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
        return {"_value": saved["_value"] + new["_value"] - old["_value"]}

    def __repr__(self) -> str:
        return f"<Counter {self._value}>"


class Epoch(Persistent):
    """Which behaviour the image has. ``value`` is another number after every change of it, and only then.

    A worker that reads another value than it knew drops its dispatch tables. The values are drawn, not counted: two
    workers that move the epoch at once both get a value that neither has seen, a value seen in a transaction that was
    then aborted never comes again, and an undo that takes the image back to an earlier behaviour brings back its value.
    """

    def __init__(self) -> None:
        self._value = 0
        self._moves = 0

    @property
    def value(self) -> int:
        return self._value

    @property
    def moves(self) -> int:
        """How often behaviour changed."""
        return self._moves

    def move(self) -> int:
        self._value = random.getrandbits(62)
        self._moves += 1
        return self._value

    def _p_resolveConflict(self, old: dict[str, Any], saved: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
        return {
            "_value": hash((old["_value"], saved["_value"], new["_value"])) & (1 << 62) - 1,
            "_moves": saved["_moves"] + new["_moves"] - old["_moves"],
        }


class SharedQueue(Persistent):
    """First in, first out, for any number of adders and takers.

    Adders conflict neither with each other nor with takers, but for the one whose block another has just filled, once
    in a hundred items. Two takers who want the same item do: one of them runs again and gets the next. Items come in
    the order of their commits.

    The queue is a chain of blocks of some hundred items, so that adding to a long queue writes little. A block that
    has had its hundred takes no more; only such a block leaves the chain when it is empty, and it then refuses a late
    adder.
    """

    def __init__(self, items: Iterable[Any] = ()) -> None:
        block = _Block()
        self._blocks: tuple[_Block, ...] = (block,)
        self._size = Counter()
        for item in items:
            self.add(item)

    def add(self, item: Any) -> None:
        last = self._blocks[-1]
        if last.is_full:
            last = _Block()
            self._blocks = (*self._blocks, last)
        last.add(item)
        self._size.increase(1)

    def take(self, default: Any = _MISSING) -> Any:
        """Remove the first item and answer it; ``default`` if there is none, or LookupError without a default."""
        for block in self._blocks:
            if block.items:
                item = block.take()
                self._size.increase(-1)
                self._drop_used_blocks()
                return item
        if default is _MISSING:
            raise LookupError("the queue is empty")
        return default

    def peek(self, default: Any = _MISSING) -> Any:
        """The first item, which stays."""
        for item in self:
            return item
        if default is _MISSING:
            raise LookupError("the queue is empty")
        return default

    def _drop_used_blocks(self) -> None:
        kept = tuple(block for block in self._blocks if block.items or not block.is_full)
        if len(kept) < len(self._blocks):
            for block in self._blocks:
                if block not in kept:
                    block.close()
            if not kept:
                kept = (_Block(),)
            self._blocks = kept

    def __len__(self) -> int:
        return self._size.value

    def __iter__(self) -> Iterator[Any]:
        for block in self._blocks:
            yield from list(block.items.values())

    def copy(self) -> SharedQueue:
        return SharedQueue(self)

    def parts(self) -> Iterator[Persistent]:
        yield from (self, self._size, *self._blocks)

    def _p_resolveConflict(self, old: dict[str, Any], saved: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
        """Blocks that either side dropped go, blocks that one side made come."""
        before, there, mine = ([block.oid for block in state["_blocks"]] for state in (old, saved, new))
        if saved["_size"].oid != new["_size"].oid:
            raise ConflictError
        dropped = set(before) - set(mine)
        if dropped - set(there):
            raise ConflictError  # both dropped it: both took its last item
        blocks = [block for block in saved["_blocks"] if block.oid not in dropped]
        made = [block for block in new["_blocks"] if block.oid not in before]
        if made and set(there) - set(before):
            raise ConflictError  # only the last block may have room, or a later item could come before an earlier
        return {**saved, "_blocks": (*blocks, *made)}


BLOCK_SIZE: Final = 100


class _Block(Persistent):
    """Some items of a queue, each under a ticket that no other transaction draws. ``added`` counts all it ever had."""

    def __init__(self) -> None:
        self.items: dict[int, Any] = {}
        self.added = 0
        self.closed = False

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()
        return {**state, "items": frozen(state["items"])}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__({**state, "items": thawed(state["items"])})

    @property
    def is_full(self) -> bool:
        return self.added >= BLOCK_SIZE or self.closed

    def add(self, item: Any) -> None:
        self.items[random.getrandbits(62)] = item
        self.added += 1

    def take(self) -> Any:
        ticket = next(iter(self.items))
        self._p_changed = True
        return self.items.pop(ticket)

    def close(self) -> None:
        self.closed = True

    def _p_resolveConflict(self, old: dict[str, Any], saved: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
        taken = old["items"].keys() - new["items"].keys()
        if taken - saved["items"].keys():
            raise ConflictError  # someone else took it first
        added = [ticket for ticket in new["items"] if ticket not in old["items"]]
        items = {ticket: item for ticket, item in saved["items"].items() if ticket not in taken}
        items.update((ticket, new["items"][ticket]) for ticket in added)
        closed = saved["closed"] or new["closed"]
        if closed and items:
            raise ConflictError  # it left the chain while something was put into it
        if added and saved["added"] >= BLOCK_SIZE:
            raise ConflictError  # it was filled meanwhile: what comes later must not stand before what follows it
        return {"items": items, "added": saved["added"] + len(added), "closed": closed}


class SharedBag(Persistent):
    """How many of each value there are. Adding never conflicts; removing does where there are not enough for both."""

    def __init__(self, bag: SharedBag | None = None) -> None:
        self._shards: Shard = Tally()
        self._size = Counter()
        for value, count in bag.counts() if bag is not None else ():
            self.add(value, count)

    def add(self, value: Any, times: int = 1) -> None:
        """Raises TypeError for what is no value (see the top of the module)."""
        if times < 1:
            raise ValueError(f"a bag cannot be given {times} of something")
        self._shards.change(value, times)
        self._size.increase(times)

    def remove(self, value: Any, times: int = 1) -> None:
        """Raises KeyError if there are fewer; nothing is removed then."""
        if times < 1:
            raise ValueError(f"{times} of something cannot be taken from a bag")
        if self.occurrences_of(value) < times:
            raise KeyError(value)
        self._shards.change(value, -times)
        self._size.increase(-times)

    def occurrences_of(self, value: Any) -> int:
        count: int = self._shards.get(value, 0)
        return count

    def __contains__(self, value: Any) -> bool:
        return self.occurrences_of(value) > 0

    def __len__(self) -> int:
        """How many there are, equal ones counted each time."""
        return self._size.value

    def counts(self) -> Iterator[tuple[Any, int]]:
        """Each value with its count, in no order that means anything."""
        return self._shards.pairs()

    def __iter__(self) -> Iterator[Any]:
        for value, count in self.counts():
            for _ in range(count):
                yield value

    def copy(self) -> SharedBag:
        return SharedBag(self)

    def parts(self) -> Iterator[Persistent]:
        yield from (self, self._size, *self._shards.parts())


class SharedDictionary(Persistent):
    """A dictionary in which writers of different keys do not conflict. Two who write the same key do: one runs again.

    It stays fast at a million keys, and reading one key loads a handful of small objects.
    """

    def __init__(self, contents: SharedDictionary | None = None) -> None:
        self._shards = Shard()
        self._size = Counter()
        for key, value in contents.items() if contents is not None else ():
            self[key] = value

    def __getitem__(self, key: Any) -> Any:
        value = self._shards.get(key, _MISSING)
        if value is _MISSING:
            raise KeyError(key)
        return value

    def get(self, key: Any, default: Any = None) -> Any:
        return self._shards.get(key, default)

    def __setitem__(self, key: Any, value: Any) -> None:
        """Raises TypeError if the key is no value (see the top of the module)."""
        if self._shards.put(key, value):
            self._size.increase(1)

    def __delitem__(self, key: Any) -> None:
        self._shards.remove(key)
        self._size.increase(-1)

    def pop(self, key: Any, default: Any = _MISSING) -> Any:
        value = self._shards.get(key, _MISSING)
        if value is not _MISSING:
            del self[key]
            return value
        if default is _MISSING:
            raise KeyError(key)
        return default

    def __contains__(self, key: Any) -> bool:
        return self._shards.get(key, _MISSING) is not _MISSING

    def __len__(self) -> int:
        return self._size.value

    def __iter__(self) -> Iterator[Any]:
        """The keys, in no order that means anything."""
        return (key for key, _ in self._shards.pairs())

    def items(self) -> Iterator[tuple[Any, Any]]:
        return self._shards.pairs()

    def copy(self) -> SharedDictionary:
        return SharedDictionary(self)

    def parts(self) -> Iterator[Persistent]:
        yield from (self, self._size, *self._shards.parts())
