"""Reading what a plan sets beside its prices: a minimum commitment and usage thresholds."""

from collections.abc import Sequence

from msgspec import structs

from daycount import errors
from daycount.catalog.fields import read_amount_cents
from daycount.catalog.records import Commitment, CommitmentInput, ThresholdInput, UsageThreshold
from daycount.given import given, given_or_default, is_given
from daycount.infra.work import Work


def read_commitment(work: Work, wanted: CommitmentInput | None, stored: Commitment | None, found: errors.FieldErrors) -> Commitment | None:
    """
    Read a minimum commitment: new, changed, or taken away by null or an empty object.

    Source: Lago API, plans.
    """
    if wanted is None or not any(is_given(getattr(wanted, name)) for name in wanted.__struct_fields__):
        return None
    amount = given(wanted.amount_cents, None if stored is None else stored.amount_cents)
    if amount is None or amount <= 0:
        found.add("amount_cents", "value_is_out_of_range")
        amount = 1
    fresh = Commitment(
        id=work.new_id(),
        amount_cents=read_amount_cents(amount, found),
        invoice_display_name=given(wanted.invoice_display_name, None if stored is None else stored.invoice_display_name),
        created_at=work.now,
        updated_at=work.now,
    )
    return fresh if stored is None else structs.replace(fresh, id=stored.id, created_at=stored.created_at, taxes=stored.taxes)


def read_thresholds(
    work: Work, items: Sequence[ThresholdInput], stored: Sequence[UsageThreshold], found: errors.FieldErrors
) -> tuple[UsageThreshold, ...]:
    """
    Read usage thresholds, by amount; one that is there already with its amount keeps its identity.

    Source: Lago API, progressive billing: amounts above 0, none twice, at most one recurring.
    """
    known = {(item.amount_cents, item.recurring): item for item in stored}
    thresholds: dict[tuple[int, bool], UsageThreshold] = {}
    for item in items:
        amount = given(item.amount_cents, None)
        key = (amount or 0, given_or_default(item.recurring, default=False))
        if amount is None:
            found.add("usage_thresholds", "missing_amount_cents")
        elif amount <= 0:
            found.add("amount_cents", "value_is_out_of_range")
        elif key in thresholds:
            found.add("usage_thresholds", "duplicated_values")
        before = known.get(key)
        thresholds[key] = UsageThreshold(
            id=work.new_id() if before is None else before.id,
            amount_cents=read_amount_cents(key[0], found) if amount is not None and amount > 0 else 0,
            threshold_display_name=given(item.threshold_display_name, None),
            recurring=key[1],
            created_at=work.now if before is None else before.created_at,
            updated_at=work.now,
        )
    if sum(item.recurring for item in thresholds.values()) > 1:
        found.add("usage_thresholds", "multiple_recurring_thresholds")
    return tuple(sorted(thresholds.values(), key=lambda item: (item.recurring, item.amount_cents)))
