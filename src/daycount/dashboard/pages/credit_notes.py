"""Credit notes: the list, and one with what is given back."""

from daycount.dashboard.http import Response, path_to
from daycount.dashboard.listing import Empty, Filter, Source, export, read_listing
from daycount.dashboard.pages import rows
from daycount.dashboard.routing import Pages
from daycount.dashboard.visit import Visit

pages = Pages()


@pages.get("/credit-notes")
def list_credit_notes(visit: Visit) -> Response:
    """List credit notes, the latest first."""
    source = Source("/credit_notes", [], "credit_notes", {"search_term": visit.query.one("search")}, rows.credit_note_row)
    if visit.query.one("as") == "csv":
        return export(visit, source, rows.CREDIT_NOTE_COLUMNS, name="credit-notes")
    empty = Empty("No credit note yet", "What was billed by mistake is given back from the page of its invoice.", "Invoices", "/invoices")
    listing = read_listing(visit, source, rows.CREDIT_NOTE_COLUMNS, filters=(Filter("search", "Number or customer"),), empty=empty)
    return visit.render("list.html", title="Credit notes", nav="credit-notes", listing=listing, noun=("credit note", "credit notes"))


@pages.get("/credit-notes/{lago_id}")
def show_credit_note(visit: Visit) -> Response:
    """Show a credit note."""
    note = visit.get("/credit_notes/{}", visit.path["lago_id"])["credit_note"]
    entity = visit.get("/billing_entities/{}", note["billing_entity_code"])["billing_entity"]
    here = path_to("/credit-notes/{}", note["lago_id"])
    return visit.render("credit_note.html", title=note["number"], nav="credit-notes", note=note, entity=entity, here=here)
