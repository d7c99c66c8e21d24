"""What wallets do when customers go, and when the agenda says so."""

from collections.abc import Sequence
from uuid import UUID

from daycount.customers import store as customers
from daycount.customers.messages import CustomerDeleted, TimezoneChanged
from daycount.infra.work import Work
from daycount.wallets import store
from daycount.wallets.messages import WalletsMoved
from daycount.wallets.operations import end_wallets
from daycount.wallets.records import Wallet, WalletStatus
from daycount.wallets.rules import fire_interval, schedule_rules


def on_customer_deleted(work: Work, message: CustomerDeleted) -> None:
    """End the wallets of a customer that is gone."""
    end_wallets(work, _active(work, customer_ids=[message.customer_id]))


def on_timezone_changed(work: Work, message: TimezoneChanged) -> None:
    """Let interval rules fire at the start of days of the new zone."""
    owners = customers.find_customers(work.tx, organization_id=work.organization_id, ids=[message.customer_id])
    for wallet in _active(work, customer_ids=[message.customer_id]):
        schedule_rules(work, wallet, zone=owners[wallet.customer_id].zone)


def expire(work: Work, wallet_ids: Sequence[UUID]) -> None:
    """End wallets whose time is over. The agenda calls it. Announces WalletsMoved."""
    found = store.find_wallets(work.tx, organization_id=work.organization_id, ids=wallet_ids, active_only=True, lock=True)
    end_wallets(work, found)
    if found:
        work.announce(WalletsMoved(list({wallet.customer_id for wallet in found})))


def fire_intervals(work: Work, rule_ids: Sequence[UUID]) -> None:
    """Top wallets up on their rules' day, and set the next one. The agenda calls it."""
    wallet_of = store.find_rule_wallets(work.tx, rule_ids=rule_ids)
    found = store.find_wallets(work.tx, organization_id=work.organization_id, ids=set(wallet_of.values()), active_only=True, lock=True)
    owners = customers.find_customers(work.tx, organization_id=work.organization_id, ids=[wallet.customer_id for wallet in found])
    for wallet in found:
        for rule in wallet.rules:
            if rule.id in wallet_of and rule.is_live(work.now):
                fire_interval(work, wallet, rule)
        schedule_rules(work, wallet, zone=owners[wallet.customer_id].zone, is_done_today=True)


def _active(work: Work, *, customer_ids: Sequence[UUID]) -> list[Wallet]:
    found = store.find_wallets(work.tx, organization_id=work.organization_id, customer_ids=customer_ids, lock=True)
    return [wallet for wallet in found if wallet.status is WalletStatus.ACTIVE]
