"""Use cases that write wallets."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from msgspec import structs

from daycount import errors
from daycount.catalog import store as catalog
from daycount.customers import store as customers
from daycount.customers.operations import find_entity, get_customer, lock_customer
from daycount.customers.records import Customer
from daycount.engine.wallets.credits import Valued, incoming
from daycount.given import given, given_or_default, is_given
from daycount.infra.work import Work
from daycount.money import CURRENCIES
from daycount.organizations import store as organizations
from daycount.organizations.sections.operations import check_choice, choose_sections
from daycount.organizations.sections.records import Chooser
from daycount.wallets import store
from daycount.wallets.authorizations import store as authorizations
from daycount.wallets.fields import (
    code_of,
    credits_or_zero,
    read_credits,
    read_fee_types,
    read_future,
    read_id,
    read_limit,
    read_metadata,
    read_name,
    read_pairs,
    read_payment_method,
    read_priority,
    read_rate,
)
from daycount.wallets.messages import WalletSaved, WalletsMoved
from daycount.wallets.movements import Purchase, add_credits, valued_void, void_credits
from daycount.wallets.records import (
    AppliesToInput,
    MetricTarget,
    PaymentMethod,
    Settlement,
    TransactionInput,
    Wallet,
    WalletInput,
    WalletStatus,
    WalletTransaction,
)
from daycount.wallets.rules import check_limits, is_within_limits, read_rule, replace_rules, schedule_rules

EXPIRES = "wallets.expires"
_MOST_WALLETS = 6
_MOST_PAIRS_AT_CREATION, _MOST_PAIRS = 5, 15


def create_wallet(work: Work, wanted: WalletInput, *, external_customer_id: str | None = None) -> Wallet:
    """
    Add a wallet to a customer, with its first credits.

    The wallet comes back as it was made, before its first credits arrive. Announces WalletSaved and what credits announce.
    Raises NotFound (customer, when it is part of the address; billing_entity), Invalid. Source: Lago API, wallets.
    """
    customer = _owner(work, wanted, external_customer_id)
    found = errors.FieldErrors()
    wallet = _blank(work, wanted, customer, found)
    paid = credits_or_zero(wanted.paid_credits, "paid_credits", found)
    granted = credits_or_zero(wanted.granted_credits, "granted_credits", found)
    _check_amounts(
        wallet, paid, granted, found, ignores_limits=given_or_default(wanted.ignore_paid_top_up_limits_on_creation, default=False)
    )
    purchase = Purchase(
        name=read_name(given(wanted.transaction_name, None), "transaction_name", found),
        metadata=read_pairs(wanted.transaction_metadata, found, most=_MOST_PAIRS_AT_CREATION),
        priority=read_priority(given(wanted.transaction_priority, None), found, "transaction_priority"),
        invoice_requires_successful_payment=wallet.invoice_requires_successful_payment,
    )
    found.raise_if_any()
    sources = given(wanted.recurring_transaction_rules, None) or []
    if len(sources) > 1:
        raise errors.Invalid({"recurring_transaction_rules": ["invalid_number_of_recurring_rules"]})
    rules = [read_rule(work, source, wallet, before=None, paid=paid, granted=granted) for source in sources]
    if customer.currency is None:
        customers.set_currency(work.tx, customer_id=customer.id, currency=wallet.currency)
    store.insert_wallet(work.tx, wallet)
    for rule, source in zip(rules, sources, strict=True):
        store.save_rule(work.tx, rule)
        choose_sections(work, Chooser.WALLET_RULE, rule.id, given(source.invoice_custom_section, None))
    wallet = structs.replace(wallet, rules=rules)
    choose_sections(work, Chooser.WALLET, wallet.id, given(wanted.invoice_custom_section, None))
    _schedule(work, wallet, customer)
    organizations.bump_catalog_version(work)
    work.announce(WalletSaved(wallet.id, "created"))
    add_credits(work, wallet, paid=paid, granted=granted, purchase=purchase)
    work.announce(WalletsMoved([customer.id]))
    return wallet


def _owner(work: Work, wanted: WalletInput, external_customer_id: str | None) -> Customer:
    external_id = external_customer_id or given(wanted.external_customer_id, None)
    customer = lock_customer(work, external_id) if external_id else None
    if customer is None and external_customer_id is not None:
        raise errors.NotFound("customer")
    if customer is None:
        raise errors.Invalid({"customer": ["customer_not_found"]})
    if store.count_active(work.tx, customer_id=customer.id) >= _MOST_WALLETS:
        raise errors.Invalid({"customer": ["wallet_limit_reached"]})
    return customer


def _blank(work: Work, wanted: WalletInput, customer: Customer, found: errors.FieldErrors) -> Wallet:
    currency = given(wanted.currency, None) or customer.currency
    if currency is None or currency not in CURRENCIES:
        found.add("currency", "value_is_invalid")
        currency = "USD"
    name = read_name(given(wanted.name, None), "name", found)
    entity_id, entity_code = _entity(work, given(wanted.billing_entity_code, None), customer)
    fee_types, metrics = _applies_to(work, given(wanted.applies_to, None), found)
    least, most = _limits(given(wanted.paid_top_up_min_amount_cents, None), given(wanted.paid_top_up_max_amount_cents, None), found)
    metadata = given(wanted.metadata, None)
    return Wallet(
        id=work.new_id(),
        organization_id=work.organization_id,
        customer_id=customer.id,
        external_customer_id=customer.external_id,
        billing_entity_id=entity_id,
        billing_entity_code=entity_code,
        status=WalletStatus.ACTIVE,
        currency=currency,
        name=name,
        code=read_name(given(wanted.code, None), "code", found) or _free_code(work, customer, name),
        purchase_order_number=read_name(given(wanted.purchase_order_number, None), "purchase_order_number", found),
        rate_amount=read_rate(given(wanted.rate_amount, None), found),
        credits_balance=Decimal(0),
        balance_cents=0,
        ongoing_usage_balance_cents=0,
        ongoing_balance_cents=0,
        consumed_credits=Decimal(0),
        consumed_amount_cents=0,
        is_depleted=False,
        last_balance_sync_at=None,
        last_consumed_credit_at=None,
        invoice_requires_successful_payment=given_or_default(wanted.invoice_requires_successful_payment, default=False),
        paid_top_up_min_amount_cents=least,
        paid_top_up_max_amount_cents=most,
        priority=read_priority(given(wanted.priority, None), found),
        fee_types=fee_types,
        metrics=metrics,
        payment_method=read_payment_method(work, given(wanted.payment_method, None), found, owner=customer.id, otherwise=PaymentMethod()),
        metadata=None if metadata is None else read_metadata(metadata),
        created_at=work.now,
        updated_at=work.now,
        expiration_at=_expiration(given(wanted.expiration_at, None), work, found),
        terminated_at=None,
    )


def _free_code(work: Work, customer: Customer, name: str | None) -> str:
    code = code_of(name)
    taken = store.find_wallets(work.tx, organization_id=work.organization_id, customer_ids=[customer.id], code=code, active_only=True)
    return f"{code}_{int(work.now.timestamp())}" if taken else code


def _entity(work: Work, code: str | None, customer: Customer) -> tuple[UUID | None, str]:
    """Return the wallet's own billing entity, or None and the customer's. Raises NotFound."""
    entity = find_entity(work, code)
    return (None, customer.entity.code) if entity is None else (entity.id, entity.code)


def _applies_to(work: Work, source: AppliesToInput | None, found: errors.FieldErrors) -> tuple[Sequence[str], Sequence[MetricTarget]]:
    if source is None:
        return (), ()
    return read_fee_types(given(source.fee_types, None), found), _metrics(work, given(source.billable_metric_codes, None), found)


def _metrics(work: Work, codes: Sequence[str] | None, found: errors.FieldErrors) -> Sequence[MetricTarget]:
    if not codes:
        return ()
    known = catalog.find_metrics_by_code(work.tx, organization_id=work.organization_id, codes=codes)
    if set(codes) - known.keys():
        found.add("applies_to", "invalid_limitations")
        found.add("billable_metrics", "invalid_identifier")
    return tuple(MetricTarget(known[code].id, code) for code in dict.fromkeys(codes) if code in known)


def _limits(least: int | None, most: int | None, found: errors.FieldErrors) -> tuple[int | None, int | None]:
    least = read_limit(least, "paid_top_up_min_amount_cents", found)
    most = read_limit(most, "paid_top_up_max_amount_cents", found)
    if least is not None and most is not None and most < least:
        found.add("paid_top_up_max_amount_cents", "must_be_greater_than_or_equal_min")
    return least, most


def _expiration(value: str | None, work: Work, found: errors.FieldErrors) -> Any:
    try:
        return read_future(value, now=work.now)
    except ValueError:
        found.add("expiration_at", "invalid_date")
        return None


def _check_amounts(wallet: Wallet, paid: Decimal, granted: Decimal, found: errors.FieldErrors, *, ignores_limits: bool) -> None:
    """Refuse credits that are worth nothing, and purchases outside the wallet's limits."""
    for field, amount in (("paid_credits", paid), ("granted_credits", granted)):
        if amount > 0 and incoming(amount, rate=wallet.rate_amount, currency=wallet.money).amount_cents == 0:
            found.add(field, "amount_rounds_to_zero")
    cents = incoming(paid, rate=wallet.rate_amount, currency=wallet.money).amount_cents
    if cents and not ignores_limits and not is_within_limits(cents, wallet):
        least = wallet.paid_top_up_min_amount_cents
        found.add("paid_credits", "amount_below_minimum" if least is not None and cents < least else "amount_above_maximum")


def update_wallet(work: Work, wallet: Wallet, changes: WalletInput) -> Wallet:
    """
    Change a wallet: only keys that are given are written; its rate, currency and credits never change here.

    Announces WalletSaved and WalletsMoved. Raises NotFound (billing_entity), Invalid. Source: Lago API, wallets.
    """
    wallet, customer = _lock(work, wallet)
    if wallet.status is WalletStatus.TERMINATED:
        raise errors.Invalid({"wallet_id": ["wallet_is_terminated"]})
    found = errors.FieldErrors()
    fields = _changed(work, wallet, changes, customer, found)
    if is_given(changes.metadata):
        fields["metadata"] = None if changes.metadata is None else read_metadata(changes.metadata)
    found.raise_if_any()
    changed = structs.replace(wallet, updated_at=work.now, **fields)
    store.update_wallet(work.tx, changed)
    if changed.code != wallet.code:
        organizations.bump_catalog_version(work)
    choose_sections(work, Chooser.WALLET, wallet.id, given(changes.invoice_custom_section, None))
    if is_given(changes.recurring_transaction_rules):
        replace_rules(work, changed, given_or_default(changes.recurring_transaction_rules, []))
    changed = get_wallet(work, wallet.id)
    for rule in changed.rules:
        check_limits(rule, changed)
    _schedule(work, changed, customer)
    work.announce(WalletSaved(wallet.id, "updated"))
    work.announce(WalletsMoved([customer.id]))
    return changed


def _changed(work: Work, wallet: Wallet, changes: WalletInput, customer: Customer, found: errors.FieldErrors) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name in ("name", "purchase_order_number"):
        if is_given(getattr(changes, name)):
            fields[name] = read_name(getattr(changes, name), name, found)
    if given(changes.code, None):
        fields["code"] = read_name(given(changes.code, None), "code", found) or wallet.code
    if given(changes.priority, None) is not None:
        fields["priority"] = read_priority(given(changes.priority, None), found)
    if is_given(changes.expiration_at):
        fields["expiration_at"] = _expiration(given(changes.expiration_at, None), work, found)
    if given(changes.invoice_requires_successful_payment, None) is not None:
        fields["invoice_requires_successful_payment"] = changes.invoice_requires_successful_payment
    least, most = _limits(
        given(changes.paid_top_up_min_amount_cents, wallet.paid_top_up_min_amount_cents),
        given(changes.paid_top_up_max_amount_cents, wallet.paid_top_up_max_amount_cents),
        found,
    )
    fields |= {"paid_top_up_min_amount_cents": least, "paid_top_up_max_amount_cents": most}
    if is_given(changes.billing_entity_code):
        entity_id, entity_code = _entity(work, given(changes.billing_entity_code, None), customer)
        fields |= {"billing_entity_id": entity_id, "billing_entity_code": entity_code}
    if is_given(changes.payment_method):
        fields["payment_method"] = read_payment_method(
            work, given(changes.payment_method, None), found, owner=customer.id, otherwise=PaymentMethod()
        )
    applies_to = given(changes.applies_to, None)
    if applies_to is not None:
        if is_given(applies_to.fee_types):
            fields["fee_types"] = read_fee_types(given(applies_to.fee_types, None), found)
        if is_given(applies_to.billable_metric_codes):
            fields["metrics"] = _metrics(work, given(applies_to.billable_metric_codes, None), found)
    return fields


def terminate_wallet(work: Work, wallet: Wallet) -> Wallet:
    """
    End a wallet and its rules; what is left in it stays there and pays nothing any more. Doing it again changes nothing.

    Announces WalletSaved and WalletsMoved. Source: Lago API, wallets.
    """
    wallet, customer = _lock(work, wallet)
    if wallet.status is WalletStatus.TERMINATED:
        return wallet
    end_wallets(work, [wallet])
    work.announce(WalletsMoved([customer.id]))
    return get_wallet(work, wallet.id)


def end_wallets(work: Work, wallets: Sequence[Wallet]) -> None:
    """End several wallets and their rules, and let go of what is held of them. Announces WalletSaved."""
    for wallet in wallets:
        ended = structs.replace(
            wallet, status=WalletStatus.TERMINATED, reserved_amount_cents=0, terminated_at=work.now, updated_at=work.now
        )
        store.update_wallet(work.tx, ended)
        work.announce(WalletSaved(wallet.id, "terminated"))
    store.end_rules(work.tx, wallet_ids=[wallet.id for wallet in wallets])
    released = authorizations.release_all(work.tx, wallet_ids=[wallet.id for wallet in wallets], at=work.now)
    subjects = released + [wallet.id for wallet in wallets] + [rule.id for wallet in wallets for rule in wallet.rules]
    work.agenda.drop(subject_ids=subjects)
    organizations.bump_catalog_version(work)


def _schedule(work: Work, wallet: Wallet, customer: Customer) -> None:
    if wallet.expiration_at is not None:
        work.agenda.put(EXPIRES, subject_id=wallet.id, lane_id=customer.id, due_at=wallet.expiration_at)
    else:
        work.agenda.drop_kind(EXPIRES, subject_id=wallet.id)
    schedule_rules(work, wallet, zone=customer.zone)


def get_wallet(work: Work, wallet_id: UUID) -> Wallet:
    """Return a wallet. Raises NotFound."""
    found = store.find_wallets(work.tx, organization_id=work.organization_id, ids=[wallet_id])
    if not found:
        raise errors.NotFound("wallet")
    return found[0]


def get_customer_wallet(work: Work, external_customer_id: str, code: str) -> Wallet:
    """Return a customer's wallet by its code, the active one first, else the newest. Raises NotFound."""
    customer = get_customer(work, external_customer_id)
    found = store.find_wallets(work.tx, organization_id=work.organization_id, customer_ids=[customer.id], code=code)
    if not found:
        raise errors.NotFound("wallet")
    return max(found, key=lambda wallet: (wallet.status is WalletStatus.ACTIVE, wallet.created_at))


def _lock(work: Work, wallet: Wallet) -> tuple[Wallet, Customer]:
    """Hold the customer's lane and lock the wallet; return both as they are now."""
    work.agenda.hold(wallet.customer_id)
    locked = store.find_wallets(work.tx, organization_id=work.organization_id, ids=[wallet.id], lock=True)[0]
    return locked, customers.find_customers(work.tx, organization_id=work.organization_id, ids=[wallet.customer_id])[wallet.customer_id]


def set_metadata(work: Work, wallet: Wallet, value: Mapping[str, Any] | None) -> Mapping[str, str | None] | None:
    """Replace a wallet's metadata; None removes it. Raises Invalid (value)."""
    wallet, _ = _lock(work, wallet)
    metadata = None if value is None else read_metadata(value)
    store.update_wallet(work.tx, structs.replace(wallet, metadata=metadata, updated_at=work.now))
    return metadata


def top_up(work: Work, wanted: TransactionInput) -> list[WalletTransaction]:
    """
    Buy, grant and take back credits, in this order; amounts of nothing make nothing.

    Raises Invalid. Source: Lago API, wallet transactions.
    """
    wallet_id = read_id(given(wanted.wallet_id, None))
    known = store.find_wallets(work.tx, organization_id=work.organization_id, ids=[wallet_id]) if wallet_id else []
    if not known:
        raise errors.Invalid({"wallet_id": ["wallet_not_found"]})
    wallet, _ = _lock(work, known[0])
    if wallet.status is WalletStatus.TERMINATED:
        raise errors.Invalid({"wallet_id": ["wallet_is_terminated"]})
    found = errors.FieldErrors()
    paid = credits_or_zero(wanted.paid_credits, "paid_credits", found)
    granted = credits_or_zero(wanted.granted_credits, "granted_credits", found)
    _check_amounts(wallet, paid, granted, found, ignores_limits=given_or_default(wanted.ignore_paid_top_up_limits, default=False))
    check_choice(given(wanted.invoice_custom_section, None))
    purchase = _purchase(work, wanted, wallet, found)
    lot = _lot(work, wallet, given(wanted.voided_transaction_id, None), found)
    void = _void(wallet, wanted.voided_credits, lot, found)
    found.raise_if_any()
    made = add_credits(work, wallet, paid=paid, granted=granted, purchase=purchase)
    if void is not None:
        made.append(void_credits(work, wallet, void, purchase=purchase, lot_id=lot.id if lot else None))
    return made


def _purchase(work: Work, wanted: TransactionInput, wallet: Wallet, found: errors.FieldErrors) -> Purchase:
    name = given(wanted.name, None)
    if name is not None and not isinstance(name, str):
        found.add("name", "invalid_value")
        name = None
    elif name is not None and len(name) > 255:
        found.add("name", "too_long")
    return Purchase(
        name=name or None,
        purchase_order_number=read_name(given(wanted.purchase_order_number, None), "purchase_order_number", found),
        metadata=read_pairs(wanted.metadata, found, most=_MOST_PAIRS),
        priority=read_priority(given(wanted.priority, None), found),
        invoice_requires_successful_payment=given_or_default(
            wanted.invoice_requires_successful_payment, wallet.invoice_requires_successful_payment
        ),
        payment_method=read_payment_method(
            work, given(wanted.payment_method, None), found, owner=wallet.customer_id, otherwise=PaymentMethod()
        ),
        sections=given(wanted.invoice_custom_section, None),
    )


def _lot(work: Work, wallet: Wallet, value: str | None, found: errors.FieldErrors) -> WalletTransaction | None:
    if not value:
        return None
    lot_id = read_id(value)
    lots = store.find_transactions(work.tx, organization_id=work.organization_id, ids=[lot_id]) if lot_id else []
    if not lots or lots[0].wallet_id != wallet.id or lots[0].status is not Settlement.SETTLED:
        found.add("voided_transaction_id", "wallet_transaction_not_found")
        return None
    if not lots[0].remaining_amount_cents:
        found.add("voided_transaction_id", "no_remaining_amount")
    return lots[0]


def _void(wallet: Wallet, value: Any, lot: WalletTransaction | None, found: errors.FieldErrors) -> Valued | None:
    """Return what is taken back: the credits named, else all that is left of the lot named."""
    if not is_given(value) or value is None:
        if lot is None or not lot.remaining_amount_cents:
            return None
        if lot.remaining_amount_cents > wallet.free_cents:
            found.add("voided_credits", "insufficient_credits")
        return Valued(wallet.credits_of(lot.remaining_amount_cents), lot.remaining_amount_cents)
    wanted = read_credits(value)
    if wanted is None:
        found.add("voided_credits", "invalid_voided_credits")
        found.add("voided_credits", "invalid_amount")
        return None
    valued = valued_void(wanted, wallet)
    if wanted > wallet.credits_balance or valued.amount_cents > wallet.free_cents:
        found.add("voided_credits", "insufficient_credits")
        return None
    return valued if wanted > 0 else None
