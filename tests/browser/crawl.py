"""
Follows the links of a server's pages, as somebody does who is signed in, and notes what answers and what page that is.

Of links that lead to the same kind of page with the same kinds of filters, only some are followed: the pages of the five
hundredth event are those of the first.
"""

import gzip
import http.client
import re
from collections import Counter, deque
from html import unescape
from typing import NamedTuple
from urllib.parse import parse_qsl, urldefrag, urljoin, urlsplit

from daycount.dashboard.pages import PARTS
from daycount.dashboard.routing import Table
from tests.support.members import SESSION
from tests.support.server import HOST

_ALIKE = 8
_MOST_KB = 60
_TABLE = Table(PARTS)


class Crawled(NamedTuple):
    """What a crawl found: faults by address, the first address of each kind of page, how many answered."""

    faults: dict[str, str]
    first: dict[str, str]
    answered: int


def pattern_of(path: str) -> str | None:
    """Return the pattern of the page at a path, None where it is no page."""
    page = _TABLE.find("GET", urlsplit(path).path.encode()).page
    return None if page is None else page.pattern


def patterns() -> set[str]:
    """Return the patterns of all pages that are looked at."""
    return {page.pattern for page in _TABLE.pages if page.method == "GET"}


def crawl(port: int, token: str) -> Crawled:
    """Follow links from the first page on."""
    connection = http.client.HTTPConnection(HOST, port, timeout=60)
    found = Crawled({}, {}, 0)
    alike: Counter[tuple[str, ...]] = Counter()
    waiting, origins, answered = deque(["/"]), {"/": "/"}, 0
    while waiting:
        path = waiting.popleft()
        kind = _kind(path)
        if alike[kind] >= _ALIKE:
            continue
        alike[kind] += 1
        connection.request("GET", path, headers={"Accept": "text/html", "Cookie": f"{SESSION}={token}"})
        response = connection.getresponse()
        content, answered = response.read(), answered + 1
        leads = [response.getheader("location", "")] if response.status in (302, 303) else []
        if response.status not in (200, 302, 303):
            found.faults[path] = f"answers {response.status}, linked from {origins[path]}"
        elif response.status == 200 and "text/html" in response.getheader("content-type", ""):
            text = content.decode()
            if fault := _fault(text):
                found.faults[path] = fault
            found.first.setdefault(_head(path), path)
            leads = [unescape(link) for link in re.findall(r'href="([^"]*)"', text)]
        for link in leads:
            target = _within(port, path, link)
            if target is not None and target not in origins:
                origins[target] = path
                waiting.append(target)
    connection.close()
    return found._replace(answered=answered)


def _kind(path: str) -> tuple[str, ...]:
    return (_head(path), *sorted({name for name, _ in parse_qsl(urlsplit(path).query)}))


def _head(path: str) -> str:
    """Return what pages of one kind share: their pattern, of documents the section."""
    return pattern_of(path) or "/".join(urlsplit(path).path.split("/")[:3])


def _within(port: int, base: str, link: str) -> str | None:
    """Return the path a link leads to, None where it leaves the server."""
    parts = urlsplit(urljoin(f"http://{HOST}:{port}{base}", urldefrag(link).url))
    if parts.scheme != "http" or parts.port != port:
        return None
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _fault(text: str) -> str | None:
    """Say what is wrong with a page whatever it shows."""
    if not re.search(r"<title>[^<]*\w[^<]*</title>", text):
        return "has no title"
    if len(re.findall(r"<h1[ >]", text)) != 1:
        return "has not one heading of the first order"
    if len(gzip.compress(text.encode())) > _MOST_KB * 1024:
        return f"is larger than {_MOST_KB} kB, compressed"
    return None
