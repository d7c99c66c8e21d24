"""
Checking invoices: each fee is worked out again, from raw events and the version of the plan that priced it, and compared.

Usage is counted by the reference that the event stores are held against, event by event, not by what billing asked. Fees that are of no
events are held against the figures they were stored with.
"""

from collections.abc import Sequence
from fractions import Fraction
from uuid import UUID

from msgspec import Struct, structs

from daycount.engine.fees import FeeDraft, charge_fee
from daycount.engine.metrics import NOTHING, AggregationType, Event, measure, observe
from daycount.infra.work import Work
from daycount.invoicing import store
from daycount.invoicing.compute import charge_terms
from daycount.invoicing.fee_events import Asked, find_asked, find_made_at
from daycount.invoicing.records import Fee, Invoice
from daycount.money import CURRENCIES, round_half_away
from daycount.periods import days_between
from daycount.usage.aggregation.store import list_counted
from daycount.usage.values import read_texts

_MOST_EVENTS = 1_000_000


class Difference(Struct, frozen=True, kw_only=True):
    """A figure that is not what it should be: its name, what is stored, and what comes out now."""

    figure: str
    stored: str
    found: str


class FeeCheck(Struct, frozen=True, kw_only=True):
    """What came out of checking a fee; `events_count` is None where it was not worked out again from events."""

    fee_id: UUID
    name: str
    amount_cents: int
    events_count: int | None
    differences: Sequence[Difference]


class InvoiceCheck(Struct, frozen=True, kw_only=True):
    """What came out of checking an invoice: its fees, then its own sums."""

    invoice: Invoice
    fees: Sequence[FeeCheck]
    differences: Sequence[Difference]

    @property
    def is_consistent(self) -> bool:
        """Tell whether everything came out as it is stored."""
        return not self.differences and not any(fee.differences for fee in self.fees)


def check_invoice(work: Work, invoice: Invoice) -> InvoiceCheck:
    """Work an invoice out again and compare; nothing is written. Some fifteen queries for each fee of usage."""
    fees = store.list_fees(work.tx, organization_id=work.organization_id, invoice_ids=[invoice.id])
    return InvoiceCheck(invoice=invoice, fees=[_check_fee(work, fee) for fee in fees], differences=_check_sums(invoice, fees))


def _check_fee(work: Work, fee: Fee) -> FeeCheck:
    asked = find_asked(work, fee) if fee.derivation["kind"] == "charge" else None
    again = None if asked is None or _is_open_ended(asked) else _compute(work, fee, asked)
    figures: list[tuple[str, object, object]] = []
    if again is not None:
        figures += [(name, getattr(fee, name), getattr(again, name)) for name in ("events_count", "units", "amount_cents")]
        figures.append(("precise_amount_cents", fee.precise_amount_cents, again.precise_amount_cents))
    figures += _stored_figures(fee)
    return FeeCheck(
        fee_id=fee.id,
        name=fee.item["invoice_display_name"],
        amount_cents=fee.amount_cents,
        events_count=None if again is None else again.events_count,
        differences=_differing(figures),
    )


def _is_open_ended(asked: Asked) -> bool:
    """Tell whether a fee weighs a level by a period of which only a part is known."""
    days = days_between(asked.window.days.first, last=asked.window.days.last)
    return asked.request.aggregation is AggregationType.WEIGHTED_SUM and days != asked.window.full_days


def _compute(work: Work, fee: Fee, asked: Asked) -> FeeDraft:
    request, charge, window = asked.request, asked.charge, asked.window
    until = find_made_at(work, fee)
    found = list_counted(work.tx, request, asked.bucket, received_until=until, limit=_MOST_EVENTS, offset=0)
    events = [
        Event(
            sequence=place,
            at=item.event.at,
            properties=read_texts(item.event.properties),
            precise_total_amount_cents=item.event.precise_total_amount_cents,
        )
        for place, item in enumerate(found)
    ]
    counted = window if request.period.start >= window.period.start else structs.replace(window, period=request.period)
    quantity = measure(
        observe(events, request=request).get(asked.bucket, NOTHING),
        request=request,
        window=structs.replace(counted, full_period=counted.period),
        rounding_function=charge.metric.rounding_function,
        rounding_precision=charge.metric.rounding_precision,
        billed_zone=None,
    )
    assert fee.subscription_id is not None
    terms = charge_terms(fee.subscription_id, charge, asked.bucket, tuple(fee.grouped_by))
    return charge_fee(terms, quantity=quantity, request=request, window=window, currency=CURRENCIES[fee.currency])


def _stored_figures(fee: Fee) -> list[tuple[str, object, object]]:
    """Return figures of a fee that follow from others which were stored with it, as (name, stored, found)."""
    figures: list[tuple[str, object, object]] = []
    rounding, share = fee.derivation.get("rounding"), fee.derivation.get("share")
    if share is not None and fee.derivation["kind"] == "subscription":
        part = Fraction(1) if share["is_full_price"] else Fraction(share["days"], share["full_days"])
        exact = Fraction(fee.derivation["plan"]["amount_cents"]) * part / CURRENCIES[fee.currency].subunits
        figures.append(("share", Fraction(share["amount"]), exact))
    if rounding is not None:
        figures.append(("rounded_cents", fee.amount_cents, _cents(Fraction(rounding["exact_cents"]))))
    net = fee.amount_cents - Fraction(fee.precise_coupons_amount_cents)
    taxes = net * sum((Fraction(tax.rate) for tax in fee.applied_taxes), Fraction(0)) / 100
    figures.append(("taxes_amount_cents", fee.taxes_amount_cents, _cents(taxes)))
    return figures


def _check_sums(invoice: Invoice, fees: Sequence[Fee]) -> list[Difference]:
    taxes: Fraction | int = sum(fee.taxes_amount_cents for fee in fees)
    if invoice.invoice_type != "advance_charges":
        nets = [
            (fee.amount_cents - Fraction(fee.precise_coupons_amount_cents), sum(Fraction(tax.rate) for tax in fee.applied_taxes))
            for fee in fees
        ]
        taxes = sum((net * rate / 100 for net, rate in nets), Fraction(0))
    without = invoice.fees_amount_cents - invoice.progressive_billing_credit_amount_cents - invoice.coupons_amount_cents
    including = invoice.sub_total_excluding_taxes_amount_cents + invoice.taxes_amount_cents
    total = including - invoice.credit_notes_amount_cents - invoice.prepaid_credit_amount_cents
    return _differing(
        [
            ("fees_amount_cents", invoice.fees_amount_cents, sum(fee.amount_cents for fee in fees)),
            ("sub_total_excluding_taxes_amount_cents", invoice.sub_total_excluding_taxes_amount_cents, without),
            ("taxes_amount_cents", invoice.taxes_amount_cents, _cents(Fraction(taxes))),
            ("sub_total_including_taxes_amount_cents", invoice.sub_total_including_taxes_amount_cents, including),
            ("total_amount_cents", invoice.total_amount_cents, total),
        ]
    )


def _differing(figures: Sequence[tuple[str, object, object]]) -> list[Difference]:
    return [Difference(figure=name, stored=str(stored), found=str(found)) for name, stored, found in figures if stored != found]


def _cents(amount: Fraction) -> int:
    return int(round_half_away(amount, places=0))


def say_check(check: InvoiceCheck) -> list[str]:
    """Say what came out, one line a fee."""
    lines = []
    for fee in check.fees:
        basis = "" if fee.events_count is None else f", {fee.events_count} events"
        lines.append(f"{'=' if not fee.differences else '≠'} {fee.name}: {fee.amount_cents}{basis}")
        lines.extend(f"    {item.figure} is {item.stored}, comes to {item.found}" for item in fee.differences)
    lines.extend(f"≠ {item.figure} is {item.stored}, comes to {item.found}" for item in check.differences)
    lines.append("everything comes to what is stored" if check.is_consistent else "not everything comes to what is stored")
    return lines
