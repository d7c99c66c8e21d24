"""
The API from inside the process: an operation is carried out in a transaction that somebody else opened.

The pages use it. Routing, reading of input, permissions and writing of replies are those of a request over HTTP; only
HTTP itself, the key and the commit are left out.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec

from daycount import errors
from daycount.api.body import read_input, write_reply
from daycount.api.ingest import Ingest
from daycount.api.journal import Journal
from daycount.api.permissions import check_caller
from daycount.api.query import Query
from daycount.api.routing import Call, Router
from daycount.api.services import Services
from daycount.api.wire import json_decoder
from daycount.infra.work import Work
from daycount.organizations.records import Caller

_encoder = msgspec.json.Encoder()


class Inside:
    """Calls operations for callers that are known already."""

    def __init__(self, services: Services, router: Router, ingest: Ingest) -> None:
        self._services = services
        self._router = router
        self._journal = Journal(router)
        self._ingest = ingest

    def call(self, work: Work, caller: Caller, method: str, path: str, *, query: Sequence[tuple[str, str]], body: Any) -> Any:
        """Carry out one operation below the API's prefix; returns the reply as plain data. Raises what it raises, Forbidden."""
        found = self._router.find(method, f"{self._router.prefix}{path}".encode())
        if found.route is None:
            raise errors.NotFound("resource")
        assert found.route.is_transactional, path
        check_caller(caller, found.route)
        sent = b"" if body is None else _encoder.encode(body)
        call = Call(found.path, Query(urlencode(query).encode()), read_input(found.route, sent), caller, self._services)
        reply = write_reply(found.route, self._journal.carry_out(work, found.route, call))
        return json_decoder.decode(reply) if reply else None

    def advance(self, organization_id: UUID, target: datetime) -> datetime:
        """Move a sandbox's clock; returns when everything due until then has happened."""
        return self._services.advance_clock(organization_id, target)

    def send_event(self, organization_id: UUID, event: Mapping[str, Any]) -> tuple[int, Any]:
        """Take one event; returns when it is durable."""
        status, reply = asyncio.run(self._ingest.take_single(organization_id, _encoder.encode({"event": event})))
        return status, json_decoder.decode(reply)
