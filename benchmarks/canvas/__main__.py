"""The canvas under load, in a real window of software GL: `python -m benchmarks.canvas` (needs Xvfb and xdotool).

Every transaction is synced to the disk; TMPDIR=/dev/shm takes a disk that others write to out of the figures.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from batos.bridge.client import Client
from tests.ui.conftest import clean_environment, real_kernel
from tests.ui.xwindow import MISSING, Canvas, Display

from .loads import THOUSAND, event, flood, inspect_large, latency, pan, say, search_large


def main() -> int:
    if MISSING:
        print(f"left out: a real window needs {MISSING}")
        return 0
    minute = float(os.environ.get("SECONDS_OF_FLOOD", "60"))
    with tempfile.TemporaryDirectory(prefix="batos-canvas-") as name:
        folder = Path(name)
        kernels = real_kernel(folder, "off")
        kernel = next(kernels)
        display = Display(folder)
        program = (
            "import sys; from pathlib import Path; from batos.ui.canvas import main; "
            f"sys.exit(main({kernel.endpoint!r}, trace=Path(sys.argv[2]), policy='off', welcome=False))"
        )
        try:
            with Client(kernel.endpoint, "repl") as client:
                window = Canvas(folder, display, [sys.executable, "-c", program], clean_environment(folder))
                try:
                    window.until(event("methods"))
                    load = f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"
                    print(f"load average           {load}, image in {folder}", flush=True)
                    found = latency(window, client, 30)
                    print(
                        f"a change is shown      median {found[15]:.0f} ms, worst of 30 {found[-1]:.0f} ms", flush=True
                    )
                    large = inspect_large(window, client, 100_000)
                    print(
                        f"100,000 slots          {large['ms']:.0f} ms, {large['from the key']} from the key", flush=True
                    )
                    large = inspect_large(window, client, 1_000_000)
                    took = f"{large['ms']:.0f} ms, {large['from the key']} from the key"
                    print(f"1,000,000 slots        {took}", flush=True)
                    print(f"to the end, a search   {search_large(window, 1_000_000)}", flush=True)
                    told = flood(window, client, minute)
                    print(f"{minute:.0f} s of state updates  {told}", flush=True)
                    window.key("ctrl+w", "ctrl+w")
                    say(client, THOUSAND)
                    window.until(lambda line: line["event"] == "drawn" and line["morphs"] >= 1000, 120)
                    print(f"1,000 morphs pan at    {pan(window, 5):.0f} frames a second", flush=True)
                    found = latency(window, client, 30)
                    print(
                        f"beside 1,000 morphs    a change is shown: median {found[15]:.0f} ms, worst {found[-1]:.0f} ms"
                    )
                finally:
                    window.close()
        finally:
            display.close()
            next(kernels, None)
    return 0


if __name__ == "__main__":
    sys.exit(main())
