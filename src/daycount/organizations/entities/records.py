"""What a billing entity is, whole; `organizations.records.BillingEntity` holds what billing needs of it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

TEXT_FIELDS = (
    "country",
    "address_line1",
    "address_line2",
    "city",
    "state",
    "zipcode",
    "phone",
    "email",
    "legal_name",
    "legal_number",
    "tax_identification_number",
)
"""Fields that are one text or null."""


class EntityProfile(Struct, frozen=True, kw_only=True):
    """
    A billing entity with everything that can be set. `texts` holds TEXT_FIELDS; terms and grace are days.

    `logo_name` is the name of the file of its logo.
    """

    id: UUID
    organization_id: UUID
    code: str
    name: str
    is_default: bool
    default_currency: str
    timezone: str
    document_number_prefix: str
    document_numbering: str
    net_payment_term: int
    finalize_zero_amount_invoice: bool
    invoice_grace_period: int
    subscription_invoice_issuing_date_anchor: str
    subscription_invoice_issuing_date_adjustment: str
    texts: Mapping[str, str | None]
    email_settings: Sequence[str]
    invoice_footer: str | None
    document_locale: str
    eu_tax_management: bool
    einvoicing: bool
    logo_name: str | None
    created_at: datetime
    updated_at: datetime
    applied_dunning_campaign_id: UUID | None = None
    """The dunning campaign of its customers that have none of their own."""


class EntityConfigurationInput(Struct, frozen=True, kw_only=True):
    """How an entity bills, as a caller gives it."""

    invoice_footer: str | None | UnsetType = UNSET
    invoice_grace_period: int | None | UnsetType = UNSET
    document_locale: str | None | UnsetType = UNSET
    subscription_invoice_issuing_date_anchor: str | None | UnsetType = UNSET
    subscription_invoice_issuing_date_adjustment: str | None | UnsetType = UNSET


class EntityInput(Struct, frozen=True, kw_only=True):
    """A billing entity, or the organization's own settings, as a caller gives them."""

    code: str | None | UnsetType = UNSET
    name: str | None | UnsetType = UNSET
    default_currency: str | None | UnsetType = UNSET
    timezone: str | None | UnsetType = UNSET
    document_number_prefix: str | None | UnsetType = UNSET
    document_numbering: str | None | UnsetType = UNSET
    net_payment_term: int | None | UnsetType = UNSET
    finalize_zero_amount_invoice: bool | None | UnsetType = UNSET
    country: str | None | UnsetType = UNSET
    address_line1: str | None | UnsetType = UNSET
    address_line2: str | None | UnsetType = UNSET
    city: str | None | UnsetType = UNSET
    state: str | None | UnsetType = UNSET
    zipcode: str | None | UnsetType = UNSET
    phone: str | None | UnsetType = UNSET
    email: str | None | UnsetType = UNSET
    legal_name: str | None | UnsetType = UNSET
    legal_number: str | None | UnsetType = UNSET
    tax_identification_number: str | None | UnsetType = UNSET
    email_settings: list[str] | None | UnsetType = UNSET
    eu_tax_management: bool | None | UnsetType = UNSET
    einvoicing: bool | None | UnsetType = UNSET
    logo: str | None | UnsetType = UNSET
    billing_configuration: EntityConfigurationInput | None | UnsetType = UNSET
    tax_codes: list[str] | None | UnsetType = UNSET
    invoice_custom_section_codes: list[str] | None | UnsetType = UNSET
    slug: str | None | UnsetType = UNSET
    webhook_url: str | None | UnsetType = UNSET
    applied_dunning_campaign_id: str | None | UnsetType = UNSET


class EntityChanged(Struct, frozen=True):
    """
    The settings of a billing entity changed.

    `numbers_itself` where its invoices are numbered together from now on, `has_eu_taxes` where the European Union's count.
    """

    entity_id: UUID
    numbers_itself: bool
    has_eu_taxes: bool


class DefaultCampaignChanged(Struct, frozen=True):
    """Another dunning campaign, or none, counts for the customers of a billing entity that have none of their own."""

    entity_id: UUID


def fields_of(profile: EntityProfile) -> dict[str, Any]:
    """Return the columns of a profile."""
    values = {name: getattr(profile, name) for name in EntityProfile.__struct_fields__ if name != "texts"}
    return values | {"texts": dict(profile.texts), "email_settings": list(profile.email_settings)}
