"""What a kernel tells of itself: metrics over the bridge and HTTP, `batos top`, the log."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from batos.bridge.covenant import Data, Evaluate, Metrics, Status

from .cluster import until


def value(text: str, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    assert found is not None, name
    return float(found.group(1))


def test_metrics_count_what_was_done(kernel: Any, connect: Any) -> None:
    client = connect(kernel)

    def ask() -> str:
        reply = client.call(Metrics())
        assert isinstance(reply, Data)
        return str(reply.data)

    client.evaluate("1", timeout=60)
    before = ask()
    client.evaluate("Counted := Object clone. 3 + 4. 3 / 0. 3 + 5", timeout=60)
    after = ask()
    for name, by in (("commits", 1), ("reads", 2), ("failures", 1), ("conflicts", 0)):
        # The questions for metrics are transactions of nobody.
        assert value(after, f"batos_{name}_total") - value(before, f"batos_{name}_total") == by, name
    assert value(after, "batos_message_seconds_count") - value(before, "batos_message_seconds_count") == 2
    assert value(after, 'batos_message_seconds_bucket{le="+Inf"}') == value(after, "batos_message_seconds_count")
    assert value(after, "batos_sessions") == 1 and value(after, "batos_resident_bytes") > 1e7
    assert value(after, 'batos_jit_misses_total{outcome="installed"}') == 0


def test_metrics_over_http_on_loopback_only(folder: Path) -> None:
    words = [sys.executable, "-m", "batos.kernel", str(folder / "m.fs"), "--metrics"]
    refused = subprocess.run([*words, "0.0.0.0:0"], capture_output=True, text=True, timeout=60)
    assert refused.returncode == 1 and "only loopback" in refused.stderr
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([*words, f"127.0.0.1:{port}"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline().startswith("ready")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
            assert value(answer.read().decode(), "batos_workers") >= 1
    finally:
        process.terminate()
        assert process.wait(30) == 0
        process.stdout.close()


def test_status_tells_what_runs_and_top_shows_it(kernel: Any, connect: Any) -> None:
    busy, looker = connect(kernel, "busy"), connect(kernel, "looker")
    running = busy.post(Evaluate(source="[true] whileTrue"))
    busy.post(Evaluate(source="3 + 4"))

    def of_busy() -> tuple[Any, ...]:
        reply = looker.call(Status())
        assert isinstance(reply, Data)
        told = next(each for each in reply.data["sessions"] if each["name"] == "busy")
        return told["running"], told["queued"], told["doing"]

    # A status may be asked before the message is begun, which another thread does.
    until(lambda: of_busy() == (True, 1, "[true] whileTrue"), "it runs, and the other waits")
    shown = subprocess.run(
        [sys.executable, "-m", "batos.cli", "-i", str(kernel.image), "top", "--once"],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert shown.returncode == 0 and "\x1b" not in shown.stdout
    assert re.search(r"^busy +owner +\d+ +1 .*\[true\] whileTrue$", shown.stdout, re.MULTILINE), shown.stdout
    assert "1 running, 1 waiting" in shown.stdout
    busy.interrupt(running)
    busy.wait(running, 20)


def test_the_log_has_a_line_for_each_command_when_asked(folder: Path) -> None:
    log = folder / "k.log"
    command = [sys.executable, "-m", "batos.cli", "-i", str(folder / "l.fs"), "--jit", "off", "kernel"]
    process = subprocess.Popen(
        [*command, "--log", str(log), "--log-level", "debug"],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "XDG_RUNTIME_DIR": str(folder)},
    )  # fmt: skip
    assert process.stdout is not None
    try:
        endpoint = process.stdout.readline().split()[1]
        from batos.bridge.client import Client

        with Client(endpoint, "logged") as client:
            client.evaluate("3 + 4")
    finally:
        process.terminate()
        assert process.wait(30) == 0
        process.stdout.close()
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    line = next(line for line in lines if line["what"] == "command")
    assert (line["command"], line["session"], line["level"]) == ("Evaluate", "logged", "debug") and line["seconds"] > 0
