"""The table of checks of tax numbers."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TIMESTAMP

from daycount.infra.database import metadata

_INSTANT = TIMESTAMP(timezone=True)

vat_checks = sa.Table(
    "vat_checks",
    metadata,
    sa.Column("customer_id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.Uuid, nullable=False),
    sa.Column("number", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, comment="those that got no answer"),
    sa.Column("failure", sa.Text, comment="why the last attempt got none"),
    sa.Column("requested_at", _INSTANT, nullable=False),
    sa.Column("answered_at", _INSTANT),
    sa.ForeignKeyConstraint(["organization_id", "customer_id"], ["customers.organization_id", "customers.id"]),
)
