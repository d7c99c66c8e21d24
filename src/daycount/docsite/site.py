"""The documents and the API on the server: `/docs` and what is below it, and `/llms.txt`. Everything else is for the pages behind."""

from collections.abc import Mapping
from typing import Final, Protocol
from urllib.parse import parse_qs, unquote

from daycount.docsite.api import ApiDocument
from daycount.docsite.documents import find_document
from daycount.docsite.rendering import API, STYLE, page_at, read_style, render_api, render_list, render_resource

Answer = tuple[int, list[tuple[bytes, bytes]], bytes]

_ROOT: Final = "/docs"
_MOST_ASKED: Final = 200
_HEADERS: Final = (
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cache-control", b"public, max-age=300"),
)
_HTML, _MARKDOWN, _CSS = b"text/html; charset=utf-8", b"text/markdown; charset=utf-8", b"text/css; charset=utf-8"


class Pages(Protocol):
    """What answers whatever is not a document."""

    def answer(
        self, method: str, raw_path: bytes, query: bytes, headers: Mapping[bytes, bytes], body: bytes, *, client: str
    ) -> Answer | None:
        """Answer a request, or return None where it is nothing for people."""
        ...


class DocSite:
    """Answers with documents."""

    def __init__(self, behind: Pages, api: ApiDocument, *, public_url: str) -> None:
        self._behind = behind
        self._api = api
        self._list = render_list(root=public_url.rstrip("/") + _ROOT).encode()

    def answer(
        self, method: str, raw_path: bytes, query: bytes, headers: Mapping[bytes, bytes], body: bytes, *, client: str
    ) -> Answer | None:
        """Answer a request; what is no document is answered by the pages behind."""
        path = unquote(raw_path.split(b"?", 1)[0].decode("latin-1")).rstrip("/")
        found = self._find(path, query) if method in ("GET", "HEAD") else None
        if found is None:
            return self._behind.answer(method, raw_path, query, headers, body, client=client)
        content, content_type = found
        sent = [(b"content-type", content_type), (b"content-length", str(len(content)).encode()), *_HEADERS]
        return 200, sent, b"" if method == "HEAD" else content

    def _find(self, path: str, query: bytes) -> tuple[bytes, bytes] | None:
        if path == "/llms.txt":
            return self._list, b"text/plain; charset=utf-8"
        if path != _ROOT and not path.startswith(_ROOT + "/"):
            return None
        name = path.removeprefix(_ROOT).lstrip("/")
        if name == STYLE:
            return read_style(), _CSS
        if name.endswith(".md"):
            document = find_document(name.removesuffix(".md"))
            return None if document is None else (document.text.encode(), _MARKDOWN)
        if name == API or name.startswith(f"{API}/"):
            return self._find_api(name.removeprefix(API).lstrip("/"), query)
        page = page_at(name)
        return None if page is None else (page, _HTML)

    def _find_api(self, tag: str, query: bytes) -> tuple[bytes, bytes] | None:
        """Return the page of a resource, or with no tag the first page of the API, with what the query asks for."""
        if tag:
            page = render_resource(self._api, tag, root=_ROOT, ending="")
        else:
            asked = parse_qs(query.decode("latin-1")).get("q", [""])[-1]
            page = render_api(self._api, root=_ROOT, ending="", asked=asked.strip()[:_MOST_ASKED])
        return None if page is None else (page.encode(), _HTML)
