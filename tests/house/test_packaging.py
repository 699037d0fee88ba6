"""The wheel holds every file of every room, and works from an installed copy as it does from the work tree."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS: dict[str, str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-dir"]


def files_of_rooms() -> dict[str, Path]:
    """Every file that a room has, by its name in an installed copy."""
    found = {}
    for package, folder in ROOMS.items():
        for path in (ROOT / folder).rglob("*"):
            inside = path.relative_to(ROOT / folder)
            if path.is_file() and "__pycache__" not in inside.parts:
                found[f"{package.replace('.', '/')}/{inside.as_posix()}"] = path
    return found


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, because setuptools leaves its `build/` where it builds."""
    copy = tmp_path_factory.mktemp("copy")
    for folder in ROOMS.values():
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, copy)
    options = ["--no-deps", "--no-build-isolation", "--wheel-dir", copy / "dist"]
    command = [sys.executable, "-m", "pip", "wheel", "-q", *options, copy]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return next((copy / "dist").glob("bat_os-*.whl"))


def test_the_wheel_holds_every_file_of_every_room(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    missing = sorted(set(files_of_rooms()) - names)
    assert missing == [], "pyproject.toml: a new folder belongs into `packages`, a new kind of file into `package-data`"
    assert any(name.endswith("licenses/NOTICE") for name in names)


def test_an_installed_copy_imports_and_the_work_tree_is_not_looked_at(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "sys.meta_path[:] = [each for each in sys.meta_path if 'editable' not in repr(each)]\n"
        "import batos.grammar, batos.image, batos.interp, batos.jit, batos.bridge\n"
        "print(batos.grammar.__file__); print(batos.grammar.parse('3 + 4'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "site"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith(str(tmp_path / "site"))
