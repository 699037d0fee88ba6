"""The canvas: a window on one image. Kivy and ZeroMQ share one asyncio loop, so nothing here waits for the kernel.

Every question to the kernel is a task of its own. A task that fails says so in the conversation; a kernel that is
slow or gone shows in the corner, and the window goes on. There are four sessions, since the kernel carries the
commands of one out one after another: what a person types, what hands do to morphs, what tools look at, and the
stream of the scene.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from kivy.app import App
from kivy.base import ExceptionManager
from kivy.clock import Clock
from kivy.core.window import Window
from kivy.lang import Builder
from kivy.metrics import sp
from kivy.properties import NumericProperty, ObjectProperty
from pydantic import ValidationError

from ...bridge.covenant import (
    Approval,
    Data,
    Done,
    ErrorReply,
    Evaluate,
    GetFullStateCommand,
    Goodbye,
    Interrupt,
    Outcome,
    Policy,
    Redo,
    Reply,
    Subscribe,
    Undo,
    Unsubscribe,
    UvmStateUpdateEvent,
)
from ..errors import unsendable
from ..link import Link, LinkLost
from . import watchdog
from .conversation import Conversation
from .desk import Desk
from .frames import Frames
from .inspector import Inspector
from .kvsync import sync
from .morphs import Morphs
from .settings import LARGEST_TEXT, SMALLEST_TEXT, Settings, keep_state
from .shortcuts import shortcut
from .telling import Mishap
from .theme import DARK, THEMES, Theme

for name in ("rules.kv", "tools.kv"):
    Builder.load_file(str(Path(__file__).with_name(name)))
Builder.sync = sync


class CanvasApp(App):
    """The window and what it knows. Tools ask through ``look`` and change things through ``act``."""

    theme = ObjectProperty(DARK, rebind=True)  # rules say app.theme.ink: what lies behind the theme changes with it
    unit = NumericProperty(15)  # pixels of a text's height; every size of the window is made of it
    text_size = NumericProperty(15)
    sharpness = NumericProperty(1.0)  # pixels of the window for a unit of the world, for texts on morphs

    def __init__(
        self,
        link: Callable[[str], Link],
        settings: Settings,
        *,
        workspace: str = "default",
        policy: Policy = "ask",
        trace: Callable[[str, dict[str, Any]], None] = lambda event, facts: None,
        state: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.link = link("canvas")
        self.act = link("canvas, hands")
        self.look = link("canvas, looking")
        self.scene = link("canvas, scene")
        self.settings = settings
        self.workspace = workspace
        self.policy: Policy = policy
        self._trace = trace
        self.state = state or {}
        self.text_size = settings.text_size
        self.theme = THEMES[settings.theme, settings.contrast]
        self.greets = settings.welcome
        self.unit = sp(settings.text_size)
        self.transcript: list[str] = []
        self.watched: set[str] = set()
        self.tasks: set[asyncio.Task[Any]] = set()
        self.frames = Frames(self._pulse, lambda: trace("still", {}))
        self._keep = Clock.create_trigger(lambda _: self.keep(), 1.0)

    def trace(self, event: str, facts: dict[str, Any]) -> None:
        """Tell who looks on what the window shows now."""
        if event != "pulse":
            self.frames.stirred()
        self._trace(event, facts)

    # -- the window ---------------------------------------------------------------------------------------------------

    def build(self) -> Desk:
        self.title = "BAT OS"
        desk = Desk(self)
        self.desk = desk
        self.overlay = self.room = desk.ids.overlay
        self.stage = desk.ids.stage
        self.morphs = Morphs(self, self.stage)
        self.completing = desk.completing
        self.use_theme(self.theme)
        camera = self.state.get("camera")
        if isinstance(camera, list) and len(camera) == 3 and all(isinstance(each, int | float) for each in camera):
            self.stage.left, self.stage.upper, self.stage.zoom = camera[0], camera[1], min(max(camera[2], 0.1), 6.0)
        else:
            self.stage.left = -self.settings.width * 0.36  # beside the inspector
        self.conversation: Conversation = desk.open_saved(self.state.get("cards"))
        self.conversation.say("Enter sends a message, F1 shows the keys.", "faint")
        return desk

    def on_start(self) -> None:
        self.frames.take_the_clock()
        Window.bind(on_key_down=lambda *given: shortcut(self, *given))
        ExceptionManager.add_handler(Mishap(self))
        self.conversation.focus_first()
        self.spawn(self._stay_connected())
        frames = Clock.frames

        def first_frame(_: float) -> None:
            if Clock.frames > frames + 1:
                self.trace("frame", {"size": list(Window.size)})
                Clock.unschedule(first_frame)

        Clock.schedule_interval(first_frame, 0)

    _beat, _looks, _drawn, _longest = 0.0, 0, 0, 0.0

    def _pulse(self, passed: float) -> None:
        """Once a second the trace is told how many looks and drawings there were, and how long the longest took."""
        self._looks += 1
        self._longest = max(self._longest, passed)
        now = time.perf_counter()
        if now - self._beat >= 1:
            drawn = self.frames.drawn - self._drawn
            self.trace("pulse", {"frames": self._looks, "drawn": drawn, "longest": round(self._longest * 1000, 1)})
            self._beat, self._looks, self._drawn, self._longest = now, 0, self.frames.drawn, 0.0

    def on_stop(self) -> None:
        self.keep()
        for task in self.tasks:
            task.cancel()

    def resize_text(self, step: int) -> None:
        self.text_size = min(max(self.text_size + step, SMALLEST_TEXT), LARGEST_TEXT)
        self.unit = sp(self.text_size)
        self.keep_soon(text_size=int(self.text_size))
        self.trace("text-size", {"size": self.text_size})

    def use_theme(self, theme: Theme) -> None:
        self.theme = theme
        Window.clearcolor = theme.ground

    def switch_theme(self) -> None:
        self.look_like("light" if self.theme.name == "dark" else "dark", self.theme.contrast)

    def look_like(self, name: str, contrast: str) -> None:
        """Another theme, dark or light, of usual or high contrast; kept for the next window."""
        self.use_theme(THEMES[name, contrast])
        self.keep_soon(theme=name, contrast=contrast)
        self.trace("theme", {"name": name, "contrast": contrast})

    def greet_from_now_on(self, greets: bool) -> None:
        """Whether the first window on an empty world finds a welcome there; kept for the next one."""
        self.greets = greets
        self.keep_soon(welcome=greets)
        self.trace("welcome", {"greets": greets})

    def keep_soon(self, **facts: Any) -> None:
        """Keep something for the next window."""
        self.state.update(facts)
        self._keep()

    def keep(self) -> None:
        self.state["cards"] = self.desk.saved()
        self.state["camera"] = [round(each, 3) for each in (self.stage.left, self.stage.upper, self.stage.zoom)]
        keep_state(self.state)

    # -- telling the person -------------------------------------------------------------------------------------------

    def say(self, text: str, ink: str = "ink") -> None:
        self.conversation.say(text, ink)

    def transcribe(self, text: str) -> None:
        """Something was written on the Transcript."""
        self.transcript.append(text)
        del self.transcript[:-2000]
        tool = self.desk.tool("transcript")
        if tool is not None:
            tool.write(text)

    def refused(self, reply: Reply) -> None:
        if isinstance(reply, ErrorReply):
            self.say(f"{reply.message} [{reply.code}]", "warn")
        else:
            self.say(f"the kernel answered something unexpected: {type(reply).__name__}", "bad")

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run a task whose failure the person hears of."""
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self.tasks.discard(task)
        self.frames.news()
        if task.cancelled():
            return
        problem = task.exception()
        if isinstance(problem, LinkLost):
            self.say(f"not answered: {problem}", "warn")
        elif isinstance(problem, ValidationError):
            self.say(unsendable(problem), "warn")
        elif problem is not None:
            self.say(f"the canvas failed at this: {type(problem).__name__}: {problem}", "bad")

    # -- the connection -----------------------------------------------------------------------------------------------

    @property
    def links(self) -> tuple[Link, Link, Link, Link]:
        return self.link, self.act, self.look, self.scene

    async def _stay_connected(self) -> None:
        """Connect, show, and whenever the kernel goes away look for it again, for as long as the window is open."""
        while True:
            try:
                await asyncio.gather(*(link.reconnect(5.0) for link in self.links))
            except LinkLost as lost:
                self._lamp("bad", f"no kernel: {lost}")
                continue
            self._lamp("good", "connected")
            place = "" if self.workspace == "default" else f"   workspace {self.workspace}"
            self.desk.place = self.link.place + place
            self.watched = set()
            try:
                await self._greet()
            except LinkLost:
                continue
            await self.look.lost()
            self._lamp("bad", "the kernel is gone, looking for it")

    async def _greet(self) -> None:
        """The seeds' first question, the scene, and every tool's own."""
        began = time.perf_counter()
        state = await self.look.ask(GetFullStateCommand())
        if isinstance(state, UvmStateUpdateEvent):
            milliseconds = (time.perf_counter() - began) * 1000
            count = f"{len(state.state)}{'+' if state.truncated else ''}"
            self.desk.backend = f"Object: {count} slots"
            self.trace("state", {"slots": len(state.state), "shown": self.desk.backend, "ms": round(milliseconds, 1)})
        await self.scene.ask(Unsubscribe())
        await self.scene.ask(Subscribe(topics=["scene"]))
        for tool in self.desk.tools():
            tool.start()

    def _lamp(self, lamp: str, text: str) -> None:
        if (self.desk.lamp, self.desk.connection) != (lamp, text):
            self.frames.news()
            self.desk.lamp, self.desk.connection = lamp, text
            self.trace("connection", {"lamp": lamp, "text": text})

    def heard(self, event: Reply) -> None:
        """An event that answers no question of ours."""
        self.frames.news()
        if isinstance(event, UvmStateUpdateEvent):
            if event.target.startswith("scene:"):
                self.morphs.scene_changed(event)
            else:
                for tool in self.desk.tools():
                    tool.heard(event)
            past = self.desk.tool("history")
            if past is not None:
                past.changed()
        elif isinstance(event, Approval):
            self.conversation.propose(event)
        elif isinstance(event, Goodbye):
            self.say(f"the kernel stops: {event.reason}", "warn")

    def watch(self) -> None:
        """Hear of what the tools show now."""
        topics = set().union(*(tool.topics() for tool in self.desk.tools()))
        if topics != self.watched:
            gone, self.watched = self.watched - topics, topics
            self.spawn(self._watch(gone, topics))

    async def _watch(self, gone: set[str], topics: set[str]) -> None:
        if gone:
            await self.look.ask(Unsubscribe(topics=sorted(gone)))
        if topics:
            await self.look.ask(Subscribe(topics=sorted(topics)))

    # -- messages -----------------------------------------------------------------------------------------------------

    async def run(self, source: str, workspace: str) -> Outcome | None:
        """Evaluate something for a tool; its last outcome, or None where it failed, which the person has been told."""
        command = Evaluate(
            source=source, origin="<canvas>", workspace=workspace, policy=self.policy, stop_on_error=True
        )
        try:
            reply = await self.act.ask(command, lambda event: self.conversation.came(event))
        finally:
            self.conversation.quiet()
        if not isinstance(reply, Done):
            self.refused(reply)
            return None
        for outcome in reply.outcomes:
            if outcome.transcript:
                self.say(outcome.transcript.rstrip("\n"))
                self.transcribe(outcome.transcript)
            if outcome.error:
                self.conversation.error(outcome.error)
                return None
        return reply.outcomes[-1] if reply.outcomes else None

    def complete(self, editor: Any, position: int, workspace: str) -> None:
        self.spawn(self.completing.ask(editor, position, workspace))

    def interrupt(self) -> None:
        for link in (self.link, self.act):
            self.spawn(link.ask(Interrupt()))

    def undo(self, redo: bool = False) -> None:
        self.spawn(self._undo(redo))

    async def _undo(self, redo: bool) -> None:
        reply = await self.act.ask(Redo() if redo else Undo())
        if isinstance(reply, Data):
            told = ", ".join(str(each.get("told")) for each in reply.data)
            self.say(f"{'brought back' if redo else 'undone'}: {told}", "faint")
            self.trace("undone", {"told": told, "redo": redo})
        else:
            self.refused(reply)

    # -- tools --------------------------------------------------------------------------------------------------------

    def open_tool(self, kind: str) -> Any:
        """Open a tool, or bring it to front."""
        card = self.desk.open(kind)
        self._keep()
        return card.tool

    def close_tool(self, kind: str) -> None:
        self.desk.close(self.desk.card(kind))
        self._keep()

    def inspect(self, handle: str | None, title: str) -> None:
        """Show an object in the inspector."""
        tool = self.desk.tool("inspector")
        if isinstance(tool, Inspector):
            self.desk.open("inspector")
            tool.show_object(handle, title)
        else:
            self.desk.open("inspector", {"target": handle, "title": title})
        self._keep()

    def map_of(self, inspector: Inspector) -> None:
        """Draw the object of an inspector as a graph."""
        target, title = inspector.trail.here
        tool = self.desk.tool("map")
        if tool is None:
            self.desk.open("map", {"root": target, "title": title})
        else:
            self.desk.open("map")
            tool.show_object(target, title)

    def first_look(self) -> None:
        """The image shows itself for the first time: make room, so that it is seen."""
        inspector, talk = self.desk.card("inspector"), self.desk.card("conversation")
        if inspector is not None and not inspector.tool.can_go_back:
            self.desk.close(inspector)
        self.stage.show_all(talk.x - self.stage.x if talk is not None and talk.x > self.stage.width / 3 else None)

    def display_yourself(self) -> None:
        self.conversation.send("Object display_yourself")

    def pending_changed(self) -> None:
        tool = self.desk.tool("model")
        if tool is not None:
            tool.start()


async def run(app: CanvasApp) -> None:
    """Open the window and stay until it is closed."""
    async with app.link, app.act, app.look, app.scene:
        app.look.on_event = app.scene.on_event = app.heard
        app.link.on_event = app.act.on_event = lambda event: None
        for link in app.links:
            link.on_answer = app.frames.news
        try:
            await app.async_run("asyncio")
        finally:
            watchdog.stop()
        leftover = list(app.tasks)
        for task in leftover:
            task.cancel()
        await asyncio.gather(*leftover, return_exceptions=True)
