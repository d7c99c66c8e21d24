"""Attempts: what is due of customers that owe is asked for by payment requests. The agenda calls it, in their lanes."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from daycount.customers import store as customers
from daycount.customers.operations import lane_of
from daycount.dunning import store
from daycount.dunning.operations import PURSUE
from daycount.dunning.records import Attempt, Campaign, CampaignFinished
from daycount.engine.dunning import Pursuit, Standing, is_reached, pursue
from daycount.infra.work import Work
from daycount.invoicing import store as invoices
from daycount.invoicing.records import Invoice
from daycount.payments.requests.operations import Asked, find_ready, request_payments

_NOTHING: Final[dict[str, Standing]] = {}


def pursue_customers(work: Work, customer_ids: Sequence[UUID]) -> None:
    """
    Ask customers for what is overdue, where their campaign says so, and set when they are looked at again.

    One payment request for each currency and billing entity, of all overdue invoices. Announces PaymentRequestMade and
    CampaignFinished. A constant number of queries.
    """
    campaigns = store.find_campaigns_of(work.tx, organization_id=work.organization_id, customer_ids=customer_ids)
    if not campaigns:
        return
    overdue: defaultdict[UUID, list[Invoice]] = defaultdict(list)
    for invoice in invoices.list_overdue(work.tx, organization_id=work.organization_id, customer_ids=list(campaigns)):
        overdue[invoice.customer_id].append(invoice)
    standings = store.find_standings(work.tx, customer_ids=list(campaigns))
    _begin_anew_below(work, campaigns, overdue, standings)
    found: dict[UUID, Pursuit] = {}
    for customer_id in sorted(campaigns):
        found[customer_id] = pursue(
            campaigns[customer_id].rules,
            balances=_balances(overdue[customer_id]),
            standings=standings.get(customer_id, _NOTHING),
            now=work.now,
        )
    _ask(work, found, campaigns, overdue)
    again = [(customer_id, lane_of(customer_id), pursuit.next_at) for customer_id, pursuit in found.items() if pursuit.next_at]
    work.agenda.put_many(PURSUE, again)
    for customer_id, pursuit in found.items():
        if pursuit.is_finished:
            work.announce(CampaignFinished(campaigns[customer_id], customer_id, _balances(overdue[customer_id])))


def _balances(found: Sequence[Invoice]) -> dict[str, int]:
    """Return what is due of overdue invoices, by currency."""
    balances: defaultdict[str, int] = defaultdict(int)
    for invoice in found:
        balances[invoice.currency] += invoice.total_due_amount_cents
    return dict(sorted(balances.items()))


def _begin_anew_below(
    work: Work,
    campaigns: dict[UUID, Campaign],
    overdue: defaultdict[UUID, list[Invoice]],
    standings: dict[UUID, dict[str, Standing]],
) -> None:
    """Let those begin anew that owe less than every threshold of their campaign: its thresholds were raised, or most was paid."""
    below = []
    for customer_id in [one for one in campaigns if one in standings]:
        rules = campaigns[customer_id].rules
        balances = _balances(overdue[customer_id]).items()
        if not any(is_reached(rules, currency=currency, balance_cents=amount) for currency, amount in balances):
            below.append(customer_id)
            del standings[customer_id]
    if below:
        store.reset(work.tx, customer_ids=below)


def _ask(work: Work, found: dict[UUID, Pursuit], campaigns: dict[UUID, Campaign], overdue: defaultdict[UUID, list[Invoice]]) -> None:
    """Write the attempts of now and their payment requests; what a provider is being asked for already is left out of these."""
    owners = customers.find_customers(work.tx, organization_id=work.organization_id, ids=list(found))
    pursued = [invoice for customer_id, pursuit in found.items() if pursuit.currencies for invoice in overdue[customer_id]]
    ready = {invoice.id for invoice in find_ready(work, pursued)}
    attempts, asks = [], []
    for customer_id, pursuit in found.items():
        campaign = campaigns[customer_id]
        for currency in pursuit.currencies:
            attempts.append(
                Attempt(
                    organization_id=work.organization_id,
                    customer_id=customer_id,
                    currency=currency,
                    attempted_at=work.now,
                    campaign_id=campaign.id,
                    number=pursuit.attempts[currency],
                )
            )
            of_entity: defaultdict[UUID, list[Invoice]] = defaultdict(list)
            for invoice in overdue[customer_id]:
                if invoice.currency == currency and invoice.id in ready:
                    of_entity[invoice.billing_entity_id].append(invoice)
            asks += [Asked(owners[customer_id], together, campaign_id=campaign.id) for together in of_entity.values()]
    store.insert_attempts(work.tx, attempts)
    request_payments(work, asks)
