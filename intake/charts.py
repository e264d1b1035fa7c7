"""Trends drawn as SVG, with a title and a description for those who do not see it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date
from functools import lru_cache
from typing import Any
from xml.sax.saxutils import escape

from intake.trends import Cell

MOST_LINES = 6
COLOURS = ("#8a4b14", "#1f6f8b", "#5b7a1f", "#9b2f5e", "#4a4a8c", "#b07d00", "#7a7a7a")


def line_chart(
    cells: Sequence[Cell],
    weeks: Sequence[date],
    series: Callable[[Cell], str],
    *,
    title: str,
    description: str,
    value_label: str,
    rest_label: str,
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
    return _svg(rows, tuple(shown), title, description, value_label)


def warm_up() -> None:
    """The first drawing takes seconds; this makes it happen before somebody waits for it."""
    _svg((("2026-01-05", "x", 1),), ("x",), "", "", "")


@lru_cache(maxsize=64)
def _svg(
    rows: tuple[tuple[str, str, int], ...], names: tuple[str, ...], title: str, description: str, value_label: str
) -> bytes:
    import altair
    import vl_convert

    data = altair.InlineData(values=[{"week": week, "name": name, "value": value} for week, name, value in rows])
    axis: dict[str, Any] = {"labelColor": "#444", "titleColor": "#444", "gridColor": "#e5ded3", "domainColor": "#bbb"}
    chart = (
        altair.Chart(data, width=560, height=240)
        .mark_line(point=True, strokeWidth=2)
        .encode(
            x=altair.X("week:T", title=None, axis=altair.Axis(format="%d/%m", values=_ticks(rows), grid=False, **axis)),
            y=altair.Y("value:Q", title=value_label, axis=altair.Axis(tickMinStep=1, format="d", **axis)),
            color=altair.Color(
                "name:N",
                sort=list(names),
                scale=altair.Scale(domain=list(names), range=list(COLOURS[: len(names)])),
                legend=altair.Legend(title=None, orient="right", labelLimit=240, labelColor="#333", rowPadding=6),
            ),
        )
        .configure_view(stroke=None)
        .configure(
            background="#ffffff", font="system-ui, sans-serif", padding={"left": 5, "right": 60, "top": 5, "bottom": 5}
        )
    )
    svg: str = vl_convert.vegalite_to_svg(chart.to_dict())
    return _named(svg, title, description).encode()


def _ticks(rows: Sequence[tuple[str, str, int]]) -> list[dict[str, int]]:
    days = [date.fromisoformat(week) for week in sorted({week for week, _, _ in rows})]
    return [{"year": day.year, "month": day.month, "date": day.day} for day in days]


def _named(svg: str, title: str, description: str) -> str:
    """The drawing says what it is: role, title and description as its first children."""
    head, _, body = svg.partition(">")
    head = head.replace("<svg ", '<svg role="img" aria-labelledby="t d" ', 1)
    return f'{head}><title id="t">{escape(title)}</title><desc id="d">{escape(description)}</desc>{body}'
