"""Trends drawn as SVG, with a title and a description for those who do not see it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, Literal
from xml.sax.saxutils import escape

from intake.trends import Cell

MOST_LINES = 6
MOST_DATES = 6  # written under the chart
COLOURS = ("#8a4b14", "#1f6f8b", "#5b7a1f", "#9b2f5e", "#4a4a8c", "#b07d00")
REST_COLOUR = "#b5b0a8"  # the rest is many small ones together: it stands back


@dataclass(frozen=True, slots=True)
class Shape:
    """Of a drawing: its size, and where the names stand."""

    width: int
    height: int
    legend: Literal["right", "bottom"]
    label: int  # widest name in pixels
    font: int
    right: int  # room for names that are wider than they were measured


WIDE = Shape(560, 240, "right", 240, 11, 60)
NARROW = Shape(265, 220, "bottom", 280, 12, 24)  # readable on a phone of 360 pixels without scrolling


def line_chart(
    cells: Sequence[Cell],
    weeks: Sequence[date],
    series: Callable[[Cell], str],
    *,
    title: str,
    description: str,
    value_label: str,
    rest_label: str,
    narrow: bool = False,
) -> bytes:
    """Independent voices by week, a line per value of `series`; the smaller ones together as `rest_label`."""
    totals: Counter[str] = Counter()
    for cell in cells:
        totals[series(cell)] += cell.voices
    names = [name for name, _ in totals.most_common(MOST_LINES)]
    shown = names + ([rest_label] if len(totals) > len(names) else [])
    values: Counter[tuple[date, str]] = Counter()
    for cell in cells:
        name = series(cell)
        values[cell.week, name if name in names else rest_label] += cell.voices
    rows = tuple((week.isoformat(), name, values[week, name]) for name in shown for week in weeks)
    colours = (*COLOURS[: len(names)], REST_COLOUR)[: len(shown)]
    about = (title, description, value_label)
    return _svg(rows, tuple(zip(shown, colours, strict=True)), about, NARROW if narrow else WIDE)


def warm_up() -> None:
    """The first drawing takes seconds; this makes it happen before somebody waits for it."""
    _svg((("2026-01-05", "x", 1),), (("x", REST_COLOUR),), ("", "", ""), WIDE)


@lru_cache(maxsize=64)
def _svg(
    rows: tuple[tuple[str, str, int], ...],
    lines: tuple[tuple[str, str], ...],  # name and colour
    about: tuple[str, str, str],  # title, description, name of the values
    shape: Shape,
) -> bytes:
    import altair
    import vl_convert

    data = altair.InlineData(values=[{"week": week, "name": name, "value": value} for week, name, value in rows])
    names, colours = [name for name, _ in lines], [colour for _, colour in lines]
    title, description, value_label = about
    chart = (
        altair.Chart(data, width=shape.width, height=shape.height)
        .mark_line(point=True, strokeWidth=2)
        .encode(
            x=altair.X(
                "week:T",
                title=None,
                axis=_axis(shape, format="%d/%m", values=_ticks(rows), grid=False, labelFlush=False),
            ),
            y=altair.Y("value:Q", title=value_label, axis=_axis(shape, format="d", tickMinStep=1)),
            color=altair.Color(
                "name:N", sort=names, scale=altair.Scale(domain=names, range=colours), legend=_legend(shape)
            ),
        )
        .configure_view(stroke=None)
        .configure(
            background="#ffffff",
            font="system-ui, sans-serif",
            padding={"left": 5, "right": shape.right, "top": 5, "bottom": 5},
        )
    )
    svg: str = vl_convert.vegalite_to_svg(chart.to_dict())
    return _named(svg, title, description).encode()


def _axis(shape: Shape, **more: Any) -> Any:
    import altair

    colours: dict[str, Any] = {
        "labelColor": "#444",
        "titleColor": "#444",
        "gridColor": "#e5ded3",
        "domainColor": "#bbb",
    }
    return altair.Axis(labelFontSize=shape.font, titleFontSize=shape.font, **colours, **more)


def _legend(shape: Shape) -> Any:
    import altair

    return altair.Legend(
        title=None,
        orient=shape.legend,
        columns=1,
        labelLimit=shape.label,
        labelFontSize=shape.font,
        labelColor="#333",
        rowPadding=6,
    )


def _ticks(rows: Sequence[tuple[str, str, int]]) -> list[dict[str, int]]:
    """At most six weeks, evenly apart, the newest among them."""
    days = [date.fromisoformat(week) for week in sorted({week for week, _, _ in rows})]
    step = max(-(-len(days) // MOST_DATES), 1)
    return [{"year": day.year, "month": day.month, "date": day.day} for day in days[::-1][::step]]


def _named(svg: str, title: str, description: str) -> str:
    """The drawing says what it is: role, title and description as its first children."""
    head, _, body = svg.partition(">")
    head = head.replace("<svg ", '<svg role="img" aria-labelledby="t d" ', 1)
    return f'{head}><title id="t">{escape(title)}</title><desc id="d">{escape(description)}</desc>{body}'
