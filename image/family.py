"""Families: the Python types that objects with the same behaviour share at run time.

What Self calls a map (Chambers, Ungar and Lee, 1989) is here a pair of Python types, one for objects that are
clean and one for objects that are live (object.py says what that means). ``type(x)`` is then one
cheap key for dispatch, and CPython's inline caches work on the slots.

The types carry the whole change tracking:

* clean: a write goes to ``__setattr__`` below, which registers the object and moves it to the live type in one step;
* live: no barrier. ``_p_changed`` is a property there, so the commit that clears it moves the object to clean;
* both: when the connection drops the state, the object becomes an instance of its class again, a ghost.
"""

from __future__ import annotations

from typing import Any, cast

from persistent import Persistent

from .object import Body, Kind, UvmObject, set_class

_changed = Persistent._p_changed
_plain = {
    "__module__": __name__,
    "__getattribute__": object.__getattribute__,
    "__reduce__": Body.__reduce__,
}


def pair(ghost: type[Body], families: Any, family: Any) -> tuple[type, type]:
    """Two new types (clean, live) for instances of the class ``ghost``; ``family`` is what they are the family of."""
    to_live, to_clean = ghost._p_live, ghost._p_clean
    marks = {
        "_p_ghost": ghost,
        "_p_awake": True,
        "_p_families": families,
        "_p_family": family,
        "_p_traits": ghost._p_traits,
        "_p_live": staticmethod(to_live),
        **{
            name: getattr(ghost, name)
            for name in ("__eq__", "__hash__", "__str__", "__getstate__", "_p_as_key")
            if getattr(ghost, name, None) is not getattr(UvmObject, name, None)
        },
    }
    if "_p_resolveConflict" in dir(ghost):
        marks["_p_resolveConflict"] = ghost._p_resolveConflict  # type: ignore[attr-defined]

    def get_changed(self: Any) -> Any:
        return _changed.__get__(self)

    def set_changed(self: Any, value: Any) -> None:
        _changed.__set__(self, value)
        # False from True is the commit; None was answered by _p_deactivate below.
        if value is not None and not value and _changed.__get__(self) is False:
            set_class(self, clean)
            to_clean(self)
        elif value and type(self) is clean:
            set_class(self, live)
            to_live(self)

    def del_changed(self: Any) -> None:
        _changed.__delete__(self)

    def deactivate(self: Any) -> None:
        Persistent._p_deactivate(self)
        if _changed.__get__(self) is None:
            set_class(self, ghost)

    def invalidate(self: Any) -> None:
        Persistent._p_invalidate(self)
        if _changed.__get__(self) is None:
            set_class(self, ghost)

    def write(self: Any, name: str, value: Any) -> None:
        if name[:3] in ("_p_", "_v_"):
            Persistent.__setattr__(self, name, value)
        else:
            Persistent.__setattr__(self, "__class__", live)  # registers with the connection
            to_live(self)
            setattr(self, name, value)

    def erase(self: Any, name: str) -> None:
        if name[:3] in ("_p_", "_v_"):
            Persistent.__delattr__(self, name)
        else:
            Persistent.__setattr__(self, "__class__", live)
            to_live(self)
            delattr(self, name)

    both = {
        **_plain,
        **marks,
        "_p_changed": property(get_changed, set_changed, del_changed),
        "_p_deactivate": deactivate,
        "_p_invalidate": invalidate,
    }
    bases = (Body,)
    clean = Kind(ghost.__name__, bases, {**both, "__setattr__": write, "__delattr__": erase})
    live = Kind(
        ghost.__name__,
        bases,
        {**both, "__setattr__": object.__setattr__, "__delattr__": object.__delattr__},
    )
    return clean, live


def touch(thing: Body) -> None:
    """Register a loaded object as changed (and so make it live) before its hidden storage is changed in place."""
    cast(Any, thing)._p_changed = True
