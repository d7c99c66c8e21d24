"""
The way to PostgreSQL: one engine a process, one metadata for all tables, COPY for many rows.

Knows no domain words. Each package declares its tables on `metadata` (in its `tables.py`) and keeps its SQL in its
`store.py`; this module only opens connections and moves rows in bulk.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import msgspec
import psycopg
import sqlalchemy as sa
from sqlalchemy import Connection, Engine, MetaData
from sqlalchemy.engine import make_url

from daycount.infra.remembered import forget_on_change

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _json_text(value: object) -> str:
    return msgspec.json.encode(value).decode()


def connect(url: str, *, pool_size: int) -> Engine:
    """
    Open a pool of at most `pool_size` connections to the database at `url`.

    Sessions speak UTC. JSON columns are read and written by msgspec; statements are prepared by the driver once they
    repeat.
    """
    address = make_url(url).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(
        address,
        pool_size=pool_size,
        max_overflow=0,
        pool_pre_ping=False,
        pool_timeout=30,
        json_serializer=_json_text,
        json_deserializer=msgspec.json.decode,
        connect_args={"options": "-c timezone=UTC", "application_name": "daycount"},
    )
    forget_on_change(engine)
    return engine


def plain_url(url: str) -> str:
    """Return `url` as the driver itself wants it, without a dialect."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def run(tx: Connection, statement: sa.Executable, **parameters: object) -> sa.CursorResult[Any]:
    """Execute one statement with named parameters."""
    result = tx.execute(statement, parameters)
    assert isinstance(result, sa.CursorResult)
    return result


def driver_of(tx: Connection) -> psycopg.Connection[tuple[Any, ...]]:
    """Return the driver's own connection, inside the transaction of `tx`: for COPY, and where every microsecond counts."""
    if not tx.in_transaction():
        tx.begin()
    driver = tx.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver


_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def escape(value: str) -> str:
    """Write a text for the text COPY format. Looking first is much quicker than translating a text that needs none."""
    if "\\" in value or "\t" in value or "\n" in value or "\r" in value:
        return value.translate(_ESCAPES)
    return value


def escape_two(first: str, second: str) -> str:
    """Write two texts as neighbouring fields of the text COPY format, looking at both at once."""
    both = f"{first}\t{second}"
    if "\\" in both or "\n" in both or "\r" in both or both.count("\t") > 1:
        return f"{escape(first)}\t{escape(second)}"
    return both


def copy_text(value: object) -> str:
    """
    Write one value as a field of PostgreSQL's text COPY format.

    None becomes the null mark; text is escaped, so that it may hold tabs, line ends and backslashes.
    """
    write = _WRITERS.get(type(value))
    if write is not None:
        return write(value)
    return escape(_json_text(value) if isinstance(value, dict | list | tuple | msgspec.Struct) else str(value))


_WRITERS: Final[dict[type, Callable[[Any], str]]] = {
    type(None): lambda _: "\\N",
    bool: lambda value: "t" if value else "f",
    str: escape,
    int: str,
    UUID: str,
    Decimal: str,
    datetime: datetime.isoformat,
}
"""How values of the plain types are written; a month's end writes hundreds of thousands of them."""


def copy_rows(tx: Connection, table: sa.Table, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """
    Write `rows` into `table` with one COPY inside the transaction of `tx`.

    Raises what the driver raises on a violated constraint; then nothing of the copy stays.
    """
    known = {column.name for column in table.columns}
    assert known.issuperset(columns), sorted(set(columns) - known)
    text = "".join("\t".join(map(copy_text, row)) + "\n" for row in rows)
    if not text:
        return
    names = ", ".join(f'"{column}"' for column in columns)
    copy_in(driver_of(tx), f"copy {table.name} ({names}) from stdin", text)


def copy_in(driver: psycopg.Connection[tuple[Any, ...]], statement: str, text: str) -> None:
    """Send `text` to a statement that copies from stdin. Raises what the driver raises on a violated constraint."""
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(text)
