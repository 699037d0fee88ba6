"""What a reader is told exists does exist: rooms' READMEs, linked files, named paths, make targets and modules."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("grammar", "image", "bridge", "interp", "jit", "ui", "training", "batos")
FOLDERS = (*ROOMS, "docs", "tests", "examples", "benchmarks")
PAGES = [*sorted(ROOT.glob("*.md")), *(page for each in FOLDERS for page in sorted((ROOT / each).rglob("*.md")))]
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
# Names in help texts and tests that stand for a person's own file.
EXAMPLES = {"bank.st", "ui.py"}
PATH = re.compile(rf"(?<![\w/.-])((?:{'|'.join(FOLDERS)})/[\w./*-]*\w)")


@pytest.mark.parametrize("room", ROOMS)
def test_each_room_opens_with_a_readme(room: str) -> None:
    text = (ROOT / room / "README.md").read_text()
    assert len(text.split()) > 40, f"{room}/README.md: what it is, its invariant, what to read first, what was dropped"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_names_nothing_that_is_not_there(page: Path) -> None:
    assert list(dead_names(page.read_text(), page.parent)) == []


def test_the_index_of_docs_names_every_page() -> None:
    index = (ROOT / "docs" / "README.md").read_text()
    pages = {page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").rglob("*.md")} - {"README.md"}
    assert {page for page in pages if f"]({page})" not in index} == set()


@pytest.mark.parametrize("room", ROOMS)
def test_a_docstring_or_comment_names_no_file_that_is_not_there(room: str) -> None:
    ours = {path.name for each in FOLDERS for path in (ROOT / each).rglob("*.*")} | {page.name for page in PAGES}
    dead = []
    for path in (ROOT / room).rglob("*.py"):
        for name in re.findall(r"(?<![\w*.])(\w+\.(?:py|st|lark)|[A-Z]+\.md)\b", path.read_text()):
            if name not in ours and name not in EXAMPLES:
                dead.append(f"{path.relative_to(ROOT)}: {name}")
    assert dead == []


def dead_names(text: str, folder: Path) -> Iterator[str]:
    """Files, make targets and modules that `text` names, in links and in code, and that do not exist."""
    for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if "://" not in link and not (folder / link).exists():
            yield f"link to {link}"
    for piece in re.findall(r"`([^`\n]+)`", text) + re.findall(r"^    (.+)$", text, re.MULTILINE):
        yield from (f"make {target}" for target in re.findall(r"^make ([a-z][a-z-]+)", piece) if target not in TARGETS)
        yield from (f"-m {name}" for name in re.findall(r"-m (batos[\w.]*)", piece) if not module_exists(name))
        for path in PATH.findall(piece):
            if not any(ROOT.glob(path)) and not any(folder.glob(path)):
                yield path
        if re.fullmatch(r"[\w-]+\.(py|st|lark|kv)", piece) and not any(
            path for each in FOLDERS for path in (ROOT / each).rglob(piece)
        ):
            yield piece


def module_exists(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def test_a_planted_dead_name_is_found(tmp_path: Path) -> None:
    dead = "[a](gone.md) `make nothing` `python -m batos.gone` `jit/gone.py` `gone.py`\n\n    make nowhere\n"
    assert len(list(dead_names(dead, tmp_path))) == 6
    alive = "`make run` `python -m batos.jit.model_setup` `jit/model_setup.py` `conftest.py` [x](https://x.y) jit/no"
    assert list(dead_names(alive, ROOT)) == []
