"""All SQL about the files of documents."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert

from daycount.invoicing.papers.tables import document_files

_TABLE = document_files.c


class DocumentFile(Struct, frozen=True, kw_only=True):
    """A document as it was made; `token` is in its address, `sha256` the hash of its bytes in hexadecimal digits."""

    id: UUID
    organization_id: UUID
    subject_id: UUID
    token: str
    url: str
    sha256: str
    content: bytes
    created_at: datetime


def keep(tx: Connection, file: DocumentFile) -> None:
    """Keep a file, unless its subject has one: what was made once is never made otherwise."""
    values = {name: getattr(file, name) for name in DocumentFile.__struct_fields__}
    tx.execute(insert(document_files).values(values).on_conflict_do_nothing(index_elements=["subject_id"]))


def find_urls(tx: Connection, *, organization_id: UUID, subject_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the addresses of the documents that were made, by what they are of."""
    statement = sa.select(_TABLE.subject_id, _TABLE.url).where(
        _TABLE.organization_id == organization_id, _TABLE.subject_id.in_(subject_ids)
    )
    return dict(tx.execute(statement).tuples().all())


def find_content(tx: Connection, *, token: str) -> bytes | None:
    """Return the bytes behind an address, whoever asks."""
    found = tx.execute(sa.select(_TABLE.content).where(_TABLE.token == token)).scalar_one_or_none()
    return None if found is None else bytes(found)
