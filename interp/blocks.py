"""Blocks at rest: how a running block becomes a StoredBlock and runs again after a restart.

A block is stored as the source of the method (or statement) it was written in, which block of it (its function's name,
unique in the unit), how the unit's free names were resolved, and the values it captured. Reviving compiles the unit
again, finds the block's code in it, and gives that new cells.
"""

from __future__ import annotations

from functools import lru_cache
from sys import getrefcount
from types import CellType, CodeType, FunctionType
from typing import TYPE_CHECKING, Any

from ..grammar import nodes, parse
from ..image.object import StoredBlock, freeze, thaw
from .compiler import Compiled, Mode, compile_statement
from .flow import Home
from .stack import Source

if TYPE_CHECKING:
    from .world import World


NOTHING: tuple[frozenset[str], ...] = (frozenset(), frozenset(), frozenset())


def detached(block: Any) -> Any:
    """The same block, no longer sharing its variables with the activation that made it."""
    cells = tuple(CellType(cell.cell_contents) for cell in block.__closure__)
    return FunctionType(block.__code__, block.__globals__, block.__name__, None, cells)


def _held() -> int:
    block = FunctionType(store.__code__, {})
    return (lambda block: getrefcount(block))(block)


def store(world: World, function: Any) -> StoredBlock:
    code = function.__code__
    if "!" in code.co_name:
        world.guesses.keep_apart(code.co_filename)
    source = world.sources[code.co_filename]
    captured = {}
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        value = cell.cell_contents
        # The activation that ^ would return from does not survive: the revived block's home has returned.
        captured[name] = None if isinstance(value, Home) else freeze(value)
    recipe = {
        "text": source.text,
        "label": source.label,
        "origin": source.origin,
        "first_line": source.first_line,
        "home": source.home,
        "block": code.co_name,
        "where": world.resolutions.get(code.co_filename, ()),
        "method": source.home is not None,
    }
    return StoredBlock(recipe, captured)


def revive(world: World, stored: StoredBlock) -> Any:
    recipe, captured = stored.recipe, stored.captured
    where = tuple(tuple(pair) for pair in recipe["where"])
    compiled, filename = _compile(world, recipe, where)
    world.sources.setdefault(
        filename, Source(recipe["label"], recipe["text"], recipe["origin"], recipe["first_line"], recipe["home"])
    )
    world.resolutions[filename] = where
    world.families.free_names.update(compiled.free)
    world.units.keep(filename, compiled)
    world.link(compiled, recipe["home"])
    code = _find(compiled.code, recipe["block"])
    if code is None:
        raise RuntimeError(f"the stored block {recipe['block']!r} is not in its own source")
    cells = []
    for name in code.co_freevars:
        if name == "%home":
            home = Home()
            home.open = False
            cells.append(CellType(home))
        else:
            cells.append(CellType(thaw(captured.get(name, captured.get(name.rstrip("."))))))
    return FunctionType(code, world.globals, code.co_name, None, tuple(cells))


def _compile(world: World, recipe: dict[str, Any], where: tuple[Any, ...]) -> tuple[Compiled, str]:
    from .compiled import compiled_method

    timid: frozenset[str] = frozenset(() if "'" in recipe["block"] else ("walks",))
    label = recipe["label"] if recipe["method"] else "statement"
    filename = f"<{label} {hash_of(recipe['text'], where)}>"
    timid |= world.guesses.kept.get(filename, frozenset())
    if recipe["method"]:
        world.globals[f"$site {filename}"] = 0
        marks: tuple[frozenset[str], frozenset[str]] = frozenset(), timid
        options = (False, *NOTHING)
        compiled = compiled_method(
            recipe["text"], where, filename, marks, world.redefined, options, str(id(recipe["home"]))
        )
        return compiled, filename
    return _compiled_statement(recipe["text"], where, world.redefined, filename, timid), filename


@lru_cache(maxsize=512)
def _compiled_statement(
    text: str, where: tuple[tuple[str, str], ...], redefined: frozenset[str], filename: str, timid: frozenset[str]
) -> Compiled:
    """Kept for a while: an object with twenty blocks is loaded anew in every other worker when one of them changes."""
    statement = next(s for s in parse(text).statements if not isinstance(s, nodes.Variables))
    known = dict(where)
    mode = Mode(lambda name: known.get(name, "dynamic"), redefined=redefined, timid=timid)
    return compile_statement(statement, mode, filename)


def hash_of(text: str, where: tuple[Any, ...]) -> str:
    import hashlib

    return hashlib.blake2b(repr((text, where)).encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


def _find(code: CodeType, name: str) -> CodeType | None:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            if constant.co_name == name:
                return constant
            inner = _find(constant, name)
            if inner is not None:
                return inner
    return None


HELD = _held()  # references to a block that is passed on by the only variable that has it
