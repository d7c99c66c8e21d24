"""
Stripe, by its own SDK, which the extra `daycount[stripe]` brings; it is loaded when Stripe is first spoken to.

Whatever moves money carries its key as Stripe's idempotency key. Where an answer was lost and the key cannot tell what it did, Stripe's own
lists are looked through for what carries our id.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from hashlib import blake2b
from importlib import import_module
from typing import Any, Final

import msgspec
from msgspec import structs

from daycount import errors
from daycount.organizations.payment_providers.records import STRIPE, Connection
from daycount.payments.providers.port import (
    Charge,
    Event,
    FoundMethod,
    HostedPage,
    MethodAttached,
    MethodRemoved,
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
from daycount.payments.providers.stripe_amounts import to_stripe
from daycount.payments.providers.stripe_reading import (
    code_of,
    id_of,
    read_dispute,
    read_method,
    read_payment,
    read_payment_event,
    read_refund,
    read_refund_event,
)

TOLERANCE_S: Final = 300
_TRANSFER: Final = "customer_balance"
_NEVER_KEPT: Final = frozenset({_TRANSFER, "boleto", "crypto"})
_LOOK_AGAIN: Final = timedelta(days=1)
_MOST: Final = 100
_PASSING: Final = (409, 429)
"""The same is being asked right now, or too much is."""
Parameters = dict[str, Any]


class Stripe:
    """Speaks to Stripe at `api_url`, which is given `timeout_s` seconds for each answer."""

    def __init__(self, *, api_url: str, timeout_s: int) -> None:
        self._api_url = api_url
        self._timeout_s = timeout_s

    @cached_property
    def _sdk(self) -> Any:
        try:
            sdk: Any = import_module("stripe")
        except ImportError as error:
            raise Refused(STRIPE, "stripe_is_not_installed", "Stripe needs its SDK: install daycount[stripe].") from error
        sdk.enable_telemetry = False
        return sdk

    @cached_property
    def _http(self) -> Any:
        return self._sdk.RequestsClient(timeout=self._timeout_s)

    def _client(self, connection: Connection) -> Any:
        addresses = {"api": self._api_url}
        client = self._sdk.StripeClient(connection.secret_key, base_addresses=addresses, max_network_retries=0, http_client=self._http)
        return client.v1

    def _call(self, call: Callable[[], Any]) -> dict[str, Any]:
        """Ask Stripe, and return its answer as plain data. Raises Refused, Unreachable."""
        try:
            return dict(call().to_dict())
        except self._sdk.StripeError as error:
            raise _meant(error) from error

    def create_customer(self, connection: Connection, payer: Payer) -> str:
        """Make the customer known to Stripe; asked again with the same name and address, it is the same one."""
        wanted: Parameters = {"metadata": {"lago_customer_id": payer.customer_id, "customer_id": payer.external_id}}
        wanted |= {name: value for name, value in (("name", payer.name), ("email", payer.email)) if value}
        if payer.country:
            wanted["address"] = {"country": payer.country}
        key = {"idempotency_key": f"customer-{payer.customer_id}-{_digest(wanted)}"}
        return str(self._call(lambda: self._client(connection).customers.create(wanted, key))["id"])

    def find_methods(self, connection: Connection, provider_customer_id: str) -> Sequence[FoundMethod]:
        """Return the payment methods that Stripe has of a customer, the default one first. Two calls."""
        client = self._client(connection)
        customer = self._call(lambda: client.customers.retrieve(provider_customer_id))
        if customer.get("deleted"):
            raise Refused(STRIPE, "resource_missing", f"No such customer: {provider_customer_id}")
        listed = self._call(lambda: client.customers.payment_methods.list(provider_customer_id, {"limit": _MOST}))
        default = id_of((customer.get("invoice_settings") or {}).get("default_payment_method"))
        found = [read_method(method) for method in listed["data"]]
        return sorted(found, key=lambda method: method.provider_method_id != default)

    def attach_method(self, connection: Connection, provider_customer_id: str, provider_method_id: str) -> FoundMethod:
        """Give a payment method to a customer."""
        client = self._client(connection)
        return read_method(self._call(lambda: client.payment_methods.attach(provider_method_id, {"customer": provider_customer_id})))

    def charge(self, connection: Connection, charge: Charge) -> Outcome:
        """Take money, the customer being there or not. Raises Refused, Unreachable."""
        wanted = _intent(connection, charge)
        client = self._client(connection)
        try:
            made = client.payment_intents.create(wanted, {"idempotency_key": charge.key}).to_dict()
        except self._sdk.CardError as error:
            return _declined(error)
        except (self._sdk.IdempotencyError, self._sdk.APIError) as error:
            return self._find_lost(connection, charge, error)
        except self._sdk.StripeError as error:
            raise _meant(error) from error
        return _followed(connection, read_payment(made, is_confirmed=False))

    def _find_lost(self, connection: Connection, charge: Charge, error: Exception) -> Outcome:
        """Return what became of a charge whose answer was lost, if Stripe has it. Raises Unreachable where it has not, or cannot tell."""
        client = self._client(connection)
        ours = charge.metadata.get("lago_payment_id")
        listed = self._call(lambda: client.payment_intents.list({"customer": charge.payer.provider_customer_id, "limit": _MOST}))
        for intent in listed["data"]:
            if ours is not None and (intent.get("metadata") or {}).get("lago_payment_id") == ours:
                return _followed(connection, read_payment(intent, is_confirmed=False))
        raise Unreachable(STRIPE, "api_error") from error

    def follow_up(self, connection: Connection, provider_payment_id: str, provider_method_id: str, state: PaymentState) -> Event | None:
        """Look what became of a payment; only of connections that hear no webhooks."""
        if state is PaymentState.SUCCEEDED:
            return None
        intent = self._call(lambda: self._client(connection).payment_intents.retrieve(provider_payment_id))
        return PaymentEvent(outcome=_followed(connection, read_payment(intent, is_confirmed=True)))

    def refund(self, connection: Connection, wanted: MoneyBack) -> Outcome:
        """Give money back. Raises Refused, Unreachable."""
        client = self._client(connection)
        asked = {
            "payment_intent": wanted.provider_payment_id,
            "amount": to_stripe(wanted.amount_cents, wanted.currency),
            "reason": "requested_by_customer",
            "metadata": dict(wanted.metadata),
        }
        try:
            made = self._call(lambda: client.refunds.create(asked, {"idempotency_key": wanted.key}))
        except Unreachable:
            ours = wanted.metadata["lago_credit_note_id"]
            listed = self._call(lambda: client.refunds.list({"payment_intent": wanted.provider_payment_id, "limit": _MOST}))
            same = [item for item in listed["data"] if (item.get("metadata") or {}).get("lago_credit_note_id") == ours]
            if not same:
                raise
            made = same[0]
        return _followed(connection, read_refund(made, is_confirmed=False))

    def follow_refund(self, connection: Connection, provider_refund_id: str, provider_method_id: str) -> Outcome | None:
        """Look what became of a refund; only of connections that hear no webhooks."""
        found = self._call(lambda: self._client(connection).refunds.retrieve(provider_refund_id))
        return _followed(connection, read_refund(found, is_confirmed=True))

    def make_payment_page(self, connection: Connection, wanted: PaymentPage) -> HostedPage:
        """Make a checkout session in which something is paid once; the card is kept where that is possible."""
        kinds, metadata = list(wanted.payer.method_kinds), {**wanted.metadata, "payment_type": "one-time"}
        intent: Parameters = {"description": wanted.description, "metadata": metadata}
        if _NEVER_KEPT.isdisjoint(kinds):
            intent["setup_future_usage"] = "off_session"
        price = {
            "currency": wanted.currency.lower(),
            "unit_amount": to_stripe(wanted.amount_cents, wanted.currency),
            "product_data": {"name": wanted.description},
        }
        asked: Parameters = {
            "mode": "payment",
            "customer": wanted.payer.provider_customer_id,
            "success_url": wanted.return_url,
            "payment_method_types": kinds,
            "line_items": [{"quantity": 1, "price_data": price}],
            "payment_intent_data": intent,
            "metadata": metadata,
        }
        if _TRANSFER in kinds:
            asked["payment_method_options"] = {_TRANSFER: _transfer(wanted.payer, wanted.currency)}
        return self._make_page(connection, asked, key=wanted.key)

    def make_setup_page(self, connection: Connection, wanted: SetupPage) -> HostedPage:
        """Make a checkout session in which a way to pay is left. Raises Refused where the customer's ways to pay cannot be."""
        kinds = [kind for kind in wanted.payer.method_kinds if kind not in _NEVER_KEPT or kind == "boleto"]
        if not kinds:
            raise Refused(STRIPE, "no_payment_methods_to_setup_available")
        asked: Parameters = {
            "mode": "setup",
            "customer": wanted.payer.provider_customer_id,
            "success_url": wanted.return_url,
            "payment_method_types": kinds,
            "metadata": dict(wanted.metadata),
            "setup_intent_data": {"metadata": dict(wanted.metadata)},
        }
        return self._make_page(connection, asked, key=wanted.key)

    def _make_page(self, connection: Connection, asked: Parameters, *, key: str) -> HostedPage:
        client = self._client(connection)
        made = self._call(lambda: client.checkout.sessions.create(asked, {"idempotency_key": key}))
        return HostedPage(str(made["url"]), str(made["id"]))

    def end_page(self, connection: Connection, provider_page_id: str) -> None:
        """Let a checkout session lead nowhere any more."""
        try:
            self._call(lambda: self._client(connection).checkout.sessions.expire(provider_page_id))
        except Refused:
            return

    def read_webhook(self, connection: Connection, call: WebhookCall) -> Told:
        """
        Check the signature of a webhook, and read it; of a new payment method Stripe is asked for the rest.

        Raises BadRequest, Refused, Unreachable.
        """
        verify = self._sdk.WebhookSignature.verify_header
        header = call.headers.get("stripe-signature", "")
        try:
            verify(call.body, header, connection.webhook_secret, TOLERANCE_S)
            sent = msgspec.json.decode(call.body)
            thing = sent["data"]["object"]
            told = Told(event_id=str(sent["id"]), event_type=str(sent["type"]), event=None)
            assert isinstance(thing, dict)
        except self._sdk.SignatureVerificationError as error:
            raise errors.BadRequest("the webhook's signature is not right") from error
        except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError, AssertionError) as error:
            raise errors.BadRequest("the webhook cannot be read") from error
        return structs.replace(told, event=self._event(connection, told.event_type, thing))

    def _event(self, connection: Connection, event_type: str, thing: Mapping[str, Any]) -> Event | None:
        match event_type:
            case "payment_intent.succeeded" | "payment_intent.payment_failed" | "payment_intent.canceled":
                return read_payment_event(thing)
            case "charge.refund.updated" | "refund.updated" | "refund.failed":
                return read_refund_event(thing)
            case "charge.dispute.closed":
                return read_dispute(thing)
            case "setup_intent.succeeded":
                return self._attached(connection, thing.get("customer"), thing.get("payment_method"))
            case "customer.updated":
                default = (thing.get("invoice_settings") or {}).get("default_payment_method")
                return self._attached(connection, thing.get("id"), default)
            case "payment_method.detached":
                return MethodRemoved(provider_method_id=str(thing["id"]))
            case _:
                return None

    def _attached(self, connection: Connection, customer: Any, method: Any) -> MethodAttached | None:
        customer_id, method_id = id_of(customer), id_of(method)
        if customer_id is None or method_id is None:
            return None
        found = self._call(lambda: self._client(connection).payment_methods.retrieve(method_id))
        return MethodAttached(provider_customer_id=customer_id, method=read_method(found))


def _meant(error: Any) -> errors.ProviderFailed:
    """Return what an error of Stripe's means: a refusal that stays, or that nobody knows what was done."""
    status, code = error.http_status, str(error.code or "")
    if status is None or status in _PASSING or status >= 500:
        return Unreachable(STRIPE, code or "api_connection_error")
    return Refused(STRIPE, code or type(error).__name__, str(error.user_message or error))


def _digest(wanted: Parameters) -> str:
    return blake2b(msgspec.json.encode(wanted, order="deterministic"), digest_size=8).hexdigest()


def _declined(error: Any) -> Outcome:
    """Return a payment that the card's bank refused."""
    failure = (error.json_body or {}).get("error") or {}
    intent = failure.get("payment_intent") or {}
    code = code_of(failure) or "card_declined"
    if not intent.get("id"):
        raise Refused(STRIPE, code, str(error.user_message or error)) from error
    return Outcome(
        provider_id=str(intent["id"]),
        status=str(intent.get("status") or "requires_payment_method"),
        state=PaymentState.FAILED,
        error_code=code,
        error_message=failure.get("message"),
    )


def _followed(connection: Connection, outcome: Outcome) -> Outcome:
    """Look again after a day at what is under way, where no webhook will tell."""
    is_open = outcome.state in (PaymentState.PENDING, PaymentState.PROCESSING) and not outcome.next_action
    return structs.replace(outcome, follows_after=_LOOK_AGAIN) if is_open and not connection.webhook_secret else outcome


def _intent(connection: Connection, charge: Charge) -> Parameters:
    """Write what Stripe is asked to take. Off session but for those who must be there: where they were asked for, and in India."""
    payer = charge.payer
    wanted: Parameters = {
        "amount": to_stripe(charge.amount_cents, charge.currency),
        "currency": charge.currency.lower(),
        "customer": payer.provider_customer_id,
        "payment_method": charge.provider_method_id,
        "payment_method_types": list(payer.method_kinds),
        "confirm": True,
        "description": charge.description,
        "metadata": dict(charge.metadata),
    }
    if charge.is_customer_present or payer.country == "IN":
        if connection.success_redirect_url:
            wanted["return_url"] = connection.success_redirect_url
    else:
        wanted |= {"off_session": True, "error_on_requires_action": True}
    return wanted


_EU_TRANSFERS: Final = frozenset({"BE", "DE", "ES", "FR", "IE", "NL"})
_TRANSFERS: Final = {"USD": "us_bank_transfer", "GBP": "gb_bank_transfer", "JPY": "jp_bank_transfer", "MXN": "mx_bank_transfer"}


def _transfer(payer: Payer, currency: str) -> Parameters:
    """Write how money is sent by bank. Raises Refused for currencies and countries that it cannot be sent from."""
    if currency == "EUR" and payer.country in _EU_TRANSFERS:
        way: Parameters = {"type": "eu_bank_transfer", "eu_bank_transfer": {"country": payer.country}}
    elif currency in _TRANSFERS:
        way = {"type": _TRANSFERS[currency]}
    else:
        raise Refused(STRIPE, "bank_transfer_not_supported", f"No bank transfer in {currency} from {payer.country}.")
    return {"funding_type": "bank_transfer", "bank_transfer": way}
