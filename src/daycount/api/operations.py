"""What no key is asked for: health, readiness, figures, the OpenAPI document, the making of organizations, webhooks of providers."""

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy.exc import SQLAlchemyError

from daycount import __version__, errors
from daycount.api import measures
from daycount.api.inbound import Inbound, is_inbound
from daycount.api.openapi import describe_api
from daycount.api.routing import Router
from daycount.api.services import Services
from daycount.api.v1.organizations import OrganizationInput, organization_to_wire, read_frozen_time
from daycount.api.wire import decode, read_json
from daycount.given import given
from daycount.infra import agenda, schema
from daycount.invoicing.papers import store as papers
from daycount.invoicing.papers.operations import PATH
from daycount.organizations.entities import store as entities
from daycount.organizations.operations import create_organization, is_admin

Reply = tuple[int, bytes, bytes]
Operation = Callable[[dict[bytes, bytes], bytes, bytes], Reply]
_JSON = b"application/json"
_FILE_TYPES = {"pdf": b"application/pdf", "xml": b"application/xml", "png": b"image/png", "jpeg": b"image/jpeg"}
_encoder = msgspec.json.Encoder()


class Administration:
    """The operations beside /api/v1."""

    def __init__(self, services: Services, router: Router) -> None:
        self._services = services
        self._inbound = Inbound(services)
        self._document = _encoder.encode(describe_api(router))
        self._operations: dict[tuple[str, bytes], Operation] = {
            ("GET", b"/health"): self._health,
            ("GET", b"/ready"): self._ready,
            ("GET", b"/metrics"): self._metrics,
            ("GET", b"/openapi.json"): self._openapi,
            ("POST", b"/admin/organizations"): self._create_organization,
        }

    def find(self, method: str, raw_path: bytes) -> Operation | None:
        """Return the operation of a path, if it is one of these."""
        path = raw_path.split(b"?", 1)[0]
        if method in ("GET", "HEAD") and path.startswith(PATH.encode()):
            return partial(self._show_file, path)
        if method == "POST" and is_inbound(path):
            return partial(self._inbound.receive, path)
        return self._operations.get(("GET" if method == "HEAD" else method, path))

    def _show_file(self, path: bytes, _headers: dict[bytes, bytes], _body: bytes, _query: bytes) -> Reply:
        """Show a document to whoever knows its address. Raises NotFound."""
        name = path.removeprefix(PATH.encode()).decode("ascii", "replace").replace("\x00", "")
        with self._services.workplace.engine.connect() as tx:
            found = papers.find_content(tx, token=name.partition("/")[0].removesuffix(".pdf"))
            logo = entities.find_logo_by_name(tx, name=name) if found is None else None
        if found is not None:
            return 200, found.content, _FILE_TYPES[found.format]
        if logo is not None:
            return 200, logo.content, _FILE_TYPES[logo.format]
        raise errors.NotFound("file")

    def _health(self, _headers: dict[bytes, bytes], _body: bytes, _query: bytes) -> Reply:
        """Say that the process answers."""
        return _json(200, {"version": __version__, "github_url": "", "message": "Success"})

    def _ready(self, _headers: dict[bytes, bytes], _body: bytes, _query: bytes) -> Reply:
        """Say whether the database is there and its schema is the one this version wants."""
        try:
            with self._services.workplace.engine.connect() as tx:
                is_current = schema.is_current(tx)
        except SQLAlchemyError:
            return _json(503, {"status": "database_unavailable"})
        return _json(200, {"status": "ok"}) if is_current else _json(503, {"status": "migrations_pending"})

    def _metrics(self, headers: dict[bytes, bytes], _body: bytes, _query: bytes) -> Reply:
        """Show figures for Prometheus. Raises Unauthenticated where a token is asked for."""
        token = self._services.settings.metrics_token
        if token is not None and token.get_secret_value() != _token_of(headers):
            raise errors.Unauthenticated
        now = self._services.clock.now()
        with self._services.workplace.engine.connect() as tx:
            backlog = agenda.measure_backlog(tx, now=now)
        measures.AGENDA_DUE.set(backlog.due)
        measures.AGENDA_PARKED.set(backlog.parked)
        measures.AGENDA_LAG.set((now - backlog.oldest).total_seconds() if backlog.oldest else 0)
        pool: Any = self._services.workplace.engine.pool
        measures.POOL_USED.set(pool.checkedout())
        return 200, measures.show(), CONTENT_TYPE_LATEST.encode()

    def _openapi(self, _headers: dict[bytes, bytes], _body: bytes, _query: bytes) -> Reply:
        """Show the API's own description."""
        return 200, self._document, _JSON

    def _create_organization(self, headers: dict[bytes, bytes], body: bytes, _query: bytes) -> Reply:
        """Make an organization. Raises Unauthenticated, BadRequest, Invalid."""
        configured = self._services.settings.admin_token
        workplace = self._services.workplace
        with workplace.transaction("admin.create_organization") as tx:
            if not is_admin(tx, token=_token_of(headers), configured=configured.get_secret_value() if configured else None):
                raise errors.Unauthenticated
            source = read_json(body) if body.strip() else {}
            root = source.get("organization") if isinstance(source, dict) else None
            if not isinstance(root, dict) or not root:
                raise errors.BadRequest("param is missing or the value is empty or invalid: organization")
            wanted = decode(OrganizationInput, root)
            clock = given(wanted.test_clock, None)
            organization, key = create_organization(
                tx,
                new_id=workplace.new_id,
                real_now=self._services.clock.now(),
                name=given(wanted.name, None),
                email=given(wanted.email, None),
                country=given(wanted.country, None),
                timezone=given(wanted.timezone, None),
                default_currency=given(wanted.default_currency, None),
                document_number_prefix=given(wanted.document_number_prefix, None),
                frozen_time=None if clock is None else read_frozen_time(clock),
            )
        return _json(200, {"organization": organization_to_wire(organization, api_key=key)})


def _token_of(headers: dict[bytes, bytes]) -> str:
    words = headers.get(b"authorization", b"").decode("latin-1").split()
    return words[1] if len(words) > 1 else ""


def _json(status: int, body: Any) -> Reply:
    return status, _encoder.encode(body), _JSON
