"""Use cases of dunning campaigns: who writes them, and to whom they are applied."""

import re
from collections.abc import Sequence
from typing import Any, Final

from msgspec import structs

from daycount import errors
from daycount.catalog.fields import read_amount_cents, read_code, read_text
from daycount.customers.operations import lane_of
from daycount.dunning import store
from daycount.dunning.records import Campaign, CampaignInput, Threshold, ThresholdInput
from daycount.given import given, given_or_default, is_given
from daycount.infra.work import Work
from daycount.money import CURRENCIES
from daycount.organizations.entities import operations as entities
from daycount.organizations.entities.records import EntityInput

PURSUE: Final = "pursue_customer"
"""Kind of what is due: looking at what a customer owes; its subject is the customer."""
_EMAIL: Final = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;.<>]+")
_MOST_EMAILS: Final = 50
_MOST_ATTEMPTS: Final = 1000
_MOST_DAYS: Final = 3660


def create_campaign(work: Work, wanted: CampaignInput) -> Campaign:
    """Add a campaign, applied to nobody unless it is said. Raises Invalid. Source: Lago docs, dunning."""
    found = errors.FieldErrors()
    campaign = Campaign(
        id=work.new_id(),
        organization_id=work.organization_id,
        code=read_code(given(wanted.code, None), found),
        name=read_text(given(wanted.name, None), "name", found),
        description=given(wanted.description, None),
        bcc_emails=_read_emails(given(wanted.bcc_emails, None), found),
        max_attempts=_read_count(given(wanted.max_attempts, None), "max_attempts", _MOST_ATTEMPTS, found),
        days_between_attempts=_read_count(given(wanted.days_between_attempts, None), "days_between_attempts", _MOST_DAYS, found),
        thresholds=_read_thresholds(work, (), given(wanted.thresholds, None), found),
        created_at=work.now,
        updated_at=work.now,
    )
    found.raise_if_any()
    store.insert_campaign(work.tx, campaign)
    _apply_to_organization(work, campaign, wanted)
    return campaign


def update_campaign(work: Work, code: str, changes: CampaignInput) -> Campaign:
    """
    Change a campaign: only keys that are given are written. It counts at once.

    Where thresholds change, whoever is under all of them now begins anew. Raises NotFound, Invalid.
    """
    before = get_campaign(work, code, lock=True)
    found = errors.FieldErrors()
    readers: dict[str, Any] = {
        "code": lambda value: read_code(value, found),
        "name": lambda value: read_text(value, "name", found),
        "description": lambda value: value,
        "bcc_emails": lambda value: _read_emails(value, found),
        "max_attempts": lambda value: _read_count(value, "max_attempts", _MOST_ATTEMPTS, found),
        "days_between_attempts": lambda value: _read_count(value, "days_between_attempts", _MOST_DAYS, found),
        "thresholds": lambda value: _read_thresholds(work, before.thresholds, value, found),
    }
    fields = {name: read(getattr(changes, name)) for name, read in readers.items() if is_given(getattr(changes, name))}
    found.raise_if_any()
    campaign = structs.replace(before, **fields, updated_at=work.now)
    store.update_campaign(work.tx, campaign)
    if campaign.rules != before.rules:
        owing = store.list_owing_under(work.tx, organization_id=work.organization_id, campaign_id=campaign.id)
        look_at(work, owing)
    _apply_to_organization(work, campaign, changes)
    return campaign


def delete_campaign(work: Work, code: str) -> Campaign:
    """Delete a campaign softly; whoever it asked begins anew under whatever counts then. Raises NotFound."""
    campaign = get_campaign(work, code, lock=True)
    asked = store.list_asked_under(work.tx, organization_id=work.organization_id, campaign_id=campaign.id)
    owing = store.list_owing_under(work.tx, organization_id=work.organization_id, campaign_id=campaign.id)
    store.delete_campaign(work.tx, campaign_id=campaign.id, at=work.now)
    store.reset(work.tx, customer_ids=asked)
    look_at(work, owing)
    return campaign


def get_campaign(work: Work, code: str, *, lock: bool = False) -> Campaign:
    """Return the live campaign of that code, or id. Raises NotFound."""
    campaign = store.find_campaign(work.tx, organization_id=work.organization_id, code=code, lock=lock)
    if campaign is None:
        raise errors.NotFound("dunning_campaign")
    return campaign


def look_at(work: Work, customer_ids: Sequence[Any]) -> None:
    """Have what customers owe looked at now, in their lanes."""
    work.agenda.put_many(PURSUE, [(customer_id, lane_of(customer_id), work.now) for customer_id in sorted(customer_ids)])


def _apply_to_organization(work: Work, campaign: Campaign, wanted: CampaignInput) -> None:
    """Make a campaign the one of the default billing entity, or take it from there."""
    is_applied = given(wanted.applied_to_organization, None)
    if is_applied is None:
        return
    entity = entities.get_default_entity(work)
    if is_applied != (entity.applied_dunning_campaign_id == campaign.id):
        entities.update_entity(work, entity.code, EntityInput(applied_dunning_campaign_id=str(campaign.id) if is_applied else None))


def _read_count(value: int | None, field: str, most: int, found: errors.FieldErrors) -> int:
    """Read a number from 1; what is not said is 1."""
    if value is None:
        return 1
    if not 1 <= value <= most:
        found.add(field, "value_is_out_of_range")
    return value


def _read_emails(values: Sequence[str] | None, found: errors.FieldErrors) -> Sequence[str]:
    emails = tuple(dict.fromkeys(value.strip() for value in values or () if value.strip()))
    if len(emails) > _MOST_EMAILS:
        found.add("bcc_emails", "value_is_too_long")
    if not all(_EMAIL.fullmatch(email) for email in emails):
        found.add("bcc_emails", "invalid_email_format")
    return emails


def _read_thresholds(
    work: Work, known: Sequence[Threshold], wanted: Sequence[ThresholdInput] | None, found: errors.FieldErrors
) -> Sequence[Threshold]:
    """Read thresholds, at least one and one a currency; that of a currency keeps its id."""
    if not wanted:
        found.add("thresholds", "value_is_mandatory")
    ids = {threshold.currency: threshold.id for threshold in known}
    read: dict[str, Threshold] = {}
    for item in wanted or ():
        currency = given_or_default(item.currency, "")
        if currency not in CURRENCIES:
            found.add("currency", "value_is_invalid" if currency else "value_is_mandatory")
        elif currency in read:
            found.add("currency", "value_already_exist")
        amount = read_amount_cents(given(item.amount_cents, None), found)
        read[currency] = Threshold(id=ids.get(currency) or work.new_id(), currency=currency, amount_cents=amount)
    return tuple(read.values())
