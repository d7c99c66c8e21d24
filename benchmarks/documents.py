"""
Documents: how many are made in a second by one thread, beside the same text typeset bare in the same run.

An invoice of two pages with 45 lines, another one each time. The bare document is the table of its lines by the compiler alone,
without a design; an electronic invoice adds the PDF/A-3 and both formats of XML.
"""

import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import NamedTuple

import typst
from msgspec import structs

from benchmarks import machine
from daycount.invoicing.einvoices.records import Category, EInvoice, Line, PaymentMeans, Rate, TaxGroup, Trader, TypeCode
from daycount.invoicing.einvoices.writing import embed, write_cii, write_ubl
from daycount.invoicing.papers.records import Fact, Paper, Party, Row, Section
from daycount.invoicing.papers.typesetting import typeset, typeset_for_archives

_LINES = 45
_LEAST = 50
_AT = datetime(2026, 8, 1, tzinfo=UTC)


class Size(NamedTuple):
    """How many documents are made of each kind."""

    documents: int


WHOLE = Size(documents=300)
QUICK = Size(documents=60)


def run(*, size: Size) -> None:
    """Measure and print."""
    print(machine.describe_machine(), flush=True)
    machine.Quiet().wait()
    bare = _rate(_typeset_bare, size=size)
    print(f"\n{bare:8.1f} documents a second, bare: a table of {_LINES} lines", flush=True)
    for name, make in (("PDF", _typeset), ("electronic invoices", _write)):
        rate = _rate(make, size=size)
        print(
            f"{rate:8.1f} documents a second, {name}: {rate / bare:.2f} of bare, {rate / _LEAST:.1f} times the least of {_LEAST}",
            flush=True,
        )


def _rate(make: Callable[[int], bytes], *, size: Size) -> float:
    make(-1)
    started = time.perf_counter()
    for number in range(size.documents):
        make(number)
    return size.documents / (time.perf_counter() - started)


_BARE = b'#table(columns: 5, ..sys.inputs.text.split("|"))'
_compiler = typst.Compiler()


def _typeset_bare(number: int) -> bytes:
    text = "|".join(f"Line {place} of {number}|{place}|$1.00|20 %|${place}.00" for place in range(_LINES))
    written = _compiler.compile(_BARE, format="pdf", sys_inputs={"text": text})
    assert isinstance(written, bytes), "a PDF is one file"
    return written


def _typeset(number: int) -> bytes:
    return typeset(_paper(number), at=_AT)


def _write(number: int) -> bytes:
    invoice = _einvoice(number)
    write_ubl(invoice)
    return embed(typeset_for_archives(_paper(number), at=_AT), write_cii(invoice), language="en", author="Acme", title="Invoice")


def _paper(number: int) -> Paper:
    party = Party(label="From", name="Acme Inc.", lines=["1 High Street", "London", "United Kingdom", "billing@acme.example"])
    rows = [
        Row(name=f"Line {place} of {number}", units=str(place), unit_price="$1.00", tax_rate="20 %", amount=f"${place}.00")
        for place in range(_LINES)
    ]
    return Paper(
        language="en",
        logo=None,
        title="Invoice",
        number=f"ACME-001-{number}",
        mark="",
        facts=[Fact(label="Number", value=f"ACME-001-{number}")],
        sender=party,
        recipient=party,
        headline="$1,188.00",
        headline_note="Due Aug 1, 2026",
        headings=["Item", "Units", "Unit price", "Tax rate", "Amount"],
        summary=[],
        summary_word="",
        sections=[Section(title="Main team", days="Jul 1, 2026 – Jul 31, 2026", rows=rows, total="")],
        totals=[Fact(label="Total", value="$1,188.00", is_strong=True)],
        notes=["Thank you."],
        page_word="Page",
    )


def _einvoice(number: int) -> EInvoice:
    seller = Trader(
        name="Acme",
        legal_number="552120222",
        vat_number="FR40303265045",
        address_line1="1 rue de la Paix",
        address_line2=None,
        city="Paris",
        zipcode="75001",
        state=None,
        country="FR",
        email="billing@acme.example",
        contact=None,
    )
    rate = Rate(category=Category.STANDARD, percent=Decimal(20))
    cents = [place * 100 for place in range(1, _LINES + 1)]
    lines = [
        Line(
            name=f"Line {place} of {number}",
            about=None,
            quantity=Decimal(amount) / 100,
            price=Decimal(1),
            amount_cents=amount,
            rate=rate,
            first_day=date(2026, 7, 1),
            last_day=date(2026, 7, 31),
        )
        for place, amount in enumerate(cents)
    ]
    return EInvoice(
        number=f"ACME-001-{number}",
        type_code=TypeCode.INVOICE,
        issuing_date=date(2026, 8, 1),
        due_date=date(2026, 8, 31),
        currency="EUR",
        seller=seller,
        buyer=structs.replace(seller, name="Globex"),
        buyer_reference="globex",
        purchase_order_number=None,
        preceding=[],
        lines=lines,
        groups=[TaxGroup(rate=rate, lines_cents=sum(cents), allowance_cents=0, tax_cents=sum(cents) // 5)],
        allowance_reason="",
        prepaid_cents=0,
        rounding_cents=0,
        means=[PaymentMeans.STANDARD],
        terms="30 days",
    )
