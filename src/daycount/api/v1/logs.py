"""Logs on the wire: requests, activities, and what concerned the safety of an organization."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

from msgspec import Struct

from daycount import errors
from daycount.api.paging import Page, page_of, read_page
from daycount.api.query import Query
from daycount.api.routing import Call, Routes
from daycount.api.wire import Stamp, read_path_uuid, stamp
from daycount.audit import store
from daycount.audit.operations import shown_since
from daycount.audit.records import Activity, ActivityFilter, ApiLog, ApiLogFilter, Family
from daycount.infra.work import Work

routes = Routes("logs")

_METHODS = ("post", "put", "patch", "delete")
_OUTCOMES = ("succeeded", "failed")
_NOBODY = UUID(int=0)
_USER = "user:"


class ApiLogObject(Struct, frozen=True, kw_only=True):
    """A request that changed something, or was refused, and its answer."""

    request_id: str
    client: str
    http_method: str
    http_status: int
    request_origin: str
    request_path: str
    request_body: Mapping[str, Any]
    request_response: Mapping[str, Any]
    api_version: str
    logged_at: Stamp
    created_at: Stamp


class ActivityLogObject(Struct, frozen=True, kw_only=True):
    """Something that happened to a thing; `activity_object_changes` holds the value before and after by field."""

    activity_id: str
    organization_id: str
    activity_type: str
    activity_source: str
    activity_object: Mapping[str, Any] | None
    activity_object_changes: Mapping[str, Any] | None
    user_email: str | None
    resource_id: str
    resource_type: str
    external_customer_id: str | None
    external_subscription_id: str | None
    logged_at: Stamp
    created_at: Stamp


class SecurityLogObject(Struct, frozen=True, kw_only=True):
    """Something that concerned the safety of an organization."""

    log_id: str
    log_type: str
    log_event: str
    user_email: str | None
    resources: Mapping[str, Any]
    device_info: Mapping[str, Any]
    logged_at: Stamp
    created_at: Stamp


Shown = TypeVar("Shown", ActivityLogObject, SecurityLogObject)


def _request(entry: ApiLog) -> ApiLogObject:
    return ApiLogObject(
        request_id=str(entry.id),
        client=entry.client,
        http_method=entry.http_method,
        http_status=entry.http_status,
        request_origin=entry.request_origin,
        request_path=entry.request_path,
        request_body=entry.request_body,
        request_response=entry.request_response,
        api_version="v1",
        logged_at=stamp(entry.logged_at),
        created_at=stamp(entry.logged_at),
    )


def _activity(entry: Activity, user_email: str | None) -> ActivityLogObject:
    return ActivityLogObject(
        activity_id=str(entry.id),
        organization_id=str(entry.organization_id),
        activity_type=entry.activity_type,
        activity_source=entry.source,
        activity_object=entry.object,
        activity_object_changes=entry.changes,
        user_email=user_email,
        resource_id=str(entry.resource_id),
        resource_type=entry.resource_type,
        external_customer_id=entry.external_customer_id,
        external_subscription_id=entry.external_subscription_id,
        logged_at=stamp(entry.logged_at),
        created_at=stamp(entry.logged_at),
    )


def _security(entry: Activity, user_email: str | None) -> SecurityLogObject:
    shown = entry.object or {}
    resources = {
        "lago_id": str(entry.resource_id),
        **{name: shown[name] for name in ("name", "code", "value", "webhook_url") if name in shown},
    }
    changed = {name: {"deleted": before, "added": after} for name, (before, after) in (entry.changes or {}).items()}
    return SecurityLogObject(
        log_id=str(entry.id),
        log_type=entry.activity_type.split(".")[0],
        log_event=entry.activity_type,
        user_email=user_email,
        resources=resources | changed,
        device_info={"actor": entry.actor},
        logged_at=stamp(entry.logged_at),
        created_at=stamp(entry.logged_at),
    )


@routes.get(
    "/api_logs",
    returns=ApiLogObject,
    root_out="api_logs",
    is_list=True,
    parameters=("from_date", "to_date", "http_methods[]", "http_statuses[]", "api_version", "request_paths", "clients[]"),
)
def find_all_api_logs(work: Work, call: Call) -> Page:
    """List requests of the last thirty days that changed something or were refused, the latest first; events are not among them."""
    query = call.query
    statuses = query.many("http_statuses")
    if any(status not in _OUTCOMES and not (status.isascii() and status.isdigit() and len(status) < 5) for status in statuses):
        raise errors.Invalid({"http_statuses": ["value_is_invalid"]})
    wanted = ApiLogFilter(
        since=shown_since(work.now),
        first=query.instant("from_date"),
        last=query.end("to_date"),
        methods=query.members("http_methods", _METHODS),
        statuses=[int(status) for status in statuses if status not in _OUTCOMES],
        outcomes=[status for status in statuses if status in _OUTCOMES],
        paths=query.many("request_paths"),
        clients=query.many("clients"),
    )
    asked = read_page(query)
    if query.one("api_version") not in (None, "v1"):
        return page_of([], asked=asked, total=0)
    found = store.list_api_logs(work.tx, organization_id=work.organization_id, query=wanted, limit=asked.per_page, offset=asked.offset)
    total = store.count_api_logs(work.tx, organization_id=work.organization_id, query=wanted)
    return page_of([_request(entry) for entry in found], asked=asked, total=total)


@routes.get("/api_logs/{request_id}", returns=ApiLogObject, root_out="api_log")
def find_api_log(work: Work, call: Call) -> ApiLogObject:
    """Find a request by its id."""
    log_id = read_path_uuid(call.path["request_id"], "api_log")
    entry = store.find_api_log(work.tx, organization_id=work.organization_id, log_id=log_id, since=shown_since(work.now))
    if entry is None:
        raise errors.NotFound("api_log")
    return _request(entry)


@routes.get(
    "/activity_logs",
    returns=ActivityLogObject,
    root_out="activity_logs",
    is_list=True,
    parameters=(
        "from_date",
        "to_date",
        "activity_types[]",
        "activity_sources[]",
        "user_emails[]",
        "external_customer_id",
        "external_subscription_id",
        "resource_ids[]",
        "resource_types[]",
    ),
)
def find_all_activity_logs(work: Work, call: Call) -> Page:
    """List what happened to things in the last thirty days, the latest first."""
    query = call.query
    wanted = ActivityFilter(
        family=Family.ACTIVITY,
        since=shown_since(work.now),
        first=query.instant("from_date"),
        last=query.end("to_date"),
        types=query.many("activity_types"),
        sources=query.many("activity_sources"),
        actors=_actors(work, call),
        resource_types=query.many("resource_types"),
        resource_ids=_ids(query, "resource_ids"),
        external_customer_id=query.one("external_customer_id"),
        external_subscription_id=query.one("external_subscription_id"),
    )
    return _list(work, call, wanted, _activity)


@routes.get("/activity_logs/{activity_id}", returns=ActivityLogObject, root_out="activity_log")
def find_activity_log(work: Work, call: Call) -> ActivityLogObject:
    """Find an activity by its id."""
    entry = _find(work, call.path["activity_id"], Family.ACTIVITY, "activity_log")
    [shown] = _with_emails(work, call, [entry], _activity)
    return shown


@routes.get(
    "/security_logs",
    returns=SecurityLogObject,
    root_out="security_logs",
    is_list=True,
    parameters=("from_date", "to_date", "user_ids[]", "api_key_ids[]", "log_types[]", "log_events[]"),
)
def find_all_security_logs(work: Work, call: Call) -> Page:
    """List what concerned the safety of the organization up to `to_date`, which must be given, the latest first."""
    query = call.query
    if query.one("to_date") is None:
        raise errors.Invalid({"to_date": ["value_is_mandatory"]})
    events = query.many("log_events")
    types = query.many("log_types")
    wanted = ActivityFilter(
        family=Family.SECURITY,
        since=shown_since(work.now, Family.SECURITY),
        first=query.instant("from_date"),
        last=query.end("to_date"),
        types=events,
        actors=(*(f"user:{value}" for value in query.many("user_ids")), *(f"api_key:{value}" for value in query.many("api_key_ids"))),
        resource_types=[_camel(value) for value in types],
    )
    return _list(work, call, wanted, _security)


@routes.get("/security_logs/{log_id}", returns=SecurityLogObject, root_out="security_log")
def find_security_log(work: Work, call: Call) -> SecurityLogObject:
    """Find an entry of the security log by its id."""
    entry = _find(work, call.path["log_id"], Family.SECURITY, "security_log")
    [shown] = _with_emails(work, call, [entry], _security)
    return shown


def _camel(name: str) -> str:
    return "".join(part.title() for part in name.split("_"))


def _ids(query: Query, name: str) -> list[UUID]:
    """Read ids; what is none leads nowhere."""
    found = []
    for value in query.many(name):
        try:
            found.append(UUID(value))
        except ValueError:
            found.append(_NOBODY)
    return found


def _list(work: Work, call: Call, wanted: ActivityFilter, write: Callable[[Activity, str | None], Shown]) -> Page:
    asked = read_page(call.query)
    found = store.list_activities(work.tx, organization_id=work.organization_id, query=wanted, limit=asked.per_page, offset=asked.offset)
    total = store.count_activities(work.tx, organization_id=work.organization_id, query=wanted)
    return page_of(_with_emails(work, call, found, write), asked=asked, total=total)


def _with_emails(work: Work, call: Call, found: Sequence[Activity], write: Callable[[Activity, str | None], Shown]) -> list[Shown]:
    """Write entries, each with the address of the user who acted, if one did."""
    users = {entry.id: UUID(entry.actor.removeprefix(_USER)) for entry in found if entry.actor.startswith(_USER)}
    emails = call.services.people.find_emails(work.tx, list(set(users.values())))
    return [write(entry, emails.get(users.get(entry.id))) for entry in found]


def _actors(work: Work, call: Call) -> tuple[str, ...]:
    """Return who is meant by addresses; where nobody has them, somebody who never acts."""
    emails = call.query.many("user_emails")
    ids = call.services.people.find_ids(work.tx, emails)
    return tuple(f"{_USER}{user_id}" for user_id in ids or ([_NOBODY] if emails else []))


def _find(work: Work, text: str, family: Family, resource: str) -> Activity:
    entry = store.find_activity(
        work.tx,
        organization_id=work.organization_id,
        activity_id=read_path_uuid(text, resource),
        family=family,
        since=shown_since(work.now, family),
    )
    if entry is None:
        raise errors.NotFound(resource)
    return entry
