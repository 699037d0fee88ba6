"""The two engines, each with a CognitiveWeaver on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .bench import Bench, Spoken, served


@pytest.fixture(scope="session")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spoken]:
    made = Spoken(tmp_path_factory.mktemp("spoken") / "adapters")
    yield made
    made.engine.close()


@pytest.fixture(params=["served", pytest.param("embedded", marks=pytest.mark.model)])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """The same tests on both engines."""
    made = served(tmp_path) if request.param == "served" else request.getfixturevalue("spoken").bench()
    yield made
    for close in made.close:
        close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Bench]:
    """On the double of vLLM alone, where a server's own ways are the matter."""
    made = served(tmp_path)
    yield made
    for close in made.close:
        close()
