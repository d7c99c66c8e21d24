"""Authorizations of wallets on the wire: what is held for something that is about to be used."""

from msgspec import Struct

from daycount.api.paging import Page, page_of, read_page
from daycount.api.routing import Call, Routes
from daycount.api.wire import DecimalText, Stamp, read_path_uuid, stamp, stamp_or_none, text
from daycount.infra.work import Work
from daycount.invoicing import authorizing
from daycount.wallets.authorizations import operations, store
from daycount.wallets.authorizations.records import Authorization, AuthorizationInput, AuthorizationStatus, CaptureInput
from daycount.wallets.operations import get_wallet
from daycount.wallets.records import Wallet

routes = Routes("wallet_authorizations")


class WalletAuthorizationObject(Struct, frozen=True, kw_only=True):
    """A part of a wallet's balance that is held; `…_cents` are minor units, credits are texts."""

    lago_id: str
    lago_wallet_id: str
    reference: str | None
    status: str
    amount_cents: int
    credit_amount: DecimalText
    captured_amount_cents: int
    captured_credit_amount: DecimalText
    lago_wallet_transaction_id: str | None
    created_at: Stamp
    expires_at: Stamp
    settled_at: Stamp | None


def to_wire(item: Authorization, wallet: Wallet) -> WalletAuthorizationObject:
    """Write an authorization of a wallet."""
    return WalletAuthorizationObject(
        lago_id=str(item.id),
        lago_wallet_id=str(item.wallet_id),
        reference=item.reference,
        status=item.status,
        amount_cents=item.amount_cents,
        credit_amount=text(wallet.credits_of(item.amount_cents)),
        captured_amount_cents=item.captured_amount_cents,
        captured_credit_amount=text(wallet.credits_of(item.captured_amount_cents)),
        lago_wallet_transaction_id=None if item.transaction_id is None else str(item.transaction_id),
        created_at=stamp(item.created_at),
        expires_at=stamp(item.expires_at),
        settled_at=stamp_or_none(item.settled_at),
    )


_ONE = {"returns": WalletAuthorizationObject, "root_out": "wallet_authorization", "is_extension": True}


@routes.post("/wallets/{lago_id}/authorize", accepts=AuthorizationInput, root_in="wallet_authorization", **_ONE)
def authorize_wallet(work: Work, call: Call) -> WalletAuthorizationObject:
    """Hold a part of a wallet's balance for something that is about to be used."""
    wallet_id = read_path_uuid(call.path["lago_id"], "wallet")
    item = authorizing.authorize(work, wallet_id, call.body, events=call.services.events)
    return to_wire(item, get_wallet(work, wallet_id))


@routes.get(
    "/wallets/{lago_id}/authorizations",
    returns=WalletAuthorizationObject,
    root_out="wallet_authorizations",
    is_list=True,
    parameters=("status",),
    is_extension=True,
)
def find_all_wallet_authorizations(work: Work, call: Call) -> Page:
    """List what was held of a wallet, newest first; a status that is not known is passed over."""
    wallet = get_wallet(work, read_path_uuid(call.path["lago_id"], "wallet"))
    status = call.query.one("status")
    asked = read_page(call.query)
    rows, total = store.list_of_wallet(
        work.tx,
        wallet_id=wallet.id,
        status=status if status in set(AuthorizationStatus) else None,
        limit=asked.per_page,
        offset=asked.offset,
    )
    return page_of([to_wire(row, wallet) for row in rows], asked=asked, total=total)


@routes.get("/wallet_authorizations/{lago_id}", **_ONE)
def find_wallet_authorization(work: Work, call: Call) -> WalletAuthorizationObject:
    """Find an authorization."""
    return _shown(work, operations.get_authorization(work, read_path_uuid(call.path["lago_id"], "wallet_authorization")))


@routes.post(
    "/wallet_authorizations/{lago_id}/capture", accepts=CaptureInput, root_in="wallet_authorization", is_body_optional=True, **_ONE
)
def capture_wallet_authorization(work: Work, call: Call) -> WalletAuthorizationObject:
    """Take what was used of an authorization out of the wallet, all of it where nothing else is said, and let the rest go."""
    return _shown(work, operations.capture(work, read_path_uuid(call.path["lago_id"], "wallet_authorization"), call.body))


@routes.post("/wallet_authorizations/{lago_id}/release", **_ONE)
def release_wallet_authorization(work: Work, call: Call) -> WalletAuthorizationObject:
    """Let go of what an authorization holds."""
    return _shown(work, operations.release(work, read_path_uuid(call.path["lago_id"], "wallet_authorization")))


def _shown(work: Work, item: Authorization) -> WalletAuthorizationObject:
    return to_wire(item, get_wallet(work, item.wallet_id))
