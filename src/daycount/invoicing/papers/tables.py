"""Table of the files of documents."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TIMESTAMP

from daycount.infra.database import metadata

document_files = sa.Table(
    "document_files",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("subject_id", sa.Uuid, nullable=False, comment="the invoice, credit note or receipt"),
    sa.Column("format", sa.Text, nullable=False, server_default="pdf"),
    sa.Column("token", sa.Text, nullable=False, unique=True, comment="what its address holds; whoever knows it may read the file"),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Column("created_at", TIMESTAMP(timezone=True), nullable=False),
    sa.CheckConstraint("format in ('pdf', 'xml')", name="format_is_known"),
    sa.UniqueConstraint("subject_id", "format"),
)
