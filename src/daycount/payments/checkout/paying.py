"""
What our own page does: it shows a bill, and lets a simulated payer say what happens; for other providers it leads on to theirs.

A payment that is simulated moves no money, so it is written and answered in one transaction.
"""

from typing import Final
from uuid import UUID

from daycount import errors
from daycount.customers import store as customers
from daycount.customers.operations import lane_of
from daycount.customers.payment_methods.records import ShownMethod
from daycount.customers.records import Customer
from daycount.infra.work import Work
from daycount.invoicing import store as invoices
from daycount.invoicing.papers.operations import find_sides
from daycount.organizations.payment_providers.records import SIMULATOR, Connection
from daycount.payments import store as payments
from daycount.payments.charging import store as charging
from daycount.payments.charging.collecting import is_chargeable
from daycount.payments.charging.outcomes import apply_outcome, describe
from daycount.payments.charging.payers import payer_of
from daycount.payments.checkout.providing import Checkout, Payable, payable_of_invoice, payable_of_request
from daycount.payments.checkout.records import About, Bill, Door, Stage
from daycount.payments.linking import Linking, connection_of
from daycount.payments.providers.port import Charge
from daycount.payments.providers.simulator import Simulator
from daycount.payments.records import Payment
from daycount.payments.requests import operations as requests
from daycount.payments.requests import store as request_store

OUTCOMES: Final = {
    "sim_success": "Pay",
    "sim_action": "Ask for a confirmation first",
    "sim_success_after_1d": "Take a day, then pay",
    "sim_decline": "Refuse the card",
}
"""What a simulated payer may let happen, by the method that does it."""
_METHODS: Final = (*OUTCOMES, "sim_decline_insufficient_funds", "sim_decline_after_3d", "sim_action_after_1d", "sim_dispute_after_3d")


class Paying:
    """Answers our own pages."""

    def __init__(self, checkout: Checkout, linking: Linking) -> None:
        self._checkout = checkout
        self._linking = linking
        self._simulator = Simulator()

    def show(self, work: Work, door: Door) -> Bill:
        """Return what a page shows; the lane is held where something is to be done. Raises NotFound."""
        _check_age(work, door)
        customer, found = _find(work, door)
        connection = connection_of(work, customer)
        if found is None:
            return _bill(work, door, customer, connection)
        payable, stage, numbers, entity_id = found
        sides = find_sides(work, [(customer.id, entity_id)])[customer.id, entity_id]
        bill = _bill(work, door, customer, connection)
        sender = sides.entity.texts["legal_name"] or sides.entity.name
        return bill._replace(sender=sender, numbers=numbers, amount_cents=payable.amount_cents, currency=payable.currency, stage=stage)

    def hold(self, work: Work, door: Door) -> None:
        """Hold the lane of the customer whose page it is, before something is done. Raises NotFound."""
        work.agenda.hold(lane_of(_find(work, door)[0].id))

    def lead_on(self, work: Work, door: Door) -> str:
        """Return the address of the provider's page. Holds the lane. Raises NotFound, Invalid, ProviderFailed."""
        self.hold(work, door)
        if door.about is About.INVOICE:
            return self._checkout.of_invoice(work, door.subject_id, is_open_seen=True).url
        if door.about is About.REQUEST:
            return self._checkout.of_request(work, requests.get_request(work, door.subject_id)).url
        return self._checkout.of_customer(work, _find(work, door)[0]).url

    def pay(self, work: Work, door: Door, method_id: str) -> Payment:
        """Let a simulated payer pay, or fail to. Holds the lane. Raises NotFound, NotAllowed."""
        self.hold(work, door)
        bill = self.show(work, door)
        connection = _simulated(bill)
        if bill.stage is not Stage.OPEN or method_id not in OUTCOMES:
            raise errors.NotAllowed(
                "payment_processor_is_currently_handling_payment" if bill.stage is Stage.UNDER_WAY else "invalid_status"
            )
        payment = Payment(
            id=work.new_id(),
            organization_id=work.organization_id,
            customer_id=bill.customer.id,
            invoice_id=door.subject_id if door.about is About.INVOICE else None,
            payment_request_id=door.subject_id if door.about is About.REQUEST else None,
            amount_cents=bill.amount_cents,
            currency=bill.currency,
            payment_type="provider",
            status="pending",
            reference=None,
            created_at=work.now,
            provider_id=connection.id,
            provider_customer_id=bill.customer.billing_configuration.get("provider_customer_id"),
            provider_method_id=method_id,
            provider_status="pending",
        )
        payments.insert_payments(work.tx, [payment])
        charge = Charge(
            key=f"payment-{payment.id}",
            payer=payer_of(bill.customer),
            provider_method_id=method_id,
            amount_cents=payment.amount_cents,
            currency=payment.currency,
            description=bill.sender,
            metadata=describe(payment),
            is_customer_present=True,
        )
        return apply_outcome(work, payment, self._simulator.charge(connection, charge))

    def answer(self, work: Work, door: Door, *, is_confirmed: bool) -> Payment:
        """Let a simulated payer confirm a payment that waits for it, or not. Holds the lane. Raises NotFound, NotAllowed."""
        self.hold(work, door)
        bill = self.show(work, door)
        _simulated(bill)
        waiting = _waiting(work, door)
        if waiting is None:
            raise errors.NotAllowed("invalid_status")
        return apply_outcome(work, waiting, self._simulator.answer(waiting.provider_payment_id or "", is_confirmed=is_confirmed))

    def keep_method(self, work: Work, door: Door, method_id: str) -> ShownMethod:
        """Let a simulated payer leave a way to pay; it becomes the default. Holds the lane. Raises NotFound, NotAllowed, Invalid."""
        bill = self.show(work, door)
        _simulated(bill)
        if door.about is not About.CUSTOMER or method_id not in _METHODS:
            raise errors.NotAllowed("invalid_status")
        return self._linking.attach(work, bill.customer, method_id)


def methods_to_leave() -> tuple[str, ...]:
    """Return the simulated ways to pay that can be left."""
    return _METHODS


def _simulated(bill: Bill) -> Connection:
    if bill.connection is None or bill.connection.provider_type != SIMULATOR:
        raise errors.NotAllowed("invalid_payment_provider")
    return bill.connection


def _check_age(work: Work, door: Door) -> None:
    if door.ends is not None and door.ends <= work.now:
        raise errors.NotFound("payment_link")


def _bill(work: Work, door: Door, customer: Customer, connection: Connection | None) -> Bill:
    texts = customer.texts
    person = " ".join(part for part in (texts["firstname"], texts["lastname"]) if part)
    return Bill(
        door=door,
        customer=customer,
        connection=connection,
        sender=customer.entity.name,
        payer=texts["legal_name"] or texts["name"] or person or customer.external_id,
        numbers=(),
        amount_cents=0,
        currency="",
        stage=Stage.OPEN,
    )


def _find(work: Work, door: Door) -> tuple[Customer, tuple[Payable, Stage, tuple[str, ...], UUID] | None]:
    """Return the customer of a page and what it is to pay there; None where it leaves a way to pay. Raises NotFound."""
    gone = errors.NotFound("payment_link")
    if door.about is About.CUSTOMER:
        return _live_customer(work, door.subject_id, gone), None
    if door.about is About.INVOICE:
        found = invoices.find_invoices(work.tx, organization_id=work.organization_id, ids=[door.subject_id])
        if not found:
            raise gone
        invoice = found[0]
        is_paid = invoice.payment_status == "succeeded"
        stage = Stage.PAID if is_paid else _stage(work, door) if is_chargeable(invoice) else Stage.OVER
        customer = _live_customer(work, invoice.customer_id, gone)
        return customer, (payable_of_invoice(invoice), stage, (invoice.number,), invoice.billing_entity_id)
    shown = request_store.find_request(work.tx, organization_id=work.organization_id, request_id=door.subject_id)
    if shown is None:
        raise gone
    billed = invoices.find_invoices(work.tx, organization_id=work.organization_id, ids=shown.invoice_ids)
    is_due = any(invoice.total_due_amount_cents > 0 for invoice in billed)
    stage = Stage.PAID if shown.request.payment_status == "succeeded" else _stage(work, door) if is_due else Stage.OVER
    numbers = tuple(invoice.number for invoice in billed)
    customer = _live_customer(work, shown.request.customer_id, gone)
    return customer, (payable_of_request(shown), stage, numbers, shown.request.billing_entity_id)


def _live_customer(work: Work, customer_id: UUID, gone: errors.NotFound) -> Customer:
    customer = customers.find_customers(work.tx, organization_id=work.organization_id, ids=[customer_id]).get(customer_id)
    if customer is None:
        raise gone
    return customer


def _stage(work: Work, door: Door) -> Stage:
    if _waiting(work, door) is not None:
        return Stage.WAITS
    if door.about is About.INVOICE:
        is_busy = _under_way(work, door) or request_store.find_under_way(work.tx, invoice_ids=[door.subject_id])
    else:
        is_busy = _under_way(work, door)
    return Stage.UNDER_WAY if is_busy else Stage.OPEN


def _under_way(work: Work, door: Door) -> list[Payment]:
    if door.about is About.INVOICE:
        return charging.find_under_way(work.tx, invoice_ids=[door.subject_id])
    return charging.find_under_way(work.tx, request_ids=[door.subject_id])


def _waiting(work: Work, door: Door) -> Payment | None:
    """Return the payment that waits for the payer to confirm it."""
    return next((payment for payment in _under_way(work, door) if payment.next_action and payment.provider_payment_id), None)
