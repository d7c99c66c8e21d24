"""
Which payment provider a customer is linked to, and as whom: the part of its billing configuration that providers read.

A customer may name a provider that the organization is not connected to; then nobody is charged. It is linked once it has a
`provider_customer_id`, given by the caller or made at the provider. Source: Lago API, customers.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import structs

from daycount import errors
from daycount.customers import store
from daycount.customers.messages import LinkAsked
from daycount.customers.payment_methods import store as methods
from daycount.customers.records import BillingConfigurationInput, Customer
from daycount.given import given, is_given
from daycount.infra.work import Work
from daycount.organizations.payment_providers.operations import find_named
from daycount.organizations.payment_providers.records import STRIPE

METHOD_KINDS: Final = frozenset({"card", "sepa_debit", "us_bank_account", "bacs_debit", "link", "boleto", "crypto", "customer_balance"})
LINK: Final = ("provider_customer_id", "provider_payment_methods", "sync_with_provider")
"""What of the billing configuration is there only while a provider is named."""
_MAX_ID: Final = 255


def merge_link(
    customer: Customer, merged: Mapping[str, Any], changes: BillingConfigurationInput, found: errors.FieldErrors
) -> dict[str, Any]:
    """Return the billing configuration with what links the customer; naming another provider, or none, ends the link that was there."""
    stored = customer.billing_configuration
    is_same = all(merged[name] == stored.get(name) for name in ("payment_provider", "payment_provider_code"))
    if merged["payment_provider"] is None:
        return {name: value for name, value in merged.items() if name not in LINK}
    kept = {name: stored[name] for name in LINK if name in stored} if is_same else {}
    wanted_id = (given(changes.provider_customer_id, None) or "").strip()
    if len(wanted_id) > _MAX_ID:
        found.add("provider_customer_id", "value_is_too_long")
    if wanted_id:
        kept["provider_customer_id"] = wanted_id
    if is_given(changes.sync_with_provider):
        kept["sync_with_provider"] = bool(given(changes.sync_with_provider, None))
    if merged["payment_provider"] == STRIPE:
        kinds = given(changes.provider_payment_methods, None)
        if kinds is not None:
            kept["provider_payment_methods"] = _read_kinds(kinds, found)
        elif wanted_id or kept.get("sync_with_provider"):
            kept.setdefault("provider_payment_methods", ["card"])
    return {**merged, **kept}


def _read_kinds(kinds: Sequence[str], found: errors.FieldErrors) -> list[str]:
    read = list(dict.fromkeys(kinds)) or ["card"]
    is_good = (
        METHOD_KINDS.issuperset(read) and ("link" not in read or "card" in read) and ("customer_balance" not in read or len(read) == 1)
    )
    if not is_good:
        found.add("provider_payment_methods", "value_is_invalid")
    return read


def settle_link(work: Work, *, before: Customer | None, customer: Customer, changes: BillingConfigurationInput | None) -> Customer:
    """
    Do what follows from a customer's link as it is now stored, and return the customer as it is then. The caller holds the lane.

    Announces LinkAsked where the customer is to be made known to its provider, or is known there as somebody new. Raises NotFound
    (payment_provider) for a provider that the organization is not connected to.
    """
    if changes is None:
        return customer
    known = customer.billing_configuration.get("provider_customer_id")
    known_before = None if before is None else before.billing_configuration.get("provider_customer_id")
    if known_before is not None and known != known_before:
        methods.delete_methods(work.tx, customer_id=customer.id, at=work.now)
    named = customer.billing_configuration.get("payment_provider")
    wants_id, wants_sync = bool(given(changes.provider_customer_id, None)), bool(given(changes.sync_with_provider, None))
    if named is None or not (wants_id or wants_sync):
        return customer
    connection = find_named(work, provider_type=named, code=customer.billing_configuration.get("payment_provider_code"))
    if connection is None:
        raise errors.NotFound("payment_provider")
    if known is None or known != known_before:
        is_prompt = bool(given(changes.sync, None))
        work.announce(LinkAsked(customer=customer, connection=connection, is_made=known is None, is_prompt=is_prompt))
        return store.find_customers(work.tx, organization_id=work.organization_id, ids=[customer.id])[customer.id]
    return customer


def link(work: Work, customer: Customer, provider_customer_id: str) -> Customer:
    """Note what the provider calls a customer, whose row the caller holds."""
    configuration = {**customer.billing_configuration, "provider_customer_id": provider_customer_id}
    linked = structs.replace(customer, billing_configuration=configuration, updated_at=work.now)
    store.update_customer(work.tx, linked)
    return linked
