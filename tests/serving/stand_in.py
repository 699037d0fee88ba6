"""A stand-in for vLLM as a process, for the tests of its watcher: it answers /health, has a child as vLLM has, and does
what its arguments say. `stand_in.py PORT [dies-at-once] [deaf FILE] [stubborn]`"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path


class Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if "deaf" in sys.argv and Path(sys.argv[sys.argv.index("deaf") + 1]).exists():
            signal.pause()
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None: ...


print("begins", flush=True)
if "dies-at-once" in sys.argv:
    sys.exit("RuntimeError: no room for the model")
server = HTTPServer(("127.0.0.1", int(sys.argv[1])), Answers)
child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
if "stubborn" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
else:
    # As vLLM does: told to end, it ends its engine first.
    def end(*_: object) -> None:
        child.kill()
        os._exit(0)

    signal.signal(signal.SIGTERM, end)
print(f"child {child.pid}", "key", os.environ["BATOS_SERVER_KEY"], flush=True)
print("Application startup complete.", flush=True)
server.serve_forever()
