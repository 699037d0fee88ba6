"""The canvas: a window on one image. Kivy and ZeroMQ share one asyncio loop, so nothing here waits for the kernel.

Every question to the kernel is a task of its own. A task that fails says so in the output pane; a kernel that is slow
or gone shows in the corner, and the window goes on.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from kivy.app import App
from kivy.clock import Clock
from kivy.core.window import Window
from kivy.lang import Builder
from kivy.metrics import sp
from kivy.properties import NumericProperty, ObjectProperty
from pydantic import ValidationError

from ...bridge.covenant import (
    MAX_PAGE,
    Approval,
    Approve,
    Browse,
    Done,
    ErrorReply,
    Evaluate,
    Frame,
    GetFullStateCommand,
    Goodbye,
    Inspect,
    Interrupt,
    MethodReply,
    Methods,
    Outcome,
    Page,
    Policy,
    Progress,
    Reply,
    Subscribe,
    Unsubscribe,
    UvmStateUpdateEvent,
)
from ...grammar import is_complete
from ..errors import around, shorten_stack, unsendable
from ..gates import read_gate
from ..link import Link, LinkLost
from . import panes
from .portrait import Portrait, Row, Trail, found_rows, is_method, print_data
from .settings import LARGEST_TEXT, SMALLEST_TEXT, Settings
from .text import clean, coloured
from .theme import DARK, LIGHT, THEMES, Theme

Builder.load_file(str(Path(__file__).with_name("rules.kv")))

HELP = """\
Enter          send what is typed, if it is whole; else a new line
Shift-Enter    a new line           Ctrl-Enter   send anyway
Up, Down       what was sent before
Ctrl-C         interrupt what runs (nothing selected); copy (something selected)
Tab            to the next field, list or button; Shift-Tab back
in the slots   arrows choose, Enter walks into an object, Backspace goes back
F5 F6 F7       do it, print it, inspect it: what is typed (F7 with nothing typed: the last result)
Ctrl-Home      the genesis object   Ctrl-R       fetch the shown object again
Ctrl-F         find a slot          Ctrl-L       clear this pane
Ctrl-+ Ctrl--  larger, smaller text Ctrl-T       dark or light
Ctrl-Q         close the window"""


class CanvasApp(App):
    """The window and what it knows: the shown object, the way there, the evaluation that runs.

    Two links: ``link`` sends messages and may be busy with one for as long as that runs; ``look`` asks for what the
    window shows, and gets it meanwhile (the kernel carries one session's commands out one after another).
    """

    theme = ObjectProperty(DARK)
    unit = NumericProperty(15)

    def __init__(
        self,
        link: Link,
        look: Link,
        settings: Settings,
        *,
        workspace: str = "default",
        policy: Policy = "ask",
        trace: Callable[[str, dict[str, Any]], None] = lambda event, facts: None,
    ) -> None:
        super().__init__()
        self.link = link
        self.look = look
        self.settings = settings
        self.workspace = workspace
        self.policy: Policy = policy
        self.trace = trace
        self.text_size = settings.text_size
        self.theme = THEMES[settings.theme]
        self.unit = sp(settings.text_size)
        self.trail = Trail()
        self.portrait = Portrait(None, "Object")
        self.running: asyncio.Task[None] | None = None
        self.last: Outcome | None = None  # the last result
        self.wish = "print"
        self.found: list[Row] | None = None  # what the kernel found in an object too large to be here whole
        self.proposals: list[Approval] = []
        self.methods_stale = False
        self.fetching: asyncio.Task[None] | None = None
        self.tasks: set[asyncio.Task[Any]] = set()
        self.redraw = Clock.create_trigger(self._redraw, 0)

    # -- the window ---------------------------------------------------------------------------------------------------

    def build(self) -> panes.Desk:
        self.title = "BAT OS"
        desk = panes.Desk()
        self.ids = desk.ids
        desk.bind(
            on_back=lambda *_: self.go_back(), on_home=lambda *_: self.go_home(), on_press=lambda *_: self.press()
        )
        self.ids.slots.bind(
            on_chosen=lambda _, row: self.choose(row),
            on_open=lambda _, row: self.open(row),
            on_leave_back=lambda *_: self.go_back(),
        )
        self.look_for = Clock.create_trigger(lambda _: self.find(), 0.15)
        self.ids.filter.bind(text=lambda *_: self.look_for())
        self.ids.detail.follows = False
        self.ids.proposal.bind(on_answer=lambda _, answer: self.answer_proposal(answer))
        line = self.ids.line
        line.is_complete = is_complete
        line.bind(on_send=lambda _, source: self.send(source))
        line.bind(focus=lambda _, focus: self.trace("line", {"focus": focus}))
        line.bind(text=lambda _, text: self.trace("typed", {"text": text}))
        self._dress()
        self.say("Enter sends a message, F1 shows the keys.", "faint")
        return desk

    def on_start(self) -> None:
        Window.bind(on_key_down=self._key)
        self.ids.line.focus = True
        self.spawn(self._stay_connected())
        frames = Clock.frames

        def first_frame(_: float) -> None:
            if Clock.frames > frames + 1:
                self.trace("frame", {"size": list(Window.size)})
                Clock.unschedule(first_frame)

        Clock.schedule_interval(first_frame, 0)

    def on_stop(self) -> None:
        for task in self.tasks:
            task.cancel()

    def _dress(self) -> None:
        """What the rules cannot bind: the colours of source, row heights, the window's ground."""
        Window.clearcolor = self.theme.ground
        line = self.ids.line
        line.lexer = message_lexer()
        line.style = self.theme.source
        line.background_color = self.theme.raised  # the style brought its own
        for name in ("slots", "detail", "output"):
            self.ids[name].row_height = round(self.unit * 1.55)
        self.ids.proposal.ids.pages.row_height = round(self.unit * 1.55)
        for name in ("output", "detail"):
            self.ids[name].lay_out()

    def _key(self, window: Any, key: int, scancode: int, text: str, modifiers: list[str]) -> bool:
        """Keys that work wherever the focus is."""
        ctrl = "ctrl" in modifiers
        name = {282: "f1", 286: "f5", 287: "f6", 288: "f7", 278: "home", 27: "escape"}.get(key) or (
            chr(key) if 32 <= key < 127 else ""
        )
        if name == "f1":
            self.say(HELP, "faint")
        elif name in ("f5", "f6", "f7"):
            self.send_as({"f5": "do", "f6": "print", "f7": "inspect"}[name])
        elif name == "escape":
            self.ids.line.focus = True
        elif not ctrl:
            return False
        elif name in ("+", "="):
            self.resize_text(1)
        elif name == "-":
            self.resize_text(-1)
        elif name == "t":
            self.use_theme(LIGHT if self.theme is DARK else DARK)
        elif name == "r":
            self.refresh()
        elif name == "l":
            self.ids.output.clear()
        elif name == "f":
            self.ids.filter.focus = True
        elif name == "q":
            self.stop()
        elif name == "home":
            self.go_home()
        elif name == "c" and self.running and not self.ids.line.selection_text:
            self.interrupt()
        else:
            return False
        return True

    def resize_text(self, step: int) -> None:
        self.text_size = min(max(self.text_size + step, SMALLEST_TEXT), LARGEST_TEXT)
        self.unit = sp(self.text_size)
        self._dress()
        self.trace("text-size", {"size": self.text_size})

    def use_theme(self, theme: Theme) -> None:
        self.theme = theme
        self._dress()
        self.trace("theme", {"name": theme.name})

    def say(self, text: str, ink: str = "ink") -> None:
        self.ids.output.add(text, ink)
        self.trace("said", {"text": text, "ink": ink})

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run a task whose failure the person hears of."""
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self.tasks.discard(task)
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

    async def _stay_connected(self) -> None:
        """Connect, show, and whenever the kernel goes away look for it again, for as long as the window is open."""
        while True:
            try:
                await asyncio.gather(self.link.reconnect(5.0), self.look.reconnect(5.0))
            except LinkLost as lost:
                self._lamp("bad", f"no kernel: {lost}")
                continue
            self._lamp("good", "connected")
            self.root.place = f"{self.link.place}   workspace {self.workspace}"
            await self._show(*self.trail.here)
            await self.look.lost()
            self._lamp("bad", "the kernel is gone, looking for it")

    def _lamp(self, lamp: str, text: str) -> None:
        if (self.root.lamp, self.root.connection) != (lamp, text):
            self.root.lamp, self.root.connection = lamp, text
            self.trace("connection", {"lamp": lamp, "text": text})

    def heard(self, event: Reply) -> None:
        """An event that answers no question of ours."""
        if isinstance(event, UvmStateUpdateEvent):
            self._state(event)
        elif isinstance(event, Approval):
            self._propose(event)
        elif isinstance(event, Goodbye):
            self.say(f"the kernel stops: {event.reason}", "warn")

    # -- the shown object ---------------------------------------------------------------------------------------------

    async def _show(self, target: str | None, title: str) -> None:
        """Fetch an object and show it; from then on hear of its changes."""
        since = time.perf_counter()
        reply = await self.look.ask(GetFullStateCommand(target=target))
        if not isinstance(reply, UvmStateUpdateEvent):
            self._refused(reply)
            if self.trail.back():
                self._titles()
            return
        portrait = Portrait(target, title)
        portrait.apply(reply)
        self.portrait = portrait
        self._titles()
        self._redraw()
        self.trace(
            "object",
            {
                "title": title,
                "target": target,
                "slots": {name: print_data(v) for name, v in portrait.slots.items() if not is_method(v)},
                "ms": round((time.perf_counter() - since) * 1000, 1),
            },
        )
        await self.look.ask(Unsubscribe())
        await self.look.ask(Subscribe(topics=[target or "state"]))
        await self._fetch_methods(portrait)

    async def _fetch_methods(self, portrait: Portrait) -> None:
        reply = await self.look.ask(Browse(target=portrait.target))
        if isinstance(reply, Methods):
            portrait.languages = {entry.selector: entry.language for entry in reply.methods}
            if portrait is self.portrait:
                self.redraw()
                self.trace("methods", {"names": sorted(portrait.languages)})

    def _refetch_methods(self) -> None:
        """Fetch them again, one question at a time however fast changes come."""
        self.methods_stale = True
        if self.fetching is None or self.fetching.done():
            self.fetching = self.spawn(self._keep_methods_fresh())

    async def _keep_methods_fresh(self) -> None:
        while self.methods_stale:
            self.methods_stale = False
            await self._fetch_methods(self.portrait)

    def _state(self, event: UvmStateUpdateEvent) -> None:
        if event.target and self.portrait.target and event.target.lstrip("0") != self.portrait.target.lstrip("0"):
            return
        changed = self.portrait.apply(event)
        if changed:
            self.redraw()
            self._refetch_methods()
            shown = {name: print_data(self.portrait.slots.get(name)) for name in changed}
            self.trace("changed", {"slots": shown, "removed": event.removed})

    def find(self) -> None:
        """Show only slots and methods whose name contains what is typed; in a large object the kernel looks for it."""
        self.found = None
        if self.portrait.truncated and self.ids.filter.text:
            self.spawn(self._find(self.portrait, self.ids.filter.text))
        else:
            self._redraw()

    async def _find(self, portrait: Portrait, text: str) -> None:
        reply = await self.look.ask(Inspect(target=portrait.target, find=text, count=MAX_PAGE))
        if not isinstance(reply, Page):
            self._refused(reply)
        elif (portrait, text) == (self.portrait, self.ids.filter.text):
            self.found = found_rows(reply)
            self._redraw()

    def _redraw(self, *_: Any) -> None:
        rows = self.portrait.rows(self.ids.filter.text) if self.found is None else self.found
        self.ids.slots.show(
            [panes.slot_row(row.name, row.text, row.kind, row.handle, row.handle is not None) for row in rows]
        )

        if self.ids.filter.text:
            self.trace("found", {"names": [row.name for row in rows if row.kind != "heading"]})

    def _titles(self) -> None:
        title = self.trail.here[1]
        self.root.title = title
        self.root.can_go_back = len(self.trail.places) > 1

    def refresh(self) -> None:
        self.spawn(self._show(*self.trail.here))

    def choose(self, row: dict[str, Any]) -> None:
        """Show the whole of a slot's value, or a method's source."""
        self.root.detail_title = row["name"]
        if row["kind"] == "method":
            self.spawn(self._show_method(self.portrait, row["name"]))
            return
        value = self.portrait.slots.get(row["name"], self)
        text = row["text"] if value is self else value if isinstance(value, str) else print_data(value)
        self.ids.detail.show(text)
        self.trace("detail", {"name": row["name"], "text": text})

    async def _show_method(self, portrait: Portrait, selector: str) -> None:
        reply = await self.look.ask(Browse(target=portrait.target, selector=selector))
        if not isinstance(reply, MethodReply):
            self._refused(reply)
            return
        facts = ", ".join(part for part in (reply.language, reply.author, reply.intent) if part)
        self.root.detail_title = f"{selector}   {facts}"
        style = self.theme.source
        lexer = python_lexer() if reply.language == "python" else message_lexer()
        self.ids.detail.show(reply.source, lambda columns: list(coloured(reply.source, lexer, style, columns)))
        self.trace("detail", {"name": selector, "text": reply.source})

    def open(self, row: dict[str, Any]) -> None:
        """Walk into the object that a slot holds."""
        if row["handle"] is not None:
            title = f"{row['name']}: {row['text']}"
            self.trail.go(row["handle"], title)
            self.ids.filter.text = ""
            self.spawn(self._show(*self.trail.here))

    def go_back(self) -> None:
        if self.trail.back():
            self.spawn(self._show(*self.trail.here))

    def go_home(self) -> None:
        self.trail.home()
        self.spawn(self._show(*self.trail.here))

    # -- messages -----------------------------------------------------------------------------------------------------

    def press(self) -> None:
        """The button beside the line: Stop while something runs, Send otherwise."""
        if self.running:
            self.interrupt()
        elif self.ids.line.text.strip():
            self.send(self.ids.line.text)

    def send_as(self, wish: str) -> None:
        """Send what is typed to run it, to print its result, or to look at its result."""
        if self.ids.line.text.strip():
            self.send(self.ids.line.text, wish)
        elif wish == "inspect":
            self.inspect_last()

    def inspect_last(self) -> None:
        """Walk to the object that was answered last."""
        if self.last is None or self.last.handle is None:
            self.say("the last result is no object with slots", "warn")
            return
        self.trail.go(self.last.handle, (self.last.printed or "an object").split("\n")[0][:80])
        self.spawn(self._show(*self.trail.here))

    def send(self, source: str, wish: str = "print") -> None:
        if self.running:
            self.say("one message at a time: Ctrl-C or Stop interrupts the one that runs", "warn")
            return
        line = self.ids.line
        line.remember(source)
        line.text = ""
        self.ids.output.add(source, lines=self._echo(source))
        self.root.busy = True
        self.trace("busy", {"source": source})
        self.doing, self.since = "evaluating", time.perf_counter()
        self._ticking = Clock.schedule_interval(self._tick, 0.1)
        self.running = self.spawn(self._evaluate(source, wish))
        self.running.add_done_callback(lambda _: self._at_rest())

    def _echo(self, source: str) -> Callable[[int], list[str]]:
        """What was sent, in colours, behind a prompt."""
        style = self.theme.source

        def lines(columns: int) -> list[str]:
            shown = coloured(clean(source), message_lexer(), style, columns - 2)
            return [("  " if number else "> ") + text for number, text in enumerate(shown)]

        return lines

    def _tick(self, _: float) -> None:
        elapsed = time.perf_counter() - self.since
        if elapsed > 0.3:
            self.root.activity = f"{self.doing}  {elapsed:.1f} s   Ctrl-C interrupts"

    def _at_rest(self) -> None:
        self.running = None
        self._ticking.cancel()
        self.root.activity = ""
        self.root.busy = False
        self.trace("rest", {})

    async def _evaluate(self, source: str, wish: str) -> None:
        self.last = None
        self.wish = wish
        command = Evaluate(source=source, origin="<canvas>", workspace=self.workspace, policy=self.policy, stream=True)
        try:
            reply = await self.link.ask(command, self._came)
        except LinkLost:
            if not self.ids.line.text:
                self.ids.line.text = source  # nothing typed is lost
            raise
        if isinstance(reply, Done):
            for outcome in reply.outcomes:
                self._came(outcome)
            if wish == "inspect" and not reply.failed:
                self.inspect_last()
        else:
            self._refused(reply)

    def _came(self, event: Reply) -> None:
        if isinstance(event, Outcome):
            if event.transcript:
                self.say(event.transcript.rstrip("\n"))
            if event.error:
                self._error(event.error)
                return
            self.last = event
            if event.printed is not None and self.wish != "do":
                self.say(f"=> {event.printed}", "good")
        elif isinstance(event, Progress):
            self.doing = event.phase + (f", {event.tokens} tokens" if event.tokens else "")
        elif isinstance(event, Approval):
            self._propose(event)

    def _error(self, error: Frame) -> None:
        """What was wrong, the source line with a caret, the stack in message terms."""
        self.say(error.message, "bad")
        output = self.ids.output
        if error.source_line.strip():
            shown, start, carets = around(error.source_line, error.column or 1, error.length or 1, output.columns - 8)
            output.add(f"{error.line or 1:5} | {shown}")
            output.add(" " * (8 + start) + "^" * carets, "bad")
        for frame in shorten_stack(error.stack):
            output.add(frame, "faint")

    def interrupt(self) -> None:
        self.spawn(self.link.ask(Interrupt()))

    def _refused(self, reply: Reply) -> None:
        if isinstance(reply, ErrorReply):
            self.say(f"{reply.message} [{reply.code}]", "warn")
        else:
            self.say(f"the kernel answered something unexpected: {type(reply).__name__}", "bad")

    # -- what the model proposes --------------------------------------------------------------------------------------

    def _propose(self, proposal: Approval) -> None:
        if all(each.approval != proposal.approval for each in self.proposals):
            self.proposals.append(proposal)
            self._show_proposal()

    def _show_proposal(self) -> None:
        card = self.ids.proposal
        if not self.proposals:
            card.text = card.heading = ""
            self.ids.line.focus = True
            return
        first = self.proposals[0]
        name = f"{first.prototype}>>{first.selector}"
        gates = [read_gate(each) for each in first.gates]
        verdicts = "\n".join(f"{'passed' if g.passed else 'FAILED'}  {g.name}  {g.reason}".rstrip() for g in gates)
        lexer = python_lexer() if first.code.lstrip().startswith("def ") else message_lexer()
        style = self.theme.source
        card.heading = f"the model proposes {name}"
        card.text = first.code
        pages = card.ids.pages
        pages.clear()
        pages.add(first.explanation, "faint")
        pages.add(first.code, lines=lambda columns: list(coloured(first.code, lexer, style, columns)))
        pages.add(verdicts, "faint" if all(g.passed for g in gates) else "bad")
        pages.scroll_y = 1
        card.ids.no.focus = True  # a stray Enter must not install anything
        self.trace("proposal", {"name": name, "code": first.code})

    def answer_proposal(self, answer: str) -> None:
        if self.proposals:
            proposal = self.proposals.pop(0)
            self.spawn(self._approve(proposal, answer))
            self._show_proposal()

    async def _approve(self, proposal: Approval, answer: str) -> None:
        reply = await self.look.ask(Approve(approval=proposal.approval, decision="yes" if answer == "yes" else "no"))
        if isinstance(reply, ErrorReply):
            self._refused(reply)


def message_lexer() -> Any:
    from ...grammar.highlight import MessageLexer

    return MessageLexer()


def python_lexer() -> Any:
    from pygments.lexers.python import PythonLexer

    return PythonLexer()


def tracer(path: Path | None) -> Callable[[str, dict[str, Any]], None]:
    """Writes what the window shows as JSON lines, for tests and for programs that look on."""
    if path is None:
        return lambda event, facts: None
    out = path.open("a", encoding="utf-8", buffering=1)

    def trace(event: str, facts: dict[str, Any]) -> None:
        out.write(json.dumps({"event": event, "at": time.time(), **facts}, default=str) + "\n")

    return trace


async def run(app: CanvasApp) -> None:
    """Open the window and stay until it is closed."""
    async with app.link, app.look:
        app.look.on_event = app.heard
        await app.async_run("asyncio")
        leftover = list(app.tasks)
        for task in leftover:
            task.cancel()
        await asyncio.gather(*leftover, return_exceptions=True)
