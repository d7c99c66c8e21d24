"""
Documents to look at: plays a few stories on a server and keeps what they are billed by as PDF and as pictures.

`python -m tests.documents FOLDER`. Continuous integration keeps the folder. The pictures are of the PDF itself, page by page.
"""

import base64
import io
import struct
import sys
import tempfile
import zlib
from pathlib import Path
from typing import Any

import typst
from pypdf import PdfReader

from tests.support.files import fetch
from tests.support.server import Api, Server

_ADDRESS = {"address_line1": "Unter den Linden 1", "zipcode": "10117", "city": "Berlin", "country": "DE", "email": "billing@acme.example"}
_LONG = "Donaudampfschifffahrtsgesellschaftskapitänswitwenversicherungsverein" * 2
_PIXELS_PER_INCH = 80


def a_logo() -> str:
    """Draw three bars as a data URL."""
    row = b"\x00" + b"\x1f\x4e\x79" * 80 + b"\xff\xff\xff" * 20 + b"\xd9\x82\x2b" * 80 + b"\xff\xff\xff" * 20 + b"\x5b\x8c\x5a" * 80

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 280, 90, 8, 2, 0, 0, 0))
    picture = b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(row * 90)) + chunk(b"IEND", b"")
    return f"data:image/png;base64,{base64.b64encode(picture).decode()}"


def sell_seats(api: Api) -> dict[str, str]:
    """Bill seats that come and go in July, and the August in advance."""
    api.ok("PUT", "/billing_entities/default", {"billing_entity": {"legal_name": "Acme Inc.", "logo": a_logo(), **_ADDRESS}})
    api.tax("vat", 19, applied_to_organization=True)
    api.plan(amount_cents=2900, pay_in_advance=True, charges=[api.seat_charge(api.metric(), "10", invoice_display_name="Seats")])
    api.customer(name="Globex Ltd.", email="ap@globex.example", address_line1="1 High Street", city="London", country="GB")
    api.subscribe(name="Main team")
    for name in ("Ada", "Ben", "Chloé"):
        api.event(name, user_id=name)
    api.move_to("2026-07-12T08:00:00Z")
    api.event("Dan", user_id="Dan")
    api.event("Ben-", user_id="Ben", operation_type="remove")
    api.move_to("2026-08-01T00:00:00Z")
    return {"seats": download(api, "invoices", api.invoices()[-1])}


def sell_usage(api: Api) -> dict[str, str]:
    """Bill every price model by many groups in German, with coupons, two taxes and prepaid credits; then credit some of it."""
    entity = {"legal_name": "Acme & Söhne GmbH", "einvoicing": True, "billing_configuration": {"invoice_footer": "Danke! " * 30}}
    api.ok("PUT", "/billing_entities/default", {"billing_entity": entity | _ADDRESS | {"logo": a_logo()}})
    api.tax("ust", 19, applied_to_organization=True)
    api.tax("abgabe", 1.25, name="Sonderabgabe auf lange Rechnungen mit einem sehr langen Namen, der umbrechen muss")
    metric = api.metric("calls", aggregation_type="sum_agg", field_name="units", recurring=False, name="API-Aufrufe")
    tiers: list[dict[str, Any]] = [{"from_value": 0, "to_value": 100}, {"from_value": 101, "to_value": None}]
    prices: list[dict[str, Any]] = [{"per_unit_amount": "0.0215", "flat_amount": "5"}, {"per_unit_amount": "0.00731", "flat_amount": "0"}]
    ranges = [tier | price for tier, price in zip(tiers, prices, strict=True)]
    models: dict[str, dict[str, Any]] = {
        "graduated": {"graduated_ranges": ranges},
        "volume": {"volume_ranges": ranges},
        "package": {"amount": "4", "package_size": 60, "free_units": 20},
        "percentage": {"rate": "2", "fixed_amount": "0.3", "free_units_per_events": 1},
        "standard": {"amount": "0.05", "pricing_group_keys": ["region"]},
    }
    charges = [
        {"billable_metric_id": metric["lago_id"], "charge_model": model, "properties": properties, "invoice_display_name": f"Nach {model}"}
        for model, properties in models.items()
    ]
    api.plan(amount_cents=9900, amount_currency="EUR", charges=charges, tax_codes=["ust", "abgabe"])
    locale: dict[str, Any] = {"billing_configuration": {"document_locale": "de"}}
    api.customer(name=_LONG, country="DE", currency="EUR", legal_number="HRB 12345", tax_identification_number="DE136695976", **locale)
    api.coupon()
    api.apply_coupon()
    api.wallet(currency="EUR", granted_credits="20")
    api.subscribe(name="Ein Abonnement mit einem recht langen Namen, wie ihn Leute mit vielen Abteilungen vergeben")
    for number in range(45):
        api.event(f"{number}", code="calls", units=7 + number, region=f"region-{number:02}")
    api.move_to("2026-08-01T00:00:00Z")
    [invoice] = api.invoices()
    items = [{"fee_id": fee["lago_id"], "amount_cents": 100} for fee in invoice["fees"][:2]]
    # 2.00 less 10 %: 1.80; the base fee has 20.25 % of tax, the usage the organization's 19 %: about 0.35.
    estimate = {"credit_note": {"invoice_id": invoice["lago_id"], "items": items}}
    found = api.ok("POST", "/credit_notes/estimate", estimate)["estimated_credit_note"]
    estimate["credit_note"]["credit_amount_cents"] = found["max_creditable_amount_cents"]
    note = api.ok("POST", "/credit_notes", estimate)["credit_note"]
    return {"usage": download(api, "invoices", invoice), "credit-note": download(api, "credit_notes", note)}


def sell_abroad(api: Api) -> dict[str, str]:
    """Bill in currencies of no and of three decimals, two subscriptions on one invoice, and take a payment."""
    found = {}
    for currency, cents in (("JPY", 1_234_567), ("KWD", 1_234_567)):
        api.customer(currency, name=f"Customer in {currency}", currency=currency, billing_configuration={"document_locale": "fr"})
        api.add_on(currency, amount_cents=cents, amount_currency=currency, description="Set up and training, three days on site")
        sold = {"external_customer_id": currency, "fees": [{"add_on_code": currency, "units": "2.5"}]}
        invoice = api.ok("POST", "/invoices", {"invoice": sold})["invoice"]
        found[currency.lower()] = download(api, "invoices", invoice)
    payment = {"invoice_id": invoice["lago_id"], "amount_cents": 1_000, "reference": "wire 7"}
    api.ok("POST", "/payments", {"payment": payment})
    api.plan(amount_cents=1000)
    api.customer("twice", account_type="partner")
    for name in ("East", "West"):
        api.subscribe("twice", name=name, external_id=name)
    api.move_to("2026-08-01T00:00:00Z")
    [invoice] = api.invoices(external_customer_id="twice")
    found["two-subscriptions"] = download(api, "invoices", invoice)
    [receipt] = api.ok("GET", "/payment_receipts")["payment_receipts"]
    return found | {"receipt": receipt["file_url"]}


def download(api: Api, resource: str, subject: dict[str, Any]) -> str:
    """Have a PDF made."""
    reply = api.ok("POST", f"/{resource}/{subject['lago_id']}/download")
    return str(next(iter(reply.values()))["file_url"])


def keep(folder: Path, name: str, content: bytes) -> None:
    """Keep a PDF and a picture of each of its pages."""
    path = folder / f"{name}.pdf"
    path.write_bytes(content)
    for page in range(1, len(PdfReader(io.BytesIO(content)).pages) + 1):
        source = f'#set page(width: auto, height: auto, margin: 0pt)\n#image("{path.name}", page: {page})'
        (folder / "page.typ").write_text(source)
        picture = typst.compile(str(folder / "page.typ"), format="png", ppi=_PIXELS_PER_INCH)
        (folder / f"{name}-{page}.png").write_bytes(picture)
    (folder / "page.typ").unlink()


def main(folder: Path) -> None:
    """Play the stories and keep their documents in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as data:
        server = Server(Path(data) / "data").start()
        try:
            for story in (sell_seats, sell_usage, sell_abroad):
                for name, url in story(server.organization()).items():
                    keep(folder, name, fetch(url)[2])
        finally:
            server.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
