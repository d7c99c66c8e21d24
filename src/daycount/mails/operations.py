"""Sending something by e-mail again, to whomever a caller names."""

import re
from typing import Any, Final
from uuid import UUID

from daycount import errors
from daycount.credit_notes.operations import get_credit_note
from daycount.given import given
from daycount.infra.work import Work
from daycount.invoicing.operations import get_invoice
from daycount.mails import composing, store
from daycount.mails.composing import Address, Draft
from daycount.mails.records import Mail, Recipients
from daycount.payments.receipts import get_receipt

_ADDRESS: Final = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+\.[^@\s,;.<>\"]+")
_MOST: Final = 50


def resend_invoice(work: Work, invoice_id: UUID, wanted: Recipients) -> Mail:
    """Send a finalized invoice again. Raises NotFound, NotAllowed, Invalid. Source: Lago API, resend."""
    invoice = get_invoice(work, invoice_id)
    if invoice.status != "finalized":
        raise errors.NotAllowed("invoice_not_finalized")
    return _resend(work, composing.draft_invoices(work, [invoice])[0], wanted)


def resend_credit_note(work: Work, credit_note_id: UUID, wanted: Recipients) -> Mail:
    """Send a credit note again. Raises NotFound, NotAllowed, Invalid. Source: Lago API, resend."""
    return _resend(work, composing.draft_credit_note(work, get_credit_note(work, credit_note_id)), wanted)


def resend_receipt(work: Work, receipt_id: UUID, wanted: Recipients) -> Mail:
    """Send a receipt again. Raises NotFound, NotAllowed, Invalid. Source: Lago API, resend."""
    return _resend(work, composing.draft_receipt(work, get_receipt(work, receipt_id)), wanted)


def get_mail(work: Work, mail_id: UUID) -> Mail:
    """Return an e-mail. Raises NotFound."""
    mail = store.find_mail(work.tx, organization_id=work.organization_id, mail_id=mail_id)
    if mail is None:
        raise errors.NotFound("email")
    return mail


def _resend(work: Work, draft: Draft, wanted: Recipients) -> Mail:
    if draft.email_type not in draft.sides.entity.email_settings:
        raise errors.NotAllowed("email_settings_disabled")
    found = errors.FieldErrors()
    sender = composing.sender_address(work, draft)
    if not sender:
        found.add("billing_entity", "value_is_mandatory")
    to = _read(given(wanted.to, None), "to", found) or composing.own_addresses(draft)
    if not to:
        found.add("to", "value_is_mandatory")
    address = Address(to, _read(given(wanted.cc, None), "cc", found), _read(given(wanted.bcc, None), "bcc", found))
    found.raise_if_any()
    mail = composing.write(work, draft, sender=sender or "", address=address, is_resend=True)
    store.insert_mails(work.tx, [mail])
    return mail


def _read(value: Any, field: str, found: errors.FieldErrors) -> list[str]:
    """Read addresses: a list of them, or a text with commas between."""
    items = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else [] if value is None else [value]
    texts = [str(item).strip() for item in items if str(item).strip()]
    if len(texts) > _MOST:
        found.add(field, "value_is_too_long")
    elif not all(_ADDRESS.fullmatch(text) for text in texts):
        found.add(field, "invalid_email_format")
    return list(dict.fromkeys(texts))
