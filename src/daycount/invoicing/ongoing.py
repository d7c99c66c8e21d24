"""
Ongoing balances of wallets: what is settled, less what is used or drafted and not billed yet, by progressive invoices neither.

Worked out when somebody looks, from the same computation that will bill; so an event that was acknowledged is in the next
read. A refresh writes it down as well, tells who ran dry, and lets threshold rules top up.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from fractions import Fraction
from uuid import UUID

from msgspec import structs

from daycount.engine.calendar import Occasion
from daycount.engine.invoice import tax_items
from daycount.engine.items import NO_TAX, Item
from daycount.engine.wallets.allocation import BucketKey, allot
from daycount.infra.work import Work
from daycount.invoicing import store
from daycount.invoicing.compute import Computed, Job, compute, job_for, load_subjects
from daycount.invoicing.messages import WalletsRefreshed
from daycount.invoicing.money import item_of
from daycount.invoicing.progressive import store as progressive
from daycount.subscriptions import store as subscriptions
from daycount.subscriptions.records import Status
from daycount.usage.port import EventStore
from daycount.wallets import store as wallets
from daycount.wallets.messages import WalletSaved, WalletsMoved
from daycount.wallets.records import Wallet, WalletStatus
from daycount.wallets.rules import check_threshold

REFRESH = "wallets.refresh"
Owner = tuple[UUID, str]


def with_ongoing(work: Work, found: Sequence[Wallet], *, events: EventStore) -> list[Wallet]:
    """
    Return wallets with their ongoing figures of this moment, in their order. Writes nothing.

    A fixed number of statements whatever the number of wallets.
    """
    active = [wallet for wallet in found if wallet.status is WalletStatus.ACTIVE]
    usages = _usages(work, {wallet.customer_id for wallet in active}, events=events) if active else {}
    return [
        structs.replace(
            wallet,
            ongoing_usage_balance_cents=usages[wallet.id],
            ongoing_balance_cents=wallet.balance_cents - usages[wallet.id],
        )
        if wallet.id in usages
        else wallet
        for wallet in found
    ]


def _usages(work: Work, customer_ids: Collection[UUID], *, events: EventStore) -> dict[UUID, int]:
    """Return what each active wallet of some customers would pay of what is not billed yet, with what is held, in whole minor units."""
    owned: dict[Owner, list[Wallet]] = defaultdict(list)
    for wallet in wallets.find_wallets(work.tx, organization_id=work.organization_id, customer_ids=customer_ids, active_only=True):
        owned[wallet.customer_id, wallet.currency].append(wallet)
    nets = _nets(work, customer_ids, events=events)
    usages = {}
    for owner, own in owned.items():
        parts = allot(nets.get(owner, {}), wallets=[wallet.terms(at=work.now) for wallet in own])
        usages.update({wallet.id: int(parts[wallet.id]) + wallet.reserved_amount_cents for wallet in own})
    return usages


def find_overspent(work: Work, customer_ids: Collection[UUID], *, events: EventStore) -> set[UUID]:
    """
    Return those of the customers that have used more than their wallets cover, be it by a fraction of a minor unit.

    What is held for authorizations covers nothing else. Writes nothing.
    """
    owned: dict[Owner, list[Wallet]] = defaultdict(list)
    for wallet in wallets.find_wallets(work.tx, organization_id=work.organization_id, customer_ids=customer_ids, active_only=True):
        owned[wallet.customer_id, wallet.currency].append(wallet)
    overspent = set()
    for owner, nets in _nets(work, customer_ids, events=events).items():
        terms = [wallet.terms(at=work.now) for wallet in owned[owner]]
        parts = allot(nets, wallets=terms)
        covered = sum((min(parts[item.wallet_id], Fraction(item.balance_cents)) for item in terms), Fraction(0))
        if covered < sum(nets.values(), Fraction(0)):
            overspent.add(owner[0])
    return overspent


def _nets(work: Work, customer_ids: Collection[UUID], *, events: EventStore) -> dict[Owner, dict[BucketKey, Fraction]]:
    """
    Add up, by customer and currency, what is used in running periods and what drafts hold, taxes included.

    What progressive invoices billed of the same periods is taken off; what is paid for in advance is not in it.
    """
    rows = subscriptions.find_open_of(work.tx, organization_id=work.organization_id, customer_ids=customer_ids)
    subjects = load_subjects(work, [row for row in rows if row.status is Status.ACTIVE])
    jobs = [job_for(subject, occasion=Occasion.USAGE, at=work.now) for subject in subjects]
    nets: dict[Owner, dict[BucketKey, Fraction]] = defaultdict(lambda: defaultdict(Fraction))
    for computed in compute(work, jobs, events=events):
        owner = (computed.job.subject.customer.id, computed.job.subject.plan.amount_currency)
        for item in tax_items(list(_used_items(computed))):
            key = BucketKey(item.fee_type, item.metric_id, item.target_wallet_code)
            nets[owner][key] += item.amount_cents + (item.taxation or NO_TAX).amount_cents
    for fee in store.list_draft_amounts(work.tx, organization_id=work.organization_id, customer_ids=customer_ids):
        nets[fee.customer_id, fee.currency][BucketKey(fee.fee_type, fee.metric_id, fee.target_wallet_code)] += Fraction(fee.amount_cents)
    for billed in progressive.list_billed_amounts(work.tx, organization_id=work.organization_id, places=_places(jobs)):
        key = BucketKey(billed.fee_type, billed.metric_id, billed.target_wallet_code)
        nets[billed.customer_id, billed.currency][key] -= Fraction(billed.amount_cents)
    return nets


def _places(jobs: Sequence[Job]) -> list[tuple[UUID, datetime]]:
    """Return the starts of running periods, by which what was billed of them already is found."""
    return [(job.subject.subscription.id, job.windows.charges.period.start) for job in jobs if job.windows.charges is not None]


def _used_items(computed: Computed) -> Iterator[Item]:
    """Return the fees of usage that will be billed at the end; what is paid for in advance was billed already."""
    for usage in computed.charges:
        if not usage.charge.pay_in_advance:
            for draft in usage.fees:
                if draft.amount_cents:
                    yield item_of(computed, draft)


def refresh(work: Work, customer_ids: Sequence[UUID], *, events: EventStore) -> None:
    """
    Write ongoing balances down after credits moved; say who ran dry, and let threshold rules top up.

    The caller holds the customers' lanes. Announces WalletSaved, WalletsRefreshed, and what top-ups announce.
    """
    _refresh(work, customer_ids, events=events, moved=set(customer_ids))


def refresh_after_usage(work: Work, customer_ids: Sequence[UUID], *, events: EventStore) -> None:
    """
    Do what `refresh` does after usage grew: a threshold rule looks only where the ongoing balance is another one now.

    What it topped up is taken in at once, and asks for no refresh of its own: else a rule that grants less than is missing would
    fire over and over for the same usage. A refresh that waits is done with it.
    """
    moved = work.agenda.drop_kind_of(REFRESH, subject_ids=customer_ids)
    topped_up = _refresh(work, customer_ids, events=events, moved=set(moved))
    if topped_up:
        work.agenda.drop_kind_of(REFRESH, subject_ids=list(topped_up))


def _refresh(work: Work, customer_ids: Sequence[UUID], *, events: EventStore, moved: Collection[UUID]) -> set[UUID]:
    """Refresh and return the customers that were topped up; rules of those whose credits `moved` look in any case."""
    held = wallets.find_wallets(work.tx, organization_id=work.organization_id, customer_ids=customer_ids, active_only=True, lock=True)
    if not held:
        return set()
    fresh = _note(work, held, events=events)
    for before, wallet in zip(held, fresh, strict=True):
        if wallet.ongoing_balance_cents <= 0 and not before.is_depleted:
            work.announce(WalletSaved(wallet.id, "depleted_ongoing_balance"))
    work.announce(WalletsRefreshed(wallets=fresh))
    topped_up = {
        wallet.customer_id
        for before, wallet in zip(held, fresh, strict=True)
        if (wallet.customer_id in moved or _figures(wallet) != _figures(before)) and check_threshold(work, wallet)
    }
    if topped_up:
        held = wallets.find_wallets(work.tx, organization_id=work.organization_id, customer_ids=topped_up, active_only=True, lock=True)
        work.announce(WalletsRefreshed(wallets=_note(work, held, events=events)))
    return topped_up


def _figures(wallet: Wallet) -> tuple[int, int]:
    return wallet.ongoing_usage_balance_cents, wallet.ongoing_balance_cents


def _note(work: Work, held: Sequence[Wallet], *, events: EventStore) -> list[Wallet]:
    """Write the ongoing balances of wallets down, which are all that their customers have, and return them with these."""
    usages = _usages(work, {wallet.customer_id for wallet in held}, events=events)
    wallets.note_ongoing(work.tx, usages)
    return [
        structs.replace(
            wallet,
            ongoing_usage_balance_cents=usages[wallet.id],
            ongoing_balance_cents=wallet.balance_cents - usages[wallet.id],
        )
        for wallet in held
    ]


def on_wallets_moved(work: Work, message: WalletsMoved) -> None:
    """Have the ongoing balances of customers worked out again, right after this work."""
    work.agenda.put_many(REFRESH, [(customer_id, customer_id, work.now) for customer_id in dict.fromkeys(message.customer_ids)])
