"""A panel's worth of the Weaver as plain data: facets with what they did, servers with what they hold, aliases. What
`batos weaver status`, the kernel's command `weaver` and a window show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...interp.outside import plain

if TYPE_CHECKING:
    from ...interp import Worker, World
    from .cognitive import CognitiveWeaver

WAIT = 2.0
"""Seconds that servers are given to say what they hold; then it is told what was known of them."""


def panel(weaver: CognitiveWeaver, worker: Worker | None) -> dict[str, Any]:
    """No transaction is open while the servers are asked. Without a worker, and so without an image: no aliases.

    servers: name, kind, state (up, down, not asked yet), reason, room, held (adapter to state and users), in_flight,
    waiting, and what they did: loads, evictions, hits, waits, failures. facets: name, facet, forms, bytes, aliases,
    servers that hold it, requests, errors, tokens, seconds (of an answer, on average). aliases; rules (their number);
    totals.
    """
    aliases, rules = worker.transact(_of_image) if worker is not None else ({}, 0)
    told = weaver.status(wait=WAIT)
    figures = told["figures"]
    servers = [{**each, **figures["servers"].get(each["name"], {})} for each in told["servers"]]
    by_name = {facet.name: facet for facet in weaver.facets()}
    names = sorted({*by_name, *figures["facets"], *(name for each in servers for name in each["held"])})
    facets = []
    for name in names:
        facet, did = by_name.get(name), figures["facets"].get(name, {})
        requests = did.get("requests", 0)
        facets.append({
            "name": name,
            "facet": name.partition("@")[0],
            "forms": list(facet.forms) if facet is not None else [],
            "bytes": facet.bytes if facet is not None else 0,
            "aliases": sorted(alias for alias, meant in aliases.items() if meant == name),
            "servers": [each["name"] for each in servers if name in each["held"]],
            "requests": requests,
            "errors": did.get("errors", 0),
            "tokens": did.get("tokens", 0),
            "seconds": did["seconds"] / requests if requests else 0.0,
        })  # fmt: skip
    totals = {
        key: sum(each.get(key, 0) for each in servers) for key in ("loads", "evictions", "hits", "waits", "failures")
    }
    totals |= {key: sum(each[key] for each in facets) for key in ("requests", "errors", "tokens")}
    return {"servers": servers, "facets": facets, "aliases": aliases, "rules": rules, "totals": totals}


def _of_image(world: World) -> tuple[dict[str, str], int]:
    weaver: Any = world.lookup("CognitiveWeaver")
    if weaver is None:  # an image from before there was one
        return {}, 0
    return plain(world, world.send(weaver, "aliases")), world.send(world.send(weaver, "rules"), "size")
