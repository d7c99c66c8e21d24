"""
Which taxes a customer has where its billing entity is taxed by the rules of the European Union.

    territory of the postal code → tax number: asked for, and valid or not → country

Until a number is answered for, the customer keeps the taxes it had, and its invoices wait.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from msgspec import structs

from daycount import errors
from daycount.customers import store as customers
from daycount.customers.records import Customer
from daycount.customers.vat import store
from daycount.customers.vat.messages import VatChecked, VatSettled
from daycount.customers.vat.records import VatCheck, VatNumber, VatRegistry, VatStatus, read_number
from daycount.customers.vat.registries import CheckDigits
from daycount.engine.eu_vat import PREFIX, code_with_number, code_without_number, territory_code
from daycount.infra.work import Work
from daycount.organizations.entities import store as entities
from daycount.taxes import store as taxes
from daycount.taxes.eu import keep_eu_taxes
from daycount.taxes.operations import replace_taxes
from daycount.taxes.records import TaxAssignment, TaxTarget

CHECK: Final = "vat_check"
_LOOKED_AT: Final = ("tax_identification_number", "zipcode", "country")
_DELAYS_MINUTES: Final = (5, 5, 10, 20, 40)
_HOUR: Final = 60
_ASKED_AT_ONCE: Final = 5
_POSTPONED: Final = timedelta(minutes=1)


def assign_taxes(work: Work, *, before: Customer | None, customer: Customer, codes: Sequence[str] | None) -> None:
    """
    Give a customer that was made or changed its taxes: those of `codes` where they are given, and the one that it is due.

    That one is looked for when there is none yet, or when tax number, postal code, country or billing entity changed.
    Raises NotFound (tax). Source: Lago docs, EU VAT.
    """
    has_moved = before is not None and before.entity.id != customer.entity.id
    if has_moved and codes is None:
        codes = [code for code in _codes_of(work, customer) if not code.startswith(PREFIX)]
    if not customer.entity.eu_tax_management:
        _replace(work, customer, codes)
        if has_moved and store.forget_check(work.tx, customer_id=customer.id):
            work.announce(VatSettled([customer.id]))
        return
    if before is not None and not has_moved and not _has_changed(before, customer) and _has_eu_tax(work, customer):
        _replace(work, customer, codes)
        return
    due = _due_at_once(work, customer)
    if due is None:
        _replace(work, customer, codes)
        _ask(work, customer)
        return
    keep_eu_taxes(work)
    _replace(work, customer, [*dict.fromkeys([*(codes or ()), due])])
    if store.forget_check(work.tx, customer_id=customer.id):
        work.agenda.drop_kind(CHECK, subject_id=customer.id)
        work.announce(VatSettled([customer.id]))


def _replace(work: Work, customer: Customer, codes: Sequence[str] | None) -> None:
    if codes is not None:
        replace_taxes(work, [TaxAssignment(TaxTarget.CUSTOMER, customer.id, codes)])


def _codes_of(work: Work, customer: Customer) -> list[str]:
    found = taxes.find_applied(work.tx, organization_id=work.organization_id, target_ids=[customer.id])
    return [tax.code for tax in found[customer.id]]


def _has_eu_tax(work: Work, customer: Customer) -> bool:
    is_open = bool(store.find_pending(work.tx, customer_ids=[customer.id]))
    return is_open or any(code.startswith(PREFIX) for code in _codes_of(work, customer))


def _has_changed(before: Customer, customer: Customer) -> bool:
    return any(before.texts[name] != customer.texts[name] for name in _LOOKED_AT)


def _due_at_once(work: Work, customer: Customer) -> str | None:
    """Return the tax that can be told without asking anybody; None where the tax number decides."""
    number = read_number(customer.texts["tax_identification_number"])
    special = _territory(customer, number)
    if special is not None or number is not None:
        return special
    return code_without_number(country=customer.texts["country"], entity_country=_entity_country(work, customer))


def _territory(customer: Customer, number: VatNumber | None) -> str | None:
    texts = customer.texts
    return territory_code(country=texts["country"], zipcode=texts["zipcode"], has_number=number is not None)


def _entity_country(work: Work, customer: Customer) -> str:
    profile = entities.find_entity(work.tx, organization_id=work.organization_id, code=customer.entity.code)
    assert profile is not None, "a customer's billing entity is there"
    return profile.texts["country"] or ""


def _ask(work: Work, customer: Customer) -> None:
    """Have the customer's number asked for right after this."""
    check = VatCheck(
        customer_id=customer.id,
        organization_id=work.organization_id,
        number=customer.texts["tax_identification_number"] or "",
        status=VatStatus.PENDING,
        attempts=0,
        failure=None,
        requested_at=work.now,
        answered_at=None,
    )
    store.save_checks(work.tx, [check])
    work.agenda.put(CHECK, subject_id=customer.id, lane_id=customer.id, due_at=work.now)


def answer_by_digits(work: Work, customer: Customer) -> None:
    """Take the check digits of a customer's number for the answer, at once. Previews do, whose world is taken back."""
    if store.find_pending(work.tx, customer_ids=[customer.id]):
        VatChecks(CheckDigits(), CheckDigits()).check(work, [customer.id])


class VatChecks:
    """The checks, with those who are asked: for live organizations and for sandboxes."""

    def __init__(self, live: VatRegistry, sandbox: VatRegistry) -> None:
        self._live = live
        self._sandbox = sandbox

    def check(self, work: Work, customer_ids: Sequence[UUID]) -> None:
        """
        Ask for the pending numbers of customers. The agenda calls it, with their lanes held.

        An answer settles the customer's taxes. Without one the number is asked for again after 5, 5, 10, 20 and 40 minutes, then
        every hour; nobody is asked again in this work then. Five numbers are asked for at once, the others a minute later.
        Announces VatChecked for each that was asked for, and VatSettled.
        """
        owners = customers.find_customers(work.tx, organization_id=work.organization_id, ids=customer_ids, lock=True)
        pending = store.find_pending(work.tx, customer_ids=customer_ids)
        registry = self._sandbox if work.is_sandbox else self._live
        asked = [_answered(check, registry, at=work.now) for check in pending[:_ASKED_AT_ONCE]] if pending else []
        store.save_checks(work.tx, asked)
        again = [(check.customer_id, check.customer_id, _next_try(check, work.now)) for check in asked if check.status is VatStatus.PENDING]
        later = [(check.customer_id, check.customer_id, work.now + _POSTPONED) for check in pending[_ASKED_AT_ONCE:]]
        work.agenda.put_many(CHECK, [*again, *later])
        settled = [check for check in asked if check.status is not VatStatus.PENDING]
        _settle(work, [(owners[check.customer_id], check) for check in settled])
        for check in asked:
            work.announce(VatChecked(owners[check.customer_id], check))
        if settled:
            work.announce(VatSettled([check.customer_id for check in settled]))


def _answered(check: VatCheck, registry: VatRegistry, *, at: datetime) -> VatCheck:
    number = read_number(check.number)
    try:
        is_valid = number is not None and registry.is_valid(number)
    except errors.ProviderFailed as error:
        return structs.replace(check, attempts=check.attempts + 1, failure=error.code)
    return structs.replace(check, status=VatStatus.VALID if is_valid else VatStatus.INVALID, failure=None, answered_at=at)


def _next_try(check: VatCheck, now: datetime) -> datetime:
    place = check.attempts - 1
    return now + timedelta(minutes=_DELAYS_MINUTES[place] if place < len(_DELAYS_MINUTES) else _HOUR)


def _settle(work: Work, found: Sequence[tuple[Customer, VatCheck]]) -> None:
    """Make the tax that an answer leads to the only one of each customer whose billing entity still asks for it."""
    managed = [(customer, check) for customer, check in found if customer.entity.eu_tax_management]
    if not managed:
        return
    keep_eu_taxes(work)
    countries = {item.code: item.texts["country"] or "" for item in entities.list_entities(work.tx, organization_id=work.organization_id)}
    replace_taxes(
        work,
        [
            TaxAssignment(TaxTarget.CUSTOMER, customer.id, [_code(customer, check, countries[customer.entity.code])])
            for customer, check in managed
        ],
    )


def _code(customer: Customer, check: VatCheck, entity_country: str) -> str:
    number = read_number(check.number)
    if check.status is VatStatus.VALID and number is not None:
        return code_with_number(number_country=number.country, zipcode=customer.texts["zipcode"], entity_country=entity_country)
    return code_without_number(country=customer.texts["country"], entity_country=entity_country)
