"""How the web process listens: the settings of the HTTP server, which benchmarks share."""

from typing import Any

import uvicorn


def configure(application: Any, *, host: str, port: int) -> uvicorn.Config:
    """Return the HTTP server's settings for an ASGI application."""
    return uvicorn.Config(
        application,
        host=host,
        port=port,
        loop="uvloop",
        http="httptools",
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="on",
        timeout_graceful_shutdown=20,
        timeout_keep_alive=75,
    )
