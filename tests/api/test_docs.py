"""The documents as a site: every page is there, every link leads somewhere, and files are written as the server shows them."""

import http.client
import re
from pathlib import Path
from urllib.parse import urljoin

import pytest

from daycount.docsite.building import build
from daycount.docsite.documents import list_documents
from daycount.docsite.rendering import anchor_of
from tests.support.server import HOST, Server

LINK = re.compile(r'(?:href|src)="([^"]+)"')


def fetch(server: Server, path: str, method: str = "GET") -> tuple[int, str, str]:
    connection = http.client.HTTPConnection(HOST, server.port, timeout=30)
    connection.request(method, path)
    response = connection.getresponse()
    content = response.read().decode()
    connection.close()
    return response.status, response.getheader("content-type") or "", content


def test_the_server_shows_documents_their_twins_and_a_list(server: Server) -> None:
    status, kind, index = fetch(server, "/docs")
    assert (status, kind) == (200, "text/html; charset=utf-8")
    for document in list_documents():
        assert f'href="/docs/{document.path}"' in index
    status, kind, page = fetch(server, "/docs/guides/test-clocks")
    assert (status, kind, "<h1" in page) == (200, "text/html; charset=utf-8", True)
    assert fetch(server, "/docs/guides/test-clocks.md")[1:] == (
        "text/markdown; charset=utf-8",
        Path("docs/guides/test-clocks.md").read_text(),
    )
    assert fetch(server, "/docs/", "HEAD")[::2] == (200, "")
    status, kind, listed = fetch(server, "/llms.txt")
    assert (status, kind) == (200, "text/plain; charset=utf-8")
    assert "/docs/guides/test-clocks.md): " in listed
    assert fetch(server, "/docs/docs.css")[1] == "text/css; charset=utf-8"


@pytest.mark.parametrize("path", ["/docs/nothing", "/docs/../cli.py", "/docs/guides", "/docs/%2e%2e/cli.py", "/docs/guides/nothing.md"])
def test_what_is_no_document_is_not_found(server: Server, path: str) -> None:
    assert fetch(server, path)[0] == 404


def test_every_link_of_the_written_site_leads_to_a_file(tmp_path: Path) -> None:
    build(tmp_path)

    pages = sorted(tmp_path.rglob("*.html"))
    broken = []
    for page in pages:
        for href in LINK.findall(page.read_text()):
            target, _, fragment = href.partition("#")
            if re.match(r"[a-z]+:|/", href):
                continue
            found = Path(urljoin(page.as_posix(), target)) if target else page
            if not found.is_file() or (fragment and found.suffix == ".html" and f'id="{fragment}"' not in found.read_text()):
                broken.append((page.name, href))

    assert len(pages) == len(list_documents()) + 1
    assert broken == []
    assert "<script" not in "".join(page.read_text() for page in pages)


def test_anchors_are_words_with_hyphens() -> None:
    assert anchor_of("What is `kept`, and for how long?") == "what-is-kept-and-for-how-long"
