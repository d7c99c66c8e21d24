"""
The built-in provider, which moves no money: what happens is said by the payment method's id.

    sim_success                         paid at once
    sim_decline, sim_decline_CODE       refused at once, with the code card_declined or CODE
    sim_success_after_3d                in process, and paid three days later; also _after_12h, _after_30m
    sim_decline_after_3d                in process, and refused three days later
    sim_action_after_1d                 waits for the customer, who does what is asked a day later, and it is paid
    sim_action                          waits for the customer, who never comes
    sim_dispute_after_3d                paid at once, and disputed and lost three days later
    sim_error                           the provider is down: nothing happens, and it is asked again
    sim_too_small                       will not take so little: the invoice stays as it is
    sim_refund_success_after_3d         paid at once; what is given back arrives three days later
    sim_refund_decline, …_decline_CODE  paid at once; giving back is refused at once
    sim_refund_decline_after_3d         paid at once; giving back is in process, and refused three days later
    sim_refund_error                    paid at once; the provider is down for everybody who wants money back

By all others what was paid is given back at once.
A customer that is linked with such an id has that method from the beginning. The time that passes is the organization's. Nothing is
kept here: ids of payments follow from the keys they are asked with, so that asking twice is asking once.
"""

import hashlib
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import msgspec

from daycount.organizations.payment_providers.records import SIMULATOR, Connection
from daycount.payments.providers import simulated_webhooks
from daycount.payments.providers.port import (
    Charge,
    DisputeEvent,
    Event,
    FoundMethod,
    HostedPage,
    MoneyBack,
    Outcome,
    Payer,
    PaymentEvent,
    PaymentPage,
    PaymentState,
    Refused,
    SetupPage,
    Told,
    Unreachable,
    WebhookCall,
)

_METHOD: Final = re.compile(
    r"sim_(?P<refund>refund_)?(?P<what>success|decline|action|dispute|error|too_small)"
    r"(?:_after_(?P<count>\d{1,4})(?P<unit>[mhd])|_(?P<code>[a-z][a-z_]{0,60}))?"
)
_UNITS: Final = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_WAITING: Final = ("success", "decline", "dispute", "action")
_OF_REFUNDS: Final = ("success", "decline", "error")


class _Magic(msgspec.Struct, frozen=True):
    what: str
    code: str
    delay: timedelta | None
    is_about_refunds: bool

    @property
    def charge(self) -> "_Magic":
        """Return what happens when money is taken."""
        return _AT_ONCE if self.is_about_refunds else self

    @property
    def refund(self) -> "_Magic":
        """Return what happens when money is given back."""
        return self if self.is_about_refunds else _AT_ONCE


_AT_ONCE: Final = _Magic("success", "", None, is_about_refunds=False)


class Simulator:
    """The simulator."""

    def create_customer(self, connection: Connection, payer: Payer) -> str:
        """Return an id that follows from ours."""
        return "sim_cus_" + _digest(connection, payer.customer_id)

    def find_methods(self, connection: Connection, provider_customer_id: str) -> Sequence[FoundMethod]:
        """Return the method that the customer's id names, if it names one."""
        return [_method(provider_customer_id)] if _read(provider_customer_id) is not None else []

    def attach_method(self, connection: Connection, provider_customer_id: str, provider_method_id: str) -> FoundMethod:
        """Return the method; only those that say what happens are known. Raises Refused."""
        if _read(provider_method_id) is None:
            raise Refused(SIMULATOR, "resource_missing", f"No such payment method: {provider_method_id}")
        return _method(provider_method_id)

    def charge(self, connection: Connection, charge: Charge) -> Outcome:
        """Do what the method says. Raises Refused, Unreachable."""
        magic = _read(charge.provider_method_id)
        if magic is None:
            raise Refused(SIMULATOR, "resource_missing", f"No such payment method: {charge.provider_method_id}")
        magic = magic.charge
        if magic.what == "error":
            raise Unreachable(SIMULATOR, "api_connection_error")
        if magic.what == "too_small":
            raise Refused(SIMULATOR, "amount_too_small", "The amount is less than what can be charged.")
        payment_id = "sim_pay_" + _digest(connection, charge.key)
        if magic.what == "action":
            return Outcome(
                provider_id=payment_id,
                status="requires_action",
                state=PaymentState.PROCESSING,
                next_action={"type": "simulated"},
                follows_after=magic.delay,
            )
        if magic.what in ("success", "decline") and magic.delay is not None:
            return Outcome(provider_id=payment_id, status="processing", state=PaymentState.PROCESSING, follows_after=magic.delay)
        if magic.what == "decline":
            return _failed(payment_id, magic.code)
        follows = (magic.delay or timedelta(0)) if magic.what == "dispute" else None
        return Outcome(provider_id=payment_id, status="succeeded", state=PaymentState.SUCCEEDED, follows_after=follows, is_confirmed=True)

    def follow_up(self, connection: Connection, provider_payment_id: str, provider_method_id: str, state: PaymentState) -> Event | None:
        """Tell what the method says happens later."""
        found = _read(provider_method_id)
        if found is None or found.charge.what not in _WAITING:
            return None
        magic = found.charge
        if magic.what == "dispute":
            return DisputeEvent(provider_payment_id=provider_payment_id, reason="fraudulent") if state is PaymentState.SUCCEEDED else None
        if state is not PaymentState.PROCESSING:
            return None
        outcome = _failed(provider_payment_id, magic.code) if magic.what == "decline" else _succeeded(provider_payment_id)
        return PaymentEvent(outcome=outcome)

    def refund(self, connection: Connection, wanted: MoneyBack) -> Outcome:
        """Give back as the method of the payment says. Raises Unreachable."""
        magic = (_read(wanted.provider_method_id) or _AT_ONCE).refund
        if magic.what == "error":
            raise Unreachable(SIMULATOR, "api_connection_error")
        refund_id = "sim_ref_" + _digest(connection, wanted.key)
        if magic.delay is not None:
            return Outcome(provider_id=refund_id, status="pending", state=PaymentState.PENDING, follows_after=magic.delay)
        return _failed(refund_id, magic.code) if magic.what == "decline" else _succeeded(refund_id)

    def follow_refund(self, connection: Connection, provider_refund_id: str, provider_method_id: str) -> Outcome | None:
        """Tell what the method says happens later to what is given back."""
        magic = (_read(provider_method_id) or _AT_ONCE).refund
        return _failed(provider_refund_id, magic.code) if magic.what == "decline" else _succeeded(provider_refund_id)

    def make_payment_page(self, connection: Connection, wanted: PaymentPage) -> HostedPage:
        """Return our own page, on which the payer says what happens."""
        return HostedPage(wanted.own_url)

    def make_setup_page(self, connection: Connection, wanted: SetupPage) -> HostedPage:
        """Return our own page, on which a method is chosen that says what happens."""
        return HostedPage(wanted.own_url)

    def answer(self, provider_payment_id: str, *, is_confirmed: bool) -> Outcome:
        """Tell what becomes of a payment that waited for the customer, who confirmed it or did not."""
        return _succeeded(provider_payment_id) if is_confirmed else _failed(provider_payment_id, "authentication_failed")

    def end_page(self, connection: Connection, provider_page_id: str) -> None:
        """Do nothing: our own page knows what is over."""

    def read_webhook(self, connection: Connection, call: WebhookCall) -> Told:
        """Read a webhook that somebody wrote who knows the connection's secret. Raises BadRequest."""
        header = call.headers.get(simulated_webhooks.HEADER, "")
        return simulated_webhooks.read(connection.webhook_secret or "", call.body, header, at=call.at)


def _read(text: str) -> _Magic | None:
    found = _METHOD.fullmatch(text)
    if found is None:
        return None
    what, count = found["what"], found["count"]
    is_about_refunds = found["refund"] is not None
    if (found["code"] and what != "decline") or (is_about_refunds and what not in _OF_REFUNDS):
        return None
    code = found["code"] or ("expired_or_canceled_card" if is_about_refunds else "card_declined")
    return _Magic(what, code, None if count is None else int(count) * _UNITS[found["unit"]], is_about_refunds)


def _method(provider_method_id: str) -> FoundMethod:
    return FoundMethod(provider_method_id, {"type": "card", "brand": "simulated", "last4": "0000"})


def _succeeded(provider_id: str) -> Outcome:
    return Outcome(provider_id=provider_id, status="succeeded", state=PaymentState.SUCCEEDED, is_confirmed=True)


def _failed(provider_id: str, code: str) -> Outcome:
    return Outcome(
        provider_id=provider_id,
        status="failed",
        state=PaymentState.FAILED,
        error_code=code,
        error_message=code.replace("_", " ").capitalize() + ".",
        is_confirmed=True,
    )


def _digest(connection: Connection, key: str) -> str:
    return hashlib.blake2b(f"{connection.id}|{key}".encode(), digest_size=12).hexdigest()
