"""
Webhooks of the simulator, which anybody can write who knows the connection's `webhook_secret`.

The header `Simulator-Signature` is `t=SECONDS,v1=HEX`: the time of sending in Unix seconds, and the HMAC-SHA256 of `SECONDS.BODY` under
the secret. The body is `{"id", "type", "data"}`; what `data` holds depends on the type.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec
from msgspec import Struct

from daycount import errors
from daycount.payments.providers.port import (
    DisputeEvent,
    Event,
    FoundMethod,
    MethodAttached,
    MethodRemoved,
    Outcome,
    PaymentEvent,
    PaymentState,
    RefundEvent,
    Told,
)

HEADER: Final = "simulator-signature"
TOLERANCE_S: Final = 300
_SIGNED: Final = re.compile(r"t=(?P<sent>\d{1,12}),v1=(?P<digest>[0-9a-f]{64})")
_STATES: Final = {
    "payment.succeeded": PaymentState.SUCCEEDED,
    "payment.processing": PaymentState.PROCESSING,
    "payment.failed": PaymentState.FAILED,
    "refund.succeeded": PaymentState.SUCCEEDED,
    "refund.failed": PaymentState.FAILED,
}


class Data(Struct, frozen=True, kw_only=True):
    """What a webhook is about; amounts are minor units."""

    payment_id: str = ""
    refund_id: str = ""
    customer_id: str = ""
    payment_method_id: str = ""
    amount_cents: int = 0
    currency: str = ""
    error_code: str | None = None
    error_message: str | None = None
    reason: str | None = None
    metadata: Mapping[str, str] = {}


class Sent(Struct, frozen=True, kw_only=True):
    """A webhook as it is sent."""

    id: str
    type: str
    data: Data = Data()


def sign(secret: str, body: bytes, *, sent: int) -> str:
    """Return the header that signs a body sent at `sent`, in Unix seconds."""
    digest = hmac.new(secret.encode(), f"{sent}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={sent},v1={digest}"


def read(secret: str, body: bytes, header: str, *, at: datetime) -> Told:
    """Check the signature of a webhook that came at the real instant `at`, and read it. Raises BadRequest."""
    found = _SIGNED.fullmatch(header)
    if found is None or not hmac.compare_digest(sign(secret, body, sent=int(found["sent"])), header):
        raise errors.BadRequest("the webhook's signature is not right")
    if abs(int(at.timestamp()) - int(found["sent"])) > TOLERANCE_S:
        raise errors.BadRequest("the webhook's signature is too old")
    try:
        sent = msgspec.json.decode(body, type=Sent)
    except msgspec.DecodeError as error:
        raise errors.BadRequest(f"the webhook cannot be read: {error}") from error
    return Told(event_id=sent.id, event_type=sent.type, event=_event(sent))


def _event(sent: Sent) -> Event | None:
    data = sent.data
    match sent.type:
        case "payment.succeeded" | "payment.processing" | "payment.failed":
            return PaymentEvent(
                outcome=_outcome(sent, data.payment_id),
                amount_cents=data.amount_cents,
                currency=data.currency,
                provider_customer_id=data.customer_id or None,
                provider_method_id=data.payment_method_id or None,
                metadata=data.metadata,
            )
        case "refund.succeeded" | "refund.failed":
            return RefundEvent(outcome=_outcome(sent, data.refund_id), credit_note_id=data.metadata.get("lago_credit_note_id"))
        case "dispute.lost":
            return DisputeEvent(provider_payment_id=data.payment_id, reason=data.reason)
        case "payment_method.attached":
            method = FoundMethod(data.payment_method_id, {"type": "card", "brand": "simulated", "last4": "0000"})
            return MethodAttached(provider_customer_id=data.customer_id, method=method) if data.payment_method_id else None
        case "payment_method.detached":
            return MethodRemoved(provider_method_id=data.payment_method_id)
        case _:
            return None


def _outcome(sent: Sent, provider_id: str) -> Outcome:
    if not provider_id:
        raise errors.BadRequest("the webhook names nothing that it is about")
    state = _STATES[sent.type]
    is_failed = state is PaymentState.FAILED
    return Outcome(
        provider_id=provider_id,
        status=state.value,
        state=state,
        error_code=(sent.data.error_code or "card_declined") if is_failed else None,
        error_message=sent.data.error_message if is_failed else None,
        is_confirmed=state is not PaymentState.PROCESSING,
    )
