"""The main job: seats that join, leave and come back during a month."""

from tests.support.server import Server


def test_a_team_is_billed_for_the_days_its_seats_were_active(server: Server) -> None:
    api = server.organization(at="2026-07-01T04:00:00Z")
    metric = api.metric()
    api.plan(charges=[api.seat_charge(metric)])
    api.customer(timezone="America/New_York")
    api.subscribe()
    api.event("1", timestamp="1782910800", user_id="ada", operation_type="add")  # 1 July 13:00Z
    api.event("2", timestamp="1782911100", user_id="cleo", operation_type="add")
    api.event("3", timestamp="1783697400", user_id="ben", operation_type="add")  # 10 July
    api.event("4", timestamp="1783890000", user_id="cleo", operation_type="remove")  # 12 July
    api.event("5", timestamp="1784556000", user_id="cleo", operation_type="add")  # 20 July
    usage = api.usage()

    api.move_to("2026-08-01T04:00:00Z")

    # 31 + 24 + 22 = 77 days of 31: 2.48387… up to 2.48388, at 10.00: 24.8388
    [invoice] = api.invoices()
    assert usage["amount_cents"] == 2484
    assert invoice["total_amount_cents"] == 2484
    assert invoice["issuing_date"] == "2026-08-01"
    charge = next(fee for fee in invoice["fees"] if fee["item"]["type"] == "charge")
    assert (charge["units"], charge["amount_cents"], charge["events_count"]) == ("3.0", 2484, 5)
    assert charge["from_date"] == "2026-07-01T04:00:00Z"
    assert charge["to_date"] == "2026-08-01T03:59:59Z"
    api.move_to("2026-08-01T04:00:00Z")
    assert len(api.invoices()) == 1
