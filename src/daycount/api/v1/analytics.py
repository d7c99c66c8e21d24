"""Analytics on the wire: figures of a whole organization by month, and its usage by day. Amounts are in minor units."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from daycount import errors
from daycount.analytics import store
from daycount.analytics.mrr import compute_recurring
from daycount.analytics.records import Collection, Granularity, Question, UsageQuestion, month_after
from daycount.analytics.usage import days_of, list_usage
from daycount.api.paging import Page, page_of, read_page
from daycount.api.query import Query
from daycount.api.routing import Call, Routes
from daycount.api.wire import Day, DecimalText, text
from daycount.infra.work import Work
from daycount.money import round_half_away
from daycount.organizations import store as organizations

routes = Routes("analytics")

Cents = Annotated[Any, Meta(extra_json_schema={"type": "number"})]
_PLACES = 5
_MOST_MONTHS = 1200
_FILTERS = ("currency", "months", "billing_entity_code")
_CUSTOMER_FILTERS = (*_FILTERS, "external_customer_id")


class GrossRevenueObject(Struct, frozen=True, kw_only=True):
    """What was invoiced in a month, with taxes and less refunds."""

    month: str
    amount_cents: int
    currency: str
    invoices_count: int
    billing_entity_id: str


class InvoiceCollectionObject(Struct, frozen=True, kw_only=True):
    """The finalized invoices of a month in one state of payment; a month without any has nulls and 0."""

    month: str
    payment_status: str | None
    invoices_count: int
    amount_cents: int
    currency: str | None


class InvoicedUsageObject(Struct, frozen=True, kw_only=True):
    """What the usage of a metric was invoiced at in a month."""

    month: str
    code: str
    currency: str
    amount_cents: Cents


class MrrObject(Struct, frozen=True, kw_only=True):
    """Monthly recurring revenue; nulls where there is none."""

    month: str
    amount_cents: Cents | None
    currency: str | None


class OverdueBalanceObject(Struct, frozen=True, kw_only=True):
    """What is overdue of the invoices that were due in a month."""

    month: str
    amount_cents: int
    currency: str
    lago_invoice_ids: Sequence[str]
    billing_entity_id: str


class PlanRevenueObject(Struct, frozen=True, kw_only=True):
    """What the subscriptions of a plan were billed in a month, less coupons and before taxes."""

    month: str
    plan_code: str
    currency: str
    amount_cents: Cents


class CustomerRevenueObject(Struct, frozen=True, kw_only=True):
    """What a customer was invoiced over the months asked for, with taxes and less refunds."""

    external_customer_id: str
    customer_name: str | None
    currency: str
    amount_cents: int
    invoices_count: int


class WalletLiabilityObject(Struct, frozen=True, kw_only=True):
    """What wallets held at the end of a month; of the running month, what they hold now."""

    month: str
    currency: str
    amount_cents: int
    wallets_count: int


class AnalyticsUsageObject(Struct, frozen=True, kw_only=True):
    """What a metric came to in a day, a week from Monday, or a month."""

    organization_id: str
    start_of_period_dt: Day
    end_of_period_dt: Day
    amount_currency: str
    amount_cents: int
    billable_metric_code: str
    units: DecimalText
    is_billable_metric_deleted: bool


def _question(work: Work, query: Query, *, has_customer: bool = False) -> Question:
    """Read which months are asked for: from the organization's first one to the running one, or the last few of these."""
    organization = organizations.find_organization(work.tx, work.organization_id)
    assert organization is not None
    last = work.now.astimezone(UTC).date().replace(day=1)
    first = organization.created_at.astimezone(UTC).date().replace(day=1)
    months = query.integer("months")
    if months is not None:
        first = max(first, month_after(last, 1 - min(max(months, 1), _MOST_MONTHS)))
    currency = query.one("currency")
    return Question(
        organization_id=work.organization_id,
        first=min(first, last),
        last=last,
        currency=None if currency is None else currency.upper(),
        entity_code=_entity_code(work, query),
        external_customer_id=query.one("external_customer_id") if has_customer else None,
    )


def _entity_code(work: Work, query: Query) -> str | None:
    """Return the code of the billing entity asked for; an unknown one limits nothing. Source: Lago API, analytics."""
    code = query.one("billing_entity_code")
    found = organizations.find_entities(work.tx, organization_id=work.organization_id, codes=[code]) if code else []
    return found[0].code if found else None


def _month(day: date) -> str:
    return f"{day.isoformat()}T00:00:00.000Z"


def _number(value: Decimal | Fraction) -> Any:
    """Write an exact amount as a JSON number: whole where it is, else with at most five decimals."""
    if value == int(value):
        return int(value)
    rounded = round_half_away(value, places=_PLACES).normalize()
    return msgspec.Raw(format(rounded, "f").encode())


@routes.get(
    "/analytics/gross_revenue",
    returns=GrossRevenueObject,
    root_out="gross_revenues",
    is_list=True,
    has_meta=False,
    parameters=_CUSTOMER_FILTERS,
)
def find_all_gross_revenues(work: Work, call: Call) -> list[GrossRevenueObject]:
    """Show what was invoiced month by month, less refunds."""
    return [
        GrossRevenueObject(
            month=_month(row.month),
            amount_cents=row.amount_cents,
            currency=row.currency,
            invoices_count=row.invoices,
            billing_entity_id=str(row.entity_id),
        )
        for row in store.list_revenue(work.tx, _question(work, call.query, has_customer=True))
    ]


@routes.get(
    "/analytics/invoice_collection",
    returns=InvoiceCollectionObject,
    root_out="invoice_collections",
    is_list=True,
    has_meta=False,
    parameters=_FILTERS,
)
def find_all_invoice_collections(work: Work, call: Call) -> list[InvoiceCollectionObject]:
    """Show how many invoices of each month are paid, pending and failed."""
    question = _question(work, call.query)
    found = store.list_collection(work.tx, question)
    months = {row.month for row in found}
    if question.currency is None:
        found += [Collection(month, None, None, 0, 0) for month in question.months if month not in months]
    return [
        InvoiceCollectionObject(
            month=_month(row.month),
            payment_status=row.payment_status,
            invoices_count=row.invoices,
            amount_cents=row.amount_cents,
            currency=row.currency,
        )
        for row in sorted(found, key=lambda row: row.month)
    ]


@routes.get(
    "/analytics/invoiced_usage", returns=InvoicedUsageObject, root_out="invoiced_usages", is_list=True, has_meta=False, parameters=_FILTERS
)
def find_all_invoiced_usages(work: Work, call: Call) -> list[InvoicedUsageObject]:
    """Show what the usage of each metric was invoiced at, the latest month first."""
    return [
        InvoicedUsageObject(month=_month(row.month), code=row.code, currency=row.currency, amount_cents=_number(row.amount_cents))
        for row in store.list_metric_revenue(work.tx, _question(work, call.query))
    ]


@routes.get(
    "/analytics/revenue_by_plan",
    returns=PlanRevenueObject,
    root_out="plan_revenues",
    is_list=True,
    has_meta=False,
    is_extension=True,
    parameters=_FILTERS,
)
def find_all_plan_revenues(work: Work, call: Call) -> list[PlanRevenueObject]:
    """Show what the subscriptions of each plan were billed month by month, the largest amount of a month first."""
    return [
        PlanRevenueObject(month=_month(row.month), plan_code=row.plan_code, currency=row.currency, amount_cents=_number(row.amount_cents))
        for row in store.list_plan_revenue(work.tx, _question(work, call.query))
    ]


@routes.get(
    "/analytics/revenue_by_customer",
    returns=CustomerRevenueObject,
    root_out="customer_revenues",
    is_list=True,
    is_extension=True,
    parameters=_FILTERS,
)
def find_all_customer_revenues(work: Work, call: Call) -> Page:
    """List what each customer was invoiced over the months asked for, less refunds, the largest amount first."""
    asked, question = read_page(call.query), _question(work, call.query)
    found = store.list_customer_revenue(work.tx, question, limit=asked.per_page, offset=asked.offset)
    shown = [
        CustomerRevenueObject(
            external_customer_id=row.external_customer_id,
            customer_name=row.name,
            currency=row.currency,
            amount_cents=row.amount_cents,
            invoices_count=row.invoices,
        )
        for row in found
    ]
    return page_of(shown, asked=asked, total=store.count_customer_revenue(work.tx, question))


@routes.get(
    "/analytics/wallet_liability",
    returns=WalletLiabilityObject,
    root_out="wallet_liabilities",
    is_list=True,
    has_meta=False,
    is_extension=True,
    parameters=("currency", "months"),
)
def find_all_wallet_liabilities(work: Work, call: Call) -> list[WalletLiabilityObject]:
    """Show what wallets held at the end of each month: what is still owed in services."""
    return [
        WalletLiabilityObject(month=_month(row.month), currency=row.currency, amount_cents=row.amount_cents, wallets_count=row.wallets)
        for row in store.list_liability(work.tx, _question(work, call.query))
    ]


@routes.get("/analytics/mrr", returns=MrrObject, root_out="mrrs", is_list=True, has_meta=False, parameters=_FILTERS)
def find_all_mrrs(work: Work, call: Call) -> list[MrrObject]:
    """Show the monthly recurring revenue: the fees of plans, spread over the months they are for."""
    question = _question(work, call.query)
    found = compute_recurring(store.list_subscription_revenue(work.tx, question), months=question.months)
    return [
        MrrObject(
            month=_month(row.month), amount_cents=None if row.amount_cents is None else _number(row.amount_cents), currency=row.currency
        )
        for row in found
    ]


@routes.get(
    "/analytics/overdue_balance",
    returns=OverdueBalanceObject,
    root_out="overdue_balances",
    is_list=True,
    has_meta=False,
    parameters=_CUSTOMER_FILTERS,
)
def find_all_overdue_balances(work: Work, call: Call) -> list[OverdueBalanceObject]:
    """Show what is overdue by the month it was due in, with the invoices."""
    return [
        OverdueBalanceObject(
            month=_month(row.month),
            amount_cents=row.amount_cents,
            currency=row.currency,
            lago_invoice_ids=[str(invoice_id) for invoice_id in row.invoice_ids],
            billing_entity_id=str(row.entity_id),
        )
        for row in store.list_overdue(work.tx, _question(work, call.query, has_customer=True))
    ]


@routes.get(
    "/analytics/usage",
    returns=AnalyticsUsageObject,
    root_out="usages",
    is_list=True,
    has_meta=False,
    parameters=(
        "time_granularity",
        "currency",
        "from_date",
        "to_date",
        "customer_type",
        "external_customer_id",
        "customer_country",
        "external_subscription_id",
        "is_billable_metric_recurring",
        "plan_code",
        "billable_metric_code",
    ),
)
def find_all_usages(work: Work, call: Call) -> list[AnalyticsUsageObject]:
    """Show what each metric came to day by day, or by week or month; the last thirty days where nothing else is said."""
    query = call.query
    granularity = query.one("time_granularity") or Granularity.DAILY
    if granularity not in set(Granularity):
        raise errors.Invalid({"time_granularity": ["value_is_invalid"]})
    first, last = days_of(query.day("from_date"), query.day("to_date"), today=work.now.astimezone(UTC).date())
    texts: Mapping[str, str | None] = {
        name: query.one(name) for name in ("external_customer_id", "external_subscription_id", "customer_type", "plan_code")
    }
    currency, country = query.one("currency"), query.one("customer_country")
    question = UsageQuestion(
        organization_id=work.organization_id,
        first=first,
        last=last,
        granularity=Granularity(granularity),
        currency=None if currency is None else currency.upper(),
        customer_country=None if country is None else country.upper(),
        metric_code=query.one("billable_metric_code"),
        is_recurring=query.flag("is_billable_metric_recurring"),
        **texts,
    )
    return [
        AnalyticsUsageObject(
            organization_id=str(work.organization_id),
            start_of_period_dt=row.first.isoformat(),
            end_of_period_dt=row.last.isoformat(),
            amount_currency=row.currency,
            amount_cents=row.amount_cents,
            billable_metric_code=row.code,
            units=text(row.units),
            is_billable_metric_deleted=row.is_deleted,
        )
        for row in list_usage(work, question, events=call.services.events)
    ]
