"""
The journal of the API: carries operations out and logs them. What was asked goes to the log of requests, what it did to that of activities.

`LOGGED` is the one table from an operation to its activities. What is not caused by an operation, or by several, such as the making of
invoices, is logged from messages (`activities.py`).
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid5

import msgspec

from daycount import errors
from daycount.api.paging import Page
from daycount.api.requests import Request
from daycount.api.routing import Call, Route, Router
from daycount.api.wire import stamp
from daycount.audit.operations import Happening, log_happenings, log_request
from daycount.audit.records import ApiLog, Family
from daycount.infra.work import Work

_MOST_BYTES: Final = 65_536
"""Bodies and answers that are longer are not kept."""
_MOST_DEPTH: Final = 30
_MAX_INTEGER: Final = 2**63 - 1
_SECRET: Final = re.compile(r"secret|password|passphrase|private_key|hmac|api_key|token", re.IGNORECASE)
_LARGE: Final = {"fees": 25, "charges": 50}
"""Lists that are left out of what is kept of a thing when they are longer."""
_LOGS: Final = ("/api_logs", "/activity_logs", "/security_logs", "/test_clock", "/events")
_KEYS: Final = "/api_keys"
_NAMES: Final = UUID("6f1a4a5e-0c55-5d4b-9d0d-8c7f2c6f3b11")
"""Where ids are made in for things that have a code alone."""


class Logged(NamedTuple):
    """What an operation is logged as; `by` names the field with the id of the resource."""

    activity_type: str
    resource_type: str
    by: str = "lago_id"
    family: Family = Family.ACTIVITY


def _life(thing: str, resource: str, *, named: str | None = None, family: Family = Family.ACTIVITY) -> dict[str, Logged]:
    verbs = {"create": "created", "update": "updated", "destroy": "deleted"}
    return {f"{verb}_{thing}": Logged(f"{named or thing}.{event}", resource, family=family) for verb, event in verbs.items()}


LOGGED: Final[Mapping[str, Logged]] = {
    **_life("billable_metric", "BillableMetric"),
    **_life("plan", "Plan"),
    **_life("customer", "Customer"),
    **_life("coupon", "Coupon"),
    **_life("feature", "Feature"),
    **_life("billing_entity", "BillingEntity", named="billing_entities"),
    **_life("subscription", "Subscription"),
    "create_wallet": Logged("wallet.created", "Wallet"),
    "create_customer_wallet": Logged("wallet.created", "Wallet"),
    "update_wallet": Logged("wallet.updated", "Wallet"),
    "update_customer_wallet": Logged("wallet.updated", "Wallet"),
    "create_wallet_transaction": Logged("wallet_transaction.created", "Wallet", by="lago_wallet_id"),
    "create_applied_coupon": Logged("applied_coupon.created", "Coupon", by="lago_coupon_id"),
    "destroy_applied_coupon": Logged("applied_coupon.deleted", "Coupon", by="lago_coupon_id"),
    "create_payment": Logged("payment.recorded", "Invoice", by="lago_payable_id"),
    "create_payment_request": Logged("payment_request.created", "PaymentRequest"),
    "create_quote": Logged("quote.created", "Quote"),
    "update_quote_version": Logged("quote.updated", "Quote", by="lago_quote_id"),
    "approve_quote_version": Logged("quote.approved", "Quote", by="lago_quote_id"),
    "void_quote_version": Logged("quote.voided", "Quote", by="lago_quote_id"),
    "clone_quote_version": Logged("quote.version_created", "Quote", by="lago_quote_id"),
    "mark_order_form_as_signed": Logged("order_form.signed", "OrderForm"),
    "void_order_form": Logged("order_form.voided", "OrderForm"),
    "execute_order": Logged("order.executed", "Order"),
    "create_credit_note": Logged("credit_note.created", "CreditNote"),
    **_life("api_key", "ApiKey", family=Family.SECURITY),
    "rotate_api_key": Logged("api_key.rotated", "ApiKey", family=Family.SECURITY),
    **_life("webhook_endpoint", "WebhookEndpoint", family=Family.SECURITY),
}
_PLAN: Final = "/plans/{code}"
_PARTS_OF_PLANS: Final = frozenset(
    {
        *(f"{verb}_plan_{part}" for verb in ("create", "update", "destroy") for part in ("charge", "charge_filter", "fixed_charge")),
        *(f"{verb}_plan_metadata" for verb in ("replace", "merge", "delete_all")),
        "delete_plan_metadata_key",
    }
)
"""Operations that change a part of a plan, and so the plan."""
_ALSO_SECURITY: Final = frozenset({"create_billing_entity", "update_billing_entity"})


class Journal:
    """Carries operations out and logs them."""

    def __init__(self, router: Router) -> None:
        routes = [route for resource in router.resources for route in resource.found]
        self._finders: dict[str, Callable[..., Any]] = {
            route.pattern: route.handler for route in routes if route.method == "GET" and "{" in route.pattern
        }
        self._finders["/customers"] = self._finders["/customers/{external_customer_id}"]

    def carry_out(self, work: Work, route: Route, call: Call) -> Any:
        """Run a handler and log what it did. Raises what the handler raises."""
        if route.operation in _PARTS_OF_PLANS:
            return self._change_part(work, route, call)
        logged = LOGGED.get(route.operation)
        if logged is None:
            return route.handler(work, call)
        before = self._look(work, route, call)
        result = route.handler(work, call)
        items = result.items if isinstance(result, Page) else result if isinstance(result, list) else [result]
        shown = [_as_sent(item) for item in items]
        found = [_happening(work, route.operation, logged, item, before) for item in shown]
        log_happenings(work, [item for item in found if item is not None])
        if route.operation in _ALSO_SECURITY:
            security = Logged(logged.activity_type.replace("billing_entities", "billing_entity"), "BillingEntity", family=Family.SECURITY)
            again = [_happening(work, route.operation, security, item, before) for item in shown]
            log_happenings(work, [item for item in again if item is not None])
        return result

    def _change_part(self, work: Work, route: Route, call: Call) -> Any:
        """Run a handler that changes a part of a plan, and log what became of the plan."""
        before = self._show(work, _PLAN, call)
        result = route.handler(work, call)
        after = self._show(work, _PLAN, call)
        found = None if after is None else _happening(work, route.operation, LOGGED["update_plan"], dict(after), before)
        log_happenings(work, [] if found is None else [found])
        return result

    def _look(self, work: Work, route: Route, call: Call) -> Mapping[str, Any] | None:
        """Return a thing as it is before it is changed; None for what is made, or cannot be found."""
        if not (route.method == "PUT" or route.operation == "create_customer") or route.pattern not in self._finders:
            return None
        path = call.path
        if route.operation == "create_customer":
            path = {"external_customer_id": str(call.body.external_id)}
        return self._show(work, route.pattern, call._replace(path=path))

    def _show(self, work: Work, pattern: str, call: Call) -> Mapping[str, Any] | None:
        """Return what a GET of a pattern would show; None where there is nothing."""
        try:
            found: Mapping[str, Any] = _as_sent(self._finders[pattern](work, call._replace(body=None)))
        except errors.DaycountError:
            return None
        return found


def _as_sent(item: Any) -> Any:
    """Return an object of the API as whoever gets it reads it: parts of it may be JSON already."""
    return msgspec.json.decode(msgspec.json.encode(item))


def is_logged(route: Route) -> bool:
    """Tell whether requests of a route are kept: those that change something, but for events and the clock."""
    return route.method != "GET" and route.is_transactional and not route.pattern.startswith(_LOGS)


def log_answer(work: Work, route: Route, *, request: Request, key_id: UUID, status: int, reply: bytes) -> None:
    """Log a request and its answer, in the work's transaction."""
    headers = request.headers
    is_secret = route.pattern.startswith(_KEYS)
    host = headers.get(b"host", b"").decode("latin-1")
    scheme = headers.get(b"x-forwarded-proto", b"http").decode("latin-1")
    entry = ApiLog(
        id=work.new_id(),
        organization_id=work.organization_id,
        api_key_id=key_id,
        client=_text(headers.get(b"user-agent", b"")),
        http_method=route.method.lower(),
        http_status=status,
        request_origin=_text(f"{scheme}://{host}/".encode()),
        request_path=_text(request.raw_path.split(b"?", 1)[0]),
        request_body={} if is_secret else kept(request.body),
        request_response={} if is_secret else kept(reply),
        logged_at=work.now,
    )
    log_request(work, entry)


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace").replace("\x00", "")[:2000]


def kept(text: bytes) -> Any:
    """Return what is kept of a JSON text: an object without secrets; nothing of what is no object, or too long."""
    if not text.strip() or len(text) > _MOST_BYTES:
        return {}
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return _without_secrets(value, _MOST_DEPTH) if isinstance(value, dict) else {}


def _without_secrets(value: Any, depth: int) -> Any:
    match value:
        case dict() if depth:
            return {
                key.replace("\x00", ""): "[hidden]" if isinstance(item, str) and _SECRET.search(key) else _without_secrets(item, depth - 1)
                for key, item in value.items()
            }
        case list() if depth:
            return [_without_secrets(item, depth - 1) for item in value]
        case dict() | list():
            return None
        case str():
            return value.replace("\x00", "")
        case int() if abs(value) > _MAX_INTEGER:
            return str(value)
        case _:
            return value


def _happening(work: Work, operation: str, logged: Logged, shown: dict[str, Any], before: Mapping[str, Any] | None) -> Happening | None:
    activity_type: str | None = logged.activity_type
    if operation == "create_customer" and before is not None:
        activity_type = "customer.updated"
    if operation in ("create_subscription", "destroy_subscription"):
        activity_type = _life_of_subscription(shown, at=work.now)
    if operation == "execute_order" and shown["status"] != "executed":
        activity_type = None
    if activity_type is None:
        return None
    kept_of_it = {name: value for name, value in shown.items() if not (name in _LARGE and len(value) > _LARGE[name])}
    if logged.resource_type == "ApiKey":
        kept_of_it["value"] = shown["value"][-4:]
    return Happening(
        activity_type=activity_type,
        resource_type=logged.resource_type,
        resource_id=_id_of(work, logged, shown),
        object=_without_secrets(kept_of_it, _MOST_DEPTH),
        changes=_changes(before, kept_of_it) if activity_type.endswith(".updated") else None,
        external_customer_id=shown.get("external_id") if logged.resource_type == "Customer" else shown.get("external_customer_id"),
        external_subscription_id=shown.get("external_id") if logged.resource_type == "Subscription" else None,
        family=logged.family,
    )


def _id_of(work: Work, logged: Logged, shown: Mapping[str, Any]) -> UUID:
    """Return the id of the resource; what has a code alone gets one made from it."""
    own = shown.get(logged.by)
    return UUID(own) if own else uuid5(_NAMES, f"{work.organization_id} {logged.resource_type} {shown.get('code')}")


def _life_of_subscription(shown: Mapping[str, Any], *, at: datetime) -> str | None:
    """Return what happened to a subscription that was asked for or ended; nothing to one that was there or has to wait."""
    match shown["status"]:
        case "active" if shown["activated_at"] == stamp(at):
            return "subscription.started"
        case "terminated" | "canceled" | "incomplete":
            return f"subscription.{shown['status']}"
        case _:
            return None


def _changes(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> dict[str, Any]:
    if before is None:
        return {}
    found = {name: [before.get(name), value] for name, value in after.items() if name != "updated_at" and before.get(name) != value}
    changed: dict[str, Any] = _without_secrets(found, _MOST_DEPTH)
    return changed
