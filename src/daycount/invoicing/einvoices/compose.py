"""
Composing electronic invoices from the facts that their papers are composed of, so that both say the same.

A fee has one rate here: the sum of its taxes. What coupons and earlier invoices take off stands as an allowance for each rate, and
shares are given out so that sums keep to the cent: the tax of an invoice is rounded once, and its groups are made to add up to it.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction

from daycount.engine.eu_vat import REVERSE_CHARGE
from daycount.invoicing.credits import CreditKind
from daycount.invoicing.einvoices.records import (
    Category,
    Contact,
    EInvoice,
    Line,
    PaymentMeans,
    Preceding,
    Rate,
    TaxGroup,
    Trader,
    TypeCode,
)
from daycount.invoicing.papers.compose import InvoiceFacts, NoteFacts, Sides
from daycount.invoicing.papers.rows import name_of
from daycount.invoicing.papers.words import Words
from daycount.invoicing.records import Fee
from daycount.money import CURRENCIES, allocate

_MONEY_STEPS = 4
_ONE = Decimal(1)


def einvoice_of_invoice(facts: InvoiceFacts) -> EInvoice | None:
    """
    Return an invoice in the terms of EN 16931; None for one without fees, which has nothing to say.

    What prepaid credits and credit notes paid counts as paid.
    """
    invoice, words = facts.invoice, facts.sides.words
    type_code = TypeCode.INVOICE
    if invoice.invoice_type == "credit":
        type_code = TypeCode.PREPAYMENT
    elif invoice.self_billed:
        type_code = TypeCode.SELF_BILLED
    fees = [fee for fee in facts.fees if fee.amount_cents] or list(facts.fees[:1])
    if not fees:
        return None
    rates = {fee.id: _rate_of(fee, type_code) for fee in fees}
    lines = [_line(fee, rates[fee.id], words) for fee in fees]
    allowance = invoice.progressive_billing_credit_amount_cents + invoice.coupons_amount_cents
    shares = [(rates[fee.id], Fraction(fee.precise_coupons_amount_cents), Fraction(fee.taxes_precise_amount_cents)) for fee in fees]
    seller, buyer = traders(facts.sides, is_swapped=invoice.self_billed, has_vat_numbers=type_code is not TypeCode.PREPAYMENT)
    paid = {
        PaymentMeans.PREPAID: invoice.prepaid_credit_amount_cents,
        PaymentMeans.CREDIT_NOTE: invoice.credit_notes_amount_cents,
    }
    reasons = [str(row.credit.item["name"]) for row in facts.credits if row.credit.kind is CreditKind.COUPON]
    if invoice.progressive_billing_credit_amount_cents:
        reasons.insert(0, words["already_billed"])
    return EInvoice(
        number=invoice.number,
        type_code=type_code,
        issuing_date=invoice.issuing_date,
        due_date=invoice.payment_due_date,
        currency=invoice.currency,
        seller=seller,
        buyer=buyer,
        buyer_reference=facts.sides.customer.external_id,
        purchase_order_number=invoice.purchase_order_number,
        preceding=[],
        lines=lines,
        groups=_groups(lines, shares, allowance_cents=allowance, tax_cents=invoice.taxes_amount_cents),
        allowance_reason=", ".join(reasons) or words["coupons"],
        prepaid_cents=sum(paid.values()),
        rounding_cents=0,
        means=[PaymentMeans.STANDARD, *(means for means, cents in paid.items() if cents)],
        terms=f"{words['terms']}: {invoice.net_payment_term} {words['days']}",
    )


def einvoice_of_credit_note(facts: NoteFacts) -> EInvoice | None:
    """Return a credit note in the terms of EN 16931: a document of its own kind, all of whose amounts are negative."""
    note, words = facts.note, facts.sides.words
    pairs = [(item, fee) for item, fee in facts.items if item.amount_cents] or list(facts.items[:1])
    if not pairs:
        return None
    rates = [_rate_of(fee, TypeCode.CREDIT_NOTE) for _, fee in pairs]
    lines, shares = [], []
    for (item, fee), rate in zip(pairs, rates, strict=True):
        price = Decimal(item.amount_cents) / CURRENCIES[note.currency].subunits
        lines.append(
            Line(
                name=name_of(fee, words),
                about=None,
                quantity=-_ONE,
                price=price,
                amount_cents=-item.amount_cents,
                rate=rate,
                first_day=None,
                last_day=None,
            )
        )
        part = Fraction(item.amount_cents, fee.amount_cents) if fee.amount_cents else Fraction(0)
        coupon = Fraction(fee.precise_coupons_amount_cents) * part
        shares.append((rate, coupon, (item.amount_cents - coupon) * Fraction(rate.percent)))
    groups = _groups(lines, shares, allowance_cents=-note.coupons_adjustment_amount_cents, tax_cents=-note.taxes_amount_cents)
    seller, buyer = traders(facts.sides, is_swapped=note.self_billed, has_vat_numbers=True)
    whole = sum(group.basis_cents + group.tax_cents for group in groups)
    return EInvoice(
        number=note.number,
        type_code=TypeCode.CREDIT_NOTE,
        issuing_date=note.issuing_date,
        due_date=None,
        currency=note.currency,
        seller=seller,
        buyer=buyer,
        buyer_reference=facts.sides.customer.external_id,
        purchase_order_number=note.purchase_order_number,
        preceding=[Preceding(note.invoice_number, None)],
        lines=lines,
        groups=groups,
        allowance_reason=words["coupons"],
        prepaid_cents=0,
        rounding_cents=-note.total_amount_cents - whole,
        means=[PaymentMeans.CREDIT_NOTE],
        terms=", ".join(words[name] for name, cents in _parts(facts).items() if cents),
    )


def _parts(facts: NoteFacts) -> Mapping[str, int]:
    note = facts.note
    return {"offset": note.offset_amount_cents, "credited": note.credit_amount_cents, "refunded": note.refund_amount_cents}


def _rate_of(fee: Fee, type_code: TypeCode) -> Rate:
    """Return how a fee is taxed. Purchases of credits are outside the scope: what is used of them is taxed later."""
    if fee.taxes_rate:
        return Rate(category=Category.STANDARD, percent=fee.taxes_rate)
    if type_code is TypeCode.PREPAYMENT or fee.fee_type == "credit":
        return Rate(category=Category.OUTSIDE, percent=Decimal(0))
    is_reversed = any(tax.code == REVERSE_CHARGE for tax in fee.applied_taxes)
    return Rate(category=Category.REVERSE_CHARGE if is_reversed else Category.ZERO, percent=Decimal(0))


def _line(fee: Fee, rate: Rate, words: Words) -> Line:
    """Write a fee as a line; where its units at its unit price are not its amount, as one of that amount."""
    subunits = CURRENCIES[fee.currency].subunits
    quantity, price = fee.units, fee.precise_unit_amount.quantize(Decimal(1).scaleb(-_MONEY_STEPS))
    about = None
    if Fraction(quantity) * Fraction(price) * subunits != fee.amount_cents:
        about = f"{words.number(fee.units)} {words['units']}" if fee.units != 1 else None
        quantity, price = _ONE, Decimal(fee.amount_cents) / subunits
    period = fee.derivation.get("period", {})
    first, last = period.get("first_day"), period.get("last_day")
    return Line(
        name=name_of(fee, words),
        about=about,
        quantity=quantity,
        price=price,
        amount_cents=fee.amount_cents,
        rate=rate,
        first_day=None if first is None else date.fromisoformat(first),
        last_day=None if last is None else date.fromisoformat(last),
    )


def _groups(
    lines: Sequence[Line], shares: Sequence[tuple[Rate, Fraction, Fraction]], *, allowance_cents: int, tax_cents: int
) -> list[TaxGroup]:
    """
    Gather lines by rate, and give the allowance and the tax out so that both add up.

    `shares` holds, line by line, what was exactly taken off it and its exact tax (or what is in proportion to it).
    """
    rates = sorted({line.rate for line in lines})
    sums = [sum(line.amount_cents for line in lines if line.rate == rate) for rate in rates]
    off = [sum((taken for of, taken, _ in shares if of == rate), Fraction(0)) for rate in rates]
    taxes = [sum((tax for of, _, tax in shares if of == rate), Fraction(0)) for rate in rates]
    allowances = _share(allowance_cents, off, otherwise=[Fraction(abs(cents)) for cents in sums])
    given = _share(tax_cents, taxes, otherwise=[Fraction(rate.percent) for rate in rates])
    return [
        TaxGroup(rate=rate, lines_cents=cents, allowance_cents=allowance, tax_cents=tax)
        for rate, cents, allowance, tax in zip(rates, sums, allowances, given, strict=True)
    ]


def _share(total: int, weights: Sequence[Fraction], *, otherwise: Sequence[Fraction]) -> list[int]:
    if not total:
        return [0 for _ in weights]
    chosen = weights if any(weights) else otherwise
    return allocate(total, weights=chosen if any(chosen) else [Fraction(1) for _ in weights])


def traders(sides: Sides, *, is_swapped: bool, has_vat_numbers: bool) -> tuple[Trader, Trader]:
    """Return seller and buyer. One who bills himself is the seller. What is outside the scope of taxes carries no tax numbers."""
    own, theirs = sides.entity.texts, sides.customer.texts
    person = " ".join(part for part in (theirs["firstname"], theirs["lastname"]) if part)
    entity_name = own["legal_name"] or sides.entity.name
    entity = _trader(entity_name, own, has_vat_number=has_vat_numbers, contact=entity_name)
    name = theirs["legal_name"] or theirs["name"] or person or sides.customer.external_id
    customer = _trader(name, theirs, has_vat_number=has_vat_numbers, contact=person or None)
    return (customer, entity) if is_swapped else (entity, customer)


def _trader(name: str, texts: Mapping[str, str | None], *, has_vat_number: bool, contact: str | None) -> Trader:
    return Trader(
        name=name,
        legal_number=texts["legal_number"],
        vat_number=texts["tax_identification_number"] if has_vat_number else None,
        address_line1=texts["address_line1"],
        address_line2=texts["address_line2"],
        city=texts["city"],
        zipcode=texts["zipcode"],
        state=texts["state"],
        country=texts["country"],
        email=texts["email"],
        contact=None if contact is None else Contact(name=contact, phone=texts["phone"], email=texts["email"]),
    )
