"""
The signatures of webhooks, over exactly the bytes that are sent. Source: Lago API, webhook signatures; Standard Webhooks 1.0.

The three headers of Standard Webhooks come with every webhook; `X-Lago-Signature` holds what the endpoint asked for.
"""

import base64
import hashlib
import hmac
from datetime import datetime

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from daycount.webhooks.records import Algorithm

_SECRET_PREFIX = "whsec_"  # noqa: S105 - what such secrets begin with


def sign_jwt(body: str, *, issuer: str, key: RSAPrivateKey) -> str:
    """Return the token whose claim `data` is the body; it does not expire."""
    return jwt.encode({"data": body, "iss": issuer}, key, algorithm="RS256")


def sign_hmac(body: str, *, hmac_key: str) -> str:
    """Return base64 of HMAC-SHA256 of the body."""
    return base64.b64encode(hmac.digest(hmac_key.encode(), body.encode(), hashlib.sha256)).decode()


def sign_standard(body: str, *, hmac_key: str, webhook_id: str, timestamp: int) -> str:
    """Return `v1,` and base64 of HMAC-SHA256 of the id, the seconds of the timestamp and the body, joined by points."""
    signed = f"{webhook_id}.{timestamp}.{body}".encode()
    return "v1," + base64.b64encode(hmac.digest(hmac_key.encode(), signed, hashlib.sha256)).decode()


def standard_secret(hmac_key: str) -> str:
    """Return an organization's key as verifiers of Standard Webhooks take it."""
    return _SECRET_PREFIX + base64.b64encode(hmac_key.encode()).decode()


def headers_for(
    body: str, *, algorithm: Algorithm, webhook_id: str, at: datetime, issuer: str, hmac_key: str, key: RSAPrivateKey
) -> dict[str, str]:
    """Return the headers that go with a body that is sent at the real instant `at`."""
    timestamp = int(at.timestamp())
    standard = sign_standard(body, hmac_key=hmac_key, webhook_id=webhook_id, timestamp=timestamp)
    match algorithm:
        case Algorithm.JWT:
            signature = sign_jwt(body, issuer=issuer, key=key)
        case Algorithm.HMAC:
            signature = sign_hmac(body, hmac_key=hmac_key)
        case Algorithm.STANDARD:
            signature = standard
    return {
        "Content-Type": "application/json",
        "X-Lago-Signature": signature,
        "X-Lago-Signature-Algorithm": algorithm.value,
        "X-Lago-Unique-Key": webhook_id,
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": standard,
    }
