"""Webhooks of payment providers: `POST /webhooks/PROVIDER/ORGANIZATION?code=CONNECTION`, whose sender is known by the signature alone."""

from typing import Final

from daycount import errors
from daycount.api.query import Query
from daycount.api.services import Services
from daycount.catalog.fields import read_uuid
from daycount.organizations.payment_providers.records import CONNECTABLE, NAMED, Connection
from daycount.organizations.store import find_clock, share_clock
from daycount.payments.inbound.operations import find_connection
from daycount.payments.providers.port import Told, WebhookCall

_PATH: Final = b"/webhooks/"
_PROVIDERS: Final = tuple(_PATH + name.encode() + b"/" for name in sorted(NAMED))
_POINT: Final = "webhooks.hear"


def is_inbound(path: bytes) -> bool:
    """Tell whether a path names a payment provider; the pages have others below the same word."""
    return path.startswith(_PROVIDERS)


class Inbound:
    """Takes the webhooks of payment providers."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def receive(self, path: bytes, headers: dict[bytes, bytes], body: bytes, query: bytes) -> tuple[int, bytes, bytes]:
        """
        Do what follows from a webhook; one that was taken before is answered with 200 and does nothing.

        Raises NotFound (payment_provider), BadRequest where the signature is not right, ProviderFailed.
        """
        provider_type, _, rest = path.removeprefix(_PATH).decode("ascii", "replace").partition("/")
        organization_id = read_uuid(rest)
        if provider_type not in CONNECTABLE or organization_id is None:
            raise errors.NotFound("payment_provider")
        code = Query(query).one("code")
        workplace, at = self._services.workplace, self._services.clock.now()
        with workplace.engine.connect() as tx:
            work = workplace.work_on(tx, now=at, actor=provider_type, organization_id=organization_id, is_sandbox=False)
            connection = find_connection(work, provider_type=provider_type, code=code)
        named = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers.items()}
        told = self._services.hearing.read(connection, WebhookCall(headers=named, body=body, at=at))
        self._hear(connection, told, body)
        return 200, b"", b"application/json"

    def _hear(self, connection: Connection, told: Told, body: bytes) -> None:
        workplace = self._services.workplace
        with workplace.transaction(_POINT) as tx:
            is_sandbox = find_clock(tx, connection.organization_id) is not None
            now = share_clock(tx, connection.organization_id) if is_sandbox else self._services.clock.now()
            work = workplace.work_on(
                tx,
                now=now,
                actor=connection.provider_type,
                organization_id=connection.organization_id,
                is_sandbox=is_sandbox,
            )
            self._services.hearing.hear(work, connection, told, payload=body.decode("utf-8", "replace").replace("\x00", ""))
