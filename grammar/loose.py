"""Methods as other systems write them, without brackets: a pattern, and then the body to the end of the text."""

from __future__ import annotations

from .scan import scan


def enclose(source: str) -> str:
    """``foo: x ^x + 1`` as ``foo: x [ ^x + 1 ]``, on the same lines. Text that has no pattern is given back as it
    is."""
    lexemes = (one for one in scan(source) if one.kind not in ("SPACE", "COMMENT"))
    first = next(lexemes, None)
    if first is None:
        return source
    end = first.end
    if first.kind in ("KEYWORD", "OPERATOR"):
        name = next(lexemes, None)
        if name is None or name.kind != "IDENT":
            return source
        end = name.end
        while first.kind == "KEYWORD":
            keyword, name = next(lexemes, None), next(lexemes, None)
            if keyword is None or name is None or keyword.kind != "KEYWORD" or name.kind != "IDENT":
                break
            end = name.end
    elif first.kind != "IDENT":
        return source
    body = arrows(source[end:])
    # A space keeps what was a word of its own one; the last line may be anything but an open comment.
    return f"{source[first.start : end]} [{'' if body[:1].isspace() else ' '}{body.rstrip()}\n]"


def arrows(source: str) -> str:
    """The text with the assignment of old sources, ``x _ 3`` (an arrow, on the screens of then), as ``:=``."""
    if "_" not in source:
        return source
    parts = []
    at = 0
    for kind, start, end in scan(source):
        if kind == "IDENT" and source[start:end] == "_":
            parts += [source[at:start], ":="]
            at = end
    return "".join(parts) + source[at:]
