"""
The ASGI application: reads requests, finds who calls, runs the handler in a thread, writes JSON.

Events take the fast way (`ingest.py`); every other operation is a plain function on a pooled connection. Nothing under
/api/v1 answers with anything but JSON, and nothing redirects.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Any, Protocol
from uuid import UUID

import msgspec
import structlog

from daycount import errors
from daycount.api import measures
from daycount.api.body import read_input, write_reply
from daycount.api.errors import describe, internal_error, of_status
from daycount.api.ingest import Ingest, Reply
from daycount.api.journal import Journal, is_logged, log_answer
from daycount.api.known_keys import KnownKeys
from daycount.api.operations import Administration
from daycount.api.permissions import check_caller
from daycount.api.protocol import Answer, Headers
from daycount.api.query import Query
from daycount.api.rate_limits import Grant, RateLimits
from daycount.api.repeats import HEADER, Promise, key_of
from daycount.api.requests import Request
from daycount.api.routing import Call, Route, Router
from daycount.api.services import Services
from daycount.organizations.operations import is_use_due, note_use, recognize
from daycount.organizations.permissions import WRITE, check_permission
from daycount.organizations.records import Caller
from daycount.organizations.store import share_clock

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_log = structlog.get_logger("api")
_encoder = msgspec.json.Encoder()
_DRAINED = 16
_SINGLE, _BATCH = b"/api/v1/events", b"/api/v1/events/batch"


class Pages(Protocol):
    """The web pages, which answer what the API does not."""

    def answer(
        self, method: str, raw_path: bytes, query: bytes, headers: Mapping[bytes, bytes], body: bytes, *, client: str
    ) -> tuple[int, Headers, bytes] | None:
        """Answer a request, or return None where it is nothing for people."""
        ...


class Server:
    """The ASGI application of one web process."""

    short_paths = frozenset({_SINGLE, _BATCH})

    def __init__(
        self, services: Services, router: Router, ingest: Ingest, administration: Administration, pages: Pages | None = None
    ) -> None:
        self._services = services
        self._router = router
        self._journal = Journal(router)
        self._ingest = ingest
        self._administration = administration
        self._pages = pages
        self._first_segment = router.prefix.strip("/").partition("/")[0].encode()
        self._threads = ThreadPoolExecutor(services.settings.database_pool_size, thread_name_prefix="request")
        self._keys = KnownKeys(self._ask)
        self._tallies = measures.Tallies()
        settings = services.settings
        self._limits = RateLimits(events=settings.rate_limit_events, usage=settings.rate_limit_usage, requests=settings.rate_limit_requests)
        self._beta_operations = {route.operation for resource in router.resources for route in resource.found if route.is_beta}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection of the server: HTTP, or its start and stop."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)

    def take_short(self, path: bytes, headers: Headers, body: bytes, answer: Answer) -> bool:
        """Take events the short way, where the caller is known and the body as it is nearly always; see `protocol.py`."""
        started = time.perf_counter()
        named = dict(headers)
        organization_id = self._keys.find(named)
        if organization_id is None or HEADER in named or len(body) > self._services.settings.max_body_bytes:
            return False
        is_single = path == _SINGLE
        grant = self._limits.take(path, named[b"authorization"])

        def take(reply: Reply) -> None:
            status, content = reply
            self._tallies.note("create_event" if is_single else "create_batch_events", status, time.perf_counter() - started)
            answer(status, _headers_of(content, b"application/json", named, grant), content)

        if (grant is None or not grant.is_refused) and self._ingest.take_plain(organization_id, body, take, is_single=is_single):
            return True
        self._limits.give_back(path, named[b"authorization"])
        return False

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        headers = dict(scope["headers"])
        name = "unknown"
        content_type = b"application/json"
        grant = self._limits.take(raw_path, headers.get(b"authorization", b"")) if self._is_of_api(raw_path) else None
        try:
            body = await _read_body(receive, headers, limit=self._services.settings.max_body_bytes)
            if grant is not None and grant.is_refused:
                raise errors.TooMany
            request = Request(scope["method"], raw_path, scope["query_string"], headers, body)
            if request.method == "POST" and raw_path in (_SINGLE, _BATCH) and key_of(request) is None:
                name = "create_event" if raw_path == _SINGLE else "create_batch_events"
                status, reply = await self._take_events(request)
            else:
                shown = await self._show(request, scope)
                if shown is not None:
                    measures.timer("page", shown[0]).observe(time.perf_counter() - started)
                    await _send(send, shown[0], shown[2], shown[1])
                    return
                name, status, reply, content_type = await self._dispatch(request)
        except errors.DaycountError as error:
            status, described = describe(error)
            reply = _encoder.encode(described)
        except Exception:
            _log.exception("request failed", path=raw_path.decode("latin-1"))
            status, reply = 500, _encoder.encode(internal_error())
        measures.timer(name, status).observe(time.perf_counter() - started)
        sent = _headers_of(reply, content_type, headers, grant)
        if name in self._beta_operations:
            sent.append((b"x-lago-endpoint-status", b"beta"))
        await _send(send, status, reply, sent)

    async def _take_events(self, request: Request) -> Reply:
        organization_id = await self._find_organization(request)
        take = self._ingest.take_single if request.raw_path == _SINGLE else self._ingest.take_batch
        try:
            return await take(organization_id, request.body)
        except (UnicodeDecodeError, RecursionError) as error:
            raise errors.BadRequest("the body is not JSON") from error

    async def _find_organization(self, request: Request) -> UUID:
        """Find the organization of the key; a key found valid is trusted for a second. Raises Unauthenticated, Forbidden."""
        known = self._keys.find(request.headers)
        return known if known is not None else await self._keys.ask(request.headers)

    async def _ask(self, header: bytes) -> UUID:
        """Ask the database whose key a header holds, and whether it may send events."""
        key = _key_of({b"authorization": header})
        caller = await asyncio.get_running_loop().run_in_executor(self._threads, self._recognize, key)
        check_permission(caller.permissions, resource="event", mode=WRITE)
        return caller.organization_id

    def _recognize(self, key: str) -> Caller:
        with self._services.workplace.engine.connect() as tx:
            return recognize(tx, key=key, real_now=self._services.clock.now())

    async def _show(self, request: Request, scope: Scope) -> tuple[int, Headers, bytes] | None:
        """Let the pages answer what is neither of the API nor of the administration."""
        if (
            self._pages is None
            or self._is_of_api(request.raw_path)
            or self._administration.find(request.method, request.raw_path) is not None
        ):
            return None
        client = str((scope.get("client") or ("",))[0])
        show = partial(self._pages.answer, request.method, request.raw_path, request.query, request.headers, request.body, client=client)
        return await asyncio.get_running_loop().run_in_executor(self._threads, show)

    def _is_of_api(self, raw_path: bytes) -> bool:
        return raw_path.lstrip(b"/").split(b"/", 1)[0].split(b"?", 1)[0] == self._first_segment

    async def _dispatch(self, request: Request) -> tuple[str, int, bytes, bytes]:
        operation = self._administration.find(request.method, request.raw_path)
        loop = asyncio.get_running_loop()
        if operation is not None:
            status, reply, content_type = await loop.run_in_executor(self._threads, operation, request.headers, request.body, request.query)
            return "operations", status, reply, content_type
        method = "GET" if request.method == "HEAD" else request.method
        found = self._router.find(method, request.raw_path)
        if found.route is None:
            if found.allowed:
                return "unknown", 405, _encoder.encode(of_status(HTTPStatus.METHOD_NOT_ALLOWED, "method_not_allowed")), b"application/json"
            raise errors.NotFound("resource")
        status, reply = await loop.run_in_executor(self._threads, self._handle, found.route, found.path, request)
        return found.route.operation, status, reply, found.route.content_type.encode()

    def _handle(self, route: Route, path: Mapping[str, str], request: Request) -> Reply:
        """Run a handler in its own transaction; what it raises leaves no trace."""
        if route.pattern in ("/events", "/events/batch") and route.method == "POST":
            return self._handle_events_elsewhere(route, request)
        real_now = self._services.clock.now()
        try:
            caller, reply = self._run(route, path, request, real_now)
        except errors.DaycountError as error:
            self._log_refusal(route, request, error, real_now)
            raise
        if route.pattern.startswith("/api_keys") and route.method != "GET":
            self._keys.forget()
        self._note_use(caller, real_now)
        return 200, reply

    def _run(self, route: Route, path: Mapping[str, str], request: Request, real_now: datetime) -> tuple[Caller, bytes]:
        """Find who calls and run the handler; returns the caller and the reply."""
        key = _key_of(request.headers)
        workplace = self._services.workplace
        with workplace.engine.connect() as tx:
            caller = recognize(tx, key=key, real_now=real_now)
            check_caller(caller, route)
            call = Call(path, Query(request.query), read_input(route, request.body), caller, self._services)
            if route.is_transactional:
                now = caller.frozen_time or real_now
                promise = Promise(tx, request, organization_id=caller.organization_id, at=now)
                if promise.reply is not None:
                    return caller, promise.reply
                if caller.frozen_time is not None and route.method != "GET":
                    now = share_clock(tx, caller.organization_id)
                work = workplace.work_on(
                    tx,
                    now=now,
                    actor=f"api_key:{caller.key_id}",
                    organization_id=caller.organization_id,
                    is_sandbox=caller.frozen_time is not None,
                )
                result = self._journal.carry_out(work, route, call)
                reply = write_reply(route, result)
                promise.keep(reply)
                if is_logged(route):
                    log_answer(work, route, request=request, key_id=caller.key_id, status=200, reply=reply)
                if route.method != "GET":
                    workplace.commit_points.commit(tx, f"api.{route.operation}")
                return caller, reply
        return caller, write_reply(route, route.handler(call))

    def _log_refusal(self, route: Route, request: Request, error: errors.DaycountError, real_now: datetime) -> None:
        """Log a request that was refused, in a transaction of its own; nobody's request belongs to no log."""
        if not is_logged(route) or isinstance(error, errors.Unauthenticated):
            return
        status, described = describe(error)
        with self._services.workplace.engine.begin() as tx:
            caller = recognize(tx, key=_key_of(request.headers), real_now=real_now)
            work = self._services.workplace.work_on(
                tx,
                now=caller.frozen_time or real_now,
                actor=f"api_key:{caller.key_id}",
                organization_id=caller.organization_id,
                is_sandbox=caller.frozen_time is not None,
            )
            log_answer(work, route, request=request, key_id=caller.key_id, status=status, reply=_encoder.encode(described))

    def _note_use(self, caller: Caller, real_now: datetime) -> None:
        """Note that a key was used, in a transaction of its own, since most requests only read."""
        if is_use_due(caller, real_now=real_now):
            with self._services.workplace.engine.begin() as tx:
                note_use(tx, caller, real_now=real_now)

    def _handle_events_elsewhere(self, route: Route, request: Request) -> Reply:
        """Take events that came under another spelling of the path, such as with repeated slashes, or with a key against repeats."""
        caller = self._recognize(_key_of(request.headers))
        check_caller(caller, route)
        take = self._ingest.take_single if route.pattern == "/events" else self._ingest.take_batch
        workplace, at = self._services.workplace, caller.frozen_time or self._services.clock.now()
        try:
            with workplace.engine.connect() as tx:
                promise = Promise(tx, request, organization_id=caller.organization_id, at=at)
                if promise.reply is not None:
                    return 200, promise.reply
                status, reply = asyncio.run(take(caller.organization_id, request.body))
                if status == 200:
                    promise.keep(reply)
                    workplace.commit_points.commit(tx, f"api.{route.operation}.key")
                return status, reply
        except (UnicodeDecodeError, RecursionError) as error:
            raise errors.BadRequest("the body is not JSON") from error


def _key_of(headers: dict[bytes, bytes]) -> str:
    """Return the second word of the Authorization header, whatever the first is. Raises Unauthenticated."""
    words = headers.get(b"authorization", b"").decode("latin-1").split()
    if len(words) < 2:
        raise errors.Unauthenticated
    return words[1]


async def _read_body(receive: Receive, headers: dict[bytes, bytes], *, limit: int) -> bytes:
    """Read the whole body. Raises TooLarge; what exceeds the limit is read and dropped for a while, so that the sender gets the answer."""
    chunks: list[bytes] = []
    size = 0
    declared = headers.get(b"content-length", b"0")
    allowed = limit * _DRAINED
    if declared.isdigit() and int(declared) > allowed:
        raise errors.TooLarge
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise errors.BadRequest("the body ended early")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size <= limit:
            chunks.append(chunk)
        if not message.get("more_body", False) or size > allowed:
            break
    if size > limit:
        raise errors.TooLarge
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def _send(send: Send, status: int, body: bytes, headers: Headers) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _headers_of(body: bytes, content_type: bytes, headers: Mapping[bytes, bytes], grant: Grant | None) -> Headers:
    """Return the headers of an answer, with what is left of the second; the request's id comes back, if it has one."""
    found = [(b"content-type", content_type), (b"content-length", str(len(body)).encode()), *(grant.headers if grant is not None else ())]
    request_id = headers.get(b"x-request-id")
    if request_id is not None:
        found.append((b"x-request-id", request_id))
    return found


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await send({"type": "lifespan.shutdown.complete"})
            return
