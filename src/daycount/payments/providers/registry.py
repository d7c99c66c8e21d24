"""Which implementation speaks to which provider."""

from collections.abc import Mapping

from daycount.organizations.payment_providers.records import SIMULATOR, STRIPE, Connection
from daycount.payments.providers.port import Gateway
from daycount.payments.providers.simulator import Simulator
from daycount.payments.providers.stripe_gateway import Stripe


class Gateways:
    """The providers that can be connected; Stripe is spoken to at `stripe_url`, with `timeout_s` seconds for each answer."""

    def __init__(self, *, stripe_url: str, timeout_s: int) -> None:
        self._by_type: Mapping[str, Gateway] = {SIMULATOR: Simulator(), STRIPE: Stripe(api_url=stripe_url, timeout_s=timeout_s)}

    def of(self, connection: Connection) -> Gateway:
        """Return who speaks to the provider of a connection."""
        return self._by_type[connection.provider_type]
