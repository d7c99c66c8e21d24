"""No more is paid of an invoice than is due of it."""

from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this version; locks are waited for no longer than five seconds."""
    op.execute("set local lock_timeout = '5s'")
    op.create_check_constraint(
        op.f("ck_invoices_paid_within_due"),
        "invoices",
        "total_paid_amount_cents between 0 and greatest(total_amount_cents - offset_amount_cents, 0)",
    )
