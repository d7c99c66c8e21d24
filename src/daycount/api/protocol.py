"""
A short way through the HTTP server for events, by far the most frequent requests.

The server normally makes a scope, a task and several coroutines for each request, and writes the answer in two pieces.
A request for events is held until it is whole and offered to the application at once; it answers in one piece, through a
callback. What the application declines, and every other request, goes the normal way as if nothing had happened. And what
is no HTTP at all is refused as JSON.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Protocol

import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

_MOST_HELD = 1_048_576
Headers = list[tuple[bytes, bytes]]
Answer = Callable[[int, Headers, bytes], None]


class TakesEvents(Protocol):
    """An application that has a short way for some paths."""

    short_paths: frozenset[bytes]

    def take_short(self, path: bytes, headers: Headers, body: bytes, answer: Answer) -> bool:
        """Take a POST and call `answer` later, in the event loop; or return False, having done nothing."""
        ...


class _Flight:
    """A request on the short way: what the server wants to know of a request that is not answered yet."""

    __slots__ = ("disconnected", "keep_alive", "message_event", "response_complete")

    def __init__(self) -> None:
        self.keep_alive = True
        self.disconnected = False
        self.response_complete = False
        self.message_event = self

    def set(self) -> None:
        """Hear that something came or went; nobody waits for it."""


class ShortProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        application: Any = self.config.loaded_app
        self._application: TakesEvents | None = application if hasattr(application, "take_short") else None
        self._held: bytearray | None = None

    def on_headers_complete(self) -> None:
        """Hold a request that may go the short way; the connection must have no other under way."""
        is_idle = self.cycle is None or self.cycle.response_complete
        if (
            is_idle
            and self._application is not None
            and self.url in self._application.short_paths
            and self.parser.get_method() == b"POST"
            and self.parser.get_http_version() == "1.1"
            and self.parser.should_keep_alive()
            and not self.parser.should_upgrade()
            and not self.expect_100_continue
        ):
            self._held = bytearray()
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Collect the body of a held request, unless it is a large one."""
        if self._held is None:
            super().on_body(body)
            return
        self._held += body
        if len(self._held) > _MOST_HELD:
            self._release()

    def on_message_complete(self) -> None:
        """Offer a held request to the application."""
        if self._held is not None:
            if self._offer(bytes(self._held)):
                self._held = None
                return
            self._release()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP as JSON too, as every other refusal; then hang up."""
        body = msgspec.json.encode({"status": 400, "error": f"BadRequest: {msg}"})
        kept = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)), (b"connection", b"close")]
        head = b"".join([b"%b: %b\r\n" % header for header in (*self.server_state.default_headers, *kept)])
        self.transport.write(b"%b%b\r\n%b" % (STATUS_LINE[HTTPStatus.BAD_REQUEST], head, body))
        self.transport.close()

    def _release(self) -> None:
        """Let a held request go the normal way."""
        held, self._held = self._held, None
        super().on_headers_complete()
        if held:
            super().on_body(bytes(held))

    def _offer(self, body: bytes) -> bool:
        assert self._application is not None
        flight: Any = _Flight()

        def answer(status: int, headers: Headers, reply: bytes) -> None:
            self._finish(flight, status, headers, reply)

        if not self._application.take_short(self.url, self.headers, body, answer):
            return False
        self.cycle = flight
        return True

    def _finish(self, flight: _Flight, status: int, headers: Headers, reply: bytes) -> None:
        """Send the answer in one piece, then what is done after every answer."""
        flight.response_complete = True
        if flight.disconnected or self.transport.is_closing():
            return
        closing = [] if flight.keep_alive else [(b"connection", b"close")]
        head = b"".join([b"%b: %b\r\n" % header for header in (*self.server_state.default_headers, *headers, *closing)])
        self.transport.write(b"%b%b\r\n%b" % (STATUS_LINE[HTTPStatus(status)], head, reply))
        if not flight.keep_alive:
            self.transport.close()
        self.on_response_complete()
