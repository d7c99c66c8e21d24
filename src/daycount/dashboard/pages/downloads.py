"""The PDFs and XML files of invoices and credit notes: made when they are first asked for, also for whoever may only read."""

from typing import Any
from urllib.parse import urlsplit

from daycount import errors
from daycount.dashboard.http import Response, redirect
from daycount.dashboard.portal import Guest
from daycount.dashboard.routing import Pages
from daycount.dashboard.visit import Visit

pages = Pages()


@pages.post("/invoices/{lago_id}/pdf")
def download_invoice(visit: Visit) -> Response:
    """Send the browser to the PDF of an invoice. Raises NotFound for one that is not finalized."""
    return _show(visit.provide("/invoices/{}/download", visit.path["lago_id"])["invoice"])


@pages.post("/credit-notes/{lago_id}/pdf")
def download_credit_note(visit: Visit) -> Response:
    """Send the browser to the PDF of a credit note."""
    return _show(visit.provide("/credit_notes/{}/download", visit.path["lago_id"])["credit_note"])


@pages.post("/invoices/{lago_id}/xml")
def download_invoice_xml(visit: Visit) -> Response:
    """Send the browser to the electronic invoice. Raises NotFound where the billing entity makes none."""
    return _show(visit.provide("/invoices/{}/download_xml", visit.path["lago_id"])["invoice"], "xml_url")


@pages.post("/credit-notes/{lago_id}/xml")
def download_credit_note_xml(visit: Visit) -> Response:
    """Send the browser to a credit note as XML. Raises NotFound where the billing entity makes none."""
    return _show(visit.provide("/credit_notes/{}/download_xml", visit.path["lago_id"])["credit_note"], "xml_url")


@pages.post("/customer-portal/{token}/invoices/{lago_id}/pdf", access="portal")
def download_own_invoice(guest: Guest) -> Response:
    """Send a customer's browser to the PDF of an own invoice. Raises NotFound for those of others, and for one that is not finalized."""
    invoice = guest.get("/invoices/{}", guest.path["lago_id"])["invoice"]
    guest.own(invoice, invoice["customer"]["external_id"])
    return _show(guest.provide("/invoices/{}/download", invoice["lago_id"])["invoice"])


def _show(document: Any, where: str = "file_url") -> Response:
    if document[where] is None:
        raise errors.NotFound("file")
    return redirect(urlsplit(document[where]).path)
