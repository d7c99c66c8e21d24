"""One e-mail over SMTP: what is put into it, and what the server says to it."""

import smtplib
import ssl
from collections.abc import Mapping
from datetime import datetime
from email.errors import MessageError
from email.message import EmailMessage
from email.utils import format_datetime, formataddr
from typing import NamedTuple
from uuid import UUID

from daycount.mails.records import Mail


class MailServer(NamedTuple):
    """Where e-mails are handed over; `security` is auto, tls, starttls or none."""

    host: str
    port: int
    username: str | None
    password: str | None
    security: str
    sender: str | None
    timeout_s: int


class Refused(Exception):
    """The server does not take an e-mail, and will not take it later."""


class Unreachable(Exception):
    """The server did not take an e-mail now; it may later."""


def build(mail: Mail, files: Mapping[UUID, bytes], *, server: MailServer, at: datetime) -> EmailMessage:
    """Put an e-mail together: text, HTML and the documents there are. Blind copies are not named in it."""
    message = EmailMessage()
    sender = server.sender or mail.reply_to
    message["From"] = formataddr((mail.sender_name, sender))
    message["To"] = ", ".join(mail.recipients)
    if mail.cc:
        message["Cc"] = ", ".join(mail.cc)
    message["Reply-To"] = mail.reply_to
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{mail.id}@{sender.rpartition('@')[2]}>"
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    for item in mail.attachments:
        content = files.get(UUID(item["id"]))
        if content is not None:
            message.add_attachment(content, maintype="application", subtype="pdf", filename=f"{item['number']}.pdf")
    return message


def send(mail: Mail, message: EmailMessage, *, server: MailServer) -> str | None:
    """Hand an e-mail over; return who of several was refused, if any. Raises Refused, Unreachable."""
    recipients = list(dict.fromkeys([*mail.recipients, *mail.cc, *mail.bcc]))
    try:
        with _connect(server) as client:
            if server.username:
                client.login(server.username, server.password or "")
            refused = client.send_message(message, from_addr=server.sender or mail.reply_to, to_addrs=recipients)
            return _answers(refused) or None
    except smtplib.SMTPRecipientsRefused as error:
        is_final = all(code >= 500 for code, _ in error.recipients.values())
        raise (Refused if is_final else Unreachable)(_answers(error.recipients)) from error
    except smtplib.SMTPAuthenticationError as error:
        raise Unreachable(f"the mail server does not know us: {error.smtp_code}") from error
    except smtplib.SMTPResponseException as error:
        text = f"{error.smtp_code} {error.smtp_error!r}"
        raise (Refused if error.smtp_code >= 500 else Unreachable)(text) from error
    except (MessageError, UnicodeError, ValueError) as error:
        raise Refused(f"cannot be written: {error}") from error
    except (OSError, smtplib.SMTPException) as error:
        raise Unreachable(f"{type(error).__name__}: {error}") from error


def _answers(refused: Mapping[str, tuple[int, bytes]]) -> str:
    return "; ".join(f"{address}: {code} {bytes(text).decode('utf-8', 'replace')}" for address, (code, text) in refused.items())


def _connect(server: MailServer) -> smtplib.SMTP:
    if server.security == "tls" or (server.security == "auto" and server.port == 465):
        return smtplib.SMTP_SSL(server.host, server.port, timeout=server.timeout_s, context=ssl.create_default_context())
    client = smtplib.SMTP(server.host, server.port, timeout=server.timeout_s)
    client.ehlo()
    if server.security == "starttls" or (server.security == "auto" and client.has_extn("starttls")):
        client.starttls(context=ssl.create_default_context())
        client.ehlo()
    return client
