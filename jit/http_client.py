"""The one HTTP client of this room: async, pooled, on an event loop and a thread of its own.

Who asks a model waits on a thread of his own (`call`), so that a read that hangs can be left behind at once: a
cancelled coroutine closes its connection, which is how a model server is told to stop generating. Nothing here knows
what a facet is; `server.py` (OpenAI's protocol, one engine) and `weaver/` (many facets, many servers) stand on it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic_core import from_json

from .errors import Cancelled, EngineDown

if TYPE_CHECKING:
    import httpx

    from .engine import OnText

T = TypeVar("T")
POLL = 0.05
"""Seconds between looks at whether somebody cancelled."""
MAX_LINE = 1_000_000
MAX_REPLY = 16_000_000
KEPT_ALIVE = 128
"""Connections that stay open while nobody uses them. How many are used at once is for the callers to bound: were it
bounded here, a question whether the server is well would wait behind those that it answers."""


class Passing(Exception):
    """The server could not be reached, or went away before it said anything: it may be back at the next attempt."""


class Answered(Exception):
    """The server answered with an error: `status`, and what it said, in its own words."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"HTTP {status}: {text}")
        self.status = status
        self.text = text


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server is. `url` has no `/v1` at its end; seconds for one whole answer, and for making a connection."""

    url: str
    key: str = field(default="", repr=False)
    timeout: float = 120.0
    connect_timeout: float = 5.0

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}


def place_of(url: str, key: str = "", timeout: float = 120.0, connect_timeout: float = 5.0) -> Place:
    """A Place from a URL with or without `/v1`."""
    return Place(url.rstrip("/").removesuffix("/v1"), key, timeout, connect_timeout)


@dataclass
class Chat:
    """An answer as it comes: whole once `HttpClient.chat` has returned it."""

    text: str = ""
    finish: str = "stop"
    model: str = ""
    usage: dict[str, Any] = field(default_factory=dict)


class HttpClient:
    """Starts its thread at the first call. `close` ends what is under way; idempotent."""

    def __init__(self, name: str = "batos-http") -> None:
        self._name = name
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._http: httpx.AsyncClient | None = None

    # --- from other threads

    def begin(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine on the client's loop; the future cancels it."""
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name=self._name, daemon=True)
                self._thread.start()
            return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def call(self, coroutine: Coroutine[Any, Any, T], cancelled: threading.Event | None = None) -> T:
        """Run a coroutine on the client's loop and wait for it. Raises Cancelled soon after `cancelled` is set, and
        when the client is closed meanwhile."""
        future = self.begin(coroutine)
        try:
            while True:
                try:
                    return future.result(POLL if cancelled is not None else None)
                except FutureTimeout:
                    if future.done():
                        return future.result()
                    if cancelled is not None and cancelled.is_set():
                        raise Cancelled("cancelled while the model was answering") from None
                except CancelledError:
                    raise Cancelled("the client was closed while the model was answering") from None
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        with self._lock:
            loop, self._loop = self._loop, None
            thread, self._thread = self._thread, None
        if loop is None or thread is None:
            return
        with suppress(CancelledError, Exception):
            asyncio.run_coroutine_threadsafe(self._end(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        if not thread.is_alive():
            loop.close()

    # --- on the loop

    async def request(self, place: Place, method: str, path: str, body: Any = None, timeout: float = 0.0) -> str:
        """What the server says to one plain request. Raises Passing, Answered (not 2xx), EngineDown (too slow)."""
        import httpx

        try:
            async with asyncio.timeout(timeout or place.timeout):
                reply = await self._client().request(
                    method, place.url + path, json=body, headers=place.headers, timeout=self._limits(place)
                )
        except (TimeoutError, httpx.ReadTimeout, httpx.WriteTimeout) as problem:
            raise EngineDown(f"{place.url} took longer than {timeout or place.timeout:g} s") from problem
        except httpx.HTTPError as problem:
            raise Passing(told(problem)) from problem
        if reply.is_success:
            return reply.text
        raise Answered(reply.status_code, error_text(reply.text))

    async def chat(
        self,
        place: Place,
        body: dict[str, Any],
        on_text: OnText | None = None,
        until: Callable[[str], bool] | None = None,
    ) -> Chat:
        """Ask for a completion, streamed if `body` says so. `on_text` gets each piece on the loop's thread.

        Raises Passing (before the first piece), Answered, EngineDown (too slow, broke off, nonsense).
        """
        import httpx

        chat = Chat()
        try:
            async with (
                asyncio.timeout(place.timeout),
                self._client().stream(
                    "POST",
                    f"{place.url}/v1/chat/completions",
                    json=body,
                    headers=place.headers,
                    timeout=self._limits(place),
                ) as reply,
            ):
                if reply.status_code != 200:
                    refusal = (await reply.aread())[:4000].decode("utf-8", "replace")
                    raise Answered(reply.status_code, error_text(refusal))
                async for event in _events(reply):
                    piece = _take(chat, event)
                    if piece and on_text is not None:
                        on_text(piece)
                    if chat.text and until is not None and until(chat.text):
                        chat.finish = "until"
                        break
        except (TimeoutError, httpx.TimeoutException) as problem:
            if isinstance(problem, httpx.ConnectTimeout):
                raise Passing(told(problem)) from problem
            raise EngineDown(f"{place.url} took longer than {place.timeout:g} s") from problem
        except (httpx.TransportError, httpx.StreamError) as problem:
            if chat.text:  # pieces were shown already: asking again would show others after them
                raise EngineDown(f"{place.url} broke off: {told(problem)}") from problem
            raise Passing(told(problem)) from problem
        except (httpx.HTTPError, ValueError, AttributeError, TypeError, KeyError, IndexError) as problem:
            raise EngineDown(f"{place.url} answered nonsense: {told(problem)}") from problem
        return chat

    def _client(self) -> httpx.AsyncClient:
        if self._http is None:
            import httpx

            pool = httpx.Limits(max_connections=None, max_keepalive_connections=KEPT_ALIVE)
            # trust_env off: a proxy meant for the web would see every prompt that goes to a local server
            self._http = httpx.AsyncClient(limits=pool, trust_env=False)
        return self._http

    def _limits(self, place: Place) -> httpx.Timeout:
        import httpx

        return httpx.Timeout(place.timeout, connect=place.connect_timeout)

    async def _end(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        if self._http is not None:
            await self._http.aclose()
            self._http = None


def _take(chat: Chat, event: dict[str, Any]) -> str:
    """Add an event to the answer; the text it brought."""
    chat.usage = event.get("usage") or chat.usage
    chat.model = event.get("model") or chat.model
    told = ""
    for choice in event.get("choices") or []:
        told += (choice.get("delta") or {}).get("content") or ""
        chat.finish = choice.get("finish_reason") or chat.finish
    chat.text += told
    return told


async def _events(reply: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    """The server-sent events of a streamed answer; a server that does not stream sends one plain JSON object."""
    if "event-stream" not in reply.headers.get("content-type", ""):
        data = from_json(await reply.aread())
        choices = [{"delta": c["message"], "finish_reason": c.get("finish_reason")} for c in data["choices"]]
        yield {**data, "choices": choices}
        return
    async for line in reply.aiter_lines():
        if len(line) > MAX_LINE:
            raise ValueError("a line of the answer is too long")
        if line.startswith("data:"):
            data = line[5:].strip()
            if data == "[DONE]":
                return
            event = from_json(data)
            if not isinstance(event, dict):
                raise ValueError("an event is not an object")
            if "error" in event:
                raise ValueError(str(event["error"])[:300])
            yield event


def error_text(text: str) -> str:
    """What an error answer says, without its wrapping in JSON; bounded."""
    try:
        data = from_json(text)
        inner = data.get("error", data)
        said = inner.get("message") if isinstance(inner, dict) else inner
    except (ValueError, AttributeError):
        said = None
    return str(said or text)[:300]


def told(problem: BaseException) -> str:
    """An exception in one bounded line."""
    return str(problem)[:300] or type(problem).__name__
