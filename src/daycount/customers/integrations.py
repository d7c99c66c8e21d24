"""What callers say of a customer in other systems. No such system is connected, so none can be named; what is wrong is said first."""

from collections.abc import Sequence

from msgspec import UNSET, Struct, UnsetType

from daycount import errors
from daycount.given import given

TYPES = frozenset({"netsuite", "anrok", "avalara", "xero", "hubspot", "salesforce"})


class IntegrationInput(Struct, frozen=True, kw_only=True):
    """A customer in another system, as a caller gives it."""

    id: str | None | UnsetType = UNSET
    integration_type: str | None | UnsetType = UNSET
    integration_code: str | None | UnsetType = UNSET
    external_customer_id: str | None | UnsetType = UNSET


def check_integrations(wanted: Sequence[IntegrationInput] | None | UnsetType, found: errors.FieldErrors) -> None:
    """
    Refuse any entry: two of a type, types that are none, and those of systems that are not connected, which all are.

    An empty list asks for nothing. Source: Lago API, customers; an entry of an unknown system is passed over there.
    """
    types = [given(item.integration_type, None) for item in given(wanted, None) or ()]
    if len(set(types)) < len(types):
        found.add("integration_customers", "invalid_count_per_integration_type")
    elif not TYPES.issuperset(types):
        found.add("integration_customers", "value_is_invalid")
    elif types:
        found.add("integration_customers", "integration_not_found")
