"""What one server holds, as a state machine without any input or output: the law that everything else obeys.

An adapter is absent, or has an entry in one of four states:

    loading -> held -> leaving -> unloading -> (absent)

Whoever wants an adapter has a ticket, and waits in one queue, in order of arrival. `step` grants what can be granted
and says what to load and to unload; it is called after every event. The law:

1. Never more than `room` entries, but for what the server was found to hold already.
2. One load and one unload of a name at a time (an entry is there once); all its tickets wait for the same load.
3. Nothing is unloaded while it is used. What is to go (`leaving`) is granted to nobody any more, so that it drains
   however busy it is.
4. The least recently used goes first, and an idle one before one in use; no more go than are needed.
5. A ticket that is granted holds an adapter that the server holds, as far as the server has told.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field

LOADING, HELD, LEAVING, UNLOADING = "loading", "held", "leaving", "unloading"


@dataclass(eq=False, slots=True)
class Entry:
    """One adapter of this server. `used`: the shelf's clock at its last use; `told`: a person wants it gone."""

    name: str
    state: str
    used: int = 0
    users: int = 0
    told: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done now: tell these tickets, and begin these loads and unloads."""

    granted: tuple[Hashable, ...]
    load: tuple[str, ...]
    unload: tuple[str, ...]


@dataclass
class Shelf:
    room: int
    entries: dict[str, Entry] = field(default_factory=dict)
    waiting: dict[Hashable, str] = field(default_factory=dict)
    """Ticket to name, in order of arrival."""
    granted: dict[Hashable, Entry] = field(default_factory=dict)
    clock: int = 0

    # --- what happens

    def ask(self, ticket: Hashable, name: str) -> None:
        """Somebody wants to use an adapter."""
        self.waiting[ticket] = name

    def give_back(self, ticket: Hashable) -> None:
        """Somebody does not use, or no longer waits for, what his ticket is for."""
        self.waiting.pop(ticket, None)
        entry = self.granted.pop(ticket, None)
        if entry is not None:
            entry.users -= 1

    def send_away(self, name: str) -> bool:
        """A person wants it unloaded. False where it is not held."""
        entry = self.entries.get(name)
        if entry is None or entry.state == LOADING:
            return False
        entry.told = True
        if entry.state == HELD:
            entry.state = LEAVING
        return True

    def loaded(self, name: str) -> None:
        entry = self.entries.get(name)
        if entry is not None and entry.state == LOADING:
            entry.state = HELD
            entry.used = self._tick()

    def not_loaded(self, name: str) -> list[Hashable]:
        """A load failed: the tickets that fail with it, which no longer wait."""
        entry = self.entries.get(name)
        if entry is not None and entry.state == LOADING:
            del self.entries[name]
        failed = [ticket for ticket, wanted in self.waiting.items() if wanted == name]
        for ticket in failed:
            del self.waiting[ticket]
        return failed

    def unloaded(self, name: str) -> None:
        entry = self.entries.get(name)
        if entry is not None and entry.state == UNLOADING:
            del self.entries[name]

    def lost(self, entry: Entry) -> None:
        """The server does not hold it, whatever we thought. Who uses it finds out by himself."""
        if self.entries.get(entry.name) is entry and entry.state in (HELD, LEAVING):
            del self.entries[entry.name]

    def seen(self, names: Iterable[str]) -> None:
        """The server was asked what it holds, while no load and no unload was under way."""
        there = set(names)
        for entry in list(self.entries.values()):
            if entry.name not in there:
                self.lost(entry)
        for name in there - self.entries.keys():
            self.entries[name] = Entry(name, HELD)

    # --- what follows from it

    def step(self) -> Step:
        granted = self._grant()
        load = []
        absent = [name for name in dict.fromkeys(self.waiting.values()) if name not in self.entries]
        free = self.room - len(self.entries)
        for name in absent[: max(free, 0)]:
            self.entries[name] = Entry(name, LOADING)
            load.append(name)
        short = len(absent) - len(load)
        self._make_room(short + max(-free, 0) if short else 0)
        granted += self._grant()
        unload = []
        for entry in self.entries.values():
            if entry.state == LEAVING and not entry.users:
                entry.state = UNLOADING
                unload.append(entry.name)
        return Step(tuple(granted), tuple(load), tuple(unload))

    def _grant(self) -> list[Hashable]:
        """Give what is held to those who wait for it."""
        granted = []
        for ticket, name in list(self.waiting.items()):
            entry = self.entries.get(name)
            if entry is not None and entry.state == HELD:
                del self.waiting[ticket]
                entry.users += 1
                entry.used = self._tick()
                self.granted[ticket] = entry
                granted.append(ticket)
        return granted

    def _make_room(self, wanted: int) -> None:
        """Have as many leave as are wanted; keep who was to leave for one who has given up."""
        going = [e for e in self.entries.values() if e.state in (LEAVING, UNLOADING)]
        if len(going) > wanted:
            spared = [e for e in going if e.state == LEAVING and not e.told]
            spared.sort(key=lambda e: e.used, reverse=True)
            for entry in spared[: len(going) - wanted]:
                entry.state = HELD
            return
        staying = [e for e in self.entries.values() if e.state == HELD]
        staying.sort(key=lambda e: (e.users > 0, e.used))
        for entry in staying[: wanted - len(going)]:
            entry.state = LEAVING

    def _tick(self) -> int:
        self.clock += 1
        return self.clock
