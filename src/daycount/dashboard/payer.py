"""
Pages for somebody who pays: who has the address may pay what it is about, and sees and changes nothing else.

No cookie counts here, so no other site can make use of one.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from daycount import errors
from daycount.dashboard import messages
from daycount.dashboard.http import Fields, Request, Response
from daycount.dashboard.rendering import Renderer
from daycount.dashboard.visit import theme_of
from daycount.infra.work import Work, Workplace
from daycount.organizations import store as organizations
from daycount.payments.checkout.doors import PATH, read_token
from daycount.payments.checkout.paying import Paying
from daycount.payments.checkout.records import Door

_LEADS_ON = "form-action 'self' https:"
"""A form of such a page may be answered with the page of a payment provider."""


class Payer:
    """One request of somebody who pays, as a page's handler sees it."""

    def __init__(self, *, request: Request, token: str, door: Door, work: Work, paying: Paying, renderer: Renderer) -> None:
        self.request = request
        self.query = Fields(request.query)
        self.form = Fields(request.body) if request.method == "POST" else Fields(b"")
        self.door = door
        self.work = work
        self.paying = paying
        self.here = PATH + token
        self._renderer = renderer

    def render(self, template: str, *, title: str, status: int = 200, **values: Any) -> Response:
        """Render a page."""
        shown = {"here": self.here, "title": title, "theme": theme_of(self.request), "done": messages.DONE.get(self.query.one("done"))}
        return Response(status, self._renderer.render(template, shown | values))


def leading_on(policy: str) -> str:
    """Return a policy of contents by which forms may also be answered with pages of payment providers."""
    return policy.replace("form-action 'self'", _LEADS_ON)


def open_payer(
    tx: Connection,
    *,
    request: Request,
    path: Mapping[str, str],
    workplace: Workplace,
    paying: Paying,
    renderer: Renderer,
    real_now: datetime,
) -> Payer:
    """Let somebody in who has the address of a page to pay at. Raises NotFound where it was not made here."""
    door = read_token(tx, path["token"])
    organization = None if door is None else organizations.find_organization(tx, door.organization_id)
    if door is None or organization is None:
        raise errors.NotFound("payment_link")
    now = organization.frozen_time or real_now
    if organization.frozen_time is not None and request.method == "POST":
        now = organizations.share_clock(tx, organization.id)
    is_sandbox = organization.frozen_time is not None
    work = workplace.work_on(tx, now=now, actor="payer", organization_id=organization.id, is_sandbox=is_sandbox)
    return Payer(request=request, token=path["token"], door=door, work=work, paying=paying, renderer=renderer)
