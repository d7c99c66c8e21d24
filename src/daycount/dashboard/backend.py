"""
The API as pages use it: its operations, called without HTTP, in the transaction of the page.

A page reads and changes the world by nothing else than what a client of the API has, so screens, replies and documents
cannot differ, and what a role may do is decided where keys are checked. The composition root connects the two.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from daycount.infra.work import Work
from daycount.organizations.records import Caller

Parameters = Sequence[tuple[str, str]]


class Backend(Protocol):
    """What the API does for pages."""

    def call(self, work: Work, caller: Caller, method: str, path: str, *, query: Parameters, body: Any) -> Any:
        """
        Carry out one operation and return its reply as plain data.

        `path` stands below /api/v1 with quoted segments. Decimal numbers come as Decimal. Raises what the operation raises.
        """
        ...

    def advance(self, organization_id: UUID, target: datetime) -> datetime:
        """Move a sandbox's clock, in transactions of its own, and return what it shows."""
        ...

    def send_event(self, organization_id: UUID, event: Mapping[str, Any]) -> tuple[int, Any]:
        """Take one event, in a commit of its own; returns the status and the reply of POST /events."""
        ...


class Made(NamedTuple):
    """A call that a page made: what a client sends to get the same."""

    method: str
    path: str
    query: Parameters
    body: Any
