"""What the window does with the world of morphs: follow it, send it what hands do, show it as it was."""

from __future__ import annotations

import asyncio
import re
import traceback
from typing import TYPE_CHECKING, Any

from kivy.clock import Clock

from ...bridge.covenant import (
    CreateMethodCommand,
    Done,
    GetFullStateCommand,
    MethodReply,
    UpdatePropertyCommand,
    UvmStateUpdateEvent,
)
from .looks import Looks, digest
from .morphview import BrokenView, MorphView
from .portrait import print_data
from .tree import Changes, Tree

if TYPE_CHECKING:
    from .app import CanvasApp

SELECTOR = re.compile(r"(?:[A-Za-z_]\w*:)+|[A-Za-z_]\w*")
COMMANDS = {
    "create_method": CreateMethodCommand,
    "update_property": UpdatePropertyCommand,
    "get_full_state": GetFullStateCommand,
}


def literal(value: Any) -> str:
    """A value of a widget as the language writes it."""
    if value is None or isinstance(value, bool | int | float | str):
        text = print_data(value)
        return f"({text})" if isinstance(value, int | float) and value < 0 else text
    return print_data(str(value))


class MorphKeeper:
    """Part of the app: the tree, the stage and the messages between them."""

    def bind_stage(self: CanvasApp) -> None:
        stage = self.stage
        self.past: Tree | None = None  # what is shown instead of the present
        stage.looks = Looks(MorphView, self.state.get("allowed") or (), self._allowed)
        self.tree = stage.tree
        self._whole = False
        self._pages: list[UvmStateUpdateEvent] = []
        self._apply = Clock.create_trigger(lambda _: self._apply_scene(), 0)
        stage.bind(
            on_send=lambda _, handle, source: self.spawn(self.send_source(handle, source)),
            on_halo=lambda _, handle, what: self.halo_chosen(handle, what),
            on_broken=lambda _, handle, message: self.trace("broken", {"morph": handle, "message": message}),
            on_drawn=lambda _: self._drawn(),
            on_moved=lambda _, frames, seconds: self.trace(
                "moved", {"frames": frames, "seconds": round(seconds, 3), "fps": round(frames / max(seconds, 1e-3), 1)}
            ),
            on_chosen=lambda _, handle: self.trace(
                "chosen", {"morph": handle, "title": stage.tree.title(handle) if handle else ""}
            ),
            on_allow=lambda _, text: self.open_tool("allow").ask(text),
        )

    # -- following ----------------------------------------------------------------------------------------------------

    def scene_changed(self: CanvasApp, event: UvmStateUpdateEvent) -> None:
        """What came is applied with the next frame, all of it at once."""
        self._pages.append(event)
        self._apply()

    def _apply_scene(self: CanvasApp) -> None:
        pages, self._pages = self._pages, []
        if not pages:
            return
        total = Changes()
        for event in pages:
            changes = self.tree.apply(event)
            if changes.whole:
                total = Changes(True)
            total.changed += [each for each in changes.changed if each not in total.changed or len(total.changed) > 99]
            total.views += changes.views
            total.removed += changes.removed
        total.removed = [each for each in total.removed if each not in self.tree.nodes]
        if self.past is not None:
            return
        if total.whole and self.stage.shown:
            total = self._against_what_is_shown(total)
        if self.stage._lifted in total.changed and self.stage._gesture is None:
            self.stage.settle_down()
        self.stage.show(total)
        self.desk.empty = not self.tree.holds(self.tree.top) and not self.tree.truncated
        self.trace(
            "scene",
            {"whole": total.whole, "changed": len(total.changed), "removed": len(total.removed), "of": len(self.tree.nodes)},
        )
        for handle in total.changed[:3]:
            node = self.tree.nodes.get(handle, {})
            shown = {name: node.get(name) for name in ("kind", "x", "y", "width", "height", "label", "text", "color")}
            self.trace("morph", {"morph": handle, **shown})

    def _against_what_is_shown(self: CanvasApp, total: Changes) -> Changes:
        """The kernel was started anew, or came back: what is the same is left as it is."""
        gone = [each for each in self.stage.shown if each not in self.tree.nodes]
        return Changes(False, total.changed, gone, total.views)

    def _drawn(self: CanvasApp) -> None:
        views = self.stage.shown.values()
        broken = [each.problem.message for each in views if isinstance(each, BrokenView)]
        self.trace("drawn", {"morphs": len(self.stage.shown), "broken": broken})

    # -- sending ------------------------------------------------------------------------------------------------------

    def send_to(self: CanvasApp, handle: str, selector: str, *arguments: Any) -> None:
        """Send a morph a message with plain values as arguments; what a handler of its rule does."""
        parts = [part + ":" for part in selector.split(":") if part] if ":" in selector else [selector]
        if not SELECTOR.fullmatch(selector) or (":" in selector and len(parts) != len(arguments)):
            self.say(f"{selector} with {len(arguments)} arguments is no message", "warn")
            return
        words = [f"{part} {literal(value)}" for part, value in zip(parts, arguments, strict=False)]
        self.spawn(self.send_source(handle, "self " + (" ".join(words) if arguments else selector)))

    async def send_source(self: CanvasApp, handle: str, source: str) -> None:
        """A message to a morph, as self. A press of one that carries a command sends the command instead."""
        node = self.tree.nodes.get(handle, {})
        if source == "self press" and isinstance(node.get("command"), dict):
            await self._command(node["command"])
            return
        self.trace("sent", {"morph": handle, "source": source})
        outcome = await self.run(source, f"@{handle.lstrip('0')}")
        if outcome is None:
            self.stage.settle_down()
        else:
            self.trace("did", {"source": source, "text": outcome.printed})

    async def _command(self: CanvasApp, given: dict[str, Any]) -> None:
        """The seeds' buttons: a command of the covenant, as data."""
        facts = {name: value for name, value in given.items() if name != "command"}
        if isinstance(facts.get("target"), dict):
            facts["target"] = facts["target"].get("handle")
        kind = COMMANDS.get(str(given.get("command")))
        if kind is None:
            self.say(f"a morph may send {', '.join(COMMANDS)}; not {given.get('command')}", "warn")
            return
        reply = await self.act.ask(kind(**facts))
        if isinstance(reply, MethodReply):
            self.say(f"{reply.selector} is a method now", "good")
            self.trace("created", {"selector": reply.selector})
        elif not isinstance(reply, Done | UvmStateUpdateEvent):
            self.refused(reply)

    # -- the halo -----------------------------------------------------------------------------------------------------

    def halo_chosen(self: CanvasApp, handle: str, what: str) -> None:
        tree = self.stage.tree
        title = tree.title(handle)
        if what == "inspect":
            self.inspect(handle.lstrip("0"), title)
        elif self.stage.frozen:
            self.say("this is how it was: what is past cannot be changed", "warn")
        elif what == "edit":
            node = tree.nodes.get(handle, {})
            slot = "label" if "label" in node else "items" if "items" in node else "text"
            self.desk.prompt(
                f"{slot} of {title}",
                literal(node.get(slot) or ""),
                lambda text: self.spawn(self.send_source(handle, f"self {slot}: ({text})")),
            )
        elif what == "parent":
            self.desk.prompt(
                f"parent* of {title}",
                str(tree.nodes.get(handle, {}).get("kind") or "Morph"),
                lambda text: self.spawn(self.send_source(handle, f"self setSlot: 'parent*' value: ({text})")),
            )
        elif what == "owner":
            self.stage.choose(tree.within(handle) if tree.within(handle) != tree.top else None)
        else:
            source = {"clone": "self copyBeside", "delete": "self delete", "front": "self bringToFront"}[what]
            self.spawn(self.send_source(handle, source))

    # -- the past -----------------------------------------------------------------------------------------------------

    def show_past(self: CanvasApp, event: UvmStateUpdateEvent) -> None:
        """A page of the world as it was; the first one takes the present's place."""
        if event.whole or self.past is None:
            self.past = Tree()
            self.stage.choose(None)
            self.stage.frozen = True
        changes = self.past.apply(event)
        self.stage.tree = self.past
        if event.whole:
            gone = [each for each in self.stage.shown if each not in self.past.nodes]
            changes = Changes(False, changes.changed, gone, changes.views)
        self.stage.show(changes)

    def back_to_now(self: CanvasApp) -> None:
        if self.past is not None:
            self.past = None
            self.stage.frozen = False
            self.stage.choose(None)
            self.stage.tree = self.tree
            gone = [each for each in self.stage.shown if each not in self.tree.nodes]
            self.stage.show(Changes(False, list(self.tree.nodes), gone, list(self.tree.views)))

    # -- what goes wrong ----------------------------------------------------------------------------------------------

    def allow(self: CanvasApp, text: str) -> None:
        """The person lets a text of the image run in this window, now and later."""
        self.stage.looks.allow(text)
        self.stage.redraw(handle for handle, view in self.stage.shown.items() if isinstance(view, BrokenView))

    def _allowed(self: CanvasApp, which: str) -> None:
        self.keep_soon(allowed=sorted({*self.state.get("allowed", ()), which}))
        self.trace("allowed", {"digest": which})

    def mishap(self: CanvasApp, problem: Exception) -> None:
        """An exception out of Kivy's loop: if a morph's own text raised it, that morph becomes a box that says so."""
        from .looks import Problem

        if isinstance(problem, asyncio.CancelledError):
            return
        text = f"{type(problem).__name__}: {problem}".split("\n")[-1][:300]
        files = {frame.filename for frame in traceback.extract_tb(problem.__traceback__)}
        said = str(problem)
        for chain, (file, _) in list(self.stage.looks._loaded.items()):
            if file in files or file in said or f"morph-{chain[0]}.py" in files:
                self.stage.looks._classes[chain] = Problem(chain[0], text)
                self.stage._rebuild(chain[0])
                self.stage._work()
                break
        else:
            self.say(f"the canvas failed at this: {text}", "bad")
        self.trace("mishap", {"message": text})


__all__ = ["MorphKeeper", "digest", "literal"]
