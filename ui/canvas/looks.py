"""Kivy classes out of the image: each prototype that has a rule (kv) or Python of its own becomes a class of widgets.

A class is made for a chain of prototypes, the nearest first; its base is the class of the rest of the chain, so that
Kivy itself finds the rules of all of them. The rule is loaded under a file name of its own, and unloaded and its
class unregistered before another one takes its place. Whatever is wrong with a text is a Problem, which a box shows
where the morph would be.

What a rule of a morph may not do without being asked (kvcheck.py), and Python, is run when the person has said so once:
`allow` remembers the text's digest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Any

from kivy.factory import Factory
from kivy.lang import Builder
from kivy.properties import ObjectProperty

from .kvcheck import HEADER, objection
from .kvguard import guarded
from .tree import Node
from .watchdog import Endless

OWN = frozenset({"x", "y", "width", "height", "children", "parent", "handle", "down", "send", "kind", "views", "holds"})


SHORT = re.compile(r"^(\s+)((?:Label|Button|ToggleButton)\s*:)")  # of parts.py
WHERE = re.compile(r">>\s*(\d+):")


class Problem(Exception):
    """A text that cannot be used: ``asks`` if a person may let it run."""

    def __init__(self, holder: str, message: str, asks: str = "") -> None:
        super().__init__(message)
        self.holder = holder
        self.message = message
        self.asks = asks


def digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class Looks:
    """``base`` is the class of a morph without a look; ``allowed`` the digests of texts a person let run."""

    def __init__(self, base: type, allowed: Iterable[str] = (), on_allow: Callable[[str], None] | None = None) -> None:
        self.base = base
        self.views: dict[str, Node] = {}
        self.allowed = set(allowed)
        self.on_allow = on_allow
        self._classes: dict[tuple[str, ...], type | Problem] = {}
        self._loaded: dict[tuple[str, ...], tuple[str, str]] = {}  # chain -> file name, class name
        self._count = 0

    def change(self, holder: str, view: Node) -> None:
        """A prototype is drawn otherwise from now on: classes that rest on it are made anew when they are wanted."""
        if self.views.get(holder) == view:
            return
        self.views[holder] = view
        self.drop(holder)

    def drop(self, holder: str) -> None:
        for chain in [chain for chain in self._classes if holder in chain]:
            self._forget(chain)

    def allow(self, text: str) -> None:
        """The person lets this text run, now and later."""
        self.allowed.add(digest(text))
        if self.on_allow:
            self.on_allow(digest(text))
        for chain in [chain for chain, made in self._classes.items() if isinstance(made, Problem)]:
            self._forget(chain)

    def class_for(self, chain: tuple[str, ...]) -> type:
        """The widget class for a chain of prototypes. Raises Problem."""
        if chain not in self._classes:
            try:
                self._classes[chain] = self._make(chain)
            except Problem as problem:
                self._classes[chain] = problem
        made = self._classes[chain]
        if isinstance(made, Problem):
            raise made
        return made

    def holder_of(self, filename: str) -> str | None:
        """The prototype whose text has that file name, as a traceback says it."""
        return next((chain[0] for chain, (file, _) in self._loaded.items() if file == filename), None)

    def _make(self, chain: tuple[str, ...]) -> type:
        if not chain:
            return self.base
        holder, view = chain[0], self.views.get(chain[0])
        if view is None:
            raise Problem(chain[0], "how to draw it has not come yet")
        base = self.class_for(chain[1:])
        kv, python = str(view.get("kv") or ""), str(view.get("python") or "")
        self._may(holder, view, kv, python)
        self._count += 1
        plain = re.sub(r"[^A-Za-z0-9]", "", str(view.get("name") or "")) or "Morph"
        name = f"{plain}_{holder.lstrip('0')}_{self._count}"
        filename = f"morph-{holder.lstrip('0')}-{self._count}.kv"
        slots = {each: ObjectProperty(None, allownone=True) for each in view.get("slots") or () if self._is_slot(each)}
        if python:
            base = _python_class(holder, python, base)
        made = type(name, (base,), slots)
        self._loaded[chain] = filename, name
        if kv:
            if digest(kv) not in self.allowed:
                kv = guarded(kv)
            try:
                Builder.load_string(_named(kv, name), filename=filename)
            except Exception as problem:
                self._unload(chain)
                raise Problem(holder, f"kv: {brief(problem)}") from problem
        return made

    def _is_slot(self, name: str) -> bool:
        return name.isidentifier() and name not in OWN and not hasattr(self.base, name)

    def _may(self, holder: str, view: Node, kv: str, python: str) -> None:
        for what, text, why in (("kv", kv, objection(kv)), ("python", python, "it is Python")):
            if text and why and digest(text) not in self.allowed:
                name = view.get("name") or "this morph"
                raise Problem(holder, f"the {what} of {name} runs only if you allow it: {why}", asks=text)

    def _forget(self, chain: tuple[str, ...]) -> None:
        self._classes.pop(chain, None)
        self._unload(chain)

    def _unload(self, chain: tuple[str, ...]) -> None:
        if chain in self._loaded:
            filename, name = self._loaded.pop(chain)
            Builder.unload_file(filename)
            Factory.unregister(name)


def _named(kv: str, name: str) -> str:
    """The rule under the class's own name, whatever name it was written for, with labels that draw no more than can be
    seen. A text without a header is a rule's body."""
    lines = [SHORT.sub(r"\1Short\2", line) for line in kv.expandtabs(4).split("\n")]
    for number, line in enumerate(lines):
        header = HEADER.match(line)
        if header:
            lines[number] = f"<{header.group(1)}{name}>:"
            return "\n".join(lines)
        if line.strip() and not line.strip().startswith("#"):
            break
    return f"<{name}>:\n" + "\n".join("    " + line for line in lines)


def _python_class(holder: str, text: str, base: type) -> type:
    space: dict[str, Any] = {"Base": base, "__name__": f"morph_{holder}"}
    try:
        exec(compile(text, f"morph-{holder}.py", "exec"), space)
    except BaseException as problem:
        raise Problem(holder, f"python: {brief(problem)}") from problem
    made = space.get("View")
    if not (isinstance(made, type) and issubclass(made, base)):
        raise Problem(holder, "python: it defines no class View(Base)")
    return made


def brief(problem: BaseException) -> str:
    """The line of what Kivy or Python says that tells what was wrong, and where."""
    if isinstance(problem, Endless):
        return str(problem)
    if _runs_in_circles(problem):
        return "RecursionError: the rule depends on itself"
    text = str(problem).strip()
    cause = problem
    while (inner := cause.__cause__ or cause.__context__) is not None:  # at most fifty, or it runs in circles
        cause = inner
    where = WHERE.search(text)
    line = f" (line {where.group(1)})" if where else ""
    if cause is problem:
        told = [
            each.strip() for each in text.split("\n") if each.strip() and not each.strip().startswith(("...", ">>"))
        ]
        return f"{type(problem).__name__}: {(told or [''])[-1]}{line}"[:300]
    last = (str(cause).strip().split("\n") or [""])[-1]
    return f"{type(cause).__name__}: {last}{line}"[:300]


def _runs_in_circles(problem: BaseException) -> bool:
    """Did a rule call itself until the stack was full? Kivy's word on that holds all levels: seconds of text."""
    seen = 0
    each: BaseException | None = problem
    while each is not None and seen < 50:
        if isinstance(each, RecursionError):
            return True
        each, seen = each.__cause__ or each.__context__, seen + 1
    return seen >= 50
