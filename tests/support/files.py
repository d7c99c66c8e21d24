"""Reading documents as those do who get their addresses."""

import http.client
import io
from urllib.parse import urlsplit

from pypdf import PdfReader


def fetch(url: str) -> tuple[int, str, bytes]:
    """Read an address as a browser does: without a key."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=30)
    connection.request("GET", parts.path)
    reply = connection.getresponse()
    content = reply.read()
    connection.close()
    return reply.status, str(reply.getheader("content-type")), content


def words_of(url: str) -> str:
    """Return the text of a PDF, with one space between words."""
    status, content_type, content = fetch(url)
    assert (status, content_type) == (200, "application/pdf")
    return text_of(content)


def text_of(content: bytes) -> str:
    """Return the text of the bytes of a PDF, with one space between words."""
    text = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)
    return " ".join(text.replace("\u00a0", " ").split())
