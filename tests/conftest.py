"""What all tests share: no settings of the person's own, skips that say why, and hypothesis without a clock."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from batos.jit.model_status import model_status

IN_CI = os.environ.get("CI", "").lower() in ("1", "true", "yes")

# Whatever model, image or policy the person set must not decide what a test finds.
for _name in [name for name in os.environ if name.startswith("BATOS_")]:
    del os.environ[_name]
# Nor a model server that the person runs.
os.environ["BATOS_SERVING"] = str(Path(tempfile.gettempdir()) / "batos-tests-have-no-servers")

# No deadline: the machine is shared, and a slow example is not a wrong one. In CI the same examples every time.
settings.register_profile("batos", deadline=None, derandomize=IN_CI)
settings.load_profile("batos")

WINDOW_TOOLS = ("Xvfb", "xdotool", "import")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--renew", action="store_true", help="write golden transcripts anew instead of comparing")


@pytest.fixture(scope="session", autouse=True)
def deep_recursion() -> None:
    """The first deep call of a process raises its recursion limit; hypothesis minds if that happens under its eyes."""
    from batos.interp import deep

    deep(lambda: None)


@pytest.fixture(scope="session")
def seed_image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image just awakened, made once: what tests copy instead of waiting for the library to be read again."""
    from batos.image import open_image
    from batos.interp import Worker

    path = tmp_path_factory.mktemp("seed") / "seed.fs"
    with open_image(path) as image:
        Worker(image, "seed").close()
    return path


@pytest.fixture
def fresh_image(seed_image: Path, tmp_path: Path) -> Path:
    """The path of an image of the test's own, awakened and otherwise empty."""
    return Path(shutil.copy(seed_image, tmp_path / "world.fs"))


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A PostgreSQL of this test run's own, from a wheel; it listens on a unix socket in its folder."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one of its imports complains that XDG_RUNTIME_DIR is not set
        pgserver = pytest.importorskip("pgserver", reason="needs a PostgreSQL; there is no wheel for this Python")
    folder = tempfile.mkdtemp(prefix="pg")  # not tmp_path: the path of its socket must be short
    server = pgserver.get_server(folder, cleanup_mode="stop")
    # The tests kill kernels, never the server: nothing here asks for its own fsync, which costs most of a commit.
    server.psql("alter system set fsync = off; select pg_reload_conf();")
    yield server
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres(postgres_server: Any) -> str:
    """The location of an image that is not there yet, in a database of its own."""
    name = f"image_{uuid.uuid4().hex[:12]}"
    postgres_server.psql(f"create database {name};")
    return f"postgresql://postgres@/{name}?host={postgres_server.pgdata}"


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("model"):
        status = model_status()
        if not status.ready:
            # A green CI that never asked the model would prove nothing.
            (pytest.fail if IN_CI else pytest.skip)(f"needs the embedded model, and {status}")
    if item.get_closest_marker("window"):
        missing = [tool for tool in WINDOW_TOOLS if shutil.which(tool) is None]
        if missing:
            pytest.skip(f"needs a real window, and {', '.join(missing)} could not be installed (.ci/setup tries)")
