"""Time the programs in both languages: ``python -m benchmarks.awfy.run [NAME ...]``.

Each program runs in a fresh process of plain Python, then in a fresh process of the message language, and so on in
turn. A ratio is the message language's fastest measured iteration over Python's fastest; the medians stand beside.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from math import exp, log
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from benchmarks.awfy.suite import AWFY, EXTRA, PROGRAMS, Program  # noqa: E402

SIDES = ("python", "messages")


@dataclass(frozen=True, slots=True)
class Timing:
    """One side's measured iterations, in seconds; ``problem`` is empty when every result was right."""

    seconds: tuple[float, ...]
    problem: str

    @property
    def best(self) -> float:
        return min(self.seconds)

    @property
    def middle(self) -> float:
        return median(self.seconds)


def time_side(side: str, program: Program, inner: int, warmup: int, iterations: int, limit: float) -> Timing:
    """Measure one program in one language, in a process of its own."""
    module = f"benchmarks.awfy.measure_{side}"
    command = [sys.executable, "-m", module, program.name, str(inner), str(warmup), str(iterations)]
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": "0"},
            capture_output=True,
            text=True,
            timeout=limit,
        )
    except subprocess.TimeoutExpired:
        return Timing((), f"took longer than {limit:g} s")
    if done.returncode != 0:
        return Timing((), f"the process ended with status {done.returncode}\n{done.stderr.strip()}")
    answer = json.loads(done.stdout.splitlines()[-1])
    return Timing(tuple(answer["seconds"]), answer["problem"])


def geomean(ratios: list[float]) -> float:
    return exp(sum(map(log, ratios)) / len(ratios))


def chosen(names: list[str], extra: bool, everything: bool) -> list[Program]:
    """The programs to run; an unknown name ends the run with what there is."""
    if names:
        unknown = [name for name in names if name.lower() not in PROGRAMS]
        if unknown:
            raise SystemExit(
                f"no program named {', '.join(unknown)}; there are {', '.join(p.name for p in PROGRAMS.values())}"
            )
        return [PROGRAMS[name.lower()] for name in names]
    if everything:
        return list(AWFY + EXTRA)
    return list(EXTRA if extra else AWFY)


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m benchmarks.awfy.run",
        description="Times each program in plain Python and in the message language, a process each, and prints the "
        "ratio of their fastest iterations. The last line is the geometric mean of the ratios.",
        epilog="Programs: " + ", ".join(p.name for p in AWFY) + ". Extra: " + ", ".join(p.name for p in EXTRA) + ".",
    )
    made.add_argument("names", nargs="*", metavar="NAME", help="programs to run (default: the 13 of Are-We-Fast-Yet)")
    made.add_argument("--extra", action="store_true", help="the programs beyond Are-We-Fast-Yet instead of its 13")
    made.add_argument("--all", action="store_true", help="both")
    made.add_argument("--iterations", type=int, default=5, help="measured iterations of each (default 5)")
    made.add_argument("--warmup", type=int, default=2, help="iterations before those (default 2)")
    made.add_argument("--quick", action="store_true", help="smallest sizes, one iteration: do the results verify?")
    made.add_argument("--timeout", type=float, default=300, help="seconds a process may take (default 300)")
    made.add_argument("--json", type=Path, metavar="FILE", help="write every measured time to FILE")
    made.add_argument(
        "--profile", action="store_true", help="cProfile the message side of the named programs instead of timing"
    )
    return made


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    programs = chosen(options.names, options.extra, options.all)
    if options.profile:
        from benchmarks.awfy import inspect_messages

        for program in programs:
            inspect_messages.profile(program, program.quick if options.quick else program.inner)
        return 0

    warmup, iterations = (0, 1) if options.quick else (options.warmup, max(1, options.iterations))
    print(f"{'program':<12}{'python ms':>11}{'messages ms':>13}{'ratio':>8}{'medians':>19}{'ratio':>8}", flush=True)
    ratios: list[float] = []
    failed: list[str] = []
    record: list[dict[str, object]] = []
    for program in programs:
        inner = program.quick if options.quick else program.inner
        python, messages = (time_side(side, program, inner, warmup, iterations, options.timeout) for side in SIDES)
        record.append(
            {
                "name": program.name,
                "inner": inner,
                "python": python.seconds,
                "messages": messages.seconds,
                "problems": {"python": python.problem, "messages": messages.problem},
            }
        )
        if python.problem or messages.problem:
            failed.append(program.name)
            for side, timing in zip(SIDES, (python, messages), strict=True):
                if timing.problem:
                    print(f"{program.name:<12}FAILED in {side}: {timing.problem}", flush=True)
            continue
        ratio = messages.best / python.best
        ratios.append(ratio)
        medians = f"{python.middle * 1e3:.1f} / {messages.middle * 1e3:.1f}"
        print(
            f"{program.name:<12}{python.best * 1e3:>11.1f}{messages.best * 1e3:>13.1f}{ratio:>8.2f}"
            f"{medians:>19}{messages.middle / python.middle:>8.2f}",
            flush=True,
        )
    overall = geomean(ratios) if ratios else None
    if options.json:
        about = {"python": platform.python_version(), "machine": platform.platform(), "geomean": overall}
        options.json.write_text(json.dumps(about | {"programs": record}, indent=1) + "\n")
    if failed:
        print(f"failed: {', '.join(failed)}")
    print(f"geomean {overall:.3f}" if overall is not None else "geomean none: nothing verified")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
