"""Table of the files of documents."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TIMESTAMP

from daycount.infra.database import metadata

document_files = sa.Table(
    "document_files",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("subject_id", sa.Uuid, nullable=False, unique=True, comment="the invoice or credit note"),
    sa.Column("token", sa.Text, nullable=False, unique=True, comment="what its address holds; whoever knows it may read the file"),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Column("created_at", TIMESTAMP(timezone=True), nullable=False),
)
