"""Organizations (administration) and test clocks: extensions of ours."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from daycount import errors
from daycount.api.routing import Call, Routes
from daycount.api.v1.billing_runs import ParkedCustomerObject, parked_to_wire
from daycount.api.wire import Stamp, stamp
from daycount.given import given
from daycount.organizations.records import Organization
from daycount.periods import parse_instant

routes = Routes("test_clocks")


class TestClockInput(Struct, frozen=True, kw_only=True):
    """Where a clock is to be moved."""

    frozen_time: str | None | UnsetType = UNSET


class TestClockObject(Struct, frozen=True, kw_only=True):
    """A sandbox's clock; `status` is ready when everything due until `frozen_time` has happened."""

    frozen_time: Stamp
    status: str
    parked: Sequence[ParkedCustomerObject] | UnsetType = UNSET
    """Customers for whom something could not be done on the way; left out where there is none."""


class OrganizationInput(Struct, frozen=True, kw_only=True):
    """A new organization; with `test_clock` it is a sandbox."""

    name: str | None | UnsetType = UNSET
    email: str | None | UnsetType = UNSET
    country: str | None | UnsetType = UNSET
    timezone: str | None | UnsetType = UNSET
    default_currency: str | None | UnsetType = UNSET
    document_number_prefix: str | None | UnsetType = UNSET
    test_clock: TestClockInput | None | UnsetType = UNSET


class OrganizationObject(Struct, frozen=True, kw_only=True):
    """An organization as made; `api_key` is shown this once."""

    lago_id: str
    name: str
    email: str | None
    country: str | None
    timezone: str
    default_currency: str
    document_number_prefix: str
    created_at: Stamp
    api_key: str
    test_clock: TestClockObject | None


def organization_to_wire(organization: Organization, *, api_key: str) -> OrganizationObject:
    """Write a new organization with its key."""
    clock = None if organization.frozen_time is None else TestClockObject(frozen_time=stamp(organization.frozen_time), status="ready")
    return OrganizationObject(
        lago_id=str(organization.id),
        name=organization.name,
        email=organization.email,
        country=organization.country,
        timezone=organization.entity.timezone,
        default_currency=organization.entity.default_currency,
        document_number_prefix=organization.entity.document_number_prefix,
        created_at=stamp(organization.created_at),
        api_key=api_key,
        test_clock=clock,
    )


def read_frozen_time(clock: TestClockInput | None) -> datetime:
    """Read the instant of a clock. Raises Invalid (frozen_time)."""
    value = None if clock is None else given(clock.frozen_time, None)
    if not value:
        raise errors.Invalid({"frozen_time": ["value_is_mandatory"]})
    try:
        return parse_instant(value)
    except ValueError as error:
        raise errors.Invalid({"frozen_time": ["invalid_date"]}) from error


@routes.get("/test_clock", returns=TestClockObject, root_out="test_clock", is_extension=True)
def find_test_clock(_work: Any, call: Call) -> TestClockObject:
    """Show the clock of this sandbox."""
    if call.caller.frozen_time is None:
        raise errors.NotAllowed("test_clock_not_available")
    return TestClockObject(frozen_time=stamp(call.caller.frozen_time), status="ready")


@routes.put(
    "/test_clock",
    accepts=TestClockInput,
    root_in="test_clock",
    returns=TestClockObject,
    root_out="test_clock",
    is_transactional=False,
    is_extension=True,
)
def update_test_clock(call: Call) -> TestClockObject:
    """Move the clock of this sandbox; answers when everything due until then has happened."""
    if call.caller.frozen_time is None:
        raise errors.NotAllowed("test_clock_not_available")
    shown = call.services.advance_clock(call.caller.organization_id, read_frozen_time(call.body))
    workplace, caller = call.services.workplace, call.caller
    with workplace.engine.connect() as tx:
        work = workplace.work_on(tx, now=shown, actor="", organization_id=caller.organization_id, is_sandbox=True)
        parked = parked_to_wire(work)
    return TestClockObject(frozen_time=stamp(shown), status="ready", parked=parked or UNSET)
