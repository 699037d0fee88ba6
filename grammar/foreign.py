"""Which syntax a text is in, by what is in it; and reading it."""

from __future__ import annotations

import re

from .loose import arrows
from .nodes import Program
from .reader import foreign_character, parse

#: What a person may call a syntax. "tonel-part" is a file of a folder: its class is initialized when all are read.
SYNTAXES = ("auto", "messages", "chunks", "tonel", "tonel-part")


def recognise(source: str) -> str:
    """``messages`` (which includes classes in GNU Smalltalk's brackets), ``chunks`` or ``tonel``."""
    if "{" in source and ("Class" in source or "Trait" in source or "Extension" in source or "Package" in source):
        from .tonel import looks_like_tonel

        if looks_like_tonel(source):
            return "tonel"
    if "!" in source:
        from .chunks import looks_chunked

        if looks_chunked(source):
            return "chunks"
    return "messages"


def read(source: str, origin: str = "<input>", syntax: str = "auto") -> Program:
    """The program in a text of any of the syntaxes, what is at fault in it as Bads."""
    if source.startswith("#!"):  # what a shell runs the file by
        end = source.find("\n") % (len(source) + 1)
        source = " " * end + source[end:]
    if syntax == "auto":
        syntax = recognise(source)
    if syntax == "messages" and re.search(r"(?<!\w)_(?!\w)", source):
        source = arrows(source)
    if syntax == "messages" or foreign_character(source, origin) is not None:
        return parse(source, origin, recover=True)
    if syntax == "chunks":
        from .chunks import read_chunks

        return read_chunks(source, origin)
    from .tonel import read_tonel

    return read_tonel(source, origin, initialize=syntax == "tonel")
