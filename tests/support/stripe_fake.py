"""
A small part of Stripe's API on the loopback: what we call of it, with its idempotency keys, errors and signed webhooks.

What happens is said by the payment method's id: pm_ok, pm_declined, pm_3ds (wants the customer), pm_slow (in process), pm_lost (done, but
the answer gets lost), pm_fault (done, but the answer is an error, and stays so under that key).
"""

import hashlib
import hmac
import itertools
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

HOST = "127.0.0.1"
KEY = "sk_test_of_the_fake"
WEBHOOK_SECRET = "whsec_of_the_fake"
Answer = tuple[int, dict[str, Any]]


class Asked(NamedTuple):
    """One request as it came in."""

    method: str
    path: str
    body: dict[str, str]
    key: str | None


def sign(body: bytes, *, secret: str = WEBHOOK_SECRET) -> str:
    """Return the header that signs a webhook."""
    sent = int(time.time())
    return f"t={sent},v1={hmac.new(secret.encode(), f'{sent}.'.encode() + body, hashlib.sha256).hexdigest()}"


def failure(kind: str, code: str | None, message: str, **more: Any) -> dict[str, Any]:
    return {"error": {"type": kind, "code": code, "message": message} | more}


def nested(fields: dict[str, str], name: str) -> dict[str, str]:
    """Return what stands under a name of a form: metadata[a]=b."""
    return {key[len(name) + 1 : -1]: value for key, value in fields.items() if key.startswith(name + "[")}


class FakeStripe(ThreadingHTTPServer):
    """The fake, with everything it was asked and everything it holds."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__((HOST, port), _Handler)
        self.lock = threading.Lock()
        self.asked: list[Asked] = []
        self.things: dict[str, dict[str, Any]] = {}
        self._answers: dict[str, tuple[dict[str, str], Answer]] = {}
        self.is_down = False
        self._numbers = itertools.count(1)

    def made(self, kind: str) -> list[dict[str, Any]]:
        """Return what it holds of a kind, by the start of the id, the newest first."""
        return [thing for thing in reversed(list(self.things.values())) if thing["id"].startswith(kind + "_")]

    def keep(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Make a thing."""
        thing = {"id": f"{kind}_{next(self._numbers)}"} | fields
        return self.things.setdefault(thing["id"], thing)

    def answer(self, asked: Asked) -> Answer:
        """Answer a request, the same under the same key."""
        with self.lock:
            if self.is_down:
                return 503, failure("api_error", None, "Down.")
            self.asked.append(asked)
            known = self._answers.get(asked.key) if asked.key else None
            if known is not None and known[0] != asked.body:
                return 400, failure("idempotency_error", None, "Keys for idempotent requests can only be used with the same parameters.")
            answer = known[1] if known is not None else self._act(asked)
            if asked.key:
                self._answers[asked.key] = (asked.body, answer)
            return answer

    def _act(self, asked: Asked) -> Answer:
        parts = asked.path.removeprefix("/v1/").split("/")
        match asked.method, parts:
            case "POST", ["customers"]:
                return 200, self.keep("cus", object="customer", metadata=nested(asked.body, "metadata"), invoice_settings={})
            case "POST", ["payment_intents"]:
                return self._charge(asked.body)
            case "POST", ["refunds"]:
                return self._refund(asked.body)
            case "POST", ["checkout", "sessions"]:
                made = self.keep("cs", object="checkout.session", fields=asked.body)
                return 200, made | {"url": f"https://checkout.example/{made['id']}"}
            case "POST", ["checkout", "sessions", session, "expire"]:
                return 200, self.things[session]
            case "POST", ["payment_methods", method, "attach"]:
                return self._method(method)
            case "GET", ["payment_methods", method]:
                return self._method(method)
            case "GET", ["customers", customer, "payment_methods"]:
                listed = [self._method("pm_old")[1], self._method("pm_ok")[1]] if customer == "cus_known" else []
                return 200, {"object": "list", "data": listed}
            case "GET", ["customers", "cus_known"]:
                return 200, {"id": "cus_known", "object": "customer", "invoice_settings": {"default_payment_method": "pm_ok"}}
            case "GET", ["payment_intents" | "refunds" as kind]:
                return 200, {"object": "list", "data": self.made({"payment_intents": "pi", "refunds": "re"}[kind])}
            case "GET", [_, name] if name in self.things:
                return 200, self.things[name]
        return 404, failure("invalid_request_error", "resource_missing", f"No such thing: {asked.path}")

    def _method(self, name: str) -> Answer:
        if not name.startswith("pm_"):
            return 404, failure("invalid_request_error", "resource_missing", f"No such PaymentMethod: '{name}'")
        return 200, {"id": name, "object": "payment_method", "type": "card", "card": {"brand": "visa", "last4": "4242"}}

    def _charge(self, body: dict[str, str]) -> Answer:
        if int(body["amount"]) < 50:
            return 400, failure("invalid_request_error", "amount_too_small", "Amount must be at least 50 cents")
        method, is_off_session = body["payment_method"], body.get("off_session") == "true"
        known = {"amount": int(body["amount"]), "currency": body["currency"], "metadata": nested(body, "metadata")}
        intent = self.keep("pi", object="payment_intent", status="succeeded", payment_method=method, customer=body["customer"], **known)
        code = {"pm_declined": "card_declined", "pm_3ds": "authentication_required" if is_off_session else ""}.get(method)
        if code:
            intent["status"] = "requires_payment_method"
            return 402, failure("card_error", code, "Your card was declined.", decline_code=code, payment_intent=intent)
        if method == "pm_3ds":
            intent |= {"status": "requires_action", "next_action": {"type": "use_stripe_sdk"}}
        if method == "pm_slow":
            intent["status"] = "processing"
        if method == "pm_fault":
            return 500, failure("api_error", None, "Something went wrong on our end.")
        return (0 if method == "pm_lost" and sum(one["payment_method"] == "pm_lost" for one in self.made("pi")) == 1 else 200), intent

    def _refund(self, body: dict[str, str]) -> Answer:
        intent = self.things[body["payment_intent"]]
        if sum(one["amount"] for one in self.made("re")) + int(body["amount"]) > intent["amount"] and intent["payment_method"] == "pm_ok":
            return 400, failure("invalid_request_error", "charge_already_refunded", "Charge has already been refunded.")
        status = "pending" if int(body["amount"]) % 100 else "succeeded"
        known = {"amount": int(body["amount"]), "metadata": nested(body, "metadata"), "payment_intent": intent["id"]}
        return 200, self.keep("re", object="refund", status=status, **known)


class _Handler(BaseHTTPRequestHandler):
    server: FakeStripe
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._take(b"")

    def do_POST(self) -> None:
        self._take(self.rfile.read(int(self.headers.get("content-length") or 0)))

    def _take(self, body: bytes) -> None:
        fields = {name: values[-1] for name, values in parse_qs(body.decode()).items()}
        status, found = 401, failure("invalid_request_error", None, "Invalid API Key provided")
        if self.headers["authorization"] == f"Bearer {KEY}":
            asked = Asked(self.command, urlsplit(self.path).path, fields, self.headers.get("idempotency-key"))
            status, found = self.server.answer(asked)
        if status == 0:  # done, and the answer gets lost
            if asked.key:
                self.server._answers[asked.key] = (asked.body, (200, found))
            self.close_connection = True
            return
        content = json.dumps(found).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing."""
