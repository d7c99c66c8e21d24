"""
What the processes of a server do: answer requests, or work off what is due.

`daycount web` and `daycount worker` run one of them alone. `daycount serve` forks them from its supervisor after this
module was imported, so that a server imports its code once, however many processes it has.
"""

import os
import signal
from collections.abc import Callable, Mapping

from daycount.api import listen
from daycount.app import build, build_deliverer, build_loop, build_mailer, build_web
from daycount.config import Settings
from daycount.infra import logging as log_lines


def run_web(settings: Settings, *, host: str, port: int) -> None:
    """Answer requests until a signal comes. Raises RuntimeError when no database is configured."""
    app = build(settings, database_url=_require_database(settings), environment=os.environ)
    parts = build_web(app)
    try:
        listen.serve(parts.server, host=host, port=port)
    finally:
        parts.commits.close()
        app.workplace.engine.dispose()


def run_worker(settings: Settings) -> None:
    """Work off what is due, and send webhooks and e-mails, until a signal comes. Raises RuntimeError when no database is configured."""
    app = build(settings, database_url=_require_database(settings), environment=os.environ, pool_size=4)
    loop, deliverer, mailer = build_loop(app), build_deliverer(app), build_mailer(app)

    def on_signal(_number: int, _frame: object) -> None:
        loop.stop()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    deliverer.start()
    try:
        with mailer:
            loop.run()
    finally:
        deliverer.stop()


def live(role: str, *, host: str, port: int, environment: Mapping[str, str], prepare: Callable[[], None]) -> None:
    """Live as a forked child: with the variables, the signals and the log lines of a process that was started by itself."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    prepare()
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.environ.clear()
    os.environ.update(environment)
    settings = Settings()
    log_lines.set_up(log_format=settings.log_format, level=settings.log_level)
    if role == "web":
        run_web(settings, host=host, port=port)
    else:
        run_worker(settings)


def _require_database(settings: Settings) -> str:
    if not settings.database_url:
        raise RuntimeError("set DAYCOUNT_DATABASE_URL, or use `daycount serve`")
    return settings.database_url
