"""`batos bootstrap`: the four phases by which an image comes to show itself (seed 000, section 5).

Each phase looks first whether it is done already, so that a second run finds all of it, and a run that was killed is
taken up where it ended. What answered the First Conversation is said as the image's own record has it: a model, or an
answer on file.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

ASK = "Object display_yourself"
WINDOW_SECONDS = 60.0  # for a window to open and show the world
PHASES = ("Prototypal Awakening", "First Conversation", "In-Memory Autopoiesis", "Functional Validation")

Say = Callable[[str], None]


class PhaseFailed(Exception):
    """A phase could not be verified; the text says what was found instead."""

    code = "bootstrap"


class Bootstrap:
    """One run on the image at ``location``. ``answer`` is "recorded" (on file) or "model" (the engine that is set)."""

    def __init__(
        self, location: str, say: Say, answer: str = "recorded", stay: bool = False, engine: Any = None
    ) -> None:
        self.location = location
        self.say = say
        self.answer = answer
        self.engine = engine  # asked instead of the one that is set, where `answer` is "model"
        self.stay = stay
        self.installed_at: float | None = None
        self.stopped = False
        self._worker: Any = None
        self._window: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        """All four. PhaseFailed at the first that is not verified, or once it is stopped."""
        try:
            self._run()
        except PhaseFailed:
            if self.stopped:
                raise PhaseFailed("stopped; the same command goes on where it was") from None
            raise

    def stop(self) -> None:
        """From any thread: end it soon, and what it has started."""
        self.stopped = True
        if self._worker is not None:
            self._worker.interrupt()
            if self._worker.misses is not None:
                self._worker.misses.cancel()
        if self._window is not None:
            self._window.terminate()

    def _run(self) -> None:
        from .image import holder

        held = holder(self.location)
        if held is not None and held.endpoint:
            raise PhaseFailed(f"a kernel serves {self.location}: stop it first, it would answer by its own model")
        before = files_of_python()
        with self._phase(1):
            image, worker = self._awaken()
        try:
            began = time.monotonic()
            with self._phase(2):
                self._converse(worker)
            if self.installed_at is not None:
                self.say(f"  of this until it was installed: {self.installed_at - began:.2f} s")
            with self._phase(3):
                self._become(image, worker, before)
        finally:
            worker.close()
            if worker.misses is not None:
                worker.misses.close()
            image.close()
        with self._phase(4):
            self._validate()

    @contextmanager
    def _phase(self, number: int) -> Iterator[None]:
        if self.stopped:
            raise PhaseFailed("stopped")
        self.say(f"Phase {number} of 4: {PHASES[number - 1]}")
        began = time.monotonic()
        yield
        self.say(f"  verified in {time.monotonic() - began:.2f} s")

    # -- the phases ---------------------------------------------------------------------------------------------------

    def _awaken(self) -> tuple[Any, Any]:
        from .image import open_image
        from .interp import Worker

        there = Path(self.location).exists() if "://" not in self.location else None
        image = open_image(self.location)
        worker = self._worker = Worker(image, name="bootstrap", misses=self._misses())
        slots = self._ask(worker, "Object slotNames size")
        names = self._ask(worker, "Smalltalk keys size")
        made = "opened" if there is None else "found" if there else "made"
        self.say(f"  {made} {self.location}: the genesis object has {slots} slots, the world {names} names")
        return image, worker

    def _misses(self) -> Any:
        from .jit.settings import read_settings
        from .jit.weave import Weaver

        engine = self.engine
        if self.answer == "recorded":
            from .jit.first import FirstAnswer

            engine = FirstAnswer()
        return Timed(self, Weaver(read_settings(policy="auto"), engine=engine))

    def _converse(self, worker: Any) -> None:
        """display_yourself is sent; whoever answers a miss writes it, and the gates test it."""
        if self._ask(worker, "Object respondsTo: #display_yourself") == "true":
            self.say("  display_yourself is understood already")
        else:
            self.say(f"  > {ASK}")
            outcome = worker.evaluate(ASK, policy="auto", origin="<bootstrap>")[-1]
            if outcome.error is not None:
                raise PhaseFailed(outcome.error.message)
        for line in self._told(worker):
            self.say("  " + line)

    def _told(self, worker: Any) -> Iterator[str]:
        """Who answered, as the image itself says it."""
        from .jit.first import on_file
        from .jit.story import stories

        found = [s for s in worker.transact(lambda world: list(stories(world))) if s.selector == "display_yourself"]
        if not found:
            author = self._ask(worker, "(Object >> #display_yourself) author")
            yield f"it was written by hand, by {author}"
            return
        told = found[0].provenance
        if told.get("recorded"):
            yield f'"{on_file()["explanation"]}"'
            yield f"answered from the file, not by a model: {told['recorded']}"
        else:
            yield f"answered by {found[0].author.removeprefix('model:')} ({told.get('engine')}), live"
        passed = [str(gate.get("gate")) for gate in told.get("gates", ()) if gate.get("passed") in (True, "True")]
        yield f"gates passed: {', '.join(passed)}"

    def _become(self, image: Any, worker: Any, before: set[Path]) -> None:
        """The code has run in the image and what it made is committed; no file of Python was written for it."""
        from .interp import Worker

        if self._ask(worker, "World submorphs isEmpty") == "true":
            outcome = worker.evaluate(ASK, policy="off", origin="<bootstrap>")[-1]
            if outcome.error is not None:
                raise PhaseFailed(outcome.error.message)
        other = Worker(image, name="bootstrap, looking")
        try:
            shown = self._ask(other, "World submorphs size")
            kinds = self._ask(other, "(World submorphs collect: [:each | each class name]) asArray")
        finally:
            other.close()
        if shown == "0":
            raise PhaseFailed(
                "display_yourself made no morph; `batos jit revert Object display_yourself` takes it back, and the "
                "same command asks again"
            )
        fresh = files_of_python() - before
        if fresh:
            raise PhaseFailed(f"files were written: {', '.join(map(str, sorted(fresh)))}")
        self.say(f"  committed to the image: {shown} morphs in World {kinds}, seen by another connection")
        self.say("  no .py file was written")

    def _validate(self) -> None:
        """A kernel, a window, and both ways between them."""
        from .bridge.client import Client
        from .bridge.covenant import UpdatePropertyCommand
        from .front import with_kernel

        with with_kernel(self.location, "off") as (endpoint, _), tempfile.TemporaryDirectory(prefix="batos-") as folder:
            trace = Path(folder) / "trace.jsonl"
            window = self._window = self._open_window(trace)
            try:
                if self.stopped:  # before there was a window to end
                    raise PhaseFailed("stopped")
                state = until(trace, window, lambda line: line["event"] == "state")
                self.say(f"  the window is open, its DEALER connected; GetFullStateCommand came back: {state['shown']}")
                drawn = until(trace, window, lambda line: line["event"] == "drawn" and line["morphs"] > 0)
                if drawn["broken"]:
                    raise PhaseFailed(f"a morph cannot be drawn: {drawn['broken'][0]}")
                self.say(f"  the window shows {drawn['morphs']} morphs")
                with Client(endpoint, "bootstrap") as client:
                    done = client.evaluate("World status ifNil: [World submorphs first]").outcomes[-1]
                    text = f"Backend State: {state['shown']}, {time.strftime('%H:%M:%S')}"
                    began = time.time()
                    client.call(UpdatePropertyCommand(property_name="text", property_value=text, target=done.handle))
                    seen = until(trace, window, lambda line: line["event"] == "morph" and line["text"] == text)
                self.say(f"  a state update reached the window in {(seen['at'] - began) * 1000:.0f} ms: {text}")
                if self.stay:
                    self.say("  the window stays open until you close it (Ctrl-Q)")
                    window.wait()
            finally:
                if window.poll() is None:
                    window.terminate()
                    with suppress(subprocess.TimeoutExpired):
                        window.wait(10)
                if window.poll() is None:
                    window.kill()

    def _open_window(self, trace: Path) -> subprocess.Popen[bytes]:
        env = dict(os.environ)
        if not (env.get("DISPLAY") or env.get("WAYLAND_DISPLAY") or sys.platform in ("darwin", "win32")):
            env.setdefault("SDL_VIDEODRIVER", "offscreen")
            self.say("  there is no display here: the window is drawn off the screen")
        command = [sys.executable, "-m", "batos.cli", "-i", self.location, "canvas", "--trace", str(trace)]
        with trace.with_suffix(".log").open("wb") as log:
            return subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=log)

    def _ask(self, worker: Any, source: str) -> str:
        outcome = worker.evaluate(source, origin="<bootstrap>")[-1]
        if outcome.error is not None:
            raise PhaseFailed(f"{source}: {outcome.error.message}")
        return str(outcome.printed)


class Timed:
    """Answers misses as another does, and notes when."""

    def __init__(self, bootstrap: Bootstrap, misses: Any) -> None:
        self.bootstrap = bootstrap
        self.misses = misses

    def resolve(self, miss: Any, worker: Any, approve: Any) -> Any:
        found = self.misses.resolve(miss, worker, approve)
        self.bootstrap.installed_at = time.monotonic()
        return found

    def cancel(self) -> None:
        self.misses.cancel()

    def close(self) -> None:
        self.misses.close()


def files_of_python() -> set[Path]:
    """The .py files where the program runs: none may come about."""
    return set(Path.cwd().glob("*.py"))


def until(trace: Path, window: subprocess.Popen[bytes], wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The window's first word of that kind. PhaseFailed if it ends or says nothing."""
    end = time.monotonic() + WINDOW_SECONDS
    while time.monotonic() < end:
        lines = trace.read_text("utf-8").split("\n")[:-1] if trace.exists() else []
        for line in lines:
            found: dict[str, Any] = json.loads(line)
            if wanted(found):
                return found
        if window.poll() is not None:
            said = trace.with_suffix(".log").read_text("utf-8", "replace").strip()
            raise PhaseFailed(f"no window: {said or 'it ended'}")
        time.sleep(0.02)
    raise PhaseFailed(f"the window did not show it within {WINDOW_SECONDS:g} s")
