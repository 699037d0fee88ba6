"""A hundred thousand hostile frames at a real kernel: it lives, answers each with a coded error, and the image stays.

    python -m benchmarks.bridge_fuzz [--frames N] [--seed S]

The frames are random bytes, commands with a few bytes changed, commands cut short, several frames in one message, and
well-formed maps with fields of the wrong kind. None is a command that does anything. Exit status 0 if all is well.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter

import ormsgpack
import zmq

from batos.bridge.client import Client
from batos.bridge.covenant import GetFullStateCommand, History, Ping

SEEDS = [
    {"command": "evaluate", "id": 1, "source": "Object setSlot: 'hit' value: 1"},
    {"command": "update_property", "id": 2, "property_name": "hit", "property_value": [1, "a", {"k": None}]},
    {"command": "create_method", "id": 3, "method_name": "hit", "method_code": "^1"},
    {"command": "undo", "id": 4, "count": 1},
    {"command": "shutdown", "id": 5, "now": True},
    {"command": "approve", "id": 6, "approval": "x", "decision": "yes"},
]
ODD = [None, True, -1, 2**64 - 1, 1.5, "x" * 300, b"\xff", [], [[]] * 50, {}, {"handle": "0"}, "nonsense"]


def hostile(chance: random.Random) -> list[bytes]:
    """The frames of one message that is no valid command."""
    fields = chance.choice(SEEDS)
    whole = ormsgpack.packb(fields)
    match chance.randrange(5):
        case 0:
            return [chance.randbytes(chance.randrange(200))]
        case 1:
            data = bytearray(whole)
            for _ in range(chance.randrange(1, 8)):
                data[chance.randrange(9)] = chance.choice(b"\xc1\xff\x00\x93\xdf\xdd")  # the map's head, or `command`
            return [bytes(data)]
        case 2:
            return [whole[: chance.randrange(len(whole))]]
        case 3:
            return [chance.randbytes(chance.randrange(20)) for _ in range(chance.choice([2, 3, 9]))]
        case _:
            # A field no command has, so that the others may be right by chance.
            odd: dict[str, object] = {name: chance.choice(ODD) for name in fields if chance.random() < 0.5}
            return [ormsgpack.packb({**fields, **odd, "surplus": chance.choice(ODD)})]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=100_000)
    parser.add_argument("--seed", default="2026")
    chosen = parser.parse_args()
    chance = random.Random(chosen.seed)
    codes: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="bt") as folder:
        command = [sys.executable, "-m", "batos.kernel", f"{folder}/i.fs", "--listen", f"ipc://{folder}/s"]
        kernel = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert kernel.stdout is not None
        endpoint = kernel.stdout.readline().split()[1]
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        socket = context.socket(zmq.DEALER)
        socket.setsockopt(zmq.RCVTIMEO, 30_000)
        socket.connect(endpoint)
        try:
            with Client(endpoint, "judge") as judge:
                before = [judge.call(History(count=1)).model_dump(exclude={"id"})]
                before.append(judge.call(GetFullStateCommand()).model_dump(exclude={"id"}))
                began, sent = time.perf_counter(), 0
                while sent < chosen.frames:
                    batch = min(200, chosen.frames - sent)
                    for _ in range(batch):
                        socket.send_multipart(hostile(chance))
                    for _ in range(batch):
                        answer = ormsgpack.unpackb(socket.recv())
                        assert answer["kind"] == "error", answer
                        codes[answer["code"]] += 1
                    sent += batch
                seconds = time.perf_counter() - began
                judge.call(Ping())
                after = [judge.call(History(count=1)).model_dump(exclude={"id"})]
                after.append(judge.call(GetFullStateCommand()).model_dump(exclude={"id"}))
        finally:
            socket.close(0)
            context.term()
            alive = kernel.poll() is None
            kernel.terminate()
            status = kernel.wait(30)
    print(f"{sent} frames in {seconds:.1f} s; answered: {dict(codes)}")
    unchanged = before == after
    print(f"kernel {'alive' if alive else 'DEAD'}, ended with status {status}")
    print(f"image {'unchanged' if unchanged else 'CHANGED'}")
    return 0 if alive and unchanged and status == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
