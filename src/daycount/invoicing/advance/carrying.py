"""Usage that is paid for in advance goes on where it stands when a running subscription gets a plan of its own."""

from uuid import UUID

from daycount.catalog.pricing import same_filters
from daycount.catalog.records import Plan
from daycount.infra.work import Work
from daycount.invoicing.advance import store


def carry_standings(work: Work, subscription_id: UUID, *, before: Plan, after: Plan) -> None:
    """
    Hand what was paid for in the running period over to the charges of the plan that overrides a subscription's plan.

    A unit that was paid for is not billed again, and prices in tiers go on where they were. A filter goes on as the one with the same
    values. One statement, none without charges in advance.
    """
    old = {charge.id: charge for charge in before.charges}
    pairs = [(old[charge.parent_id], charge) for charge in after.charges if charge.pay_in_advance and charge.parent_id in old]
    filters = [pair for one, other in pairs for pair in same_filters(one, other)]
    store.copy_steps(work.tx, subscription_id=subscription_id, charges=[(one.id, other.id) for one, other in pairs], filters=filters)
