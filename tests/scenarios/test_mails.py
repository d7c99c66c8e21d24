"""E-mails to customers: what is written, to whom, and how they go out."""

import socket
import time
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from tests.support.server import HOST, Api, Server, free_port

SETTINGS = ["invoice.finalized", "credit_note.created", "payment_receipt.created"]


class Mailbox:
    """A mail server that takes what comes, but for addresses it has another answer for."""

    def __init__(self) -> None:
        self.got: list[Any] = []
        self.answers = {"nobody@acme.test": ["550 no such user"] * 9, "busy@acme.test": ["451 try later"]}

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        left = self.answers.get(address)
        if left:
            return left.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.got.append((envelope.rcpt_tos, message_from_bytes(envelope.content, policy=policy.default)))
        return "250 taken"


def write_to(api: Api, email: str = "ada@acme.test", **fields: Any) -> None:
    entity = {"email": "billing@us.test", "legal_name": "Us & Co", "email_settings": SETTINGS}
    api.ok("PUT", "/billing_entities/default", {"billing_entity": entity})
    api.customer(email=email, **fields)


def sell(api: Api) -> dict[str, Any]:
    body = {"external_customer_id": "acme", "currency": "USD", "fees": [{"add_on_code": "setup"}]}
    sold: dict[str, Any] = api.ok("POST", "/invoices", {"invoice": body})["invoice"]
    return sold


def settled(api: Api, count: int) -> list[dict[str, Any]]:
    """Return the e-mails, the earliest first, once nothing waits any more."""
    deadline = time.monotonic() + 20
    while True:
        found: list[dict[str, Any]] = api.ok("GET", "/emails")["emails"]
        if (len(found) >= count and all(mail["status"] in ("sent", "failed", "not_sent") for mail in found)) or time.monotonic() > deadline:
            assert len(found) == count, found
            return list(reversed(found))
        time.sleep(0.05)


def test_a_sandbox_keeps_what_would_have_been_sent(sandbox: Api) -> None:
    sandbox.customer(email="ada@acme.test")
    sandbox.add_on()
    sell(sandbox)  # no setting asks for it
    write_to(sandbox, "ada@acme.test, bob@acme.test", legal_name="<Acme> & Söhne", billing_configuration={"document_locale": "de"})
    invoice = sell(sandbox)
    paid = {"invoice_id": invoice["lago_id"], "amount_cents": 5000, "reference": "wire"}
    sandbox.ok("POST", "/payments", {"payment": paid})
    first, second = settled(sandbox, 2)
    assert (first["email_type"], first["to"], first["reply_to"], first["from_name"]) == (
        "invoice.finalized",
        ["ada@acme.test", "bob@acme.test"],
        "billing@us.test",
        "Us & Co",
    )
    assert first["subject"] == f"Ihre Rechnung {invoice['number']} von Us & Co"
    assert (first["status"], first["attachments"][0]["id"]) == ("not_sent", invoice["lago_id"])
    assert second["email_type"] == "payment_receipt.created"
    whole = sandbox.ok("GET", f"/emails/{first['lago_id']}")["email"]
    assert "Guten Tag <Acme> & Söhne," in whole["text"] and "50,00\u00a0$" in whole["text"]
    assert "Guten Tag &lt;Acme&gt; &amp; Söhne," in whole["html"]
    # A campaign asks for what is overdue, and its books get a copy.
    owed = sell(sandbox)
    thresholds = [{"currency": "USD", "amount_cents": 1}]
    campaign = {"code": "c", "name": "C", "thresholds": thresholds, "bcc_emails": ["books@us.test"], "applied_to_organization": True}
    sandbox.ok("POST", "/dunning_campaigns", {"dunning_campaign": campaign})
    sandbox.move_to("2026-07-02T00:00:00Z")
    asked = settled(sandbox, 4)[-1]
    assert (asked["email_type"], asked["bcc"], asked["created_at"]) == (
        "payment_request.created",
        ["books@us.test"],
        "2026-07-02T00:00:00Z",
    )
    assert owed["lago_id"] in [item["id"] for item in asked["attachments"]]
    logged = sandbox.ok("GET", "/activity_logs", query={"activity_types[]": "email.sent"})["activity_logs"]
    assert {entry["resource_type"] for entry in logged} == {"Invoice", "PaymentReceipt", "PaymentRequest"}


def test_what_cannot_be_sent_again(sandbox: Api) -> None:
    sandbox.add_on()
    sandbox.customer()
    invoice = sell(sandbox)
    path = f"/invoices/{invoice['lago_id']}/resend_email"
    assert sandbox.call("POST", path, {}).body["code"] == "email_settings_disabled"
    sandbox.ok("PUT", "/billing_entities/default", {"billing_entity": {"email_settings": SETTINGS}})
    missing = sandbox.call("POST", path, {"cc": ["x"], "bcc": ["y@z.test", 7]})
    assert missing.body["error_details"] == {
        "billing_entity": ["value_is_mandatory"],
        "to": ["value_is_mandatory"],
        "cc": ["invalid_email_format"],
        "bcc": ["invalid_email_format"],
    }
    assert sandbox.ok("GET", "/emails")["emails"] == []
    sandbox.ok("PUT", "/billing_entities/default", {"billing_entity": {"email": "billing@us.test"}})
    sent = sandbox.call("POST", path, {"to": ["me@us.test"], "cc": ["you@us.test"]})
    assert (sent.status, sent.body) == (200, None)
    [mail] = sandbox.ok("GET", "/emails")["emails"]
    assert (mail["to"], mail["cc"], mail["is_resend"]) == (["me@us.test"], ["you@us.test"], True)
    sandbox.ok("POST", f"/invoices/{invoice['lago_id']}/void")
    assert sandbox.call("POST", path, {"to": ["me@us.test"]}).body["code"] == "invoice_not_finalized"


@pytest.fixture(scope="module")
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    box = Mailbox()
    controller = Controller(box, hostname=HOST, port=free_port())
    controller.start()
    yield box, controller.port
    controller.stop()


def test_a_live_organization_sends_and_tries_again(tmp_path: Path, mailbox: tuple[Mailbox, int]) -> None:
    box, port = mailbox
    settings = {"DAYCOUNT_SMTP_RETRY_SECONDS": "0", "DAYCOUNT_SMTP_FROM": "no-reply@us.test", "DAYCOUNT_SMTP_ADDRESS": HOST}
    with socket.socket() as silent:  # takes connections and says nothing
        silent.bind((HOST, 0))
        silent.listen()
        hanging = {"DAYCOUNT_SMTP_PORT": str(silent.getsockname()[1]), "DAYCOUNT_SMTP_TIMEOUT_SECONDS": "1", "DAYCOUNT_SMTP_ATTEMPTS": "50"}
        server = Server(tmp_path / "data", environment=settings).start(hanging)
        api = server.organization(at=None)
        api.add_on()
        write_to(api)
        invoice = sell(api)
        deadline = time.monotonic() + 15
        while api.ok("GET", "/emails", query={"status[]": "retrying"})["emails"] == [] and time.monotonic() < deadline:
            time.sleep(0.1)
        assert "imed out" in api.ok("GET", "/emails")["emails"][0]["error"]
        key = str(api.key)
        assert server.stop() == 0
    server.start({"DAYCOUNT_SMTP_PORT": str(port)})
    try:
        api = server.client(key)
        [mail] = settled(api, 1)
        assert mail["status"] == "sent"
        path = f"/invoices/{invoice['lago_id']}/resend_email"
        for address in ("nobody@acme.test", "busy@acme.test"):
            api.ok("POST", path, {"to": [address], "bcc": [address]})
        _, refused, later = settled(api, 3)
        assert (refused["status"], refused["attempts_count"], "550" in refused["error"]) == ("failed", 1, True)
        assert (later["status"], later["attempts_count"], later["error"]) == ("sent", 2, None)
        assert [recipients for recipients, _ in box.got] == [["ada@acme.test"], ["busy@acme.test"]]
        message = box.got[0][1]
        assert message["From"] == "Us & Co <no-reply@us.test>" and message["Reply-To"] == "billing@us.test"
        assert message["Message-ID"] == f"<{mail['lago_id']}@us.test>"
        [attachment] = list(message.iter_attachments())
        assert attachment.get_filename() == f"{invoice['number']}.pdf"
        assert attachment.get_content().startswith(b"%PDF")
        assert box.got[1][1]["Bcc"] is None
        # A name that no header can hold: that e-mail fails, and the next one goes out.
        for name in ("Us\nBcc: all@else.test", "Us again"):
            api.ok("PUT", "/billing_entities/default", {"billing_entity": {"legal_name": name}})
            api.ok("POST", path, {"to": ["ada@acme.test"]})
        *_, odd, plain = settled(api, 5)
        assert (odd["status"], plain["status"]) == ("failed", "sent")
        assert [message["From"] for _, message in box.got[2:]] == ["Us again <no-reply@us.test>"]
    finally:
        assert server.stop() == 0
