"""How the demo calls its own server: over HTTP, the way any client does."""

import http.client
import json
from typing import Any, Final

HOST: Final = "127.0.0.1"


class Api:
    """Calls a server with an API key, over one connection that is kept."""

    def __init__(self, port: int, key: str) -> None:
        self._connection = http.client.HTTPConnection(HOST, port, timeout=60)
        self._key = key

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Send one request and return the reply. Raises RuntimeError when it is not 200."""
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        self._connection.request(method, f"/api/v1{path}", None if body is None else json.dumps(body), headers)
        response = self._connection.getresponse()
        reply = response.read()
        if response.status != http.client.OK:
            raise RuntimeError(f"{method} {path} answered {response.status}: {reply.decode()}")
        return json.loads(reply) if reply else None

    def close(self) -> None:
        """Let the connection go."""
        self._connection.close()
