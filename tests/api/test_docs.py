"""The documents as a site: every page is there, every link leads somewhere, and files are written as the server shows them."""

import http.client
import re
from pathlib import Path
from urllib.parse import urljoin

import pytest

from daycount.api.openapi import describe_api
from daycount.app import build_router
from daycount.docsite.api import ApiDocument
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


def test_the_server_shows_the_api_by_resource_and_finds_operations_by_their_words(server: Server) -> None:
    status, kind, index = fetch(server, "/docs/api")
    assert (status, kind) == (200, "text/html; charset=utf-8")
    assert 'href="/docs/api/invoices#void_invoice"' in index
    page = fetch(server, "/docs/api/invoices")[2]
    assert '<h2 id="void_invoice">' in page
    assert "<code>/api/v1/invoices/{lago_id}/void</code>" in page
    # a field of the reply leads to its shape, which stands on the same page
    assert '<a href="#InvoiceObject">InvoiceObject</a>' in page
    assert '<h3 id="InvoiceObject">' in page
    found = fetch(server, "/docs/api?q=Void+invoice")[2]
    assert "#void_invoice" in found
    assert "#create_add_on" not in found
    nothing = fetch(server, "/docs/api?q=%3Cscript%3E+nowhere")[2]
    assert "0 operations" in nothing
    assert "<script" not in nothing


@pytest.mark.parametrize(
    "path", ["/docs/api/nothing", "/docs/nothing", "/docs/../cli.py", "/docs/guides", "/docs/%2e%2e/cli.py", "/docs/guides/nothing.md"]
)
def test_what_is_no_document_is_not_found(server: Server, path: str) -> None:
    assert fetch(server, path)[0] == 404


def test_every_link_of_the_written_site_leads_to_a_file(tmp_path: Path) -> None:
    api = ApiDocument(lambda: describe_api(build_router()), address="https://billing.example.com")
    build(tmp_path, api)

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

    assert len(pages) == len(list_documents()) + len(api.resources) + 2
    operations = [item for resource in api.resources.values() for item in resource.operations]
    assert {(item.method, item.path) for item in operations} == {
        (method.upper(), path) for path, methods in describe_api(build_router())["paths"].items() for method in methods
    }
    create = next(item for item in operations if item.id == "create_add_on")
    assert create.example.splitlines()[0] == 'curl -X POST "https://billing.example.com/api/v1/add_ons" \\'
    assert (create.root, create.takes[0].name, create.returns[0].type[0].target) == ("add_on", "name", "AddOnObject")
    assert broken == []
    assert "<script" not in "".join(page.read_text() for page in pages)


def test_anchors_are_words_with_hyphens() -> None:
    assert anchor_of("What is `kept`, and for how long?") == "what-is-kept-and-for-how-long"
