"""Who issues invoices of subscriptions, and its own numbers for each customer."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this version; locks are waited for no longer than five seconds."""
    op.execute("set local lock_timeout = '5s'")
    op.create_table(
        "invoice_sequences",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("billing_entity_id", sa.Uuid(), nullable=False),
        sa.Column("last_number", sa.Integer(), nullable=False, comment="last number the entity gave to an invoice of the customer"),
        sa.ForeignKeyConstraint(
            ["organization_id", "billing_entity_id"],
            ["billing_entities.organization_id", "billing_entities.id"],
            name=op.f("fk_invoice_sequences_organization_id_billing_entity_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "customer_id"],
            ["customers.organization_id", "customers.id"],
            name=op.f("fk_invoice_sequences_organization_id_customer_id"),
        ),
        sa.PrimaryKeyConstraint("customer_id", "billing_entity_id", name=op.f("pk_invoice_sequences")),
    )
    op.execute(
        "insert into invoice_sequences (organization_id, customer_id, billing_entity_id, last_number)"
        " select organization_id, customer_id, billing_entity_id, max(sequential_id) from invoices"
        " where sequential_id is not null group by 1, 2, 3"
    )
    op.drop_column("customers", "invoice_sequence")
    op.add_column(
        "subscriptions",
        sa.Column("billing_entity_id", sa.Uuid(), nullable=True, comment="who issues its invoices; null for the customer's"),
    )
    op.create_foreign_key(
        op.f("fk_subscriptions_organization_id_billing_entity_id"),
        "subscriptions",
        "billing_entities",
        ["organization_id", "billing_entity_id"],
        ["organization_id", "id"],
    )
