"""Use cases that write customers."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID, uuid5

from msgspec import UNSET, UnsetType, structs

from daycount import errors
from daycount.customers import store
from daycount.customers.integrations import check_integrations
from daycount.customers.linking import merge_link, settle_link
from daycount.customers.messages import CustomerDeleted, CustomerSaved, DunningChoiceChanged, InvoiceSettingsChanged, TimezoneChanged
from daycount.customers.records import ADDRESS_FIELDS, TEXT_FIELDS, Customer, CustomerInput, MetadataInput, MetadataItem
from daycount.customers.vat.operations import assign_taxes
from daycount.given import given, given_or_default, is_given
from daycount.infra.work import Work
from daycount.money import CURRENCIES
from daycount.organizations import store as organizations
from daycount.organizations.countries import COUNTRIES
from daycount.organizations.emails import is_email
from daycount.organizations.operations import is_known_zone
from daycount.organizations.payment_providers.records import NAMED
from daycount.organizations.records import BillingEntity
from daycount.organizations.sections.operations import check_choice, choose_sections
from daycount.organizations.sections.records import ChoiceInput, Chooser

_MAX_NAME = 255
MAX_EXTERNAL_ID = 255
_MAX_METADATA = 5
_MAX_METADATA_KEY = 20
_MAX_METADATA_VALUE = 100
_LOCALES = frozenset({"de", "en", "es", "fr", "it", "nb", "pt-BR", "sv", "zh-TW"})
_ANCHORS = frozenset({"current_period_end", "next_period_start"})
_ADJUSTMENTS = frozenset({"keep_anchor", "align_with_finalization_date"})
_DEFAULTS: Mapping[str, Any] = {
    "invoice_grace_period": None,
    "payment_provider": None,
    "payment_provider_code": None,
    "document_locale": None,
    "subscription_invoice_issuing_date_anchor": None,
    "subscription_invoice_issuing_date_adjustment": None,
}


def upsert_customer(work: Work, changes: CustomerInput) -> Customer:
    """
    Add the customer of that external id, or change it: only keys that are given are written.

    Announces CustomerSaved, TimezoneChanged when its days move, LinkAsked.
    Raises NotFound (billing_entity, tax, payment_provider), Invalid.
    Source: Lago API, customers (create is an upsert).
    """
    external_id = given(changes.external_id, None)
    stored = None
    if external_id:
        stored = lock_customer(work, external_id)
    entity = find_entity(work, given(changes.billing_entity_code, None))
    found = errors.FieldErrors()
    if not external_id or not external_id.strip():
        found.add("external_id", "value_is_mandatory")
    elif len(external_id) > MAX_EXTERNAL_ID:
        found.add("external_id", "value_is_too_long")
    blank = stored or _blank_customer(work, external_id or "", entity or _default_entity(work))
    if stored is not None and entity is not None:
        blank = structs.replace(stored, entity=entity)
    customer = _changed(work, blank, changes, found)
    check_integrations(changes.integration_customers, found)
    sections = ChoiceInput(
        skip_invoice_custom_sections=changes.skip_invoice_custom_sections,
        invoice_custom_section_codes=changes.invoice_custom_section_codes,
    )
    check_choice(sections)
    found.raise_if_any()
    if stored is not None:
        if stored.account_type != customer.account_type and store.has_history(work.tx, customer_id=stored.id):
            customer = structs.replace(customer, account_type=stored.account_type)  # too late to become another kind
        store.update_customer(work.tx, customer)
        choose_sections(work, Chooser.CUSTOMER, customer.id, sections)
        assign_taxes(work, before=stored, customer=customer, codes=given(changes.tax_codes, None))
        if stored.applicable_timezone != customer.applicable_timezone:
            work.announce(TimezoneChanged(customer_id=customer.id))
        if _invoice_settings(stored) != _invoice_settings(customer):
            work.announce(InvoiceSettingsChanged(customer=customer))
        if _dunning(stored) != _dunning(customer):
            work.announce(DunningChoiceChanged(customer.id))
        work.announce(CustomerSaved(customer, "updated"))
        return settle_link(work, before=stored, customer=customer, changes=given(changes.billing_configuration, None))
    made = _insert(work, customer)
    choose_sections(work, Chooser.CUSTOMER, made.id, sections)
    assign_taxes(work, before=None, customer=made, codes=given(changes.tax_codes, None))
    work.announce(CustomerSaved(made, "created"))
    return settle_link(work, before=None, customer=made, changes=given(changes.billing_configuration, None))


def _invoice_settings(customer: Customer) -> tuple[object, ...]:
    return customer.grace_days, customer.issuing_date_anchor, customer.keeps_issuing_date, customer.applicable_payment_term


def _dunning(customer: Customer) -> tuple[object, ...]:
    own = customer.applied_dunning_campaign_id
    return own, customer.exclude_from_dunning_campaign, customer.account_type, None if own else customer.entity.id


def ensure_customer(work: Work, external_id: str) -> Customer:
    """
    Return the customer of that external id with its row locked; one that is not known yet is made.

    Raises Invalid (external_customer_id).
    """
    if len(external_id) > MAX_EXTERNAL_ID:
        raise errors.Invalid({"external_customer_id": ["value_is_too_long"]})
    stored = lock_customer(work, external_id)
    if stored is not None:
        return stored
    made = _insert(work, _blank_customer(work, external_id, _default_entity(work)))
    assign_taxes(work, before=None, customer=made, codes=None)
    work.announce(CustomerSaved(made, "created"))
    return made


def delete_customer(work: Work, external_id: str) -> Customer:
    """
    Delete a customer softly: its external id is free again, and what it subscribed to ends now.

    Announces CustomerDeleted. Invoices keep showing it. Raises NotFound. Source: Lago API, customers.
    """
    customer = lock_customer(work, external_id)
    if customer is None:
        raise errors.NotFound("customer")
    store.mark_customer_deleted(work.tx, customer_id=customer.id, at=work.now)
    work.announce(CustomerDeleted(customer_id=customer.id))
    return customer


def lock_customer(work: Work, external_id: str) -> Customer | None:
    """
    Hold the lane and lock the row of the live customer of that external id.

    When there is none, the external id itself is held, so that of several who make the same customer at once one makes it
    and the others find it.
    """
    seen = store.find_customer(work.tx, organization_id=work.organization_id, external_id=external_id)
    if seen is None:
        work.agenda.hold(uuid5(work.organization_id, external_id))
        seen = store.find_customer(work.tx, organization_id=work.organization_id, external_id=external_id)
    if seen is None:
        return None
    work.agenda.hold(lane_of(seen.id))
    return store.find_customer(work.tx, organization_id=work.organization_id, external_id=external_id, lock=True)


def get_customer(work: Work, external_id: str) -> Customer:
    """Return the live customer of that external id. Raises NotFound."""
    customer = store.find_customer(work.tx, organization_id=work.organization_id, external_id=external_id)
    if customer is None:
        raise errors.NotFound("customer")
    return customer


def _insert(work: Work, customer: Customer) -> Customer:
    number = organizations.next_customer_number(work.tx, work.organization_id)
    prefix = customer.entity.document_number_prefix
    numbered = structs.replace(customer, sequential_id=number, slug=f"{prefix}-{number:03}")
    store.insert_customer(work.tx, numbered)
    return numbered


def _default_entity(work: Work) -> BillingEntity:
    organization = organizations.find_organization(work.tx, work.organization_id)
    assert organization is not None
    return organization.entity


def find_entity(work: Work, code: str | None) -> BillingEntity | None:
    """Return the billing entity of a code, None where no code is given. Raises NotFound."""
    if not code:
        return None
    found = organizations.find_entities(work.tx, organization_id=work.organization_id, codes=[code])
    if not found:
        raise errors.NotFound("billing_entity")
    return found[0]


def _blank_customer(work: Work, external_id: str, entity: Any) -> Customer:
    return Customer(
        id=work.new_id(),
        organization_id=work.organization_id,
        entity=entity,
        external_id=external_id,
        sequential_id=0,
        slug="",
        texts=dict.fromkeys(TEXT_FIELDS),
        account_type="customer",
        net_payment_term=None,
        finalize_zero_amount_invoice="inherit",
        skip_invoice_custom_sections=False,
        shipping_address=dict.fromkeys(ADDRESS_FIELDS),
        billing_configuration=_DEFAULTS,
        metadata=(),
        created_at=work.now,
        updated_at=work.now,
    )


def _changed(work: Work, customer: Customer, changes: CustomerInput, found: errors.FieldErrors) -> Customer:
    return structs.replace(
        customer,
        texts=_texts(customer, changes, found),
        account_type=_member("account_type", changes.account_type, customer.account_type, {"customer", "partner"}, found),
        net_payment_term=_days("net_payment_term", given(changes.net_payment_term, customer.net_payment_term), found),
        finalize_zero_amount_invoice=_member(
            "finalize_zero_amount_invoice",
            changes.finalize_zero_amount_invoice,
            customer.finalize_zero_amount_invoice if not is_given(changes.finalize_zero_amount_invoice) else "inherit",
            {"inherit", "skip", "finalize"},
            found,
            code="invalid_value",
        ),
        skip_invoice_custom_sections=_skips_sections(customer, changes),
        shipping_address=_address(customer, changes),
        billing_configuration=_billing_configuration(customer, changes, found),
        metadata=_metadata(work, customer.metadata, changes.metadata, found),
        updated_at=work.now,
        **_dunning_choice(work, customer, changes),
    )


def _dunning_choice(work: Work, customer: Customer, changes: CustomerInput) -> dict[str, Any]:
    """Read which campaign is applied; whoever is newly left out of all has none of its own. Raises NotFound (dunning_campaign)."""
    campaign_id = organizations.read_campaign(work, changes.applied_dunning_campaign_id, customer.applied_dunning_campaign_id)
    is_excluded = given_or_default(changes.exclude_from_dunning_campaign, customer.exclude_from_dunning_campaign)
    if is_excluded and is_given(changes.exclude_from_dunning_campaign):
        campaign_id = None
    return {"applied_dunning_campaign_id": campaign_id, "exclude_from_dunning_campaign": is_excluded}


def _skips_sections(customer: Customer, changes: CustomerInput) -> bool:
    """Tell whether its invoices carry no custom sections; who names sections wants them."""
    if given(changes.invoice_custom_section_codes, None):
        return False
    return given_or_default(changes.skip_invoice_custom_sections, customer.skip_invoice_custom_sections)


def _texts(customer: Customer, changes: CustomerInput, found: errors.FieldErrors) -> Mapping[str, str | None]:
    sent = {name: getattr(changes, name) for name in TEXT_FIELDS if is_given(getattr(changes, name))}
    texts = {name: value if value is None or value.strip() else None for name, value in sent.items()}
    if texts.get("country") is not None:
        texts["country"] = str(texts["country"]).upper()
    checks: Mapping[str, tuple[str, Callable[[str], bool]]] = {
        "name": ("value_is_too_long", lambda value: len(value) <= _MAX_NAME),
        "customer_type": ("value_is_invalid", lambda value: value in {"company", "individual"}),
        "country": ("not_a_valid_country_code", lambda value: value in COUNTRIES),
        "currency": ("value_is_invalid", lambda value: value in CURRENCIES),
        "timezone": ("invalid_timezone", is_known_zone),
    }
    for name, (code, is_good) in checks.items():
        value = texts.get(name)
        if value is not None and not is_good(value):
            found.add(name, code)
    email = texts.get("email")
    if email and email != customer.texts["email"] and not all(is_email(part.strip()) for part in email.split(",")):
        found.add("email", "invalid_email_format")
    return {**customer.texts, **texts}


def _member(
    field: str,
    value: str | None | UnsetType,
    otherwise: str,
    allowed: set[str],
    found: errors.FieldErrors,
    *,
    code: str = "value_is_invalid",
) -> str:
    if value is None or value is UNSET:
        return otherwise
    assert isinstance(value, str)
    if value not in allowed:
        found.add(field, code)
    return value


def _days(field: str, value: int | None, found: errors.FieldErrors) -> int | None:
    if value is not None and not 0 <= value <= 36_500:
        found.add(field, "value_is_out_of_range")
    return value


def _address(customer: Customer, changes: CustomerInput) -> Mapping[str, str | None]:
    if not is_given(changes.shipping_address):
        return customer.shipping_address
    address = given(changes.shipping_address, None)
    if address is None:
        return dict.fromkeys(ADDRESS_FIELDS)
    return {name: given(getattr(address, name), customer.shipping_address.get(name)) or None for name in ADDRESS_FIELDS}


def _billing_configuration(customer: Customer, changes: CustomerInput, found: errors.FieldErrors) -> Mapping[str, Any]:
    configuration = given(changes.billing_configuration, None)
    if configuration is None:
        return customer.billing_configuration
    merged = {name: given(getattr(configuration, name), customer.billing_configuration.get(name)) for name in _DEFAULTS}
    _days("invoice_grace_period", merged["invoice_grace_period"], found)
    if merged["document_locale"] not in {None, *_LOCALES}:
        found.add("document_locale", "not_a_valid_language_code")
    enums = {
        "subscription_invoice_issuing_date_anchor": _ANCHORS,
        "subscription_invoice_issuing_date_adjustment": _ADJUSTMENTS,
        "payment_provider": NAMED,
    }
    for name, allowed in enums.items():
        if merged[name] not in {None, *allowed}:
            found.add(name, "value_is_invalid")
    return merge_link(customer, merged, configuration, found)


def _metadata(
    work: Work, stored: Sequence[MetadataItem], items: Sequence[MetadataInput] | UnsetType, found: errors.FieldErrors
) -> Sequence[MetadataItem]:
    """Replace the set: an item with a known id changes that pair, others are new, pairs not named are gone."""
    if isinstance(items, UnsetType):
        return stored
    if len(items) > _MAX_METADATA:
        raise errors.Invalid({"metadata": ["invalid_count"]})
    known = {str(item.lago_id): item for item in stored}
    kept: list[MetadataItem] = []
    for item in items:
        before = known.get(given(item.id, None) or "")
        key = given_or_default(item.key, before.key if before else "")
        value = given_or_default(item.value, before.value if before else "")
        _check_pair(key, value, taken={pair.key for pair in kept}, found=found)
        kept.append(
            MetadataItem(
                lago_id=before.lago_id if before else work.new_id(),
                key=key,
                value=value,
                display_in_invoice=given_or_default(item.display_in_invoice, before.display_in_invoice if before else False),
                created_at=before.created_at if before else work.now,
            )
        )
    return kept


def _check_pair(key: str, value: str, *, taken: set[str], found: errors.FieldErrors) -> None:
    if not key:
        found.add("key", "value_is_mandatory")
    if not value:
        found.add("value", "value_is_mandatory")
    if len(key) > _MAX_METADATA_KEY:
        found.add("key", "value_is_too_long")
    if len(value) > _MAX_METADATA_VALUE:
        found.add("value", "value_is_too_long")
    if key in taken:
        found.add("key", "value_already_exist")


def lane_of(customer_id: UUID) -> UUID:
    """Return the agenda lane of a customer: its own id."""
    return customer_id
