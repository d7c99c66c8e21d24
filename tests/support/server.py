"""A real server for tests: `daycount serve` with its own private database, and a client that speaks to it."""

import atexit
import http.client
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from daycount.infra import schema
from daycount.infra.database import connect
from daycount.infra.postgres import PrivatePostgres
from tests.support.forks import Command, forks

ADMIN_TOKEN = "test-admin-token"
HOST = "127.0.0.1"


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server((HOST, 0)) as listener:
        return int(listener.getsockname()[1])


@cache
def empty_database() -> Path:
    """Return a data folder with a database of this version and nothing in it, to be copied; made once a process."""
    folder = TemporaryDirectory(prefix="daycount-tests-")
    atexit.register(folder.cleanup)
    with PrivatePostgres(Path(folder.name)) as postgres:
        engine = connect(postgres.url, pool_size=1)
        schema.migrate(engine)
        engine.dispose()
    return Path(folder.name)


class Reply(NamedTuple):
    """An answer: status, decoded JSON (None when the body is empty), headers."""

    status: int
    body: Any
    headers: Mapping[str, str]


class Api:
    """Calls one server with one API key over a kept-alive connection. Not safe for several threads."""

    def __init__(self, port: int, key: str | None) -> None:
        self.port = port
        self.key = key
        self._connection = http.client.HTTPConnection(HOST, port, timeout=120)

    def close(self) -> None:
        """Let the connection go."""
        self._connection.close()

    def raw(self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Reply:
        """Send bytes to a path as it stands."""
        sent = {"Authorization": f"Bearer {self.key}"} if self.key is not None else {}
        if body is not None:
            sent["Content-Type"] = "application/json"
        sent.update(headers or {})
        for is_last in (False, True):
            try:
                self._connection.request(method, path, body, sent)
                response = self._connection.getresponse()
                content = response.read()
                break
            except (http.client.RemoteDisconnected, ConnectionError):
                self._connection.close()
                if is_last:
                    raise
        is_text = response.getheader("content-type") in ("text/plain", "text/csv")
        parsed = content.decode() if is_text else json.loads(content) if content else None
        return Reply(response.status, parsed, {name.lower(): value for name, value in response.getheaders()})

    def ok_get(self, path: str) -> Any:
        """Return the JSON at a path below /api/v1."""
        return self.ok("GET", path)

    def text(self, path: str) -> str:
        """Return the plain text at a path below /api/v1."""
        self._connection.request("GET", "/api/v1" + path, None, {"Authorization": f"Bearer {self.key}"})
        response = self._connection.getresponse()
        content = response.read().decode()
        assert (response.status, response.getheader("content-type")) == (200, "text/plain"), content
        return content

    def call(self, method: str, path: str, body: object = None, query: Mapping[str, Any] | None = None) -> Reply:
        """Send JSON to a path below /api/v1."""
        target = "/api/v1" + path + (f"?{urlencode(query, doseq=True)}" if query else "")
        return self.raw(method, target, None if body is None else json.dumps(body).encode())

    def ok(self, method: str, path: str, body: object = None, query: Mapping[str, Any] | None = None) -> Any:
        """Send JSON and return the reply's JSON, which must come with 200."""
        reply = self.call(method, path, body, query)
        assert reply.status == 200, (method, path, body, reply.status, reply.body)
        return reply.body

    # What tests do most, in one line each.

    def metric(self, code: str = "seats", **fields: Any) -> dict[str, Any]:
        """Make a metric; by default recurring unique users."""
        given = {"name": code.title(), "code": code, "aggregation_type": "unique_count_agg", "field_name": "user_id", "recurring": True}
        return self.ok("POST", "/billable_metrics", {"billable_metric": given | fields})["billable_metric"]

    def add_on(self, code: str = "setup", **fields: Any) -> dict[str, Any]:
        """Make an add-on; by default 50.00 a piece."""
        given = {"name": code.title(), "code": code, "amount_cents": 5000, "amount_currency": "USD"}
        return self.ok("POST", "/add_ons", {"add_on": given | fields})["add_on"]

    def plan(self, code: str = "team", *, charges: list[dict[str, Any]] | None = None, **fields: Any) -> dict[str, Any]:
        """Make a plan; by default monthly, in arrears, without a price of its own."""
        given = {
            "name": code.title(),
            "code": code,
            "amount_cents": 0,
            "amount_currency": "USD",
            "interval": "monthly",
            "pay_in_advance": False,
        }
        return self.ok("POST", "/plans", {"plan": given | {"charges": charges or []} | fields})["plan"]

    def seat_charge(self, metric: Mapping[str, Any], amount: str = "10", **fields: Any) -> dict[str, Any]:
        """Describe a standard charge, prorated by default."""
        return {
            "billable_metric_id": metric["lago_id"],
            "charge_model": "standard",
            "prorated": True,
            "properties": {"amount": amount},
        } | fields

    def tax(self, code: str = "vat", rate: Any = 20, **fields: Any) -> dict[str, Any]:
        """Make a tax, applied to nothing."""
        return self.ok("POST", "/taxes", {"tax": {"name": code.upper(), "code": code, "rate": rate} | fields})["tax"]

    def coupon(self, code: str = "welcome", **fields: Any) -> dict[str, Any]:
        """Make a coupon; by default 10 % for ever, or once with a fixed amount."""
        kind = "fixed_amount" if "amount_cents" in fields else "percentage"
        worth: dict[str, Any] = {"amount_currency": "USD", "frequency": "once"}
        if kind == "percentage":
            worth = {"percentage_rate": "10", "frequency": "forever"}
        given = {"name": code.title(), "code": code, "coupon_type": kind, "expiration": "no_expiration"}
        return self.ok("POST", "/coupons", {"coupon": given | worth | fields})["coupon"]

    def section(self, code: str = "terms", **fields: Any) -> dict[str, Any]:
        """Make a custom section for invoices."""
        given = {"code": code, "name": code.title(), "details": f"Our {code}."}
        return self.ok("POST", "/invoice_custom_sections", {"invoice_custom_section": given | fields})["invoice_custom_section"]

    def apply_coupon(self, code: str = "welcome", customer: str = "acme", **fields: Any) -> dict[str, Any]:
        """Give a coupon to a customer."""
        body = {"applied_coupon": {"external_customer_id": customer, "coupon_code": code} | fields}
        return self.ok("POST", "/applied_coupons", body)["applied_coupon"]

    def customer(self, external_id: str = "acme", **fields: Any) -> dict[str, Any]:
        """Make or change a customer."""
        return self.ok("POST", "/customers", {"customer": {"external_id": external_id, "name": external_id.title()} | fields})["customer"]

    def subscribe(self, customer: str = "acme", plan: str = "team", external_id: str = "sub", **fields: Any) -> dict[str, Any]:
        """Subscribe a customer."""
        given = {"external_customer_id": customer, "plan_code": plan, "external_id": external_id}
        return self.ok("POST", "/subscriptions", {"subscription": given | fields})["subscription"]

    def event(
        self, transaction_id: str, *, code: str = "seats", subscription: str = "sub", timestamp: Any = None, **properties: Any
    ) -> dict[str, Any]:
        """Send one event."""
        body = {"transaction_id": transaction_id, "code": code, "external_subscription_id": subscription, "properties": properties}
        if timestamp is not None:
            body["timestamp"] = timestamp
        return self.ok("POST", "/events", {"event": body})["event"]

    def wallet(self, customer: str = "acme", **fields: Any) -> dict[str, Any]:
        """Make a wallet; by default 100 credits of 1.00 USD, granted. It is returned as it is after they arrived."""
        given = {"external_customer_id": customer, "name": "Credits", "rate_amount": "1", "currency": "USD", "granted_credits": "100"}
        made = self.ok("POST", "/wallets", {"wallet": given | fields})["wallet"]
        return self.ok("GET", f"/wallets/{made['lago_id']}")["wallet"]

    def terminate(self, external_id: str = "sub", **query: Any) -> dict[str, Any]:
        """End a subscription now."""
        return self.ok("DELETE", f"/subscriptions/{quote(external_id, safe='')}", query=query)["subscription"]

    def usage(self, customer: str = "acme", subscription: str = "sub", **query: Any) -> dict[str, Any]:
        """Read current usage."""
        path = f"/customers/{quote(customer, safe='')}/current_usage"
        return self.ok("GET", path, query={"external_subscription_id": subscription} | query)["customer_usage"]

    def move_to(self, instant: str) -> None:
        """Move the sandbox's clock."""
        self.ok("PUT", "/test_clock", {"test_clock": {"frozen_time": instant}})

    def invoices(self, **query: Any) -> list[dict[str, Any]]:
        """Return all invoices, whole, oldest first."""
        listed = self.ok("GET", "/invoices", query={"per_page": 1000} | query)["invoices"]
        return [self.ok("GET", f"/invoices/{invoice['lago_id']}")["invoice"] for invoice in reversed(listed)]


class Server:
    """One `daycount serve`, which can be stopped, killed and started again on its data."""

    def __init__(self, data_dir: Path, *, environment: Mapping[str, str] | None = None, is_forked: bool = True) -> None:
        """Prepare it; `is_forked=False` starts the real command line on an empty folder, which takes longer."""
        self._is_forked = is_forked
        self.data_dir = data_dir
        self.port = free_port()
        self.environment = dict(environment or {})
        self.process: subprocess.Popen[bytes] | Command | None = None
        self._names = itertools.count(1)
        self._clients: list[Api] = []

    def start(self, environment: Mapping[str, str] | None = None) -> "Server":
        """Start and wait until /health answers."""
        # One web process, so that "the third commit of that name" is a definite one.
        defaults = {"DAYCOUNT_ADMIN_TOKEN": ADMIN_TOKEN, "DAYCOUNT_WEB_PROCESSES": "1"}
        variables = {**os.environ, **defaults, **self.environment, **(environment or {})}
        if self._is_forked and not self.data_dir.exists():
            shutil.copytree(empty_database(), self.data_dir, ignore=shutil.ignore_patterns("run", "postgres.lock"))
        arguments = ["serve", "--host", HOST, "--port", str(self.port), "--data-dir", str(self.data_dir)]
        log = self.data_dir.parent / f"{self.data_dir.name}.log"
        # Where several processes write figures, that must be known before anything is imported.
        if self._is_forked and variables["DAYCOUNT_WEB_PROCESSES"] == "1":
            self.process = forks().start(*arguments, environment=variables, log=log)
        else:
            with log.open("ab") as output:
                command = [sys.executable, "-m", "daycount", *arguments]
                self.process = subprocess.Popen(command, env=variables, stdout=output, stderr=output, start_new_session=True)
        self.wait_until_healthy()
        return self

    def wait_until_healthy(self) -> None:
        """Wait until /health answers: after a start, and after a web process died and the supervisor makes a new one."""
        assert self.process is not None
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log()
            try:
                if self.client(None).raw("GET", "/health").status == 200:
                    return
            except OSError:
                time.sleep(0.05)
        raise AssertionError("the server did not start: " + self.log())

    def log(self) -> str:
        """Return the end of what the server printed."""
        return (self.data_dir.parent / f"{self.data_dir.name}.log").read_text()[-4000:]

    def client(self, key: str | None) -> Api:
        """Return a client with an API key (None: without one); it is closed with the server."""
        made = Api(self.port, key)
        self._clients.append(made)
        return made

    def _close_clients(self) -> None:
        for client in self._clients:
            client.close()
        self._clients.clear()

    def stop(self) -> int:
        """Stop with SIGTERM and return the exit code."""
        assert self.process is not None
        self._close_clients()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def kill(self) -> None:
        """Kill every process of the server at once, the database included, as a power cut would."""
        assert self.process is not None
        self._close_clients()
        for pid in descendants(self.process.pid):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait(30)

    def organization(self, *, at: str | None = "2026-07-01T00:00:00Z", **fields: Any) -> Api:
        """Make an organization (a sandbox at `at`, live when it is None) and return a client with its key."""
        body: dict[str, Any] = {"name": f"Organization {next(self._names)}"} | fields
        if at is not None:
            body["test_clock"] = {"frozen_time": at}
        reply = self.client(ADMIN_TOKEN).raw("POST", "/admin/organizations", json.dumps({"organization": body}).encode())
        assert reply.status == 200, reply
        return self.client(reply.body["organization"]["api_key"])

    def database_url(self) -> str:
        """Return the address of the server's private database."""
        return PrivatePostgres(self.data_dir).url


def descendants(pid: int) -> list[int]:
    """Return a process and all below it, parents first."""
    found = [pid]
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if parent == pid:
                found.extend(descendants(int(entry.name)))
    return found
