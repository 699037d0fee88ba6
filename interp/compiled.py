"""Methods as compiled, shared by all worlds of the process: what comes of a text and of what is known around it."""

from __future__ import annotations

from functools import lru_cache

from ..grammar import nodes, parse_method
from .compiler import Compiled, Mode, compile_method
from .scopes import Scopes
from .statements import selectors_in


@lru_cache(maxsize=1024)
def tree_of(source: str) -> nodes.Method:
    return parse_method(source)


@lru_cache(maxsize=4096)
def free_of(source: str) -> tuple[str, ...]:
    tree = tree_of(source)
    return tuple(Scopes(tree, tree.params, tree.temps, tree.body).free)


@lru_cache(maxsize=4096)
def sends_of(source: str) -> frozenset[str]:
    return selectors_in(tree_of(source).body)


@lru_cache(maxsize=2048)
def compiled_method(
    source: str,
    where: tuple[tuple[str, str], ...],
    filename: str,
    marks: tuple[frozenset[tuple[str, str]], frozenset[str]],
    redefined: frozenset[str],
    options: tuple[bool, frozenset[str], frozenset[str], frozenset[str]],
    holder: str,
) -> Compiled:
    """Code objects are shared by all worlds of the process: they depend on nothing but these."""
    tree = tree_of(source)
    checked, data, pure, varied = options
    mode = Mode(
        dict(where).__getitem__,
        marks[0],
        redefined,
        checked,
        timid=marks[1],
        data=data,
        pure=pure,
        varied=varied,
        holder=holder,
    )
    return compile_method(tree, mode, filename, tree.selector)
