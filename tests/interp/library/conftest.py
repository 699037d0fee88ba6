"""One world per module of claims: the library is read once, and each claim is a message of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from .claims import Claims


@pytest.fixture(scope="module")
def world(seed_image: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Claims]:
    path = Path(shutil.copy(seed_image, tmp_path_factory.mktemp("claims") / "world.fs"))
    made = Claims(path)
    try:
        yield made
    finally:
        made.close()
