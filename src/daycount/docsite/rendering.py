"""Turning documents into pages: markdown to HTML with links that lead to pages, headings that can be pointed at, and the frame around."""

import posixpath
import re
from collections.abc import Sequence
from functools import cache
from itertools import groupby, pairwise
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markdown_it.token import Token

from daycount.docsite.api import ApiDocument
from daycount.docsite.documents import SECTIONS, Document, find_document, list_documents

_HERE: Final = Path(__file__).parent
_environment = Environment(loader=FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
_markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
STYLE: Final = "docs.css"
API: Final = "api"
"""Where the pages of the API stand."""


def read_style() -> bytes:
    """Return the site's style sheet."""
    return (_HERE / STYLE).read_bytes()


def render_page(document: Document, *, root: str, ending: str) -> str:
    """Return the page of a document; `root` is where the site stands, `ending` what its pages end with."""
    tokens = _markdown.parse(document.text)
    headings = _mark_headings(tokens)
    for token in tokens:
        if token.type in ("fence", "code_block"):
            token.attrSet("tabindex", "0")  # so that long lines can be scrolled without a mouse
        for child in token.children or ():
            if child.type == "link_open":
                child.attrSet("href", _target(document, str(child.attrGet("href")), root=root, ending=ending))
    body = _markdown.renderer.render(tokens, _markdown.options, {})
    return _frame(document.title, body, place=document.path, twin=f"{root}/{document.path}.md", headings=headings, root=root, ending=ending)


def render_index(*, root: str, ending: str) -> str:
    """Return the first page: all documents with what they say first."""
    return _frame("Documentation", None, place="", headings=(), root=root, ending=ending)


def render_api(api: ApiDocument, *, root: str, ending: str, asked: str | None = None) -> str:
    """Return the first page of the API: all operations, or those that the words of `asked` occur in; None where nobody can ask."""
    resources = list(api.resources.values())
    found = api.search(asked) if asked else ()
    body = _environment.get_template("api.html").render(
        resources=resources,
        failures=api.failures,
        asked=asked or "",
        found=found,
        is_served=asked is not None,
        root=root,
        ending=ending,
    )
    headings = [(resource.tag, resource.title) for resource in resources] if not asked else []
    return _frame("API reference", body, place=API, headings=headings, root=root, ending=ending)


def render_resource(api: ApiDocument, tag: str, *, root: str, ending: str) -> str | None:
    """Return the page of a resource of the API; None where there is none."""
    resource = api.resources.get(tag)
    if resource is None:
        return None
    body = _environment.get_template("api_resource.html").render(resource=resource, root=root, ending=ending)
    headings = [(item.id, item.summary) for item in resource.operations]
    return _frame(f"{resource.title}, API reference", body, place=API, headings=headings, root=root, ending=ending)


def render_list(*, root: str) -> str:
    """Return the list of documents for programs that read: one line each, by section."""
    lines = ["# Daycount", "", "> Open-source billing that is exact to the last fraction and explains every cent.", ""]
    for section, documents in groupby(list_documents(), key=lambda document: document.section):
        lines += [f"## {SECTIONS[section]}", ""]
        lines += [f"- [{item.title}]({root}/{item.path}.md): {item.summary}" for item in documents]
        lines.append("")
    return "\n".join(lines)


def _frame(
    title: str, body: str | None, *, place: str, headings: Sequence[tuple[str, str]], root: str, ending: str, twin: str | None = None
) -> str:
    """Put a page into the frame; `place` is its path, `twin` where the same stands as markdown."""
    sections = [(SECTIONS[name], list(items)) for name, items in groupby(list_documents(), key=lambda item: item.section)]
    return _environment.get_template("page.html").render(
        title=title, body=body, place=place, twin=twin, headings=headings, sections=sections, root=root, ending=ending, api=API
    )


def _mark_headings(tokens: Sequence[Token]) -> list[tuple[str, str]]:
    """Give every heading an anchor; returns those of the second level with their texts."""
    found: list[tuple[str, str]] = []
    taken: set[str] = set()
    for token, inline in pairwise(tokens):
        if token.type != "heading_open":
            continue
        text = "".join(child.content for child in inline.children or ())
        anchor = anchor_of(text)
        number = 1
        while anchor in taken:
            anchor, number = f"{anchor_of(text)}-{number}", number + 1
        taken.add(anchor)
        token.attrSet("id", anchor)
        if token.tag == "h2":
            found.append((anchor, text))
    return found


def anchor_of(heading: str) -> str:
    """Return what a heading is pointed at by: its words in small letters, with hyphens."""
    return re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", heading.lower()).strip())


def _target(document: Document, href: str, *, root: str, ending: str) -> str:
    """Return where a link leads: to a page where it names a document, else as it stands; what is outside of the site leads to its top."""
    if re.match(r"[a-z]+:|#|/", href):
        return href
    path, mark, fragment = href.partition("#")
    name = posixpath.normpath(posixpath.join(posixpath.dirname(document.path), path)).removesuffix(".md")
    if find_document(name) is None:
        return f"{root}/index{ending}" if ending else root
    return f"{root}/{name}{ending}{mark}{fragment}"


@cache
def page_at(path: str) -> bytes | None:
    """Return the page at a path below the server's /docs; None where there is none."""
    if not path:
        return render_index(root="/docs", ending="").encode()
    document = find_document(path)
    return None if document is None else render_page(document, root="/docs", ending="").encode()
