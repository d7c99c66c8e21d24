"""Composing papers: what stands on an invoice or a credit note, from what was stored with it. Nothing is computed again."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from msgspec import Struct

from daycount.credit_notes.records import CreditNote, CreditNoteItem, CreditNoteUse
from daycount.customers.records import Customer
from daycount.invoicing.credits import CreditKind, ShownCredit
from daycount.invoicing.papers.records import Fact, Paper, Party, Row, Section
from daycount.invoicing.papers.words import Words
from daycount.invoicing.records import Fee, Invoice, InvoiceLine
from daycount.money import round_half_away
from daycount.organizations.entities.records import EntityProfile

_MOST_SEATS = 200
_TAX_INVOICE_COUNTRIES = frozenset({"AU", "AE", "NZ", "ID", "SG"})


class Sides(Struct, frozen=True, kw_only=True):
    """Who bills and who is billed, and in which language."""

    customer: Customer
    entity: EntityProfile

    @property
    def words(self) -> Words:
        """Return the customer's language, else the billing entity's."""
        return Words(self.customer.billing_configuration.get("document_locale") or self.entity.document_locale)


class InvoiceFacts(Struct, frozen=True, kw_only=True):
    """What of an invoice its paper is composed from."""

    invoice: Invoice
    sides: Sides
    lines: Sequence[InvoiceLine]
    fees: Sequence[Fee]
    credits: Sequence[ShownCredit]
    uses: Sequence[tuple[CreditNoteUse, CreditNote]]
    subscription_names: Mapping[UUID, str]
    notes: Sequence[str]


def compose_invoice(facts: InvoiceFacts) -> Paper:
    """Put an invoice on paper in the customer's language."""
    invoice, words = facts.invoice, facts.sides.words
    sender, recipient = _parties(facts.sides, words, "bill_to", is_swapped=invoice.self_billed)
    return Paper(
        language=words.language,
        title=_title(invoice, facts.sides, words),
        number=invoice.number,
        facts=[
            Fact(label=words["number"], value=invoice.number),
            *([Fact(label=words["purchase_order"], value=invoice.purchase_order_number)] if invoice.purchase_order_number else []),
            Fact(label=words["issued"], value=words.day(invoice.issuing_date)),
            Fact(label=words["terms"], value=f"{invoice.net_payment_term} {words['days']}"),
            *(Fact(label=pair.key, value=pair.value) for pair in facts.sides.customer.metadata if pair.display_in_invoice),
        ],
        sender=sender,
        recipient=recipient,
        headline=words.cents(invoice.total_amount_cents, invoice.currency),
        headline_note=f"{words['due']} {words.day(invoice.payment_due_date)}",
        headings=_headings(words),
        sections=_sections(facts, words),
        totals=_totals(facts, words),
        notes=[*facts.notes, *([facts.sides.entity.invoice_footer] if facts.sides.entity.invoice_footer else [])],
        page_word=words["page"],
    )


def _title(invoice: Invoice, sides: Sides, words: Words) -> str:
    kind = {"credit": "advance_invoice", "advance_charges": "paid_invoice"}.get(invoice.invoice_type, "invoice")
    if invoice.self_billed:
        return words["self_billed"]
    if kind == "invoice" and sides.entity.texts["country"] in _TAX_INVOICE_COUNTRIES and words.locale == "en":
        return "Tax invoice"
    return words[kind]


def _headings(words: Words) -> list[str]:
    return [words[name] for name in ("item", "units", "unit_price", "tax_rate", "amount")]


def _parties(sides: Sides, words: Words, recipient: str, *, is_swapped: bool) -> tuple[Party, Party]:
    own, theirs = sides.entity.texts, sides.customer.texts
    entity = (own["legal_name"] or sides.entity.name, _address(own, words))
    person = " ".join(part for part in (theirs["firstname"], theirs["lastname"]) if part)
    name = theirs["legal_name"] or theirs["name"] or person or sides.customer.external_id
    customer = (f"{name} - {person}" if person and person != name else name, _address(theirs, words))
    first, second = (customer, entity) if is_swapped else (entity, customer)
    return Party(label=words["from"], name=first[0], lines=first[1]), Party(label=words[recipient], name=second[0], lines=second[1])


def _address(texts: Mapping[str, str | None], words: Words) -> list[str]:
    town = " ".join(part for part in (texts["zipcode"], texts["city"]) if part)
    number = texts["tax_identification_number"]
    lines = [texts["legal_number"], texts["address_line1"], texts["address_line2"], town, texts["state"], texts["country"], texts["email"]]
    return [line for line in lines if line] + ([f"{words['tax_id']}: {number}"] if number else [])


def _sections(facts: InvoiceFacts, words: Words) -> list[Section]:
    """Make a table for each subscription, and one for what belongs to none."""
    sections = []
    for line in facts.lines:
        own = [fee for fee in facts.fees if fee.subscription_id == line.subscription_id]
        title = facts.subscription_names[line.subscription_id]
        sections.append(Section(title=title, rows=[row for fee in own if _is_shown(fee, own) for row in _rows(fee, words)]))
    placed = {line.subscription_id for line in facts.lines}
    others = [fee for fee in facts.fees if fee.subscription_id not in placed]
    if others:
        sections.append(Section(title=words["fees"], rows=[row for fee in others for row in _rows(fee, words)]))
    return [section for section in sections if section.rows]


def _is_shown(fee: Fee, own: Sequence[Fee]) -> bool:
    """Tell whether a fee stands on paper: a base fee of nothing beside others and usage of nothing do not."""
    if fee.amount_cents:
        return True
    return len(own) == 1 if fee.fee_type == "subscription" else bool(fee.units)


def _rows(fee: Fee, words: Words) -> list[Row]:
    groups = " • ".join(value for value in fee.grouped_by.values() if value)
    filters = fee.item.get("filter_invoice_display_name")
    name = " • ".join(part for part in (fee.item["invoice_display_name"], groups, filters) if part)
    first, last = fee.derivation.get("period", {}).get("first_day"), fee.derivation.get("period", {}).get("last_day")
    days = f"{words.day(date.fromisoformat(first))} – {words.day(date.fromisoformat(last))}" if first else fee.item.get("description")
    rate = words.number(fee.taxes_rate)
    main = Row(
        name=name,
        note=days or "",
        units=words.number(fee.units),
        unit_price=words.price(fee.precise_unit_amount, fee.currency),
        tax_rate=f"{rate}\u00a0%",
        amount=words.cents(fee.amount_cents, fee.currency),
    )
    return [main, *_seat_rows(fee, words), *_tier_rows(fee, words)]


def _seat_rows(fee: Fee, words: Words) -> list[Row]:
    """Say for each seat on which days it was there."""
    members = fee.derivation.get("quantity", {}).get("members", [])
    full_days = fee.derivation.get("period", {}).get("full_days")
    rows = [
        Row(
            name=f"{member['name']}: {', '.join(_span(span, words) for span in member['spans'])}",
            units=f"{member['days']}/{full_days} {words['days']}",
            is_detail=True,
        )
        for member in members[:_MOST_SEATS]
    ]
    left = len(members) - _MOST_SEATS
    return rows + ([Row(name=f"+ {left} {words['more']}", is_detail=True)] if left > 0 else [])


def _span(span: Sequence[str], words: Words) -> str:
    first, last = (words.day(date.fromisoformat(day)) for day in span)
    return first if first == last else f"{first} – {last}"


def _tier_rows(fee: Fee, words: Words) -> list[Row]:
    """Show what each tier of a graduated price came to."""
    rows = []
    for tier in fee.derivation.get("price", {}).get("tiers", []):
        if not {"above", "up_to", "units", "rate", "amount"} <= tier.keys():
            continue
        edge = f"{words['up_to']} {words.number(Decimal(tier['up_to']))}" if tier["up_to"] else ""
        start = f"{words['above']} {words.number(Decimal(tier['above']))}" if tier["above"] != "0.0" else ""
        rows.append(
            Row(
                name=" ".join(part for part in (words["tier"], start, edge) if part),
                units=words.number(_decimal(tier["units"])),
                unit_price=words.price(_decimal(tier["rate"]), fee.currency),
                amount=words.price(_decimal(tier["amount"]), fee.currency),
                is_detail=True,
            )
        )
    return rows


def _decimal(exact: Any) -> Decimal:
    return round_half_away(Fraction(str(exact)), places=6)


def _totals(facts: InvoiceFacts, words: Words) -> list[Fact]:
    invoice = facts.invoice

    def minus(label: str, cents: int) -> list[Fact]:
        return [Fact(label=label, value=words.cents(-cents, invoice.currency))] if cents else []

    coupons = [row.credit for row in facts.credits if row.credit.kind is CreditKind.COUPON]
    granted, bought = invoice.prepaid_granted_credit_amount_cents or 0, invoice.prepaid_purchased_credit_amount_cents or 0
    whole = invoice.prepaid_credit_amount_cents - granted - bought
    return [
        *minus(words["already_billed"], invoice.progressive_billing_credit_amount_cents),
        *(fact for coupon in coupons for fact in minus(str(coupon.item["name"]), coupon.amount_cents)),
        Fact(label=words["subtotal"], value=words.cents(invoice.sub_total_excluding_taxes_amount_cents, invoice.currency)),
        *_taxes(invoice.applied_taxes, invoice.currency, words),
        Fact(label=words["subtotal_with_tax"], value=words.cents(invoice.sub_total_including_taxes_amount_cents, invoice.currency)),
        *minus(words["credit_notes"], invoice.credit_notes_amount_cents),
        *minus(words["free_credits"], granted),
        *minus(words["prepaid_credits"], bought + whole),
        Fact(label=words["total"], value=words.cents(invoice.total_amount_cents, invoice.currency), is_strong=True),
    ]


def _taxes(taxes: Sequence[Any], currency: str, words: Words) -> list[Fact]:
    """Write taxes, the highest rate first, each with what it is of."""
    if not taxes:
        return [Fact(label=f"{words['tax']} (0\u00a0%)", value=words.cents(0, currency))]
    return [
        Fact(
            label=f"{tax.name} ({words.number(tax.rate)}\u00a0% {words['of']} {words.cents(tax.base_cents, currency)})",
            value=words.cents(tax.amount_cents, currency),
        )
        for tax in sorted(taxes, key=lambda tax: -tax.rate)
    ]


def compose_credit_note(note: CreditNote, items: Sequence[tuple[CreditNoteItem, Fee]], sides: Sides) -> Paper:
    """Put a credit note on paper in the customer's language."""
    words = sides.words
    sender, recipient = _parties(sides, words, "credit_to", is_swapped=note.self_billed)
    rows = [
        Row(
            name=fee.item["invoice_display_name"],
            tax_rate=f"{words.number(fee.taxes_rate)}\u00a0%",
            amount=words.cents(item.amount_cents, note.currency),
        )
        for item, fee in items
    ]
    parts = {"offset": note.offset_amount_cents, "credited": note.credit_amount_cents, "refunded": note.refund_amount_cents}
    coupons = note.coupons_adjustment_amount_cents
    return Paper(
        language=words.language,
        title=words["credit_note"],
        number=note.number,
        facts=[
            Fact(label=words["number"], value=note.number),
            Fact(label=words["invoice"], value=note.invoice_number),
            *([Fact(label=words["purchase_order"], value=note.purchase_order_number)] if note.purchase_order_number else []),
            Fact(label=words["issued"], value=words.day(note.issuing_date)),
        ],
        sender=sender,
        recipient=recipient,
        headline=words.cents(note.total_amount_cents, note.currency),
        headline_note=", ".join(words[name] for name, cents in parts.items() if cents),
        headings=_headings(words),
        sections=[Section(title=words["fees"], rows=rows)],
        totals=[
            *([Fact(label=words["coupons"], value=words.cents(-coupons, note.currency))] if coupons else []),
            Fact(label=words["subtotal"], value=words.cents(note.sub_total_excluding_taxes_amount_cents, note.currency)),
            *_taxes(note.applied_taxes, note.currency, words),
            *(Fact(label=words[name], value=words.cents(cents, note.currency)) for name, cents in parts.items() if cents),
            Fact(label=words["total"], value=words.cents(note.total_amount_cents, note.currency), is_strong=True),
        ],
        notes=[sides.entity.invoice_footer] if sides.entity.invoice_footer else [],
        page_word=words["page"],
    )
