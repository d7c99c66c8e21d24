"""Between fees and the steps of money: what the engine has to know of each fee, and what is kept of its answer."""

from collections.abc import Sequence
from typing import Any

from daycount.catalog.records import TARGET_WALLET, Plan
from daycount.engine.fees import FeeDraft
from daycount.engine.invoice import NO_STEPS, Assembled, Steps, assemble
from daycount.engine.items import NO_TAX, Item
from daycount.engine.taxes import Taxation, applicable_taxes
from daycount.infra.work import Work
from daycount.invoicing.compute import Computed
from daycount.invoicing.records import AppliedTax
from daycount.taxes.records import Tax


def assemble_fees(group: Sequence[Computed], *, steps: Steps = NO_STEPS) -> Assembled:
    """Take the fees of subscriptions that share an invoice, in their order, through the steps of money."""
    items = [item_of(computed, draft) for computed in group for draft in computed.fees]
    return assemble(items, currency=group[0].job.subject.plan.amount_currency, steps=steps)


def item_of(computed: Computed, draft: FeeDraft) -> Item:
    """Return a fee as the steps of money see it, with the taxes of its charge, plan, customer or billing entity."""
    subject = computed.job.subject
    charge = next((usage.charge for usage in computed.charges if usage.charge.id == draft.charge_id), None)
    own = [tax.as_rate for tax in _own_taxes(subject.plan, draft)] if charge is None else [tax.as_rate for tax in charge.taxes]
    return Item(
        fee_type=draft.fee_type,
        amount_cents=draft.amount_cents,
        precise_amount_cents=draft.precise_amount_cents,
        taxes=applicable_taxes(own, [tax.as_rate for tax in subject.plan.taxes], subject.inherited_taxes),
        metric_id=None if charge is None else charge.metric.id,
        plan_id=subject.plan.parent_id or subject.plan.id,
        target_wallet_code=draft.grouped_by.get(TARGET_WALLET),
        inherits_taxes=not own and not subject.plan.taxes,
    )


def _own_taxes(plan: Plan, draft: FeeDraft) -> Sequence[Tax]:
    """Return the taxes of a fee's fixed charge or commitment."""
    if draft.fee_type == "commitment" and plan.minimum_commitment is not None:
        return plan.minimum_commitment.taxes
    return next((item.taxes for item in plan.fixed_charges if item.id == draft.fixed_charge_id), ())


def applied_taxes(work: Work, taxation: Taxation) -> list[AppliedTax]:
    """Write down taxes as they are now."""
    return [
        AppliedTax(
            id=work.new_id(),
            tax_id=line.tax.tax_id,
            code=line.tax.code,
            name=line.tax.name,
            rate=line.tax.rate,
            description=line.tax.description,
            base_cents=line.base_cents,
            amount_cents=line.amount_cents,
        )
        for line in taxation.lines
    ]


def taxed_fields(work: Work, item: Item) -> dict[str, Any]:
    """Return the fields of a stored fee that the steps of money fill: taxes, and what it bears of coupons and credit notes."""
    taxation = item.taxation or NO_TAX
    return {
        "taxes_amount_cents": taxation.amount_cents,
        "taxes_precise_amount_cents": taxation.precise_cents,
        "taxes_rate": taxation.rate,
        "inherits_taxes": item.inherits_taxes,
        "precise_coupons_amount_cents": item.precise_coupons_cents,
        "precise_credit_notes_amount_cents": item.precise_credit_notes_cents,
        "applied_taxes": applied_taxes(work, taxation),
    }
