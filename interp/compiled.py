"""Methods as compiled, shared by all worlds of the process: what comes of a text and of what is known around it."""

from __future__ import annotations

from functools import lru_cache

from .compiler import Compiled, Mode, compile_method
from .inlining import Small
from .trees import tree_of


@lru_cache(maxsize=2048)
def compiled_method(
    source: str,
    where: tuple[tuple[str, str], ...],
    filename: str,
    marks: tuple[frozenset[tuple[str, str]], frozenset[str]],
    redefined: frozenset[str],
    options: tuple[bool, frozenset[str], frozenset[str], frozenset[str]],
    holder: str,
    small: tuple[Small, ...] = (),
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
        small={(one.selector, one.own): one for one in small},
    )
    return compile_method(tree, mode, filename, tree.selector)
