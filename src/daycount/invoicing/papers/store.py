"""All SQL about the files of documents."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert

from daycount.invoicing.papers.tables import document_files

_TABLE = document_files.c


class DocumentFile(Struct, frozen=True, kw_only=True):
    """A document as it was made: a `pdf` or an `xml`; `token` is in its address, `sha256` the hash of its bytes in hexadecimal digits."""

    id: UUID
    organization_id: UUID
    subject_id: UUID
    format: str
    token: str
    url: str
    sha256: str
    content: bytes
    created_at: datetime


class Urls(NamedTuple):
    """Where the files of a subject are; None where there is none."""

    file_url: str | None = None
    xml_url: str | None = None


NOWHERE = Urls()


class Content(NamedTuple):
    """The bytes of a file, a `pdf` or an `xml`."""

    format: str
    content: bytes


def keep(tx: Connection, files: Sequence[DocumentFile]) -> set[UUID]:
    """Keep files, unless their subjects have such; return the subjects of new ones. What was made once is never made otherwise."""
    values = [{name: getattr(file, name) for name in DocumentFile.__struct_fields__} for file in files]
    statement = insert(document_files).values(values).on_conflict_do_nothing(index_elements=["subject_id", "format"])
    return set(tx.execute(statement.returning(_TABLE.subject_id)).scalars())


def find_urls(tx: Connection, *, organization_id: UUID, subject_ids: Collection[UUID]) -> dict[UUID, Urls]:
    """Return the addresses of the files that were made, by what they are of. One query."""
    statement = sa.select(_TABLE.subject_id, _TABLE.format, _TABLE.url).where(
        _TABLE.organization_id == organization_id, _TABLE.subject_id.in_(subject_ids)
    )
    found: dict[UUID, Urls] = {}
    for subject_id, written, url in tx.execute(statement):
        known = found.get(subject_id, NOWHERE)
        found[subject_id] = known._replace(file_url=url) if written == "pdf" else known._replace(xml_url=url)
    return found


def find_content(tx: Connection, *, token: str) -> Content | None:
    """Return the file behind an address, whoever asks."""
    found = tx.execute(sa.select(_TABLE.format, _TABLE.content).where(_TABLE.token == token)).one_or_none()
    return None if found is None else Content(found.format, bytes(found.content))
