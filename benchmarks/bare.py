"""
The least an HTTP answer can cost on our server: reads the body, replies with constant JSON.

Run as `python -m benchmarks.bare PORT`. It has the HTTP server's own settings and a reply as long as that of one event.
"""

import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from daycount.api import listen

_REPLY = b'{"event":{"lago_id":"00000000-0000-0000-0000-000000000000","padding":"' + b"x" * 360 + b'"}}'
_HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(_REPLY)).encode())]

Message = MutableMapping[str, Any]


async def application(scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]) -> None:
    """Answer anything the same way."""
    if scope["type"] == "lifespan":
        while (await receive())["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    while (await receive()).get("more_body", False):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": _REPLY})


if __name__ == "__main__":
    listen.serve(application, host="127.0.0.1", port=int(sys.argv[1]))
