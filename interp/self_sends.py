"""Sends to self, bound by name.

A method is compiled once and given to each family that runs it as a copy whose sends to self call globals of that
family's own: ``@deposit: 7(self, amount)``. This is the customisation of Self (Chambers and Ungar, 1989): the type of
the receiver is known, so nothing is left to look up.

The invariant: while such a copy runs, either self is of its family and the global holds what its table would give, or
the global holds a function that dispatches by self's own type. Whoever takes an object out of a family ``loosen``s
the family first; whoever changes behaviour ``forget``s. The names are read anew at each send, so this reaches code
that is running. Blocks can outlive the activation that made them and dispatch as any other send.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import count
from types import CodeType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .families import Families, Family


Guard = tuple[str, str, Any]  # selector, global, and what the method must be compiled from


class SelfSends:
    def __init__(self, scope: dict[str, Any], table: Callable[[str], Any], families: Families) -> None:
        self._globals = scope
        self._table = table
        self._families = families
        self._number = count(1)
        self._names: dict[Family, dict[str, str]] = {}  # per family: selector -> global
        self._loose: set[Family] = set()
        self._guards: dict[tuple[Family, str], dict[str, Any]] = {}  # flags -> what the method must be compiled from
        self._left: list[str] = []  # globals of retired families, which code that still runs may call

    def customise(self, code: CodeType, selectors: frozenset[str], guards: Iterable[Guard], family: Family) -> CodeType:
        """A copy of a unit's module whose function calls the globals of a family, and asks its flags whether the
        methods that it has in line are still the ones that answer."""
        mine = self._names.get(family)
        if mine is None:
            mine = self._names[family] = {}
        for selector in selectors:
            if selector not in mine:
                mine[selector] = f"@{selector} {next(self._number)}"
                self._unbind(family, selector)
        for selector, guard, identity in guards:
            if guard[1:] not in mine:
                name = mine[guard[1:]] = f"{guard} {next(self._number)}"
                self._guards.setdefault((family, selector), {})[name] = identity
                self._unbind(family, selector)
        return code.replace(co_consts=tuple(_renamed(one, mine) for one in code.co_consts))

    def dispatch(self, selectors: frozenset[str]) -> None:
        """For a unit that is compiled for no family in particular: its sends to self go by type."""
        for selector in selectors:
            name, table = "@" + selector, self._table(selector)
            self._globals[name] = _dispatcher(table)

    def answered(self, family: Family, selector: str) -> bool:
        """Has a send to self been answered since behaviour changed last?"""
        name = self._names.get(family, {}).get(selector)
        return name is not None and "method" in self._globals[name].__dict__

    def replace(self, selector: str, old: Any, new: Any) -> None:
        for mine in self._names.values():
            name = mine.get(selector)
            if name is not None and self._globals[name] is old:
                self._globals[name] = new

    def forget(self, selector: str | None = None) -> None:
        """Behaviour changed: what one selector means, or all of them, is looked up again."""
        for family, mine in list(self._names.items()):
            if family.retired:
                # Its globals dispatch, and go on doing so for code that is still running.
                left = self._names.pop(family)
                self._left.extend(left.values())
                for one in left:
                    self._guards.pop((family, one), None)
                self._loose.discard(family)
                continue
            for name in (selector,) if selector in mine else mine if selector is None else ():
                if name[0] != "?":
                    self._unbind(family, name)

    def unguard(self, selector: str) -> None:
        """No code asks any more whether a certain method answers but such as is running, for which none does."""
        for family, mine in self._names.items():
            flags = self._guards.pop((family, selector), {})
            self._globals.update(dict.fromkeys(flags, False))
            for name in [name for name, flag in mine.items() if flag in flags]:
                del mine[name]

    def sweep(self) -> None:
        """No code of this world is running: what only running code could need may go, and each object is where it
        belongs."""
        for name in self._left:
            del self._globals[name]
        self._left.clear()
        loose = list(self._loose)
        self._loose.clear()
        for family in loose:
            self._unbind_all(family)

    def loosen(self, family: Family) -> None:
        """From now on self may be of another family in code that runs for this one."""
        if family not in self._loose:
            self._loose.add(family)
            self._unbind_all(family)

    def _unbind_all(self, family: Family) -> None:
        for name in self._names.get(family, ()):
            if name[0] != "?":
                self._unbind(family, name)

    def _unbind(self, family: Family, selector: str) -> None:
        scope, table, name = self._globals, self._table(selector), self._names[family][selector]
        by_type, loose = self._families.by_type, self._loose
        guards = self._guards.get((family, selector), {})
        scope.update(dict.fromkeys(guards, False))

        dispatch = _dispatcher(table)

        def bind(receiver: Any, *args: Any) -> Any:
            function = table[receiver.__class__]
            if (
                by_type.get(receiver.__class__) is family
                and not family.retired
                and family not in loose
                and not getattr(function, "one_state", False)
            ):
                scope[name] = function
                found = getattr(function, "identity", None)
                for guard, identity in guards.items():
                    scope[guard] = found == identity
            else:
                scope[name] = dispatch
            return function(receiver, *args)

        scope[name] = dispatch if family.retired or family in loose else bind


def _dispatcher(table: Any) -> Callable[..., Any]:
    def dispatch(receiver: Any, *args: Any) -> Any:
        return table[receiver.__class__](receiver, *args)

    return dispatch


def _renamed(constant: Any, names: dict[str, str]) -> Any:
    """The code of the unit's own function with a family's names; blocks inside send by type and stay as they are."""
    if not isinstance(constant, CodeType):
        return constant
    return constant.replace(
        co_names=tuple(names.get(name[1:], name) if name[0] == "@" else name for name in constant.co_names)
    )
