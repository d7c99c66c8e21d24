"""Custom aggregations: every store hands events to a reducer in the same order."""

from decimal import Decimal

from daycount.engine.metrics import AggregationType, Bucket
from daycount.engine.reducer import CustomTerms, read_reducer
from tests.support.event_stores import Shelf, a_metric, an_event, july

LAST_AND_SUM = {
    "init": {"vars": {"last": "0"}},
    "step": {"units": "event.properties.n", "amount": "state.vars.last * event.properties.n", "vars": {"last": "event.properties.n"}},
}


def test_events_pass_in_order_of_time_then_of_arrival(shelf: Shelf) -> None:
    metrics = {"seats": a_metric(AggregationType.CUSTOM, None, recurring=True)}
    sent = [("a", 3, july(9)), ("b", 2, july(5)), ("c", 5, july(9)), ("d", 7, july(1).replace(month=6))]
    shelf.append(
        [an_event(name, f'{{"n": {n}, "team": "{"red" if n > 2 else ""}"}}', at=at) for name, n, at in sent],
        metrics=metrics,
    )
    custom = CustomTerms(read_reducer(LAST_AND_SUM), {})
    fields = {"aggregation": AggregationType.CUSTOM, "field_name": None, "is_prorated": False, "custom": custom}

    whole = shelf.usage(**fields)
    [split] = shelf.buckets([shelf.request(**fields, group_by=(("team",),))])

    # 7 in June, then 2, 3, 5: 7 x 2 + 2 x 3 + 3 x 5
    assert (whole.total, whole.custom_amount, whole.events_count) == (Decimal(5), Decimal(35), 3)
    # red: 7, 3, 5; none: 2
    assert {bucket: (usage.total, usage.custom_amount) for bucket, usage in split.items()} == {
        Bucket(None, ("red",)): (Decimal(5), Decimal(36)),
        Bucket(None, (None,)): (Decimal(2), Decimal(0)),
    }
