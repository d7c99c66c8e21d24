"""
Fixtures of the suite that drives Chromium (`make test-browser`).

The pages are those of `daycount demo`; each journey makes an organization of its own on the same server. Screenshots go to
the folder that BROWSER_SCREENSHOTS names, for people to look at; without it none is taken.
"""

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.browser.stopwatch import Stopwatch
from tests.support.members import SESSION, Members
from tests.support.server import ADMIN_TOKEN, HOST, Api, Server

_SAYS = {"email": "sign in", "password": "password", "key": "API key"}


class Demo(Server):
    """`daycount demo`, as a newcomer starts it, with an admin token so that tests can add organizations."""

    email = password = key = ""

    def start(self, environment: Mapping[str, str] | None = None) -> "Demo":
        """Start it and wait until it has said how to sign in."""
        variables = {**os.environ, "DAYCOUNT_ADMIN_TOKEN": ADMIN_TOKEN, "DAYCOUNT_WEBHOOKS_ALLOW_PRIVATE": "true"}
        command = [sys.executable, "-m", "daycount", "demo", "--data-dir", str(self.data_dir), "--port", str(self.port)]
        with (self.data_dir.parent / f"{self.data_dir.name}.log").open("ab") as log:
            self.process = subprocess.Popen(command, env=variables, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + 120
        while "Ctrl-C stops" not in self.log():
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.1)
        for name, word in _SAYS.items():
            setattr(self, name, re.findall(rf"^{word}\s+(\S+)", self.log(), re.MULTILINE)[-1])
        return self

    def leave(self) -> None:
        """Let go of the connections to it; it runs on for whoever started it."""
        self._close_clients()

    @property
    def address(self) -> str:
        """Return where its pages are."""
        return f"http://{HOST}:{self.port}"

    @property
    def company(self) -> Api:
        """Return a client of the company that the demo founded."""
        return self.client(self.key)


class Shared:
    """Notes that the processes of the suite leave for each other, one at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def opened(self, name: str) -> Iterator[dict[str, Any]]:
        """Read a note, empty at first, let nobody else at it, and write it back."""
        with (self._folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            path = self._folder / f"{name}.json"
            note: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
            yield note
            path.write_text(json.dumps(note))

    def count(self, name: str, field: str) -> int:
        """Return a number of a note as it is now."""
        with self.opened(name) as note:
            return int(note[field])


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, shared: Shared) -> Iterator[Demo]:
    """The demo, running: one for all processes of the suite."""
    with shared.opened("demo") as note:
        is_ours = not note
        running = Demo(tmp_path_factory.mktemp("demo") / "data").start() if is_ours else Demo(Path(note["data_dir"]))
        if is_ours:
            note.update({name: getattr(running, name) for name in ("port", *_SAYS)}, data_dir=str(running.data_dir), users=0)
        note["users"] += 1
    for name in ("port", *_SAYS):
        setattr(running, name, note[name])
    yield running
    with shared.opened("demo") as note:
        note["users"] -= 1
    if is_ours:
        while shared.count("demo", "users"):
            time.sleep(0.1)
        assert running.stop() == 0, running.log()
    else:
        running.leave()


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Shared:
    """What the processes of the suite have in common."""
    folder = tmp_path_factory.getbasetemp()
    return Shared(folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder)


@pytest.fixture(scope="session")
def members(demo: Demo) -> Iterator[Members]:
    """What lets people into organizations of the demo's server."""
    opened = Members(demo)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium, without a window; its sandbox is off only where root runs it."""
    program = os.environ.get("BROWSER_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    assert program, "install Chromium, as with: apt-get install chromium"
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=program, args=options)
        yield opened
        opened.close()


class Look(NamedTuple):
    """How somebody looks at pages."""

    name: str
    width: int = 1280
    theme: str = "light"
    has_scripts: bool = True


DESK = Look("light")
LOOKS = (DESK, Look("dark", theme="dark"), Look("phone", width=390))
PLAIN = Look("plain", has_scripts=False)


class Person:
    """Somebody before a browser, who notes whatever the console says."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.address = address
        self.said: list[str] = []
        self.context = context
        self.page = context.new_page()
        self.page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.said.append(f"uncaught: {error}"))

    def go(self, path: str) -> Page:
        """Go to a page of the server, and wait until it has loaded."""
        self.page.goto(self.address + path)
        return self.page

    def sign_in(self, email: str, password: str) -> None:
        """Sign in by the form."""
        page = self.go("/sign-in")
        page.get_by_label("E-mail address").fill(email)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(self.address + "/")

    def choose(self, organization: str) -> None:
        """Switch to another organization."""
        self.page.locator("details.org > summary").click()
        self.page.get_by_role("button", name=re.compile(organization)).click()
        self.page.wait_for_url(re.compile("done=switched"))

    def forgive(self, word: str) -> None:
        """Take what the console says of an answer with this status for meant."""
        self.said = [text for text in self.said if word not in text]

    def be(self, token: str) -> None:
        """Take a session that has begun."""
        self.context.add_cookies([{"name": SESSION, "value": token, "url": self.address}])


@pytest.fixture
def open_browser(browser: Browser) -> Iterator[Callable[..., Person]]:
    """Open a browser for somebody; when the test is over, its console must have been empty."""
    people: list[Person] = []

    def make(address: str, look: Look = DESK) -> Person:
        context = browser.new_context(
            viewport={"width": look.width, "height": 844},
            java_script_enabled=look.has_scripts,
            color_scheme="light" if look.theme == "light" else "dark",
            reduced_motion="reduce",
            accept_downloads=True,
        )
        context.set_default_timeout(10_000)
        context.add_cookies([{"name": "daycount_theme", "value": look.theme, "url": address}])
        people.append(Person(context, address))
        return people[-1]

    yield make
    for person in people:
        person.context.close()
    assert [said for person in people for said in person.said] == []


@pytest.fixture
def enter(open_browser: Callable[..., Person], members: Members, demo: Demo) -> Callable[..., Person]:
    """Open a browser for somebody who is signed in to the organization of a client."""

    def make(api: Api, look: Look = DESK) -> Person:
        person = open_browser(demo.address, look)
        person.be(members.let_in(api))
        return person

    return make


@pytest.fixture(scope="session")
def screenshots() -> Path | None:
    """The folder that screenshots go to, or None where nobody wants any."""
    named = os.environ.get("BROWSER_SCREENSHOTS")
    return None if not named else Path(named)


@pytest.fixture
def stopwatch(record_property: Callable[[str, object], None]) -> Iterator[Stopwatch]:
    """A stopwatch, whose times are printed when everything is over."""
    watch = Stopwatch()
    yield watch
    record_property(_STEPS, watch.lines())


_STEPS = "steps of a newcomer"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the stopwatch took, whichever process held it."""
    reports = [report for found in terminalreporter.stats.values() for report in found]
    for report in reports:
        for name, lines in getattr(report, "user_properties", ()):
            if name == _STEPS and report.when == "teardown":
                terminalreporter.section(name)
                for line in lines:
                    terminalreporter.write_line(line)
