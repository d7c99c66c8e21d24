"""Customers on the wire."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import UNSET, Struct, UnsetType, structs

from daycount import errors
from daycount.api.entities import read_entities
from daycount.api.paging import Page, page_of, read_page
from daycount.api.query import Query
from daycount.api.routing import Call, Routes
from daycount.api.v1 import invoice_custom_sections as sections_wire
from daycount.api.v1 import taxes as taxes_wire
from daycount.api.v1.checkouts import CheckoutObject, checkout_to_wire
from daycount.api.v1.invoice_custom_sections import SectionObject
from daycount.api.v1.taxes import TaxObject
from daycount.api.wire import Stamp, stamp, stamp_or_none, text_or_none
from daycount.customers import operations, store
from daycount.customers.records import Customer, CustomerFilter, CustomerInput
from daycount.dunning.store import find_standings
from daycount.engine.dunning import Standing
from daycount.infra.work import Work
from daycount.invoicing.custom_sections import applicable_sections
from daycount.money import CURRENCIES
from daycount.organizations.countries import COUNTRIES
from daycount.organizations.payment_providers.records import STRIPE
from daycount.organizations.sections import store as section_store
from daycount.taxes import store as taxes_store

routes = Routes("customers")
LIST_PARAMETERS = (
    "search_term",
    "external_id",
    "account_type[]",
    "billing_entity_codes[]",
    "currencies[]",
    "countries[]",
    "states[]",
    "zipcodes[]",
    "has_tax_identification_number",
    "metadata[key]",
    "customer_type",
    "has_customer_type",
)


class CustomerMetadataObject(Struct, frozen=True, kw_only=True):
    """One pair of metadata."""

    lago_id: str
    key: str
    value: str
    display_in_invoice: bool
    created_at: Stamp


class CustomerObject(Struct, frozen=True, kw_only=True):
    """A customer. Taxes and what else is applied to it are left out inside other objects."""

    lago_id: str
    billing_entity_code: str
    external_id: str
    account_type: str
    name: str | None
    firstname: str | None
    lastname: str | None
    customer_type: str | None
    sequential_id: int
    slug: str
    created_at: Stamp
    updated_at: Stamp
    country: str | None
    address_line1: str | None
    address_line2: str | None
    state: str | None
    zipcode: str | None
    email: str | None
    city: str | None
    url: str | None
    phone: str | None
    logo_url: str | None
    legal_name: str | None
    legal_number: str | None
    currency: str | None
    tax_identification_number: str | None
    timezone: str | None
    applicable_timezone: str
    net_payment_term: int | None
    external_salesforce_id: str | None
    finalize_zero_amount_invoice: str
    billing_configuration: Mapping[str, Any]
    shipping_address: Mapping[str, str | None]
    skip_invoice_custom_sections: bool
    metadata: Sequence[CustomerMetadataObject]
    integration_customers: Sequence[Any]
    applied_dunning_campaign_id: str | None
    exclude_from_dunning_campaign: bool
    dunning_currency_attempts: Mapping[str, int] | UnsetType = UNSET
    """How often each currency was asked for since the count began; with the instant of the last time left out inside other objects."""
    last_dunning_campaign_attempt_at: Stamp | None | UnsetType = UNSET
    taxes: Sequence[TaxObject] | UnsetType = UNSET
    applicable_invoice_custom_sections: Sequence[SectionObject] | UnsetType = UNSET
    error_details: Sequence[Any] | UnsetType = UNSET


def list_to_wire(work: Work, found: Sequence[Customer], *, is_whole: bool = False) -> list[CustomerObject]:
    """Write customers with their taxes: whole for their own endpoints, less of them in lists. Four queries at most."""
    taxes = taxes_store.find_applied(work.tx, organization_id=work.organization_id, target_ids=[customer.id for customer in found])
    shown = [structs.replace(to_wire(customer, is_whole=is_whole), taxes=taxes_wire.list_to_wire(taxes[customer.id])) for customer in found]
    if not is_whole:
        return shown
    targets = {target for customer in found for target in (customer.id, customer.entity.id)}
    chosen = section_store.find_choices(work.tx, organization_id=work.organization_id, target_ids=targets)
    applicable = [sections_wire.list_to_wire(applicable_sections(customer, chosen)) for customer in found]
    whole = [structs.replace(item, applicable_invoice_custom_sections=texts) for item, texts in zip(shown, applicable, strict=True)]
    standings = find_standings(work.tx, customer_ids=[customer.id for customer in found])
    return [_with_attempts(item, standings.get(customer.id, {})) for item, customer in zip(whole, found, strict=True)]


def _with_attempts(shown: CustomerObject, standings: Mapping[str, Standing]) -> CustomerObject:
    instants = [standing.last_at for standing in standings.values() if standing.last_at is not None]
    return structs.replace(
        shown,
        dunning_currency_attempts={currency: item.attempts for currency, item in sorted(standings.items()) if item.attempts},
        last_dunning_campaign_attempt_at=stamp_or_none(max(instants, default=None)),
    )


def to_wire(customer: Customer, *, is_whole: bool = False) -> CustomerObject:
    """Write a customer without its taxes, as it stands inside an invoice."""
    return CustomerObject(
        lago_id=str(customer.id),
        billing_entity_code=customer.entity.code,
        external_id=customer.external_id,
        account_type=customer.account_type,
        **_texts(customer),
        sequential_id=customer.sequential_id,
        slug=customer.slug,
        created_at=stamp(customer.created_at),
        updated_at=stamp(customer.updated_at),
        applicable_timezone=customer.applicable_timezone,
        net_payment_term=customer.net_payment_term,
        finalize_zero_amount_invoice=customer.finalize_zero_amount_invoice,
        billing_configuration=_billing_configuration(customer),
        shipping_address=customer.shipping_address,
        skip_invoice_custom_sections=customer.skip_invoice_custom_sections,
        metadata=[
            CustomerMetadataObject(
                lago_id=str(item.lago_id),
                key=item.key,
                value=item.value,
                display_in_invoice=item.display_in_invoice,
                created_at=stamp(item.created_at),
            )
            for item in customer.metadata
        ],
        integration_customers=[],
        applied_dunning_campaign_id=text_or_none(customer.applied_dunning_campaign_id),
        exclude_from_dunning_campaign=customer.exclude_from_dunning_campaign,
        error_details=[] if is_whole else UNSET,
    )


def _billing_configuration(customer: Customer) -> dict[str, Any]:
    """Write the settings of a customer's bills; who names a provider sees what it is called there."""
    shown = dict(customer.billing_configuration)
    if shown.get("payment_provider") is not None:
        shown.setdefault("provider_customer_id", None)
        if shown["payment_provider"] == STRIPE:
            shown.setdefault("provider_payment_methods", None)
    return shown


def _texts(customer: Customer) -> dict[str, Any]:
    return dict(customer.texts)


def read_filter(work: Work, query: Query) -> CustomerFilter:
    """Read the filters of the list. Raises Invalid for members of no known set, NotFound for an unknown billing entity."""
    customer_type = query.members("customer_type", ("company", "individual"))
    has_type = query.choice("has_customer_type")
    if customer_type and has_type is False:
        raise errors.Invalid({"customer_type": ["value_is_invalid"]})
    return CustomerFilter(
        entity_ids=read_entities(work, query),
        search_term=query.one("search_term"),
        external_id=query.one("external_id"),
        account_types=query.members("account_type", ("customer", "partner")),
        currencies=query.members("currencies", tuple(CURRENCIES)),
        countries=query.members("countries", tuple(COUNTRIES)),
        states=query.many("states"),
        zipcodes=query.many("zipcodes"),
        customer_type=customer_type[-1] if customer_type else None,
        has_customer_type=has_type,
        has_tax_identification_number=query.choice("has_tax_identification_number"),
        metadata=query.pairs("metadata"),
    )


@routes.post("/customers", accepts=CustomerInput, root_in="customer", returns=CustomerObject, root_out="customer")
def create_customer(work: Work, call: Call) -> CustomerObject:
    """Create the customer of that external id, or change it."""
    return list_to_wire(work, [operations.upsert_customer(work, call.body)], is_whole=True)[0]


@routes.get("/customers", returns=CustomerObject, root_out="customers", is_list=True, parameters=LIST_PARAMETERS)
def find_all_customers(work: Work, call: Call) -> Page:
    """List customers, newest first."""
    asked, query = read_page(call.query), read_filter(work, call.query)
    found = store.list_customers(work.tx, organization_id=work.organization_id, query=query, limit=asked.per_page, offset=asked.offset)
    total = store.count_customers(work.tx, organization_id=work.organization_id, query=query)
    return page_of(list_to_wire(work, found), asked=asked, total=total)


@routes.get("/customers/{external_customer_id}", returns=CustomerObject, root_out="customer")
def find_customer(work: Work, call: Call) -> CustomerObject:
    """Find a customer by its external id."""
    return list_to_wire(work, [operations.get_customer(work, call.path["external_customer_id"])], is_whole=True)[0]


@routes.delete("/customers/{external_customer_id}", returns=CustomerObject, root_out="customer")
def destroy_customer(work: Work, call: Call) -> CustomerObject:
    """Delete a customer; what it subscribed to ends now, and its invoices stay."""
    return list_to_wire(work, [operations.delete_customer(work, call.path["external_customer_id"])], is_whole=True)[0]


@routes.post("/customers/{external_customer_id}/checkout_url", returns=CheckoutObject, root_out="customer")
def generate_customer_checkout_url(work: Work, call: Call) -> CheckoutObject:
    """Make an address where a customer can leave a way to pay, for the next 24 hours."""
    customer = operations.get_customer(work, call.path["external_customer_id"])
    return checkout_to_wire(call.services.checkout.of_customer(work, customer))
