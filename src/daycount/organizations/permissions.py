"""
What an API key may do: for each resource, whether it may read and whether it may write.

A key without a map may do everything. Source: Lago docs, API keys; the map is for everybody here.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from daycount import errors

READ: Final = "read"
WRITE: Final = "write"
MODES: Final = (READ, WRITE)
RESOURCES: Final = (
    "activity_log",
    "add_on",
    "analytic",
    "api_log",
    "billable_metric",
    "coupon",
    "applied_coupon",
    "credit_note",
    "customer_usage",
    "customer",
    "event",
    "fee",
    "invoice",
    "organization",
    "order",
    "order_form",
    "payment",
    "payment_receipt",
    "payment_request",
    "payment_method",
    "plan",
    "subscription",
    "lifetime_usage",
    "tax",
    "wallet",
    "wallet_transaction",
    "webhook_endpoint",
    "webhook_jwt_public_key",
    "invoice_custom_section",
    "billing_entity",
    "alert",
    "feature",
    "security_log",
    "quote",
    "product_category",
    "product",
    "rate_card",
    "plan_rate_card",
)

Permissions = Mapping[str, Sequence[str]]


def read_permissions(given: Mapping[str, Any] | None) -> Permissions | None:
    """Check a map of permissions; None stands for everything. Raises Invalid (permissions)."""
    if given is None:
        return None
    for resource, modes in given.items():
        if resource not in RESOURCES or not isinstance(modes, list) or not set(map(str, modes)) <= set(MODES):
            raise errors.Invalid({"permissions": ["value_is_invalid"]})
    read = {resource: [mode for mode in MODES if mode in modes] for resource, modes in given.items()}
    return None if all(read.get(resource) == list(MODES) for resource in RESOURCES) else read


def show_permissions(permissions: Permissions | None) -> dict[str, list[str]]:
    """Return the whole map, also for a key that may do everything."""
    if permissions is None:
        return {resource: list(MODES) for resource in RESOURCES}
    return {resource: list(permissions.get(resource, ())) for resource in RESOURCES}


def check_permission(permissions: Permissions | None, *, resource: str, mode: str) -> None:
    """Let a key pass that may do this. Raises Forbidden with a code that names both."""
    if permissions is not None and mode not in permissions.get(resource, ()):
        raise errors.Forbidden(f"{mode}_action_not_allowed_for_{resource}")
