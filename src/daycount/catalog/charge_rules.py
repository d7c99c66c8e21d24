"""Which charge model, metric, proration and timing go together. What does not is noted, not raised."""

from daycount import errors
from daycount.catalog.records import Charge, Metric
from daycount.engine.charges.models import ChargeModel
from daycount.engine.metrics import AggregationType

_IN_ADVANCE = frozenset({AggregationType.COUNT, AggregationType.SUM, AggregationType.UNIQUE_COUNT})
_PRORATED_IN_ARREARS = frozenset({ChargeModel.STANDARD, ChargeModel.VOLUME, ChargeModel.GRADUATED})


def read_model(value: str | None, metric: Metric, found: errors.FieldErrors) -> ChargeModel:
    """
    Read a charge model and check that it can price the metric.

    Dynamic prices need a sum. Custom prices and custom aggregations need each other. Source: Lago docs, charges.
    """
    if value not in set(ChargeModel):
        found.add("charge_model", "value_is_invalid" if value else "value_is_mandatory")
        return ChargeModel.STANDARD
    model = ChargeModel(value)
    is_custom = metric.aggregation_type is AggregationType.CUSTOM
    if (model is ChargeModel.CUSTOM) is not is_custom or (
        model is ChargeModel.DYNAMIC and metric.aggregation_type is not AggregationType.SUM
    ):
        found.add("charge_model", "invalid_aggregation_type_or_charge_model")
    return model


def check_combination(charge: Charge, found: errors.FieldErrors) -> None:
    """Check what goes with what. Source: Lago docs, charges; the table of models and aggregations."""
    if not charge.invoiceable and not charge.pay_in_advance:
        found.add("invoiceable", "must_be_true_unless_pay_in_advance")
    if charge.regroup_paid_fees is not None and (charge.invoiceable or not charge.pay_in_advance or charge.regroup_paid_fees != "invoice"):
        found.add("regroup_paid_fees", "only_compatible_with_pay_in_advance_and_non_invoiceable")
    if charge.pay_in_advance:
        if charge.charge_model is ChargeModel.VOLUME or charge.metric.aggregation_type not in _IN_ADVANCE:
            found.add("pay_in_advance", "invalid_aggregation_type_or_charge_model")
        if charge.min_amount_cents > 0:
            found.add("min_amount_cents", "not_compatible_with_pay_in_advance")
    if charge.min_amount_cents < 0:
        found.add("min_amount_cents", "value_is_out_of_range")
    if charge.prorated and not _can_be_prorated(charge):
        found.add("prorated", "invalid_billable_metric_or_charge_model")


def _can_be_prorated(charge: Charge) -> bool:
    models = {ChargeModel.STANDARD} if charge.pay_in_advance else _PRORATED_IN_ARREARS
    is_by_days = charge.metric.recurring and charge.metric.aggregation_type is not AggregationType.WEIGHTED_SUM
    return is_by_days and charge.charge_model in models
