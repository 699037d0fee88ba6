"""No arrow upward, no circles: the table of docs/architecture.md, proven on every file."""

from __future__ import annotations

import importlib.util
import re
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

_spec = importlib.util.spec_from_file_location("house_layers", Path(__file__).with_name("layers.py"))
assert _spec and _spec.loader
layers = importlib.util.module_from_spec(_spec)
sys.modules["house_layers"] = layers  # dataclasses look their module up
_spec.loader.exec_module(layers)


def test_every_room_keeps_to_its_layer() -> None:
    assert {layers.room_of(module) for module in layers.modules(ROOT)} == set(layers.MAY_IMPORT)  # it did look
    assert layers.arrows_upward(layers.all_imports(ROOT)) == []


def test_no_module_is_part_of_a_circle() -> None:
    assert layers.circles(layers.all_imports(ROOT)) == []


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """An empty house to plant violations in."""
    for room in layers.MAY_IMPORT:
        (tmp_path / room).mkdir()
        (tmp_path / room / "__init__.py").touch()
    (tmp_path / "bridge" / "server.py").touch()
    (tmp_path / "bridge" / "client.py").touch()
    (tmp_path / "jit" / "swap.py").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("grammar/nodes.py", "from ..image import x"),
        ("image/object.py", "from batos.interp.worker import Worker"),
        ("interp/worker.py", "def f():\n    from ..jit import swap"),
        ("interp/worker.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ..jit.swap import x"),
        ("interp/deep/inner.py", "from ...jit import swap"),
        ("jit/weave.py", "from .. import cli"),
        ("jit/weave.py", "import batos.cli"),
        ("jit/weave.py", "from .. import what_the_front_door_exports"),
        ("jit/weave.py", "import importlib\nimportlib.import_module('batos.bridge')"),
        ("jit/weave.py", "import importlib\nimportlib.import_module('..bridge', __package__)"),
        ("ui/repl.py", "from ..bridge.server import Server"),
        ("ui/repl.py", "from ..bridge import server"),
        ("ui/repl.py", "from ..interp import Worker"),
    ],
)
def test_a_planted_violation_is_found(house: Path, file: str, source: str) -> None:
    (house / "batos" / "cli.py").touch()
    (house / file).parent.mkdir(exist_ok=True)
    (house / file).write_text(source)
    assert len(layers.arrows_upward(layers.all_imports(house))) == 1


def test_what_is_allowed_is_let_pass(house: Path) -> None:
    (house / "ui" / "repl.py").write_text("from ..bridge.client import Client\nfrom .. import __version__\n")
    (house / "interp" / "worker.py").write_text("from ..image import x\nfrom . import dispatch\nimport os, lark\n")
    (house / "batos" / "cli.py").write_text("from .bridge import server\nfrom .jit.swap import install\n")
    assert layers.arrows_upward(layers.all_imports(house)) == []


def test_a_planted_circle_is_found_and_a_lazy_one_is_none(house: Path) -> None:
    (house / "jit" / "a.py").write_text("from .b import x")
    (house / "jit" / "b.py").write_text("from . import c")
    (house / "jit" / "c.py").write_text("def later():\n    from .a import x")
    assert layers.circles(layers.all_imports(house)) == []
    (house / "jit" / "c.py").write_text("class C:\n    from .a import x")
    assert layers.circles(layers.all_imports(house)) == [["batos.jit.a", "batos.jit.b", "batos.jit.c"]]


def test_the_table_is_the_one_that_is_documented_and_installed() -> None:
    documented = {}
    for line in (ROOT / "docs" / "architecture.md").read_text().splitlines():
        if row := re.fullmatch(r"\| `(\w+)` \|(.*)\|", line):
            others = set(layers.MAY_IMPORT) - {row[1]} if "all" in row[2] else set(re.findall(r"`(\w+)`", row[2]))
            documented[row[1]] = others
    assert documented == layers.MAY_IMPORT
    mapped = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-dir"]
    assert set(mapped.values()) == set(layers.MAY_IMPORT)
