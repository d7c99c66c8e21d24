"""
Writing electronic invoices: as CII inside a PDF (Factur-X), and as UBL. The edge to the library that knows both.

Source: EN 16931; Factur-X 1.0; XRechnung 3.0 for sellers in Germany.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from importlib import import_module
from typing import Any, Final

from daycount.invoicing.einvoices.records import NO_TAX_REASONS, Category, EInvoice, Line, Rate, TaxGroup, Trader
from daycount.money import CURRENCIES

_CORE: Final = "urn:cen.eu:en16931:2017"
_XRECHNUNG: Final = f"{_CORE}#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0"
_PEPPOL_BILLING: Final = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"
_UNIT: Final = "C62"
_UNWRITABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@cache
def _library() -> Any:
    """Load the library with the first document: that takes most of a second, and most servers write none."""
    return import_module("facturx")


def write_cii(invoice: EInvoice) -> bytes:
    """Return an invoice as CII, the XML that stands inside a Factur-X file."""
    written: bytes = _library().generate_cii_xml(_terms(invoice), level="en16931", check_xsd=False, check_schematron=False)
    return _with_all_means(written, invoice, "ram:SpecifiedTradeSettlementPaymentMeans")


def write_ubl(invoice: EInvoice) -> bytes:
    """Return an invoice as UBL 2.1; where the seller is in Germany as XRechnung."""
    terms = _terms(invoice)
    is_german = invoice.seller.country == "DE"
    if is_german:
        terms["BT-23"] = _PEPPOL_BILLING
    written: bytes = _library().generate_ubl_xml(terms, level="en16931", check_xsd=False, check_schematron=False)
    if is_german:
        written = written.replace(f">{_CORE}<".encode(), f">{_XRECHNUNG}<".encode(), 1)
    return _with_all_means(written, invoice, "cac:PaymentMeans")


def embed(pdf: bytes, cii: bytes, *, language: str, author: str, title: str) -> bytes:
    """Return a PDF/A-3 file that carries an invoice as CII."""
    metadata = {"author": author, "keywords": "Factur-X", "title": title, "subject": title}
    written: bytes = _library().generate_from_binary(
        pdf, cii, flavor="factur-x", level="en16931", check_xsd=False, pdf_metadata=metadata, lang=language, afrelationship="alternative"
    )
    return written


def _with_all_means(written: bytes, invoice: EInvoice, block: str) -> bytes:
    """Repeat the block of a means of payment for each there is; the library writes the first."""
    found = re.search(rf" *<{block}>.*?</{block}>\n".encode(), written, re.DOTALL)
    assert found is not None, "a document has a means of payment"
    first = f">{invoice.means[0]}<".encode()
    blocks = b"".join(found[0].replace(first, f">{means}<".encode(), 1) for means in invoice.means)
    return written[: found.start()] + blocks + written[found.end() :]


def _terms(invoice: EInvoice) -> dict[str, Any]:
    """Write an invoice by the numbers that EN 16931 gives its terms."""

    def money(cents: int) -> str:
        known = CURRENCIES[invoice.currency]
        return f"{Decimal(cents) / known.subunits:.{known.exponent}f}"

    terms: dict[str, Any] = {
        "BT-1": invoice.number,
        "BT-2": invoice.issuing_date,
        "BT-3": invoice.type_code.value,
        "BT-5": invoice.currency,
        "BT-9": invoice.due_date,
        "BT-10": invoice.buyer_reference,
        "BT-13": invoice.purchase_order_number,
        "BT-20": invoice.terms,
        "BT-72": max((line.last_day for line in invoice.lines if line.last_day is not None), default=invoice.issuing_date),
        "BT-81": invoice.means[0].value,
        "BT-106": money(invoice.lines_cents),
        "BT-109": money(invoice.lines_cents - invoice.allowance_cents),
        "BT-110": money(invoice.tax_cents),
        "BT-112": money(invoice.total_with_tax_cents),
        "BT-115": money(invoice.payable_cents),
        "BG-4": _trader(invoice.seller),
        "BG-7": _trader(invoice.buyer),
        "BG-23": [_tax_group(group, money(group.basis_cents), money(group.tax_cents)) for group in invoice.groups],
        "BG-25": [_line(number, line, money(line.amount_cents)) for number, line in enumerate(invoice.lines, start=1)],
    }
    if invoice.allowance_cents:
        terms["BT-107"] = money(invoice.allowance_cents)
        terms["BG-20"] = [
            {"amount": money(group.allowance_cents), "reason": invoice.allowance_reason, "reason_code": "95"}
            | _rate(group.rate, category="vat_category_code", percent="vat_rate")
            for group in invoice.groups
            if group.allowance_cents
        ]
    if invoice.prepaid_cents:
        terms["BT-113"] = money(invoice.prepaid_cents)
    if invoice.rounding_cents:
        terms["BT-114"] = money(invoice.rounding_cents)
    if invoice.preceding:
        terms["BG-3"] = [_given({"BT-25": number, "BT-26": day}) for number, day in invoice.preceding]
    return _given(terms)


def _given(terms: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what there is not, and letters that no XML can hold."""
    cleaned = {name: _UNWRITABLE.sub("", value) if isinstance(value, str) else value for name, value in terms.items()}
    return {name: value for name, value in cleaned.items() if value is not None and value != ""}


def _trader(trader: Trader) -> dict[str, Any]:
    contact = trader.contact
    return _given(
        {
            "name": trader.name,
            "legal_identifier": trader.legal_number,
            "vat_identifier": trader.vat_number,
            "addr_l1": trader.address_line1,
            "addr_l2": trader.address_line2,
            "city": trader.city,
            "postcode": trader.zipcode,
            "country_subdivision": trader.state,
            "country_code": trader.country,
            "einvoicing_addr": trader.email,
            "einvoicing_addr_schemeid": None if trader.email is None else "EM",
            "contacts": None if contact is None else [_given({"name": contact.name, "phone": contact.phone, "email": contact.email})],
        }
    )


def _rate(rate: Rate, *, category: str, percent: str) -> dict[str, str]:
    """Write how something is taxed; what is outside the scope has no rate at all."""
    named = {category: rate.category.value}
    return named if rate.category is Category.OUTSIDE else named | {percent: f"{rate.percent.normalize():f}"}


def _tax_group(group: TaxGroup, basis: str, tax: str) -> dict[str, str]:
    code, reason = NO_TAX_REASONS.get(group.rate.category, ("", ""))
    written = {"BT-116": basis, "BT-117": tax} | _rate(group.rate, category="BT-118", percent="BT-119")
    return written | _given({"BT-120": reason, "BT-121": code})


def _line(number: int, line: Line, amount: str) -> dict[str, Any]:
    return _given(
        {
            "BT-126": str(number),
            "BT-129": f"{line.quantity:f}",
            "BT-130": _UNIT,
            "BT-131": amount,
            "BT-134": line.first_day,
            "BT-135": line.last_day,
            "BT-146": f"{line.price:f}",
            "BT-153": line.name,
            "BT-154": line.about,
        }
        | _rate(line.rate, category="BT-151", percent="BT-152")
    )
