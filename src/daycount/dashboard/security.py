"""Headers every page carries, and what makes a form's request ours."""

import secrets
from typing import Final

from daycount import errors
from daycount.dashboard.http import Request

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; manifest-src 'self'"
)
HEADERS: Final = (
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("permissions-policy", "camera=(), microphone=(), geolocation=()"),
)
NOT_STORED: Final = ("cache-control", "no-store")
FIELD: Final = "csrf"
FORM_COOKIE: Final = "daycount_form"


def check_origin(request: Request) -> None:
    """Let a form pass that a page of this host sent, as far as the browser says. Raises Forbidden."""
    site = request.header("sec-fetch-site")
    if site and site not in ("same-origin", "none"):
        raise errors.Forbidden("cross_site_request")
    origin = request.header("origin")
    if origin and origin.partition("://")[2] != request.header("host"):
        raise errors.Forbidden("cross_site_request")


def check_token(given: str, expected: str | None) -> None:
    """Let a form pass that carries the token of its session. Raises Forbidden."""
    if not expected or not given or not secrets.compare_digest(given.encode(), expected.encode()):
        raise errors.Forbidden("stale_form")


def new_token() -> str:
    """Make a token for a form that has no session yet."""
    return secrets.token_urlsafe(24)
