"""Typesetting: a paper becomes a PDF. The template lays out; every text comes from the paper."""

import threading
from datetime import datetime
from pathlib import Path

import msgspec
import typst

from daycount.invoicing.papers.records import Paper

_TEMPLATE = Path(__file__).with_name("invoice.typ")
_threads = threading.local()


def typeset(paper: Paper, *, at: datetime) -> bytes:
    """Return the PDF of a paper made at `at`. It depends on these alone, and on the fonts of the system where ours lack a letter."""
    written = _compiler().compile(format="pdf", sys_inputs=_inputs(paper), timestamp=int(at.timestamp()))
    assert isinstance(written, bytes), "a PDF is one file"
    return written


def typeset_for_archives(paper: Paper, *, at: datetime) -> bytes:
    """
    Return the PDF/A-3 of a paper, the kind that may carry other files.

    One with letters that no font has cannot be that; it is returned as any other, so that there is a document.
    """
    try:
        written = _compiler().compile(format="pdf", sys_inputs=_inputs(paper), pdf_standards="a-3b", timestamp=int(at.timestamp()))
    except typst.TypstError:
        return typeset(paper, at=at)
    assert isinstance(written, bytes), "a PDF is one file"
    return written


def _compiler() -> typst.Compiler:
    """Return the compiler of this thread. It looks for fonts once, which takes as long as a page, and serves one thread at a time."""
    found: typst.Compiler | None = getattr(_threads, "compiler", None)
    if found is None:
        found = _threads.compiler = typst.Compiler(str(_TEMPLATE))
    return found


def _inputs(paper: Paper) -> dict[str, str]:
    return {"paper": msgspec.json.encode(paper).decode()}
