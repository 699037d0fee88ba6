"""Standard streams that whoever started us has closed: nothing fails, and nothing else gets their numbers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BATOS = f"{sys.executable} -m batos.cli"


@pytest.mark.parametrize(
    ("closed", "answer"), [("<&-", "42\n"), (">&-", ""), ("2>&-", "42\n"), ("<&- >&- 2>&-", "")]
)
def test_an_evaluation(folder: Path, fresh_image: Path, closed: str, answer: str) -> None:
    said = subprocess.run(
        ["bash", "-c", f"{BATOS} -i {fresh_image} eval 'Kept := 6. Kept * 7' {closed}"],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert (said.returncode, said.stdout, said.stderr) == (0, answer, "")
    # The image was not written into by what was printed.
    again = subprocess.run(
        [*BATOS.split(), "-i", str(fresh_image), "eval", "Kept"], capture_output=True, text=True, timeout=120
    )
    assert again.stdout == "6\n"


def test_a_repl_without_a_terminal(folder: Path, fresh_image: Path) -> None:
    said = subprocess.run(
        ["bash", "-c", f"{BATOS} -i {fresh_image} repl <&-"], capture_output=True, text=True, timeout=120
    )
    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")


def test_who_reads_a_repls_results_may_leave(folder: Path, fresh_image: Path) -> None:
    program = " ".join(f"{number} printNl." for number in range(2000))
    pipe = f"echo '{program}' | {BATOS} -i {fresh_image} repl | head -n 1; echo ${{PIPESTATUS[1]}}"
    said = subprocess.run(["bash", "-c", pipe], capture_output=True, text=True, timeout=120)
    assert (said.stdout, said.stderr) == ("0\n1\n", "")
