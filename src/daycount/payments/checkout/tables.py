"""The table of pages to pay at."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TIMESTAMP

from daycount.infra.database import metadata

checkout_pages = sa.Table(
    "checkout_pages",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("customer_id", sa.Uuid, nullable=False),
    sa.Column("provider_id", sa.Uuid, nullable=False),
    sa.Column("about", sa.Text, nullable=False),
    sa.Column("subject_id", sa.Uuid, nullable=False, comment="the invoice, the payment request or the customer"),
    sa.Column("amount_cents", sa.BigInteger, comment="null where a way to pay is left"),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("provider_page_id", sa.Text, comment="null where the page is ours"),
    sa.Column("created_at", TIMESTAMP(timezone=True), nullable=False),
    sa.Column("expires_at", TIMESTAMP(timezone=True), nullable=False),
    sa.Column("ended_at", TIMESTAMP(timezone=True)),
    sa.CheckConstraint("about in ('i', 'r', 'c')", name="about_is_known"),
    sa.CheckConstraint("(about = 'c') = (amount_cents is null)", name="amount_is_given_to_pay"),
    sa.ForeignKeyConstraint(["organization_id", "customer_id"], ["customers.organization_id", "customers.id"]),
    sa.ForeignKeyConstraint(["organization_id", "provider_id"], ["payment_providers.organization_id", "payment_providers.id"]),
    sa.Index("uq_checkout_pages_live", "subject_id", unique=True, postgresql_where=sa.text("ended_at is null")),
)
