"""The language's own tests: SUnit test cases in ``*.st``, each file on a fresh image, as `batos test` runs them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from batos.image import open_image
from batos.interp import Worker
from batos.suites import Runner, find, load
from batos.verdicts import explain

FOLDER = Path(__file__).parent
FILES = sorted(FOLDER.glob("*.st"))
ASSERTION = re.compile(r"\bself\s+(assert|deny|should|shouldnt)\w*:|;\s*(assert|deny|should|shouldnt)\w*:")


def test_there_are_enough_assertions() -> None:
    assert sum(len(ASSERTION.findall(path.read_text(encoding="utf-8"))) for path in FILES) >= 1500


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_in_the_language(path: Path, seed_image: Path) -> None:
    with open_image(f"demo:{seed_image}") as image:
        worker = Worker(image, "library")
        try:
            loaded = load(worker, [str(path)], lambda text: None)
            assert not loaded.problems, "\n".join(loaded.problems)
            tests = find(worker)
            assert tests
            runner = Runner(worker, 30)
            for test in tests:
                runner.run(test)
            assert not runner.clear(dict.fromkeys(test.case for test in tests))
            wrong = [explain(test) for test in tests if test.verdict in ("failed", "error")]
            assert not wrong, "\n" + "\n\n".join(wrong)
        finally:
            worker.close()
