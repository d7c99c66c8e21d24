"""
Lists: columns and cells as values, so that every list is drawn by one template and exported as one kind of CSV.

A list's state is in its address: filters, page and size. What a page shows, `?as=csv` gives for all its rows.
"""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from daycount.dashboard import formats
from daycount.dashboard.http import Fields, Response
from daycount.dashboard.visit import Visit

PER_PAGE: Final = 25
_MOST_EXPORTED = 10_000
_EXPORT_PAGE = 500
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class Column(NamedTuple):
    """A column; `kind` says how its cells are drawn, `is_extra` that a narrow screen does without it."""

    title: str
    kind: str = "text"
    is_extra: bool = False


class Cell(NamedTuple):
    """
    A cell: its value, where it leads, and what is written smaller below it.

    `narrow` is below it on narrow screens alone, in place of a column that they do without.
    For money the value is of minor units and `currency` names them; for `chips` it is a list of texts.
    """

    value: Any
    href: str | None = None
    below: str | None = None
    currency: str | None = None
    narrow: str | None = None


class Filter(NamedTuple):
    """A filter above a list: a search, or a choice among options (value, words)."""

    name: str
    label: str
    options: Sequence[tuple[str, str]] = ()


class Empty(NamedTuple):
    """What an empty list says: what would stand here, and the next step."""

    title: str
    text: str
    action: str | None = None
    href: str | None = None


class Listing(NamedTuple):
    """A page of a list, ready to be drawn."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    meta: Mapping[str, Any]
    filters: Sequence[Filter]
    empty: Empty
    has_csv: bool = True

    @property
    def total(self) -> int:
        """Return how many rows there are on all pages."""
        return int(self.meta["total_count"])


class Source(NamedTuple):
    """Where a list comes from: an operation of the API, the root of its reply, and how an object becomes a row."""

    path: str
    values: Sequence[str]
    root: str
    query: Mapping[str, Any]
    row: Callable[[Any], Sequence[Cell]]


def page_of(visit: Visit) -> int:
    """Return the page that the address asks for."""
    return page_number(visit.query)


def page_number(query: Fields) -> int:
    """Return the page that a query asks for."""
    asked = query.one("page")
    return max(int(asked), 1) if asked.isdecimal() and len(asked) < 8 else 1


def read_listing(
    visit: Visit, source: Source, columns: Sequence[Column], *, filters: Sequence[Filter] = (), empty: Empty, per_page: int = PER_PAGE
) -> Listing:
    """Read the page of a list that the address asks for. One call."""
    reply = visit.get(source.path, *source.values, **source.query, page=page_of(visit), per_page=per_page)
    rows = [source.row(item) for item in reply[source.root]]
    return Listing(columns, rows, reply["meta"], filters, empty)


def export(visit: Visit, source: Source, columns: Sequence[Column], *, name: str) -> Response:
    """Write all rows of a list as CSV, up to ten thousand."""
    written: list[Sequence[Cell]] = []
    page = 1
    while True:
        reply = visit.get(source.path, *source.values, **source.query, page=page, per_page=_EXPORT_PAGE)
        written.extend(source.row(item) for item in reply[source.root])
        if reply["meta"]["next_page"] is None or len(written) >= _MOST_EXPORTED:
            return csv_response(columns, written, name=name)
        page += 1


def csv_response(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], *, name: str) -> Response:
    """Write rows as CSV; money gets a column for its currency."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    header: list[str] = []
    for column in columns:
        header.append(column.title)
        if column.kind == "money":
            header.append(f"{column.title} currency")
    writer.writerow(header)
    for row in rows:
        values: list[str] = []
        for column, cell in zip(columns, row, strict=True):
            values.append(_plain(column, cell))
            if column.kind == "money":
                values.append(cell.currency or "")
        writer.writerow(values)
    headers = (("content-disposition", f'attachment; filename="{name}.csv"'),)
    return Response(200, out.getvalue().encode(), "text/csv; charset=utf-8", headers)


def _plain(column: Column, cell: Cell) -> str:
    match column.kind:
        case "money":
            if cell.value is None:
                return ""
            return formats.money(cell.value, cell.currency).replace(",", "").replace(formats.MINUS, "-")
        case "chips":
            return _safe("; ".join(str(item) for item in cell.value))
        case "number":
            return str(cell.value if cell.value is not None else "")
        case _:
            return _safe(str(cell.value if cell.value is not None else ""))


def _safe(text: str) -> str:
    """Keep spreadsheets from taking a text for a formula."""
    return "'" + text if text.startswith(_FORMULA_STARTS) else text
