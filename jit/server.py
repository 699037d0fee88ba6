"""Any server that speaks OpenAI's chat protocol: vLLM, llama-server, Ollama, a hosted one.

Time-outs on everything, a bounded number of retries on what may pass (refused connections, 429, 5xx), and one clear
line when the server is down. The prefill travels as a last assistant message, which vLLM continues when told so and
llama-server continues by itself; a server that knows neither answers with the whole method, which `extract` takes too.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from .engine import Completion, Message, OnText, Options, Source, prompt_hash
from .errors import Cancelled, EngineDown, EngineRefused

if TYPE_CHECKING:
    import httpx

ATTEMPTS = 3
FIRST_PAUSE = 0.25
POLL = 0.05
MAX_LINE = 1_000_000


class ServerEngine:
    """See `engine.Engine`. `url` is the base with or without `/v1`; no model name: the first the server lists."""

    name = "server"

    def __init__(
        self, url: str, model: str = "", key: str = "", timeout: float = 120.0, connect_timeout: float = 5.0
    ) -> None:
        base = url.rstrip("/")
        self._url = base if base.endswith("/v1") else base + "/v1"
        self._model = model
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._timeout = timeout
        self._connect_timeout = connect_timeout
        self._http: httpx.Client | None = None
        self._plain = False  # the server refused what goes beyond OpenAI's own protocol

    def complete(
        self,
        messages: Sequence[Message],
        options: Options = Options(),
        on_text: OnText | None = None,
        cancelled: Event | None = None,
    ) -> Completion:
        started = time.monotonic()
        wait = cancelled if cancelled is not None else Event()
        pause, last = FIRST_PAUSE, ""
        for attempt in range(ATTEMPTS):
            if attempt and wait.wait(pause):
                break
            pause *= 4
            try:
                return self._beside(messages, options, on_text, wait, started)
            except _Passing as passing:
                last = str(passing)
            except _TooMuch:
                self._plain = True
                return self._beside(messages, options, on_text, wait, started)
        if wait.is_set():
            raise Cancelled("cancelled while waiting for the model's server")
        raise EngineDown(f"the model's server {self._url} does not answer after {ATTEMPTS} attempts: {last}")

    def describe(self) -> str:
        return f"server: {self._model or 'first model served'} at {self._url}"

    def identity(self, adapter: str | None = None) -> dict[str, str]:
        """Which model, as far as a server tells."""
        return {"model": adapter or self._model or next(iter(self.models()), ""), "digest": ""}

    def models(self) -> list[str]:
        """The names the server serves. Raises EngineDown."""
        import httpx

        try:
            reply = self._client().get(f"{self._url}/models")
            reply.raise_for_status()
            return [str(m["id"]) for m in reply.json()["data"]]
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as problem:
            raise EngineDown(f"the model's server {self._url} does not list its models: {_told(problem)}") from problem

    def close(self) -> None:
        if self._http is not None:
            self._http.close()
            self._http = None

    def _client(self) -> httpx.Client:
        if self._http is None:
            import httpx

            limits = httpx.Timeout(self._timeout, connect=self._connect_timeout)
            # trust_env off: a proxy meant for the web would see every prompt that goes to a local server
            self._http = httpx.Client(timeout=limits, headers=self._headers, trust_env=False)
        return self._http

    def _body(self, messages: Sequence[Message], options: Options) -> dict[str, Any]:
        if not self._model:
            names = self.models()
            if not names:
                raise EngineDown(f"the model's server {self._url} serves no model")
            self._model = names[0]
        turns = [{"role": m.role, "content": m.content} for m in messages]
        body: dict[str, Any] = {
            "model": options.adapter or self._model,  # vLLM and llama-server name an adapter as a model
            "messages": turns,
            "max_tokens": options.max_tokens,
            "temperature": options.temperature,
            "seed": options.seed,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if options.stop:
            body["stop"] = list(options.stop)[:4]  # OpenAI's own limit
        if self._plain:
            return body
        if options.prefill:
            turns.append({"role": "assistant", "content": options.prefill})
            body["continue_final_message"] = True
            body["add_generation_prompt"] = False
        if options.schema is not None:
            schema = {"name": "answer", "schema": options.schema, "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        if options.grammar is not None:
            body["structured_outputs"] = {"grammar": options.grammar}  # vLLM
            body["grammar"] = options.grammar  # llama-server
        return body

    def _beside(
        self,
        messages: Sequence[Message],
        options: Options,
        on_text: OnText | None,
        cancelled: Event,
        started: float,
    ) -> Completion:
        """Ask on a thread of its own: a read that hangs cannot be interrupted, but it can be left behind."""
        answer: Future[Completion] = Future()
        left = Event()

        def tell(piece: str) -> None:
            if on_text is not None and not left.is_set():
                on_text(piece)

        def ask() -> None:
            try:
                answer.set_result(self._ask(messages, options, tell, left, started))
            except BaseException as problem:
                answer.set_exception(problem)

        Thread(target=ask, name="batos-model-server", daemon=True).start()
        while True:
            try:
                return answer.result(POLL)
            except FutureTimeout:
                if answer.done():
                    return answer.result()
                if cancelled.is_set():
                    left.set()
                    raise Cancelled("cancelled while the model was answering") from None
            except BaseException:
                left.set()
                raise

    def _ask(
        self,
        messages: Sequence[Message],
        options: Options,
        on_text: OnText | None,
        cancelled: Event,
        started: float,
    ) -> Completion:
        import httpx

        body = self._body(messages, options)
        beyond = not self._plain and (options.prefill or options.grammar is not None)
        deadline = started + self._timeout
        text, finish, model = "", "stop", self._model
        usage: dict[str, Any] = {}
        try:
            with self._client().stream("POST", f"{self._url}/chat/completions", json=body) as reply:
                if reply.status_code == 429 or reply.status_code >= 500:
                    raise _Passing(f"HTTP {reply.status_code}")
                if reply.status_code in (400, 422) and beyond:
                    raise _TooMuch
                if reply.status_code != 200:
                    told = reply.read()[:300].decode("utf-8", "replace")
                    raise EngineRefused(f"the model's server {self._url} refused: HTTP {reply.status_code}: {told}")
                for event in _events(reply):
                    if cancelled.is_set():
                        raise Cancelled("cancelled while the model was answering")
                    if time.monotonic() > deadline:
                        raise EngineDown(f"the model's server {self._url} took longer than {self._timeout:.0f} s")
                    usage = event.get("usage") or usage
                    model = event.get("model") or model
                    for choice in event.get("choices") or []:
                        piece = (choice.get("delta") or {}).get("content") or ""
                        finish = choice.get("finish_reason") or finish
                        text += piece
                        if piece and on_text is not None:
                            on_text(piece)
                    if text and options.until is not None and options.until(text):
                        finish = "until"
                        break
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.RemoteProtocolError, httpx.ReadError) as problem:
            if text:  # pieces were shown already: asking again would show others after them
                raise EngineDown(f"the model's server {self._url} broke off: {_told(problem)}") from problem
            raise _Passing(_told(problem)) from problem
        except httpx.TimeoutException as problem:
            raise EngineDown(f"the model's server {self._url} took longer than {self._timeout:.0f} s") from problem
        except (httpx.HTTPError, ValueError, AttributeError, TypeError) as problem:
            raise EngineDown(f"the model's server {self._url} answered nonsense: {_told(problem)}") from problem
        if options.prefill and text.startswith(options.prefill):
            text = text[len(options.prefill) :]
        source = Source(
            engine=self.name,
            model=f"{model} at {self._url}",
            digest="",
            adapter=options.adapter,
            seed=options.seed,
            temperature=options.temperature,
            prompt_hash=prompt_hash(messages, options),
        )
        tokens, prompt_tokens = int(usage.get("completion_tokens") or 0), int(usage.get("prompt_tokens") or 0)
        return Completion(text, tokens, prompt_tokens, time.monotonic() - started, finish, source)


class _Passing(Exception):
    """A failure that may be gone at the next attempt."""


class _TooMuch(Exception):
    """The server may know no prefill or grammar: ask without."""


def _events(reply: httpx.Response) -> Iterator[dict[str, Any]]:
    """The server-sent events of a streamed answer; a server that does not stream sends one plain JSON object."""
    if "event-stream" not in reply.headers.get("content-type", ""):
        data = json.loads(reply.read())
        choices = [{"delta": c["message"], "finish_reason": c.get("finish_reason")} for c in data["choices"]]
        yield {**data, "choices": choices}
        return
    for line in reply.iter_lines():
        if len(line) > MAX_LINE:
            raise ValueError("a line of the answer is too long")
        if line.startswith("data:"):
            data = line[5:].strip()
            if data == "[DONE]":
                return
            event = json.loads(data)
            if not isinstance(event, dict):
                raise ValueError("an event is not an object")
            if "error" in event:
                raise ValueError(str(event["error"])[:300])
            yield event


def _told(problem: Exception) -> str:
    return str(problem)[:300] or type(problem).__name__
