"""Composing papers: what stands on an invoice or a credit note, from what was stored with it. Nothing is computed again."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct

from daycount.coupons.records import GivenCoupon
from daycount.credit_notes.records import CreditNote, CreditNoteItem, NotedTax
from daycount.customers.records import Customer
from daycount.engine.discounts import CouponType
from daycount.engine.eu_vat import REVERSE_CHARGE, TAX_EXEMPT
from daycount.invoicing.credits import CreditKind, ShownCredit
from daycount.invoicing.papers.records import Fact, Paper, Party, Row, Section
from daycount.invoicing.papers.rows import name_of, rows_of
from daycount.invoicing.papers.words import Words
from daycount.invoicing.progressive.records import ReachedThreshold
from daycount.invoicing.records import AppliedTax, Fee, Invoice, InvoiceLine
from daycount.organizations.entities.logos import Picture
from daycount.organizations.entities.records import EntityProfile
from daycount.periods import local_date

_TAX_INVOICE_COUNTRIES = frozenset({"AU", "AE", "NZ", "ID", "SG"})
_FEE_RANKS = {"subscription": 0, "fixed_charge": 1, "charge": 2, "commitment": 3}
_FRENCH_EXEMPTION = "TVA non applicable, article 259-1 du CGI."


class Sides(Struct, frozen=True, kw_only=True):
    """Who bills, with the logo there is, and who is billed; and in which language."""

    customer: Customer
    entity: EntityProfile
    logo: Picture | None

    @property
    def words(self) -> Words:
        """Return the customer's language, else the billing entity's."""
        return Words(self.customer.billing_configuration.get("document_locale") or self.entity.document_locale)


class InvoiceFacts(Struct, frozen=True, kw_only=True):
    """What of an invoice its paper is composed from. `coupons` are those of its credits, by the ids that they are given by."""

    invoice: Invoice
    sides: Sides
    lines: Sequence[InvoiceLine]
    fees: Sequence[Fee]
    credits: Sequence[ShownCredit]
    coupons: Mapping[UUID, GivenCoupon]
    thresholds: Sequence[ReachedThreshold]
    subscription_names: Mapping[UUID, str]
    notes: Sequence[str]


class NoteFacts(Struct, frozen=True, kw_only=True):
    """What of a credit note its paper is composed from."""

    note: CreditNote
    items: Sequence[tuple[CreditNoteItem, Fee]]
    sides: Sides


def compose_invoice(facts: InvoiceFacts) -> Paper:
    """Put an invoice on paper in the customer's language."""
    invoice, words = facts.invoice, facts.sides.words
    sender, recipient = parties(facts.sides, words, "bill_to", is_swapped=invoice.self_billed)
    sections = _sections(facts, words)
    return Paper(
        language=words.language,
        logo=None if invoice.self_billed else facts.sides.logo,
        title=_title(invoice, facts.sides, words),
        number=invoice.number,
        mark={"draft": words["draft"], "voided": words["void"]}.get(invoice.status, ""),
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
        headings=headings(words),
        summary=[Fact(label=section.title, value=section.total) for section in sections] if len(sections) > 1 else [],
        summary_word=words["summary"],
        sections=sections,
        totals=_totals(facts, words),
        notes=[*_threshold_notes(facts, words), *_tax_notes(invoice.applied_taxes, facts.sides, words), *facts.notes, *footer(facts.sides)],
        page_word=words["page"],
    )


def footer(sides: Sides) -> list[str]:
    """Return what the billing entity has at the foot of its documents."""
    return [sides.entity.invoice_footer] if sides.entity.invoice_footer else []


def headings(words: Words) -> list[str]:
    """Return the headings of the five columns."""
    return [words[name] for name in ("item", "units", "unit_price", "tax_rate", "amount")]


def parties(sides: Sides, words: Words, recipient: str, *, is_swapped: bool) -> tuple[Party, Party]:
    """Return who sends and who gets a document; `recipient` names what stands over the latter."""
    own, theirs = sides.entity.texts, sides.customer.texts
    entity = (own["legal_name"] or sides.entity.name, _address(own, words))
    person = " ".join(part for part in (theirs["firstname"], theirs["lastname"]) if part)
    name = theirs["legal_name"] or theirs["name"] or person or sides.customer.external_id
    customer = (f"{name} - {person}" if person and person != name else name, _address(theirs, words))
    first, second = (customer, entity) if is_swapped else (entity, customer)
    return Party(label=words["from"], name=first[0], lines=first[1]), Party(label=words[recipient], name=second[0], lines=second[1])


def _address(texts: Mapping[str, str | None], words: Words) -> list[str]:
    """Write an address: the country by its name, an e-mail, and the tax number last."""
    town = " ".join(part for part in (texts["zipcode"], texts["city"]) if part)
    country, number = texts["country"], texts["tax_identification_number"]
    lines = [texts["legal_number"], texts["address_line1"], texts["address_line2"], town, texts["state"]]
    lines += [None if country is None else words.country(country), texts["email"]]
    return [line for line in lines if line] + ([f"{words['tax_id']}: {number}"] if number else [])


def _title(invoice: Invoice, sides: Sides, words: Words) -> str:
    if invoice.self_billed:
        return words["self_billed"]
    kind = {"credit": "advance_invoice", "advance_charges": "paid_invoice"}.get(invoice.invoice_type, "invoice")
    if words.locale == "en" and sides.entity.texts["country"] in _TAX_INVOICE_COUNTRIES and kind != "advance_invoice":
        return "Tax invoice" if kind == "invoice" else "Paid tax invoice"
    return words[kind]


def _sections(facts: InvoiceFacts, words: Words) -> list[Section]:
    """Make a table for each subscription, and one for what belongs to none."""
    sections, zone = [], ZoneInfo(facts.invoice.zone)
    lines: dict[UUID, list[InvoiceLine]] = {}
    for line in facts.lines:
        lines.setdefault(line.subscription_id, []).append(line)
    for subscription_id, of_one in lines.items():
        own = [fee for fee in facts.fees if fee.subscription_id == subscription_id]
        first, last = min(line.shown_from for line in of_one), max(line.shown_to for line in of_one)
        days = words.days(local_date(first, zone=zone), local_date(last, zone=zone))
        name = facts.subscription_names[subscription_id]
        sections.append(_section(name, [fee for fee in own if _is_shown(fee, own)], words, days=days))
    sections.append(_section(words["fees"], [fee for fee in facts.fees if fee.subscription_id not in lines], words, days=""))
    return [section for section in sections if section.rows]


def _section(title: str, fees: Sequence[Fee], words: Words, *, days: str) -> Section:
    rows = [row for fee in sorted(fees, key=_place) for row in rows_of(fee, words, days=days)]
    total = words.cents(sum(fee.amount_cents for fee in fees), fees[0].currency) if fees else ""
    return Section(title=title, days=days, rows=rows, total=total)


def _place(fee: Fee) -> tuple[int, str, str, int]:
    """Order fees: the plan's own, fixed charges, charges by name with what belongs to one together, a commitment; others as they came."""
    rank = _FEE_RANKS.get(fee.fee_type)
    if rank is None:
        return len(_FEE_RANKS), "", "", fee.position
    return rank, str(fee.item["invoice_display_name"]).casefold(), str(fee.charge_id or fee.fixed_charge_id or ""), fee.position


def _is_shown(fee: Fee, own: Sequence[Fee]) -> bool:
    """Tell whether a fee stands on paper: a base fee of nothing beside others and usage of nothing do not."""
    if fee.amount_cents:
        return True
    return len(own) == 1 if fee.fee_type == "subscription" else bool(fee.units)


def _totals(facts: InvoiceFacts, words: Words) -> list[Fact]:
    invoice = facts.invoice

    def minus(label: str, cents: int) -> list[Fact]:
        return [Fact(label=label, value=words.cents(-cents, invoice.currency))] if cents else []

    label = words["already_paid" if invoice.invoice_type == "advance_charges" else "total"]
    total = Fact(label=label, value=words.cents(invoice.total_amount_cents, invoice.currency), is_strong=True)
    if invoice.invoice_type == "credit":
        return [total]
    coupons = [row for row in facts.credits if row.credit.kind is CreditKind.COUPON]
    granted, bought = invoice.prepaid_granted_credit_amount_cents or 0, invoice.prepaid_purchased_credit_amount_cents or 0
    whole = invoice.prepaid_credit_amount_cents - granted - bought
    return [
        *minus(words["already_billed"], invoice.progressive_billing_credit_amount_cents),
        *(fact for row in coupons for fact in minus(_coupon_name(row, facts, words), row.credit.amount_cents)),
        Fact(label=words["subtotal"], value=words.cents(invoice.sub_total_excluding_taxes_amount_cents, invoice.currency)),
        *_taxes(invoice.applied_taxes, invoice.currency, words),
        Fact(label=words["subtotal_with_tax"], value=words.cents(invoice.sub_total_including_taxes_amount_cents, invoice.currency)),
        *minus(words["credit_notes"], invoice.credit_notes_amount_cents),
        *minus(words["free_credits"], granted),
        *minus(words["prepaid_credits"], bought + whole),
        total,
    ]


def _coupon_name(row: ShownCredit, facts: InvoiceFacts, words: Words) -> str:
    """Name a coupon with what it is worth: Launch (10.00%), Welcome ($5.00)."""
    name, given = str(row.credit.item["name"]), facts.coupons.get(row.credit.source_id)
    if given is None:
        return name
    applied = given.applied
    if given.coupon.coupon_type is CouponType.PERCENTAGE and applied.percentage_rate is not None:
        return f"{name} ({words.percent(applied.percentage_rate)})"
    if applied.amount_cents is not None and applied.amount_currency is not None:
        return f"{name} ({words.cents(applied.amount_cents, applied.amount_currency)})"
    return name


def _taxes(taxes: Iterable[AppliedTax | NotedTax], currency: str, words: Words) -> list[Fact]:
    """Write taxes, the highest rate first, each with what it is of."""
    found: list[AppliedTax | NotedTax] = sorted(taxes, key=lambda tax: -tax.rate)
    if not found:
        return [Fact(label=f"{words['tax']} (0\u00a0%)", value=words.cents(0, currency))]
    return [
        Fact(
            label=f"{tax.name} ({words.number(tax.rate)}\u00a0% {words['of']} {words.cents(tax.base_cents, currency)})",
            value=words.cents(tax.amount_cents, currency),
        )
        for tax in found
    ]


def _tax_notes(taxes: Iterable[AppliedTax | NotedTax], sides: Sides, words: Words) -> list[str]:
    """Say why no tax is due, where the European Union's rules say so."""
    codes = {tax.code for tax in taxes}
    notes = [words[word] for code, word in ((REVERSE_CHARGE, "reverse_charge"), (TAX_EXEMPT, "tax_exempt")) if code in codes]
    return [*notes, _FRENCH_EXEMPTION] if notes and sides.entity.texts["country"] == "FR" else notes


def _threshold_notes(facts: InvoiceFacts, words: Words) -> list[str]:
    """Say which thresholds a progressive invoice was made for."""
    currency = facts.invoice.currency
    return [
        words["reached"].format(
            used=words.cents(reached.lifetime_usage_amount_cents, currency), threshold=words.cents(reached.level_cents, currency)
        )
        for reached in facts.thresholds
    ]


def compose_credit_note(facts: NoteFacts) -> Paper:
    """Put a credit note on paper in the customer's language."""
    note, sides = facts.note, facts.sides
    words = sides.words
    sender, recipient = parties(sides, words, "credit_to", is_swapped=note.self_billed)
    rows = [
        Row(
            name=name_of(fee, words),
            tax_rate=f"{words.number(fee.taxes_rate)}\u00a0%",
            amount=words.cents(item.amount_cents, note.currency),
        )
        for item, fee in facts.items
    ]
    parts = {"offset": note.offset_amount_cents, "credited": note.credit_amount_cents, "refunded": note.refund_amount_cents}
    coupons = note.coupons_adjustment_amount_cents
    return Paper(
        language=words.language,
        logo=None if note.self_billed else sides.logo,
        title=words["credit_note"],
        number=note.number,
        mark=words["void"] if note.credit_status == "voided" else "",
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
        headings=[words["item"], "", "", words["tax_rate"], words["amount"]],
        summary=[],
        summary_word="",
        sections=[Section(title=words["fees"], days="", rows=rows, total="")],
        totals=[
            *([Fact(label=words["coupons"], value=words.cents(-coupons, note.currency))] if coupons else []),
            Fact(label=words["subtotal"], value=words.cents(note.sub_total_excluding_taxes_amount_cents, note.currency)),
            *_taxes(note.applied_taxes, note.currency, words),
            *(Fact(label=words[name], value=words.cents(cents, note.currency)) for name, cents in parts.items() if cents),
            Fact(label=words["total"], value=words.cents(note.total_amount_cents, note.currency), is_strong=True),
        ],
        notes=[*_tax_notes(note.applied_taxes, sides, words), *footer(sides)],
        page_word=words["page"],
    )
