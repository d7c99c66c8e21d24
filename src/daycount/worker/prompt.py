"""Running at once what accepted events caused, beside the loop that would come to it later."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection

from daycount.infra import agenda
from daycount.infra.work import Workplace
from daycount.organizations import store as organizations
from daycount.usage.prompt import CHECK_USAGE, PRICE_EVENT
from daycount.worker.runner import Runner

PRICE = "events.price"
CHECK = "usage.check"
_MOST_ENTRIES = 1000


class PromptRunner:
    """Prices events paid for in advance, lane by lane in order of arrival, and looks at usage that grew."""

    def __init__(self, workplace: Workplace, runner: Runner) -> None:
        self._workplace = workplace
        self._runner = runner

    def price(self, organization_id: UUID, lanes: Sequence[UUID]) -> None:
        """
        Price what waits in lanes of an organization. Locks a sandbox's clock against moving, then the lanes.

        What another process is pricing is waited for. Some thousand events are a transaction.
        """
        while True:
            with self._workplace.transaction(PRICE) as tx:
                entries = self._claim(tx, PRICE_EVENT, organization_id, lanes, in_turn=False)
                if entries:
                    self._runner.run(tx, entries)
            if len(entries) < _MOST_ENTRIES:
                return

    def check(self, organization_id: UUID, lanes: Sequence[UUID]) -> None:
        """
        Look at the usage of lanes of an organization, once for all that was noted of a lane. Locks as `price` does.

        What is due before in a lane is left to the agenda, and the check with it.
        """
        with self._workplace.transaction(CHECK) as tx:
            entries = self._claim(tx, CHECK_USAGE, organization_id, lanes, in_turn=True)
            first = {entry.lane_id: entry for entry in reversed(entries)}
            if first:
                self._runner.run(tx, list(first.values()))

    def _claim(self, tx: Connection, kind: str, organization_id: UUID, lanes: Sequence[UUID], *, in_turn: bool) -> list[agenda.Entry]:
        if organizations.find_clock(tx, organization_id) is not None:
            organizations.share_clock(tx, organization_id)
        return agenda.claim_lanes(tx, kind, organization_id=organization_id, lanes=lanes, most=_MOST_ENTRIES, in_turn=in_turn)
