"""The events behind a fee on the wire, as a list and as CSV."""

import csv
import io
from collections.abc import Sequence

from msgspec import Raw, Struct

from daycount.api.paging import Page, page_of, read_page
from daycount.api.routing import Call, Routes
from daycount.api.wire import Stamp, read_path_uuid, stamp_milliseconds
from daycount.infra.work import Work
from daycount.invoicing.fee_events import FeeEvents, list_fee_events
from daycount.invoicing.fees import operations

routes = Routes("fees")
_MOST_ROWS = 100_000
_COLUMNS = ("transaction_id", "external_subscription_id", "code", "timestamp", "received_at", "value", "is_carried", "properties")


class FeeEventObject(Struct, frozen=True, kw_only=True):
    """
    An event that a fee counts, with the value that counts of it.

    `is_carried` says that it is dated before the period, in which a recurring metric carries it on.
    """

    lago_id: str
    transaction_id: str
    external_subscription_id: str | None
    code: str
    timestamp: Stamp
    received_at: Stamp
    value: str | None
    is_carried: bool
    properties: Raw


def _to_wire(found: FeeEvents) -> list[FeeEventObject]:
    return [
        FeeEventObject(
            lago_id=item.event.key,
            transaction_id=item.event.transaction_id,
            external_subscription_id=item.event.external_subscription_id,
            code=item.event.code,
            timestamp=stamp_milliseconds(item.event.at),
            received_at=stamp_milliseconds(item.event.created_at),
            value=item.value,
            is_carried=found.period_start is not None and item.event.at < found.period_start,
            properties=Raw(item.event.properties.encode()),
        )
        for item in found.events
    ]


@routes.get("/fees/{lago_id}/events", returns=FeeEventObject, root_out="events", is_list=True, is_extension=True)
def find_all_fee_events(work: Work, call: Call) -> Page:
    """List the events that a fee counts, the oldest first."""
    fee = operations.get_fee(work, read_path_uuid(call.path["lago_id"], "fee"))
    asked = read_page(call.query)
    found = list_fee_events(work, fee, events=call.services.events, limit=asked.per_page, offset=asked.offset)
    return page_of(_to_wire(found), asked=asked, total=found.total)


@routes.get("/fees/{lago_id}/events.csv", returns=str, content_type="text/csv", is_extension=True)
def export_fee_events(work: Work, call: Call) -> str:
    """Export the events that a fee counts as CSV, the oldest first, 100,000 a page."""
    fee = operations.get_fee(work, read_path_uuid(call.path["lago_id"], "fee"))
    offset = (read_page(call.query).page - 1) * _MOST_ROWS
    found = list_fee_events(work, fee, events=call.services.events, limit=_MOST_ROWS, offset=offset)
    return _written(_to_wire(found))


def _written(rows: Sequence[FeeEventObject]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    for row in rows:
        values = [row.transaction_id, row.external_subscription_id or "", row.code, row.timestamp, row.received_at, row.value or ""]
        writer.writerow([*map(_cell, values), "true" if row.is_carried else "false", bytes(row.properties).decode()])
    return text.getvalue()


def _cell(value: str) -> str:
    """Keep a value that a spreadsheet would take for a formula from being one."""
    return f"'{value}" if value[:1] in ("=", "+", "@", "\t", "\r") else value
