"""Instants as stories write them: ISO 8601 with an offset."""

from datetime import datetime, timedelta
from decimal import Decimal


def unix(instant: str) -> str:
    """Write an instant as events carry it: seconds since 1970, with their fraction."""
    moment = datetime.fromisoformat(instant)
    fraction = f".{moment.microsecond:06}".rstrip("0") if moment.microsecond else ""
    return f"{Decimal(int(moment.replace(microsecond=0).timestamp()))}{fraction}"


def a_second_before(instant: str) -> str:
    """Return the instant one second earlier."""
    return (datetime.fromisoformat(instant) - timedelta(seconds=1)).isoformat()
