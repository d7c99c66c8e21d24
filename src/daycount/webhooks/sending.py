"""
One attempt to deliver one webhook.

The name of the endpoint's host is resolved once and the connection goes to the address that was looked at; redirects are not
followed, no proxy of the environment is asked, and no connection is used twice, since two hosts may share an address.
"""

import asyncio
import contextlib
import socket
from typing import NamedTuple

import httpx2

from daycount.webhooks.addresses import AddressRefused, choose

_MOST_RESPONSE = 16_384
_BODY_S = 1
"""How long is waited for the body of an answer whose status is known."""


class Reply(NamedTuple):
    """What came back: a status with the beginning of its body, or the reason why nothing did."""

    http_status: int | None
    response: str | None
    error: str | None

    @property
    def is_success(self) -> bool:
        """Tell whether the receiver took it: any status of 2xx."""
        return self.http_status is not None and 200 <= self.http_status < 300


class Sender:
    """Sends bodies to addresses. To be used inside one event loop."""

    def __init__(self, *, timeout_s: int, allows_private: bool, user_agent: str) -> None:
        self._timeout_s = timeout_s
        self._allows_private = allows_private
        self._user_agent = user_agent
        self._client = httpx2.AsyncClient(
            timeout=timeout_s,
            follow_redirects=False,
            trust_env=False,
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=0),
        )

    async def send(self, url: str, headers: dict[str, str], body: bytes) -> Reply:
        """Post a body; the whole attempt takes no longer than the timeout. Never raises for what the other side does."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._send(httpx2.URL(url), headers, body)
        except AddressRefused:
            return Reply(None, None, "the address is private; DAYCOUNT_WEBHOOKS_ALLOW_PRIVATE would allow it")
        except (TimeoutError, httpx2.TimeoutException):
            return Reply(None, None, f"no answer within {self._timeout_s} s")
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
            return Reply(None, None, f"{type(error).__name__}: {error}"[:1000])

    async def _send(self, url: httpx2.URL, headers: dict[str, str], body: bytes) -> Reply:
        port = url.port or (443 if url.scheme == "https" else 80)
        found = await asyncio.get_running_loop().getaddrinfo(url.host, port, type=socket.SOCK_STREAM)
        address = choose((str(item[4][0]) for item in found), allows_private=self._allows_private)
        sent = {"User-Agent": self._user_agent, **headers, "Host": url.netloc.decode("ascii")}
        request = self._client.build_request(
            "POST", url.copy_with(host=address), headers=sent, content=body, extensions={"sni_hostname": url.host}
        )
        answer = await self._client.send(request, stream=True)
        try:
            return Reply(answer.status_code, await _beginning_of(answer), None)
        finally:
            await answer.aclose()

    async def close(self) -> None:
        """Let go of what is open."""
        await self._client.aclose()


async def _beginning_of(answer: httpx2.Response) -> str:
    """Read the beginning of a body; what is lost on the way does not undo the status."""
    found = bytearray()
    with contextlib.suppress(httpx2.HTTPError, TimeoutError):
        async with asyncio.timeout(_BODY_S):
            async for chunk in answer.aiter_bytes():
                found += chunk
                if len(found) >= _MOST_RESPONSE:
                    break
    return bytes(found[:_MOST_RESPONSE]).decode("utf-8", "replace").replace("\x00", "")
