"""
Crediting: credit notes made of invoices, by callers and by what happens to subscriptions.

Every way goes through `_write`: the engine says what items come to, the note is stored, its offset is taken off what is due.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple
from uuid import UUID

from msgspec import Struct, structs

from daycount import errors
from daycount.credit_notes import store as notes
from daycount.credit_notes.fields import read_metadata, read_reason
from daycount.credit_notes.messages import CreditNoteCreated
from daycount.credit_notes.records import CreditNote, CreditNoteInput, CreditNoteItem, NotedTax
from daycount.customers import store as customers
from daycount.engine.credit_notes import (
    CreditableFee,
    CreditedItem,
    Split,
    Standing,
    Worth,
    find_faults,
    settle_rounding,
    worth_of,
)
from daycount.engine.progressive import items_worth
from daycount.engine.taxes import TaxRate
from daycount.engine.unused_time import UnusedTime
from daycount.given import given, given_or_default
from daycount.infra.work import Work
from daycount.invoicing import operations, store
from daycount.invoicing.records import Fee, Invoice
from daycount.invoicing.sold_credits import SoldCredits, check_sold, find_sold, take_back
from daycount.money import round_half_away
from daycount.periods import local_date

_MOST_CENTS = 2**53


class Basis(NamedTuple):
    """An invoice, locked where something is to be made of it, with its fees and the notes it has."""

    invoice: Invoice
    fees: dict[UUID, CreditableFee]
    earlier: Sequence[CreditNote]
    purchase: SoldCredits | None = None

    @property
    def standing(self) -> Standing:
        """Return what the invoice allows."""
        invoice = self.invoice
        final = [note for note in self.earlier if note.status == "finalized"]
        return Standing(
            fees=list(self.fees.values()),
            total_cents=invoice.total_amount_cents,
            paid_cents=invoice.total_paid_amount_cents,
            is_paid=invoice.payment_status == "succeeded",
            credited_cents=sum(note.credit_amount_cents for note in final),
            refunded_cents=sum(note.refund_amount_cents for note in final),
            offset_cents=sum(note.offset_amount_cents for note in final),
            unspent_cents=None if self.purchase is None else self.purchase.unspent_cents,
        )

    def worth(self, items: Sequence[CreditedItem]) -> Worth:
        """Work out what items come to; the last of an invoice evens out the rounding of the notes before it."""
        taken = {item.fee.fee_id: item.amount for item in items}
        is_last = all(Fraction(fee.creditable_cents) <= taken.get(fee.fee_id, 0) for fee in self.fees.values())
        overpaid = sum((note.taxes_amount_cents - Fraction(note.precise_taxes_amount_cents) for note in self.earlier), Fraction(0))
        return worth_of(items, taxes_overpaid=overpaid if is_last else 0)


class Estimate(NamedTuple):
    """What a credit note of some items would come to, and what of it could be given back in which way."""

    basis: Basis
    worth: Worth
    max_creditable_cents: int
    max_refundable_cents: int
    max_offsettable_cents: int
    taxes_cents: int


class _Note(Struct, frozen=True, kw_only=True):
    worth: Worth
    split: Split
    reason: str
    description: str | None = None
    metadata: Any = None
    at: datetime


def load_basis(work: Work, invoice: Invoice) -> Basis:
    """Load what credit notes of an invoice depend on. Three queries, five for one that sold prepaid credits."""
    fees = store.list_fees(work.tx, organization_id=work.organization_id, invoice_ids=[invoice.id])
    taken = notes.sum_of_items(work.tx, organization_id=work.organization_id, fee_ids=[fee.id for fee in fees])
    earlier = notes.list_of_invoices(work.tx, organization_id=work.organization_id, invoice_ids=[invoice.id])
    return Basis(invoice, {fee.id: creditable(fee, taken.get(fee.id, 0)) for fee in fees}, earlier, find_sold(work, invoice))


def creditable(fee: Fee, credited_cents: int) -> CreditableFee:
    """Return a fee as credit notes see it; `credited_cents` is what earlier ones took of it."""
    return CreditableFee(
        fee_id=fee.id,
        amount_cents=fee.amount_cents,
        precise_coupons_cents=fee.precise_coupons_amount_cents,
        taxes=[
            TaxRate(tax_id=tax.tax_id, code=tax.code, name=tax.name, rate=tax.rate, description=tax.description)
            for tax in fee.applied_taxes
        ],
        credited_cents=credited_cents,
    )


def create_credit_note(work: Work, wanted: CreditNoteInput) -> CreditNote:
    """
    Make a credit note of items of an invoice. Announces CreditNoteCreated.

    Raises NotFound (invoice, fee), NotAllowed for an invoice in the wrong state, Invalid. Source: Lago API, credit notes.
    """
    invoice = operations.lock_invoice(work, _invoice_id(wanted))
    _check_state(invoice)
    basis = load_basis(work, invoice)
    split = Split(
        given_or_default(wanted.credit_amount_cents, 0),
        given_or_default(wanted.refund_amount_cents, 0),
        given_or_default(wanted.offset_amount_cents, 0),
    )
    check_sold(invoice, basis.purchase, gives_back=bool(split.credit_cents or split.refund_cents))
    worth = basis.worth(_read_items(basis, wanted))
    reason = read_reason(given(wanted.reason, None))
    negative = {name: ["value_is_out_of_range"] for name, value in _amounts(split).items() if not 0 <= value < _MOST_CENTS}
    if negative:
        raise errors.Invalid(negative)
    faults = find_faults(split, worth, basis.standing)
    if faults:
        raise errors.Invalid(faults)
    note = _Note(
        worth=worth,
        split=settle_rounding(split, worth),
        reason=reason,
        description=given(wanted.description, None),
        metadata=read_metadata(given(wanted.metadata, None)),
        at=work.now,
    )
    return _write(work, basis, note)


def estimate_credit_note(work: Work, wanted: CreditNoteInput) -> Estimate:
    """Work out what a credit note of items would come to; nothing is stored. Raises what making it would."""
    invoice = operations.get_invoice(work, _invoice_id(wanted))
    _check_state(invoice)
    basis = load_basis(work, invoice)
    check_sold(invoice, basis.purchase, gives_back=False)
    worth = basis.worth(_read_items(basis, wanted))
    standing = basis.standing
    total, taxes = worth.total_cents, worth.taxes_cents
    difference = total - taxes - worth.sub_total_cents
    if difference > 0:
        total -= 1
    elif difference < 0 < taxes:
        taxes -= 1
    refundable = max(min(total, standing.paid_cents - standing.refunded_cents), 0)
    if basis.purchase is not None:
        return Estimate(basis, worth, 0, min(refundable, standing.refundable_cents), standing.offsettable_cents, taxes)
    return Estimate(basis, worth, total, refundable, max(min(invoice.total_due_amount_cents, total), 0), taxes)


def issue_for_unused(work: Work, *, fee: Fee, unused: UnusedTime, method: str, at: datetime) -> CreditNote | None:
    """
    Credit the days of a base fee that were not used: as credit, as refund of what was paid for them, or off what is due.

    `unused.amount_cents` is what the days cost, without coupons and taxes. Nothing is made where the fee is credited already
    or its invoice is void. The note of a draft is a draft. The caller holds the customer's lane.
    31 000 at 20 % for March, ended on the 10th: 21 000 unused are 25 200. Source: Lago docs, credit notes on termination.
    """
    ids = [] if fee.invoice_id is None else [fee.invoice_id]
    found = store.find_invoices(work.tx, organization_id=work.organization_id, ids=ids, lock=True)
    if not found or found[0].status not in ("draft", "finalized"):
        return None
    basis = load_basis(work, found[0])
    own = basis.fees[fee.id]
    amount = min(unused.amount_cents, Fraction(own.amount_cents)) - own.credited_cents
    if amount <= 0:
        return None
    worth = basis.worth([CreditedItem(own, amount)])
    if worth.total_cents <= 0:
        return None
    refund = 0
    if method in ("refund", "offset"):
        refund = max(min(_unused_paid(basis, fee, own, unused), worth.total_cents, basis.standing.refundable_cents), 0)
    rest = worth.total_cents - refund
    offset = min(rest, basis.standing.offsettable_cents) if method == "offset" else 0
    split = settle_rounding(Split(rest - offset, refund, offset), worth)
    return _write(work, basis, _Note(worth=worth, split=split, reason="order_cancellation", at=at))


def issue_excess(work: Work, billed: Sequence[Invoice], *, net_cents: int, at: datetime) -> None:
    """
    Credit what progressive invoices, the latest first, billed of usage that is not there at the end of its period.

    `net_cents` is what is to come back, without taxes and with coupons taken off; each invoice gives what it has left.
    The caller holds the customer's lane. Source: Lago docs, progressive billing; given back in full (decision).
    """
    locked = {row.id: row for row in store.find_invoices(work.tx, organization_id=work.organization_id, ids=_ids(billed), lock=True)}
    for invoice in (locked[row.id] for row in billed):
        basis = load_basis(work, invoice) if net_cents > 0 and invoice.status == "finalized" else None
        worth = None if basis is None else basis.worth(items_worth(list(basis.fees.values()), net_cents=net_cents))
        if basis is not None and worth is not None and worth.total_cents > 0:
            split = settle_rounding(Split(worth.total_cents, 0, 0), worth)
            _write(work, basis, _Note(worth=worth, split=split, reason="other", at=at))
            net_cents -= worth.sub_total_cents


def _ids(invoices: Sequence[Invoice]) -> list[UUID]:
    return [invoice.id for invoice in invoices]


def _unused_paid(basis: Basis, fee: Fee, own: CreditableFee, unused: UnusedTime) -> int:
    """Return what was paid for a base fee beyond the days used of it, in minor units with taxes."""
    invoice = basis.invoice
    if not invoice.sub_total_including_taxes_amount_cents:
        return 0
    net = Fraction(fee.precise_amount_cents) - Fraction(fee.precise_coupons_amount_cents) + Fraction(fee.taxes_precise_amount_cents)
    paid = invoice.total_paid_amount_cents * net / invoice.sub_total_including_taxes_amount_cents
    used = worth_of([CreditedItem(own, unused.used_cents)]).total
    return int(round_half_away(paid - used, places=0))


def void_with_credit_note(work: Work, invoice: Invoice, *, credit_cents: int, refund_cents: int) -> Invoice:
    """
    Void an invoice, locked by the caller, and give back a part of its value; the rest is noted and voided at once.

    A part of every fee's rest is credited, as the amounts asked for are of the whole. Wallets are left alone. Raises NotAllowed,
    Invalid. Source: Lago API, void with credit note.
    """
    if invoice.status != "finalized":
        raise errors.NotAllowed("not_voidable")
    basis = load_basis(work, invoice)
    standing = basis.standing
    whole = standing.creditable_cents
    asked = credit_cents + refund_cents
    is_too_much = credit_cents > whole or refund_cents > standing.refundable_cents or asked > whole
    if is_too_much or credit_cents < 0 or refund_cents < 0:
        raise errors.Invalid({"credit_refund_amount": ["total_amount_exceeds_invoice_amount"]})
    if asked:
        _credit_part(work, basis, Split(credit_cents, refund_cents, 0), Fraction(asked, whole))
    rest = load_basis(work, invoice)
    left = [CreditedItem(fee, Fraction(fee.creditable_cents)) for fee in rest.fees.values() if fee.creditable_cents]
    worth = rest.worth(left)
    if left and worth.total_cents > 0:
        split = settle_rounding(Split(worth.total_cents, 0, 0), worth)
        made = _write(work, rest, _Note(worth=worth, split=split, reason="other", at=work.now))
        voided = structs.replace(made, credit_status="voided", voided_at=work.now, balance_amount_cents=0)
        notes.update(work.tx, voided)
    return operations.void_invoice(work, invoice, keeps_wallets=True)


def _credit_part(work: Work, basis: Basis, split: Split, part: Fraction) -> None:
    """Credit the same part of every fee: 5 000 of 12 000 are 4 166.66667 of a fee of 10 000, and 833.33333 of its tax."""
    items = [
        CreditedItem(fee, Fraction(round_half_away(fee.creditable_cents * part, places=5)))
        for fee in basis.fees.values()
        if fee.creditable_cents
    ]
    _write(work, basis, _Note(worth=basis.worth(items), split=split, reason="other", at=work.now))


def finalize_notes(work: Work, invoices: Sequence[Invoice]) -> None:
    """Give the draft notes of invoices that became final their numbers; those of a closed one are gone."""
    drafts = [
        note
        for note in notes.list_of_invoices(work.tx, organization_id=work.organization_id, invoice_ids=[row.id for row in invoices])
        if note.status == "draft"
    ]
    by_id = {row.id: row for row in invoices}
    taken = {row.id: 0 for row in invoices}
    for note in drafts:
        invoice = by_id[note.invoice_id]
        if invoice.status != "finalized":
            notes.update(work.tx, structs.replace(note, status="deleted", balance_amount_cents=0, updated_at=work.now))
            continue
        taken[invoice.id] = place = note.sequential_id or taken[invoice.id] + 1
        final = structs.replace(
            note,
            status="finalized",
            sequential_id=place,
            number=_number(invoice, place),
            invoice_number=invoice.number,
            updated_at=work.now,
        )
        notes.update(work.tx, final)
        work.announce(CreditNoteCreated(credit_note=final))
    with_offset = [note.invoice_id for note in drafts if note.offset_amount_cents]
    for invoice in store.find_invoices(work.tx, organization_id=work.organization_id, ids=with_offset) if with_offset else ():
        _settle_if_nothing_is_due(work, invoice)


def _amounts(split: Split) -> dict[str, int]:
    return {
        "credit_amount_cents": split.credit_cents,
        "refund_amount_cents": split.refund_cents,
        "offset_amount_cents": split.offset_cents,
    }


def _invoice_id(wanted: CreditNoteInput) -> UUID:
    try:
        return UUID(given_or_default(wanted.invoice_id, ""))
    except ValueError as error:
        raise errors.NotFound("invoice") from error


def _check_state(invoice: Invoice) -> None:
    """Raise NotAllowed where a state of the invoice forbids credit notes; the note of a draft is a draft."""
    if invoice.status not in ("draft", "finalized"):
        raise errors.NotAllowed("invalid_type_or_status")


def _read_items(basis: Basis, wanted: CreditNoteInput) -> list[CreditedItem]:
    sent = given(wanted.items, None)
    if not isinstance(sent, list):
        raise errors.Invalid({"items": ["must_be_an_array"]})
    items = [_read_item(basis, entry) for entry in sent]
    together: dict[UUID, Fraction] = {}
    for item in items:
        together[item.fee.fee_id] = together.get(item.fee.fee_id, Fraction(0)) + item.amount
        if item.amount < 0:
            raise errors.Invalid({"amount_cents": ["invalid_value"]})
        if together[item.fee.fee_id] > item.fee.creditable_cents:
            raise errors.Invalid({"amount_cents": ["higher_than_remaining_fee_amount"]})
        if basis.purchase is not None and basis.invoice.total_paid_amount_cents and item.amount > basis.purchase.unspent_cents:
            raise errors.Invalid({"amount_cents": ["higher_than_wallet_balance"]})
    return items


def _read_item(basis: Basis, entry: Any) -> CreditedItem:
    if not isinstance(entry, dict):
        raise errors.Invalid({"items": ["must_be_an_array"]})
    try:
        fee = basis.fees[UUID(str(entry.get("fee_id")))]
    except (KeyError, ValueError) as error:
        raise errors.NotFound("fee") from error
    try:
        amount = Decimal(str(entry.get("amount_cents", 0)))
    except ArithmeticError as error:
        raise errors.Invalid({"amount_cents": ["invalid_value"]}) from error
    if not amount.is_finite() or amount != amount.to_integral_value() or abs(amount) > _MOST_CENTS:
        raise errors.Invalid({"amount_cents": ["invalid_value"]})
    return CreditedItem(fee, Fraction(int(amount)))


def _write(work: Work, basis: Basis, wanted: _Note) -> CreditNote:
    invoice, worth, split = basis.invoice, wanted.worth, wanted.split
    customer = customers.find_customers(work.tx, organization_id=work.organization_id, ids=[invoice.customer_id])[invoice.customer_id]
    is_draft = invoice.status == "draft"
    place = max((note.sequential_id or 0 for note in basis.earlier), default=0) + 1
    note = CreditNote(
        id=work.new_id(),
        organization_id=work.organization_id,
        customer_id=invoice.customer_id,
        billing_entity_id=invoice.billing_entity_id,
        invoice_id=invoice.id,
        invoice_number=invoice.number,
        sequential_id=place,
        number=_number(invoice, place),
        status="draft" if is_draft else "finalized",
        purchase_order_number=invoice.purchase_order_number,
        issuing_date=local_date(wanted.at, zone=customer.zone),
        credit_status="available",
        refund_status="pending" if split.refund_cents else None,
        reason=wanted.reason,
        description=wanted.description,
        currency=invoice.currency,
        total_amount_cents=split.total_cents,
        precise_total_amount_cents=round_half_away(worth.total, places=5),
        taxes_amount_cents=worth.taxes_cents,
        precise_taxes_amount_cents=worth.precise_taxes_cents,
        taxes_rate=worth.taxes_rate,
        sub_total_excluding_taxes_amount_cents=worth.sub_total_cents,
        coupons_adjustment_amount_cents=worth.coupons_cents,
        credit_amount_cents=split.credit_cents,
        refund_amount_cents=split.refund_cents,
        offset_amount_cents=split.offset_cents,
        balance_amount_cents=split.credit_cents,
        applied_taxes=noted_taxes(work, worth),
        metadata=wanted.metadata,
        self_billed=invoice.self_billed,
        voided_at=None,
        created_at=wanted.at,
        updated_at=wanted.at,
    )
    notes.insert(work.tx, note, [_item(work, note, item, position) for position, item in enumerate(worth.items)])
    if basis.purchase is not None and split.refund_cents:
        take_back(work, basis.purchase, credit_note_id=note.id, amount_cents=split.refund_cents)
    if split.offset_cents:
        _take_off(work, invoice, split.offset_cents)
    if not is_draft:
        work.announce(CreditNoteCreated(credit_note=note))
    return note


def _number(invoice: Invoice, place: int) -> str:
    return f"{invoice.number}-CN{place:03}"


def noted_taxes(work: Work, worth: Worth) -> list[NotedTax]:
    """Write the taxes of a note down as they are now."""
    return [
        NotedTax(
            id=work.new_id(),
            tax_id=line.tax.tax_id,
            code=line.tax.code,
            name=line.tax.name,
            rate=line.tax.rate,
            description=line.tax.description,
            base_cents=line.base_cents,
            amount_cents=line.amount_cents,
        )
        for line in worth.taxes
    ]


def _item(work: Work, note: CreditNote, item: CreditedItem, position: int) -> CreditNoteItem:
    return CreditNoteItem(
        id=work.new_id(),
        organization_id=work.organization_id,
        credit_note_id=note.id,
        fee_id=item.fee.fee_id,
        position=position,
        amount_cents=int(round_half_away(item.amount, places=0)),
        precise_amount_cents=round_half_away(item.amount, places=5),
    )


def _take_off(work: Work, invoice: Invoice, offset_cents: int) -> None:
    """Take an offset off what is due of an invoice; with nothing due it is paid."""
    less = structs.replace(invoice, offset_amount_cents=invoice.offset_amount_cents + offset_cents, updated_at=work.now)
    if not _settle_if_nothing_is_due(work, less):
        store.update_invoices(work.tx, [less])


def _settle_if_nothing_is_due(work: Work, invoice: Invoice) -> bool:
    """Write a final invoice as paid where its offsets leave nothing due; tells whether it was."""
    is_settled = invoice.status == "finalized" and invoice.total_due_amount_cents <= 0 and invoice.payment_status != "succeeded"
    if is_settled:
        operations.settle_by_offset(work, invoice)
    return is_settled
