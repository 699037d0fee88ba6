"""What the window does with the world of morphs: follow it, send it what hands do, show it as it was."""

from __future__ import annotations

import asyncio
import re
import traceback
from typing import Any

from kivy.core.window import Window

from ...bridge.covenant import (
    CreateMethodCommand,
    Done,
    Evaluate,
    GetFullStateCommand,
    MethodReply,
    UpdatePropertyCommand,
    UvmStateUpdateEvent,
)
from .looks import Looks, Problem
from .morphview import BrokenView, MorphView
from .portrait import print_data
from .stage import Stage
from .tree import Changes, Tree

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


class Morphs:
    """The tree, the stage, and the messages between them and the image."""

    def __init__(self, app: Any, stage: Stage) -> None:
        self.app = app
        self.stage = stage
        self.past: Tree | None = None  # what is shown instead of the present
        stage.looks = Looks(MorphView, self.app.state.get("allowed") or (), self._allowed)
        self.tree = stage.tree
        self._pages: list[UvmStateUpdateEvent] = []
        self._seen: set[str] | None = None  # the world's own morphs, once heard of
        self._amiss: set[str] = set()  # what was told of morphs that are not shown
        self._greeted = False
        self._told_last = ""  # a mishap of each frame is told once
        stage.bind(
            on_send=lambda _, handle, source: self.app.spawn(self.send_source(handle, source)),
            on_halo=lambda _, handle, what: self.halo_chosen(handle, what),
            on_broken=lambda _, handle, message: self.app.trace("broken", {"morph": handle, "message": message}),
            on_drawn=lambda _: self._drawn(),
            on_moved=lambda _, frames, seconds: self.app.trace(
                "moved",
                {
                    "frames": frames,
                    "seconds": round(seconds, 3),
                    "fps": round(frames / max(seconds, 1e-3), 1),
                    "camera": self._camera(),
                },
            ),
            on_chosen=lambda _, handle: self.app.trace(
                "chosen", {"morph": handle, "title": stage.tree.title(handle) if handle else ""}
            ),
            on_allow=lambda _, text: self.app.open_tool("allow").ask(text),
        )

        stage.fbind(
            "zoom", lambda _, zoom: self.app.trace("camera", {"zoom": round(zoom, 3), "camera": self._camera()})
        )

    # -- following ----------------------------------------------------------------------------------------------------

    def scene_changed(self, event: UvmStateUpdateEvent) -> None:
        """What came is applied when a frame is due, all of it at once."""
        self._pages.append(event)
        if len(self._pages) == 1:
            self.app.frames.when_due(lambda _: self._apply_scene())

    def _apply_scene(self) -> None:
        pages, self._pages = self._pages, []
        self.app.frames.begin()
        total = Changes()
        for event in pages:
            changes = self.tree.apply(event)
            if changes.whole:
                total = Changes(True)
            total.changed += changes.changed
            total.views += changes.views
            total.removed += changes.removed
        total.changed = list(dict.fromkeys(total.changed))
        total.removed = [each for each in total.removed if each not in self.tree.nodes]
        if self.past is not None:
            return
        if total.whole and self.stage.shown:
            total = self._against_what_is_shown(total)
        if self.stage._lifted in total.changed and self.stage._gesture is None:
            self.stage.settle_down()
        self.stage.show(total)
        self._look_around()
        self._tell_amiss()
        told = {"whole": total.whole, "changed": len(total.changed), "removed": len(total.removed)}
        told["of"] = len(self.tree.nodes)
        morphs = [self._told(handle) for handle in total.changed[:3]]
        self.app.frames.shown(lambda: self._tell(told, morphs))

    def _look_around(self) -> None:
        """An empty world says so, and one that has never shown anything is asked to greet. Where nothing is left of
        what was seen, all that is there now comes in sight."""
        before, now = self._seen, set(self.tree.holds(self.tree.top))
        self._seen = now
        empty = not now and not self.tree.truncated
        never = self.tree.nodes.get(self.tree.top, {}).get("greeted") is False
        if empty and never and self.app.settings.welcome and not self._greeted:
            self._greeted = True
            self.app.spawn(self._greet())
        else:
            self.app.desk.empty = empty
        if before is not None and now and not before & now:
            self.app.first_look()
            self.app.trace("looked", {"camera": self._camera()})

    def _tell_amiss(self) -> None:
        """What is not shown though somebody meant it to be, when it is new."""
        texts = self.tree.nodes.get(self.tree.top, {}).get("amiss")
        now = {each for each in texts if isinstance(each, str)} if isinstance(texts, list) else set()
        for each in sorted(now - self._amiss):
            self.app.say(each, "warn")
        self._amiss = now

    async def _greet(self) -> None:
        await self.app.act.ask(Evaluate(source="World greet", origin="<canvas>", policy="off"))
        self.app.desk.empty = not self._seen

    def _told(self, handle: str) -> dict[str, Any]:
        node = self.tree.nodes.get(handle, {})
        names = ("kind", "x", "y", "width", "height", "label", "text", "color")
        return {"morph": handle, **{name: node.get(name) for name in names}}

    def _tell(self, scene: dict[str, Any], morphs: list[dict[str, Any]]) -> None:
        """The trace is told what can be seen now."""
        self.app.trace("scene", scene)
        for each in morphs:
            self.app.trace("morph", each)

    def _against_what_is_shown(self, total: Changes) -> Changes:
        """The kernel was started anew, or came back: what is the same is left as it is."""
        gone = [each for each in self.stage.shown if each not in self.tree.nodes]
        return Changes(False, total.changed, gone, total.views)

    def _drawn(self) -> None:
        views = self.stage.shown.values()
        broken = [each.problem.message for each in views if isinstance(each, BrokenView)]
        self.app.trace("drawn", {"morphs": len(self.stage.shown), "broken": broken, "camera": self._camera()})

    def _camera(self) -> dict[str, float]:
        """How to find a morph in the window: its x there is (x - left) * scale, its y from above bar + (y - upper) *
        scale."""
        stage = self.stage
        bar = Window.height - stage.top
        return {"left": stage.left, "upper": stage.upper, "scale": stage.scale, "bar": bar}

    # -- sending ------------------------------------------------------------------------------------------------------

    def send_to(self, handle: str, selector: str, *arguments: Any) -> None:
        """Send a morph a message with plain values as arguments; what a handler of its rule does."""
        parts = [part + ":" for part in selector.split(":") if part] if ":" in selector else [selector]
        if not SELECTOR.fullmatch(selector) or (":" in selector and len(parts) != len(arguments)):
            self.app.say(f"{selector} with {len(arguments)} arguments is no message", "warn")
            return
        words = [f"{part} {literal(value)}" for part, value in zip(parts, arguments, strict=False)]
        self.app.spawn(self.send_source(handle, "self " + (" ".join(words) if arguments else selector)))

    def _send_soon(self, handle: str, source: str) -> None:
        self.app.spawn(self.send_source(handle, source))

    async def send_source(self, handle: str, source: str) -> None:
        """A message to a morph, as self. A press of one that carries a command sends the command instead."""
        node = self.tree.nodes.get(handle, {})
        if source == "self press" and isinstance(node.get("command"), dict):
            await self._command(node["command"])
            return
        self.app.trace("sent", {"morph": handle, "source": source})
        outcome = await self.app.run(source, f"@{handle.lstrip('0')}")
        if outcome is None:
            self.stage.settle_down()
        else:
            self.app.trace("did", {"source": source, "text": outcome.printed})

    async def _command(self, given: dict[str, Any]) -> None:
        """The seeds' buttons: a command of the covenant, as data."""
        facts = {name: value for name, value in given.items() if name != "command"}
        if isinstance(facts.get("target"), dict):
            facts["target"] = facts["target"].get("handle")
        kind = COMMANDS.get(str(given.get("command")))
        if kind is None:
            self.app.say(f"a morph may send {', '.join(COMMANDS)}; not {given.get('command')}", "warn")
            return
        reply = await self.app.act.ask(kind(**facts))
        if isinstance(reply, MethodReply):
            self.app.say(f"{reply.selector} is a method now", "good")
            self.app.trace("created", {"selector": reply.selector})
        elif not isinstance(reply, Done | UvmStateUpdateEvent):
            self.app.refused(reply)

    # -- the halo -----------------------------------------------------------------------------------------------------

    def halo_chosen(self, handle: str, what: str) -> None:
        tree = self.stage.tree
        title = tree.title(handle)
        if what == "inspect":
            self.app.inspect(handle.lstrip("0"), title)
        elif self.stage.frozen:
            self.app.say("this is how it was: what is past cannot be changed", "warn")
        elif what == "edit":
            node = tree.nodes.get(handle, {})
            slot = "label" if "label" in node else "items" if "items" in node else "text"
            self.app.desk.prompt(
                f"{slot} of {title}",
                literal(node.get(slot) or ""),
                lambda text: self._send_soon(handle, f"self {slot}: ({text})"),
            )
        elif what == "parent":
            self.app.desk.prompt(
                f"parent* of {title}",
                str(tree.nodes.get(handle, {}).get("kind") or "Morph"),
                lambda text: self._send_soon(handle, f"self setSlot: 'parent*' value: ({text})"),
            )
        elif what == "owner":
            self.stage.choose(tree.within(handle) if tree.within(handle) != tree.top else None)
        else:
            source = {"clone": "self copyBeside", "delete": "self delete", "front": "self bringToFront"}[what]
            self.app.spawn(self.send_source(handle, source))

    # -- the past -----------------------------------------------------------------------------------------------------

    def show_past(self, event: UvmStateUpdateEvent) -> None:
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

    def back_to_now(self) -> None:
        if self.past is not None:
            self.past = None
            self.stage.frozen = False
            self.stage.choose(None)
            self.stage.tree = self.tree
            gone = [each for each in self.stage.shown if each not in self.tree.nodes]
            self.stage.show(Changes(False, list(self.tree.nodes), gone, list(self.tree.views)))

    # -- what goes wrong ----------------------------------------------------------------------------------------------

    def allow(self, text: str) -> None:
        """The person lets a text of the image run in this window, now and later."""
        self.stage.looks.allow(text)
        self.stage.redraw(handle for handle, view in self.stage.shown.items() if isinstance(view, BrokenView))

    def _allowed(self, which: str) -> None:
        self.app.keep_soon(allowed=sorted({*self.app.state.get("allowed", ()), which}))
        self.app.trace("allowed", {"digest": which})

    def mishap(self, problem: BaseException) -> None:
        """An exception out of Kivy's loop: if a morph's own text raised it, that morph becomes a box that says so."""
        if isinstance(problem, asyncio.CancelledError):
            return
        text = f"{type(problem).__name__}: {problem}".split("\n")[-1][:300]
        handles = {getattr(each, "handle", None) for each in getattr(problem, "culprits", ())}
        mine = [each for each in handles if each in self.stage.shown and each in self.stage.tree.nodes]
        if mine:
            for each in mine:
                self.stage.box(each, text)
            self.app.trace("mishap", {"message": text})
            return
        files = {frame.filename for frame in traceback.extract_tb(problem.__traceback__)}
        said = str(problem)
        for chain, (file, _) in list(self.stage.looks._loaded.items()):
            if file in files or file in said or f"morph-{chain[0]}.py" in files:
                self.stage.looks._classes[chain] = Problem(chain[0], text)
                self.stage._rebuild(chain[0])
                self.stage._work()
                break
        else:
            drawing = any(frame.name == "on_draw" for frame in traceback.extract_tb(problem.__traceback__))
            if not (drawing and self.stage.recover(problem)) and text != self._told_last:
                self.app.say(f"the canvas failed at this: {text}", "bad")
            self._told_last = text
        self.app.trace("mishap", {"message": text})
