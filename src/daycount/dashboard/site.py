"""
The pages as a whole: finds the page of a request and who visits, runs the handler in its transaction, writes the answer.

What is only looked at is never committed; what a form does is committed when it was done, and taken back when it was
refused. Every answer carries the headers of `security.py`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import structlog
from sqlalchemy import Connection

from daycount import errors
from daycount.clock import Clock
from daycount.config import Settings
from daycount.dashboard import messages, security
from daycount.dashboard.accounts import operations as accounts
from daycount.dashboard.accounts import store as accounts_store
from daycount.dashboard.accounts.records import Role, Session, permissions_of
from daycount.dashboard.backend import Backend
from daycount.dashboard.entrance import Entrance
from daycount.dashboard.http import Fields, Request, Response, redirect, safe_return
from daycount.dashboard.pages import PARTS
from daycount.dashboard.payer import open_payer
from daycount.dashboard.portal import open_guest
from daycount.dashboard.rendering import Renderer
from daycount.dashboard.routing import Match, Page, Table
from daycount.dashboard.static import read_static
from daycount.dashboard.visit import Visit, theme_of
from daycount.infra.work import Work, Workplace
from daycount.organizations import store as organizations
from daycount.organizations.records import Caller, Organization
from daycount.payments.checkout.paying import Paying

_log = structlog.get_logger("dashboard")
_YEAR_S: Final = 31_536_000
_DAY_S: Final = 86_400
_ICON_PATH: Final = b"/favicon.ico"
"""Where browsers look for an icon beside a document that names none, as a PDF."""
_STATUS_OF: Final[dict[type[errors.DaycountError], int]] = {
    errors.NotFound: 404,
    errors.Forbidden: 403,
    errors.Invalid: 422,
    errors.BadRequest: 400,
    errors.NotAllowed: 409,
    errors.Busy: 429,
}
Answer = tuple[int, list[tuple[bytes, bytes]], bytes]


class Site:
    """Answers what people look at."""

    def __init__(self, settings: Settings, workplace: Workplace, clock: Clock, backend: Backend, paying: Paying) -> None:
        self._settings = settings
        self._workplace = workplace
        self._clock = clock
        self._backend = backend
        self._paying = paying
        self._renderer = Renderer()
        self.table = Table(PARTS)
        self._is_secure = settings.public_url.startswith("https://")
        self._entrance = Entrance(settings, workplace, clock, self._renderer, is_secure=self._is_secure)

    def answer(
        self, method: str, raw_path: bytes, query: bytes, headers: Mapping[bytes, bytes], body: bytes, *, client: str
    ) -> Answer | None:
        """Answer a request; None where the path is no page and whoever asks is no browser."""
        request = Request(method, raw_path, query, headers, body, client)
        if raw_path.startswith(b"/static/") or raw_path == _ICON_PATH:
            return _finish(_static(raw_path), request)
        match = self.table.find(method, raw_path)
        if not match.is_known and b"text/html" not in headers.get(b"accept", b""):
            return None
        return _finish(self._respond(request, match), request)

    def _respond(self, request: Request, match: Match) -> Response:
        try:
            if match.page is None:
                return self._fail(request, 405 if match.is_known else 404, "There is no such page.")
            if request.method == "POST":
                security.check_origin(request)
            if match.page.access == "public":
                return self._entrance.answer(request, match.page, match.path)
            if match.page.access == "portal":
                return self._receive(request, match.page, match.path)
            if match.page.access == "payer":
                return self._take_payment(request, match.page, match.path)
            return self._visit(request, match.page, match.path)
        except errors.Unauthenticated:
            return self._send_to_entrance(request)
        except errors.DaycountError as error:
            return self._fail(request, _STATUS_OF.get(type(error), 400), _said(error))
        except Exception:
            _log.exception("page failed", path=request.raw_path.decode("latin-1"))
            return self._fail(request, 500, "Something went wrong on our side. Nothing was changed.")

    def _receive(self, request: Request, page: Page, path: Mapping[str, str]) -> Response:
        """Run a page for a customer who has the link; no cookie counts, so no other site can make use of one. Raises NotFound."""
        workplace, real_now = self._workplace, self._clock.now()
        with workplace.engine.connect() as tx:
            guest = open_guest(
                tx, request=request, path=path, workplace=workplace, backend=self._backend, renderer=self._renderer, real_now=real_now
            )
            response = page.handler(guest)
            if request.method == "POST" and response.status < 400:
                workplace.commit_points.commit(tx, f"portal.{page.handler.__name__}")
        return response

    def _take_payment(self, request: Request, page: Page, path: Mapping[str, str]) -> Response:
        """Run a page for somebody who pays; no cookie counts. Raises NotFound."""
        workplace, real_now = self._workplace, self._clock.now()
        with workplace.engine.connect() as tx:
            payer = open_payer(
                tx, request=request, path=path, workplace=workplace, paying=self._paying, renderer=self._renderer, real_now=real_now
            )
            response = page.handler(payer)
            if request.method == "POST" and response.status < 400:
                workplace.commit_points.commit(tx, f"payer.{page.handler.__name__}")
        return response

    def _send_to_entrance(self, request: Request) -> Response:
        with self._workplace.engine.connect() as tx:
            if not accounts_store.has_users(tx):
                return redirect("/setup")
        target = request.raw_path.decode("latin-1") if request.method == "GET" else "/"
        return redirect("/sign-in", {} if target == "/" else {"next": safe_return(target)})

    def _visit(self, request: Request, page: Page, path: Mapping[str, str]) -> Response:
        """Run a page for somebody who is signed in. Raises Unauthenticated."""
        real_now = self._clock.now()
        token = request.cookie(self._entrance.cookie)
        if token is None:
            raise errors.Unauthenticated
        with self._workplace.engine.connect() as tx:
            session = accounts.find_session(tx, token=token, now=real_now)
            if session is None:
                raise errors.Unauthenticated
            if request.method == "POST":
                security.check_token(Fields(request.body).one(security.FIELD), session.csrf)
            self._note_use(tx, session, real_now)
            if not page.is_transactional:
                visit = self._open(tx, request, path, session, real_now, work=False)
                tx.rollback()
                return page.handler(visit)
            visit = self._open(tx, request, path, session, real_now, work=True)
            if page.access == "admin" and visit.membership.role is not Role.ADMIN:
                raise errors.Forbidden("only_for_administrators")
            response = page.handler(visit)
            if request.method == "POST" and response.status < 400:
                self._workplace.commit_points.commit(tx, f"dashboard.{page.handler.__name__}")
        return response

    def _note_use(self, tx: Connection, session: Session, real_now: datetime) -> None:
        """Note that a session is in use, in a transaction of its own, since most pages only read."""
        if accounts.is_use_due(session, now=real_now):
            with self._workplace.engine.begin() as own:
                accounts_store.update_session(own, digest=session.digest, seen_at=real_now)

    def _open(
        self, tx: Connection, request: Request, path: Mapping[str, str], session: Session, real_now: datetime, *, work: bool
    ) -> Visit:
        membership = session.membership
        if membership is None:
            raise errors.Forbidden("no_organization")
        organization = organizations.find_organization(tx, membership.organization_id)
        assert organization is not None
        caller = Caller(
            organization_id=organization.id,
            key_id=session.user_id,
            frozen_time=organization.frozen_time,
            permissions=permissions_of(membership.role),
        )
        return Visit(
            request=request,
            path=path,
            session=session,
            membership=membership,
            organization=organization,
            caller=caller,
            work=self._work(tx, request, organization, session, real_now) if work else None,
            backend=self._backend,
            renderer=self._renderer,
            real_now=real_now,
            public_url=self._settings.public_url,
        )

    def _work(self, tx: Connection, request: Request, organization: Organization, session: Session, real_now: datetime) -> Work:
        now = organization.frozen_time or real_now
        if organization.frozen_time is not None and request.method == "POST":
            now = organizations.share_clock(tx, organization.id)
        return self._workplace.work_on(
            tx,
            now=now,
            actor=f"user:{session.user_id}",
            organization_id=organization.id,
            is_sandbox=organization.frozen_time is not None,
        )

    def _fail(self, request: Request, status: int, said: str) -> Response:
        values: dict[str, Any] = {
            "title": "Not found" if status == 404 else "Not possible" if status < 500 else "Something went wrong",
            "status": status,
            "said": said,
            "request_id": request.header("x-request-id") or str(self._workplace.new_id()),
            "theme": theme_of(request),
        }
        if status >= 500:
            _log.error("page failed", request_id=values["request_id"])
        return Response(status, self._renderer.render("error.html", values))


def _said(error: errors.DaycountError) -> str:
    match error:
        case errors.NotFound(resource="portal_link"):
            return "This link leads nowhere any more. Links last twelve hours; ask for a new one."
        case errors.NotFound(resource="payment_link"):
            return "This address leads nowhere any more. Ask whoever sent it for a new one."
        case errors.NotFound():
            return "There is no such thing in this organization."
        case errors.Forbidden(code="stale_form"):
            return "The form was too old. Go back, load the page again, and send it once more."
        case errors.Forbidden(code="cross_site_request"):
            return "The form came from another site, so nothing was done."
        case errors.Forbidden(code="no_organization"):
            return "You belong to no organization any more. Ask an administrator to invite you."
        case errors.Forbidden():
            return "Your role does not allow this. An administrator of the organization can change it."
        case _:
            return messages.of_error(error)


def _static(raw_path: bytes) -> Response:
    """Return a file of the style or the scripts; its address changes with its contents, so it may be kept."""
    name = raw_path.split(b"?", 1)[0].rsplit(b"/", 1)[-1].decode("latin-1")
    found = read_static("mark.svg" if raw_path == _ICON_PATH else name)
    if found is None:
        return Response(404, b"", "text/plain; charset=utf-8")
    age = f"public, max-age={_DAY_S}" if raw_path == _ICON_PATH else f"public, max-age={_YEAR_S}, immutable"
    return Response(200, found[0], found[1], (("cache-control", age),))


def _finish(response: Response, request: Request) -> Answer:
    """Put the headers of an answer together."""
    sent: Sequence[tuple[str, str]] = (
        ("content-type", response.content_type),
        ("content-length", str(len(response.body))),
        *(item for item in security.HEADERS if item[0] not in {name for name, _ in response.headers}),
        *response.headers,
    )
    if not any(name == "cache-control" for name, _ in response.headers):
        sent = (*sent, security.NOT_STORED)
    request_id = request.headers.get(b"x-request-id")
    found = [(name.encode(), value.encode("latin-1")) for name, value in sent]
    if request_id is not None:
        found.append((b"x-request-id", request_id))
    return response.status, found, response.body
