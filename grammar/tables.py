"""The parser: Lark's LALR tables for messages.lark, made once and kept.

Making them takes some 50 ms and loading them 5, so they are kept in the person's cache folder under a name that holds
everything they depend on (grammar text, versions of Lark and Python). The cache is only ever a shortcut: one that
cannot be read or written, is damaged, or belongs to somebody else is passed over in silence, and the tables are made
anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
import sys
import tempfile
import threading
from functools import cache
from pathlib import Path

import lark

from .build import Builder
from .lalr import MessageParser
from .lexer import MessageLexer

_GRAMMAR = Path(__file__).with_name("messages.lark")
_PLUGINS = {"ContextualLexer": MessageLexer, "LALR_Parser": MessageParser}
_lock = threading.Lock()


def cache_folder() -> Path:
    """``$XDG_CACHE_HOME/batos``, or ``~/.cache/batos``. (Raises RuntimeError where there is no home.)"""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if os.path.isabs(base) else Path.home() / ".cache") / "batos"


def parser() -> lark.Lark:
    """The one parser of this process; threads may share it, since it keeps nothing of a text."""
    with _lock:
        return _parser()


@cache
def _parser() -> lark.Lark:
    grammar = _GRAMMAR.read_bytes()
    key = hashlib.sha256(repr((lark.__version__, sys.version_info[:3])).encode() + grammar).hexdigest()[:24]
    try:
        kept: Path | None = cache_folder() / f"messages-{key}.tables"
    except RuntimeError:
        kept = None
    return (kept and _load(kept)) or _build(grammar.decode(), kept)


def _load(kept: Path) -> lark.Lark | None:
    """The tables from the cache. Pickled, hence never taken from a file that another person could have written."""
    try:
        with kept.open("rb") as file:
            status = os.fstat(file.fileno())
            if hasattr(os, "getuid") and (status.st_uid != os.getuid() or status.st_mode & 0o022):
                return None
            data = pickle.load(file)
        return lark.Lark._load_from_dict(data["data"], data["memo"], transformer=Builder, _plugins=_PLUGINS)
    except Exception:  # whatever a damaged file makes pickle or Lark raise
        return None


def _build(grammar: str, keep: Path | None) -> lark.Lark:
    made = lark.Lark(
        grammar,
        parser="lalr",
        lexer="contextual",
        start=["program", "method"],
        maybe_placeholders=False,
        transformer=Builder,
        _plugins=_PLUGINS,
    )
    if keep is not None:
        with contextlib.suppress(OSError):
            _save(made, keep)
    return made


def _save(made: lark.Lark, keep: Path) -> None:
    """Write beside, then rename: two processes at once each leave a whole file."""
    keep.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=keep.parent, prefix=".messages-")
    try:
        with open(handle, "wb") as file:
            made.save(file, exclude_options=["transformer", "_plugins"])
        os.replace(temporary, keep)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
