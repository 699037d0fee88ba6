"""Primitives of files, standard input and the environment: what scripts for other Smalltalks read and write.

A file's text is read whole when it is opened and written whole when it is flushed or closed; that is not taken back
when the message fails. A model's code may name none of these (jit/allowlist.py).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...image.collections import text_of
from ...image.values import Character
from ..flow import Fault
from . import primitive

if TYPE_CHECKING:
    from ..world import World


def _failed(error: OSError, name: str) -> Fault:
    return Fault("SystemExceptions.FileError", f"{name}: {error.strerror or error}")


@primitive("file.text", world=True)
def file_text(world: World) -> Any:
    """The text of a file; what is no UTF-8 is read as Latin-1."""

    def file_text(self: Any, name: Any) -> Any:
        path = text_of(name)
        try:
            data = Path(path).read_bytes()
        except OSError as error:
            raise _failed(error, path) from None
        try:
            return world.new_string(data.decode("utf-8"))
        except UnicodeDecodeError:
            return world.new_string(data.decode("latin-1"))

    return file_text


@primitive("file.write")
def file_write(self: Any, name: Any, text: Any) -> Any:
    path = text_of(name)
    try:
        Path(path).write_text(text_of(text), encoding="utf-8", newline="")
    except OSError as error:
        raise _failed(error, path) from None
    return self


@primitive("file.exists")
def file_exists(self: Any, name: Any) -> bool:
    return Path(text_of(name)).exists()


@primitive("file.remove")
def file_remove(self: Any, name: Any) -> Any:
    path = text_of(name)
    try:
        Path(path).unlink()
    except OSError as error:
        raise _failed(error, path) from None
    return self


@primitive("system.getenv")
def getenv(self: Any, name: Any) -> str | None:
    return os.environ.get(text_of(name))


class Input:
    """Standard input as far as it was looked at: ``ahead`` is what was read of a line and not taken yet."""

    ahead = ""

    @classmethod
    def fill(cls) -> bool:
        """Is there anything to be taken?"""
        if not cls.ahead and sys.stdin is not None:
            try:
                cls.ahead = sys.stdin.readline()
            except (OSError, ValueError):
                cls.ahead = ""  # closed, or not ours to read
        return bool(cls.ahead)

    @classmethod
    def take(cls, count: int) -> str:
        text, cls.ahead = cls.ahead[:count], cls.ahead[count:]
        return text


@primitive("stdin.atEnd")
def stdin_at_end(self: Any) -> bool:
    return not Input.fill()


@primitive("stdin.next", world=True)
def stdin_next(world: World) -> Any:
    return lambda self: Character(Input.take(1)) if Input.fill() else world.send(self, "pastEnd")


@primitive("stdin.peek")
def stdin_peek(self: Any) -> Any:
    return Character(Input.ahead[0]) if Input.fill() else None


@primitive("stdin.nextLine", world=True)
def stdin_next_line(world: World) -> Any:
    def next_line(self: Any) -> Any:
        if not Input.fill():
            return world.send(self, "pastEnd")
        line = Input.take(len(Input.ahead))
        return world.new_string(line.removesuffix("\n").removesuffix("\r"))

    return next_line
