"""How a web process listens: the settings of the HTTP server, which benchmarks share."""

import socket
from typing import Any

import uvicorn

from daycount.api.protocol import ShortProtocol
from daycount.infra.memory import look_seldom

_BACKLOG = 2048


def configure(application: Any) -> uvicorn.Config:
    """Return the HTTP server's settings for an ASGI application."""
    return uvicorn.Config(
        application,
        loop="uvloop",
        http=ShortProtocol,
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="on",
        timeout_graceful_shutdown=20,
        timeout_keep_alive=75,
    )


def serve(application: Any, *, host: str, port: int) -> None:
    """Answer requests until a signal comes. Several processes may listen on one port; the kernel spreads connections over them."""
    look_seldom()
    uvicorn.Server(configure(application)).run(sockets=_open(host, port))


def _open(host: str, port: int) -> list[socket.socket]:
    """Open a listening socket for every address of the host."""
    opened = []
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    for family, address in dict.fromkeys((entry[0], entry[4]) for entry in found):
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family is socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
        opened.append(listener)
    return opened
