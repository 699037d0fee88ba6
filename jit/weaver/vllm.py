"""vLLM's protocol for adapters, and what its error answers mean.

    POST /v1/load_lora_adapter {lora_name, lora_path}    the same name again 400, rank too high 500, no such path 404
    POST /v1/unload_lora_adapter {lora_name}             unknown 404
    POST /v1/chat/completions {model: lora_name, ...}    unknown 404
    GET  /v1/models                                      the base model, and each adapter with its `parent`

(vLLM 0.32, started with VLLM_ALLOW_RUNTIME_LORA_UPDATING; without it the first two are 404.) A name is never loaded in
place of another (`load_inplace`): the server keeps what it computed for prompts under the name it had.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from ..engine import Message, OnText, Options
from ..errors import AdapterHeld, AdapterMissing, AdapterRefused, AdapterUnknown, EngineDown, EngineRefused, RankTooHigh
from ..http_client import Answered, HttpClient, Passing, Place
from ..server import chat_body, extend, without_prefill
from ..serving.base import BaseShape, read_base_shape
from .link import AdapterGone, Busy, Said

if TYPE_CHECKING:
    from .library import Library

QUICK = 10.0
LOADING = 120.0
"""Seconds for a plain question, and for loading an adapter."""


class VllmLink:
    """See `link.Link`. `where`: asked at the start, and whenever the server was gone or refused the key it had, as it
    may have come back at another port, and comes back with another key; `adapters`: the folder of adapters as the
    server sees it, "" where it sees ours; `model`: the base model's folder, where it is another than it says."""

    def __init__(
        self,
        http: HttpClient,
        where: Callable[[], Place],
        room: int = 4,
        name: str = "",
        adapters: str = "",
        model: Path | None = None,
        max_rank: int = 16,
    ) -> None:
        self._where = where
        self.name = name or where().url.partition("://")[2]
        self._place: Place | None = None
        self.room = room
        self.http = http
        self.base = ""
        self.root = ""
        self.max_rank = max_rank
        self._adapters = adapters
        self._model = model

    @property
    def place(self) -> Place:
        """Where it was when it was last asked. Raises what `where` does."""
        if self._place is None:
            self._place = self._where()
        return self._place

    def shape(self) -> BaseShape:
        """What its base model takes: from the folder that it says its model lies in. Raises AdapterRefused."""
        folder = self._model or Path(self.root or "?")
        if not (folder / "config.json").is_file():
            raise AdapterRefused(
                f"adapters cannot be checked for {self.name}: its base model's config.json is not in {folder}; "
                "set BATOS_WEAVER_BASE to a folder where it is"
            )
        return read_base_shape(folder)

    def find(self, library: Library, name: str) -> Path:
        return library.peft(name, self.shape(), self.max_rank)

    async def names(self) -> list[str]:
        self._place = self._where()
        try:
            cards = from_json(await self.http.request(self.place, "GET", "/v1/models", timeout=QUICK))["data"]
            names = [str(card["id"]) for card in cards if card.get("parent")]
            own: dict[str, Any] = next((card for card in cards if not card.get("parent")), {})
            self.base, self.root = str(own.get("id", "")), str(own.get("root") or "")
        except Answered as refusal:
            if refusal.status in (401, 403):
                told = f"{self.place.url} refuses the key; set BATOS_MODEL_KEY to it, or BATOS_WEAVER to URL=KEYFILE"
                raise EngineRefused(told) from None
            raise self._refused(refusal) from None
        except (ValueError, KeyError, TypeError, AttributeError) as problem:
            raise EngineDown(f"{self.place.url} does not list its models as vLLM does: {problem!r}") from None
        return names

    async def load(self, name: str, path: Path) -> None:
        try:
            await self.load_once(name, path)
        except AdapterHeld:
            pass  # somebody else was quicker: the same name is the same content

    async def load_once(self, name: str, path: Path) -> None:
        """Load it. Raises AdapterHeld, RankTooHigh, AdapterMissing, AdapterRefused: the server's answers by name."""
        where = f"{self._adapters.rstrip('/')}/{path.name}" if self._adapters else str(path)
        try:
            await self._post("/v1/load_lora_adapter", {"lora_name": name, "lora_path": where}, LOADING)
        except Answered as refusal:
            said = refusal.text.lower()
            if refusal.status == 400 and "already been loaded" in said:
                raise AdapterHeld(f"{self.name} holds {name} already") from None
            if "max_lora_rank" in said or ("rank" in said and "greater" in said):
                raise RankTooHigh(
                    f"{self.name} does not take {name}: {refusal.text}; train it with a lower rank, or start the "
                    "server with a higher --max-lora-rank"
                ) from None
            if refusal.status == 404 and said in ("not found", '{"detail":"not found"}'):
                raise EngineRefused(
                    f"{self.place.url} loads no adapters while it runs; start it with --enable-lora and "
                    "VLLM_ALLOW_RUNTIME_LORA_UPDATING=True (batos serve-model does)"
                ) from None
            if refusal.status == 404:
                raise AdapterMissing(f"{self.name} finds no adapter {name} at {where}: {refusal.text}") from None
            if refusal.status in (400, 422, 500):
                raise AdapterRefused(f"{self.name} does not take {name}: {refusal.text}") from None
            raise self._refused(refusal) from None

    async def unload(self, name: str) -> None:
        try:
            await self.unload_once(name)
        except AdapterUnknown:
            pass

    async def unload_once(self, name: str) -> None:
        """Unload it. Raises AdapterUnknown."""
        try:
            await self._post("/v1/unload_lora_adapter", {"lora_name": name}, LOADING)
        except Answered as refusal:
            if refusal.status == 404:
                raise AdapterUnknown(f"{self.name} does not hold {name}: {refusal.text}") from None
            raise self._refused(refusal) from None

    async def ask(
        self,
        adapter: str | None,
        messages: Sequence[Message],
        options: Options,
        on_text: OnText | None = None,
        until: Callable[[str], bool] | None = None,
    ) -> Said:
        if adapter is None and not self.base:
            await self.names()
        stream = on_text is not None or until is not None  # a piece a token costs; unwatched it comes whole
        body = extend(chat_body(adapter or self.base, messages, options, stream), options)
        try:
            chat = await self.http.chat(self.place, body, on_text, until)
        except Answered as refusal:
            if refusal.status == 404 and adapter is not None:
                raise AdapterGone(refusal.text) from None
            if refusal.status in (429, 503) or refusal.status >= 500:
                raise Busy(str(refusal)) from None
            raise self._refused(refusal) from None
        usage = chat.usage
        return Said(
            without_prefill(chat.text, options.prefill),
            chat.finish,
            int(usage.get("completion_tokens") or -1),
            int(usage.get("prompt_tokens") or -1),
            f"{chat.model or adapter or self.base} at {self.place.url}",
        )

    def describe(self) -> str:
        where = self._place.url if self._place is not None else self.name
        return f"vLLM at {where}" + (f", base model {self.base}" if self.base else "")

    async def close(self) -> None:
        """The connections are the client's."""

    async def _post(self, path: str, body: dict[str, Any], timeout: float) -> str:
        return await self.http.request(self.place, "POST", path, body, timeout)

    def _refused(self, refusal: Answered) -> Exception:
        if refusal.status in (401, 403):
            return Passing("the key is another one")  # it was started anew: `names` reads the key again
        if refusal.status in (429, 503) or refusal.status >= 500:
            return Busy(str(refusal))
        return EngineRefused(f"{self.place.url} refused: {refusal}")
