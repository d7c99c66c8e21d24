"""Whatever is done with a wallet, in any order: what stands in it is what came in less what went out, lot by lot, to the cent."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.support.server import Api, Server

START = datetime(2026, 7, 1, tzinfo=UTC)
STEPS = 60


class Life:
    """A customer with a wallet, and everything that can be done with it."""

    def __init__(self, api: Api, chance: random.Random) -> None:
        self.api, self.chance = api, chance
        api.customer(currency="USD")
        metric = api.metric("calls", aggregation_type="sum_agg", field_name="n", recurring=False)
        api.plan(charges=[api.seat_charge(metric, "0.37", prorated=False)])
        api.subscribe()
        self.wallet = api.wallet(rate_amount="0.7", granted_credits="10")["lago_id"]
        self.now = START
        self.count = 0

    def credits(self) -> str:
        return str(Decimal(self.chance.randrange(1, 20_000)) / 1000)

    def post(self, path: str, body: Any = None) -> Any:
        reply = self.api.call("POST", path, body)
        assert reply.status in (200, 405, 422), reply.body
        return reply.body if reply.status == 200 else None

    def transaction(self, **fields: Any) -> Any:
        return self.post("/wallet_transactions", {"wallet_transaction": {"wallet_id": self.wallet} | fields})

    def grant(self) -> None:
        self.transaction(granted_credits=self.credits(), priority=self.chance.randrange(1, 51))

    def buy(self) -> None:
        made = self.transaction(paid_credits=self.credits())
        if made and self.chance.random() < 0.8:
            invoice = made["wallet_transactions"][0]["lago_invoice_id"]
            self.api.ok("PUT", f"/invoices/{invoice}", {"invoice": {"payment_status": "succeeded"}})

    def void(self) -> None:
        self.transaction(voided_credits=self.credits())

    def void_a_lot(self) -> None:
        lots = [item for item in self.transactions() if item["remaining_amount_cents"]]
        if lots:
            self.transaction(voided_transaction_id=self.chance.choice(lots)["lago_id"])

    def use(self) -> None:
        self.count += 1
        self.api.event(f"event {self.count}", code="calls", n=str(self.chance.randrange(1, 9)))

    def pass_a_month(self) -> None:
        self.now = (self.now + timedelta(days=32)).replace(day=1)
        self.api.move_to(self.now.isoformat())

    def void_an_invoice(self) -> None:
        paid = [row for row in self.api.ok("GET", "/invoices")["invoices"] if row["invoice_type"] == "subscription"]
        if paid:
            self.post(f"/invoices/{self.chance.choice(paid)['lago_id']}/void", {"generate_credit_note": False})

    def refund(self) -> None:
        bought = [item for item in self.transactions() if item["transaction_status"] == "purchased" and item["status"] == "settled"]
        if bought:
            item = self.chance.choice(bought)
            amount = self.chance.randrange(1, 500)
            fees = self.api.ok("GET", f"/invoices/{item['lago_invoice_id']}")["invoice"]["fees"]
            note = {"invoice_id": item["lago_invoice_id"], "refund_amount_cents": amount}
            self.post("/credit_notes", {"credit_note": note | {"items": [{"fee_id": fees[0]["lago_id"], "amount_cents": amount}]}})

    def hold(self) -> None:
        held = self.post(f"/wallets/{self.wallet}/authorize", {"wallet_authorization": {"credits": self.credits()}})
        how = self.chance.choice(("capture", "release", "leave"))
        if held and how != "leave":
            self.post(f"/wallet_authorizations/{held['wallet_authorization']['lago_id']}/{how}")

    def transactions(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.api.ok("GET", f"/wallets/{self.wallet}/wallet_transactions", query={"per_page": 1000})[
            "wallet_transactions"
        ]
        return found

    def check(self) -> None:
        wallet = self.api.ok("GET", f"/wallets/{self.wallet}")["wallet"]
        settled = [item for item in self.transactions() if item["status"] == "settled"]
        signs = {"inbound": 1, "outbound": -1}
        assert wallet["balance_cents"] == sum(signs[item["transaction_type"]] * Decimal(item["amount"]) * 100 for item in settled)
        moved = sum(signs[item["transaction_type"]] * Decimal(item["credit_amount"]) for item in settled)
        assert Decimal(wallet["credits_balance"]) == moved
        assert wallet["balance_cents"] == sum(item["remaining_amount_cents"] or 0 for item in settled)
        assert 0 <= wallet["reserved_amount_cents"] <= wallet["balance_cents"]
        # 0.37 for each unit that is not billed yet, no tax.
        used = self.api.usage()["amount_cents"]
        assert wallet["ongoing_balance_cents"] == wallet["balance_cents"] - wallet["reserved_amount_cents"] - used


def test_what_stands_in_a_wallet_is_what_came_in_less_what_went_out(server: Server) -> None:
    life = Life(server.organization(at="2026-07-01T00:00:00Z"), random.Random(7))
    ways = (
        life.grant,
        life.buy,
        life.void,
        life.void_a_lot,
        life.use,
        life.use,
        life.pass_a_month,
        life.void_an_invoice,
        life.refund,
        life.hold,
    )
    for _ in range(STEPS):
        life.chance.choice(ways)()
        life.check()
    for item in life.transactions():
        path = {"inbound": "consumptions", "outbound": "fundings"}[item["transaction_type"]]
        rows = life.api.ok("GET", f"/wallet_transactions/{item['lago_id']}/{path}")[f"wallet_transaction_{path}"]
        moved = sum(row["amount_cents"] for row in rows)
        whole = int(Decimal(item["amount"]) * 100)
        assert moved == (
            whole if path == "fundings" else whole - (item["remaining_amount_cents"] or 0) if item["status"] == "settled" else 0
        )
