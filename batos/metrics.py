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
WEAVER = {
    "loads": "Adapters that a server was told to load",
    "load_failures": "Loads that came to nothing",
    "evictions": "Adapters let go to make room for another",
    "hits": "Requests that found their adapter loaded",
    "waits": "Requests that waited for their adapter",
    "failures": "Attempts that a server did not answer, or had too much to do for",
}
WEAVER_FACETS = {
    "requests": "Answers by a facet",
    "errors": "Questions to a facet that came to nothing",
    "tokens": "Tokens that a facet wrote",
    "prompt_tokens": "Tokens that a facet read",
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
        yield from _weaver(now.get("weaver") or {})


def _weaver(told: dict[str, Any]) -> Iterator[Metric]:
    """The CognitiveWeaver: servers by what they hold, facets by what they did. Nothing before it is first used."""
    if not told:
        return
    up = GaugeMetricFamily("batos_weaver_server_up", "Whether a model server answers", labels=["server"])
    held = GaugeMetricFamily("batos_weaver_held", "Adapters that a server holds", labels=["server"])
    flight = GaugeMetricFamily("batos_weaver_in_flight", "Requests under way at a server", labels=["server"])
    for server in told["servers"]:
        up.add_metric([server["name"]], server["state"] == "up")
        held.add_metric([server["name"]], len(server["held"]))
        flight.add_metric([server["name"]], server["in_flight"])
    yield from (up, held, flight)
    for key, text in WEAVER.items():
        counter = CounterMetricFamily(f"batos_weaver_{key}", text, labels=["server"])
        for name, counts in sorted(told["figures"]["servers"].items()):
            counter.add_metric([name], counts[key])
        yield counter
    facets = sorted(told["figures"]["facets"].items())
    for key, text in WEAVER_FACETS.items():
        counter = CounterMetricFamily(f"batos_weaver_{key}", text, labels=["facet"])
        for name, counts in facets:
            counter.add_metric([name], counts[key])
        yield counter
    seconds = HistogramMetricFamily("batos_weaver_answer_seconds", "How long answers took", labels=["facet"])
    for name, counts in facets:
        buckets, sum_ = [], 0
        for bound, count in zip([*map(str, told["figures"]["bounds"]), "+Inf"], counts["took"], strict=True):
            sum_ += count
            buckets.append((bound, sum_))
        seconds.add_metric([name], buckets, counts["seconds"])
    yield seconds


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
