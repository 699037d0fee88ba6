"""`batos jit history` and `revert` while a kernel holds the image."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

MODEL = """Object setSlot: 'x' value: 1. Account := Object clone. Account >> foo [ ^1 ]. Account >> foo [ ^2 ]"""


def batos(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "batos.cli", *words], capture_output=True, text=True, timeout=60)


def test_through_the_kernel_that_holds_the_image(kernel: Any, connect: Any) -> None:
    client = connect(kernel)
    assert not client.evaluate(MODEL, timeout=60).failed
    image = str(kernel.image)
    listed = batos("-i", image, "jit", "history")
    assert (listed.returncode, listed.stdout) == (0, "no method of this image was written by a model\n")
    back = batos("-i", image, "jit", "revert", "Account", "foo")
    assert back.returncode == 0 and back.stdout.startswith("Account>>foo is again the one by")
    assert client.evaluate("Account foo").outcomes[0].printed == "1"
    gone = batos("-i", image, "jit", "revert", "Nobody", "foo")
    assert gone.returncode == 1 and "no object named Nobody" in gone.stderr
    kept = batos("-i", image, "jit", "revert", "Object", "printNl")
    assert kept.returncode == 1 and "the library's own" in kept.stderr
    assert client.evaluate("3 printNl").outcomes[0].printed == "3"
    none = batos("-i", image, "jit", "revert", "Account", "bar")
    assert none.returncode == 1 and "no method bar" in none.stderr
