"""
Giving out pages to pay at, and letting them lead nowhere once what they are about is paid.

A provider makes a page for a day; for that long the same one is given out, unless what is due has changed. Callers get it in the
transaction that holds the customer's lane, so that there is one page about a thing. Source: Lago API, payment URLs.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final, NamedTuple
from uuid import UUID

import structlog

from daycount import errors
from daycount.customers import store as customers
from daycount.customers.operations import lane_of
from daycount.customers.records import Customer
from daycount.infra.work import Work
from daycount.invoicing import store as invoices
from daycount.invoicing.messages_life import InvoiceVoided, PaymentStatusChanged
from daycount.invoicing.records import VISIBLE_STATUSES, Invoice
from daycount.organizations.payment_providers import store as connections
from daycount.organizations.payment_providers.operations import choose
from daycount.organizations.payment_providers.records import Connection
from daycount.payments.charging.collecting import is_chargeable
from daycount.payments.charging.payers import payer_of
from daycount.payments.checkout import doors, store
from daycount.payments.checkout.records import About, CheckoutMade, CheckoutPage, Door, Provided
from daycount.payments.providers.port import HostedPage, PaymentPage, SetupPage
from daycount.payments.providers.registry import Gateways
from daycount.payments.records import CustomerLinked
from daycount.payments.requests.records import PaymentRequestStatusChanged, ShownRequest

END_PAGE: Final = "end_checkout_page"
LIFETIME: Final = timedelta(hours=24)
_WITHOUT_PAGES: Final = "gocardless"
_SETS_UP_NOTHING: Final = ("customer_balance",)
"""Ways to pay that nobody leaves on a page, being no card or account of the customer's."""
_log = structlog.get_logger("payments")


class Payable(NamedTuple):
    """What a page is about, with what is due of it, in minor units."""

    about: About
    subject_id: UUID
    amount_cents: int
    currency: str
    title: str
    metadata: Mapping[str, str]


class Checkout:
    """Gives out pages to pay at; our own are found below `public_url`."""

    def __init__(self, gateways: Gateways, public_url: str) -> None:
        self._gateways = gateways
        self._public_url = public_url.rstrip("/")

    def of_invoice(self, work: Work, invoice_id: UUID, *, is_open_seen: bool = False) -> Provided:
        """
        Return the page to pay an invoice at; one that waits, open, for its payment counts as there where `is_open_seen`.

        Holds the customer's lane. Raises NotFound, ProviderFailed, Invalid: why there is no page.
        """
        invoice = _lock(work, invoice_id, is_open_seen=is_open_seen)
        customer = _customer(work, invoice.customer_id)
        _check_provider(customer)
        if not is_chargeable(invoice):
            raise errors.Invalid({"base": ["invalid_invoice_status_or_payment_status"]})
        return self._provide(work, customer, payable_of_invoice(invoice))

    def of_request(self, work: Work, shown: ShownRequest) -> Provided:
        """Return the page to pay a payment request at, whose customer's lane the caller holds. Raises ProviderFailed, Invalid."""
        request = shown.request
        customer = _customer(work, request.customer_id)
        _check_provider(customer)
        if request.payment_status == "succeeded" or request.amount_cents <= 0:
            raise errors.Invalid({"base": ["invalid_invoice_status_or_payment_status"]})
        return self._provide(work, customer, payable_of_request(shown))

    def of_customer(self, work: Work, customer: Customer) -> Provided:
        """Return the page on which a customer leaves a way to pay. Holds its lane. Raises ProviderFailed, Invalid."""
        work.agenda.hold(lane_of(customer.id))
        connection = self._connection(work, customer, missing="no_linked_payment_provider")
        kinds = customer.billing_configuration.get("provider_payment_methods") or ()
        if kinds and set(kinds).issubset(_SETS_UP_NOTHING):
            raise errors.Invalid({"base": ["no_payment_methods_to_setup_available"]})
        gateway = self._gateways.of(connection)
        page = _live(work, customer.id, connection, amount_cents=None)
        if page is None:
            self._end(work, customer.id)
            door = Door(work.organization_id, About.CUSTOMER, customer.id, work.now + LIFETIME)
            page_id = work.new_id()
            wanted = SetupPage(
                key=f"page-{page_id}",
                payer=payer_of(customer),
                own_url=self.url_of(work, door),
                return_url=connection.success_redirect_url or self.url_of(work, door),
                metadata={"lago_customer_id": str(customer.id), "lago_organization_id": str(work.organization_id)},
            )
            made = gateway.make_setup_page(connection, wanted)
            page = _keep(work, page_id, customer, connection, made, about=About.CUSTOMER, subject_id=customer.id, amount_cents=None)
        return Provided(customer, connection, page.url)

    def url_of(self, work: Work, door: Door) -> str:
        """Return the address of one of our own pages."""
        return self._public_url + doors.path_of(work.tx, door)

    def _provide(self, work: Work, customer: Customer, payable: Payable) -> Provided:
        connection = self._connection(work, customer, missing="missing_payment_provider")
        page = _live(work, payable.subject_id, connection, amount_cents=payable.amount_cents)
        if page is None:
            self._end(work, payable.subject_id)
            door = Door(work.organization_id, payable.about, payable.subject_id, work.now + LIFETIME)
            page_id = work.new_id()
            owner = {"lago_customer_id": str(customer.id), "lago_organization_id": str(work.organization_id), "payment_type": "one-time"}
            wanted = PaymentPage(
                key=f"page-{page_id}",
                payer=payer_of(customer),
                own_url=self.url_of(work, door),
                return_url=connection.success_redirect_url or self.url_of(work, door),
                metadata={**owner, **payable.metadata},
                amount_cents=payable.amount_cents,
                currency=payable.currency,
                description=f"{customer.entity.name} - {payable.title}",
            )
            made = self._gateways.of(connection).make_payment_page(connection, wanted)
            page = _keep(
                work,
                page_id,
                customer,
                connection,
                made,
                about=payable.about,
                subject_id=payable.subject_id,
                amount_cents=payable.amount_cents,
            )
        return Provided(customer, connection, page.url)

    def _connection(self, work: Work, customer: Customer, *, missing: str) -> Connection:
        """Return the connection by which a customer is linked. Raises Invalid."""
        configuration = customer.billing_configuration
        found = connections.find_connections(work.tx, organization_id=work.organization_id)
        connection = choose(found, configuration.get("payment_provider"), configuration.get("payment_provider_code"))
        if connection is None:
            raise errors.Invalid({"base": [missing]})
        if not configuration.get("provider_customer_id"):
            raise errors.Invalid({"base": ["missing_payment_provider_customer"]})
        return connection

    def on_customer_linked(self, work: Work, message: CustomerLinked) -> None:
        """Make the page on which a customer leaves a way to pay, once it is known to its provider. Announces CheckoutMade."""
        try:
            work.announce(CheckoutMade(self.of_customer(work, message.customer)))
        except (errors.Invalid, errors.ProviderFailed) as error:
            _log.warning("no page to leave a way to pay", customer=str(message.customer.id), error=str(error))

    def on_payment_status_changed(self, work: Work, message: PaymentStatusChanged) -> None:
        """Let no page to pay an invoice lead anywhere any more once it is paid."""
        if message.invoice.payment_status == "succeeded":
            self._end(work, message.invoice.id)

    def on_invoice_voided(self, work: Work, message: InvoiceVoided) -> None:
        """Let no page to pay an invoice lead anywhere any more that is void."""
        self._end(work, message.invoice.id)

    def on_request_changed(self, work: Work, message: PaymentRequestStatusChanged) -> None:
        """Let no page to pay a payment request lead anywhere any more once it is paid."""
        if message.request.payment_status == "succeeded":
            self._end(work, message.request.id)

    def _end(self, work: Work, subject_id: UUID) -> None:
        ended = store.end_pages(work.tx, subject_id=subject_id, at=work.now)
        theirs = [page for page in ended if page.provider_page_id is not None]
        work.agenda.put_many(END_PAGE, [(page.id, lane_of(page.customer_id), work.now) for page in theirs])

    def end(self, work: Work, page_ids: Sequence[UUID]) -> None:
        """Tell providers of pages that are over. The agenda calls it. One that cannot be told keeps its page until its day is over."""
        found = store.find_pages(work.tx, ids=page_ids)
        known = {one.id: one for one in connections.find_connections(work.tx, organization_id=work.organization_id, ids=_ids(found))}
        for page in found:
            connection = known[page.provider_id]
            try:
                self._gateways.of(connection).end_page(connection, page.provider_page_id or "")
            except errors.ProviderFailed as error:
                _log.warning("a page could not be ended", page=str(page.id), code=error.code)


def payable_of_invoice(invoice: Invoice) -> Payable:
    """Return what is due of an invoice."""
    metadata = {
        "lago_invoice_id": str(invoice.id),
        "lago_billing_entity_id": str(invoice.billing_entity_id),
        "invoice_issuing_date": invoice.issuing_date.isoformat(),
        "invoice_type": invoice.invoice_type,
    }
    title = f"Invoice {invoice.number or invoice.id}"
    return Payable(About.INVOICE, invoice.id, invoice.total_due_amount_cents, invoice.currency, title, metadata)


def payable_of_request(shown: ShownRequest) -> Payable:
    """Return what a payment request asks for."""
    request = shown.request
    metadata = {
        "lago_payable_id": str(request.id),
        "lago_payable_type": "PaymentRequest",
        "lago_billing_entity_id": str(request.billing_entity_id),
    }
    return Payable(About.REQUEST, request.id, request.amount_cents, request.currency, "Overdue invoices", metadata)


def _ids(found: Sequence[CheckoutPage]) -> set[UUID]:
    return {page.provider_id for page in found}


def _live(work: Work, subject_id: UUID, connection: Connection, *, amount_cents: int | None) -> CheckoutPage | None:
    """Return the page that is given out again: not over, at the same provider, for what is due now."""
    page = store.find_live(work.tx, subject_id=subject_id)
    if page is None or page.expires_at <= work.now or page.provider_id != connection.id or page.amount_cents != amount_cents:
        return None
    return page


def _keep(
    work: Work,
    page_id: UUID,
    customer: Customer,
    connection: Connection,
    made: HostedPage,
    *,
    about: About,
    subject_id: UUID,
    amount_cents: int | None,
) -> CheckoutPage:
    page = CheckoutPage(
        id=page_id,
        organization_id=work.organization_id,
        customer_id=customer.id,
        provider_id=connection.id,
        about=about.value,
        subject_id=subject_id,
        amount_cents=amount_cents,
        url=made.url,
        provider_page_id=made.provider_page_id,
        created_at=work.now,
        expires_at=work.now + LIFETIME,
    )
    store.insert_page(work.tx, page)
    return page


def _check_provider(customer: Customer) -> None:
    """Refuse a customer whose provider has no pages, or who has none. Raises Invalid."""
    named = customer.billing_configuration.get("payment_provider")
    if named is None:
        raise errors.Invalid({"base": ["no_linked_payment_provider"]})
    if named == _WITHOUT_PAGES:
        raise errors.Invalid({"base": ["invalid_payment_provider"]})


def _customer(work: Work, customer_id: UUID) -> Customer:
    return customers.find_customers(work.tx, organization_id=work.organization_id, ids=[customer_id])[customer_id]


def _lock(work: Work, invoice_id: UUID, *, is_open_seen: bool) -> Invoice:
    seen = invoices.find_invoices(work.tx, organization_id=work.organization_id, ids=[invoice_id])
    if not seen or not (seen[0].status in VISIBLE_STATUSES or (is_open_seen and seen[0].status == "open")):
        raise errors.NotFound("invoice")
    work.agenda.hold(lane_of(seen[0].customer_id))
    [invoice] = invoices.find_invoices(work.tx, organization_id=work.organization_id, ids=[invoice_id], lock=True)
    return invoice
