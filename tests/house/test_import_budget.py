"""What an import may cost: heavy libraries are imported where they are used, and nowhere else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

HEAVY = {"torch", "vllm", "kivy", "llama_cpp", "transformers", "numpy"}
# Whoever types `batos eval '3 + 4'` waits for these too, and none of them has a part in it.
NOT_FOR_EVAL = HEAVY | {"pydantic", "prompt_toolkit", "zmq", "httpx", "rich", "relstorage", "ZEO"}

REPORT = "import json, sys; print('MODULES', json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"


def loaded_by(program: str, *arguments: str) -> set[str]:
    """The top-level modules that a fresh Python has after `program`."""
    done = subprocess.run(
        [sys.executable, "-c", f"{program}\n{REPORT}", *arguments], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.rpartition("MODULES ")[2]))


def test_the_measure_sees_what_is_imported() -> None:
    assert "json" in loaded_by("import json") and "sqlite3" not in loaded_by("import json")


def test_import_batos_loads_nothing_heavy() -> None:
    assert loaded_by("import batos") & NOT_FOR_EVAL == set()


@pytest.mark.parametrize("room", ["grammar", "image", "bridge", "interp", "jit", "ui", "training"])
def test_importing_a_room_loads_nothing_heavy(room: str) -> None:
    assert loaded_by(f"import batos.{room}") & HEAVY == set()


@pytest.mark.skipif("not yet" in (ROOT / "batos" / "cli.py").read_text(), reason="there is no command line yet")
def test_embedded_eval_loads_only_what_it_needs(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from batos.cli import main\n"
        "try:\n    main()\n"
        "except SystemExit as end:\n    assert not end.code, end.code"
    )
    modules = loaded_by(program, "-i", str(tmp_path / "scratch.fs"), "eval", "3 + 4")
    assert "ZODB" in modules  # it did evaluate
    assert modules & NOT_FOR_EVAL == set()
