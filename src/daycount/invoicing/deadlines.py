"""What time does to invoices: a draft is finalized at the end of its grace, an unpaid invoice falls overdue."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from daycount.customers.operations import lane_of
from daycount.infra.work import Work
from daycount.invoicing.records import Invoice
from daycount.periods import ONE_DAY, start_of_day

FINALIZE, REFRESH, OVERDUE = "finalize_invoice", "refresh_invoice", "invoice_overdue"
CLOSE_ACCOUNT = "close_account"
"""Finalizes whatever drafts a deleted customer has."""
COLLECT = "collect_payment"
"""Has an invoice paid by its customer's payment provider."""
REFRESHED_AFTER = timedelta(minutes=5)


def set_deadlines(work: Work, invoices: Sequence[Invoice]) -> None:
    """
    Write down what is due for invoices as they are now, in place of what was: two statements whatever their number.

    What was due in the past, since settings changed, is due now: nothing happens before its cause.
    """
    drafts = [row for row in invoices if row.status == "draft"]
    work.agenda.put_many(FINALIZE, [(row.id, lane_of(row.customer_id), max(_finalized_at(row), work.now)) for row in drafts])
    unpaid = [row for row in invoices if row.status == "finalized" and row.total_due_amount_cents > 0]
    work.agenda.put_many(OVERDUE, [(row.id, lane_of(row.customer_id), max(_overdue_at(row), work.now)) for row in unpaid])


def set_refreshes(work: Work, drafts: Sequence[Invoice]) -> None:
    """Have drafts computed again in a few minutes, once for all that changes until then."""
    work.agenda.put_many(REFRESH, [(row.id, lane_of(row.customer_id), work.now + REFRESHED_AFTER) for row in drafts])


def _finalized_at(row: Invoice) -> datetime:
    assert row.expected_finalization_date is not None
    return start_of_day(row.expected_finalization_date, zone=ZoneInfo(row.zone))


def _overdue_at(row: Invoice) -> datetime:
    """Return the start of the local day after the last one to pay in."""
    return start_of_day(row.payment_due_date + ONE_DAY, zone=ZoneInfo(row.zone))
