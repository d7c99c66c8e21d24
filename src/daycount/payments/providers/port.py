"""
The port of payment providers.

An implementation knows no database and no clock: it is given a connection and values, asks the provider, and answers in our words.
Whatever moves money carries a key under which the provider does it once, however often it is asked. All raise ProviderFailed: with
`is_final` the provider has refused, and asking again changes nothing; else it could not be reached, and is asked again.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from msgspec import Struct

from daycount import errors
from daycount.organizations.payment_providers.records import Connection


class Refused(errors.ProviderFailed):
    """The provider refused for good; `message` is for people."""

    def __init__(self, provider: str, code: str, message: str = "") -> None:
        super().__init__(provider, code)
        self.message = message or code


class Unreachable(errors.ProviderFailed):
    """The provider gave no answer, or asked us to come again later: nobody knows whether it did anything."""


class PaymentState(StrEnum):
    """How far a payment or a refund is; `processing` covers everything that is neither paid nor failed."""

    PENDING = "pending"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Payer(Struct, frozen=True, kw_only=True):
    """Who is charged, as a provider may know it."""

    customer_id: str
    external_id: str
    name: str | None
    email: str | None
    country: str | None
    provider_customer_id: str | None
    method_kinds: Sequence[str]


class Charge(Struct, frozen=True, kw_only=True):
    """What is to be charged, in minor units; `key` makes the provider do it once."""

    key: str
    payer: Payer
    provider_method_id: str
    amount_cents: int
    currency: str
    description: str
    metadata: Mapping[str, str]
    is_customer_present: bool


class MoneyBack(Struct, frozen=True, kw_only=True):
    """What is to be given back of a payment, in minor units; `key` makes the provider do it once."""

    key: str
    provider_payment_id: str
    provider_method_id: str
    amount_cents: int
    currency: str
    metadata: Mapping[str, str]


class Outcome(Struct, frozen=True, kw_only=True):
    """
    What became of a charge or a refund.

    `status` is the provider's word and `state` ours. `follows_after` is how long the provider will say nothing, then be asked by
    `follow_up`; None where it tells by a webhook. `is_confirmed` is whether this is the provider's last word, as a webhook's is.
    """

    provider_id: str
    status: str
    state: PaymentState
    error_code: str | None = None
    error_message: str | None = None
    next_action: Mapping[str, Any] = {}
    follows_after: timedelta | None = None
    is_confirmed: bool = False


class FoundMethod(NamedTuple):
    """A payment method as the provider has it."""

    provider_method_id: str
    details: Mapping[str, Any]


class HostedPage(NamedTuple):
    """A page for somebody who pays; `provider_page_id` is what the provider calls it, None where the page is ours."""

    url: str
    provider_page_id: str | None = None


class SetupPage(Struct, frozen=True, kw_only=True):
    """
    A page on which a customer leaves a way to pay, as it is wanted; `key` makes the provider make it once.

    `own_url` is our page about the same, and `return_url` where the browser is led when everything is done.
    """

    key: str
    payer: Payer
    own_url: str
    return_url: str
    metadata: Mapping[str, str]


class PaymentPage(SetupPage, frozen=True, kw_only=True):
    """A page on which something is paid, in minor units, as it is wanted. What is paid there has no payment of ours before."""

    amount_cents: int
    currency: str
    description: str


class PaymentEvent(Struct, frozen=True, kw_only=True):
    """
    A provider tells what became of a payment; `metadata` is what the provider keeps with it.

    The amount, in our minor units, the payer and the method are those of the provider: the payment may be one we did not ask for.
    """

    outcome: Outcome
    amount_cents: int = 0
    currency: str = ""
    provider_customer_id: str | None = None
    provider_method_id: str | None = None
    metadata: Mapping[str, str] = {}


class DisputeEvent(Struct, frozen=True, kw_only=True):
    """A dispute about a payment is lost."""

    provider_payment_id: str
    reason: str | None = None


class RefundEvent(Struct, frozen=True, kw_only=True):
    """A provider tells what became of a refund, of the credit note that it was asked for with."""

    outcome: Outcome
    credit_note_id: str | None = None


class MethodAttached(Struct, frozen=True, kw_only=True):
    """A customer left a way to pay, or chose another as the default."""

    provider_customer_id: str
    method: FoundMethod


class MethodRemoved(Struct, frozen=True, kw_only=True):
    """A payment method is gone for good."""

    provider_method_id: str


Event = PaymentEvent | DisputeEvent | RefundEvent | MethodAttached | MethodRemoved


class WebhookCall(NamedTuple):
    """A webhook as it came in: headers by their names in small letters, the body, and the real instant."""

    headers: Mapping[str, str]
    body: bytes
    at: datetime


class Told(Struct, frozen=True, kw_only=True):
    """What a webhook says; `event_id` is the provider's, the same each time it is told. `event` is None where nothing follows from it."""

    event_id: str
    event_type: str
    event: Event | None


class Gateway(Protocol):
    """What every payment provider can do."""

    def create_customer(self, connection: Connection, payer: Payer) -> str:
        """Make the customer known to the provider, once; return what the provider calls it."""
        ...

    def find_methods(self, connection: Connection, provider_customer_id: str) -> Sequence[FoundMethod]:
        """Return the payment methods that the provider has of a customer, the default one first."""
        ...

    def attach_method(self, connection: Connection, provider_customer_id: str, provider_method_id: str) -> FoundMethod:
        """Give a payment method that the provider knows to a customer."""
        ...

    def charge(self, connection: Connection, charge: Charge) -> Outcome:
        """Take money. Raises Refused where the provider will not take it at all; a payment that fails is an outcome."""
        ...

    def follow_up(self, connection: Connection, provider_payment_id: str, provider_method_id: str, state: PaymentState) -> Event | None:
        """Tell what became of a charge whose outcome said `follows_after`."""
        ...

    def make_payment_page(self, connection: Connection, wanted: PaymentPage) -> HostedPage:
        """Make a page on which something can be paid for a day; the payer must be known to the provider. Raises Refused."""
        ...

    def make_setup_page(self, connection: Connection, wanted: SetupPage) -> HostedPage:
        """Make a page on which a way to pay can be left; the payer must be known to the provider. Raises Refused."""
        ...

    def end_page(self, connection: Connection, provider_page_id: str) -> None:
        """Let a page lead nowhere any more, as far as that is still possible; what is already over is no failure."""
        ...

    def refund(self, connection: Connection, wanted: MoneyBack) -> Outcome:
        """Give money back. Raises Refused where the provider will not; a refund that fails is an outcome."""
        ...

    def follow_refund(self, connection: Connection, provider_refund_id: str, provider_method_id: str) -> Outcome | None:
        """Tell what became of a refund whose outcome said `follows_after`."""
        ...

    def read_webhook(self, connection: Connection, call: WebhookCall) -> Told:
        """Read a webhook whose signature is right. Raises BadRequest where it is not."""
        ...
