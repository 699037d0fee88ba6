"""What the tests of the ui share: a puppet kernel, a terminal, a window."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from . import tmux, xwindow

HERE = Path(__file__).parent
SETTINGS = ("PATH", "LANG", "LD_LIBRARY_PATH", "PYTHONPATH")


class Kernel:
    """A process that serves ``endpoint``; started anew, it serves the same one."""

    def __init__(self, command: list[str], endpoint: str, folder: Path) -> None:
        self.command = command
        self.endpoint = endpoint
        self.log = folder / "kernel.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Kernel:
        read, write = os.pipe()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command, stdout=write, stderr=log)
        os.close(write)
        with os.fdopen(read) as pipe:
            if not pipe.readline():
                raise AssertionError(f"no kernel: {self.log.read_text()}")
        return self

    def kill(self) -> None:
        """As kill -9 does."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()


def clean_environment(folder: Path, **more: str) -> dict[str, str]:
    """The environment of a person who has just come: an empty home, no settings."""
    env = {name: os.environ[name] for name in SETTINGS if name in os.environ}
    env |= {"HOME": str(folder), "LANG": env.get("LANG", "C.UTF-8"), "PYTHONWARNINGS": "error", "LC_ALL": "C.UTF-8"}
    env["XDG_STATE_HOME"], env["XDG_CONFIG_HOME"] = str(folder / "state"), str(folder / "config")
    return env | more


@pytest.fixture
def puppet(tmp_path: Path) -> Iterator[Kernel]:
    """The stand-in kernel of puppet.py, running."""
    endpoint = f"ipc://{short_folder(tmp_path)}/k.sock"
    kernel = Kernel([sys.executable, str(HERE / "puppet.py"), endpoint], endpoint, tmp_path)
    kernel.start()
    yield kernel
    kernel.stop()


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Kernel]:
    """A real kernel on an image of its own, running; what nobody understands is an error."""
    yield from real_kernel(tmp_path, "off")


@pytest.fixture
def asking(tmp_path: Path) -> Iterator[Kernel]:
    """A real kernel with the embedded model behind it."""
    yield from real_kernel(tmp_path, "ask")


def real_kernel(tmp_path: Path, policy: str) -> Iterator[Kernel]:
    endpoint = f"ipc://{short_folder(tmp_path)}/k.sock"
    options = ["-i", str(tmp_path / "live_image.fs"), "--jit", policy, "kernel", "--endpoint", endpoint]
    kernel = Kernel([sys.executable, "-m", "batos.cli", *options], endpoint, tmp_path)
    kernel.start()
    yield kernel
    kernel.stop()


def short_folder(tmp_path: Path) -> Path:
    """A folder for sockets: their paths may be 107 bytes long, and pytest's are longer on some machines."""
    if len(str(tmp_path)) < 80:
        return tmp_path
    import tempfile

    return Path(tempfile.mkdtemp(prefix="batos-test-"))


OpenTerminal = Callable[..., tmux.Terminal]


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[OpenTerminal]:
    """Opens a REPL on an endpoint in a real terminal: ``terminal(endpoint, TERM="dumb")``."""
    if tmux.MISSING:
        pytest.skip(tmux.MISSING)
    opened: list[tmux.Terminal] = []

    def open_terminal(endpoint: str, *, columns: int = 100, options: str = "", **env: str) -> tmux.Terminal:
        program = f"import sys; from batos.ui.repl import main; sys.exit(main({endpoint!r}, {options}))"
        settings = clean_environment(tmp_path, TERM="tmux-256color", EDITOR="nano") | env
        opened.append(tmux.Terminal(tmp_path, [sys.executable, "-c", program], settings, columns=columns))
        return opened[-1]

    yield open_terminal
    for each in opened:
        each.close()


@pytest.fixture(scope="session")
def display(tmp_path_factory: pytest.TempPathFactory) -> Iterator[xwindow.Display]:
    if xwindow.MISSING:
        pytest.skip(f"a real window needs {xwindow.MISSING}: apt-get install")
    screen = xwindow.Display(tmp_path_factory.mktemp("x"))
    yield screen
    screen.close()


OpenCanvas = Callable[..., xwindow.Canvas]


@pytest.fixture
def canvas(tmp_path: Path, display: xwindow.Display) -> Iterator[OpenCanvas]:
    """Opens a canvas on an endpoint in a real window: ``canvas(endpoint, 'theme="light"')``. The world is not greeted
    unless that is asked for: what a test puts into it is then alone there."""
    opened: list[xwindow.Canvas] = []

    def open_canvas(endpoint: str, options: str = "") -> xwindow.Canvas:
        program = (
            "import sys; from pathlib import Path; from batos.ui.canvas import main; "
            f"sys.exit(main({endpoint!r}, trace=Path(sys.argv[2]), **{{'welcome': False, **dict({options})}}))"
        )
        folder = tmp_path / f"canvas{len(opened)}"
        folder.mkdir()
        command = [sys.executable, "-c", program]
        opened.append(xwindow.Canvas(folder, display, command, clean_environment(folder)))
        return opened[-1]

    yield open_canvas
    for each in opened:
        each.close()
