"""Where an image lies: a path, or a URI.

A path, or ``file://PATH``, is a file on this machine. ``memory:`` is an image that nobody keeps, ``demo:LOCATION`` one
that starts as that image and forgets what happens to it. ``postgresql://...`` is libpq's connection URI (postgres.py).
Everything else (``zeo://host:port``) is a zodburi URI, whose scheme the package that knows it has registered.
"""

import os
import re
from pathlib import Path

# Two letters at least, so that C:\images\live.fs is a path. demo: and memory: come without slashes too.
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://|(demo|memory):")


def scheme_of(location: str | os.PathLike[str]) -> str:
    """``"zeo"`` for ``zeo://localhost:9991``; ``""`` for a path."""
    match = _SCHEME.match(os.fspath(location))
    return (match[1] or match[2]).lower() if match else ""


def spoken(location: str | os.PathLike[str]) -> str:
    """The location as it may be shown and logged: without a password."""
    text = re.sub(r"(://[^/@:]*):[^/]*@", r"\1:***@", os.fspath(location))
    return re.sub(r"([?&]password=)[^&]*", r"\1***", text)


def path_of(location: str | os.PathLike[str]) -> Path | None:
    """The file an image is in, or None. Links are resolved, so that it has one lock by whatever name it is reached."""
    text = os.fspath(location)
    scheme = scheme_of(text)
    if scheme == "file":
        text = text[len("file://") :]
    elif scheme:
        return None
    return Path(os.path.realpath(os.path.expanduser(text)))
