"""Questions about adapters that a server answers in one way: asked of the double, and of the real vLLM."""

from __future__ import annotations

import json
from pathlib import Path

import httpx

LOAD, UNLOAD, CHAT = "/v1/load_lora_adapter", "/v1/unload_lora_adapter", "/v1/chat/completions"
GONE = "gone@0123456789ab"
HI = [{"role": "user", "content": "Say hi."}]


def told(reply: httpx.Response) -> tuple[int, str, str]:
    error = reply.json()["error"]
    assert error["code"] == reply.status_code
    return reply.status_code, error["type"], error["message"]


class Manners:
    """A test class that has fixtures `client`, `adapter` and `big_adapter` (name and folder) inherits these."""

    def test_load_use_unload(self, client: httpx.Client, adapter: tuple[str, Path]) -> None:
        name, folder = adapter
        loaded = client.post(LOAD, json={"lora_name": name, "lora_path": str(folder)})
        assert loaded.status_code == 200
        assert loaded.text == f"Success: LoRA adapter '{name}' added successfully."
        cards = {card["id"]: card for card in client.get("/v1/models").json()["data"]}
        assert cards[name]["parent"] == next(iter(cards)) and cards[name]["root"] == str(folder)

        again = client.post(LOAD, json={"lora_name": name, "lora_path": str(folder)})
        assert told(again)[:2] == (400, "InvalidUserInput") and "has already been loaded" in told(again)[2]

        chat = {"model": name, "messages": HI, "max_tokens": 4, "temperature": 0}
        answer = client.post(CHAT, json=chat).json()
        assert answer["model"] == name and answer["usage"]["completion_tokens"] <= 4
        assert answer["choices"][0]["finish_reason"] in ("length", "stop")
        text = answer["choices"][0]["message"]["content"]

        streamed = client.post(CHAT, json={**chat, "stream": True, "stream_options": {"include_usage": True}})
        events = [line[6:] for line in streamed.text.splitlines() if line.startswith("data: ")]
        assert events[-1] == "[DONE]" and json.loads(events[-2])["usage"]["completion_tokens"] <= 4
        pieces = [
            choice["delta"].get("content") or "" for event in events[:-1] for choice in json.loads(event)["choices"]
        ]
        assert "".join(pieces) == text

        gone = client.post(UNLOAD, json={"lora_name": name})
        assert gone.status_code == 200 and gone.text == f"Success: LoRA adapter '{name}' removed successfully."
        assert told(client.post(CHAT, json=chat))[:2] == (404, "NotFoundError")
        assert told(client.post(UNLOAD, json={"lora_name": name}))[:2] == (404, "NotFoundError")

    def test_rank_above_the_limit(self, client: httpx.Client, big_adapter: tuple[str, Path]) -> None:
        name, folder = big_adapter
        reply = client.post(LOAD, json={"lora_name": name, "lora_path": str(folder)})
        assert told(reply)[:2] == (500, "InternalServerError")
        assert "LoRA rank 32 is greater than max_lora_rank 16" in told(reply)[2]
        assert client.get("/health").status_code == 200  # it goes on

    def test_a_path_that_is_not_there(self, client: httpx.Client) -> None:
        reply = client.post(LOAD, json={"lora_name": GONE, "lora_path": "/nowhere"})
        assert told(reply) == (404, "NotFoundError", f"Loading lora {GONE} failed: No adapter found for /nowhere")

    def test_names_that_are_none(self, client: httpx.Client, adapter: tuple[str, Path]) -> None:
        empty = client.post(LOAD, json={"lora_name": "", "lora_path": ""})
        assert told(empty) == (400, "InvalidUserInput", "Both 'lora_name' and 'lora_path' must be provided.")
        base = client.get("/v1/models").json()["data"][0]["id"]
        taken = client.post(LOAD, json={"lora_name": base, "lora_path": str(adapter[1])})
        assert told(taken)[:2] == (400, "InvalidUserInput") and "conflicts with a served base model" in told(taken)[2]
        assert told(client.post(LOAD, json={"lora_name": "x"}))[:2] == (400, "Bad Request")
        assert told(client.post(UNLOAD, json={}))[:2] == (400, "Bad Request")
        assert told(client.post(LOAD, content=b"{", headers={"Content-Type": "application/json"}))[0] == 400

    def test_what_is_not_loaded_is_unknown(self, client: httpx.Client) -> None:
        assert told(client.post(UNLOAD, json={"lora_name": GONE})) == (
            404, "NotFoundError", f"The lora adapter '{GONE}' cannot be found."
        )  # fmt: skip
        chat = client.post(CHAT, json={"model": GONE, "messages": HI, "max_tokens": 4})
        assert told(chat)[:2] == (404, "NotFoundError")
        assert told(chat)[2].startswith(f"The model `{GONE}` does not exist.")

    def test_nothing_without_the_key(self, client: httpx.Client, adapter: tuple[str, Path]) -> None:
        name, folder = adapter
        with httpx.Client(base_url=client.base_url, trust_env=False, timeout=10) as stranger:
            for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "wrong"}):
                load = stranger.post(LOAD, json={"lora_name": name, "lora_path": str(folder)}, headers=headers)
                assert load.status_code == 401, headers
                assert stranger.get("/v1/models", headers=headers).status_code == 401
                # vLLM's own --api-key leaves these open, the first two being adapter endpoints of another name
                swap = stranger.post("/adapters", json={"name": name, "src": str(folder)}, headers=headers)
                assert swap.status_code == 401
                assert stranger.delete(f"/adapters/{name}", headers=headers).status_code == 401
                for path in ("/invocations", "/tokenize"):
                    assert stranger.post(path, json={}, headers=headers).status_code == 401
                assert stranger.get("/metrics", headers=headers).status_code == 401
            assert stranger.get("/health").status_code == 200
        assert name not in [card["id"] for card in client.get("/v1/models").json()["data"]]
