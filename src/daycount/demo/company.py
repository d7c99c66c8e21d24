"""
A year of a company that sells software, to look at: plans of every kind, customers that come, grow, pay late and leave.

Its clock goes month by month, so every invoice is made by the billing run at its own time. Nothing is random.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from daycount.demo.client import Api

START: Final = datetime(2025, 11, 3, 9, tzinfo=UTC)
NOW: Final = datetime(2026, 11, 18, 10, tzinfo=UTC)
_BATCH: Final = 100
_MODELS: Final = ("swift", "deep")


class Customer(NamedTuple):
    """A customer of the company: on which plan, from which month on (0 is the first), and how large it is."""

    code: str
    name: str
    country: str
    city: str
    zone: str
    plan: str
    since: int
    size: int


CUSTOMERS: Final = (
    Customer("aurora", "Aurora Robotics GmbH", "DE", "Hamburg", "Europe/Berlin", "scale", 0, 9),
    Customer("bluebird", "Bluebird Travel Ltd", "GB", "Leeds", "Europe/London", "team", 0, 4),
    Customer("cedar", "Cedar & Sons", "US", "Portland", "America/Los_Angeles", "team", 1, 3),
    Customer("delta", "Delta Freight BV", "NL", "Rotterdam", "Europe/Amsterdam", "scale", 2, 7),
    Customer("ember", "Ember Games", "SE", "Malmö", "Europe/Stockholm", "developer", 2, 8),
    Customer("fjord", "Fjord Analytics AS", "NO", "Bergen", "Europe/Oslo", "developer", 4, 5),
    Customer("granite", "Granite Legal LLP", "US", "Boston", "America/New_York", "team", 5, 6),
    Customer("harbor", "Harbor Health", "US", "Austin", "America/Chicago", "enterprise", 6, 10),
    Customer("iris", "Iris Studio", "FR", "Lyon", "Europe/Paris", "team", 8, 2),
    Customer("juniper", "Juniper Foods", "ES", "Bilbao", "Europe/Madrid", "developer", 10, 3),
)
_ADD_ONS: Final = (
    ("onboarding", "Onboarding", 50_000, "Two days with your team"),
    ("support", "Named support engineer", 15_000, "Somebody who knows your installation"),
)
_PEOPLE: Final = ("ada", "ben", "cleo", "dina", "emil", "fay", "gus", "hana", "ines", "jon", "kim", "lou", "mia", "nils", "olga", "paul")


def found_company(api: Api) -> None:
    """Play the year. Takes some seconds."""
    _set_up(api, _catalogue(api))
    for month, end in enumerate(_month_ends()):
        for customer in CUSTOMERS:
            if customer.since == month:
                _welcome(api, customer)
        _move(api, end)
        _send(api, [event for customer in CUSTOMERS if customer.since <= month for event in _usage(customer, month, end)])
        _happen(api, month)
        _pay(api, keep=3 if month >= 11 else 0)
    _move(api, NOW)
    _strange_events(api)
    _watch(api)
    _late_payers(api)


def _month_ends() -> Iterator[datetime]:
    """Go through the last days of the months, each at noon, and end with today."""
    year, month = START.year, START.month
    while True:
        following = datetime(year + month // 12, month % 12 + 1, 1, 12, tzinfo=UTC)
        end = following - timedelta(days=1)
        if end >= NOW:
            yield NOW - timedelta(hours=1)
            return
        yield end
        year, month = following.year, following.month


def _catalogue(api: Api) -> Mapping[str, str]:
    """Make the metrics and return their ids by code."""
    seats = {"name": "Seats", "code": "seats", "aggregation_type": "unique_count_agg", "field_name": "user_id", "recurring": True}
    tokens = {
        "name": "Tokens",
        "code": "tokens",
        "aggregation_type": "sum_agg",
        "field_name": "count",
        "filters": [{"key": "model", "values": list(_MODELS)}],
    }
    calls = {"name": "API calls", "code": "api_calls", "aggregation_type": "count_agg"}
    storage = {"name": "Storage in GB", "code": "storage", "aggregation_type": "max_agg", "field_name": "gb"}
    made = (
        api.call("POST", "/billable_metrics", {"billable_metric": metric})["billable_metric"] for metric in (seats, tokens, calls, storage)
    )
    return {metric["code"]: metric["lago_id"] for metric in made}


def _set_up(api: Api, metrics: Mapping[str, str]) -> None:
    """Make the organization's settings, taxes, plans, coupons and an add-on."""
    address = {"address_line1": "12 Lighthouse Road", "city": "Dublin", "zipcode": "D02", "country": "IE", "legal_name": "Lumen Cloud Ltd"}
    api.call("PUT", "/organizations", {"organization": {"net_payment_term": 14, "email": "billing@lumen.example", **address}})
    tax = {"name": "VAT", "code": "vat", "rate": "20", "applied_to_organization": True}
    api.call("POST", "/taxes", {"tax": tax})
    for code, name, cents, description in _ADD_ONS:
        add_on = {"name": name, "code": code, "amount_cents": cents, "amount_currency": "EUR", "description": description}
        api.call("POST", "/add_ons", {"add_on": add_on})
    for plan in _plans(metrics):
        api.call("POST", "/plans", {"plan": {"amount_currency": "EUR", "interval": "monthly", **plan}})
    welcome = {
        "name": "Welcome",
        "code": "welcome",
        "coupon_type": "percentage",
        "percentage_rate": "20",
        "frequency": "recurring",
        "frequency_duration": 3,
        "expiration": "no_expiration",
    }
    sorry = {
        "name": "Sorry about June",
        "code": "sorry",
        "coupon_type": "fixed_amount",
        "amount_cents": 5000,
        "amount_currency": "EUR",
        "frequency": "once",
        "expiration": "no_expiration",
    }
    for coupon in (welcome, sorry):
        api.call("POST", "/coupons", {"coupon": coupon})


def _plans(metrics: Mapping[str, str]) -> Sequence[Mapping[str, Any]]:
    team_seats = _charge(metrics["seats"], "standard", {"amount": "12"}, prorated=True)
    tiers = [
        {"from_value": 0, "to_value": 5, "per_unit_amount": "0", "flat_amount": "0"},
        {"from_value": 5, "to_value": 20, "per_unit_amount": "9", "flat_amount": "0"},
        {"from_value": 20, "to_value": None, "per_unit_amount": "7", "flat_amount": "0"},
    ]
    scale_seats = _charge(metrics["seats"], "graduated", {"graduated_ranges": tiers})
    packages = _charge(metrics["tokens"], "package", {"amount": "2.5", "package_size": 100_000, "free_units": 200_000})
    volumes = [
        {"from_value": 0, "to_value": 1000, "per_unit_amount": "0.004", "flat_amount": "0"},
        {"from_value": 1000, "to_value": None, "per_unit_amount": "0.0025", "flat_amount": "1"},
    ]
    calls = _charge(metrics["api_calls"], "volume", {"volume_ranges": volumes})
    by_model = _charge(metrics["tokens"], "standard", {"amount": "0.00002"}) | {
        "filters": [
            {"values": {"model": ["deep"]}, "properties": {"amount": "0.00006"}, "invoice_display_name": "Deep model"},
            {"values": {"model": ["swift"]}, "properties": {"amount": "0.00001"}, "invoice_display_name": "Swift model"},
        ]
    }
    storage = _charge(metrics["storage"], "standard", {"amount": "0.08"})
    return (
        {"name": "Team", "code": "team", "amount_cents": 0, "pay_in_advance": False, "charges": [team_seats]},
        {"name": "Scale", "code": "scale", "amount_cents": 9900, "pay_in_advance": True, "charges": [scale_seats, packages, storage]},
        {"name": "Developer", "code": "developer", "amount_cents": 1900, "pay_in_advance": False, "charges": [calls, by_model]},
        {
            "name": "Enterprise",
            "code": "enterprise",
            "amount_cents": 120_000,
            "pay_in_advance": False,
            "charges": [team_seats, by_model, storage],
            "fixed_charges": [{"add_on_code": "support", "charge_model": "standard", "units": "2", "properties": {"amount": "150"}}],
            "minimum_commitment": {"amount_cents": 250_000, "invoice_display_name": "Minimum a month"},
        },
    )


def _charge(metric_id: str, model: str, properties: Mapping[str, Any], *, prorated: bool = False) -> dict[str, Any]:
    return {"billable_metric_id": metric_id, "charge_model": model, "properties": properties, "prorated": prorated}


def _welcome(api: Api, customer: Customer) -> None:
    """Take a customer in and put it on its plan."""
    known = {
        "external_id": customer.code,
        "name": customer.name,
        "email": f"accounts@{customer.code}.example",
        "country": customer.country,
        "city": customer.city,
        "currency": "EUR",
        "timezone": customer.zone,
    }
    api.call("POST", "/customers", {"customer": known})
    if customer.since >= 4:
        api.call("POST", "/applied_coupons", {"applied_coupon": {"external_customer_id": customer.code, "coupon_code": "welcome"}})
    subscription = {"external_customer_id": customer.code, "plan_code": customer.plan, "external_id": f"{customer.code}-1"}
    api.call("POST", "/subscriptions", {"subscription": subscription})
    if customer.code == "ember":
        _prepay(api, customer)


def _prepay(api: Api, customer: Customer) -> None:
    rule = {"trigger": "threshold", "threshold_credits": "20", "granted_credits": "50", "paid_credits": "0", "method": "fixed"}
    wallet = {
        "external_customer_id": customer.code,
        "name": "Prepaid credits",
        "rate_amount": "1",
        "currency": "EUR",
        "granted_credits": "150",
        "recurring_transaction_rules": [rule],
    }
    api.call("POST", "/wallets", {"wallet": wallet})


def _usage(customer: Customer, month: int, end: datetime) -> Iterator[dict[str, Any]]:
    """Say what a customer used in a month that ends soon: seats that come and go, tokens, calls, storage."""
    first = datetime(end.year, end.month, 1, tzinfo=UTC)
    age = month - customer.since
    begin = first if age else max(first, _arrival(month, end))
    days = max((end - begin).days, 1)

    def event(code: str, number: int, at: datetime, **properties: Any) -> dict[str, Any]:
        return {
            "transaction_id": f"{customer.code}-{month}-{code}-{number}",
            "external_subscription_id": f"{customer.code}-1",
            "code": code,
            "timestamp": at.timestamp(),
            "properties": properties,
        }

    if customer.plan in ("team", "scale", "enterprise"):
        for number, (user, operation) in enumerate(_moves(customer, age)):
            yield event(
                "seats",
                number,
                begin + timedelta(days=(number * 5 + customer.size) % days, hours=10),
                user_id=user,
                operation_type=operation,
            )
    if customer.plan in ("scale", "developer", "enterprise"):
        for day in range(0, days, 2):
            count = customer.size * 9_000 * (3 + age) * (2 + (day * 7 + customer.size) % 5) // 10
            at = begin + timedelta(days=day, hours=8 + day % 9)
            yield event("tokens", day, at, count=count, model=_MODELS[(day // 2) % 2])
    if customer.plan == "developer":
        for number in range(customer.size * (6 + age)):
            at = begin + timedelta(days=(number * 3) % days, hours=number % 24, minutes=number % 60)
            yield event("api_calls", number, at, path="/render")
    if customer.plan in ("scale", "enterprise"):
        for week in range(0, days, 7):
            yield event("storage", week, begin + timedelta(days=week, hours=4), gb=customer.size * 20 + age * 12 + week)


def _arrival(month: int, end: datetime) -> datetime:
    """Return from when on somebody who came in this month uses anything: the clock stood at the end of the month before."""
    return START if month == 0 else datetime(end.year, end.month, 1, tzinfo=UTC)


def _moves(customer: Customer, age: int) -> Sequence[tuple[str, str]]:
    """Say who joins and leaves in the n-th month of a customer."""
    offset = customer.size * 3
    people = [_PEOPLE[(offset + number) % len(_PEOPLE)] for number in range(len(_PEOPLE))]
    if age == 0:
        return [(user, "add") for user in people[: customer.size]]
    joins = [(people[(customer.size + age) % len(people)], "add")]
    return [*joins, (people[age % customer.size], "remove")] if age % 3 == 2 else joins


def _send(api: Api, events: Sequence[Mapping[str, Any]]) -> None:
    for start in range(0, len(events), _BATCH):
        api.call("POST", "/events/batch", {"events": events[start : start + _BATCH]})


def _move(api: Api, to: datetime) -> None:
    api.call("PUT", "/test_clock", {"test_clock": {"frozen_time": to.isoformat()}})


def _happen(api: Api, month: int) -> None:
    """Let what is not usage happen at the end of a month."""
    match month:
        case 3:
            fees = [{"add_on_code": "onboarding", "units": 1}]
            api.call("POST", "/invoices", {"invoice": {"external_customer_id": "delta", "currency": "EUR", "fees": fees}})
        case 6:
            subscription = {"external_customer_id": "bluebird", "plan_code": "scale", "external_id": "bluebird-1"}
            api.call("POST", "/subscriptions", {"subscription": subscription})
        case 7:
            api.call("POST", "/applied_coupons", {"applied_coupon": {"external_customer_id": "aurora", "coupon_code": "sorry"}})
            _credit(api, "aurora")
        case 9:
            api.call("DELETE", "/subscriptions/cedar-1")
        case 11:
            later = {"external_customer_id": "iris", "plan_code": "developer", "external_id": "iris-api", "subscription_at": "2026-12-01"}
            api.call("POST", "/subscriptions", {"subscription": later})
        case _:
            return


def _credit(api: Api, customer: str) -> None:
    """Give a part of the latest invoice back."""
    invoice = api.call("GET", f"/customers/{customer}/invoices?per_page=1")["invoices"][0]
    fees = api.call("GET", f"/invoices/{invoice['lago_id']}")["invoice"]["fees"]
    fee = max(fees, key=lambda item: int(item["amount_cents"]))
    amount = fee["amount_cents"] // 2
    note = {
        "invoice_id": invoice["lago_id"],
        "reason": "order_change",
        "description": "Half of the month was promised for free",
        "credit_amount_cents": amount + amount // 5,
        "items": [{"fee_id": fee["lago_id"], "amount_cents": amount}],
    }
    api.call("POST", "/credit_notes", {"credit_note": note})


def _pay(api: Api, *, keep: int) -> None:
    """Pay what is due, but for the latest few invoices and those of whoever pays late."""
    due = api.call("GET", "/invoices?statuses[]=finalized&payment_statuses[]=pending&per_page=100")["invoices"]
    for number, invoice in enumerate(due[keep:], start=1):
        if invoice["total_due_amount_cents"] > 0 and invoice["customer"]["external_id"] != "granite":
            payment = {
                "invoice_id": invoice["lago_id"],
                "amount_cents": invoice["total_due_amount_cents"],
                "reference": f"SEPA {invoice['number'][-7:]}/{number}",
            }
            api.call("POST", "/payments", {"payment": payment})


def _strange_events(api: Api) -> None:
    """Send events that nobody is billed for: a code that no metric has, and a subscription that nobody has."""
    at = (NOW - timedelta(hours=2)).timestamp()
    for number in range(3):
        event = {"transaction_id": f"strange-{number}", "code": "tokens_v2", "external_subscription_id": "ember-1", "timestamp": at}
        api.call("POST", "/events", {"event": event | {"properties": {"count": 100 + number}}})
    event = {"transaction_id": "strange-3", "code": "seats", "external_subscription_id": "kestrel-1", "timestamp": at}
    api.call("POST", "/events", {"event": event | {"properties": {"user_id": "ada"}}})


def _late_payers(api: Api) -> None:
    """Let the payment of one open invoice fail."""
    due = api.call("GET", "/invoices?statuses[]=finalized&payment_statuses[]=pending&per_page=100")["invoices"]
    failed = next((item for item in due if item["customer"]["external_id"] != "granite" and item["total_due_amount_cents"] > 0), None)
    if failed is not None:
        api.call("PUT", f"/invoices/{failed['lago_id']}", {"invoice": {"payment_status": "failed"}})


def _watch(api: Api) -> None:
    """Let plans entitle to features, alerts look at usage and credits, and an endpoint that nobody answers at be told of payments."""
    seats = {"code": "max", "name": "At most", "value_type": "integer"}
    for feature in (
        {"code": "sso", "name": "Single sign-on", "description": "Sign in with your own identity provider", "privileges": []},
        {"code": "workspaces", "name": "Workspaces", "description": "Rooms that a team keeps apart", "privileges": [seats]},
    ):
        api.call("POST", "/features", {"feature": feature})
    api.call("POST", "/plans/scale/entitlements", {"entitlements": {"workspaces": {"max": 10}}})
    api.call("POST", "/plans/enterprise/entitlements", {"entitlements": {"sso": {}, "workspaces": {"max": 100}}})
    dear = {
        "alert_type": "current_usage_amount",
        "code": "dear",
        "name": "A dear month",
        "thresholds": [{"code": "warn", "value": "20000"}],
    }
    api.call("POST", "/subscriptions/aurora-1/alerts", {"alert": dear})
    wallet = api.call("GET", "/customers/ember/wallets")["wallets"][0]
    low = {
        "alert_type": "wallet_balance_amount",
        "code": "low",
        "name": "Few credits left",
        "thresholds": [{"code": "warn", "value": "3000"}],
    }
    api.call("POST", f"/customers/ember/wallets/{wallet['code']}/alerts", {"alert": low})
    endpoint = {"name": "Ledger", "webhook_url": "https://ledger.lumen.example/hooks", "event_types": ["invoice.payment_status_updated"]}
    api.call("POST", "/webhook_endpoints", {"webhook_endpoint": endpoint})
