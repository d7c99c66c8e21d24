"""Typesetting: a paper becomes a PDF. The template lays out; every text comes from the paper."""

from pathlib import Path

import msgspec
import typst

from daycount.invoicing.papers.records import Paper

_TEMPLATE = Path(__file__).with_name("invoice.typ")


def typeset(paper: Paper) -> bytes:
    """Return the PDF of a paper. It depends on the paper alone, and on the fonts of the system where ours lack a letter."""
    return typst.compile(str(_TEMPLATE), format="pdf", sys_inputs=_inputs(paper))


def typeset_for_archives(paper: Paper) -> bytes:
    """
    Return the PDF/A-3 of a paper, the kind that may carry other files.

    One with letters that no font has cannot be that; it is returned as any other, so that there is a document.
    """
    try:
        return typst.compile(str(_TEMPLATE), format="pdf", sys_inputs=_inputs(paper), pdf_standards="a-3b")
    except typst.TypstError:
        return typeset(paper)


def _inputs(paper: Paper) -> dict[str, str]:
    return {"paper": msgspec.json.encode(paper).decode()}
