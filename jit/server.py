"""Any server that speaks OpenAI's chat protocol: vLLM, llama-server, Ollama, a hosted one.

Time-outs on everything, a bounded number of retries on what may pass (refused connections, 429, 5xx), and one clear
line when the server is down. The prefill travels as a last assistant message, which vLLM continues when told so and
llama-server continues by itself; a server that knows neither answers with the whole method, which `extract` takes too.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from threading import Event
from typing import Any

from pydantic_core import from_json

from .engine import Completion, Message, OnText, Options, Source, prompt_hash
from .errors import Cancelled, EngineDown, EngineRefused
from .http_client import Answered, HttpClient, Passing, Place, place_of, told

ATTEMPTS = 3
FIRST_PAUSE = 0.25


def chat_body(model: str, messages: Sequence[Message], options: Options, stream: bool = True) -> dict[str, Any]:
    """A request for a completion in OpenAI's own protocol; `extend` adds what only some servers know."""
    body: dict[str, Any] = {
        "model": model,
        "messages": [{"role": m.role, "content": m.content} for m in messages],
        "max_tokens": options.max_tokens,
        "temperature": options.temperature,
        "seed": options.seed,
        "stream": stream,
    }
    if stream:
        body["stream_options"] = {"include_usage": True}
    if options.stop:
        body["stop"] = list(options.stop)[:4]  # OpenAI's own limit
    return body


def extend(body: dict[str, Any], options: Options) -> dict[str, Any]:
    """The body with prefill, schema and grammar, as vLLM and llama-server take them."""
    if options.prefill:
        body["messages"].append({"role": "assistant", "content": options.prefill})
        body["continue_final_message"] = True
        body["add_generation_prompt"] = False
    if options.schema is not None:
        schema = {"name": "answer", "schema": options.schema, "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    if options.grammar is not None:
        body["structured_outputs"] = {"grammar": options.grammar}  # vLLM
        body["grammar"] = options.grammar  # llama-server
    return body


def without_prefill(text: str, prefill: str) -> str:
    """Some servers give the prefill back with the answer."""
    return text[len(prefill) :] if prefill and text.startswith(prefill) else text


class ServerEngine:
    """See `engine.Engine`. `url` is the base with or without `/v1`; no model name: the first the server lists."""

    name = "server"

    def __init__(
        self,
        url: str,
        model: str = "",
        key: str = "",
        timeout: float = 120.0,
        connect_timeout: float = 5.0,
    ) -> None:
        self._place: Place = place_of(url, key, timeout, connect_timeout)
        self._url = self._place.url + "/v1"
        self._model = model
        self._http = HttpClient("batos-model-server")
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
                return self._ask(messages, options, on_text, wait, started)
            except Passing as passing:
                last = str(passing)
            except Answered as refusal:
                if refusal.status == 429 or refusal.status >= 500:
                    last = str(refusal)
                elif refusal.status in (400, 422) and not self._plain and (options.prefill or options.grammar):
                    self._plain = True  # it may know no prefill or grammar: ask without
                    return self.complete(messages, options, on_text, cancelled)
                else:
                    raise EngineRefused(f"the model's server {self._url} refused: {refusal}") from None
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
        try:
            text = self._http.call(self._http.request(self._place, "GET", "/v1/models"))
            return [str(m["id"]) for m in from_json(text)["data"]]
        except (Passing, Answered, ValueError, KeyError, TypeError) as problem:
            raise EngineDown(f"the model's server {self._url} does not list its models: {told(problem)}") from problem

    def close(self) -> None:
        self._http.close()

    def _ask(
        self,
        messages: Sequence[Message],
        options: Options,
        on_text: OnText | None,
        cancelled: Event,
        started: float,
    ) -> Completion:
        if not self._model:
            names = self.models()
            if not names:
                raise EngineDown(f"the model's server {self._url} serves no model")
            self._model = names[0]
        body = chat_body(options.adapter or self._model, messages, options)  # an adapter is named as a model
        if not self._plain:
            extend(body, options)
        left = Event()

        def tell(piece: str) -> None:
            if on_text is not None and not left.is_set():
                on_text(piece)

        try:
            chat = self._http.call(self._http.chat(self._place, body, tell, options.until), cancelled)
        finally:
            left.set()
        source = Source(
            engine=self.name,
            model=f"{chat.model or self._model} at {self._url}",
            digest="",
            adapter=options.adapter,
            seed=options.seed,
            temperature=options.temperature,
            prompt_hash=prompt_hash(messages, options),
        )
        tokens = int(chat.usage.get("completion_tokens") or 0)
        prompt_tokens = int(chat.usage.get("prompt_tokens") or 0)
        text = without_prefill(chat.text, options.prefill)
        return Completion(text, tokens, prompt_tokens, time.monotonic() - started, chat.finish, source)
