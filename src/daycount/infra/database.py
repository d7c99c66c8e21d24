"""
The way to PostgreSQL: one engine a process, one metadata for all tables, COPY for many rows.

Knows no domain words. Each package declares its tables on `metadata` (in its `tables.py`) and keeps its SQL in its
`store.py`; this module only opens connections and moves rows in bulk.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any, Final
from uuid import UUID

import msgspec
import psycopg
import sqlalchemy as sa
from psycopg.types.array import ListDumper
from sqlalchemy import Connection, Engine, MetaData
from sqlalchemy.dialects.postgresql import ARRAY
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
    sa.event.listen(engine, "connect", _write_arrays_quickly)
    forget_on_change(engine)
    return engine


def _write_arrays_quickly(driver: psycopg.Connection[tuple[Any, ...]], _record: object) -> None:
    driver.adapters.register_dumper(list, _PlainListDumper)


class _PlainListDumper(ListDumper):
    """Writes arrays of one plain type, none of whose texts needs quotes, without looking for any in each element."""

    def dump(self, obj: list[Any]) -> Any:
        kinds = set(map(type, obj))
        kinds.discard(type(None))
        write = _ELEMENTS.get(kinds.pop()) if len(kinds) == 1 else None
        if write is None:
            return super().dump(obj)
        return ("{" + ",".join(["NULL" if item is None else write(item) for item in obj]) + "}").encode()


_ELEMENTS: Final[dict[type, Callable[[Any], str]]] = {
    UUID: lambda value: f"{value.int:032x}",
    int: str,
    datetime: datetime.isoformat,
    date: date.isoformat,
}
"""How elements of arrays are written."""


def is_any(column: sa.ColumnElement[UUID], ids: Collection[UUID]) -> sa.ColumnElement[bool]:
    """Ask for ids as one parameter, so that a statement about hundreds has the text of one about a few: it is read and planned once."""
    return column == sa.any_(sa.bindparam(None, list(ids), _IDS))


class _Ids(ARRAY[UUID]):
    """An array of ids that the driver writes as it is."""

    cache_ok = True

    def bind_processor(self, dialect: sa.Dialect) -> None:
        """Leave the list to the driver."""


_IDS: Final = _Ids(sa.Uuid)


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
    texts = [_column_texts(values) for values in zip(*rows, strict=True)]
    if not texts:
        return
    names = ", ".join(f'"{column}"' for column in columns)
    text = "\n".join(map("\t".join, zip(*texts, strict=True)))
    copy_in(driver_of(tx), f"copy {table.name} ({names}) from stdin", text + "\n")


def copy_structs(tx: Connection, table: sa.Table, struct: type[msgspec.Struct], rows: Iterable[msgspec.Struct]) -> None:
    """Write structs into a table whose columns have the names of their fields; see `copy_rows`."""
    names = struct.__struct_fields__
    copy_rows(tx, table, names, map(attrgetter(*names), rows))


def _column_texts(values: Sequence[object]) -> list[str]:
    """
    Write the values of one column.

    Most columns of a month's end hold few things many times over (an organization, an instant, nothing): each thing is written once.
    """
    things = {id(value): value for value in values}
    texts = {place: copy_text(value) for place, value in things.items()}
    return [texts[id(value)] for value in values]


def copy_in(driver: psycopg.Connection[tuple[Any, ...]], statement: str, text: str) -> None:
    """Send `text` to a statement that copies from stdin. Raises what the driver raises on a violated constraint."""
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(text)
