"""The session of the first page, with the model's part real: as recorded, and live.

`RENEW_GOLDEN=1 pytest tests/jit/test_session.py` asks the embedded model again and writes the cassette anew.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from batos.image import Image
from batos.interp import Worker
from batos.jit.embedded import EmbeddedEngine
from batos.jit.recorded import RecordedEngine
from batos.jit.settings import Settings
from batos.jit.weave import Weaver

from .conftest import BANK, last

CASSETTE = Path(__file__).parent / "cassettes" / "bank.json"
RENEW = bool(os.environ.get("RENEW_GOLDEN"))


def session(image: Image, engine: Any) -> dict[str, Any]:
    """Run it; the provenance of what was written."""
    weaver = Weaver(Settings(), engine=engine)
    worker = Worker(image, misses=weaver)
    try:
        assert all(o.error is None for o in worker.evaluate(BANK))
        outcome = last(worker, "savings withdraw: 30", policy="auto")
        assert outcome.error is None, outcome.error.message
        assert last(worker, "savings balance").printed == "40"
        assert last(worker, "(Account clone) deposit: 3; withdraw: 1; balance").printed == "2"
        method = worker.transact(lambda world: dict(vars(vars(world.lookup("Account"))["withdraw:"])))
        return dict(method["provenance"], source=method["source"], author=method["author"])
    finally:
        worker.close()
        weaver.close()


def test_the_recorded_session_says_it_is_recorded(image: Image) -> None:
    CASSETTE.parent.mkdir(exist_ok=True)
    story = session(image, RecordedEngine(CASSETTE, EmbeddedEngine() if RENEW else None))
    assert story["engine"] == "recorded" and story["recorded"].endswith("from embedded")
    assert story["author"] == "model:SmolLM2-135M-Instruct.Q4_1.gguf"


@pytest.mark.model
def test_the_real_session(image: Image) -> None:
    story = session(image, EmbeddedEngine())
    assert story["engine"] == "embedded" and story["recorded"] == ""
    assert "self.balance = self.balance - amount\n    return self" in story["source"]
