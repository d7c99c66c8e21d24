"""
Delivery of e-mails: sends what waits in the outbox, on real time, in a thread of its own.

Each is taken in one transaction, sent outside of any, and what came of it written in another: what a process that died had
taken is due again when its hold runs out.
"""

import threading
from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from daycount.audit.operations import Happening, log_happenings
from daycount.clock import Clock
from daycount.credit_notes import store as notes
from daycount.infra.work import Workplace
from daycount.invoicing import store as invoices
from daycount.invoicing.papers.operations import provide_credit_notes, provide_invoices
from daycount.mails import store
from daycount.mails.records import Mail, Status
from daycount.mails.smtp import MailServer, Refused, Unreachable, build, send
from daycount.payments.receipt_papers import ReceiptPapers

DELIVER = "mails.deliver"
_IDLE_S = 0.25
_PAUSE_S = 1
_PREVIEW = 500
_log = structlog.get_logger("mails")


class MailPolicy(NamedTuple):
    """How e-mails are sent: `waits` are seconds after the first failure, the second …, the last one repeats; None is no mail server."""

    server: MailServer | None
    sends_sandboxes: bool
    attempts: int
    waits: Sequence[int]
    public_url: str


class Mailer:
    """Sends while it is entered; several may run beside each other."""

    def __init__(self, workplace: Workplace, clock: Clock, policy: MailPolicy) -> None:
        self._workplace = workplace
        self._clock = clock
        self._policy = policy
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mails", daemon=True)

    def __enter__(self) -> None:
        """Begin to send."""
        self._thread.start()

    def __exit__(self, *_failure: object) -> None:
        """End after the e-mail that is being sent."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                is_busy = self._take_one()
            except SQLAlchemyError as error:
                _log.warning("e-mails wait for the database", error=str(error).splitlines()[0])
                is_busy = False
                self._stopped.wait(_PAUSE_S)
            if not is_busy:
                self._stopped.wait(_IDLE_S)

    def _take_one(self) -> bool:
        """Send the e-mail that is due first, if there is one."""
        server = self._policy.server
        now = self._clock.now()
        hold = timedelta(seconds=60 + 4 * (server.timeout_s if server else 0))
        with self._workplace.transaction(DELIVER) as tx:
            taken = store.claim(tx, now=now, until=now + hold, most=1)
        if not taken:
            return False
        [mail] = taken
        error: str | None = None
        status, next_at = Status.SENT, None
        with self._workplace.engine.connect() as tx:
            is_sandbox = bool(store.find_frozen_times(tx, organization_ids=[mail.organization_id]))
        if server is None or (is_sandbox and not self._policy.sends_sandboxes):
            status, error = Status.NOT_SENT, "no mail server is set" if server is None else "sandboxes send no e-mails"
        else:
            try:
                error = send(mail, build(mail, self._files(mail), server=server, at=now), server=server)
            except Refused as refusal:
                status, error = Status.FAILED, str(refusal)
            except Exception as failure:  # whatever it is, the e-mails behind this one do not wait for it
                if not isinstance(failure, Unreachable):
                    _log.exception("e-mail could not be made", mail=str(mail.id))
                status, error = Status.FAILED, str(failure) or type(failure).__name__
                if mail.attempts < self._policy.attempts:
                    wait = self._policy.waits[min(mail.attempts, len(self._policy.waits)) - 1]
                    status, next_at = Status.RETRYING, self._clock.now() + timedelta(seconds=wait)
        if error is not None:
            _log.warning("e-mail not sent", mail=str(mail.id), status=status.value, error=error)
        with self._workplace.transaction(DELIVER) as tx:
            ended = self._clock.now()
            store.settle(tx, mail_id=mail.id, status=status, error=error and error[:1000], at=ended, next_attempt_at=next_at)
            if next_at is None:
                self._log_activity(tx, mail, status, error)
        return True

    def _files(self, mail: Mail) -> dict[UUID, bytes]:
        """Return the documents that go with an e-mail, made now where they are not there."""
        ids = [UUID(item["id"]) for item in mail.attachments]
        with self._workplace.transaction(DELIVER) as tx:
            found = store.find_pdfs(tx, subject_ids=ids)
            missing = [one for one in ids if one not in found]
            if not missing:
                return found
            frozen = store.find_frozen_times(tx, organization_ids=[mail.organization_id])
            now = frozen.get(mail.organization_id, self._clock.now())
            work = self._workplace.work_on(tx, now=now, actor="mails", organization_id=mail.organization_id, is_sandbox=bool(frozen))
            made = [
                row for row in invoices.find_invoices(tx, organization_id=mail.organization_id, ids=missing) if row.status == "finalized"
            ]
            provide_invoices(work, made, public_url=self._policy.public_url)
            final = notes.find_final(tx, organization_id=mail.organization_id, ids=missing)
            provide_credit_notes(work, final, public_url=self._policy.public_url)
            receipts = [UUID(item["id"]) for item in mail.attachments if item["kind"] == "payment_receipt"]
            if receipts:
                ReceiptPapers(self._policy.public_url).make(work, receipts, now)
            return store.find_pdfs(tx, subject_ids=ids)

    def _log_activity(self, tx: Connection, mail: Mail, status: Status, error: str | None) -> None:
        frozen = store.find_frozen_times(tx, organization_ids=[mail.organization_id])
        now = frozen.get(mail.organization_id, self._clock.now())
        work = self._workplace.work_on(tx, now=now, actor="mails", organization_id=mail.organization_id, is_sandbox=bool(frozen))
        sent = "resent" if mail.is_resend else "sent"
        shown = {
            "status": sent if status is Status.SENT else "failed",
            "email": {
                "subject": mail.subject,
                "to": list(mail.recipients),
                "cc": list(mail.cc),
                "bcc": list(mail.bcc),
                "body_preview": mail.text[:_PREVIEW],
            },
            "document": {"type": mail.document_type, "number": mail.document_number, "lago_id": str(mail.document_id)},
            "error": error,
        }
        happening = Happening(
            activity_type="email.sent",
            resource_type=mail.document_type,
            resource_id=mail.document_id,
            object=shown,
            external_customer_id=mail.external_customer_id,
        )
        log_happenings(work, [happening])
