"""
What invoices take off for usage that progressive invoices billed already.

Progressive invoices are cumulative: the latest of a period says what was billed of each fee, and is what is taken off.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple
from uuid import UUID

from daycount.credit_notes import store as notes
from daycount.engine.calendar import Occasion
from daycount.engine.fees import FeeDraft
from daycount.engine.invoice import ProgressiveCredit
from daycount.engine.progressive import Billed as BilledFee
from daycount.engine.progressive import Settled, settle
from daycount.infra.work import Work
from daycount.invoicing import credit_store
from daycount.invoicing import store as invoices
from daycount.invoicing.compute import Computed
from daycount.invoicing.credits import Credit, CreditKind
from daycount.invoicing.messages import UsageOverbilled
from daycount.invoicing.progressive import store
from daycount.invoicing.progressive.records import Billed
from daycount.invoicing.records import Fee, Invoice
from daycount.money import round_half_away

CLOSING = (Occasion.PERIODIC, Occasion.TERMINATING)
"""The occasions on which a period is billed in full, and what was billed of it before is taken off."""
_Key = tuple[object, ...]


class _Taken(NamedTuple):
    billed: Sequence[Billed]
    places: Sequence[int]
    settled: Settled


class Earlier:
    """What earlier progressive invoices billed of some subscriptions, and what the invoices of one work take off for it."""

    def __init__(self, taken: Mapping[UUID, _Taken]) -> None:
        self._taken = taken
        self._credits: list[Credit] = []

    def credits_of(self, group: Sequence[Computed]) -> list[ProgressiveCredit]:
        """Return what an invoice of these subscriptions takes off, with the share of each of its fees."""
        if not self._taken:
            return []
        found = []
        first = 0
        whole = sum(len(item.fees) for item in group)
        for item in group:
            taken = self._taken.get(item.job.subject.subscription.id)
            if taken is not None and taken.settled.credit_cents:
                shares = dict(zip((first + place for place in taken.places), taken.settled.shares, strict=True))
                found.append(ProgressiveCredit(taken.settled.credit_cents, [shares.get(place, Decimal(0)) for place in range(whole)]))
            first += len(item.fees)
        return found

    def note(self, work: Work, invoice: Invoice, group: Sequence[Computed]) -> None:
        """Note that an invoice took off what `credits_of` said."""
        for item in group:
            taken = self._taken.get(item.job.subject.subscription.id)
            if taken is not None and taken.settled.credit_cents:
                source = taken.billed[0].invoice
                self._credits.append(
                    Credit(
                        id=work.new_id(),
                        organization_id=work.organization_id,
                        invoice_id=invoice.id,
                        kind=CreditKind.INVOICE,
                        source_id=source.id,
                        amount_cents=taken.settled.credit_cents,
                        currency=invoice.currency,
                        item={
                            "lago_item_id": str(source.id),
                            "type": CreditKind.INVOICE,
                            "code": source.number,
                            "name": source.number,
                            "description": None,
                        },
                        created_at=invoice.updated_at,
                    )
                )

    def write(self, work: Work) -> None:
        """Write what was noted; the invoices may be written after."""
        if self._credits:
            credit_store.insert(work.tx, self._credits)

    def give_back(self, work: Work, groups: Sequence[Sequence[Computed]]) -> None:
        """
        Have given back what was billed beyond what these subscriptions come to now, by credit notes of the progressive invoices.

        Done before invoices are assembled, so that they can use the notes. The caller holds the lanes. Announces UsageOverbilled.
        """
        for item in (item for group in groups for item in group):
            taken = self._taken.get(item.job.subject.subscription.id)
            if taken is not None and taken.settled.excess_cents:
                sources = [billed.invoice for billed in taken.billed]
                work.announce(UsageOverbilled(invoices=sources, net_cents=taken.settled.excess_cents, at=item.job.at))


def load_earlier(
    work: Work, computed: Sequence[Computed], *, leaving_out: Sequence[UUID] = (), occasions: Sequence[Occasion] = CLOSING
) -> Earlier:
    """
    Load what progressive invoices billed of the periods that are billed now. One query, and four more where there are any.

    `leaving_out` are drafts that are computed again: what they took before counts no more.
    """
    closing = [item for item in computed if item.job.windows.charges is not None and item.job.occasion in occasions]
    places = [
        (item.job.subject.subscription.id, item.job.windows.charges.period.start)
        for item in closing
        if item.job.windows.charges is not None
    ]
    found = store.find_billed(work.tx, organization_id=work.organization_id, places=places)
    if not found:
        return Earlier({})
    latest = [billed[0].invoice for billed in found.values()]
    ids = [invoice.id for invoice in latest]
    taken = store.sum_credits(work.tx, organization_id=work.organization_id, invoice_ids=ids, leaving_out=leaving_out)
    noted = _sum_noted(work, ids)
    fees: dict[UUID, list[Fee]] = {invoice_id: [] for invoice_id in ids}
    for fee in invoices.list_fees(work.tx, organization_id=work.organization_id, invoice_ids=ids):
        if fee.invoice_id is not None:
            fees[fee.invoice_id].append(fee)
    settled: dict[UUID, _Taken] = {}
    for item in closing:
        billed = found.get(item.job.subject.subscription.id)
        if billed:
            invoice = billed[0].invoice
            to_credit = invoice.fees_amount_cents - invoice.coupons_amount_cents - taken.get(invoice.id, 0) - noted.get(invoice.id, 0)
            settled[billed[0].subscription_id] = _settle(item, billed, fees[invoice.id], to_credit_cents=to_credit)
    return Earlier(settled)


def _settle(item: Computed, billed: Sequence[Billed], before: Sequence[Fee], *, to_credit_cents: int) -> _Taken:
    charges = {fee.charge_id for fee in before}
    amounts = {_key(fee.charge_id, fee.charge_filter_id, fee.grouped_by): fee.amount_cents for fee in before}
    drafts = item.fees
    places = [place for place, draft in enumerate(drafts) if draft.charge_id is not None and draft.charge_id in charges]
    own = [BilledFee(drafts[place].amount_cents, _before(drafts[place], amounts)) for place in places]
    return _Taken(billed, places, settle(own, to_credit_cents=to_credit_cents))


def _before(draft: FeeDraft, amounts: Mapping[_Key, int]) -> int:
    """Return what was billed of the same charge, filter and group; nothing of what makes up a minimum."""
    return 0 if draft.is_true_up else amounts.get(_key(draft.charge_id, draft.bucket.filter_id, draft.grouped_by), 0)


def _key(charge_id: UUID | None, filter_id: UUID | None, groups: Mapping[str, str | None]) -> _Key:
    return charge_id, filter_id, tuple(sorted(groups.items(), key=lambda entry: entry[0]))


def _sum_noted(work: Work, invoice_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Return what credit notes gave back of invoices as credit, without its taxes, in minor units."""
    found: dict[UUID, int] = {}
    for note in notes.list_of_invoices(work.tx, organization_id=work.organization_id, invoice_ids=invoice_ids):
        if note.status == "finalized" and note.voided_at is None and note.total_amount_cents:
            part = Fraction(note.credit_amount_cents, note.total_amount_cents) * note.sub_total_excluding_taxes_amount_cents
            found[note.invoice_id] = found.get(note.invoice_id, 0) + int(round_half_away(part, places=0))
    return found
