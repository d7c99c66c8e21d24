"""API keys on the wire. A key's value is shown when it is made, and never again."""

from datetime import datetime
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from daycount import errors
from daycount.api.paging import Page, page_of, read_page
from daycount.api.routing import Call, Routes
from daycount.api.wire import Stamp, read_path_uuid, stamp, stamp_or_none
from daycount.given import given, is_given
from daycount.infra.work import Work
from daycount.organizations import key_store, keys
from daycount.organizations.permissions import show_permissions
from daycount.organizations.records import ApiKey
from daycount.periods import parse_instant

routes = Routes("api_keys")


class ApiKeyInput(Struct, frozen=True, kw_only=True):
    """A key as a caller gives it; `permissions` maps resources to "read" and "write", null is everything."""

    name: str | None | UnsetType = UNSET
    permissions: dict[str, Any] | None | UnsetType = UNSET
    expires_at: str | None | UnsetType = UNSET


class RotationInput(Struct, frozen=True, kw_only=True):
    """How a key is replaced; `expires_at` is when the old one ends, absent is now."""

    expires_at: str | None | UnsetType = UNSET


class ApiKeyObject(Struct, frozen=True, kw_only=True):
    """A key; `value` is whole in the answer that makes it, and its last four characters elsewhere."""

    lago_id: str
    name: str | None
    value: str
    permissions: dict[str, list[str]]
    created_at: Stamp
    expires_at: Stamp | None
    last_used_at: Stamp | None


def to_wire(key: ApiKey, value: str | None = None) -> ApiKeyObject:
    """Write a key."""
    return ApiKeyObject(
        lago_id=str(key.id),
        name=key.name,
        value=value or f"••••••••{key.last_four}",
        permissions=show_permissions(key.permissions),
        created_at=stamp(key.created_at),
        expires_at=stamp_or_none(key.expires_at),
        last_used_at=stamp_or_none(key.last_used_at),
    )


@routes.post("/api_keys", accepts=ApiKeyInput, root_in="api_key", returns=ApiKeyObject, root_out="api_key", is_extension=True)
def create_api_key(work: Work, call: Call) -> ApiKeyObject:
    """Make an API key; its value is shown this once."""
    made = keys.make_key(
        work,
        name=given(call.body.name, None),
        permissions=given(call.body.permissions, None),
        expires_at=_instant(given(call.body.expires_at, None)),
        real_now=call.services.clock.now(),
    )
    return to_wire(made.key, made.value)


@routes.get("/api_keys", returns=ApiKeyObject, root_out="api_keys", is_list=True, is_extension=True)
def find_all_api_keys(work: Work, call: Call) -> Page:
    """List API keys, newest first, expired ones included."""
    asked = read_page(call.query)
    found = key_store.list_keys(work.tx, organization_id=work.organization_id, limit=asked.per_page, offset=asked.offset)
    return page_of([to_wire(key) for key in found], asked=asked, total=key_store.count_keys(work.tx, organization_id=work.organization_id))


@routes.get("/api_keys/{lago_id}", returns=ApiKeyObject, root_out="api_key", is_extension=True)
def find_api_key(work: Work, call: Call) -> ApiKeyObject:
    """Find an API key."""
    return to_wire(keys.get_key(work, read_path_uuid(call.path["lago_id"], "api_key")))


@routes.put("/api_keys/{lago_id}", accepts=ApiKeyInput, root_in="api_key", returns=ApiKeyObject, root_out="api_key", is_extension=True)
def update_api_key(work: Work, call: Call) -> ApiKeyObject:
    """Rename or restrict an API key."""
    changes = {name: getattr(call.body, name) for name in ("name", "permissions") if is_given(getattr(call.body, name))}
    return to_wire(keys.change_key(work, read_path_uuid(call.path["lago_id"], "api_key"), changes=changes))


@routes.post(
    "/api_keys/{lago_id}/rotate", accepts=RotationInput, root_in="api_key", returns=ApiKeyObject, root_out="api_key", is_extension=True
)
def rotate_api_key(work: Work, call: Call) -> ApiKeyObject:
    """Replace an API key by one with the same permissions; the old one expires now or when the body says."""
    made = keys.rotate_key(
        work,
        read_path_uuid(call.path["lago_id"], "api_key"),
        expires_at=_instant(given(call.body.expires_at, None)),
        real_now=call.services.clock.now(),
    )
    return to_wire(made.key, made.value)


@routes.delete("/api_keys/{lago_id}", returns=ApiKeyObject, root_out="api_key", is_extension=True)
def destroy_api_key(work: Work, call: Call) -> ApiKeyObject:
    """Let an API key expire now; the last one that does not expire stays."""
    key_id = read_path_uuid(call.path["lago_id"], "api_key")
    return to_wire(keys.expire_key(work, key_id, real_now=call.services.clock.now()))


def _instant(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        return parse_instant(text)
    except ValueError as error:
        raise errors.Invalid({"expires_at": ["invalid_date"]}) from error
