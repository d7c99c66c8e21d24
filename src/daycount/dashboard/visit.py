"""
A visit: one request of somebody who is signed in, as a page's handler sees it.

It reads and changes the world through the API's operations alone (`backend.py`) and remembers the calls, so that every
page can show how a client gets the same.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import structs

from daycount import errors
from daycount.dashboard import messages
from daycount.dashboard.accounts.records import Membership, Role, Session
from daycount.dashboard.backend import Backend, Made, Parameters
from daycount.dashboard.http import Fields, Request, Response, path_to
from daycount.dashboard.rendering import Renderer, pretty_json
from daycount.infra.work import Work
from daycount.organizations.permissions import READ, WRITE
from daycount.organizations.records import Caller, Organization


class Dialogue:
    """Reads and changes an organization through the API's operations, and remembers what was called and what was refused."""

    def __init__(
        self, *, request: Request, organization: Organization, caller: Caller, work: Work | None, backend: Backend, real_now: datetime
    ) -> None:
        self.request = request
        self.query = Fields(request.query)
        self.form = Fields(request.body) if request.method == "POST" else Fields(b"")
        self.organization = organization
        self.backend = backend
        self.real_now = real_now
        self.made: list[Made] = []
        self.refused: errors.DaycountError | None = None
        self._caller = caller
        self._work = work
        self._first_reply: Any = None

    @property
    def work(self) -> Work:
        """Return the open work; pages that are not transactional have none."""
        assert self._work is not None
        return self._work

    @property
    def now(self) -> datetime:
        """Return the present of the organization: of a sandbox what its clock shows."""
        return self._work.now if self._work is not None else self.organization.frozen_time or self.real_now

    def may(self, resource: str, *, to_write: bool = True) -> bool:
        """Tell whether the member's role allows something."""
        permissions = self._caller.permissions
        return permissions is None or (WRITE if to_write else READ) in permissions.get(resource, ())

    def get(self, pattern: str, *values: str, **query: Any) -> Any:
        """Read through the API; `values` fill the pattern, a query value that is None is left out. Raises NotFound and others."""
        return self._call("GET", pattern, values, query, None)

    def find(self, pattern: str, *values: str, **query: Any) -> Any:
        """Read something that need not be there; None where it is not."""
        try:
            return self.get(pattern, *values, **query)
        except errors.NotFound:
            return None

    def send(self, method: str, pattern: str, *values: str, body: Any = None, **query: Any) -> Any:
        """Change something through the API; what is refused leaves no trace and raises."""
        savepoint = self.work.tx.begin_nested()
        try:
            reply = self._call(method, pattern, values, query, body)
        except errors.DaycountError:
            savepoint.rollback()
            raise
        savepoint.commit()
        return reply

    def preview(self, pattern: str, *values: str, body: Any) -> Any:
        """Ask the API what something would come to; for readers too, since whatever it does is taken back."""
        savepoint = self.work.tx.begin_nested()
        writer = structs.replace(self._caller, permissions=None)
        try:
            return self._call("POST", pattern, values, {}, body, caller=writer)
        finally:
            savepoint.rollback()

    def provide(self, pattern: str, *values: str) -> Any:
        """Have a document made of what the visitor may read; it is kept, and nothing else changes. Raises NotFound, NotAllowed."""
        return self._call("POST", pattern, values, {}, None, caller=structs.replace(self._caller, permissions=None))

    def attempt(self, act: Callable[[], Any]) -> Any:
        """Do something that may be refused; then `refused` says why, and the reply is None."""
        try:
            return act()
        except (errors.Invalid, errors.NotAllowed, errors.BadRequest, errors.NotFound, errors.Busy, errors.Forbidden) as error:
            self.refused = error
            return None

    def _call(
        self, method: str, pattern: str, values: tuple[str, ...], query: Mapping[str, Any], body: Any, *, caller: Caller | None = None
    ) -> Any:
        path = path_to(pattern, *values)
        parameters = _parameters(query)
        reply = self.backend.call(self.work, caller or self._caller, method, path, query=parameters, body=body)
        if not self.made:
            self._first_reply = reply
        self.made.append(Made(method, path, parameters, body))
        return reply


class Visit(Dialogue):
    """What a handler gets."""

    def __init__(
        self,
        *,
        request: Request,
        path: Mapping[str, str],
        session: Session,
        membership: Membership,
        organization: Organization,
        caller: Caller,
        work: Work | None,
        backend: Backend,
        renderer: Renderer,
        real_now: datetime,
        public_url: str,
    ) -> None:
        super().__init__(request=request, organization=organization, caller=caller, work=work, backend=backend, real_now=real_now)
        self.path = path
        self.session = session
        self.membership = membership
        self.public_url = public_url.rstrip("/")
        self._renderer = renderer

    @property
    def zone(self) -> ZoneInfo:
        """Return the time zone that the page's instants are shown in."""
        return self.organization.entity.zone

    def render(self, template: str, *, status: int = 200, title: str, nav: str = "", **values: Any) -> Response:
        """Render a page; with `?as=json` show the reply of its first call instead."""
        if self.query.one("as") == "json" and self._first_reply is not None:
            template, values = "json.html", {"json": pretty_json(self._first_reply)}
        shown = {
            "visit": self,
            "session": self.session,
            "organization": self.organization,
            "membership": self.membership,
            "now": self.now,
            "zone": self.zone,
            "title": title,
            "nav": nav,
            "csrf": self.session.csrf,
            "done": messages.DONE.get(self.query.one("done")),
            "error": None if self.refused is None else messages.of_error(self.refused),
            "errors": messages.by_field(self.refused),
            "form": self.form,
            "is_admin": self.membership.role is Role.ADMIN,
            "theme": theme_of(self.request),
            "is_fragment": self.is_fragment,
        }
        return Response(status, self._renderer.render(template, shown | values))

    def render_refused(self, template: str, *, title: str, nav: str = "", **values: Any) -> Response:
        """Render a form again whose values were refused."""
        return self.render(template, status=422, title=title, nav=nav, **values)

    @property
    def is_fragment(self) -> bool:
        """Tell whether a script asks for a part of the page."""
        return self.request.header("hx-request") == "true"

    @property
    def user_id(self) -> UUID:
        """Return who visits."""
        return self.session.user_id


def theme_of(request: Request) -> str:
    """Return the theme a browser chose: light, dark, or the system's."""
    chosen = request.cookie("daycount_theme")
    return chosen if chosen in ("light", "dark") else "system"


def _parameters(query: Mapping[str, Any]) -> Parameters:
    pairs: list[tuple[str, str]] = []
    for name, value in query.items():
        if isinstance(value, list | tuple):
            pairs.extend((f"{name}[]", str(item)) for item in value)
        elif value is not None and value != "":
            pairs.append((name, str(value)))
    return pairs
