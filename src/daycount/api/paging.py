"""Lists: which page is asked for, and the `meta` that goes with it."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from msgspec import Struct

from daycount import errors
from daycount.api.query import Query

_DEFAULT_PER_PAGE = 100
_FALLBACK_PER_PAGE = 25
_MOST_PER_PAGE = 1000
_MOST_PAGE = 10_000_000


class Meta(Struct, frozen=True, kw_only=True):
    """Where a page stands in its list; `next_page` and `prev_page` are null at the ends."""

    current_page: int
    next_page: int | None
    prev_page: int | None
    total_pages: int
    total_count: int


class PageRequest(NamedTuple):
    """The page a caller asks for, from 1."""

    page: int
    per_page: int

    @property
    def offset(self) -> int:
        """Return how many rows come before the page."""
        return (self.page - 1) * self.per_page


class Page(NamedTuple):
    """One page of wire objects and its meta."""

    items: Sequence[Any]
    meta: Meta


def read_page(query: Query) -> PageRequest:
    """
    Read `page` and `per_page` from the query.

    Defaults 1 and 100; a page below 1 is 1; a size that is no number, or negative, is 25; at most 1000 rows are given. Raises
    Invalid (value_is_out_of_range) for a size of 0. Source: Lago API, pagination; the upper limit and the refusal are ours.
    """
    page, per_page = query.one("page"), query.one("per_page")
    number = int(page) if page is not None and re.fullmatch(r"[0-9]{1,12}", page) else 1
    size = _DEFAULT_PER_PAGE
    if per_page is not None:
        size = int(per_page) if re.fullmatch(r"[0-9]{1,12}", per_page) else _FALLBACK_PER_PAGE
    if not size:
        raise errors.Invalid({"per_page": ["value_is_out_of_range"]})
    return PageRequest(min(max(number, 1), _MOST_PAGE), min(size, _MOST_PER_PAGE))


def page_of(items: Sequence[Any], *, asked: PageRequest, total: int) -> Page:
    """Put a page together; an empty list is page 0 of 0."""
    if total == 0:
        return Page(items, Meta(current_page=0, next_page=None, prev_page=None, total_pages=0, total_count=0))
    pages = -(-total // asked.per_page)
    return Page(
        items,
        Meta(
            current_page=asked.page,
            next_page=asked.page + 1 if asked.page < pages else None,
            prev_page=asked.page - 1 if asked.page > 1 else None,
            total_pages=pages,
            total_count=total,
        ),
    )
