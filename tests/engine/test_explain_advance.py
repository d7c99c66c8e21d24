"""What is said of an event paid for in advance: each figure from the derivation stored with its fee."""

from daycount.invoicing.explain_advance import explain_event
from tests.engine.test_advance import GRADUATED, STANDARD, walk


def test_an_event_is_explained_by_what_it_changed_and_what_all_units_come_to() -> None:
    [_, (_, fee)] = walk([(10, "10"), (11, "1")], GRADUATED)

    # 7 + 10 x 0.30 = 10.00 without, 10 + 4 + 0.20 = 14.20 with
    assert explain_event("Calls", fee.derivation, currency="USD") == [
        "Calls was paid for in advance, by the event 'on the 11.' of 2026-04-11T09:00:00+00:00.",
        "It changed the units of the period by 1.0, from 10.0 to 11.0; 10.0 were paid for, so 1.0 more are due.",
        "All units come to 14.2 USD with the event and 10.0 without it: 4.2 USD are due.",
    ]


def test_a_prorated_event_is_explained_by_the_days_that_are_left() -> None:
    [(_, fee)] = walk([(6, "1")], STANDARD, is_prorated=True, carried="2")

    sentences = explain_event("Seats", fee.derivation, currency="USD")

    assert sentences[1] == "2.0 units were there when the period began."
    assert sentences[-1] == "For the days that are left of the period they count as 0.83334: 10.00008 USD."
