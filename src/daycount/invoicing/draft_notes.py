"""
Credit notes of drafts: they follow the fees they are of while these are computed again.

A note of a half stays one of a half: where a fee of 100.00 becomes 80.00, its item of 50.00 becomes 40.00.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from fractions import Fraction
from uuid import UUID

from msgspec import structs

from daycount.credit_notes import store as notes
from daycount.credit_notes.records import CreditNote, CreditNoteItem
from daycount.engine.credit_notes import CreditedItem, Split, Worth, settle_rounding, worth_of
from daycount.infra.work import Work
from daycount.invoicing import store
from daycount.invoicing.crediting import creditable, noted_taxes
from daycount.money import round_half_away


def follow_drafts(work: Work, invoice_ids: Sequence[UUID], *, amounts_before: Mapping[UUID, int]) -> None:
    """
    Give the draft notes of invoices the amounts that follow from their fees as they are now.

    `amounts_before` says by fee what it came to, in minor units. The caller holds the customers. Source: Lago API, refresh of drafts.
    """
    found = notes.list_of_invoices(work.tx, organization_id=work.organization_id, invoice_ids=invoice_ids)
    drafts = [note for note in found if note.status == "draft"]
    if not drafts:
        return
    fees = {fee.id: fee for fee in store.list_fees(work.tx, organization_id=work.organization_id, invoice_ids=invoice_ids)}
    items = notes.list_items(work.tx, organization_id=work.organization_id, credit_note_ids=[note.id for note in drafts])
    moved: list[CreditNoteItem] = []
    more_off: dict[UUID, int] = defaultdict(int)
    for note in drafts:
        own = [_follow(item, amounts_before, fees[item.fee_id].amount_cents) for item in items if item.credit_note_id == note.id]
        worth = worth_of([CreditedItem(creditable(fees[item.fee_id], 0), Fraction(item.precise_amount_cents)) for item in own])
        changed = _revalued(work, note, worth)
        notes.update(work.tx, changed)
        more_off[note.invoice_id] += changed.offset_amount_cents - note.offset_amount_cents
        moved += own
    notes.update_items(work.tx, moved)
    ids = [invoice_id for invoice_id, cents in more_off.items() if cents]
    rows = store.find_invoices(work.tx, organization_id=work.organization_id, ids=ids) if ids else []
    changed_rows = [structs.replace(row, offset_amount_cents=row.offset_amount_cents + more_off[row.id]) for row in rows]
    store.update_invoices(work.tx, changed_rows)


def _follow(item: CreditNoteItem, amounts_before: Mapping[UUID, int], amount_cents: int) -> CreditNoteItem:
    before = amounts_before.get(item.fee_id)
    if not before:
        return item
    exact = Fraction(item.precise_amount_cents) * amount_cents / before
    return structs.replace(item, amount_cents=int(round_half_away(exact, places=0)), precise_amount_cents=round_half_away(exact, places=5))


def _revalued(work: Work, note: CreditNote, worth: Worth) -> CreditNote:
    """Return a note of other items, given back in the same way: as credit, or off what is due."""
    total = worth.total_cents
    offset = total if note.offset_amount_cents == note.total_amount_cents else min(note.offset_amount_cents, total)
    split = settle_rounding(Split(total - offset, 0, offset), worth)
    return structs.replace(
        note,
        total_amount_cents=split.total_cents,
        precise_total_amount_cents=round_half_away(worth.total, places=5),
        taxes_amount_cents=worth.taxes_cents,
        precise_taxes_amount_cents=worth.precise_taxes_cents,
        taxes_rate=worth.taxes_rate,
        sub_total_excluding_taxes_amount_cents=worth.sub_total_cents,
        coupons_adjustment_amount_cents=worth.coupons_cents,
        credit_amount_cents=split.credit_cents,
        refund_amount_cents=0,
        refund_status=None,
        offset_amount_cents=split.offset_cents,
        balance_amount_cents=split.credit_cents,
        applied_taxes=noted_taxes(work, worth),
        updated_at=work.now,
    )
