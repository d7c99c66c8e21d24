"""
What people meet before they are signed in: a form that has no session yet carries a token which a cookie repeats.

So another site can neither send the form nor sign somebody in as somebody else.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from daycount import errors
from daycount.clock import Clock
from daycount.config import Settings
from daycount.dashboard import messages, security
from daycount.dashboard.accounts.operations import LIFETIME
from daycount.dashboard.http import Fields, Request, Response, set_cookie
from daycount.dashboard.rendering import Renderer
from daycount.dashboard.routing import Page
from daycount.dashboard.visit import theme_of
from daycount.infra.work import Workplace

SESSION_COOKIE: Final = "daycount_session"
_FORM_AGE_S: Final = 3600
_LOCAL: Final = ("127.0.0.1", "::1")


class Arrival:
    """One request of somebody who is not signed in, as a page's handler sees it; the transaction is open."""

    def __init__(self, *, request: Request, path: Mapping[str, str], tx: Connection, entrance: "Entrance", real_now: datetime) -> None:
        self.request = request
        self.path = path
        self.query = Fields(request.query)
        self.form = Fields(request.body) if request.method == "POST" else Fields(b"")
        self.tx = tx
        self.now = real_now
        self.new_id = entrance.workplace.new_id
        self.settings = entrance.settings
        self.refused: errors.DaycountError | None = None
        self.keeps = False
        self._entrance = entrance

    @property
    def token(self) -> str | None:
        """Return the token of the session that the browser has, whether or not it counts."""
        return self.request.cookie(SESSION_COOKIE)

    @property
    def is_local(self) -> bool:
        """Tell whether the request comes from this machine itself, with no proxy between."""
        has_proxy = any(self.request.header(name) for name in ("forwarded", "x-forwarded-for", "x-real-ip", "via"))
        return self.request.client in _LOCAL and not has_proxy

    def render(self, template: str, *, title: str, status: int = 200, **values: Any) -> Response:
        """Render a page with a form; the form's token goes along as a cookie."""
        token = self.request.cookie(security.FORM_COOKIE) or security.new_token()
        shown = {
            "title": title,
            "csrf": token,
            "theme": theme_of(self.request),
            "form": self.form,
            "done": messages.DONE.get(self.query.one("done")),
            "error": None if self.refused is None else messages.of_error(self.refused),
            "errors": messages.by_field(self.refused),
        }
        page = Response(status, self._entrance.renderer.render(template, shown | values))
        return page.with_headers(set_cookie(security.FORM_COOKIE, token, max_age_s=_FORM_AGE_S, is_secure=self._entrance.is_secure))

    def admit(self, token: str, response: Response) -> Response:
        """Hand out a new session with an answer; it is committed."""
        self.keeps = True
        age = int(LIFETIME.total_seconds())
        return response.with_headers(
            set_cookie(SESSION_COOKIE, token, max_age_s=age, is_secure=self._entrance.is_secure),
            set_cookie(security.FORM_COOKIE, "", max_age_s=0, is_secure=self._entrance.is_secure),
        )


class Entrance:
    """Answers the pages that are for anybody."""

    cookie = SESSION_COOKIE

    def __init__(self, settings: Settings, workplace: Workplace, clock: Clock, renderer: Renderer, *, is_secure: bool) -> None:
        self.settings = settings
        self.workplace = workplace
        self.renderer = renderer
        self.is_secure = is_secure
        self._clock = clock

    def answer(self, request: Request, page: Page, path: Mapping[str, str]) -> Response:
        """Run a page; what it means to keep is committed. Raises Forbidden where a form's token is not the cookie's."""
        if request.method == "POST":
            security.check_token(Fields(request.body).one(security.FIELD), request.cookie(security.FORM_COOKIE))
        with self.workplace.engine.connect() as tx:
            arrival = Arrival(request=request, path=path, tx=tx, entrance=self, real_now=self._clock.now())
            response = page.handler(arrival)
            if arrival.keeps:
                self.workplace.commit_points.commit(tx, f"dashboard.{page.handler.__name__}")
        return response
