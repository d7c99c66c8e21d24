"""Reads pages in this process on a server's database, and notes every statement that each of them takes."""

from collections import Counter
from typing import NamedTuple

from sqlalchemy import event

from daycount.app import build, build_web
from daycount.config import Settings
from daycount.dashboard.pages import PARTS
from daycount.dashboard.routing import Table
from tests.support.members import SESSION
from tests.support.server import HOST, Server

USUAL = 40
REHEARSED = 120
"""Pages that show what a billing run would make carry one out and take it back."""
_REHEARSING = ("/subscriptions/{external_id}", "/subscriptions/{external_id}/end")
_SAME, _SAME_REHEARSED = 5, 12
"""The same statement more often than this is one for each row of a list; what a rehearsal writes makes it read some things again."""
_TABLE = Table(PARTS)


class Took(NamedTuple):
    """What a page answered, and the statements it took."""

    status: int
    statements: list[str]


class Reader:
    """Somebody who is signed in."""

    def __init__(self, server: Server, token: str) -> None:
        self._app = build(Settings(), database_url=server.database_url(), environment={}, pool_size=2)
        self._pages = build_web(self._app).pages
        self._headers = {b"accept": b"text/html", b"cookie": f"{SESSION}={token}".encode()}
        self._said: list[str] = []
        event.listen(self._app.workplace.engine, "before_cursor_execute", lambda *args: self._said.append(args[2]))

    def read(self, path: str) -> Took:
        """Read one page."""
        self._said.clear()
        bare, _, query = path.partition("?")
        answer = self._pages.answer("GET", bare.encode(), query.encode(), self._headers, b"", client=HOST)
        assert answer is not None, path
        return Took(answer[0], list(self._said))

    def close(self) -> None:
        """Let go of the database."""
        self._app.workplace.engine.dispose()

    def excesses(self, paths: list[str]) -> dict[str, str]:
        """Return of which pages the statements are too many, or the same again and again."""
        found = {}
        for path in paths:
            took = self.read(path)
            bound, most = bound_of(path), Counter(took.statements).most_common(1)
            same = _SAME_REHEARSED if bound == REHEARSED else _SAME
            if took.status != 200:
                found[path] = f"answers {took.status}"
            elif len(took.statements) > bound:
                found[path] = f"takes {len(took.statements)} statements, {bound} are enough"
            elif most and most[0][1] > same:
                found[path] = f"takes one statement {most[0][1]} times: {most[0][0][:200]}"
        return found


def bound_of(path: str) -> int:
    """Return how many statements a page may take, however much there is to show."""
    page = _TABLE.find("GET", path.partition("?")[0].encode()).page
    return REHEARSED if page is not None and page.pattern in _REHEARSING else USUAL
