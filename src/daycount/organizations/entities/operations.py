"""Use cases that write billing entities."""

import secrets
from collections.abc import Sequence
from typing import Any

from msgspec import UNSET, UnsetType, structs

from daycount import errors
from daycount.engine.eu_vat import is_member
from daycount.given import given, given_or_default, is_given
from daycount.infra.work import Work
from daycount.money import CURRENCIES
from daycount.organizations.countries import COUNTRIES
from daycount.organizations.emails import is_email
from daycount.organizations.entities import store
from daycount.organizations.entities.logos import Logo, read_picture
from daycount.organizations.entities.records import TEXT_FIELDS, DefaultCampaignChanged, EntityChanged, EntityInput, EntityProfile
from daycount.organizations.operations import is_known_zone
from daycount.organizations.sections.operations import choose_sections
from daycount.organizations.sections.records import ChoiceInput, Chooser
from daycount.organizations.store import read_campaign

PER_CUSTOMER, PER_ENTITY = "per_customer", "per_billing_entity"
_MAX_PREFIX, _MAX_FOOTER, _MAX_DAYS, _MAX_TEXT = 10, 600, 36_500, 255
EINVOICING_COUNTRIES = frozenset({"DE", "FR"})
_EMAIL_SETTINGS = frozenset({"invoice.finalized", "credit_note.created", "payment_receipt.created"})
_LOCALES = frozenset({"de", "en", "es", "fr", "it", "nb", "pt-BR", "sv", "zh-TW"})
_ANCHORS = frozenset({"current_period_end", "next_period_start"})
_ADJUSTMENTS = frozenset({"keep_anchor", "align_with_finalization_date"})


def create_entity(work: Work, wanted: EntityInput) -> EntityProfile:
    """Add a billing entity. Announces EntityChanged where EU taxes count. Raises Invalid. Source: Lago API, billing entities."""
    found = errors.FieldErrors()
    code, name = given(wanted.code, None), given(wanted.name, None)
    for field, value in (("code", code), ("name", name)):
        if not (value or "").strip():
            found.add(field, "value_is_mandatory")
        elif len(value or "") > _MAX_TEXT:
            found.add(field, "value_is_too_long")
    entity_id = work.new_id()
    blank = EntityProfile(
        id=entity_id,
        organization_id=work.organization_id,
        code=code or "",
        name=name or "",
        is_default=False,
        default_currency="USD",
        timezone="UTC",
        document_number_prefix=f"{(name or '')[:3]}-{str(entity_id)[-4:]}".upper(),
        document_numbering=PER_CUSTOMER,
        net_payment_term=0,
        finalize_zero_amount_invoice=True,
        invoice_grace_period=0,
        subscription_invoice_issuing_date_anchor="next_period_start",
        subscription_invoice_issuing_date_adjustment="align_with_finalization_date",
        texts=dict.fromkeys(TEXT_FIELDS),
        email_settings=(),
        invoice_footer=None,
        document_locale="en",
        eu_tax_management=False,
        einvoicing=False,
        logo_name=None,
        created_at=work.now,
        updated_at=work.now,
    )
    logo = _read_logo(blank, wanted, found)
    campaign_id = read_campaign(work, wanted.applied_dunning_campaign_id, None)
    named = {"applied_dunning_campaign_id": campaign_id} | _logo_name(logo)
    profile = structs.replace(blank, **_changed(blank, wanted, found), **named)
    found.raise_if_any()
    store.insert_entity(work.tx, profile)
    _keep_logo(work, profile, logo)
    if profile.eu_tax_management:
        work.announce(EntityChanged(profile.id, numbers_itself=False, has_eu_taxes=True))
    return profile


def update_entity(work: Work, code: str, changes: EntityInput) -> EntityProfile:
    """
    Change a billing entity: only keys that are given are written, its code never changes.

    Announces EntityChanged, and DefaultCampaignChanged. Raises NotFound, also for a dunning campaign, Invalid.
    Source: Lago API, billing entities.
    """
    before = store.find_entity(work.tx, organization_id=work.organization_id, code=code, lock=True)
    if before is None:
        raise errors.NotFound("billing_entity")
    found = errors.FieldErrors()
    logo = _read_logo(before, changes, found)
    campaign_id = read_campaign(work, changes.applied_dunning_campaign_id, before.applied_dunning_campaign_id)
    named = {"applied_dunning_campaign_id": campaign_id} | _logo_name(logo)
    profile = structs.replace(before, updated_at=work.now, **_changed(before, changes, found), **named)
    found.raise_if_any()
    store.update_entity(work.tx, profile)
    _keep_logo(work, profile, logo)
    if campaign_id != before.applied_dunning_campaign_id:
        work.announce(DefaultCampaignChanged(profile.id))
    choose_sections(
        work, Chooser.BILLING_ENTITY, profile.id, ChoiceInput(invoice_custom_section_codes=changes.invoice_custom_section_codes)
    )
    numbers_itself = before.document_numbering == PER_CUSTOMER and profile.document_numbering == PER_ENTITY
    work.announce(EntityChanged(profile.id, numbers_itself=numbers_itself, has_eu_taxes=profile.eu_tax_management))
    return profile


def get_entity(work: Work, code: str) -> EntityProfile:
    """Return the billing entity of that code. Raises NotFound."""
    profile = store.find_entity(work.tx, organization_id=work.organization_id, code=code)
    if profile is None:
        raise errors.NotFound("billing_entity")
    return profile


def get_default_entity(work: Work) -> EntityProfile:
    """Return the default billing entity, whose settings are the organization's."""
    return store.list_entities(work.tx, organization_id=work.organization_id)[0]


def _changed(before: EntityProfile, wanted: EntityInput, found: errors.FieldErrors) -> dict[str, Any]:
    numbering = given_or_default(wanted.document_numbering, before.document_numbering)
    fields: dict[str, Any] = {
        "name": given_or_default(wanted.name, before.name) or before.name,
        "document_numbering": PER_CUSTOMER if numbering == PER_CUSTOMER else PER_ENTITY,
        "net_payment_term": _days(given_or_default(wanted.net_payment_term, before.net_payment_term), "net_payment_term", found),
        "finalize_zero_amount_invoice": given_or_default(wanted.finalize_zero_amount_invoice, before.finalize_zero_amount_invoice),
        "default_currency": given_or_default(wanted.default_currency, before.default_currency),
        "timezone": given_or_default(wanted.timezone, before.timezone),
        "document_number_prefix": given_or_default(wanted.document_number_prefix, before.document_number_prefix).upper(),
        "texts": _texts(before, wanted, found),
        "eu_tax_management": given_or_default(wanted.eu_tax_management, before.eu_tax_management),
        "einvoicing": given_or_default(wanted.einvoicing, before.einvoicing),
        "email_settings": _email_settings(given(wanted.email_settings, before.email_settings), found),
    }
    if fields["default_currency"] not in CURRENCIES:
        found.add("default_currency", "value_is_invalid")
    if not is_known_zone(fields["timezone"]):
        found.add("timezone", "invalid_timezone")
    if not 1 <= len(fields["document_number_prefix"]) <= _MAX_PREFIX:
        found.add("document_number_prefix", "value_is_too_long" if fields["document_number_prefix"] else "value_is_too_short")
    if fields["eu_tax_management"] and not is_member(fields["texts"]["country"]):
        found.add("eu_tax_management", "billing_entity_must_be_in_eu")
    country = fields["texts"]["country"]
    if fields["einvoicing"] and country not in EINVOICING_COUNTRIES:
        found.add("einvoicing", "country_must_be_present" if country is None else "country_not_supported")
    return fields | _configuration(before, wanted, found)


def _read_logo(entity: EntityProfile, wanted: EntityInput, found: errors.FieldErrors) -> Logo | None | UnsetType:
    """Return the logo that is asked for, None where it is to be taken away."""
    if not is_given(wanted.logo):
        return UNSET
    picture = read_picture(wanted.logo, found) if wanted.logo else None
    if picture is None:
        return None
    name = f"{secrets.token_urlsafe(24)}.{picture.format}"
    return Logo(entity_id=entity.id, organization_id=entity.organization_id, name=name, picture=picture)


def _logo_name(logo: Logo | None | UnsetType) -> dict[str, Any]:
    return {} if isinstance(logo, UnsetType) else {"logo_name": None if logo is None else logo.name}


def _keep_logo(work: Work, entity: EntityProfile, logo: Logo | None | UnsetType) -> None:
    if not isinstance(logo, UnsetType):
        store.replace_logo(work.tx, entity_id=entity.id, logo=logo)


def _texts(before: EntityProfile, wanted: EntityInput, found: errors.FieldErrors) -> dict[str, str | None]:
    texts = dict(before.texts)
    for name in TEXT_FIELDS:
        value = getattr(wanted, name)
        if is_given(value):
            texts[name] = (value or "").strip() or None
            if len(texts[name] or "") > _MAX_TEXT:
                found.add(name, "value_is_too_long")
    email = texts["email"]
    if email is not None and email != before.texts["email"] and not is_email(email):
        found.add("email", "invalid_email_format")
    country = texts["country"]
    if country is not None:
        texts["country"] = country.upper()
        if country.upper() not in COUNTRIES:
            found.add("country", "not_a_valid_country_code")
    return texts


def _email_settings(values: Sequence[str] | None, found: errors.FieldErrors) -> Sequence[str]:
    settings = tuple(dict.fromkeys(values or ()))
    if not _EMAIL_SETTINGS.issuperset(settings):
        found.add("email_settings", "unsupported_value")
    return settings


def _configuration(before: EntityProfile, wanted: EntityInput, found: errors.FieldErrors) -> dict[str, Any]:
    sent = given(wanted.billing_configuration, None)
    if sent is None:
        return {}
    fields: dict[str, Any] = {
        "invoice_footer": given(sent.invoice_footer, before.invoice_footer),
        "invoice_grace_period": _days(
            given_or_default(sent.invoice_grace_period, before.invoice_grace_period), "invoice_grace_period", found
        ),
        "document_locale": given_or_default(sent.document_locale, before.document_locale),
        "subscription_invoice_issuing_date_anchor": given_or_default(
            sent.subscription_invoice_issuing_date_anchor, before.subscription_invoice_issuing_date_anchor
        ),
        "subscription_invoice_issuing_date_adjustment": given_or_default(
            sent.subscription_invoice_issuing_date_adjustment, before.subscription_invoice_issuing_date_adjustment
        ),
    }
    if len(fields["invoice_footer"] or "") > _MAX_FOOTER:
        found.add("invoice_footer", "value_is_too_long")
    if fields["document_locale"] not in _LOCALES:
        found.add("document_locale", "not_a_valid_language_code")
    if fields["subscription_invoice_issuing_date_anchor"] not in _ANCHORS:
        found.add("subscription_invoice_issuing_date_anchor", "value_is_invalid")
    if fields["subscription_invoice_issuing_date_adjustment"] not in _ADJUSTMENTS:
        found.add("subscription_invoice_issuing_date_adjustment", "value_is_invalid")
    return fields


def _days(value: int, field: str, found: errors.FieldErrors) -> int:
    if not 0 <= value <= _MAX_DAYS:
        found.add(field, "value_is_out_of_range")
    return value
