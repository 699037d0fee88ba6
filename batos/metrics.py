"""Metrics in Prometheus's text format: as the answer to the command `metrics`, and over HTTP on loopback.

The names are listed in docs/kernel.md. Everything is read from `Kernel.describe` and the server's status at the moment
of asking; nothing is kept for it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from .bridge.endpoint import EndpointProblem
from .tally import BUCKETS

GAUGES = {
    "up": ("up_seconds", "Seconds since the kernel started"),
    "running": ("running", "Messages that are being carried out"),
    "queued": ("queued", "Messages that wait for their turn"),
    "workers": ("workers", "Worker threads"),
    "approvals": ("approvals_waiting", "Methods that wait for a person's decision"),
    "stacks": ("stacks_kept", "Stacks of failed messages that are kept"),
    "image_bytes": ("image_bytes", "Size of the image's storage"),
    "resident_bytes": ("resident_bytes", "Memory of the kernel's process"),
}
COUNTED = {
    "commits": "Messages that changed the image",
    "reads": "Messages that only read",
    "conflicts": "Transactions that were run again because another had changed the same object",
    "failures": "Transactions that were taken back because of an error",
}


class Collector:
    """What `status()` says, as metrics; prometheus_client asks it each time."""

    def __init__(self, status: Callable[[], dict[str, Any]]) -> None:
        self.status = status

    def collect(self) -> Iterator[Metric]:
        now = self.status()
        sessions = now["sessions"]
        yield GaugeMetricFamily("batos_sessions", "Sessions the kernel knows", len(sessions))
        for key, (name, text) in GAUGES.items():
            if now.get(key) is not None:
                yield GaugeMetricFamily(f"batos_{name}", text, now[key])
        bridge = CounterMetricFamily("batos_bridge", "What became of frames and commands, by kind", labels=["kind"])
        for kind, count in sorted(now["counters"].items()):
            bridge.add_metric([str(kind)], count)
        yield bridge
        for name, text in COUNTED.items():
            yield CounterMetricFamily(f"batos_{name}", text, now["transactions"][name])
        buckets, sum_ = [], 0
        for bound, count in zip([*map(str, BUCKETS), "+Inf"], now["took"], strict=True):
            sum_ += count
            buckets.append((bound, sum_))
        text = "How long messages took, from the worker's taking them to the answer"
        yield HistogramMetricFamily("batos_message_seconds", text, buckets=buckets, sum_value=now["seconds"])
        cache = GaugeMetricFamily("batos_cache_objects", "Objects in the workers' caches", labels=["state"])
        cache.add_metric(["all"], now["cache"]["objects"])
        cache.add_metric(["loaded"], now["cache"]["loaded"])
        yield cache
        misses = CounterMetricFamily("batos_jit_misses", "Messages nobody understood, by outcome", labels=["outcome"])
        for outcome in ("installed", "not_installed"):
            misses.add_metric([outcome], now["misses"].get(outcome, 0))
        yield misses


def text_of(status: Callable[[], dict[str, Any]]) -> str:
    """All metrics as text."""
    return generate_latest(_registry(status)).decode()


def serve(address: str, status: Callable[[], dict[str, Any]]) -> Callable[[], None]:
    """Serves them over HTTP at HOST:PORT, which must be loopback as nobody is asked who he is; answers how to stop.

    Raises EndpointProblem.
    """
    from prometheus_client import start_http_server

    host, _, port = address.rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    try:
        if not ipaddress.ip_address("127.0.0.1" if host == "localhost" else host).is_loopback:
            raise EndpointProblem(f"--metrics {address}: only loopback (127.0.0.1, ::1), as everybody may ask there")
        server, thread = start_http_server(int(port), host, _registry(status))
    except (ValueError, OSError, OverflowError) as problem:
        raise EndpointProblem(f"--metrics {address}: {problem}; it is HOST:PORT") from None

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join(5)

    return stop


def _registry(status: Callable[[], dict[str, Any]]) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(Collector(status))  # type: ignore[arg-type]
    return registry
