"""``thisContext``: a snapshot of the stack as an object one can look at."""

from __future__ import annotations

from collections.abc import Mapping
from types import FrameType
from typing import TYPE_CHECKING, Any

from ..image.values import Symbol
from .stack import Place, activations

if TYPE_CHECKING:
    from .world import World


def snapshot(world: World, frame: FrameType | None) -> Any:
    """A Context object for the frame's activation: receiver, selector, variables, line, and its sender (up to 200
    deep)."""
    frames: list[tuple[Place, Mapping[str, Any]]] = []
    while frame is not None and len(frames) < 200:
        frames += activations(world.sources, frame, frame.f_lasti, world.frame_label)
        frame = frame.f_back
    sender: Any = None
    for place, local in reversed(frames[:200]):
        context = world.clone(world.lookup("Context") or world.genesis)
        variables = {
            k.rstrip("."): v
            for k, v in local.items()
            if k[0].isalpha() and k != "self" and not k.endswith(".arg")
        }
        slots = {
            "receiver": local.get("self"),
            "label": place.label,
            "selector": Symbol(place.source.label if place.source.home is not None else "executeStatements"),
            "methodClass": place.source.home,
            "isBlockContext": place.block,
            "line": place.line,
            "column": place.column,
            "sender": sender,
            "variables": world.new_dictionary(variables),
        }
        for name, value in slots.items():
            setattr(context, name, value)
        sender = context
    return sender
