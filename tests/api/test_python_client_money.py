"""The published Python client: wallets, their transactions, one-off invoices, payments, billing entities, organization."""

import pytest
from lago_python_client.client import Client
from lago_python_client.models.add_on import AddOn
from lago_python_client.models.alert import Alert, AlertsList, AlertThreshold, AlertThresholdList
from lago_python_client.models.billing_entity import BillingEntity
from lago_python_client.models.customer import Customer
from lago_python_client.models.invoice import InvoiceFee, InvoiceFeesList, OneOffInvoice
from lago_python_client.models.organization import Organization
from lago_python_client.models.payment import Payment
from lago_python_client.models.payment_request import PaymentRequest
from lago_python_client.models.wallet import Wallet
from lago_python_client.models.wallet_transaction import WalletTransaction

from tests.support.server import HOST, Api


@pytest.fixture
def lago(sandbox: Api) -> Client:
    """The client, as its users make it, for a new sandbox with a customer."""
    made = Client(api_key=str(sandbox.key), api_url=f"http://{HOST}:{sandbox.port}")
    made.customers.create(Customer(external_id="acme", name="Acme", currency="EUR"))
    return made


def test_wallets_and_their_transactions(lago: Client) -> None:
    wallet = lago.wallets.create(
        Wallet(external_customer_id="acme", name="Credits", rate_amount="0.5", currency="EUR", granted_credits="20", paid_credits="10")
    )
    found = lago.wallets.find(wallet.lago_id)
    assert (found.credits_balance, found.status) == ("20.0", "active")
    assert lago.wallets.update(Wallet(name="Renamed"), wallet.lago_id).name == "Renamed"
    [made] = lago.wallet_transactions.create(WalletTransaction(wallet_id=wallet.lago_id, voided_credits="2"))["wallet_transactions"]
    assert (made.transaction_status, made.amount) == ("voided", "1.0")
    listed = lago.wallet_transactions.find_all(wallet.lago_id, {"transaction_status": "granted"})["wallet_transactions"]
    assert [row.credit_amount for row in listed] == ["20.0"]
    assert [row.lago_id for row in lago.wallets.find_all({"external_customer_id": "acme"})["wallets"]] == [wallet.lago_id]
    assert lago.wallets.destroy(wallet.lago_id).status == "terminated"


def test_a_one_off_invoice_is_paid(lago: Client) -> None:
    lago.add_ons.create(AddOn(name="Setup", code="setup", amount_cents=5000, amount_currency="EUR"))
    fees = InvoiceFeesList(__root__=[InvoiceFee(add_on_code="setup", units=2.5)])
    invoice = lago.invoices.create(OneOffInvoice(external_customer_id="acme", currency="EUR", fees=fees))
    assert (invoice.invoice_type, invoice.total_amount_cents) == ("one_off", 12_500)
    payment = lago.payments.create(Payment(invoice_id=invoice.lago_id, amount_cents=12_500, reference="wire"))
    assert (payment.payment_status, payment.invoice_numbers) == ("succeeded", [invoice.number])
    assert [row.lago_id for row in lago.payments.find_all()["payments"]] == [payment.lago_id]
    assert lago.payments.find(payment.lago_id).amount_cents == 12_500
    assert lago.invoices.find(invoice.lago_id).payment_status == "succeeded"
    [receipt] = lago.payment_receipts.find_all({"invoice_id": invoice.lago_id})["payment_receipts"]
    assert receipt.payment.lago_id == payment.lago_id
    assert lago.payment_receipts.find(receipt.lago_id).number == receipt.number


def test_overdue_invoices_are_asked_for(sandbox: Api, lago: Client) -> None:
    sandbox.plan("team", amount_cents=3100, amount_currency="EUR")
    sandbox.subscribe()
    sandbox.move_to("2026-08-02T00:00:00Z")
    [invoice] = lago.invoices.find_all({"payment_overdue": "true"})["invoices"]

    made = lago.payment_requests.create(
        PaymentRequest(email="pay@acme.test", external_customer_id="acme", lago_invoice_ids=[invoice.lago_id])
    )

    assert (made.amount_cents, made.payment_status, made.customer.external_id) == (3100, "pending", "acme")
    assert [row.lago_id for row in made.invoices.__root__] == [invoice.lago_id]
    assert lago.payment_requests.find(made.lago_id).email == "pay@acme.test"
    assert [row.lago_id for row in lago.payment_requests.find_all({"payment_status": "pending"})["payment_requests"]] == [made.lago_id]


def test_billing_entities_and_the_organization(lago: Client) -> None:
    made = lago.billing_entities.create(BillingEntity(name="Paris", code="paris"))
    assert made.code == "paris"
    assert lago.billing_entities.update(BillingEntity(name="Paris SA", code="paris"), "paris").name == "Paris SA"
    assert lago.billing_entities.find("paris").code == "paris"
    assert (
        lago.organizations.update(Organization(default_currency="EUR", legal_name="Acme Inc.", timezone="Europe/Paris")).timezone
        == "Europe/Paris"
    )


def test_alerts_of_a_wallet(lago: Client) -> None:
    wallet = lago.wallets.create(Wallet(external_customer_id="acme", name="Credits", rate_amount="1", currency="EUR", granted_credits="20"))
    alerts = lago.customers.wallets.alerts
    low = Alert(
        alert_type="wallet_balance_amount",
        code="low",
        thresholds=AlertThresholdList(__root__=[AlertThreshold(code="warn", value="500", recurring=False)]),
    )
    made = alerts.create("acme", wallet.code, low)
    assert (made.code, made.previous_value, made.thresholds.__root__[0].value) == ("low", "2000.0", "500.0")
    both = [low.copy(update={"alert_type": kind, "code": kind}) for kind in ("wallet_credits_balance", "wallet_credits_ongoing_balance")]
    assert len(alerts.create_batch("acme", wallet.code, AlertsList(alerts=both))["alerts"]) == 2
    assert alerts.update("acme", wallet.code, "low", Alert(name="Low credits")).name == "Low credits"
    assert alerts.find("acme", wallet.code, "low").wallet_code == wallet.code
    assert len(alerts.find_all("acme", wallet.code)["alerts"]) == 3
    assert alerts.destroy("acme", wallet.code, "low").code == "low"
    alerts.destroy_all("acme", wallet.code)
    assert alerts.find_all("acme", wallet.code)["alerts"] == []
