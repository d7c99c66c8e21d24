"""A visitor of the pages without a browser: keeps cookies, follows redirects, fills the forms that pages offer."""

import http.client
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any, NamedTuple
from urllib.parse import urlencode

from tests.support.server import HOST, Server


class Seen(NamedTuple):
    """A page as it came: status, path it came from, headers, text."""

    status: int
    path: str
    headers: Mapping[str, str]
    text: str

    @property
    def title(self) -> str:
        """Return the first heading."""
        found = re.search(r"<h1>(.*?)</h1>", self.text, re.DOTALL)
        return "" if found is None else text_of(found.group(1))

    @property
    def words(self) -> str:
        """Return what is read on the page, with single blanks."""
        return text_of(self.text)

    @property
    def links(self) -> list[str]:
        """Return where links on the page lead, within the site."""
        return sorted({link.replace("&amp;", "&") for link in re.findall(r'href="(/[^"]*)"', self.text)})


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._skipped = 0

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self._skipped += tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._skipped -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self._skipped:
            self.parts.append(data)


def text_of(html: str) -> str:
    """Return the text of HTML, with single blanks."""
    parser = _Text()
    parser.feed(html)
    return " ".join(" ".join(parser.parts).split())


class Visitor:
    """Somebody with a browser that has no scripts."""

    def __init__(self, server: Server) -> None:
        self._port = server.port
        self.cookies: dict[str, str] = {}
        self.sent: dict[str, str] = {}

    def request(self, method: str, path: str, fields: Any = None, headers: Mapping[str, str] | None = None) -> Seen:
        """Send one request and take the cookies of the answer; nothing is followed."""
        connection = http.client.HTTPConnection(HOST, self._port, timeout=60)
        sent = {"Accept": "text/html", "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        body = None
        if method == "POST":
            sent["Content-Type"] = "application/x-www-form-urlencoded"
            body = urlencode(fields or {})
        connection.request(method, path, body, sent | dict(headers or {}))
        response = connection.getresponse()
        text = response.read().decode()
        for name, value in response.getheaders():
            if name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                content = rest.partition(";")[0]
                if "Max-Age=0" in value:
                    self.cookies.pop(key, None)
                else:
                    self.cookies[key] = content
        connection.close()
        return Seen(response.status, path, {name.lower(): value for name, value in response.getheaders()}, text)

    def look(self, path: str) -> Seen:
        """Go to a page, following redirects."""
        for _ in range(6):
            seen = self.request("GET", path)
            if seen.status not in (302, 303):
                return seen
            path = seen.headers["location"]
        raise AssertionError(f"{path} leads in circles")

    def submit(self, path: str, fields: Any = None, *, form_on: str | None = None) -> Seen:
        """Fill a form and send it, with the token of the page it stands on; follows redirects."""
        page = self.look(form_on or path)
        found = re.search(r'name="csrf" value="([^"]+)"', page.text)
        assert found is not None, (path, page.status, page.words[:400])
        pairs = list(fields.items() if isinstance(fields, Mapping) else fields or [])
        seen = self.request("POST", path, [("csrf", found.group(1)), *pairs])
        return self.look(seen.headers["location"]) if seen.status in (302, 303) else seen

    def sign_in(self, email: str, password: str) -> Seen:
        """Sign in."""
        return self.submit("/sign-in", {"email": email, "password": password})
