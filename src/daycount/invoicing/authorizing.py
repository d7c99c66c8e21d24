"""
Holding a part of a wallet for something that is about to be used.

There is enough where the ongoing balance covers it: what is settled, less what is held already, less what is used and not billed
yet. The customer's lane is held meanwhile, so that two callers never get the same money.
"""

from uuid import UUID

from daycount import errors
from daycount.infra.work import Work
from daycount.invoicing.ongoing import with_ongoing
from daycount.usage.port import EventStore
from daycount.wallets import store as wallets
from daycount.wallets.authorizations import store
from daycount.wallets.authorizations.operations import hold, read_authorization
from daycount.wallets.authorizations.records import Authorization, AuthorizationInput
from daycount.wallets.operations import get_wallet
from daycount.wallets.records import WalletStatus


def authorize(work: Work, wallet_id: UUID, wanted: AuthorizationInput, *, events: EventStore) -> Authorization:
    """
    Hold an amount of a wallet. Asked again with the same reference and amount, it answers with what is there.

    Holds the customer's lane, locks the wallet. Announces WalletsMoved. Raises NotFound (wallet), Invalid: the fields, the wallet
    has ended, another amount with a reference that is taken, `insufficient_balance`.
    """
    work.agenda.hold(get_wallet(work, wallet_id).customer_id)
    [wallet] = wallets.find_wallets(work.tx, organization_id=work.organization_id, ids=[wallet_id], lock=True)
    authorization = read_authorization(work, wallet, wanted)
    if authorization.reference is not None:
        known = store.find_by_reference(work.tx, wallet_id=wallet.id, reference=authorization.reference)
        if known is not None and known.amount_cents != authorization.amount_cents:
            raise errors.Invalid({"reference": ["value_already_exist"]})
        if known is not None:
            return known
    if wallet.status is WalletStatus.TERMINATED:
        raise errors.Invalid({"wallet_id": ["wallet_is_terminated"]})
    [wallet] = with_ongoing(work, [wallet], events=events)
    if authorization.amount_cents > wallet.ongoing_balance_cents:
        raise errors.Invalid({"amount_cents": ["insufficient_balance"]})
    hold(work, authorization)
    return authorization
