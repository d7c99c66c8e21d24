"""Settings of the organization: its default billing entity, with where each value shows up."""

from typing import Any

from daycount.dashboard.http import Response, redirect
from daycount.dashboard.routing import Pages
from daycount.dashboard.visit import Visit

pages = Pages()
_TEXTS = (
    "name",
    "email",
    "legal_name",
    "legal_number",
    "tax_identification_number",
    "address_line1",
    "address_line2",
    "zipcode",
    "city",
    "state",
    "country",
    "timezone",
    "default_currency",
    "document_number_prefix",
    "document_numbering",
    "net_payment_term",
)
EMAILS = (
    ("invoice.finalized", "Invoices, when they are finalized"),
    ("credit_note.created", "Credit notes, when they are made"),
    ("payment_receipt.created", "Receipts, when a payment arrived"),
)
"""What customers are sent by e-mail, each where the settings say so."""
_LOCALES = (
    ("en", "English"),
    ("fr", "Français"),
    ("de", "Deutsch"),
    ("es", "Español"),
    ("it", "Italiano"),
    ("nb", "Norsk bokmål"),
    ("sv", "Svenska"),
    ("pt-BR", "Português (Brasil)"),
    ("zh-TW", "繁體中文 (documents in English)"),
)


@pages.get("/settings")
def show_settings(visit: Visit) -> Response:
    """Show the settings."""
    return _show(visit)


def _show(visit: Visit, status: int = 200) -> Response:
    entities = visit.get("/billing_entities")["billing_entities"]
    return visit.render(
        "settings.html",
        status=status,
        title="Settings",
        nav="settings",
        entity=entities[0],
        entities=entities,
        locales=_LOCALES,
        emails=EMAILS,
    )


@pages.post("/settings")
def save_settings(visit: Visit) -> Response:
    """Change the settings."""

    def save() -> Any:
        given: dict[str, Any] = visit.form.given(*_TEXTS)
        billing = {
            "invoice_grace_period": visit.form.one("invoice_grace_period") or "0",
            "invoice_footer": visit.form.one("invoice_footer") or None,
            "document_locale": visit.form.one("document_locale") or None,
        }
        given["email_settings"] = [kind for kind, _ in EMAILS if kind in visit.form.many("email_settings")]
        given["einvoicing"] = visit.form.has("einvoicing")
        return visit.send("PUT", "/organizations", body={"organization": given | {"billing_configuration": billing}})

    if visit.attempt(save) is None:
        return _show(visit, status=422)
    return redirect("/settings", {"done": "saved"})
