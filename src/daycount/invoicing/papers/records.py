"""What stands on a document, as texts in its language: the one source of its PDF and of every other view of it."""

from collections.abc import Sequence

from msgspec import Struct

from daycount.organizations.entities.logos import Picture


class Fact(Struct, frozen=True, kw_only=True):
    """A labelled text of the head, or a labelled amount below the lines."""

    label: str
    value: str
    is_strong: bool = False


class Party(Struct, frozen=True, kw_only=True):
    """Who sends or gets the document: a name and the lines below it."""

    label: str
    name: str
    lines: Sequence[str]


class Row(Struct, frozen=True, kw_only=True):
    """One line of a table; a detail stands smaller below the line it belongs to, such as a tier or the days of a seat."""

    name: str
    units: str = ""
    unit_price: str = ""
    tax_rate: str = ""
    amount: str = ""
    note: str = ""
    is_detail: bool = False


class Section(Struct, frozen=True, kw_only=True):
    """A table of lines with its own heading: one for each subscription, with its days and what it comes to."""

    title: str
    days: str
    rows: Sequence[Row]
    total: str


class Paper(Struct, frozen=True, kw_only=True):
    """
    A whole document, top to bottom. `headings` are those of the five columns of every section.

    `logo` stands beside the title. `mark` is written across every page. Where there is a `summary`, it stands first with the totals,
    and each section on pages of its own.
    """

    language: str
    logo: Picture | None
    title: str
    number: str
    mark: str
    facts: Sequence[Fact]
    sender: Party
    recipient: Party
    headline: str
    headline_note: str
    headings: Sequence[str]
    summary: Sequence[Fact]
    summary_word: str
    sections: Sequence[Section]
    totals: Sequence[Fact]
    notes: Sequence[str]
    page_word: str
