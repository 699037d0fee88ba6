"""`batos top`: a kernel at work, seen live: sessions, queues, commits, conflicts, caches, the model."""

from __future__ import annotations

import time
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from .bridge.client import Client
from .bridge.covenant import Data, Status
from .tally import BUCKETS


def watch(endpoint: str, every: float = 1.0, once: bool = False) -> None:
    """Shows it until Ctrl-C, or once. BridgeProblem if no kernel answers, or it goes away."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=160)
    with Client(endpoint, name="top", observer=True) as client:
        before = _ask(client)
        if once:
            console.print(view(before, None))
            return
        with Live(view(before, None), console=console, screen=console.is_terminal, auto_refresh=False) as live:
            try:
                while True:
                    time.sleep(every)
                    now = _ask(client)
                    live.update(view(now, before), refresh=True)
                    before = now
            except KeyboardInterrupt:
                return


def _ask(client: Client) -> dict[str, Any]:
    reply = client.call(Status())
    assert isinstance(reply, Data)
    return {**reply.data, "asked": time.monotonic()}


def view(now: dict[str, Any], before: dict[str, Any] | None) -> Group:
    """The screen. With what was `before`, rates; else totals since the start."""
    seconds = now["asked"] - before["asked"] if before is not None else now["up"]

    def rate(of: Any) -> str:
        return f"{(of(now) - (of(before) if before is not None else 0)) / max(seconds, 1e-6):,.1f}"

    head = Text()
    head.append(now["image"], "bold")
    head.append(f"   kernel {now['kernel']}, process {now['pid']}, up {_span(now['up'])}, jit {now['policy']}")
    if now["stopping"]:
        head.append("   STOPPING", "bold red")
    busy = now["counters"].get("busy", 0)
    facts = Table.grid(padding=(0, 3))
    for _ in range(4):
        facts.add_column(no_wrap=True)
    since = "a second" if before is not None else "a second since its start"
    facts.add_row(
        "messages", f"{rate(lambda s: sum(s['took']))} {since}", f"{sum(now['took']):,} in all", _slow(now, before)
    )
    done = now["transactions"]
    facts.add_row(
        "commits", f"{rate(lambda s: s['transactions']['commits'])} {since}", f"{done['commits']:,} in all",
        f"{done['conflicts']:,} conflicts, {done['failures']:,} errors",
    )  # fmt: skip
    facts.add_row(
        "queue", f"{now['running']} running, {now['queued']} waiting", f"{now['workers']} workers",
        f"{busy:,} busy answers",
    )  # fmt: skip
    cache = now["cache"]
    facts.add_row(
        "memory", f"{now['resident_bytes'] / 2**20:,.0f} MB",
        f"{cache['loaded']:,} of {cache['objects']:,} objects loaded",
        "" if now["image_bytes"] is None else f"image {now['image_bytes'] / 2**20:,.1f} MB",
    )  # fmt: skip
    misses = now["misses"]
    facts.add_row(
        "model", f"{misses.get('installed', 0)} methods installed",
        f"{misses.get('not_installed', 0)} misses not answered",
        f"{now['approvals']} waiting for a decision",
    )  # fmt: skip
    sessions = Table(box=None, pad_edge=False, padding=(0, 2))
    for title in ("session", "as", "done", "waiting", "heard", "now"):
        sessions.add_column(title, style="none", header_style="dim", overflow="ellipsis", no_wrap=True)
    ordered = sorted(now["sessions"], key=lambda s: (not s["running"], -s["queued"], s["silent"]))
    for each in ordered[:30]:
        doing = f"{each['since']:.1f} s  {each['doing']}" if each["running"] else ""
        counts = (f"{each['handled']:,}", str(each["queued"]), _span(each["silent"]))
        row = (each["name"] or "?", each["as"], *counts, doing)
        sessions.add_row(*map(Text, row), style="" if each["running"] or each["silent"] < 60 else "dim")
    more = Text(f"and {len(ordered) - 30} more", "dim") if len(ordered) > 30 else Text("")
    return Group(head, Text(""), facts, Text(""), sessions, more)


def _slow(now: dict[str, Any], before: dict[str, Any] | None) -> str:
    """Half of the messages took at most so long, and 99 of 100."""
    took = [a - b for a, b in zip(now["took"], before["took"] if before is not None else [0] * 99, strict=False)]
    total = sum(took)
    if not total:
        return ""

    def within(share: float) -> str:
        seen = 0
        for bound, count in zip(BUCKETS, took, strict=False):
            seen += count
            if seen >= share * total:
                return f"{bound * 1000:g} ms"
        return f"over {BUCKETS[-1]:g} s"

    return f"half within {within(0.5)}, 99 % within {within(0.99)}"


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
