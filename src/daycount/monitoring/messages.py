"""What monitoring announces."""

from msgspec import Struct

from daycount.monitoring.records import TriggeredAlert


class AlertTriggered(Struct, frozen=True):
    """A value crossed levels of an alert; it is stored."""

    triggered: TriggeredAlert
