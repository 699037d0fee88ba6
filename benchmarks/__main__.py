"""The benchmarks, one after another, each in a process of its own: `make bench`. `make kills`, `make soak` are long."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
LONG = ("kills", "soak")


def names() -> list[str]:
    """The modules of this folder that can be run: files, and folders with a `__main__`."""
    files = [path.stem for path in HERE.glob("*.py") if not path.stem.startswith("_") and path.stem not in LONG]
    folders = [path.parent.name for path in HERE.glob("*/__main__.py")]
    return sorted([*files, *folders])


def main() -> int:
    """Status 1 when one of them failed; the others ran all the same."""
    failed = []
    for name in names():
        print(f"\n== {name}", flush=True)
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], cwd=HERE.parent, check=False).returncode:
            failed.append(name)
    for name in failed:
        print(f"failed: {name}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
