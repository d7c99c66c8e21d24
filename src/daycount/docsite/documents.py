"""The documents: which there are, in which order they are read, what they are called and what they say first."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

FOLDER: Final = Path(__file__).parent / "pages"
SECTIONS: Final = {"guides": "Guides", "concepts": "Concepts", "reference": "Reference", "decisions": "Decisions"}
_FIRST: Final = ("guides/per-seat-pricing", "guides/test-clocks", "guides/operate", "concepts/glossary", "reference/api")
"""Documents that are listed before the others of their section."""


class Document(NamedTuple):
    """A document: its `path` below /docs, without an ending, and its text."""

    path: str
    title: str
    summary: str
    text: str

    @property
    def section(self) -> str:
        """Return the section it stands in."""
        return self.path.partition("/")[0]


@cache
def list_documents() -> Sequence[Document]:
    """Return all documents, in the order of sections and then of reading."""
    found = [_read(path) for section in SECTIONS for path in sorted((FOLDER / section).glob("*.md"))]
    order = list(SECTIONS)

    def place(document: Document) -> tuple[int, int, bool, str]:
        rank = _FIRST.index(document.path) if document.path in _FIRST else len(_FIRST)
        return order.index(document.section), rank, not document.path.endswith("/README"), document.path

    return sorted(found, key=place)


@cache
def find_document(path: str) -> Document | None:
    """Return the document at a path below /docs."""
    return next((document for document in list_documents() if document.path == path), None)


def _read(path: Path) -> Document:
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    title = next((line.removeprefix("# ") for line in lines if line.startswith("# ")), path.stem)
    paragraph: list[str] = []
    for line in lines:
        if paragraph and not line.strip():
            break
        if line.strip() and line[0].isalpha():
            paragraph.append(line.strip())
        elif paragraph:
            break
    return Document(path.relative_to(FOLDER).with_suffix("").as_posix(), title, _first_sentence(" ".join(paragraph)), text)


def _first_sentence(text: str) -> str:
    end = text.find(". ")
    return text if end < 0 else text[: end + 1]
