"""
What moves credits: granting, buying, taking back, paying invoices, and giving back.

Callers hold the customer's lane; wallets are locked here, in the order of their ids.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from msgspec import Struct, structs

from daycount import errors
from daycount.engine.wallets.allocation import Lot, Use, split_by_origin, use_lots
from daycount.engine.wallets.credits import Valued, incoming, voided
from daycount.infra.work import Work
from daycount.organizations.sections.operations import choose_sections, copy_choice
from daycount.organizations.sections.records import ChoiceInput, Chooser
from daycount.wallets import store
from daycount.wallets.messages import CreditsPurchased, TransactionsSaved, WalletSaved, WalletsMoved
from daycount.wallets.records import (
    Consumption,
    Direction,
    Origin,
    PaymentMethod,
    Settlement,
    Source,
    UsedByOrigin,
    Wallet,
    WalletStatus,
    WalletTransaction,
    WalletUse,
)


class Purchase(Struct, frozen=True, kw_only=True):
    """How credits come in: who asked, and what their transactions carry."""

    source: Source = Source.MANUAL
    name: str | None = None
    purchase_order_number: str | None = None
    metadata: Sequence[Mapping[str, str]] = ()
    priority: int = 50
    invoice_requires_successful_payment: bool = False
    payment_method: PaymentMethod = PaymentMethod()
    sections: ChoiceInput | None = None
    """What the invoices of purchases carry, where it is not what the wallet's do."""
    rule_id: UUID | None = None
    """The rule that fired; what it chose for invoices is chosen for its purchases."""


def add_credits(work: Work, wallet: Wallet, *, paid: Decimal, granted: Decimal, purchase: Purchase) -> list[WalletTransaction]:
    """
    Buy and grant credits; what is granted is there at once, what is bought when its invoice is paid.

    Announces CreditsPurchased, TransactionsSaved, WalletsMoved. Amounts that round to nothing must have been refused.
    """
    made: list[WalletTransaction] = []
    for amount, origin in ((paid, Origin.PURCHASED), (granted, Origin.GRANTED)):
        if amount > 0:
            valued = incoming(amount, rate=wallet.rate_amount, currency=wallet.money)
            made.append(_inbound(work, wallet, valued, origin=origin, purchase=purchase))
    store.insert_transactions(work.tx, made)
    grants = [item for item in made if item.transaction_status is Origin.GRANTED]
    store.move_balances(work.tx, [(wallet.id, item.amount_cents, item.credit_amount, 0, Decimal(0)) for item in grants], at=work.now)
    if made:
        work.announce(TransactionsSaved([item.id for item in made], "created"))
    purchases = [item for item in made if item.transaction_status is Origin.PURCHASED]
    for item in purchases:
        choose_sections(work, Chooser.WALLET_TRANSACTION, item.id, purchase.sections)
        if purchase.rule_id is not None:
            copy_choice(work, Chooser.WALLET_TRANSACTION, item.id, [purchase.rule_id])
    if purchases:
        work.announce(CreditsPurchased(wallet, purchases))
    if grants:
        _announce_moved(work, [wallet])
    return made


def _inbound(work: Work, wallet: Wallet, valued: Valued, *, origin: Origin, purchase: Purchase) -> WalletTransaction:
    is_granted = origin is Origin.GRANTED
    return WalletTransaction(
        id=work.new_id(),
        organization_id=work.organization_id,
        wallet_id=wallet.id,
        customer_id=wallet.customer_id,
        billing_entity_code=wallet.billing_entity_code,
        transaction_type=Direction.INBOUND,
        status=Settlement.SETTLED if is_granted else Settlement.PENDING,
        transaction_status=origin,
        source=purchase.source,
        amount_cents=valued.amount_cents,
        credit_amount=valued.credit_amount,
        remaining_amount_cents=valued.amount_cents if is_granted else None,
        priority=purchase.priority,
        purchase_order_number=purchase.purchase_order_number or wallet.purchase_order_number,
        invoice_requires_successful_payment=purchase.invoice_requires_successful_payment,
        name=purchase.name,
        metadata=purchase.metadata,
        payment_method=purchase.payment_method,
        created_at=work.now,
        settled_at=work.now if is_granted else None,
    )


def void_credits(
    work: Work,
    wallet: Wallet,
    valued: Valued,
    *,
    purchase: Purchase,
    lot_id: UUID | None = None,
    credit_note_id: UUID | None = None,
) -> WalletTransaction:
    """
    Take credits back, from lots in their order or from one lot. Announces TransactionsSaved, WalletsMoved.

    Raises Invalid (amount_cents) when the lots hold less.
    """
    lots = store.find_lots(work.tx, wallet_ids=[wallet.id]).get(wallet.id, [])
    if lot_id is not None:
        lots = [lot for lot in lots if lot.transaction_id == lot_id]
    try:
        uses = use_lots(valued.amount_cents, lots=lots)
    except ValueError as error:
        code = "exceeds_remaining_transaction_amount" if lot_id is not None else "exceeds_available_amount"
        raise errors.Invalid({"amount_cents": [code]}) from error
    outbound = structs.replace(
        _outbound(work, wallet, valued, origin=Origin.VOIDED, at=work.now),
        credit_note_id=credit_note_id,
        name=purchase.name,
        metadata=purchase.metadata,
        source=purchase.source,
        priority=purchase.priority,
    )
    _write_outbound(work, [(outbound, uses)], at=work.now)
    _announce_moved(work, [wallet])
    return outbound


def _outbound(
    work: Work, wallet: Wallet, valued: Valued, *, origin: Origin, at: datetime, invoice_id: UUID | None = None
) -> WalletTransaction:
    return WalletTransaction(
        id=work.new_id(),
        organization_id=work.organization_id,
        wallet_id=wallet.id,
        customer_id=wallet.customer_id,
        invoice_id=invoice_id,
        billing_entity_code=wallet.billing_entity_code,
        transaction_type=Direction.OUTBOUND,
        status=Settlement.SETTLED,
        transaction_status=origin,
        source=Source.MANUAL,
        amount_cents=valued.amount_cents,
        credit_amount=valued.credit_amount,
        remaining_amount_cents=None,
        priority=50,
        purchase_order_number=wallet.purchase_order_number,
        created_at=at,
        settled_at=at,
    )


def _write_outbound(work: Work, found: Sequence[tuple[WalletTransaction, Sequence[Use]]], *, at: datetime) -> None:
    """Write outbound transactions with the lots that pay them, and move the balances. Four statements."""
    store.insert_transactions(work.tx, [outbound for outbound, _ in found])
    lowered: dict[UUID, int] = defaultdict(int)
    rows = []
    for outbound, uses in found:
        for use in uses:
            lowered[use.lot.transaction_id] += use.amount
            rows.append(
                Consumption(
                    id=work.new_id(),
                    organization_id=work.organization_id,
                    wallet_id=outbound.wallet_id,
                    inbound_id=use.lot.transaction_id,
                    outbound_id=outbound.id,
                    amount_cents=use.amount,
                    created_at=at,
                )
            )
    store.insert_consumptions(work.tx, rows)
    store.lower_lots(work.tx, lowered)
    moves = [(item.wallet_id, -item.amount_cents, -item.credit_amount, item.amount_cents, item.credit_amount) for item, _ in found]
    store.move_balances(work.tx, moves, at=at)
    work.announce(TransactionsSaved([item.id for item, _ in found], "created"))


def consume(work: Work, uses: Sequence[WalletUse], *, at: datetime) -> dict[UUID, UsedByOrigin]:
    """
    Let wallets pay invoices as was worked out; returns by invoice what had been granted and what bought.

    One call for all invoices of a work, with a constant number of statements; an invoice may take of a wallet once, which
    the database holds. Announces TransactionsSaved and WalletsMoved. The wallets must be locked.
    """
    if not uses:
        return {}
    wallets = {
        wallet.id: wallet
        for wallet in store.find_wallets(work.tx, organization_id=work.organization_id, ids={use.wallet_id for use in uses}, lock=True)
    }
    lots = store.find_lots(work.tx, wallet_ids=list(wallets))
    found: list[tuple[WalletTransaction, Sequence[Use]]] = []
    totals: dict[UUID, list[int]] = defaultdict(lambda: [0, 0])
    for use in uses:
        wallet = wallets[use.wallet_id]
        taken = use_lots(use.amount_cents, lots=lots[wallet.id])
        lots[wallet.id] = _lowered(lots[wallet.id], taken)
        valued = Valued(wallet.credits_of(use.amount_cents), use.amount_cents)
        found.append((_outbound(work, wallet, valued, origin=Origin.INVOICED, at=at, invoice_id=use.invoice_id), taken))
        for place, amount in enumerate(split_by_origin(taken)):
            totals[use.invoice_id][place] += amount
    _write_outbound(work, found, at=at)
    _announce_moved(work, list(wallets.values()))
    return {invoice_id: UsedByOrigin(*amounts) for invoice_id, amounts in totals.items()}


def _lowered(lots: Sequence[Lot], uses: Sequence[Use]) -> list[Lot]:
    taken = {use.lot.transaction_id: use.amount for use in uses}
    return [structs.replace(lot, remaining=lot.remaining - taken.get(lot.transaction_id, 0)) for lot in lots]


def settle_purchases(work: Work, *, invoice_ids: Collection[UUID], at: datetime) -> list[UUID]:
    """
    Give the credits whose invoices are paid; returns the transactions, those that were settled before left out.

    A wallet that has ended gets nothing: the purchase fails, and what was paid can be refunded by a credit note. Announces
    TransactionsSaved, WalletsMoved.
    """
    waiting = [item for item in _purchases(work, invoice_ids) if item.status is not Settlement.SETTLED]
    found = store.find_wallets(work.tx, organization_id=work.organization_id, ids={item.wallet_id for item in waiting}, lock=True)
    ended = {wallet.id for wallet in found if wallet.status is WalletStatus.TERMINATED}
    _fail(work, [item for item in waiting if item.wallet_id in ended], at=at)
    due = [item for item in waiting if item.wallet_id not in ended]
    wallets = [wallet for wallet in found if wallet.id not in ended]
    if not due:
        return []
    store.settle_transactions(work.tx, ids=[item.id for item in due], at=at)
    store.move_balances(work.tx, [(item.wallet_id, item.amount_cents, item.credit_amount, 0, Decimal(0)) for item in due], at=at)
    work.announce(TransactionsSaved([item.id for item in due], "updated"))
    _announce_moved(work, wallets)
    return [item.id for item in due]


def fail_purchases(work: Work, *, invoice_ids: Collection[UUID], at: datetime) -> list[UUID]:
    """Mark purchases that wait as failed, because their invoices were not paid; they may still be settled later."""
    return _fail(work, _purchases(work, invoice_ids), at=at)


def _fail(work: Work, items: Sequence[WalletTransaction], *, at: datetime) -> list[UUID]:
    due = [item.id for item in items if item.status is Settlement.PENDING]
    if due:
        store.set_transactions(work.tx, ids=due, status=Settlement.FAILED, failed_at=at)
        work.announce(TransactionsSaved(due, "updated"))
    return due


def _purchases(work: Work, invoice_ids: Collection[UUID]) -> list[WalletTransaction]:
    found = store.find_transactions(work.tx, organization_id=work.organization_id, invoice_ids=invoice_ids)
    return [item for item in found if item.transaction_status is Origin.PURCHASED]


def give_back(work: Work, *, invoice_id: UUID) -> None:
    """
    Give what a voided invoice took back as granted credits of the same number, to wallets that are still active.

    Announces TransactionsSaved, WalletsMoved.
    """
    taken = [
        item
        for item in store.find_transactions(work.tx, organization_id=work.organization_id, invoice_ids=[invoice_id])
        if item.transaction_status is Origin.INVOICED
    ]
    found = store.find_wallets(work.tx, organization_id=work.organization_id, ids={item.wallet_id for item in taken}, lock=True)
    wallets = {wallet.id: wallet for wallet in found if wallet.status is WalletStatus.ACTIVE}
    given = [
        structs.replace(
            _inbound(
                work, wallets[item.wallet_id], Valued(item.credit_amount, item.amount_cents), origin=Origin.GRANTED, purchase=Purchase()
            ),
            voided_invoice_id=invoice_id,
        )
        for item in taken
        if item.wallet_id in wallets
    ]
    if not given:
        return
    store.insert_transactions(work.tx, given)
    moves = [(item.wallet_id, item.amount_cents, item.credit_amount, -item.amount_cents, -item.credit_amount) for item in given]
    store.move_balances(work.tx, moves, at=work.now)
    work.announce(TransactionsSaved([item.id for item in given], "created"))
    _announce_moved(work, list(wallets.values()))


def void_refunded(work: Work, item: WalletTransaction, *, credit_note_id: UUID, amount_cents: int) -> None:
    """Take credits back that a credit note refunds, out of the purchase that brought them. Raises Invalid (amount_cents)."""
    wallet = store.find_wallets(work.tx, organization_id=work.organization_id, ids=[item.wallet_id], lock=True)[0]
    valued = Valued(wallet.credits_of(amount_cents), amount_cents)
    void_credits(work, wallet, valued, purchase=Purchase(), lot_id=item.id, credit_note_id=credit_note_id)


def _announce_moved(work: Work, wallets: Sequence[Wallet]) -> None:
    for wallet in wallets:
        work.announce(WalletSaved(wallet.id, "updated"))
    work.announce(WalletsMoved(list({wallet.customer_id for wallet in wallets})))


def valued_void(credits: Decimal, wallet: Wallet) -> Valued:
    """Value credits that are taken back from a wallet."""
    return voided(credits, rate=wallet.rate_amount, currency=wallet.money)
