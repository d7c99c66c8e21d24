"""Use cases of order forms and orders: signing, expiring and carrying out."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from msgspec import structs

from daycount import errors
from daycount.catalog.fields import read_uuid
from daycount.customers.operations import lane_of
from daycount.given import given
from daycount.infra.work import Work
from daycount.quotes import store
from daycount.quotes.execution import carry_out, read_items
from daycount.quotes.operations import EXPIRE_FORM, end_version, party_of, take_number, terms_of
from daycount.quotes.records import (
    ExecutionMode,
    FormStatus,
    Order,
    OrderChanged,
    OrderForm,
    OrderFormChanged,
    OrderStatus,
    QuoteChanged,
    SignatureInput,
    VersionStatus,
    VoidReason,
)
from daycount.subscriptions.fields import read_instant

EXECUTE_ORDER = "order.execute"


def sign_form(work: Work, form_id: str, wanted: SignatureInput) -> OrderForm:
    """
    Note that a customer signed, and make the order that carries out what was agreed; at `execute_at` it does so by itself.

    Announces OrderFormChanged and OrderChanged. Raises NotFound (order_form), NotAllowed (not_signable), Invalid.
    """
    form = _lock_form(work, form_id)
    if form.status is not FormStatus.GENERATED:
        raise errors.NotAllowed("not_signable")
    found = errors.FieldErrors()
    mode = _read_mode(given(wanted.execution_mode, None), found)
    execute_at = read_instant(wanted.execute_at, "execute_at", found)
    if execute_at is not None and mode is None:
        found.add("execution_mode", "value_is_mandatory")
    if given(wanted.signed_document, None):
        found.add("signed_document", "unsupported_value")
    found.raise_if_any()
    quote = store.find_quote(work.tx, organization_id=work.organization_id, quote_id=form.quote_id)
    version = store.find_version(work.tx, organization_id=work.organization_id, version_id=form.version_id)
    assert quote is not None
    assert version is not None
    signed = structs.replace(form, status=FormStatus.SIGNED, signed_at=work.now, updated_at=work.now)
    store.update(work.tx, signed)
    work.agenda.drop_kind(EXPIRE_FORM, subject_id=form.id)
    sequential_id, number = take_number(work, Order, "OR")
    order = Order(
        id=work.new_id(),
        organization_id=work.organization_id,
        sequential_id=sequential_id,
        number=number,
        order_form_id=form.id,
        customer_id=form.customer_id,
        subscription_id=quote.subscription_id,
        status=OrderStatus.CREATED,
        order_type=quote.order_type,
        execution_mode=mode,
        execute_at=execute_at,
        executed_at=None,
        currency=version.currency,
        billing_entity_code=version.billing_entity_code,
        billing_items=version.billing_items,
        execution_record=None,
        created_at=work.now,
        updated_at=work.now,
    )
    store.insert(work.tx, order)
    if execute_at is not None:
        due_at = max(execute_at, work.now)
        work.agenda.put(EXECUTE_ORDER, subject_id=order.id, lane_id=lane_of(order.customer_id), due_at=due_at)
    work.announce(OrderFormChanged(form.id, "signed"))
    work.announce(OrderChanged(order.id, "created"))
    return signed


def void_form(work: Work, form_id: str) -> OrderForm:
    """Take an order form back, and with it the version it came from. Raises NotFound (order_form), NotAllowed (not_voidable)."""
    form = _lock_form(work, form_id)
    if form.status is not FormStatus.GENERATED:
        raise errors.NotAllowed("not_voidable")
    work.agenda.drop_kind(EXPIRE_FORM, subject_id=form.id)
    return _end_form(work, form, FormStatus.VOIDED, VoidReason.MANUAL, VoidReason.CASCADE_OF_VOIDED)


def expire_forms(work: Work, form_ids: Sequence[UUID]) -> None:
    """End order forms that were not signed in time; the caller holds the lanes of their customers."""
    for form_id in form_ids:
        form = store.find_form(work.tx, organization_id=work.organization_id, form_id=form_id, lock=True)
        if form is not None and form.status is FormStatus.GENERATED:
            _end_form(work, form, FormStatus.EXPIRED, VoidReason.EXPIRED, VoidReason.CASCADE_OF_EXPIRED)


def execute_order(work: Work, order_id: str, *, mode: str | None) -> Order:
    """
    Carry an order out now: whole, or not at all, with the reasons in its record.

    Announces OrderChanged where it is done. Raises NotFound (order), NotAllowed (not_executable), Invalid (execution_mode).
    """
    seen = get_order(work, order_id)
    work.agenda.hold(lane_of(seen.customer_id))
    order = store.find_order(work.tx, organization_id=work.organization_id, order_id=seen.id, lock=True)
    assert order is not None
    if order.status is OrderStatus.EXECUTED:
        raise errors.NotAllowed("not_executable")
    found = errors.FieldErrors()
    chosen = _read_mode(mode, found)
    found.raise_if_any()
    work.agenda.drop_kind(EXECUTE_ORDER, subject_id=order.id)
    return _execute(work, order, chosen or order.execution_mode or ExecutionMode.HERE)


def execute_due(work: Work, order_ids: Sequence[UUID]) -> None:
    """Carry out orders whose time has come; the caller holds the lanes of their customers."""
    for order_id in order_ids:
        order = store.find_order(work.tx, organization_id=work.organization_id, order_id=order_id, lock=True)
        if order is not None and order.status is not OrderStatus.EXECUTED:
            _execute(work, order, order.execution_mode or ExecutionMode.HERE)


def get_form(work: Work, form_id: str) -> OrderForm:
    """Return an order form. Raises NotFound."""
    wanted = read_uuid(form_id)
    found = None if wanted is None else store.find_form(work.tx, organization_id=work.organization_id, form_id=wanted)
    if found is None:
        raise errors.NotFound("order_form")
    return found


def get_order(work: Work, order_id: str) -> Order:
    """Return an order. Raises NotFound."""
    wanted = read_uuid(order_id)
    found = None if wanted is None else store.find_order(work.tx, organization_id=work.organization_id, order_id=wanted)
    if found is None:
        raise errors.NotFound("order")
    return found


def _lock_form(work: Work, form_id: str) -> OrderForm:
    seen = get_form(work, form_id)
    work.agenda.hold(lane_of(seen.customer_id))
    locked = store.find_form(work.tx, organization_id=work.organization_id, form_id=seen.id, lock=True)
    assert locked is not None
    return locked


def _end_form(work: Work, form: OrderForm, status: FormStatus, reason: VoidReason, of_version: VoidReason) -> OrderForm:
    """End a form, and the version it came from, so that the quote can be written anew."""
    voided_at = work.now if status is FormStatus.VOIDED else None
    ended = structs.replace(form, status=status, void_reason=reason.value, voided_at=voided_at, updated_at=work.now)
    store.update(work.tx, ended)
    version = store.find_version(work.tx, organization_id=work.organization_id, version_id=form.version_id)
    assert version is not None
    assert version.status is VersionStatus.APPROVED
    end_version(work, version, of_version)
    work.announce(OrderFormChanged(form.id, status.value))
    work.announce(QuoteChanged(form.quote_id, "voided"))
    return ended


def _execute(work: Work, order: Order, mode: ExecutionMode) -> Order:
    record: dict[str, Any] = {"executed_at": None, "execution_mode": mode.value, "errors": []}
    if mode is ExecutionMode.HERE:
        savepoint = work.tx.begin_nested()
        try:
            record |= carry_out(work, read_items(order.billing_items, party_of(work, order), terms_of(order, order)))
        except errors.DaycountError as error:
            savepoint.rollback()
            failed = record | {"errors": _reasons(error)}
            return _write(work, structs.replace(order, status=OrderStatus.FAILED, execution_mode=mode, execution_record=failed))
        savepoint.commit()
    done = structs.replace(
        order,
        status=OrderStatus.EXECUTED,
        execution_mode=mode,
        executed_at=work.now,
        execution_record=record | {"executed_at": work.now.isoformat()},
    )
    _write(work, done)
    work.announce(OrderChanged(order.id, "executed"))
    return done


def _write(work: Work, order: Order) -> Order:
    written = structs.replace(order, updated_at=work.now)
    store.update(work.tx, written)
    return written


def _reasons(error: errors.DaycountError) -> list[str]:
    """Return what went wrong as short texts: a code, or `field: code` for each field."""
    if isinstance(error, errors.Invalid):
        return [f"{field}: {code}" for field, codes in error.details.items() for code in codes]
    return [error.code]


def _read_mode(value: str | None, found: errors.FieldErrors) -> ExecutionMode | None:
    if value is None:
        return None
    if value not in set(ExecutionMode):
        found.add("execution_mode", "value_is_invalid")
        return None
    return ExecutionMode(value)
