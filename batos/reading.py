"""The texts that a person names to ``batos run`` (and ``batos test``): files, standard input, and folders of Tonel."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click


def texts_of(names: Iterable[str], syntax: str = "auto") -> list[tuple[str, str, str]]:
    """(name, text, syntax) of each file. A folder is its Tonel files (and ``.st`` files besides), in an order in which
    they can be read, with a text that initializes the classes. Raises ClickException for what cannot be read."""
    found: list[tuple[str, str, str]] = []
    for name in names:
        if Path(name).is_dir():
            found += _folder(Path(name), syntax)
        else:
            found.append((name, _read(name), syntax))
    return found


def _read(name: str) -> str:
    try:
        with click.open_file(name, "rb") as file:
            data = file.read()
    except OSError as problem:
        raise click.ClickException(f"{name}: {problem.strerror or problem}") from problem
    try:
        text: str = data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        if b"\0" in data:
            raise click.ClickException(f"{name}: this is no text") from problem
        text = data.decode("latin-1")  # as older systems wrote
    # Older systems end lines with a carriage return alone.
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _folder(folder: Path, syntax: str) -> list[tuple[str, str, str]]:
    from .grammar.foreign import recognise
    from .grammar.tonel import arrange

    try:
        paths = sorted(path for path in folder.rglob("*.st") if path.is_file())
    except OSError as problem:
        raise click.ClickException(f"{folder}: {problem.filename}: {problem.strerror}") from problem
    if not paths:
        raise click.ClickException(f"{folder}: this folder holds no .st files")
    files = [(str(path), _read(str(path))) for path in paths]
    classes, initialized, others = arrange(files)
    found = [(name, text, "tonel-part") for name, text in classes]
    if initialized:
        found.append((str(folder), "".join(f"{name} initialize.\n" for name in initialized), "messages"))
    return found + [(name, text, recognise(text) if syntax == "auto" else syntax) for name, text in others]
