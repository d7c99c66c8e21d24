"""
Use cases that hold a part of a wallet's balance, take it, and let it go.

Whether there is enough is for `invoicing` to say, which knows what is used and not billed yet. Callers hold nothing; the lane of
the customer, the wallet and the authorization are locked here, in this order.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import structs

from daycount import errors
from daycount.customers.operations import lane_of
from daycount.engine.wallets.credits import Valued, incoming
from daycount.given import given, is_given
from daycount.infra.work import Work
from daycount.periods import parse_instant
from daycount.wallets import movements
from daycount.wallets import store as wallets
from daycount.wallets.authorizations import store
from daycount.wallets.authorizations.records import Authorization, AuthorizationInput, AuthorizationStatus, CaptureInput
from daycount.wallets.fields import read_credits, read_name
from daycount.wallets.messages import WalletsMoved
from daycount.wallets.records import Wallet

EXPIRES = "wallets.authorization_expires"
"""The kind of agenda entry by which an authorization expires."""

_USUAL_LIFE = timedelta(hours=1)
_LONGEST_LIFE = timedelta(days=31)
_MOST_CENTS = 2**53


def read_authorization(work: Work, wallet: Wallet, wanted: AuthorizationInput) -> Authorization:
    """Read what is to be held of a wallet; by default for an hour. Raises Invalid."""
    found = errors.FieldErrors()
    amount = _amount(wallet, wanted.amount_cents, wanted.credits, found)
    if amount is None:
        found.add("amount_cents", "value_is_mandatory")
    expires_at = _expiry(work.now, wanted, found)
    reference = read_name(given(wanted.reference, None), "reference", found)
    found.raise_if_any()
    return Authorization(
        id=work.new_id(),
        organization_id=work.organization_id,
        wallet_id=wallet.id,
        customer_id=wallet.customer_id,
        reference=reference,
        status=AuthorizationStatus.HELD,
        amount_cents=amount or 0,
        captured_amount_cents=0,
        transaction_id=None,
        created_at=work.now,
        expires_at=expires_at,
        settled_at=None,
    )


def _amount(wallet: Wallet, cents: Any, credits: Any, found: errors.FieldErrors) -> int | None:
    """Read an amount in minor units or in credits; None where there is neither."""
    if is_given(cents) and cents is not None:
        if not 0 < cents < _MOST_CENTS:
            found.add("amount_cents", "value_is_out_of_range")
        return int(cents)
    if not is_given(credits) or credits is None:
        return None
    wanted = read_credits(credits)
    if wanted is None:
        found.add("credits", "invalid_amount")
        return 0
    valued = incoming(wanted, rate=wallet.rate_amount, currency=wallet.money)
    if not 0 < valued.amount_cents < _MOST_CENTS:
        found.add("credits", "value_is_out_of_range" if valued.amount_cents else "amount_rounds_to_zero")
    return valued.amount_cents


def _expiry(now: datetime, wanted: AuthorizationInput, found: errors.FieldErrors) -> datetime:
    seconds = given(wanted.expires_in_seconds, None)
    if seconds is not None:
        if not 0 < seconds <= _LONGEST_LIFE.total_seconds():
            found.add("expires_in_seconds", "value_is_out_of_range")
            return now
        return now + timedelta(seconds=seconds)
    text = given(wanted.expires_at, None)
    if not text:
        return now + _USUAL_LIFE
    try:
        instant = parse_instant(text)
    except ValueError:
        found.add("expires_at", "invalid_date")
        return now
    if not now < instant <= now + _LONGEST_LIFE:
        found.add("expires_at", "value_is_out_of_range")
    return instant


def hold(work: Work, authorization: Authorization) -> None:
    """Hold an amount of a wallet that the caller has locked and found to have enough. Announces WalletsMoved."""
    store.insert(work.tx, authorization)
    store.reserve(work.tx, {authorization.wallet_id: authorization.amount_cents})
    lane_id = lane_of(authorization.customer_id)
    work.agenda.put(EXPIRES, subject_id=authorization.id, lane_id=lane_id, due_at=authorization.expires_at)
    work.announce(WalletsMoved([authorization.customer_id]))


def get_authorization(work: Work, authorization_id: UUID) -> Authorization:
    """Return an authorization. Raises NotFound."""
    found = store.find(work.tx, organization_id=work.organization_id, ids=[authorization_id])
    if not found:
        raise errors.NotFound("wallet_authorization")
    return found[0]


def capture(work: Work, authorization_id: UUID, wanted: CaptureInput) -> Authorization:
    """
    Take what was used of an authorization out of its wallet, as credits voided by hand, and let the rest go.

    Done again with the same amount it changes nothing. Announces TransactionsSaved, WalletSaved, WalletsMoved. Raises NotFound,
    NotAllowed (authorization_not_held), Invalid.
    """
    authorization, wallet = _lock(work, authorization_id)
    found = errors.FieldErrors()
    amount = _amount(wallet, wanted.amount_cents, wanted.credits, found)
    found.raise_if_any()
    if authorization.status is AuthorizationStatus.CAPTURED and amount in (None, authorization.captured_amount_cents):
        return authorization
    _check_held(work, authorization)
    taken = authorization.amount_cents if amount is None else amount
    if taken > authorization.amount_cents:
        raise errors.Invalid({"amount_cents": ["exceeds_authorized_amount"]})
    store.reserve(work.tx, {wallet.id: -authorization.amount_cents})
    purchase = movements.Purchase(name=authorization.reference)
    outbound = movements.void_credits(work, wallet, Valued(wallet.credits_of(taken), taken), purchase=purchase)
    captured = structs.replace(
        authorization,
        status=AuthorizationStatus.CAPTURED,
        captured_amount_cents=taken,
        transaction_id=outbound.id,
        settled_at=work.now,
    )
    store.update(work.tx, captured)
    work.agenda.drop(subject_ids=[authorization.id])
    return captured


def release(work: Work, authorization_id: UUID) -> Authorization:
    """
    Let go of what an authorization holds. One that was released or has expired stays as it is.

    Announces WalletsMoved. Raises NotFound, NotAllowed (authorization_not_held) for one that was captured.
    """
    authorization, wallet = _lock(work, authorization_id)
    if authorization.status in (AuthorizationStatus.RELEASED, AuthorizationStatus.EXPIRED):
        return authorization
    _check_held(work, authorization)
    store.reserve(work.tx, {wallet.id: -authorization.amount_cents})
    released = structs.replace(authorization, status=AuthorizationStatus.RELEASED, settled_at=work.now)
    store.update(work.tx, released)
    work.agenda.drop(subject_ids=[authorization.id])
    work.announce(WalletsMoved([wallet.customer_id]))
    return released


def _check_held(work: Work, authorization: Authorization) -> None:
    if not authorization.is_held(work.now):
        raise errors.NotAllowed("authorization_not_held")


def _lock(work: Work, authorization_id: UUID) -> tuple[Authorization, Wallet]:
    """Hold the customer's lane, lock the wallet and the authorization, and return both as they are now."""
    known = get_authorization(work, authorization_id)
    work.agenda.hold(lane_of(known.customer_id))
    [wallet] = wallets.find_wallets(work.tx, organization_id=work.organization_id, ids=[known.wallet_id], lock=True)
    [authorization] = store.find(work.tx, organization_id=work.organization_id, ids=[authorization_id], lock=True)
    return authorization, wallet


def expire(work: Work, authorization_ids: Sequence[UUID]) -> None:
    """Let go of what authorizations hold whose time is over. The agenda calls it. Announces WalletsMoved."""
    known = store.find(work.tx, organization_id=work.organization_id, ids=authorization_ids)
    wallets.find_wallets(work.tx, organization_id=work.organization_id, ids={item.wallet_id for item in known}, lock=True)
    locked = store.find(work.tx, organization_id=work.organization_id, ids=authorization_ids, lock=True)
    due = [item for item in locked if item.status is AuthorizationStatus.HELD and item.expires_at <= work.now]
    freed: dict[UUID, int] = {}
    for item in due:
        freed[item.wallet_id] = freed.get(item.wallet_id, 0) - item.amount_cents
    store.expire(work.tx, ids=[item.id for item in due], at=work.now)
    store.reserve(work.tx, freed)
    if due:
        work.announce(WalletsMoved(list({item.customer_id for item in due})))
