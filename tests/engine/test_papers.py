"""What is worked out for documents without a server: rows below a fee, and the sums of electronic invoices."""

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from daycount.engine.fees import Breakdown
from daycount.engine.pricing_units import UnitAmounts
from daycount.invoicing.einvoices.compose import _groups
from daycount.invoicing.einvoices.records import Category, Line, Rate
from daycount.invoicing.papers.records import Paper, Party
from daycount.invoicing.papers.rows import rows_of
from daycount.invoicing.papers.typesetting import typeset, typeset_for_archives
from daycount.invoicing.papers.words import Words
from daycount.invoicing.records import Fee
from tests.support.files import text_of

_ID = UUID(int=1)
_AT = datetime(2026, 7, 1, tzinfo=UTC)
_JULY = {"first_day": "2026-07-01", "last_day": "2026-07-31", "full_days": 31}


def a_fee(**fields: Any) -> Fee:
    """Make a fee of 3.00 for July."""
    fee = Fee(
        id=_ID,
        organization_id=_ID,
        invoice_id=_ID,
        subscription_id=_ID,
        charge_id=_ID,
        charge_filter_id=None,
        grouped_by={"region": "eu", "tier": None},
        position=0,
        fee_type="charge",
        item={"invoice_display_name": "Storage"},
        currency="USD",
        units=Decimal(3),
        total_aggregated_units=Decimal(3),
        events_count=1,
        amount_cents=300,
        precise_amount_cents=Decimal(300),
        precise_unit_amount=Decimal(1),
        taxes_amount_cents=0,
        amount_details={},
        shown_from=_AT,
        shown_to=_AT,
        pay_in_advance=False,
        payment_status="pending",
        derivation={"kind": "charge", "period": _JULY},
        created_at=_AT,
    )
    return structs.replace(fee, **fields)


def shown(fee: Fee, days: str = "") -> list[tuple[str, ...]]:
    """Return the texts of the rows of a fee, without those that are empty."""
    rows = rows_of(fee, Words("en"), days=days)
    return [
        tuple(text.replace("\u00a0", " ") for text in (row.name, row.note, row.units, row.unit_price, row.amount) if text) for row in rows
    ]


def test_days_are_left_out_where_the_section_has_them() -> None:
    days = "Jul 1, 2026 – Jul 31, 2026"
    assert shown(a_fee(), days) == [("Storage • eu", "3", "$1.00", "$3.00")]
    assert shown(a_fee())[0][1] == days


def test_units_that_change_by_the_day_are_shown_with_the_days_left() -> None:
    quantity = {"carried": "10", "by_day": {"2026-07-12": "5", "2026-07-31": "-2"}}
    rows = shown(a_fee(derivation={"kind": "charge", "period": _JULY, "quantity": quantity}))
    assert rows[1:] == [("Jul 1, 2026", "10"), ("Jul 12, 2026: 20/31 days", "+5"), ("Jul 31, 2026: 1/31 days", "−2")]


def test_presentation_groups_pricing_units_and_minimums_are_shown() -> None:
    unit = UnitAmounts(
        pricing_unit_id=_ID,
        code="credits",
        short_name="CR",
        conversion_rate=Decimal("0.5"),
        amount_cents=600,
        precise_amount_cents=Decimal(600),
        unit_amount_cents=200,
        precise_unit_amount=Decimal(2),
    )
    price = {"model": "package", "units": "3", "free_units": "1", "packages": 2, "package_size": 1, "package_amount": "3", "amount": "6"}
    fee = a_fee(
        in_units=unit,
        breakdowns=(Breakdown(presentation_by={"team": "ops"}, units=Decimal(3)),),
        derivation={"kind": "charge", "period": _JULY, "price": price},
    )
    assert shown(fee)[1:] == [
        ("team: ops", "3"),
        ("Free units", "1", "0 CR", "0 CR"),
        ("Packages of 1", "2", "3 CR", "6 CR"),
        ("1 CR = $0.50", "6 CR"),
    ]
    true_up = {"kind": "true_up", "period": _JULY, "minimum": {"cents": 5000}}
    [(name, note, *_)] = shown(a_fee(grouped_by={}, derivation=true_up))
    assert (name, note) == ("Storage - True-up", "Jul 1, 2026 – Jul 31, 2026 · Minimum spend: $50.00")


def test_the_same_paper_is_the_same_file_and_letters_without_a_font_stop_nothing() -> None:
    party = Party(label="From", name="Globex\x07 漢字", lines=["x" * 80])
    paper = Paper(
        language="en",
        logo=None,
        title="Invoice",
        number="A-1",
        mark="VOID",
        facts=[],
        sender=party,
        recipient=party,
        headline="",
        headline_note="",
        headings=[""] * 5,
        summary=[],
        summary_word="",
        sections=[],
        totals=[],
        notes=[],
        page_word="Page",
    )
    made = typeset(paper, at=_AT)
    assert made == typeset(paper, at=_AT)
    assert "Globex" in text_of(made)
    assert "Globex" in text_of(typeset_for_archives(paper, at=_AT))


_PERCENTS = st.sampled_from([Decimal(0), Decimal("5.5"), Decimal(20)])


@given(
    parts=st.lists(st.tuples(st.integers(1, 10**6), _PERCENTS, st.integers(0, 100)), min_size=1, max_size=6),
    allowance=st.integers(0, 10**5),
    tax=st.integers(0, 10**5),
    sign=st.sampled_from([1, -1]),
)
def test_groups_of_an_electronic_invoice_add_up(parts: list[tuple[int, Decimal, int]], allowance: int, tax: int, sign: int) -> None:
    lines, shares = [], []
    for cents, percent, off in parts:
        rate = Rate(category=Category.STANDARD if percent else Category.ZERO, percent=percent)
        amount = Decimal(cents) / 100
        lines.append(
            Line(
                name="x",
                about=None,
                quantity=Decimal(sign),
                price=amount,
                amount_cents=sign * cents,
                rate=rate,
                first_day=date(2026, 7, 1),
                last_day=None,
            )
        )
        shares.append((rate, Fraction(off * cents, 100), Fraction(cents) * Fraction(percent)))
    groups = _groups(lines, shares, allowance_cents=sign * allowance, tax_cents=sign * tax)
    assert sum(group.lines_cents for group in groups) == sign * sum(cents for cents, _, _ in parts)
    assert sum(group.allowance_cents for group in groups) == sign * allowance
    assert sum(group.tax_cents for group in groups) == sign * tax
    assert len(groups) == len({percent for _, percent, _ in parts})
