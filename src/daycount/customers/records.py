"""What a customer is."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import UNSET, Struct, UnsetType

from daycount.customers.integrations import IntegrationInput
from daycount.organizations.records import BillingEntity

TEXT_FIELDS = (
    "name",
    "firstname",
    "lastname",
    "customer_type",
    "country",
    "address_line1",
    "address_line2",
    "city",
    "state",
    "zipcode",
    "email",
    "url",
    "phone",
    "logo_url",
    "legal_name",
    "legal_number",
    "tax_identification_number",
    "currency",
    "timezone",
    "external_salesforce_id",
)
"""Fields that are one text or null."""

ADDRESS_FIELDS = ("address_line1", "address_line2", "city", "zipcode", "state", "country")


class MetadataItem(Struct, frozen=True, kw_only=True):
    """One pair of a customer's metadata."""

    lago_id: UUID
    key: str
    value: str
    display_in_invoice: bool
    created_at: datetime


class Customer(Struct, frozen=True, kw_only=True):
    """Who is billed. `texts` holds TEXT_FIELDS."""

    id: UUID
    organization_id: UUID
    entity: BillingEntity
    external_id: str
    sequential_id: int
    slug: str
    texts: Mapping[str, str | None]
    account_type: str
    net_payment_term: int | None
    finalize_zero_amount_invoice: str
    skip_invoice_custom_sections: bool
    shipping_address: Mapping[str, str | None]
    billing_configuration: Mapping[str, Any]
    metadata: Sequence[MetadataItem]
    created_at: datetime
    updated_at: datetime
    applied_dunning_campaign_id: UUID | None = None
    """The dunning campaign of its own; None where its billing entity's counts."""
    exclude_from_dunning_campaign: bool = False

    @property
    def currency(self) -> str | None:
        """Return the default currency, if one is set."""
        return self.texts["currency"]

    @property
    def applicable_timezone(self) -> str:
        """Return the zone whose days count: the customer's, else the billing entity's."""
        return self.texts["timezone"] or self.entity.timezone

    @property
    def zone(self) -> ZoneInfo:
        """Return `applicable_timezone` as a zone."""
        return ZoneInfo(self.applicable_timezone)

    @property
    def applicable_payment_term(self) -> int:
        """Return the days an invoice may stay unpaid: the customer's, else the billing entity's."""
        return self.entity.net_payment_term if self.net_payment_term is None else self.net_payment_term

    @property
    def grace_days(self) -> int:
        """Return the days an invoice of a subscription stays a draft: the customer's, else the billing entity's."""
        own = self.billing_configuration.get("invoice_grace_period")
        return self.entity.invoice_grace_period if own is None else int(own)

    @property
    def issuing_date_anchor(self) -> str:
        """Return the day that a periodic invoice is issued at: the customer's setting, else the billing entity's."""
        own = self.billing_configuration.get("subscription_invoice_issuing_date_anchor")
        return self.entity.subscription_invoice_issuing_date_anchor if own is None else str(own)

    @property
    def keeps_issuing_date(self) -> bool:
        """Tell whether a periodic invoice keeps its issuing date when it is finalized later."""
        own = self.billing_configuration.get("subscription_invoice_issuing_date_adjustment")
        return (self.entity.subscription_invoice_issuing_date_adjustment if own is None else own) == "keep_anchor"


class MetadataInput(Struct, frozen=True, kw_only=True):
    """One pair of metadata as a caller gives it; with a known id it changes that pair."""

    id: str | None | UnsetType = UNSET
    key: str | None | UnsetType = UNSET
    value: str | None | UnsetType = UNSET
    display_in_invoice: bool | None | UnsetType = UNSET


class AddressInput(Struct, frozen=True, kw_only=True):
    """A shipping address as a caller gives it."""

    address_line1: str | None | UnsetType = UNSET
    address_line2: str | None | UnsetType = UNSET
    city: str | None | UnsetType = UNSET
    zipcode: str | None | UnsetType = UNSET
    state: str | None | UnsetType = UNSET
    country: str | None | UnsetType = UNSET


class BillingConfigurationInput(Struct, frozen=True, kw_only=True):
    """A customer's billing configuration as a caller gives it."""

    invoice_grace_period: int | None | UnsetType = UNSET
    payment_provider: str | None | UnsetType = UNSET
    payment_provider_code: str | None | UnsetType = UNSET
    provider_customer_id: str | None | UnsetType = UNSET
    sync: bool | None | UnsetType = UNSET
    sync_with_provider: bool | None | UnsetType = UNSET
    provider_payment_methods: list[str] | None | UnsetType = UNSET
    document_locale: str | None | UnsetType = UNSET
    subscription_invoice_issuing_date_anchor: str | None | UnsetType = UNSET
    subscription_invoice_issuing_date_adjustment: str | None | UnsetType = UNSET


class CustomerInput(Struct, frozen=True, kw_only=True):
    """A customer as a caller gives it; an absent key leaves what is stored, null clears it."""

    external_id: str | None | UnsetType = UNSET
    name: str | None | UnsetType = UNSET
    firstname: str | None | UnsetType = UNSET
    lastname: str | None | UnsetType = UNSET
    customer_type: str | None | UnsetType = UNSET
    account_type: str | None | UnsetType = UNSET
    billing_entity_code: str | None | UnsetType = UNSET
    country: str | None | UnsetType = UNSET
    address_line1: str | None | UnsetType = UNSET
    address_line2: str | None | UnsetType = UNSET
    city: str | None | UnsetType = UNSET
    state: str | None | UnsetType = UNSET
    zipcode: str | None | UnsetType = UNSET
    email: str | None | UnsetType = UNSET
    url: str | None | UnsetType = UNSET
    phone: str | None | UnsetType = UNSET
    logo_url: str | None | UnsetType = UNSET
    legal_name: str | None | UnsetType = UNSET
    legal_number: str | None | UnsetType = UNSET
    tax_identification_number: str | None | UnsetType = UNSET
    currency: str | None | UnsetType = UNSET
    timezone: str | None | UnsetType = UNSET
    external_salesforce_id: str | None | UnsetType = UNSET
    net_payment_term: int | None | UnsetType = UNSET
    finalize_zero_amount_invoice: str | None | UnsetType = UNSET
    skip_invoice_custom_sections: bool | None | UnsetType = UNSET
    invoice_custom_section_codes: list[str] | None | UnsetType = UNSET
    shipping_address: AddressInput | None | UnsetType = UNSET
    billing_configuration: BillingConfigurationInput | None | UnsetType = UNSET
    metadata: list[MetadataInput] | UnsetType = UNSET
    integration_customers: list[IntegrationInput] | None | UnsetType = UNSET
    tax_codes: list[str] | UnsetType = UNSET
    applied_dunning_campaign_id: str | None | UnsetType = UNSET
    exclude_from_dunning_campaign: bool | None | UnsetType = UNSET


class CustomerFilter(Struct, frozen=True, kw_only=True):
    """Which customers a list shows."""

    entity_ids: tuple[UUID, ...] = ()
    search_term: str | None = None
    external_id: str | None = None
    account_types: tuple[str, ...] = ()
    currencies: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    zipcodes: tuple[str, ...] = ()
    customer_type: str | None = None
    has_customer_type: bool | None = None
    has_tax_identification_number: bool | None = None
    metadata: Mapping[str, str] = {}
    """Pairs that must all be there; an empty value asks for the key to be absent."""
