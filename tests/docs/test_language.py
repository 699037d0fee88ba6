"""docs/language.md and docs/class-files.md are true: every example on the pages runs, on a world of its own, and
answers what the page says.

Below a statement, ``=> `` is what its value prints as, ``!! `` the first line of its error, ``.. `` a line of output.
``--- again ---`` closes the image and opens it anew.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from batos.image import open_image
from batos.interp import Outcome, Worker

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("language.md", "class-files.md")
FENCE = re.compile(r"^(`{3,})smalltalk\n(.*?)^\1$", re.MULTILINE | re.DOTALL)
RESULT = re.compile(r"=> |!! |\.\. ")
AGAIN = "--- again ---"


def examples() -> list[tuple[str, str]]:
    """Page and line that each example begins at, and its text."""
    texts = {page: (DOCS / page).read_text() for page in PAGES}
    return [
        (f"{page}:{text.count(chr(10), 0, found.start(2)) + 1}", found[2])
        for page, text in texts.items()
        for found in FENCE.finditer(text)
    ]


def chunks(text: str) -> list[tuple[str, list[str]]]:
    """Source and the results that the page shows for its last statement."""
    made: list[tuple[str, list[str]]] = [("", [])]
    for line in text.splitlines():
        if RESULT.match(line):
            made[-1][1].append(line)
            continue
        if made[-1][1]:
            made.append(("", []))
        made[-1] = (made[-1][0] + line + "\n", made[-1][1])
    return made


def shown(outcome: Outcome) -> list[str]:
    lines = [".. " + line for line in outcome.transcript.splitlines()]
    if outcome.error is not None:
        return [*lines, "!! " + outcome.error.message]
    return lines if outcome.printed is None else [*lines, *("=> " + line for line in outcome.printed.splitlines())]


def test_the_pages_have_examples() -> None:
    assert len(examples()) == sum((DOCS / page).read_text().count("```smalltalk\n") for page in PAGES) > 12


@pytest.mark.parametrize(("line", "text"), examples(), ids=lambda value: value if value.find(".md:") > 0 else "")
def test_an_example_answers_what_the_page_says(line: str, text: str, fresh_image: Path) -> None:
    said: list[str] = []
    happened: list[str] = []
    for part in text.split(AGAIN + "\n"):
        with open_image(fresh_image) as image:
            worker = Worker(image, "reader")
            for source, results in chunks(part):
                outcomes = worker.evaluate(source)
                for outcome in outcomes[:-1]:
                    assert outcome.error is None, f"example at {line}: {outcome.error.render()}"
                said += [source, *results]
                last = shown(outcomes[-1]) if outcomes else []
                if not results and outcomes and outcomes[-1].error is None:
                    last = []  # the page shows nothing there
                happened += [source, *last]
            worker.close()
    assert happened == said
