"""Templates: Jinja with escaping on and missing values forbidden, and the filters that write figures for people."""

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit
from zoneinfo import ZoneInfo

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from daycount.dashboard import charts, formats, messages
from daycount.dashboard.icons import ICONS
from daycount.dashboard.money_input import write_cents
from daycount.dashboard.rate_card import rates_of
from daycount.dashboard.static import address_of

STATUSES: Final = {
    "active": ("good", "check"),
    "succeeded": ("good", "check"),
    "finalized": ("good", "check"),
    "paid": ("good", "check"),
    "available": ("good", "check"),
    "settled": ("good", "check"),
    "billed": ("good", "check"),
    "counted": ("good", "check"),
    "pending": ("calm", "hourglass"),
    "draft": ("calm", "draft"),
    "generating": ("calm", "hourglass"),
    "processing": ("calm", "hourglass"),
    "incomplete": ("warn", "hourglass"),
    "retrying": ("warn", "hourglass"),
    "partially_paid": ("warn", "hourglass"),
    "overdue": ("bad", "alert"),
    "failed": ("bad", "alert"),
    "not_billed": ("warn", "alert"),
    "terminated": ("quiet", "cross"),
    "canceled": ("quiet", "cross"),
    "voided": ("quiet", "cross"),
    "consumed": ("quiet", "dot"),
    "expired": ("quiet", "cross"),
    "refunded": ("quiet", "dot"),
}
"""The tone and the icon of each status; its word stands beside them always."""
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


class Renderer:
    """Renders templates of this package."""

    def __init__(self) -> None:
        self._environment = Environment(
            loader=PackageLoader("daycount.dashboard"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.filters.update(_filters())
        self._environment.globals.update(
            icon=icon,
            status_of=status_of,
            static=address_of,
            charts=charts,
            path=_path,
            path_of=_path_of,
            path_below=_path_below,
            with_query=with_query,
            plural=formats.plural,
        )

    def render(self, template: str, values: Mapping[str, Any]) -> bytes:
        """Render a template as UTF-8."""
        return self._environment.get_template(template).render(**values).encode()


def _filters() -> dict[str, Callable[..., Any]]:
    return {
        "money": formats.money,
        "money_code": formats.money_with_code,
        "major": formats.major,
        "unit_price": formats.unit_price,
        "units": formats.units,
        "percent": formats.percent,
        "day": formats.day,
        "local_day": formats.local_day,
        "moment": formats.moment,
        "exact": formats.exact_moment,
        "ago": formats.ago,
        "words": formats.words,
        "sentence": formats.sentence,
        "initials": formats.initials,
        "shorten": formats.shorten,
        "plain": formats.plain,
        "segment": _segment,
        "message": messages.of_field,
        "pretty": pretty_json,
        "period": formats.day_range,
        "input_amount": write_cents,
        "rates_of": rates_of,
        "pair": _pair,
        "twice": lambda value: (value, value),
        "as_zone": ZoneInfo,
    }


def icon(name: str) -> Markup:
    """Draw an icon; it says nothing to screen readers, words stand beside it."""
    shape = '<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d="{}"/></svg>'
    return Markup(shape).format(ICONS[name])  # noqa: S704 - a constant; what is put in is escaped


def status_of(code: str) -> tuple[str, str]:
    """Return the tone and the icon of a status."""
    return STATUSES.get(code, ("quiet", "dot"))


def _pair(item: Mapping[str, Any], value: str, words: str) -> tuple[str, str]:
    return str(item[value]), str(item[words] or item[value])


def _segment(value: Any) -> str:
    return quote(str(value), safe="")


def _path(*segments: Any) -> str:
    """Join segments to a path, each quoted whole."""
    return "/" + "/".join(quote(str(segment), safe="") for segment in segments)


def _path_of(url: str) -> str:
    """Return where on this server an address of ours leads."""
    return urlsplit(url).path


def _path_below(parent: str, *segments: Any) -> str:
    """Join segments to a path that is quoted already."""
    return parent + _path(*segments)


def with_query(pairs: list[tuple[str, str]], **changes: Any) -> str:
    """Return a query with some values changed; None takes one out."""
    kept = [(name, value) for name, value in pairs if name not in changes and name != "done" and value]
    kept.extend((name, str(value)) for name, value in changes.items() if value is not None and value != "")
    return "?" + urlencode(kept)


def pretty_json(value: Any) -> str:
    """Write plain data as JSON for people."""
    return msgspec.json.format(_ENCODER.encode(value), indent=2).decode()
