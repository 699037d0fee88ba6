"""What other clients of a kernel feel while a model thinks: `python benchmarks/jit/beside_a_model.py [--embedded]`.

A kernel with one worker answers `3 + 4` for one client, 500 times, alone; then again while a second client's miss waits
for a model: a server that takes ten seconds to answer, or, with --embedded, the model in the kernel's own process.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from batos.bridge.client import Client
from batos.bridge.covenant import Evaluate, Ping

THINKS = 10.0
ANSWER = "def withdraw_(self, amount):\n    self.balance = self.balance - amount\n    return self\n"


class Slow(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._send(json.dumps({"data": [{"id": "slow"}]}), "application/json")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(THINKS)
        event = {"model": "slow", "choices": [{"delta": {"content": ANSWER}}]}
        self._send(f"data: {json.dumps(event)}\n\ndata: [DONE]\n\n", "text/event-stream")

    def _send(self, text: str, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: Any) -> None:
        pass


def measure(client: Client, times: list[float], stop: threading.Event | None, count: int) -> None:
    while (stop is None and len(times) < count) or (stop is not None and not stop.is_set()):
        started = time.perf_counter()
        client.evaluate("3 + 4", timeout=60)
        times.append((time.perf_counter() - started) * 1e3)


def told(name: str, times: list[float]) -> str:
    ordered = sorted(times)
    p99 = ordered[int(len(ordered) * 0.99)]
    return f"{name:24} {len(times):6} messages, p50 {statistics.median(ordered):6.2f} ms, p99 {p99:6.2f} ms"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--embedded", action="store_true")
    embedded = options.parse_args().embedded
    server = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory(prefix="bt") as folder:
        environ = {**os.environ, "XDG_RUNTIME_DIR": folder}
        if not embedded:
            environ["BATOS_MODEL_URL"] = f"http://127.0.0.1:{server.server_port}/v1"
        ready = Path(folder) / "ready"
        command = [sys.executable, "-m", "batos.kernel", f"{folder}/w.fs", "--jit", "auto", "--workers", "1"]
        kernel = subprocess.Popen([*command, "--ready-file", str(ready)], env=environ)
        while not ready.exists():
            time.sleep(0.05)
        endpoint = ready.read_text().split()[0]
        with Client(endpoint, name="other") as other, Client(endpoint, name="waits") as waits:
            bank = "Account := Object clone. Account setSlot: 'balance' value: 50. savings := Account clone"
            waits.evaluate(bank, timeout=60)
            alone: list[float] = []
            measure(other, [], None, 300)
            measure(other, alone, None, 500)
            print(told("alone", alone), flush=True)
            stop, beside = threading.Event(), []
            thread = threading.Thread(target=measure, args=(other, beside, stop, 0))
            started = time.monotonic()
            pending = waits.post(Evaluate(source="savings withdraw: 30", policy="auto"))
            waits.call(Ping(), timeout=10)
            thread.start()
            outcome = waits.wait(pending, 120).outcomes[0]  # type: ignore[union-attr]
            stop.set()
            thread.join()
            print(told("while a model thinks", beside), f"(it took {time.monotonic() - started:.1f} s)", flush=True)
            print("the miss:", outcome.printed or (outcome.error and outcome.error.message))
        kernel.terminate()
        kernel.wait()


if __name__ == "__main__":
    main()
