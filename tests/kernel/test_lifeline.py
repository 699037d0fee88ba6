"""A kernel that a REPL or a canvas started for itself: it ends with it, but not under the hands of others."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from batos.bridge.client import Client
from batos.bridge.covenant import Evaluate, Status
from batos.front import Front, serving

from .cluster import until

HOLDS = """
import sys, time
from batos.bridge.client import Client
with Client(sys.argv[1], "killed") as client:
    print(client.evaluate("3 + 4").outcomes[0].printed, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def image(folder: Path) -> str:
    return str(folder / "world.fs")


def test_it_ends_with_the_one_who_started_it(image: str) -> None:
    front = Front(image, "off")
    with Client(front.start(), "starter") as client:
        client.evaluate("Kept := 5")
    (process,) = front._started
    front.stop()
    assert process.returncode == 0 and serving(image) == ""


def test_it_stays_while_others_are_connected(image: str, capfd: pytest.CaptureFixture[str]) -> None:
    front = Front(image, "off")
    endpoint = front.start()
    (process,) = front._started
    with Client(endpoint, "other") as other:
        # Killed, and so it never says that it leaves.
        killed = subprocess.Popen([sys.executable, "-c", HOLDS, endpoint], stdout=subprocess.PIPE, text=True)
        assert killed.stdout is not None and killed.stdout.readline() == "7\n"
        killed.kill()
        killed.communicate()
        with Client(endpoint, "starter") as starter:
            starter.evaluate("Kept := 5")
            running = other.post(Evaluate(source="[Kept < 6] whileTrue. Kept"))
        front.stop()
        assert process.poll() is None and serving(image) == endpoint
        other.interrupt(running)
        other.wait(running, 30)
        assert other.evaluate("Kept", timeout=30).outcomes[0].printed == "5"
        with Client(endpoint, "late") as late:  # who comes later is welcome, too
            assert late.evaluate("Kept", timeout=30).outcomes[0].printed == "5"
        assert process.poll() is None
    assert process.wait(30) == 0
    assert "stays for those who are connected" in capfd.readouterr().err


def test_it_does_not_stay_for_who_only_looks_on(image: str) -> None:
    front = Front(image, "off")
    endpoint = front.start()
    (process,) = front._started
    with Client(endpoint, "top", observer=True) as top:
        with Client(endpoint, "starter") as starter:
            starter.evaluate("Kept := 5")
        top.call(Status())
        front.stop()
        assert process.returncode == 0 and serving(image) == ""


def test_it_stops_for_a_signal_whoever_is_connected(image: str) -> None:
    front = Front(image, "off")
    with Client(front.start(), "other") as other:
        front.stop()
        (process,) = front._started
        os.kill(process.pid, 15)
        assert process.wait(30) == 0
        until(lambda: other.next_event(1), "it said goodbye")
