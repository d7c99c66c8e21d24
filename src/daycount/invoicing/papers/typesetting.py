"""Typesetting: a paper becomes a PDF. The template lays out; every text comes from the paper."""

from pathlib import Path

import msgspec
import typst

from daycount.invoicing.papers.records import Paper

_TEMPLATE = Path(__file__).with_name("invoice.typ")


def typeset(paper: Paper) -> bytes:
    """Return the PDF of a paper. It depends on the paper alone, and on the fonts of the system where ours lack a letter."""
    return typst.compile(str(_TEMPLATE), format="pdf", sys_inputs={"paper": msgspec.json.encode(paper).decode()})
