"""What an electronic invoice says, in the terms of EN 16931, whatever it is written as. Amounts are minor units of its currency."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple

from msgspec import Struct


class TypeCode(StrEnum):
    """What kind of document it is (UNTDID 1001)."""

    INVOICE = "380"
    CREDIT_NOTE = "381"
    PREPAYMENT = "386"
    SELF_BILLED = "389"


class Category(StrEnum):
    """How a line is taxed (UNCL 5305): at a rate, at none, owed by the buyer, outside the scope."""

    STANDARD = "S"
    ZERO = "Z"
    REVERSE_CHARGE = "AE"
    OUTSIDE = "O"


class PaymentMeans(StrEnum):
    """How it is paid (UNTDID 4461)."""

    STANDARD = "1"
    CARD = "48"
    PREPAID = "57"
    CREDIT_NOTE = "97"


NO_TAX_REASONS: Final = {
    Category.REVERSE_CHARGE: ("VATEX-EU-AE", "Reverse charge"),
    Category.OUTSIDE: ("VATEX-EU-O", "Not subject to VAT"),
}
"""Code and text of why there is no tax, where a category must say so."""


class Contact(Struct, frozen=True, kw_only=True):
    """Whom to ask."""

    name: str
    phone: str | None
    email: str | None


class Trader(Struct, frozen=True, kw_only=True):
    """A seller or a buyer."""

    name: str
    legal_number: str | None
    vat_number: str | None
    address_line1: str | None
    address_line2: str | None
    city: str | None
    zipcode: str | None
    state: str | None
    country: str | None
    email: str | None
    contact: Contact | None


class Rate(Struct, frozen=True, kw_only=True, order=True):
    """How something is taxed: a category and a rate in percent."""

    category: Category
    percent: Decimal


class Line(Struct, frozen=True, kw_only=True):
    """One line: so many at a price in major units, and what it comes to without tax. Days are local, the last one included."""

    name: str
    about: str | None
    quantity: Decimal
    price: Decimal
    amount_cents: int
    rate: Rate
    first_day: date | None
    last_day: date | None


class Preceding(NamedTuple):
    """An invoice that a document is about: its number, and its day where that is known."""

    number: str
    day: date | None


class TaxGroup(Struct, frozen=True, kw_only=True):
    """All that is taxed alike: the lines, less what is taken off them (`allowance_cents`), and the tax on the rest."""

    rate: Rate
    lines_cents: int
    allowance_cents: int
    tax_cents: int

    @property
    def basis_cents(self) -> int:
        """Return what the tax is of."""
        return self.lines_cents - self.allowance_cents


class EInvoice(Struct, frozen=True, kw_only=True):
    """
    A document whose amounts add up as the rules of EN 16931 want it.

    Lines make the groups; allowances are taken off; taxes are added: `total_with_tax_cents`. Of that `prepaid_cents` are paid already,
    `rounding_cents` makes up for the rounding of a total that was set before, and the rest is to be paid.
    """

    number: str
    type_code: TypeCode
    issuing_date: date
    due_date: date | None
    currency: str
    seller: Trader
    buyer: Trader
    buyer_reference: str
    purchase_order_number: str | None
    preceding: Sequence[Preceding]
    lines: Sequence[Line]
    groups: Sequence[TaxGroup]
    allowance_reason: str
    prepaid_cents: int
    rounding_cents: int
    means: Sequence[PaymentMeans]
    terms: str

    @property
    def lines_cents(self) -> int:
        """Return the sum of the lines."""
        return sum(group.lines_cents for group in self.groups)

    @property
    def allowance_cents(self) -> int:
        """Return what is taken off the lines."""
        return sum(group.allowance_cents for group in self.groups)

    @property
    def tax_cents(self) -> int:
        """Return the sum of the taxes."""
        return sum(group.tax_cents for group in self.groups)

    @property
    def total_with_tax_cents(self) -> int:
        """Return what it comes to, taxes included."""
        return self.lines_cents - self.allowance_cents + self.tax_cents

    @property
    def payable_cents(self) -> int:
        """Return what is still to be paid."""
        return self.total_with_tax_cents - self.prepaid_cents + self.rounding_cents
