"""The table of e-mails."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from daycount.infra.database import metadata

_INSTANT = TIMESTAMP(timezone=True)

mails = sa.Table(
    "mails",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("customer_id", sa.Uuid, nullable=False),
    sa.Column("external_customer_id", sa.Text, nullable=False),
    sa.Column("place", sa.BigInteger, sa.Identity(always=True), nullable=False, comment="the order in which they were written"),
    sa.Column("email_type", sa.Text, nullable=False),
    sa.Column("document_type", sa.Text, nullable=False),
    sa.Column("document_id", sa.Uuid, nullable=False),
    sa.Column("document_number", sa.Text, nullable=False),
    sa.Column("is_resend", sa.Boolean, nullable=False),
    sa.Column("sender_name", sa.Text, nullable=False),
    sa.Column("reply_to", sa.Text, nullable=False),
    sa.Column("recipients", JSONB, nullable=False),
    sa.Column("cc", JSONB, nullable=False),
    sa.Column("bcc", JSONB, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("html", sa.Text, nullable=False),
    sa.Column("attachments", JSONB, nullable=False, comment="kind, id and number of documents that go with it"),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("error", sa.Text),
    sa.Column("created_at", _INSTANT, nullable=False, comment="time of the organization; all others are real time"),
    sa.Column("last_attempt_at", _INSTANT),
    sa.Column("next_attempt_at", _INSTANT, comment="null where nothing is to be sent any more"),
    sa.ForeignKeyConstraint(["organization_id", "customer_id"], ["customers.organization_id", "customers.id"]),
    sa.CheckConstraint("(next_attempt_at is not null) = (status in ('pending', 'retrying'))", name="waits_or_is_done"),
    sa.Index("uq_mails_once", "email_type", "document_id", unique=True, postgresql_where=sa.text("not is_resend")),
    sa.Index("ix_mails_waiting", "next_attempt_at", postgresql_where=sa.text("next_attempt_at is not null")),
    sa.Index("ix_mails_list", "organization_id", sa.text("place desc")),
)
