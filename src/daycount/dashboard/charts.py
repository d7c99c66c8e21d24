"""
Charts as SVG, made on the server: they need no script, print, and stand beside a table that says the same.

Figures are exact until they become places on the drawing, which are whole tenths of a unit. Colours and strokes are
classes of the style sheet.
"""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, NamedTuple

from markupsafe import Markup

from daycount.dashboard.formats import units

_TENTHS: Final = 10


class Bar(NamedTuple):
    """One day of a bar chart; `label` is written below some of the bars, `title` says it all."""

    label: str
    value: Decimal
    title: str


class Span(NamedTuple):
    """A part of a line, by its share of the whole: 0 is the left end, 1 the right one."""

    start: Fraction
    end: Fraction
    tone: str
    title: str


class Mark(NamedTuple):
    """A place on a line with a name."""

    at: Fraction
    label: str
    tone: str


class Row(NamedTuple):
    """A named line of spans, such as a seat, with what it comes to."""

    name: str
    spans: Sequence[Span]
    figure: str


class Point(NamedTuple):
    """A place on a curve."""

    x: Decimal
    y: Decimal


def usage_bars(bars: Sequence[Bar], *, passed: int, title: str, description: str, width: int = 480, height: int = 170) -> Markup:
    """Draw a bar a day, and the running total of the `passed` days as a line; both start at zero and have their own scale."""
    left, right, top, bottom = 8, 8, 14, 24
    plot_width, plot_height = width - left - right, height - top - bottom
    most = max((bar.value for bar in bars), default=Decimal(0))
    total = sum((max(bar.value, Decimal(0)) for bar in bars), Decimal(0))
    step = Fraction(plot_width, max(len(bars), 1))
    every = max(1, -(-len(bars) // 8))
    parts: list[Markup] = [
        _line(left, top + plot_height, width - right, top + plot_height, "axis"),
        *(
            _line(left, top + plot_height * share // 4, width - right, top + plot_height * share // 4, "grid")
            for share in (1, 2, 3)
            if most > 0
        ),
    ]
    running, points = Decimal(0), []
    for number, bar in enumerate(bars):
        x = left + step * number
        tall = Fraction(0) if most <= 0 else max(Fraction(bar.value) / Fraction(most) * plot_height, Fraction(0))
        if bar.value > 0:
            tall = max(tall, Fraction(2))
        running += max(bar.value, Decimal(0))
        parts.append(
            _tag(
                '<rect class="bar" x="{}" y="{}" width="{}" height="{}" rx="1.5"><title>{}</title></rect>',
                _place(x + step / 8),
                _place(top + plot_height - tall),
                _place(step * 3 / 4),
                _place(tall),
                bar.title,
            )
        )
        if total > 0 and number < passed:
            points.append((x + step / 2, top + plot_height - Fraction(running) / Fraction(total) * plot_height))
        if number % every == 0:
            parts.append(_text(x + step / 2, height - 6, bar.label, "tick", anchor="middle"))
    if len(points) > 1:
        parts.append(_polyline(points, "total"))
    if most > 0:
        parts.append(_text(left, 10, f"{units(most)} a day at most", "tick"))
        parts.append(_text(width - right, 10, f"{units(total)} in all", "tick", anchor="end"))
    return _svg(parts, width=width, height=height, title=title, description=description, kind="chart")


def timeline(spans: Sequence[Span], marks: Sequence[Mark], *, title: str, description: str, width: int = 720) -> Markup:
    """Draw a life to scale: its stretches as a bar, its instants as marks above and below it."""
    height, top = 70, 26
    parts = [
        _tag('<rect class="track" x="0" y="{}" width="{}" height="14" rx="7"/>', str(top), str(width)),
        *(_span(span, width=width, x=0, y=top, height=14) for span in spans),
    ]
    for number, mark in enumerate(marks):
        x = mark.at * width
        is_above = number % 2 == 0
        anchor = "start" if mark.at < Fraction(1, 8) else "end" if mark.at > Fraction(7, 8) else "middle"
        parts.append(_line(x, top - 6 if is_above else top + 14, x, top if is_above else top + 20, f"mark {mark.tone}"))
        parts.append(_text(x, top - 11 if is_above else top + 34, mark.label, f"tick {mark.tone}", anchor=anchor))
    return _svg(parts, width=width, height=height, title=title, description=description, kind="timeline")


def strips(rows: Sequence[Row], labels: Sequence[Mark], *, title: str, description: str, width: int = 720) -> Markup:
    """Draw named lines below each other on one scale of days: who was there when."""
    name_width, figure_width, row_height, top = 150, 80, 24, 20
    line = width - name_width - figure_width
    height = top + row_height * len(rows) + 6
    parts: list[Markup] = []
    for mark in labels:
        x = name_width + mark.at * line
        parts.append(_line(x, top - 2, x, height - 6, "grid"))
        parts.append(_text(x, 12, mark.label, "tick", anchor="middle" if 0 < mark.at < 1 else "start" if mark.at == 0 else "end"))
    for number, row in enumerate(rows):
        y = top + row_height * number
        parts.append(_text(0, y + 16, _cut(row.name, 20), "name"))
        parts.append(_tag('<rect class="track" x="{}" y="{}" width="{}" height="12" rx="3"/>', str(name_width), str(y + 6), str(line)))
        parts.extend(_span(span, width=line, x=name_width, y=y + 6, height=12) for span in row.spans)
        parts.append(_text(width, y + 16, row.figure, "figure", anchor="end"))
    return _svg(parts, width=width, height=height, title=title, description=description, kind="strips")


def curve(points: Sequence[Point], *, title: str, description: str, width: int = 360, height: int = 160) -> Markup:
    """Draw amounts over units, straight between the points that were priced."""
    left, right, top, bottom = 8, 8, 18, 22
    plot_width, plot_height = width - left - right, height - top - bottom
    widest = max((point.x for point in points), default=Decimal(0)) or Decimal(1)
    highest = max((point.y for point in points), default=Decimal(0)) or Decimal(1)
    placed = [
        (left + Fraction(point.x) / Fraction(widest) * plot_width, top + plot_height - Fraction(point.y) / Fraction(highest) * plot_height)
        for point in points
    ]
    parts = [
        _line(left, top + plot_height, width - right, top + plot_height, "axis"),
        _line(left, top, left, top + plot_height, "axis"),
        _polyline(placed, "total"),
        *(
            _tag('<circle class="dot" cx="{}" cy="{}" r="2.5"><title>{}</title></circle>', _place(x), _place(y), _said(point))
            for (x, y), point in zip(placed, points, strict=True)
        ),
        _text(left, 11, units(highest), "tick"),
        _text(width - right, height - 6, f"{units(widest)} units", "tick", anchor="end"),
        _text(left, height - 6, "0", "tick"),
    ]
    return _svg(parts, width=width, height=height, title=title, description=description, kind="chart")


def trend(values: Sequence[Decimal], *, title: str, width: int = 120, height: int = 28) -> Markup:
    """Draw a small line without axes."""
    if len(values) < 2:
        return Markup("")
    least, most = min(values), max(values)
    reach = Fraction(most) - Fraction(least) or Fraction(1)
    step = Fraction(width - 4, len(values) - 1)
    points = [
        (2 + step * number, height - 3 - (Fraction(value) - Fraction(least)) / reach * (height - 6)) for number, value in enumerate(values)
    ]
    return _svg([_polyline(points, "total")], width=width, height=height, title=title, description="", kind="trend")


def columns(bars: Sequence[Bar], *, title: str, description: str, width: int = 720, height: int = 200) -> Markup:
    """Draw a bar a month, each with its figure's place on one scale; bars below zero hang down."""
    left, right, top, bottom = 8, 8, 16, 24
    plot_width, plot_height = width - left - right, height - top - bottom
    most = max([Decimal(0), *(bar.value for bar in bars)])
    least = min([Decimal(0), *(bar.value for bar in bars)])
    reach = Fraction(most) - Fraction(least) or Fraction(1)
    zero = top + Fraction(most) / reach * plot_height if most > least else Fraction(top + plot_height)
    step = Fraction(plot_width, max(len(bars), 1))
    parts = [_line(left, zero, width - right, zero, "axis")]
    for number, bar in enumerate(bars):
        tall = abs(Fraction(bar.value)) / reach * plot_height
        x, y = left + step * number, zero - tall if bar.value >= 0 else zero
        shape = '<rect class="bar{}" x="{}" y="{}" width="{}" height="{}" rx="2"><title>{}</title></rect>'
        parts.append(
            _tag(shape, "" if bar.value >= 0 else " below", _place(x + step / 6), _place(y), _place(step * 2 / 3), _place(tall), bar.title)
        )
        parts.append(_text(x + step / 2, height - 6, bar.label, "tick", anchor="middle"))
    return _svg(parts, width=width, height=height, title=title, description=description, kind="months")


def _svg(parts: Sequence[Markup], *, width: int, height: int, title: str, description: str, kind: str) -> Markup:
    told = _tag("<title>{}</title><desc>{}</desc>", title, description)
    start = _tag(
        '<svg class="drawing {}" viewBox="0 0 {} {}" role="img" aria-label="{}" preserveAspectRatio="xMidYMid meet">',
        kind,
        str(width),
        str(height),
        title,
    )
    return start + told + Markup("").join(parts) + Markup("</svg>")


def _tag(shape: str, *values: str) -> Markup:
    return Markup(shape).format(*values)  # noqa: S704 - shapes are constants of this module; values are escaped


def _span(span: Span, *, width: int, x: int, y: int, height: int) -> Markup:
    start, end = max(span.start, Fraction(0)), min(span.end, Fraction(1))
    wide = max((end - start) * width, Fraction(2))
    shape = '<rect class="span {}" x="{}" y="{}" width="{}" height="{}" rx="3"><title>{}</title></rect>'
    return _tag(shape, span.tone, _place(x + start * width), str(y), _place(wide), str(height), span.title)


def _line(x1: Any, y1: Any, x2: Any, y2: Any, kind: str) -> Markup:
    return _tag('<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}"/>', kind, _place(x1), _place(y1), _place(x2), _place(y2))


def _polyline(points: Sequence[tuple[Any, Any]], kind: str) -> Markup:
    return _tag('<polyline class="{}" points="{}"/>', kind, " ".join(f"{_place(x)},{_place(y)}" for x, y in points))


def _text(x: Any, y: Any, said: str, kind: str, *, anchor: str = "start") -> Markup:
    return _tag('<text class="{}" x="{}" y="{}" text-anchor="{}">{}</text>', kind, _place(x), _place(y), anchor, said)


def _place(value: Any) -> str:
    """Write a place to the tenth, cut off."""
    tenths = int(Fraction(value) * _TENTHS)
    sign = "-" if tenths < 0 else ""
    whole, rest = divmod(abs(tenths), _TENTHS)
    return f"{sign}{whole}.{rest}" if rest else f"{sign}{whole}"


def _said(point: Point) -> str:
    return f"{units(point.x)} units: {units(point.y)}"


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "\u2026"
