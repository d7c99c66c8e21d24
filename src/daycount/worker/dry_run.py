"""
Dry runs: the agenda of one organization is run up to an instant, what it billed is looked at, and everything is taken back.

It is the very code that bills; nothing of it stays. While it lasts the organization's lanes are held.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from daycount.infra import agenda
from daycount.infra.agenda import Parked
from daycount.infra.work import Workplace
from daycount.invoicing import store
from daycount.invoicing.records import Invoice
from daycount.worker.runner import Runner

_LANES = 500


class DryRun(NamedTuple):
    """What would be different: invoices made, drafts that became something else, and entries that would be set aside."""

    made: Sequence[Invoice]
    changed: Sequence[Invoice]
    parked: Sequence[Parked]


def rehearse_agenda(workplace: Workplace, runner: Runner, *, organization_id: UUID, until: datetime) -> DryRun:
    """Run what is due until an instant, the end included, and take it back."""
    marker = workplace.new_id()
    with workplace.engine.connect() as tx:
        drafts = {row.id for row in store.list_all_drafts(tx, organization_id=organization_id)}
        parked = set(agenda.list_parked(tx, organization_id=organization_id))
        while entries := agenda.claim_organization(tx, organization_id=organization_id, until=until, lanes=_LANES):
            runner.run(tx, entries)
        made = store.list_made_after(tx, organization_id=organization_id, marker=marker)
        changed = store.find_invoices(tx, organization_id=organization_id, ids=list(drafts))
        stuck = [entry for entry in agenda.list_parked(tx, organization_id=organization_id) if entry not in parked]
        tx.rollback()
    return DryRun(made, [row for row in changed if row.status != "draft"], stuck)
