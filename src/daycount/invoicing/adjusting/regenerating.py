"""
Making an invoice again from a voided one, with some of its fees as they were, changed, or new.

The new one is dated as the voided one was, has no draft, and goes through the steps of money as any invoice does.
"""

from collections.abc import Sequence
from datetime import timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType, structs

from daycount import errors
from daycount.customers import store as customers
from daycount.customers.records import Customer
from daycount.engine.invoice import assemble
from daycount.engine.taxes import TaxRate
from daycount.given import given
from daycount.infra.work import Work
from daycount.invoicing import store
from daycount.invoicing.adjusting.adding import MOST_CENTS, Added, Line, RegeneratedFeeInput, named, priced_by_hand, read_amounts
from daycount.invoicing.compute import load_inherited_taxes
from daycount.invoicing.deadlines import set_deadlines
from daycount.invoicing.documents import Heading, dates_of, find_senders, invoice_of, take_numbers
from daycount.invoicing.drafts import heading_of
from daycount.invoicing.messages_life import InvoicesMade
from daycount.invoicing.money import taxed_fields
from daycount.invoicing.operations import lock_invoice
from daycount.invoicing.progressive.crediting import load_earlier_of_copies
from daycount.invoicing.progressive.records import PROGRESSIVE
from daycount.invoicing.purse import load_purse
from daycount.invoicing.records import Documents, Fee, Invoice, InvoiceLine
from daycount.invoicing.releasing import USES_NOTHING, item_of_fee
from daycount.invoicing.store import Scope
from daycount.money import CURRENCIES


class RegenerateInput(Struct, frozen=True, kw_only=True):
    """What stands on the new invoice; without fees all of the voided one as they were."""

    fees: list[RegeneratedFeeInput] | None | UnsetType = UNSET


def regenerate_invoice(work: Work, invoice_id: UUID, wanted: RegenerateInput) -> Invoice:
    """
    Make an invoice from a voided one, final at once.

    Locks the customer's lane and the voided invoice. Announces InvoicesMade. Raises NotFound (invoice, and what a fee is said to be of),
    NotAllowed (not_voided, already_regenerated, and for what buys credits or goes on from another progressive invoice), Invalid.
    Source: Lago docs, void.
    """
    voided = lock_invoice(work, invoice_id)
    _check(work, voided)
    owner = customers.find_customers(work.tx, organization_id=work.organization_id, ids=[voided.customer_id], lock=True)[voided.customer_id]
    lines = _lines(work, voided, owner, wanted)
    sender = find_senders(work, [voided], {owner.id: owner})[voided.billing_entity_id]
    heading = heading_of(voided, owner, sender)
    final_heading = structs.replace(heading, has_grace=False, at=work.now)
    [number] = take_numbers(work, [final_heading])
    assert number is not None
    old_lines = _lines_of(work, voided)
    earlier = load_earlier_of_copies(work, old_lines if voided.invoice_type == "subscription" else (), [line.fee for line in lines])
    billed = [line.subscription_id for line in old_lines]
    earlier.give_back_of(work, billed)
    purse = load_purse(work, [owner.id])
    taken_off = earlier.credits_on([line.fee.subscription_id for line in lines])
    steps = structs.replace(purse.steps_for(owner.id, currency=voided.currency), progressive=taken_off)
    items = [line.item for line in lines]
    uses_nothing = voided.invoice_type in USES_NOTHING
    assembled = assemble(items, currency=voided.currency) if uses_nothing else assemble(items, currency=voided.currency, steps=steps)
    drawn = structs.replace(invoice_of(work, final_heading, assembled, number=number), invoice_type=voided.invoice_type)
    invoice = structs.replace(drawn, created_at=work.now, voided_invoice_id=voided.id, **_dates(voided, heading))
    purse.take(work, invoice, assembled)
    earlier.note_on(work, invoice, billed)
    earlier.write(work)
    [invoice] = purse.write(work, [invoice])
    fees = [
        structs.replace(line.fee, invoice_id=invoice.id, payment_status=invoice.payment_status, **taxed_fields(work, item))
        for line, item in zip(lines, assembled.items, strict=True)
    ]
    copies = [_copied(work, line, invoice) for line in old_lines]
    store.insert(work.tx, Documents(invoices=[invoice], lines=copies, fees=fees))
    set_deadlines(work, [invoice])
    work.announce(InvoicesMade(invoices=[invoice]))
    return invoice


def _check(work: Work, voided: Invoice) -> None:
    if voided.status != "voided":
        raise errors.NotAllowed("not_voided")
    is_later_step = voided.invoice_type == PROGRESSIVE and voided.progressive_billing_credit_amount_cents
    if voided.invoice_type in ("credit", "advance_charges") or is_later_step:
        raise errors.NotAllowed("not_regeneratable")
    if store.has_regenerated(work.tx, organization_id=work.organization_id, voided_invoice_id=voided.id):
        raise errors.NotAllowed("already_regenerated")


def _dates(voided: Invoice, heading: Heading) -> dict[str, Any]:
    """Return the dates of the new invoice: those that the voided one would have by the settings of now, without a draft."""
    is_subscription = voided.invoice_type == "subscription"
    dates = dates_of(structs.replace(heading, has_grace=is_subscription))
    due = dates.issuing_date + timedelta(days=heading.customer.applicable_payment_term)
    return {"issuing_date": dates.issuing_date, "payment_due_date": due, "expected_finalization_date": None}


def _lines_of(work: Work, voided: Invoice) -> list[InvoiceLine]:
    return store.list_lines(work.tx, organization_id=work.organization_id, invoice_ids=[voided.id])


def _copied(work: Work, line: InvoiceLine, invoice: Invoice) -> InvoiceLine:
    """Return a line of the new invoice: shown as before, while the windows stay billed by the voided one."""
    return structs.replace(line, id=work.new_id(), invoice_id=invoice.id, base_from=None, charges_from=None, snapshot=None, is_copy=True)


def _lines(work: Work, voided: Invoice, owner: Customer, wanted: RegenerateInput) -> list[Line]:
    stored = store.list_fees(work.tx, organization_id=work.organization_id, invoice_ids=[voided.id])
    by_id = {str(fee.id): fee for fee in stored}
    scopes = store.find_scopes(work.tx, invoice_ids=[voided.id])
    inherited = load_inherited_taxes(work, [owner])[owner.id]
    sources = given(wanted.fees, None)
    if sources is None:
        sources = [RegeneratedFeeInput(id=str(fee.id)) for fee in stored]
    if not sources:
        raise errors.NotFound("fees")
    kept = {fee_id: by_id.get(fee_id.lower()) for source in sources if (fee_id := given(source.id, None))}
    added = Added(work, voided, sources, inherited, kept=[fee for fee in kept.values() if fee is not None])
    found = errors.FieldErrors()
    lines: list[Line] = []
    for source in sources:
        fee_id = given(source.id, None)
        if not fee_id:
            lines.append(added.line(source, position=len(lines), found=found))
            continue
        fee = kept[fee_id]
        if fee is None:
            raise errors.NotFound("fee")
        lines.append(_kept(work, fee, source, scope=scopes[fee.id], inherited=inherited, position=len(lines), found=found))
    found.raise_if_any()
    if sum(line.fee.amount_cents for line in lines) > MOST_CENTS:
        raise errors.Invalid({"total_amount_cents": ["value_is_out_of_range"]})
    return lines


def _kept(
    work: Work,
    fee: Fee,
    source: RegeneratedFeeInput,
    *,
    scope: Scope,
    inherited: Sequence[TaxRate],
    position: int,
    found: errors.FieldErrors,
) -> Line:
    """Copy a fee; other units are billed at its own unit price where none is given."""
    units, unit_cents = read_amounts(source, found)
    copied = structs.replace(
        fee,
        id=work.new_id(),
        position=position,
        item=named(fee.item, source),
        original_fee_id=fee.original_fee_id or fee.id,
        true_up_fee_id=None,
        true_up_parent_fee_id=None,
        event_key=None,
        succeeded_at=None,
        failed_at=None,
        refunded_at=None,
        created_at=work.now,
    )
    if units is not None or unit_cents is not None:
        currency = CURRENCIES[fee.currency]
        price = Fraction(fee.precise_unit_amount) if unit_cents is None else Fraction(unit_cents) / currency.subunits
        copied = priced_by_hand(copied, units=fee.units if units is None else units, price=price)
    return Line(copied, item_of_fee(copied, scope, inherited))
