"""Use cases of quotes: offering, approving, voiding and offering again."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid5

from msgspec import structs

from daycount import errors
from daycount.catalog.fields import read_uuid
from daycount.customers import store as customers
from daycount.customers.operations import find_entity, get_customer, lane_of
from daycount.given import given, given_or_default, is_given
from daycount.infra.work import Work
from daycount.money import CURRENCIES
from daycount.quotes import store
from daycount.quotes.execution import KINDS, Party, Terms, read_items
from daycount.quotes.records import (
    FormStatus,
    Order,
    OrderForm,
    OrderFormChanged,
    OrderType,
    Quote,
    QuoteChanged,
    QuoteInput,
    QuoteVersion,
    VersionInput,
    VersionStatus,
    VoidReason,
)
from daycount.subscriptions import store as subscriptions
from daycount.subscriptions.fields import read_instant
from daycount.subscriptions.operations import get_subscription

EXPIRE_FORM = "order_form.expire"
_MOST_TEXT = 100_000


def create_quote(work: Work, wanted: QuoteInput) -> Quote:
    """
    Offer something to a customer: a quote whose first version is a draft. Announces QuoteChanged.

    Raises NotFound (customer, subscription, billing_entity), Invalid.
    """
    customer = get_customer(work, given(wanted.external_customer_id, None) or "")
    order_type = given(wanted.order_type, None)
    if order_type not in set(OrderType):
        raise errors.Invalid({"order_type": ["value_is_invalid" if order_type else "value_is_mandatory"]})
    subscription_id = None
    if order_type == OrderType.SUBSCRIPTION_AMENDMENT:
        row = get_subscription(work, given(wanted.external_subscription_id, None) or "", status=None)
        if row.customer_id != customer.id:
            raise errors.NotFound("subscription")
        subscription_id = row.id
    sequential_id, number = take_number(work, Quote, "QT")
    quote = Quote(
        id=work.new_id(),
        organization_id=work.organization_id,
        sequential_id=sequential_id,
        number=number,
        order_type=OrderType(order_type),
        customer_id=customer.id,
        subscription_id=subscription_id,
        created_at=work.now,
        updated_at=work.now,
    )
    blank = _blank_version(work, quote, version=1)
    version = structs.replace(blank, **_version_fields(work, wanted, blank))
    store.insert(work.tx, quote)
    store.insert(work.tx, version)
    work.announce(QuoteChanged(quote.id, "created"))
    return quote


def change_version(work: Work, version_id: str, changes: VersionInput) -> QuoteVersion:
    """Change a draft; absent keys stay. Raises NotFound (quote_version, billing_entity), NotAllowed (not_editable), Invalid."""
    _, version = lock_version(work, version_id)
    if version.status is not VersionStatus.DRAFT:
        raise errors.NotAllowed("not_editable")
    changed = structs.replace(version, updated_at=work.now, **_version_fields(work, changes, version))
    store.update(work.tx, changed)
    return changed


def approve_version(work: Work, version_id: str, *, expires_at: object) -> QuoteVersion:
    """
    Approve a draft and make the order form that the customer is to sign, until `expires_at` if that is given.

    Announces QuoteChanged and OrderFormChanged. Raises NotFound, NotAllowed (not_approvable), Invalid (expires_at, billing_items).
    """
    quote, version = lock_version(work, version_id)
    if version.status is not VersionStatus.DRAFT:
        raise errors.NotAllowed("not_approvable")
    found = errors.FieldErrors()
    until = read_instant(expires_at, "expires_at", found)
    if until is not None and until <= work.now:
        found.add("expires_at", "invalid_date")
    found.raise_if_any()
    read_items(version.billing_items, party_of(work, quote), terms_of(quote, version))
    approved = structs.replace(version, status=VersionStatus.APPROVED, approved_at=work.now, updated_at=work.now)
    store.update(work.tx, approved)
    sequential_id, number = take_number(work, OrderForm, "OF")
    form = OrderForm(
        id=work.new_id(),
        organization_id=work.organization_id,
        sequential_id=sequential_id,
        number=number,
        quote_id=quote.id,
        version_id=version.id,
        customer_id=quote.customer_id,
        status=FormStatus.GENERATED,
        void_reason=None,
        expires_at=until,
        signed_at=None,
        voided_at=None,
        created_at=work.now,
        updated_at=work.now,
    )
    store.insert(work.tx, form)
    if until is not None:
        work.agenda.put(EXPIRE_FORM, subject_id=form.id, lane_id=lane_of(quote.customer_id), due_at=until)
    work.announce(QuoteChanged(quote.id, "approved"))
    work.announce(OrderFormChanged(form.id, "created"))
    return approved


def void_version(work: Work, version_id: str) -> QuoteVersion:
    """Take a draft back for good. Announces QuoteChanged. Raises NotFound, NotAllowed (not_voidable)."""
    quote, version = lock_version(work, version_id)
    if version.status is not VersionStatus.DRAFT:
        raise errors.NotAllowed("not_voidable")
    voided = end_version(work, version, VoidReason.MANUAL)
    work.announce(QuoteChanged(quote.id, "voided"))
    return voided


def clone_version(work: Work, version_id: str) -> QuoteVersion:
    """
    Write a version anew as the next draft of its quote; a draft that is there is superseded.

    Raises NotFound, NotAllowed (not_clonable) while a version is approved.
    """
    quote, version = lock_version(work, version_id)
    versions = store.list_versions(work.tx, organization_id=work.organization_id, quote_id=quote.id)
    if any(other.status is VersionStatus.APPROVED for other in versions):
        raise errors.NotAllowed("not_clonable")
    for other in versions:
        if other.status is VersionStatus.DRAFT:
            end_version(work, other, VoidReason.SUPERSEDED)
    blank = _blank_version(work, quote, version=versions[0].version + 1)
    fresh = structs.replace(
        blank,
        currency=version.currency,
        billing_entity_code=version.billing_entity_code,
        content=version.content,
        billing_items=version.billing_items,
    )
    store.insert(work.tx, fresh)
    return fresh


def end_version(work: Work, version: QuoteVersion, reason: VoidReason) -> QuoteVersion:
    """Void a version; the caller holds its quote."""
    voided = structs.replace(version, status=VersionStatus.VOIDED, void_reason=reason.value, voided_at=work.now, updated_at=work.now)
    store.update(work.tx, voided)
    return voided


def get_quote(work: Work, quote_id: str) -> Quote:
    """Return a quote. Raises NotFound."""
    wanted = read_uuid(quote_id)
    found = None if wanted is None else store.find_quote(work.tx, organization_id=work.organization_id, quote_id=wanted)
    if found is None:
        raise errors.NotFound("quote")
    return found


def get_version(work: Work, version_id: str) -> QuoteVersion:
    """Return a version of a quote. Raises NotFound."""
    wanted = read_uuid(version_id)
    found = None if wanted is None else store.find_version(work.tx, organization_id=work.organization_id, version_id=wanted)
    if found is None:
        raise errors.NotFound("quote_version")
    return found


def lock_version(work: Work, version_id: str) -> tuple[Quote, QuoteVersion]:
    """Hold the customer's lane and the quote of a version, and return both as they are now. Raises NotFound."""
    seen = get_version(work, version_id)
    quote = store.find_quote(work.tx, organization_id=work.organization_id, quote_id=seen.quote_id)
    assert quote is not None
    work.agenda.hold(lane_of(quote.customer_id))
    locked = store.find_quote(work.tx, organization_id=work.organization_id, quote_id=quote.id, lock=True)
    assert locked is not None
    return locked, get_version(work, version_id)


def take_number(work: Work, kind: type[Quote | OrderForm | Order], prefix: str) -> tuple[int, str]:
    """Return the next number of its kind in the organization, alone and as it is written, `QT-2026-0001`; the numbers are held."""
    work.agenda.hold(uuid5(work.organization_id, f"numbers of {prefix}"))
    number = store.next_number(work.tx, kind, organization_id=work.organization_id)
    return number, f"{prefix}-{work.now.year}-{number:04}"


def party_of(work: Work, deal: Quote | Order) -> Party:
    """Return whom a quote or an order is for."""
    owner = customers.find_customers(work.tx, organization_id=work.organization_id, ids=[deal.customer_id])[deal.customer_id]
    if deal.subscription_id is None:
        return Party(owner.external_id, None)
    [row] = subscriptions.find_subscriptions(work.tx, organization_id=work.organization_id, ids=[deal.subscription_id])
    return Party(owner.external_id, row.external_id)


def terms_of(deal: Quote | Order, wording: QuoteVersion | Order) -> Terms:
    """Return what is true of all items of a quote or an order."""
    return Terms(deal.order_type, wording.currency, wording.billing_entity_code, deal.number)


def _blank_version(work: Work, quote: Quote, *, version: int) -> QuoteVersion:
    return QuoteVersion(
        id=work.new_id(),
        organization_id=work.organization_id,
        quote_id=quote.id,
        version=version,
        status=VersionStatus.DRAFT,
        currency=None,
        billing_entity_code=None,
        content=None,
        billing_items={},
        void_reason=None,
        approved_at=None,
        voided_at=None,
        created_at=work.now,
        updated_at=work.now,
    )


def _version_fields(work: Work, wanted: VersionInput, before: QuoteVersion) -> dict[str, Any]:
    """Read what a version says. Raises NotFound (billing_entity), Invalid."""
    found = errors.FieldErrors()
    currency = given(wanted.currency, before.currency)
    if currency is not None and currency not in CURRENCIES:
        found.add("currency", "value_is_invalid")
    content = given(wanted.content, before.content)
    if content is not None and len(content) > _MOST_TEXT:
        found.add("content", "value_is_too_long")
    items: Mapping[str, Any] = before.billing_items
    if is_given(wanted.billing_items):
        items = given_or_default(wanted.billing_items, {})
        if not _are_items(items):
            found.add("billing_items", "value_is_invalid")
    found.raise_if_any()
    code = given(wanted.billing_entity_code, before.billing_entity_code)
    find_entity(work, code)
    return {"currency": currency, "content": content, "billing_items": items, "billing_entity_code": code}


def _are_items(items: Mapping[str, Any]) -> bool:
    """Tell whether items are lists by known kinds, each with objects for what is offered and what was negotiated."""
    return set(items) <= set(KINDS) and all(
        isinstance(kind, list) and all(isinstance(item, dict) and _is_item(item) for item in kind) for kind in items.values()
    )


def _is_item(item: Mapping[str, Any]) -> bool:
    return all(item.get(name) is None or isinstance(item[name], dict) for name in ("payload", "overrides"))
