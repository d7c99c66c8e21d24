"""Running at once what accepted events caused, beside the loop that would come to it later."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection

from daycount.infra import agenda
from daycount.infra.work import Workplace
from daycount.organizations import store as organizations
from daycount.usage.prompt import PRICE_EVENT
from daycount.worker.runner import Runner

PRICE = "events.price"
_MOST_ENTRIES = 1000


class PromptRunner:
    """Prices events paid for in advance, lane by lane in order of arrival."""

    def __init__(self, workplace: Workplace, runner: Runner) -> None:
        self._workplace = workplace
        self._runner = runner

    def run(self, organization_id: UUID, lanes: Sequence[UUID]) -> None:
        """
        Price what waits in lanes of an organization. Locks a sandbox's clock against moving, then the lanes.

        What another process is pricing is waited for. Some thousand events are a transaction.
        """
        while True:
            with self._workplace.transaction(PRICE) as tx:
                entries = self._claim(tx, organization_id, lanes)
                if entries:
                    self._runner.run(tx, entries)
            if len(entries) < _MOST_ENTRIES:
                return

    def _claim(self, tx: Connection, organization_id: UUID, lanes: Sequence[UUID]) -> list[agenda.Entry]:
        if organizations.find_clock(tx, organization_id) is not None:
            organizations.share_clock(tx, organization_id)
        return agenda.claim_lanes(tx, PRICE_EVENT, organization_id=organization_id, lanes=lanes, most=_MOST_ENTRIES)
