"""Versions of plans: every write keeps the whole plan as it then was, so that a fee can name what priced it."""

from uuid import UUID

from msgspec import structs

from daycount import errors
from daycount.catalog import store
from daycount.catalog.messages import PlanSaved, PlansRewritten
from daycount.catalog.records import Plan
from daycount.infra.work import Work
from daycount.organizations import store as organizations


def keep_version(work: Work, plan_id: UUID, *, version: int | None = None) -> Plan:
    """
    Keep a plan that was just written as it is now, under the next number, and return it; `version` is for new ones.

    Every use case that writes a plan or a part of one ends with this. Announces PlanSaved, and PlansRewritten
    unless it is new. Raises Invalid where usage must be covered by prepaid credits and some of it is paid for in advance, event by
    event, before anybody can tell.
    """
    plan = store.find_plans(work.tx, organization_id=work.organization_id, ids=[plan_id])[plan_id]
    if plan.requires_wallet_balance and any(charge.pay_in_advance for charge in plan.charges):
        raise errors.Invalid({"requires_wallet_balance": ["not_compatible_with_pay_in_advance"]})
    numbered = structs.replace(plan, version=version or plan.version + 1)
    store.insert_version(work.tx, numbered, at=work.now)
    organizations.bump_catalog_version(work)
    if version is None:
        work.announce(PlansRewritten([plan_id]))
    if numbered.parent_id is None:
        work.announce(PlanSaved(numbered, "created" if version == 1 else "updated"))
    return numbered
