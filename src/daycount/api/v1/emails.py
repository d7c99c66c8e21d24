"""E-mails on the wire: what was sent, and is to be sent, to customers; an extension. And sending a receipt again."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from daycount.api.paging import Page, page_of, read_page
from daycount.api.query import Query
from daycount.api.routing import Call, Routes
from daycount.api.wire import Stamp, read_path_uuid, stamp, stamp_milliseconds
from daycount.infra.work import Work
from daycount.mails import operations, store
from daycount.mails.records import Mail, MailFilter, Recipients, Status

routes = Routes("emails")


class EmailObject(Struct, frozen=True, kw_only=True):
    """
    An e-mail. `created_at` is the organization's time, all others are real time.

    `not_sent` is one that is kept to be read: there is no mail server, or the organization is a sandbox. Its words are left out of lists.
    """

    lago_id: str
    email_type: str
    status: str
    external_customer_id: str
    document_type: str
    lago_document_id: str
    document_number: str
    is_resend: bool
    from_name: str
    reply_to: str
    to: Sequence[str]
    cc: Sequence[str]
    bcc: Sequence[str]
    subject: str
    attachments: Sequence[Mapping[str, Any]]
    attempts_count: int
    error: str | None
    created_at: Stamp
    last_attempt_at: Stamp | None
    next_attempt_at: Stamp | None
    text: str | UnsetType = UNSET
    html: str | UnsetType = UNSET


def to_wire(mail: Mail, *, is_whole: bool = False) -> EmailObject:
    """Write an e-mail, with its words where it is whole."""
    is_due = mail.next_attempt_at is None or mail.next_attempt_at == store.AT_ONCE
    return EmailObject(
        lago_id=str(mail.id),
        email_type=mail.email_type,
        status=mail.status,
        external_customer_id=mail.external_customer_id,
        document_type=mail.document_type,
        lago_document_id=str(mail.document_id),
        document_number=mail.document_number,
        is_resend=mail.is_resend,
        from_name=mail.sender_name,
        reply_to=mail.reply_to,
        to=mail.recipients,
        cc=mail.cc,
        bcc=mail.bcc,
        subject=mail.subject,
        attachments=mail.attachments,
        attempts_count=mail.attempts,
        error=mail.error,
        created_at=stamp(mail.created_at),
        last_attempt_at=None if mail.last_attempt_at is None else stamp_milliseconds(mail.last_attempt_at),
        next_attempt_at=None if is_due or mail.next_attempt_at is None else stamp_milliseconds(mail.next_attempt_at),
        text=mail.text if is_whole else UNSET,
        html=mail.html if is_whole else UNSET,
    )


def read_filter(query: Query) -> MailFilter:
    """Read the filters of the list. Raises Invalid for what is of no known set, or no id."""
    return MailFilter(
        statuses=query.members("status", tuple(Status)),
        email_types=query.many("email_type"),
        external_customer_id=query.one("external_customer_id"),
        document_id=query.uuid("document_id"),
    )


@routes.get(
    "/emails",
    returns=EmailObject,
    root_out="emails",
    is_list=True,
    is_extension=True,
    parameters=("status[]", "email_type[]", "external_customer_id", "document_id"),
)
def find_all_emails(work: Work, call: Call) -> Page:
    """List e-mails to customers, newest first."""
    query, asked = read_filter(call.query), read_page(call.query)
    found = store.list_mails(work.tx, organization_id=work.organization_id, query=query, limit=asked.per_page, offset=asked.offset)
    total = store.count_mails(work.tx, organization_id=work.organization_id, query=query)
    return page_of([to_wire(mail) for mail in found], asked=asked, total=total)


@routes.get("/emails/{lago_id}", returns=EmailObject, root_out="email", is_extension=True)
def find_email(work: Work, call: Call) -> EmailObject:
    """Find an e-mail with its words."""
    return to_wire(operations.get_mail(work, read_path_uuid(call.path["lago_id"], "email")), is_whole=True)


@routes.post("/payment_receipts/{lago_id}/resend_email", accepts=Recipients, is_body_optional=True)
def resend_payment_receipt_email(work: Work, call: Call) -> None:
    """Send a receipt by e-mail again."""
    operations.resend_receipt(work, read_path_uuid(call.path["lago_id"], "payment_receipt"), call.body)
