"""Billing entities, and the organization's own settings, on the wire."""

from collections.abc import Sequence
from typing import Any

from msgspec import UNSET, Struct, UnsetType, structs

from daycount import errors
from daycount.api.routing import Call, Routes
from daycount.api.v1 import invoice_custom_sections as sections_wire
from daycount.api.v1.invoice_custom_sections import SectionObject
from daycount.api.v1.taxes import TaxObject, list_to_wire
from daycount.api.wire import Stamp, stamp, text_or_none
from daycount.given import given, is_given
from daycount.infra.work import Work
from daycount.invoicing.papers.operations import PATH as FILES
from daycount.organizations import store as organizations
from daycount.organizations.entities import operations, store
from daycount.organizations.entities.records import TEXT_FIELDS, EntityInput, EntityProfile
from daycount.organizations.sections.operations import find_choice
from daycount.taxes import store as taxes
from daycount.taxes.operations import given_codes, replace_taxes, spelled_as_stored
from daycount.taxes.records import TaxTarget
from daycount.webhooks.operations import list_by_age, set_first_url
from daycount.webhooks.store import find_hmac_key

routes = Routes("billing_entities")


class BillingEntityObject(Struct, frozen=True, kw_only=True):
    """The legal sender of invoices; terms and grace are days."""

    lago_id: str
    code: str
    name: str
    default_currency: str
    created_at: Stamp
    updated_at: Stamp
    country: str | None
    address_line1: str | None
    address_line2: str | None
    phone: str | None
    city: str | None
    state: str | None
    zipcode: str | None
    einvoicing: bool
    email: str | None
    legal_name: str | None
    legal_number: str | None
    timezone: str
    net_payment_term: int
    email_settings: Sequence[str]
    document_numbering: str
    document_number_prefix: str
    tax_identification_number: str | None
    finalize_zero_amount_invoice: bool
    invoice_footer: str | None
    invoice_grace_period: int
    subscription_invoice_issuing_date_adjustment: str
    subscription_invoice_issuing_date_anchor: str
    document_locale: str
    is_default: bool
    eu_tax_management: bool
    logo_url: str | None
    applied_dunning_campaign_id: str | None
    taxes: Sequence[TaxObject] | UnsetType = UNSET
    selected_invoice_custom_sections: Sequence[SectionObject] | UnsetType = UNSET


class OrganizationConfigurationObject(Struct, frozen=True, kw_only=True):
    """How the organization bills."""

    invoice_footer: str | None
    invoice_grace_period: int
    document_locale: str


class OwnOrganizationObject(Struct, frozen=True, kw_only=True):
    """The organization behind the key, with the settings of its default billing entity."""

    lago_id: str
    name: str
    slug: str | None
    default_currency: str
    created_at: Stamp
    webhook_url: str | None
    webhook_urls: Sequence[str]
    hmac_key: str
    """What signs webhooks of endpoints with `signature_algo` hmac."""
    country: str | None
    address_line1: str | None
    address_line2: str | None
    state: str | None
    zipcode: str | None
    email: str | None
    city: str | None
    legal_name: str | None
    legal_number: str | None
    timezone: str
    net_payment_term: int
    email_settings: Sequence[str]
    document_numbering: str
    document_number_prefix: str
    tax_identification_number: str | None
    finalize_zero_amount_invoice: bool
    billing_configuration: OrganizationConfigurationObject
    events_store: str
    taxes: Sequence[TaxObject]


def to_wire(profile: EntityProfile, *, public_url: str) -> BillingEntityObject:
    """Write a billing entity without its taxes."""
    texts: dict[str, Any] = {name: profile.texts[name] for name in TEXT_FIELDS}
    return BillingEntityObject(
        lago_id=str(profile.id),
        code=profile.code,
        name=profile.name,
        default_currency=profile.default_currency,
        created_at=stamp(profile.created_at),
        updated_at=stamp(profile.updated_at),
        einvoicing=profile.einvoicing,
        timezone=profile.timezone,
        net_payment_term=profile.net_payment_term,
        email_settings=profile.email_settings,
        document_numbering=profile.document_numbering,
        document_number_prefix=profile.document_number_prefix,
        finalize_zero_amount_invoice=profile.finalize_zero_amount_invoice,
        invoice_footer=profile.invoice_footer,
        invoice_grace_period=profile.invoice_grace_period,
        subscription_invoice_issuing_date_adjustment=profile.subscription_invoice_issuing_date_adjustment,
        subscription_invoice_issuing_date_anchor=profile.subscription_invoice_issuing_date_anchor,
        document_locale=profile.document_locale,
        is_default=profile.is_default,
        eu_tax_management=profile.eu_tax_management,
        logo_url=None if profile.logo_name is None else f"{public_url.rstrip('/')}{FILES}{profile.logo_name}",
        applied_dunning_campaign_id=text_or_none(profile.applied_dunning_campaign_id),
        **texts,
    )


def _plain(call: Call, profile: EntityProfile) -> BillingEntityObject:
    return to_wire(profile, public_url=call.services.settings.public_url)


def _taxes(work: Work, profile: EntityProfile) -> list[TaxObject]:
    found = taxes.find_applied(work.tx, organization_id=work.organization_id, target_ids=[profile.id])
    return list_to_wire(found[profile.id])


def _whole(work: Work, call: Call, profile: EntityProfile) -> BillingEntityObject:
    choice = find_choice(work, profile.id)
    selected = [] if choice is None else sections_wire.list_to_wire(choice.sections)
    return structs.replace(_plain(call, profile), taxes=_taxes(work, profile), selected_invoice_custom_sections=selected)


@routes.post("/billing_entities", accepts=EntityInput, root_in="billing_entity", returns=BillingEntityObject, root_out="billing_entity")
def create_billing_entity(work: Work, call: Call) -> BillingEntityObject:
    """Create a billing entity."""
    return _plain(call, operations.create_entity(work, call.body))


@routes.get("/billing_entities", returns=BillingEntityObject, root_out="billing_entities", is_list=True, has_meta=False)
def find_all_billing_entities(work: Work, call: Call) -> list[BillingEntityObject]:
    """List billing entities, the default one first."""
    return [_plain(call, profile) for profile in store.list_entities(work.tx, organization_id=work.organization_id)]


@routes.get("/billing_entities/{code}", returns=BillingEntityObject, root_out="billing_entity")
def find_billing_entity(work: Work, call: Call) -> BillingEntityObject:
    """Find a billing entity by its code."""
    return _whole(work, call, operations.get_entity(work, call.path["code"]))


@routes.put(
    "/billing_entities/{code}", accepts=EntityInput, root_in="billing_entity", returns=BillingEntityObject, root_out="billing_entity"
)
def update_billing_entity(work: Work, call: Call) -> BillingEntityObject:
    """Change a billing entity."""
    profile = operations.update_entity(work, call.path["code"], call.body)
    codes = call.body.tax_codes
    if is_given(codes) and codes is not None:
        replace_taxes(work, given_codes(TaxTarget.BILLING_ENTITY, profile.id, spelled_as_stored(work, codes)))
    return _whole(work, call, profile)


@routes.get("/organizations", returns=OwnOrganizationObject, root_out="organization")
def find_organization(work: Work, _call: Call) -> OwnOrganizationObject:
    """Show the organization behind the key."""
    return _own(work, operations.get_default_entity(work))


@routes.put("/organizations", accepts=EntityInput, root_in="organization", returns=OwnOrganizationObject, root_out="organization")
def update_organization(work: Work, call: Call) -> OwnOrganizationObject:
    """Change the organization, and with it its default billing entity."""
    numbering = given(call.body.document_numbering, None)
    if numbering not in {None, "per_customer", "per_organization"}:
        raise errors.Invalid({"document_numbering": ["value_is_invalid"]})
    code = operations.get_default_entity(work).code
    profile = operations.update_entity(work, code, structs.replace(call.body, name=UNSET, code=UNSET))
    url = given(call.body.webhook_url, None)
    if url:
        set_first_url(work, url)
        organizations.bump_catalog_version(work)
    store.rename_organization(work.tx, organization_id=work.organization_id, email=profile.texts["email"], country=profile.texts["country"])
    return _own(work, profile)


def _own(work: Work, profile: EntityProfile) -> OwnOrganizationObject:
    organization = organizations.find_organization(work.tx, work.organization_id)
    assert organization is not None
    urls = [endpoint.url for endpoint in list_by_age(work)]
    texts = {name: profile.texts[name] for name in TEXT_FIELDS if name != "phone"}
    texts |= {"email": profile.texts["email"] or organization.email, "country": profile.texts["country"] or organization.country}
    return OwnOrganizationObject(
        lago_id=str(organization.id),
        name=organization.name,
        slug=None,
        default_currency=profile.default_currency,
        created_at=stamp(organization.created_at),
        webhook_url=urls[0] if urls else None,
        webhook_urls=urls,
        hmac_key=find_hmac_key(work.tx, work.organization_id),
        timezone=profile.timezone,
        net_payment_term=profile.net_payment_term,
        email_settings=profile.email_settings,
        document_numbering="per_customer" if profile.document_numbering == "per_customer" else "per_organization",
        document_number_prefix=profile.document_number_prefix,
        finalize_zero_amount_invoice=profile.finalize_zero_amount_invoice,
        billing_configuration=OrganizationConfigurationObject(
            invoice_footer=profile.invoice_footer,
            invoice_grace_period=profile.invoice_grace_period,
            document_locale=profile.document_locale,
        ),
        events_store="postgres",
        taxes=_taxes(work, profile),
        **texts,
    )
