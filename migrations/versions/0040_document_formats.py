"""Documents in more than one format."""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this version; locks are waited for no longer than five seconds."""
    op.execute("set local lock_timeout = '5s'")
    op.add_column("document_files", sa.Column("format", sa.Text(), server_default="pdf", nullable=False))
    op.alter_column(
        "document_files",
        "subject_id",
        comment="the invoice, credit note or receipt",
        existing_comment="the invoice or credit note",
        existing_type=sa.Uuid(),
        existing_nullable=False,
    )
    op.create_check_constraint(op.f("ck_document_files_format_is_known"), "document_files", "format in ('pdf', 'xml')")
    op.drop_constraint(op.f("uq_document_files_subject_id"), "document_files", type_="unique")
    op.create_unique_constraint(op.f("uq_document_files_subject_id_format"), "document_files", ["subject_id", "format"])
