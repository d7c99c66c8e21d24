"""
What invoices take off for usage that progressive invoices billed already.

Progressive invoices are cumulative: the latest of a period says what was billed of each fee, and is what is taken off.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple
from uuid import UUID

from daycount.catalog import store as catalog
from daycount.catalog.pricing import same_filters
from daycount.catalog.records import Plan
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
from daycount.invoicing.records import Fee, Invoice, InvoiceLine, Reason
from daycount.money import round_half_away

CLOSING = (Occasion.PERIODIC, Occasion.TERMINATING)
"""The occasions on which a period is billed in full, and what was billed of it before is taken off."""
_Key = tuple[UUID | None, UUID | None, tuple[tuple[str, str | None], ...]]


class _Spot(NamedTuple):
    """A fee of an invoice that is being made: what it is of, and its amount; nothing of what makes up a minimum was billed before."""

    charge_id: UUID | None
    key: _Key | None
    amount_cents: int


class _Asked(NamedTuple):
    """A subscription whose period is billed from an instant on, with its fees in their order."""

    subscription_id: UUID
    start: datetime
    at: datetime
    spots: Sequence[_Spot]
    plan: Plan | None = None


class _Taken(NamedTuple):
    billed: Sequence[Billed]
    places: Sequence[int]
    settled: Settled
    at: datetime


class Earlier:
    """What earlier progressive invoices billed of some subscriptions, and what the invoices of one work take off for it."""

    def __init__(self, taken: Mapping[UUID, _Taken]) -> None:
        self._taken = taken
        self._credits: list[Credit] = []

    def credits_of(self, group: Sequence[Computed]) -> list[ProgressiveCredit]:
        """Return what an invoice of these subscriptions takes off, with the share of each of its fees."""
        return self.credits_on([item.job.subject.subscription.id for item in group for _ in item.fees] if self._taken else [])

    def credits_on(self, owners: Sequence[UUID | None]) -> list[ProgressiveCredit]:
        """Return what an invoice takes off, by the subscription of each of its fees in their order."""
        found = []
        for subscription_id in dict.fromkeys(owners):
            taken = None if subscription_id is None else self._taken.get(subscription_id)
            if taken is not None and taken.settled.credit_cents:
                own = [place for place, owner in enumerate(owners) if owner == subscription_id]
                shares = dict(zip((own[place] for place in taken.places), taken.settled.shares, strict=True))
                every = [shares.get(place, Decimal(0)) for place in range(len(owners))]
                found.append(ProgressiveCredit(taken.settled.credit_cents, every))
        return found

    def note(self, work: Work, invoice: Invoice, group: Sequence[Computed]) -> None:
        """Note that an invoice of these subscriptions took off what `credits_of` said."""
        self.note_on(work, invoice, [item.job.subject.subscription.id for item in group])

    def note_on(self, work: Work, invoice: Invoice, subscription_ids: Sequence[UUID]) -> None:
        """Note that an invoice took off what there is of subscriptions."""
        for subscription_id in subscription_ids:
            taken = self._taken.get(subscription_id)
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
        self.give_back_of(work, [item.job.subject.subscription.id for group in groups for item in group])

    def give_back_of(self, work: Work, subscription_ids: Sequence[UUID]) -> None:
        """Do what `give_back` does, for subscriptions by their ids."""
        for subscription_id in subscription_ids:
            taken = self._taken.get(subscription_id)
            if taken is not None and taken.settled.excess_cents:
                sources = [billed.invoice for billed in taken.billed]
                work.announce(UsageOverbilled(invoices=sources, net_cents=taken.settled.excess_cents, at=taken.at))


def load_earlier(
    work: Work, computed: Sequence[Computed], *, leaving_out: Sequence[UUID] = (), occasions: Sequence[Occasion] = CLOSING
) -> Earlier:
    """
    Load what progressive invoices billed of the periods that are billed now. One query, and four more where there are any.

    `leaving_out` are drafts that are computed again: what they took before counts no more.
    """
    asked = [
        _Asked(
            item.job.subject.subscription.id,
            item.job.windows.charges.period.start,
            item.job.at,
            [_spot(draft) for draft in item.fees],
            item.job.subject.plan,
        )
        for item in computed
        if item.job.windows.charges is not None and item.job.occasion in occasions
    ]
    return _load(work, asked, leaving_out=leaving_out)


def load_earlier_of_copies(work: Work, lines: Sequence[InvoiceLine], fees: Sequence[Fee]) -> Earlier:
    """Load what progressive invoices billed of the periods that an invoice bills again, which is made from a voided one now."""
    asked = [
        _Asked(
            line.subscription_id,
            line.shown_charges_from,
            work.now,
            [_spot_of(fee) for fee in fees if fee.subscription_id == line.subscription_id],
        )
        for line in lines
        if line.invoicing_reason in (Reason.PERIODIC, Reason.TERMINATING)
    ]
    return _load(work, asked, leaving_out=())


def _load(work: Work, asked: Sequence[_Asked], *, leaving_out: Sequence[UUID]) -> Earlier:
    places = [(item.subscription_id, item.start) for item in asked]
    found = store.find_billed(work.tx, organization_id=work.organization_id, places=places)
    if not found:
        return Earlier({})
    ids = [billed[0].invoice.id for billed in found.values()]
    taken = store.sum_credits(work.tx, organization_id=work.organization_id, invoice_ids=ids, leaving_out=leaving_out)
    noted = _sum_noted(work, ids)
    fees: dict[UUID, list[Fee]] = {invoice_id: [] for invoice_id in ids}
    for fee in invoices.list_fees(work.tx, organization_id=work.organization_id, invoice_ids=ids):
        if fee.invoice_id is not None:
            fees[fee.invoice_id].append(fee)
    origins = _load_origins(work, [item.plan for item in asked if item.plan is not None and item.subscription_id in found])
    settled: dict[UUID, _Taken] = {}
    for item in asked:
        billed = found.get(item.subscription_id)
        if billed:
            invoice = billed[0].invoice
            to_credit = invoice.fees_amount_cents - invoice.coupons_amount_cents - taken.get(invoice.id, 0) - noted.get(invoice.id, 0)
            settled[item.subscription_id] = _settle(item, billed, fees[invoice.id], origins, to_credit_cents=to_credit)
    return Earlier(settled)


def _load_origins(work: Work, plans: Sequence[Plan]) -> dict[UUID, UUID]:
    """
    Return the charges and filters that those of plans override, which earlier invoices may have billed instead of them.

    One query where a plan overrides another one, else none.
    """
    parent_ids = {plan.parent_id for plan in plans if plan.parent_id is not None}
    parents = catalog.find_plans(work.tx, organization_id=work.organization_id, ids=list(parent_ids)) if parent_ids else {}
    origins: dict[UUID, UUID] = {}
    for plan in plans:
        parent = None if plan.parent_id is None else parents.get(plan.parent_id)
        before = {} if parent is None else {charge.id: charge for charge in parent.charges}
        for charge in plan.charges:
            if charge.parent_id is not None:
                origins[charge.id] = charge.parent_id
                origins |= {new: old for old, new in same_filters(before.get(charge.parent_id), charge)}
    return origins


def _settle(item: _Asked, billed: Sequence[Billed], before: Sequence[Fee], origins: Mapping[UUID, UUID], *, to_credit_cents: int) -> _Taken:
    def origin(own_id: UUID | None) -> UUID | None:
        return None if own_id is None else origins.get(own_id, own_id)

    charges = {origin(fee.charge_id) for fee in before}
    amounts = {_key(origin(fee.charge_id), origin(fee.charge_filter_id), fee.grouped_by): fee.amount_cents for fee in before}
    places = [place for place, spot in enumerate(item.spots) if spot.charge_id is not None and origin(spot.charge_id) in charges]
    spots = [item.spots[place] for place in places]
    keys = [None if spot.key is None else (origin(spot.key[0]), origin(spot.key[1]), spot.key[2]) for spot in spots]
    own = [BilledFee(spot.amount_cents, 0 if key is None else amounts.get(key, 0)) for spot, key in zip(spots, keys, strict=True)]
    return _Taken(billed, places, settle(own, to_credit_cents=to_credit_cents), item.at)


def _spot(draft: FeeDraft) -> _Spot:
    key = None if draft.is_true_up else _key(draft.charge_id, draft.bucket.filter_id, draft.grouped_by)
    return _Spot(draft.charge_id, key, draft.amount_cents)


def _spot_of(fee: Fee) -> _Spot:
    return _Spot(fee.charge_id, _key(fee.charge_id, fee.charge_filter_id, fee.grouped_by), fee.amount_cents)


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
