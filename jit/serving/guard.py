"""What stands before every address of the server: the key, or 401.

vLLM's own `--api-key` looks at `/v1` only. Beside it the server has `POST /adapters` and `DELETE /adapters/NAME`, which
load and unload, `/invocations`, which answers, `/metrics`, and more. So this stands before all of them; only `/health`,
which says nothing but that somebody is there, is open.

This file runs inside the server, in its environment: it is named to vLLM as middleware (ASGI) and imports nothing of
ours. The key comes by the environment, where other accounts cannot read it as they can a command line.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Awaitable, Callable
from typing import Any

OPEN = {"/health"}
Pass = Callable[..., Awaitable[None]]


class Guard:
    """ASGI middleware. Without BATOS_SERVER_KEY nothing gets through."""

    def __init__(self, app: Pass) -> None:
        self.app = app
        self.wanted = f"Bearer {os.environ['BATOS_SERVER_KEY']}".encode()

    async def __call__(self, scope: dict[str, Any], receive: Pass, send: Pass) -> None:
        if scope["type"] == "lifespan" or (scope["type"] == "http" and scope["path"] in OPEN):
            return await self.app(scope, receive, send)
        shown = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        if hmac.compare_digest(shown, self.wanted):
            return await self.app(scope, receive, send)
        if scope["type"] == "http":
            headers = [(b"content-type", b"application/json"), (b"www-authenticate", b"Bearer")]
            await send({"type": "http.response.start", "status": 401, "headers": headers})
            await send({"type": "http.response.body", "body": b'{"error":"Unauthorized"}'})
        else:
            await send({"type": "websocket.close", "code": 1008})
        return None
