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
    """A file, or a directory with nothing in it."""
    path = text_of(name)
    try:
        if os.path.isdir(path) and not os.path.islink(path):
            os.rmdir(path)
        else:
            os.unlink(path)
    except OSError as error:
        raise _failed(error, path) from None
    return self


@primitive("file.facts", world=True)
def file_facts(world: World) -> Any:
    """Of a file that is there: whether it is a file, a directory, a link, can be read, written, run; its size; when it
    was changed, read, made (seconds since 1970). Of none: nil."""

    def file_facts(self: Any, name: Any) -> Any:
        path = text_of(name)
        try:
            found = os.stat(path)
        except (OSError, ValueError):
            return None
        may = [os.access(path, right) for right in (os.R_OK, os.W_OK, os.X_OK)]
        kinds = [os.path.isfile(path), os.path.isdir(path), os.path.islink(path)]
        times = [int(one) for one in (found.st_mtime, found.st_atime, found.st_ctime)]
        return world.new_array([*kinds, *may, found.st_size, *times])

    return file_facts


@primitive("file.names", world=True)
def file_names(world: World) -> Any:
    """The names in a directory, in alphabetical order."""

    def file_names(self: Any, name: Any) -> Any:
        path = text_of(name)
        try:
            return world.new_array([world.new_string(one) for one in sorted(os.listdir(path))])
        except OSError as error:
            raise _failed(error, path) from None

    return file_names


@primitive("file.makeDirectory")
def make_directory(self: Any, name: Any) -> Any:
    path = text_of(name)
    try:
        os.mkdir(path)
    except OSError as error:
        raise _failed(error, path) from None
    return self


@primitive("file.rename")
def file_rename(self: Any, name: Any, new: Any) -> Any:
    path = text_of(name)
    try:
        os.rename(path, text_of(new))
    except OSError as error:
        raise _failed(error, path) from None
    return self


@primitive("file.absolute", world=True)
def file_absolute(world: World) -> Any:
    """A path from the root on, without . and .. in it."""
    return lambda self, name: world.new_string(os.path.abspath(os.path.expanduser(text_of(name))))


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
