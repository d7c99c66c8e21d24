"""The time machine: a sandbox's clock, moved on by a day, to the next invoice or to a date, and what happened on the way."""

from datetime import UTC, datetime, time, timedelta
from typing import Any, Final

from daycount import errors
from daycount.dashboard import formats, store
from daycount.dashboard.http import Response, redirect
from daycount.dashboard.routing import Pages
from daycount.dashboard.visit import Visit
from daycount.periods import start_of_day

pages = Pages()
STEPS: Final = (("hour", "1 hour"), ("day", "1 day"), ("week", "1 week"), ("month", "1 month"))


@pages.get("/clock")
def show_clock(visit: Visit) -> Response:
    """Show the clock, what comes next, and what happened."""
    return _show(visit, since=formats.read_instant(visit.query.one("since")))


def _show(visit: Visit, *, since: datetime | None = None, status: int = 200) -> Response:
    if not visit.membership.is_sandbox:
        return visit.render("clock_live.html", title="Time machine", nav="clock", status=status)
    clock = visit.get("/test_clock")["test_clock"]
    tx, organization_id = visit.work.tx, visit.organization.id
    return visit.render(
        "clock.html",
        title="Time machine",
        nav="clock",
        status=status,
        clock=clock,
        steps=STEPS,
        since=since,
        coming=store.list_coming(tx, organization_id=organization_id, limit=8),
        happened=store.list_happened(tx, organization_id=organization_id, since=since, limit=60 if since else 24),
        may_move=visit.may("organization"),
    )


@pages.post("/clock", is_transactional=False)
def move_clock(visit: Visit) -> Response:
    """Move the clock; everything due on the way happens, each thing at its own time."""
    frozen = visit.organization.frozen_time
    if frozen is None:
        raise errors.NotAllowed("test_clock_not_available")
    if not visit.may("organization"):
        raise errors.Forbidden("write_action_not_allowed_for_organization")
    try:
        target = _target(visit, frozen)
        visit.backend.advance(visit.organization.id, target)
    except errors.Invalid:
        return redirect("/clock", {"refused": "earlier"})
    return redirect("/clock", {"done": "moved", "since": frozen.isoformat()})


def _target(visit: Visit, frozen: datetime) -> datetime:
    """Read where the clock goes. Raises Invalid (frozen_time)."""
    match visit.form.one("by"):
        case "hour":
            return frozen + timedelta(hours=1)
        case "day":
            return frozen + timedelta(days=1)
        case "week":
            return frozen + timedelta(days=7)
        case "month":
            return _a_month_later(frozen)
        case "next":
            coming = formats.read_instant(visit.form.one("next"))
            return coming if coming is not None and coming > frozen else frozen
        case _:
            day = formats.read_day(visit.form.one("date"))
            if day is None:
                raise errors.Invalid({"frozen_time": ["invalid_date"]})
            return start_of_day(day, zone=visit.zone)


def _a_month_later(instant: datetime) -> datetime:
    """Return the same day of the next month, or its last day where it is shorter."""
    month, year = (instant.month % 12 + 1, instant.year + instant.month // 12)
    for day in (instant.day, 30, 29, 28):
        try:
            return datetime.combine(
                instant.date().replace(year=year, month=month, day=day), instant.timetz().replace(tzinfo=None), tzinfo=UTC
            )
        except ValueError:
            continue
    return datetime.combine(instant.date().replace(year=year, month=month, day=28), time.min, tzinfo=UTC)


def as_text(value: Any) -> str:
    """Write an instant for a form's hidden field."""
    return value.isoformat() if isinstance(value, datetime) else str(value)
