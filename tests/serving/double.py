"""A double of vLLM's server: no model, only its manners. Its codes and words for the adapter endpoints are those that
vLLM 0.32.0 gave to the same requests (test_real_server.py asks the real one the same questions).

It answers a chat with `MODEL says: LAST MESSAGE`, so that a test sees which adapter was asked. `/version` says that it
is a double. Like the real one it loads more adapters than `max_loras`, and swaps them; it does not look at tensors.

    with Double(key="secret") as server:
        ... server.url ...
    server.trouble = [503, 429]     # the next answers to chats; "cut": the connection ends in the middle
    server.hold.clear()             # chats wait until hold.set()
    server.stop(); server.start()   # dies and comes back at the same port, with no adapter loaded
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

MODEL = "smollm2"


class Double:
    """A server on loopback, as `vllm serve` with `--enable-lora --max-lora-rank 16` and runtime updating."""

    def __init__(self, key: str = "", model: str = MODEL, max_rank: int = 16, load_seconds: float = 0.0) -> None:
        self.key, self.model, self.max_rank = key, model, max_rank
        self.load_seconds = load_seconds
        """How long loading an adapter takes."""
        self.loaded: dict[str, str] = {}
        self.asked: list[tuple[str, dict[str, Any]]] = []
        """Every POST that was let in: path and body."""
        self.running: Counter[str] = Counter()
        self.most_running: Counter[str] = Counter()
        self.unloaded_while_running: list[str] = []
        self.trouble: list[int | str] = []
        self.load_trouble: list[int | str] = []
        self.hold = threading.Event()
        self.hold.set()
        self.lock = threading.Lock()
        self._port = 0
        self._server: _Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def count(self, path: str) -> int:
        """How often that endpoint was asked, "/v1/load_lora_adapter" for one."""
        with self.lock:
            return sum(1 for each, _ in self.asked if each == path)

    def start(self) -> Double:
        self._server = _Server(("127.0.0.1", self._port), _Answers, self)
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), name="double", daemon=True).start()
        return self

    def stop(self) -> None:
        """As if killed: connections break, what was loaded is forgotten."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.break_connections()
            server.server_close()
        self.hold.set()
        with self.lock:
            self.loaded.clear()

    def __enter__(self) -> Double:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type[_Answers], double: Double) -> None:
        self.double = double
        self.open: set[socket.socket] = set()
        super().__init__(address, handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self.open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self.open.discard(request)
        super().shutdown_request(request)

    def break_connections(self) -> None:
        for connection in list(self.open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "BatosTestDouble"
    server: _Server

    def log_message(self, format: str, *arguments: Any) -> None: ...

    def do_GET(self) -> None:
        double = self.server.double
        if self.path == "/health":
            return self._send(200, b"", "text/plain")
        if not self._let_in():
            return None
        if self.path == "/version":
            return self._json(200, {"version": "a double of vLLM 0.32.0"})
        if self.path == "/metrics":
            return self._send(200, _metrics(double).encode(), "text/plain; version=0.0.4; charset=utf-8")
        if self.path == "/v1/models":
            with double.lock:
                models = [_card(double.model, "/base", None, 2048)]
                models += [_card(name, path, double.model, None) for name, path in double.loaded.items()]
            return self._json(200, {"object": "list", "data": models})
        return self._json(404, {"detail": "Not Found"})

    def do_POST(self) -> None:
        double = self.server.double
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not self._let_in():
            return None
        try:
            body = json.loads(raw)
        except ValueError:
            return self._error(400, "1 validation error:\n  {'type': 'json_invalid'}", "Bad Request")
        with double.lock:
            double.asked.append((self.path, body))
        if self.path == "/v1/load_lora_adapter":
            return self._load(body)
        if self.path == "/v1/unload_lora_adapter":
            return self._unload(body)
        if self.path == "/v1/chat/completions":
            return self._chat(body)
        return self._json(404, {"detail": "Not Found"})

    def do_DELETE(self) -> None:
        if self._let_in():
            self._json(404, {"detail": "Not Found"})

    def _load(self, body: dict[str, Any]) -> None:
        double, name, path = self.server.double, body.get("lora_name"), body.get("lora_path")
        if self._troubled(double.load_trouble):
            return None
        if name is None or path is None:
            missing = "lora_name" if name is None else "lora_path"
            told = f"1 validation error:\n  {{'type': 'missing', 'loc': 'body.{missing}', 'msg': 'Field required'}}"
            return self._error(400, told, "Bad Request", f"body.{missing}")
        if not name or not path:
            return self._error(400, "Both 'lora_name' and 'lora_path' must be provided.", "InvalidUserInput")
        if name == double.model:
            told = f"The lora adapter '{name}' conflicts with a served base model."
            return self._error(400, told, "InvalidUserInput")
        if name in double.loaded:
            return self._error(400, _already(name), "InvalidUserInput")
        try:
            rank = json.loads((Path(path) / "adapter_config.json").read_text())["r"]
        except OSError:
            return self._error(404, f"Loading lora {name} failed: No adapter found for {path}", "NotFoundError")
        if rank > double.max_rank:
            told = f"LoRA rank {rank} is greater than max_lora_rank {double.max_rank}."
            return self._error(
                500,
                f"Call to add_lora method failed: Worker failed with error '{told}', "
                "please check the stack trace above for the root cause",
                "InternalServerError",
            )
        if double.load_seconds:
            time.sleep(double.load_seconds)
        with double.lock:
            if name in double.loaded:
                return self._error(400, _already(name), "InvalidUserInput")
            double.loaded[name] = path
        return self._send(200, f"Success: LoRA adapter '{name}' added successfully.".encode(), None)

    def _unload(self, body: dict[str, Any]) -> None:
        double, name = self.server.double, body.get("lora_name")
        if name is None:
            told = "1 validation error:\n  {'type': 'missing', 'loc': 'body.lora_name', 'msg': 'Field required'}"
            return self._error(400, told, "Bad Request", "body.lora_name")
        with double.lock:
            if double.running[name]:
                double.unloaded_while_running.append(name)
            known = double.loaded.pop(name, None)
        if known is None:
            return self._error(404, f"The lora adapter '{name}' cannot be found.", "NotFoundError")
        return self._send(200, f"Success: LoRA adapter '{name}' removed successfully.".encode(), None)

    def _chat(self, body: dict[str, Any]) -> None:
        double, model = self.server.double, str(body.get("model"))
        if self._troubled(double.trouble):
            return None
        with double.lock:
            if model != double.model and model not in double.loaded:
                told = f"The model `{model}` does not exist. Valid aliases: {double.model}."
                return self._error(404, told, "NotFoundError", "model")
            double.running[model] += 1
            double.most_running[model] = max(double.most_running[model], double.running[model])
        try:
            double.hold.wait(30)
            self._answer(body, model)
        finally:
            with double.lock:
                double.running[model] -= 1

    def _answer(self, body: dict[str, Any], model: str) -> None:
        words = f"{model} says: {body['messages'][-1]['content']}".split(" ")
        cut = words[: int(body.get("max_tokens") or 1000)]
        finish = "stop" if len(cut) == len(words) else "length"
        usage = {"prompt_tokens": 7, "total_tokens": 7 + len(cut), "completion_tokens": len(cut)}
        head = {"id": "chatcmpl-double", "created": int(time.time()), "model": model}
        if not body.get("stream"):
            message = {"role": "assistant", "content": " ".join(cut), "refusal": None, "tool_calls": []}
            choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish, "stop_reason": None}
            return self._json(200, {**head, "object": "chat.completion", "choices": [choice], "usage": usage})
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        deltas: list[tuple[dict[str, str], str | None]] = [({"role": "assistant", "content": ""}, None)]
        deltas += [({"content": (" " if i else "") + word}, None) for i, word in enumerate(cut)]
        deltas += [({"content": ""}, finish)]
        for delta, reason in deltas:
            choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
            self._event({**head, "object": "chat.completion.chunk", "choices": [choice]})
        if (body.get("stream_options") or {}).get("include_usage"):
            self._event({**head, "object": "chat.completion.chunk", "choices": [], "usage": usage})
        self.wfile.write(b"data: [DONE]\n\n")
        return None

    def _event(self, data: dict[str, Any]) -> None:
        self.wfile.write(b"data: " + json.dumps(data).encode() + b"\n\n")
        self.wfile.flush()

    def _let_in(self) -> bool:
        double = self.server.double
        if double.key and self.headers.get("Authorization") != f"Bearer {double.key}":
            self._json(401, {"error": "Unauthorized"})
            return False
        return True

    def _troubled(self, trouble: list[int | str]) -> bool:
        """Whether this request meets the trouble that a test has ordered."""
        with self.server.double.lock:
            kind = trouble.pop(0) if trouble else None
        if kind == "cut":
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        elif isinstance(kind, int):
            self._error(kind, "ordered by the test", "InternalServerError")
        return kind is not None

    def _error(self, status: int, message: str, kind: str, param: str | None = None) -> None:
        self._json(status, {"error": {"message": message, "type": kind, "param": param, "code": status}})

    def _json(self, status: int, data: Any) -> None:
        self._send(status, json.dumps(data).encode(), "application/json")

    def _send(self, status: int, data: bytes, kind: str | None) -> None:
        self.send_response(status)
        if kind is not None:
            self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _already(name: str) -> str:
    return (
        f"The lora adapter '{name}' has already been loaded. If you want to load the adapter in place, "
        "set 'load_inplace' to True."
    )


def _card(name: str, root: str, parent: str | None, length: int | None) -> dict[str, Any]:
    card = {"id": name, "object": "model", "created": int(time.time()), "owned_by": "vllm", "root": root}
    return {**card, "parent": parent, "max_model_len": length}


def _metrics(double: Double) -> str:
    with double.lock:
        running = [name for name, count in double.running.items() if count and name != double.model]
        total = sum(double.running.values())
    labels = f'max_lora="4",running_lora_adapters="{",".join(running)}",waiting_lora_adapters=""'
    return (
        f'vllm:num_requests_running{{engine="0",model_name="{double.model}"}} {float(total)}\n'
        f'vllm:num_requests_waiting{{engine="0",model_name="{double.model}"}} 0.0\n'
        f"vllm:lora_requests_info{{{labels}}} {time.time()}\n"
    )
