"""What checks of tax numbers announce."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from daycount.customers.records import Customer
from daycount.customers.vat.records import VatCheck


class VatChecked(Struct, frozen=True):
    """A customer's tax number was asked for; the check says what came of it. Webhook `customer.vies_check`."""

    customer: Customer
    check: VatCheck


class VatSettled(Struct, frozen=True):
    """Nothing is open about the tax numbers of customers any more; their invoices wait no longer."""

    customer_ids: Sequence[UUID]
