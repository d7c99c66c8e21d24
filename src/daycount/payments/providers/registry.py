"""Which implementation speaks to which provider."""

from collections.abc import Mapping

from daycount.organizations.payment_providers.records import SIMULATOR, Connection
from daycount.payments.providers.port import Gateway
from daycount.payments.providers.simulator import Simulator


class Gateways:
    """The providers that can be connected."""

    def __init__(self) -> None:
        self._by_type: Mapping[str, Gateway] = {SIMULATOR: Simulator()}

    def of(self, connection: Connection) -> Gateway:
        """Return who speaks to the provider of a connection."""
        return self._by_type[connection.provider_type]
