"""
Explaining in words: how an invoice and its fees came to their amounts, from the derivations stored with them.

Nothing is computed again here; each sentence states a figure that was stored and the figures it was worked out from.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from msgspec import Struct

from daycount.customers.records import Customer
from daycount.invoicing.explain_advance import explain_event
from daycount.invoicing.explain_price import A_UNIT, explain_price, money_text, sign
from daycount.invoicing.records import AppliedTax, Fee, Invoice, InvoiceLine
from daycount.money import CURRENCIES, decimal_text, exact_text, to_cents

_COLUMNS = (10, 36, 5, 9, 12)


class Step(Struct, frozen=True, kw_only=True):
    """One step from events to an amount: its name, the figures that were stored, and what they say in words."""

    step: str
    figures: Mapping[str, Any]
    sentences: Sequence[str]


def explain_fee(fee: Fee) -> list[str]:
    """Say how one fee came to its amount, one sentence a step."""
    return [sentence for step in steps_of_fee(fee) for sentence in step.sentences]


def steps_of_fee(fee: Fee) -> list[Step]:
    """Return how one fee came to its amount, its coupons and its taxes: each step with the stored figures and what they say."""
    return [*_pricing_steps(fee), *_money_steps(fee)]


def _pricing_steps(fee: Fee) -> list[Step]:
    derivation = fee.derivation
    period = derivation.get("period")
    if derivation["kind"] == "adjusted":
        return _adjusted_steps(fee, derivation)
    if period is None:
        return _plain_steps(fee, derivation)
    days = f"{_day_range(period['first_day'], period['last_day'])} ({period['zone']})"
    match derivation["kind"]:
        case "subscription":
            return [_step("share", derivation, ("period", "plan", "share"), _explain_base(fee, derivation, days)), _rounding(fee)]
        case "true_up":
            said = _explain_minimum(derivation["minimum"], days, _priced_in(fee))
            return [_step("minimum", derivation, ("period", "minimum"), said), *_conversion(fee), _rounding(fee)]
        case "commitment":
            return [_step("commitment", derivation, ("period", "share", "spent_cents"), _explain_commitment(fee, derivation, days))]
        case "fixed_charge":
            said = _explain_fixed_charge(fee, derivation, days)
            return [_step("fixed_charge", derivation, ("period", "quantity", "price"), said), _rounding(fee)]
        case "advance":
            said = explain_event(fee.item["invoice_display_name"], derivation, currency=_priced_in(fee))
            figures = ("period", "metric", "event", "standing", "price")
            bucket = _step("bucket", derivation, ("bucket",), _explain_bucket(derivation["bucket"]))
            return [_step("event", derivation, figures, said), bucket, *_conversion(fee), _rounding(fee)]
        case kind:
            assert kind == "charge", kind
            return _usage_steps(fee, derivation, days)


def _plain_steps(fee: Fee, derivation: Mapping[str, Any]) -> list[Step]:
    """Say how a line that is sold by the piece, or bought credits, came to its amount."""
    said = f"{derivation['units']} × {derivation['unit_amount']} {fee.currency} each, rounded half away from zero: "
    return [Step(step="price", figures=dict(derivation), sentences=[said + f"{money(fee.amount_cents, fee.currency)}."])]


def _adjusted_steps(fee: Fee, derivation: Mapping[str, Any]) -> list[Step]:
    """Say what somebody made of a fee, and what it had been computed to."""
    found = derivation["adjustment"]
    computed = money(found["computed_cents"], fee.currency)
    said = f"It was computed to {found['computed_units']} units and {computed}, and set to {found['units']} units by hand."
    sentences = [said]
    if found["unit_amount"] is not None:
        sentences.append(f"{found['units']} × {found['unit_amount']} {fee.currency} each.")
    steps = [_step("adjustment", derivation, ("period", "adjustment"), sentences)]
    if "price" in derivation:
        steps.append(_step("price", derivation, ("price",), explain_price(derivation["price"], currency=_priced_in(fee))))
    return [*steps, *_conversion(fee), _rounding(fee)]


def _usage_steps(fee: Fee, derivation: Mapping[str, Any], days: str) -> list[Step]:
    metric, period, quantity = derivation["metric"], derivation["period"], derivation["quantity"]
    counted = f"{fee.item['invoice_display_name']} was counted from events with the code {metric['code']!r} for {days}."
    return [
        _step("events", derivation, ("period", "metric"), [counted]),
        _step("bucket", derivation, ("bucket",), _explain_bucket(derivation["bucket"])),
        _step("quantity", derivation, ("quantity",), _explain_quantity(quantity, metric, period["full_days"])),
        _step("price", derivation, ("price",), explain_price(derivation["price"], currency=_priced_in(fee))),
        *_conversion(fee),
        _rounding(fee),
    ]


def _step(name: str, derivation: Mapping[str, Any], figures: Sequence[str], sentences: Sequence[str]) -> Step:
    return Step(step=name, figures={key: derivation[key] for key in figures if key in derivation}, sentences=sentences)


def _priced_in(fee: Fee) -> str:
    """Return the name of what a fee was priced in: its currency, or a pricing unit."""
    return str(fee.derivation["conversion"]["unit"]) if "conversion" in fee.derivation else fee.currency


def _conversion(fee: Fee) -> list[Step]:
    """Say how an amount in a pricing unit became money; nothing where it was money all along."""
    if "conversion" not in fee.derivation:
        return []
    found = fee.derivation["conversion"]
    said = (
        f"{found['exact']} {found['unit']}, rounded half away from zero to 2 decimals {found['rounded']}, "
        f"at {found['rate']} {fee.currency} each are {found['amount']} {fee.currency}."
    )
    return [Step(step="conversion", figures=found, sentences=[said])]


def _rounding(fee: Fee) -> Step:
    """Say how the amount was rounded; `residue_cents` is what the rounding added."""
    rounding = fee.derivation["rounding"]
    residue = exact_text(rounding["cents"] - Fraction(rounding["exact_cents"]))
    return Step(step="rounding", figures={**rounding, "residue_cents": residue}, sentences=[_explain_rounding(fee)])


def _money_steps(fee: Fee) -> list[Step]:
    """Say what coupons took off a fee and which taxes it bears."""
    steps: list[Step] = []
    net = fee.amount_cents - Fraction(fee.precise_coupons_amount_cents)
    shown = decimal_text(net)
    if fee.precise_coupons_amount_cents:
        taken = decimal_text(Fraction(fee.precise_coupons_amount_cents))
        figures = {"amount_cents": fee.amount_cents, "coupons_cents": taken, "net_cents": shown}
        said = f"Its share of coupons and of what was billed before is {taken} minor units; {shown} are left."
        steps.append(Step(step="coupons", figures=figures, sentences=[said]))
    if fee.applied_taxes:
        rates = [Fraction(tax.rate) for tax in fee.applied_taxes]
        taxes = [
            {
                "code": tax.code,
                "rate": decimal_text(rate),
                "exact_cents": exact_text(net * rate / 100),
                "amount_cents": tax.amount_cents,
            }
            for tax, rate in zip(fee.applied_taxes, rates, strict=True)
        ]
        said_taxes = [
            f"{tax.name}: {decimal_text(rate)} % of {shown} minor units are {exact_text(net * rate / 100)}, "
            f"rounded {money(tax.amount_cents, fee.currency)}."
            for tax, rate in zip(fee.applied_taxes, rates, strict=True)
        ]
        exact = exact_text(net * sum(rates) / 100)
        said_taxes.append(f"Together they are {exact} minor units, rounded once {money(fee.taxes_amount_cents, fee.currency)}.")
        figures = {"taxed_cents": shown, "taxes": taxes, "exact_cents": exact, "taxes_cents": fee.taxes_amount_cents}
        steps.append(Step(step="taxes", figures=figures, sentences=said_taxes))
    return steps


def _explain_base(fee: Fee, derivation: Mapping[str, Any], days: str) -> list[str]:
    share = derivation["share"]
    plan = derivation["plan"]
    price = money(plan["amount_cents"], fee.currency)
    if share["is_full_price"]:
        return [f"The plan {plan['name']!r} costs {price} for the whole period {days}."]
    return [
        f"The plan {plan['name']!r} costs {price} for a period of {share['full_days']} days; {share['days']} of them, {days}, are billed.",
        f"{price} × {share['days']}/{share['full_days']} is {share['amount']} {fee.currency}.",
    ]


def _explain_minimum(minimum: Mapping[str, Any], days: str, currency: str) -> list[str]:
    whole, used = money(minimum["cents"], currency), money(minimum["used_cents"], currency)
    return [
        f"The charge has a minimum of {whole} for {minimum['full_days']} days; {minimum['days']} of them count, {days}.",
        f"{whole} × {minimum['days']}/{minimum['full_days']} is {minimum['prorated_cents']} minor units, of which {used} were used.",
    ]


def _explain_commitment(fee: Fee, derivation: Mapping[str, Any], days: str) -> list[str]:
    share = derivation["share"]
    committed = money(share["amount_cents"], fee.currency)
    spent = money(derivation["spent_cents"], fee.currency)
    return [
        f"The plan commits to {committed} a period; for {share['days']} of {share['full_days']} days, {days}, that is {share['amount']}.",
        f"The period's fees come to {spent}; {money(fee.amount_cents, fee.currency)} are missing.",
    ]


def _explain_fixed_charge(fee: Fee, derivation: Mapping[str, Any], days: str) -> list[str]:
    quantity, price = derivation["quantity"], derivation["price"]
    sentences = [f"{fee.item['invoice_display_name']} is billed for {quantity['units']} units in {days}."]
    sentences.extend(
        f"{part['units']} units from {_day_range(part['first_day'], part['last_day'])} are {part['prorated']}."
        for part in quantity.get("stretches", [])
    )
    if quantity["is_prorated"]:
        sentences.append(f"Prorated by days they are {quantity['billed']} units.")
    sentences.append(f"By the model {price['model']} they come to {price['amount']} {fee.currency}.")
    if price["deduction"] != "0.0":
        sentences.append(f"The plan before was paid {price['deduction']} {fee.currency} for the same days.")
    return sentences


def _explain_bucket(bucket: Mapping[str, Any]) -> list[str]:
    """Say which events of the charge the fee is for, where it is split."""
    sentences = []
    if bucket["filter"]:
        parts = " and ".join(f"{key} {' or '.join(values)}" for key, values in bucket["filter"].items())
        sentences.append(f"Only events with {parts} are in it.")
    if bucket["group"]:
        parts = ", ".join(f"{key} {'(none)' if value is None else value}" for key, value in bucket["group"].items())
        sentences.append(f"It is for the group {parts}.")
    return sentences


def _explain_quantity(quantity: Mapping[str, Any], metric: Mapping[str, Any], full_days: int) -> list[str]:
    count = quantity["events_count"]
    sentences = [f"{count} event{'s' if count != 1 else ''} of the period counted."]
    if "level" in quantity:
        sentences.append(f"{quantity['carried']} units were there at the start, {quantity['level']} at the end.")
        sentences.append(f"Each level counted for its time: {quantity['billed']} units on average, rounded up to 20 decimals.")
    elif not quantity["is_prorated"]:
        sentences.append(f"They come to {quantity['aggregate']} units ({_aggregation_words(metric)}).")
    elif "members" in quantity:
        sentences.extend(
            f"{member['name']} was active on {_count_days(member['days'])} of {full_days}: "
            f"{', '.join(_day_range(first, last) for first, last in member['spans'])}."
            for member in quantity["members"]
        )
        sentences.append(
            f"Together {_count_days(quantity['total_days'])} of {full_days}: {_show_exact(quantity['exact'])}, "
            f"rounded up to 5 decimals {quantity['aggregate']}."
        )
    else:
        sentences.append(f"{quantity['carried']} units were carried into the period.")
        sentences.extend(f"{value} units changed on {_day(day)}." for day, value in quantity["by_day"].items())
        sentences.append(
            f"Each for its days of {full_days}: {_show_exact(quantity['exact'])}, rounded up to 5 decimals {quantity['aggregate']}."
        )
    if metric.get("rounding_function"):
        rule = f"{metric['rounding_function']} to {metric.get('rounding_precision') or 0} decimals"
        sentences.append(f"The metric rounds its total ({rule}): {quantity['billed']}.")
    return sentences


def _aggregation_words(metric: Mapping[str, Any]) -> str:
    words = {
        "count_agg": "their number",
        "sum_agg": "the sum of {}",
        "unique_count_agg": "the different values of {} that are active at the end",
        "max_agg": "the largest {}",
        "latest_agg": "the latest {}",
        "custom_agg": "what the metric's reducer makes of them",
    }
    return words[metric["aggregation_type"]].format(metric["field_name"])


def _explain_rounding(fee: Fee) -> str:
    rounding = fee.derivation["rounding"]
    return f"{rounding['exact_cents']} minor units, rounded {rounding['rule']}: {money(rounding['cents'], fee.currency)}."


def explain_invoice(invoice: Invoice, customer: Customer, lines: Sequence[InvoiceLine], fees: Sequence[Fee]) -> list[str]:
    """Say what an invoice is about and how each of its fees, and its total, came about."""
    name = customer.texts["name"] or customer.external_id
    sentences = [
        (
            f"Invoice {invoice.number} for {name}, issued {_day(invoice.issuing_date.isoformat())}, "
            f"due {_day(invoice.payment_due_date.isoformat())}."
        )
    ]
    for fee in fees:
        sentences.append("")
        sentences.append(f"{fee.item['invoice_display_name']}: {money(fee.amount_cents, fee.currency)}")
        sentences.extend(f"  {sentence}" for sentence in explain_fee(fee))
    sentences.append("")
    sentences.extend(sentence for step in steps_of_invoice(invoice, lines, fees) for sentence in step.sentences)
    return sentences


def steps_of_invoice(invoice: Invoice, lines: Sequence[InvoiceLine], fees: Sequence[Fee]) -> list[Step]:
    """Return how an invoice came from its fees to its total; `after_cents` of a step is what the next one starts from."""
    parts = " + ".join(money(fee.amount_cents, fee.currency) for fee in fees) or money(0, invoice.currency)
    after = invoice.fees_amount_cents
    count = f"{len(lines)} subscription{'s' if len(lines) != 1 else ''}"
    steps = [
        Step(
            step="fees",
            figures={"amounts_cents": [fee.amount_cents for fee in fees], "after_cents": after},
            sentences=[f"Total of {count}: {parts} = {money(after, invoice.currency)}."],
        )
    ]
    for name, words, change in (
        ("progressive_billing", "Usage that was billed before takes off", -invoice.progressive_billing_credit_amount_cents),
        ("coupons", "Coupons take off", -invoice.coupons_amount_cents),
        ("taxes", "Taxes add", invoice.taxes_amount_cents),
        ("credit_notes", "Credit notes take off", -invoice.credit_notes_amount_cents),
        ("prepaid_credits", "Prepaid credits pay", -invoice.prepaid_credit_amount_cents),
    ):
        if change:
            after += change
            said = f"{words} {money(abs(change), invoice.currency)}: {money(after, invoice.currency)}."
            figures: dict[str, Any] = {"change_cents": change, "after_cents": after}
            sentences = [said]
            if name == "taxes":
                figures["taxes"] = [_taxed(tax) for tax in invoice.applied_taxes]
                sentences = [*(_explain_taxed(tax, invoice.currency) for tax in invoice.applied_taxes), said]
            steps.append(Step(step=name, figures=figures, sentences=sentences))
    return steps


def _taxed(tax: AppliedTax) -> dict[str, Any]:
    rate = decimal_text(Fraction(tax.rate))
    return {"code": tax.code, "rate": rate, "base_cents": tax.base_cents, "amount_cents": tax.amount_cents}


def _explain_taxed(tax: AppliedTax, currency: str) -> str:
    rate = decimal_text(Fraction(tax.rate))
    return f"{tax.name}: {rate} % of {money(tax.base_cents, currency)}, all that bears it, are {money(tax.amount_cents, currency)}."


def print_invoice(invoice: Invoice, customer: Customer, fees: Sequence[Fee]) -> str:
    """Draw an invoice of seats as a table: each seat with its days, the total with its one rounding."""
    base = next((fee for fee in fees if fee.derivation["kind"] == "subscription"), fees[0])
    period = base.derivation["period"]
    name = customer.texts["name"] or customer.external_id
    title = f"{name} · {base.item['name']} · {_day_range(period['first_day'], period['last_day'], with_year=True)} ({period['zone']})"
    rows = [f"{title:<78}INVOICE {invoice.number}"]
    for fee in fees:
        if "members" in fee.derivation.get("quantity", {}) and "unit_amount" in fee.derivation["price"]:
            rows.extend(_seat_rows(fee))
        elif fee.amount_cents:
            rows.append(f"{fee.item['invoice_display_name']:<78}{money(fee.amount_cents, fee.currency):>10}")
    rows.append(f"{'Total':<78}{money(invoice.total_amount_cents, invoice.currency):>10}")
    return "\n".join(rows)


def _seat_rows(fee: Fee) -> list[str]:
    quantity, full_days = fee.derivation["quantity"], fee.derivation["period"]["full_days"]
    price = Decimal(fee.derivation["price"]["unit_amount"])
    currency = CURRENCIES[fee.currency]
    rows = [_row("seat", "active", "days", "share", f"at {money_text(price, fee.currency)}")]
    for member in quantity["members"]:
        share = money(to_cents(Fraction(price) * member["days"] / full_days, currency=currency), fee.currency)
        active = ", ".join(_day_range(first, last) for first, last in member["spans"])
        rows.append(_row(member["name"], active, str(member["days"]), f"{member['days']}/{full_days}", share))
    rows.append(_row("", "", str(quantity["total_days"]), f"  {quantity['billed']} seats", "").rstrip())
    ratio = Fraction(quantity["total_days"], full_days)
    exact = _show_exact(f"{quantity['total_days']}/{full_days}")
    rounded = f", rounded up to {quantity['billed']}" if Fraction(quantity["billed"]) != ratio else ""
    product = f"{money_text(price, fee.currency)} = {sign(fee.currency)}{fee.derivation['price']['amount']}"
    sentence = f"{fee.item['invoice_display_name']}  {exact}{rounded} × {product}"
    rows.append(f"{sentence:<78}{money(fee.amount_cents, fee.currency):>10}")
    return rows


def _row(*cells: str) -> str:
    name, active, *numbers = cells
    return f"{name:<{_COLUMNS[0]}}{active:<{_COLUMNS[1]}}" + "".join(
        f"{cell:>{width}}" for cell, width in zip(numbers, _COLUMNS[2:], strict=True)
    )


def _show_exact(fraction: str) -> str:
    """Show a fraction with its decimals: "77/31 = 2.48387…"."""
    value = Fraction(fraction)
    if value.denominator == 1:
        return str(value.numerator) if fraction.endswith("/1") or "/" not in fraction else f"{fraction} = {value.numerator}"
    cut = Fraction(int(value * 100_000), 100_000)
    return f"{fraction} = {decimal_text(cut)}{'…' if cut != value else ''}"


def _count_days(number: int) -> str:
    return f"{number} day{'s' if number != 1 else ''}"


def _day(text: str) -> str:
    day = date.fromisoformat(text)
    return f"{day.day} {day:%b} {day.year}"


def _day_range(first: str, last: str, *, with_year: bool = False) -> str:
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    if with_year and (start.year, start.month) == (end.year, end.month):
        return f"{start.day}–{end.day} {end:%B} {end.year}"
    tail = f" {end.year}" if with_year else ""
    if start == end:
        return f"{start.day} {start:%b}{tail}"
    return f"{start.day} {start:%b} – {end.day} {end:%b}{tail}"


def money(cents: int, currency: str) -> str:
    """Write an amount of minor units with its currency, or hundredths of a pricing unit: $24.84, KWD 1.250, JPY 33, CR 12.35."""
    known = CURRENCIES.get(currency, A_UNIT)
    digits = f"{Decimal(cents) / known.subunits:.{known.exponent}f}"
    return f"{sign(currency)}{digits}"
