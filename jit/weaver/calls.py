"""What the image asks of the Weaver (`CognitiveWeaver` in interp/genesis), action by action. No transaction is open:
the sends that lead here end it first, and run again with the answer (interp/outside.py).

A problem becomes an exception of the language, by its place in the tree of errors.
"""

from __future__ import annotations

import json
import logging
import re
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from ...image.backup import backup
from ...image.history import undo
from ...interp.outside import Answer, Called
from ..engine import Completion, Message, Options
from ..errors import (
    AdapterRefused,
    AdapterUnknown,
    Cancelled,
    EngineDown,
    EngineFull,
    EngineMissing,
    EngineProblem,
    EngineRefused,
    JitProblem,
)
from ..swap import revert
from ..telling import Teller
from .choosing import Agreement, choose
from .cognitive import CognitiveWeaver
from .tools import tools_schema

if TYPE_CHECKING:
    from ...interp import Worker

log = logging.getLogger(__name__)

EXCEPTIONS: tuple[tuple[type[JitProblem], str], ...] = (
    (AdapterRefused, "AdapterRefused"),
    (AdapterUnknown, "AdapterUnknown"),
    (EngineRefused, "ModelRefused"),
    (EngineFull, "ModelFull"),
    (EngineDown, "ModelDown"),
    (EngineMissing, "ModelDown"),
    (JitProblem, "ModelError"),
)
"""Which exception of the language a problem becomes."""
ROLES = ("system", "user", "assistant")
MAX_TOKENS = 32_768
MAX_TEXT = 1_000_000
FORBIDDEN_TRIES = 3
"""Answers that are asked for, in all, where one says what it must not; the last is kept, with its problem."""
AT_ONCE = 64
"""Questions of one `completeAll` that are under way at the same time."""


class Patience(threading.Event):
    """Set when the calls are cancelled, or as soon as the person who waits has lost patience."""

    def __init__(self, watcher: Any) -> None:
        super().__init__()
        self.watcher = watcher

    def is_set(self) -> bool:
        return super().is_set() or bool(getattr(self.watcher, "interrupted", False))


class Calls:
    """Answers for all workers of a process."""

    def __init__(self, weaver: Callable[[], CognitiveWeaver]) -> None:
        self._weaver = weaver
        self._lock = threading.Lock()
        self._waiting: list[Patience] = []

    def answer(self, called: Called, worker: Worker, approve: Any, policy: str) -> Answer:
        """See `interp.outside.Outside`."""
        patience = Patience(approve)
        with self._lock:
            self._waiting.append(patience)
        try:
            doing = Doing(self._weaver(), worker, approve, policy, patience)
            work = getattr(doing, "do_" + called.action, None)
            if work is None:
                raise EngineRefused(f"the Weaver does not know how to {called.action[:40]!r}")
            return Answer(work(*called.arguments))
        except KeyboardInterrupt:
            return Answer(code=Cancelled.code)
        except Cancelled:
            return Answer(code=Cancelled.code)
        except JitProblem as problem:
            kind = next(name for base, name in EXCEPTIONS if isinstance(problem, base))
            return Answer(error=kind, message=str(problem), code=problem.code)
        except Exception as problem:  # a fault of ours must not cost the person the session
            log.exception("%s failed", called.action)
            return Answer(error="ModelError", message=f"it failed: {type(problem).__name__}: {problem}", code="jit")
        finally:
            with self._lock:
                self._waiting.remove(patience)

    def cancel(self) -> int:
        """Stop everything that is under way; how many that were."""
        with self._lock:
            found = list(self._waiting)
        for patience in found:
            patience.set()
        return len(found)


class Doing:
    """One call. Each `do_` is an action with the image's arguments, and answers plain data."""

    def __init__(
        self, weaver: CognitiveWeaver, worker: Worker, approve: Any, policy: str, patience: Patience
    ) -> None:
        self.weaver = weaver
        self.worker = worker
        self.approve = approve
        self.policy = policy
        self.patience = patience

    # --- asking

    def do_complete(self, request: Any) -> dict[str, Any]:
        teller = Teller(self.approve, None, str(request.get("facet") or "the model"), "complete:", self.worker.name)
        teller.tell("asking")
        return self._complete(request, teller.on_text if self.approve is not None else None)

    def do_completeAll(self, requests: Any) -> list[dict[str, Any]]:
        if len(requests) <= 1:
            return [self._complete(each) for each in requests]
        with ThreadPoolExecutor(min(len(requests), AT_ONCE), thread_name_prefix="batos-ask") as threads:
            return list(threads.map(self._complete, requests))

    def _complete(self, request: Any, on_text: Callable[[str], None] | None = None) -> dict[str, Any]:
        name = self._name(request)
        messages, options = messages_of(request), options_of(request)
        forbidden, problem = forbidden_of(request), ""
        for attempt in range(FORBIDDEN_TRIES if forbidden else 1):
            answer = self.weaver.complete(name, messages, warmer(options, attempt), on_text, self.patience)
            problem = next((f"it says {found[0]!r}" for each in forbidden if (found := each.search(answer.text))), "")
            if not problem:
                break
        told = {
            "text": answer.text.strip() if forbidden else answer.text,
            "problem": problem,
            "facet": name,
            "tokens": answer.tokens,
            "promptTokens": answer.prompt_tokens,
            "seconds": answer.seconds,
            "finish": answer.finish,
        }
        if options.schema is not None:
            told["value"] = _value_of(answer)
        return told

    def _name(self, request: Any) -> str | None:
        facet = request.get("facet")
        return None if facet is None else self.weaver.library.resolve(facet)

    # --- tools

    def do_toolSchema(self) -> dict[str, Any]:
        return tools_schema()

    def do_calls(self, request: Any) -> list[dict[str, Any]]:
        name, options = self._name(request), options_of(request)
        teller = Teller(self.approve, None, "CognitiveWeaver", "carryOut:", self.worker.name)
        teller.tell("asking")

        def ask(messages: Sequence[Message], options: Options) -> Completion:
            return self.weaver.complete(name, messages, options, teller.on_text, self.patience)

        return choose(ask, messages_of(request)[-1].content, options, Agreement(self.policy, self.approve))

    def do_undo(self, count: int) -> str:
        moments = undo(self.worker.image, count, self.worker.user)
        return f"{len(moments)} messages are taken back"

    def do_revert(self, prototype: str, selector: str) -> str:
        oid = self.worker.transact(lambda world: getattr(world.lookup(prototype), "_p_oid", None))
        if oid is None:
            raise EngineRefused(f"the world has no object named {prototype}")
        return revert(self.worker, oid, selector, self.worker.user)

    def do_backup(self, folder: str) -> str:
        path = self.worker.image.path
        if path is None:
            raise EngineRefused("an image on a server is backed up where the server is")
        made = backup(path, (path.parent / folder).resolve())
        return "nothing is new" if made is None else f"{made.path}: {made.size:,} bytes"

    # --- adapters

    def do_facets(self) -> list[str]:
        return [facet.name for facet in self.weaver.facets()]

    def do_load(self, word: str) -> str:
        return self.weaver.load(self.weaver.library.resolve(word), self.patience)

    def do_unload(self, word: str) -> list[str]:
        with suppress(AdapterUnknown):  # what a server holds may be gone from the library
            word = self.weaver.library.resolve(word)
        return self.weaver.unload(word, self.patience)

    def do_publish(self, what: str, alias: str) -> str:
        library = self.weaver.library
        with suppress(AdapterUnknown):
            return library.resolve(what)
        home = library.folders[0].resolve()
        source = (home / what).resolve()
        if not source.is_relative_to(home):
            raise AdapterRefused(f"{what} lies outside {home}, the adapters' folder; move it there")
        if not source.exists():
            raise AdapterUnknown(f"there is no adapter {what} in {home}; batos weaver facets lists those that are")
        return library.publish(source, alias)

    def do_status(self) -> dict[str, Any]:
        return self.weaver.status()


def messages_of(request: dict[str, Any]) -> tuple[Message, ...]:
    """The turns of a request. Raises EngineRefused."""
    turns = request.get("messages")
    if not isinstance(turns, list) or not turns:
        raise EngineRefused("a prompt is a text, or Associations from #system, #user or #assistant to a text")
    for turn in turns:
        if not (isinstance(turn, list) and len(turn) == 2 and turn[0] in ROLES and isinstance(turn[1], str)):
            raise EngineRefused("a prompt is a text, or Associations from #system, #user or #assistant to a text")
    if sum(len(text) for _, text in turns) > MAX_TEXT:
        raise EngineRefused(f"a prompt has at most {MAX_TEXT:,} characters")
    return tuple(Message(role, text) for role, text in turns)


def options_of(request: dict[str, Any]) -> Options:
    """How to answer. Raises EngineRefused for what has no meaning."""
    tokens, temperature, seed = request.get("tokens", 128), request.get("temperature", 0), request.get("seed", 0)
    if not isinstance(tokens, int) or not 1 <= tokens <= MAX_TOKENS:
        raise EngineRefused(f"tokens is a number from 1 to {MAX_TOKENS}, not {tokens!r}")
    if not isinstance(temperature, int | float) or not 0 <= temperature <= 2:
        raise EngineRefused(f"temperature is a number from 0 to 2, not {temperature!r}")
    if not isinstance(seed, int) or not 0 <= seed < 2**31:
        raise EngineRefused(f"seed is a number from 0 to {2**31 - 1}, not {seed!r}")
    stop, choices, schema = request.get("stop") or [], request.get("choices"), request.get("schema")
    if not all(isinstance(text, str) and text for text in stop):
        raise EngineRefused("an answer can be ended by texts only")
    return Options(
        max_tokens=tokens,
        temperature=float(temperature),
        seed=seed,
        stop=tuple(stop),
        prefill=str(request.get("prefill") or ""),
        grammar=grammar_of(choices) if choices else None,
        schema=schema if isinstance(schema, dict) else None,
    )


def forbidden_of(request: dict[str, Any]) -> list[re.Pattern[str]]:
    """What the answer must not contain. Raises EngineRefused."""
    found = []
    for pattern in request.get("forbidden") or []:
        try:
            found.append(re.compile(pattern))
        except (re.error, TypeError, RecursionError, OverflowError) as problem:
            raise EngineRefused(f"{str(pattern)[:80]!r} is no regular expression: {problem}") from None
    return found


def warmer(options: Options, attempt: int) -> Options:
    """How to ask again for what was not to be said: less greedily, and otherwise."""
    if not attempt:
        return options
    return replace(options, temperature=max(options.temperature, 0.7), seed=options.seed + attempt)


def grammar_of(choices: Sequence[str]) -> str:
    """GBNF that takes one of some texts, which both engines understand. Raises EngineRefused."""
    if not all(isinstance(text, str) and text.strip() for text in choices):
        raise EngineRefused("choices are texts")
    return "root ::= " + " | ".join(json.dumps(text, ensure_ascii=True) for text in choices) + "\n"


def _value_of(answer: Completion) -> Any:
    try:
        return from_json(answer.text)
    except ValueError:
        cut = "; it was cut off at its number of tokens" if answer.finish == "length" else ""
        raise EngineProblem(f"the answer is not JSON{cut}: {answer.text[:200]}") from None


