"""The link to a customer's own pages."""

from msgspec import Struct

from daycount.api.routing import Call, Routes
from daycount.customers.operations import get_customer
from daycount.customers.portal import Grant, make_token
from daycount.infra.work import Work

routes = Routes("customers")


class PortalObject(Struct, frozen=True, kw_only=True):
    """Where a customer finds its own pages, for the next twelve hours."""

    portal_url: str


@routes.get("/customers/{external_customer_id}/portal_url", returns=PortalObject, root_out="customer")
def get_customer_portal_url(work: Work, call: Call) -> PortalObject:
    """Make a link to a customer's own pages; it needs no other sign-in and ends after twelve hours."""
    customer = get_customer(work, call.path["external_customer_id"])
    grant = Grant(work.organization_id, customer.id)
    token = make_token(work.tx, grant, real_now=call.services.clock.now())
    return PortalObject(portal_url=f"{call.services.settings.public_url.rstrip('/')}/customer-portal/{token}")
