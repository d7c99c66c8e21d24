"""
The customer's own pages: who has the link is the customer, and sees and changes nothing else.

A guest goes through the same operations of the API as everybody, as a caller that may do little, and every answer is
checked to be about its customer.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from daycount import errors
from daycount.customers import store as customers
from daycount.customers.portal import read_token
from daycount.dashboard import messages
from daycount.dashboard.backend import Backend
from daycount.dashboard.http import Request, Response, path_to
from daycount.dashboard.rendering import Renderer
from daycount.dashboard.visit import Dialogue, theme_of
from daycount.infra.work import Work, Workplace
from daycount.organizations import store as organizations
from daycount.organizations.permissions import READ, WRITE
from daycount.organizations.records import Caller, Organization

_MAY: Final = {
    "customer": (READ, WRITE),
    "customer_usage": (READ,),
    "subscription": (READ,),
    "invoice": (READ,),
    "billing_entity": (READ,),
    "wallet": (READ,),
    "wallet_transaction": (READ, WRITE),
    "plan": (READ,),
}
TABS: Final = (("usage", "Usage"), ("invoices", "Invoices"), ("wallets", "Wallet"), ("details", "Details"))
_NOBODY: Final = UUID(int=0)


class Guest(Dialogue):
    """A customer who has the link."""

    def __init__(self, *, token: str, path: Mapping[str, str], external_id: str, renderer: Renderer, **rest: Any) -> None:
        super().__init__(**rest)
        self.path = path
        self.external_id = external_id
        self._token = token
        self._renderer = renderer

    @property
    def here(self) -> str:
        """Return where the customer's pages begin."""
        return path_to("/customer-portal/{}", self._token)

    def customer(self) -> Any:
        """Return the customer."""
        return self.get("/customers/{}", self.external_id)["customer"]

    def own(self, thing: Any, owner: str) -> Any:
        """Return what belongs to the customer. Raises NotFound for anything else."""
        if owner != self.external_id:
            raise errors.NotFound("page")
        return thing

    def render(self, template: str, *, title: str, tab: str, customer: Mapping[str, Any], status: int = 200, **values: Any) -> Response:
        """Render a page of the customer's."""
        shown = {
            "guest": self,
            "here": self.here,
            "organization": self.organization,
            "customer": customer,
            "zone": ZoneInfo(customer["applicable_timezone"]),
            "now": self.now,
            "title": title,
            "tab": tab,
            "tabs": [(name, label, self.here if name == "usage" else f"{self.here}/{name}") for name, label in TABS],
            "theme": theme_of(self.request),
            "form": self.form,
            "done": messages.DONE.get(self.query.one("done")),
            "error": None if self.refused is None else messages.of_error(self.refused),
            "errors": messages.by_field(self.refused),
        }
        return Response(status, self._renderer.render(template, shown | values))


def open_guest(
    tx: Connection,
    *,
    request: Request,
    path: Mapping[str, str],
    workplace: Workplace,
    backend: Backend,
    renderer: Renderer,
    real_now: datetime,
) -> Guest:
    """Let somebody in who has a link. Raises NotFound where it was not made here, is too old, or its customer is gone."""
    grant = read_token(tx, path["token"], real_now=real_now)
    organization = None if grant is None else organizations.find_organization(tx, grant.organization_id)
    if grant is None or organization is None:
        raise errors.NotFound("portal_link")
    found = customers.find_customers(tx, organization_id=grant.organization_id, ids=[grant.customer_id])
    customer = found.get(grant.customer_id)
    if customer is None or customers.find_customer(tx, organization_id=grant.organization_id, external_id=customer.external_id) is None:
        raise errors.NotFound("portal_link")
    caller = Caller(organization_id=organization.id, key_id=_NOBODY, frozen_time=organization.frozen_time, permissions=_MAY)
    return Guest(
        token=path["token"],
        path=path,
        external_id=customer.external_id,
        renderer=renderer,
        request=request,
        organization=organization,
        caller=caller,
        work=_work(tx, workplace, request, organization, customer_id=customer.id, real_now=real_now),
        backend=backend,
        real_now=real_now,
    )


def _work(
    tx: Connection, workplace: Workplace, request: Request, organization: Organization, *, customer_id: UUID, real_now: datetime
) -> Work:
    now = organization.frozen_time or real_now
    if organization.frozen_time is not None and request.method == "POST":
        now = organizations.share_clock(tx, organization.id)
    is_sandbox = organization.frozen_time is not None
    return workplace.work_on(tx, now=now, actor=f"customer:{customer_id}", organization_id=organization.id, is_sandbox=is_sandbox)
