"""What coupons do when others announce."""

from daycount.coupons import store
from daycount.customers.messages import CustomerDeleted
from daycount.infra.work import Work


def on_customer_deleted(work: Work, message: CustomerDeleted) -> None:
    """Take away what a deleted customer had."""
    store.terminate_of_customer(work.tx, customer_id=message.customer_id, at=work.now)
