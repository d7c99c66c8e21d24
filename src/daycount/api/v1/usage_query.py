"""Asking for the usage of a running period: what the queries of current and of projected usage have in common."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from msgspec import structs

from daycount import errors
from daycount.api.query import Query
from daycount.api.routing import Call
from daycount.catalog.records import Charge
from daycount.customers import store as customers
from daycount.engine.calendar import Occasion
from daycount.infra.work import Work
from daycount.invoicing.compute import ChargeUsage, Computed, Subject, compute, job_for, load_subjects
from daycount.invoicing.lifetime import since_start
from daycount.invoicing.money import assemble_fees
from daycount.invoicing.presentation import Breakdowns, compute_breakdowns
from daycount.invoicing.view import EVERYTHING, View
from daycount.subscriptions import store as subscriptions
from daycount.subscriptions.records import Status, Subscription

PARAMETERS = (
    "external_subscription_id",
    "apply_taxes",
    "charge_id",
    "charge_code",
    "billable_metric_code",
    "filter_by_charge_id",
    "filter_by_charge_code",
    "filter_by_metric_code",
    "group",
    "filter_by_group",
    "filter_by_presentation",
    "skip_grouping",
    "full_usage",
)


class FoundUsage(NamedTuple):
    """The usage of a running period: the charges asked for in the order they are shown in, and their breakdowns."""

    computed: Computed
    charges: Sequence[ChargeUsage]
    breakdowns: Breakdowns
    taxes_cents: int

    @property
    def amount_cents(self) -> int:
        """Return what the charges shown come to before taxes, in minor units."""
        return sum(fee.amount_cents for usage in self.charges for fee in usage.fees)


def find_usage(work: Work, call: Call, *, is_selective: bool) -> FoundUsage:
    """
    Compute what a subscription used in its running period; with `is_selective` the query may ask for a part of it.

    Raises NotFound (customer, charge), NotAllowed (no_active_subscription, full_usage_not_allowed), Invalid.
    """
    row = _find_row(work, call.path["external_customer_id"], call.query.one("external_subscription_id"))
    subject = load_subjects(work, [row])[0]
    query = call.query if is_selective else Query(b"")
    named = _named_charges(subject, query)
    view = _read_view(query, named) if is_selective else EVERYTHING
    job = structs.replace(job_for(subject, occasion=Occasion.USAGE, at=work.now), view=view)
    if query.flag("full_usage"):
        chosen = subject.plan.charges if named is None else named
        if (named is None and not view.only) or any(charge.prorated for charge in chosen):
            raise errors.NotAllowed("full_usage_not_allowed")
        job = since_start(job)
    computed = compute(work, [job], events=call.services.events)[0]
    breakdowns = compute_breakdowns(work, computed, events=call.services.events, wanted=_wanted_presentation(query))
    return FoundUsage(computed, _in_order(computed.charges, is_chosen=named is not None), breakdowns, _taxes_of(computed, call.query))


def _taxes_of(computed: Computed, query: Query) -> int:
    """Return the taxes that an invoice of this usage alone would bear, in minor units; none where the query does not want them."""
    subject = computed.job.subject
    has_taxes = subject.inherited_taxes or subject.plan.taxes or any(usage.charge.taxes for usage in computed.charges)
    if query.flag("apply_taxes") is False or not has_taxes or not computed.fees:
        return 0
    return assemble_fees([computed]).taxation.amount_cents


def _in_order(usages: Sequence[ChargeUsage], *, is_chosen: bool) -> list[ChargeUsage]:
    """Order charges by the name of their metric, but by their ids where some were chosen."""
    if is_chosen:
        return sorted(usages, key=lambda usage: str(usage.charge.id))
    return sorted(usages, key=lambda usage: (usage.charge.metric.name.lower(), str(usage.charge.id)))


def _find_row(work: Work, external_customer_id: str, external_subscription_id: str | None) -> Subscription:
    """Find the active subscription of a customer. Raises NotFound (customer), NotAllowed (no_active_subscription)."""
    customer = customers.find_customer(work.tx, organization_id=work.organization_id, external_id=external_customer_id)
    if customer is None:
        raise errors.NotFound("customer")
    if external_subscription_id is None:
        raise errors.NotAllowed("no_active_subscription")
    rows = subscriptions.find_rows(work.tx, organization_id=work.organization_id, external_id=external_subscription_id)
    for row in rows:
        if row.status is Status.ACTIVE and row.customer_id == customer.id:
            return row
    raise errors.NotAllowed("no_active_subscription")


def _named_charges(subject: Subject, query: Query) -> list[Charge] | None:
    """Pick the charges that the query names, by id, else by code, else by metric; None when it names none. Raises NotFound (charge)."""
    by_id = query.one("charge_id") or query.one("filter_by_charge_id")
    by_code = query.one("charge_code") or query.one("filter_by_charge_code")
    by_metric = query.one("billable_metric_code") or query.one("filter_by_metric_code")
    charges = subject.plan.charges
    if by_id is not None:
        found = [charge for charge in charges if str(charge.id) == by_id.lower()]
    elif by_code is not None:
        found = [charge for charge in charges if charge.code == by_code]
    elif by_metric is not None:
        found = [charge for charge in charges if charge.metric.code == by_metric]
    else:
        return None
    if not found:
        raise errors.NotFound("charge")
    return found


def _read_view(query: Query, named: Sequence[Charge] | None) -> View:
    ids: frozenset[UUID] | None = None if named is None else frozenset(charge.id for charge in named)
    only = _read_group(query, "group") or _read_group(query, "filter_by_group")
    return View(charge_ids=ids, only=only, is_grouped=not query.flag("skip_grouping"))


def _read_group(query: Query, name: str) -> Mapping[str, frozenset[str]]:
    """Read `group[key]=value`, or the same as the JSON text of an object. Raises Invalid (value_is_invalid)."""
    found = {key: frozenset(values) for key, values in query.mapping(name).items()}
    text = query.one(name)
    if text is None:
        return found
    for key, value in _json_of(text, dict[str, str | int | list[str | int]], name).items():
        found[key] = frozenset(map(str, value if isinstance(value, list) else [value]))
    return found


def _wanted_presentation(query: Query) -> frozenset[str] | None:
    """Read which presentation keys are shown: a JSON list, empty for none. Raises Invalid (value_is_invalid)."""
    listed = query.many("filter_by_presentation[]")
    if listed:
        return frozenset(listed)
    text = query.one("filter_by_presentation")
    return None if text is None else frozenset(_json_of(text, list[str], "filter_by_presentation"))


def _json_of(text: str, kind: Any, name: str) -> Any:
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.MsgspecError as error:
        raise errors.Invalid({name: ["value_is_invalid"]}) from error
