"""Plots as SVG, drawn for the report: no script, no picture files, colours from the page's style sheet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT = 460, 280
LEFT, RIGHT, TOP, BOTTOM = 46, 14, 14, 40
COLOURS = 6
"""Series colours that the style sheet defines, as ``--s0`` and on."""

Points = Sequence[tuple[float, float]]


def curves(series: Mapping[str, Points], x: str, y: str, *, diagonal: bool = False, dots: bool = False) -> str:
    """Lines over the unit square, one a series; ``diagonal`` draws y = x for orientation."""
    body = [_axes(x, y)]
    if diagonal:
        body.append(f'<line class="aim" {_line((0, 0), (1, 1))}/>')
    for number, (name, points) in enumerate(series.items()):
        body += _curve(number, name, points, dots)
    return _svg(body, HEIGHT, f"{y} / {x}")


def bars(groups: Mapping[str, Mapping[str, float]], unit: str) -> str:
    """Horizontal bars of shares 0..1: a row for each group, in it one bar for each series."""
    names = list(dict.fromkeys(name for values in groups.values() for name in values))
    row, label = 14 * max(1, len(names)) + 10, 120
    body = []
    for place, (group, values) in enumerate(groups.items()):
        top = TOP + place * row
        body.append(f'<text class="label" x="{label - 8}" y="{top + row / 2}" text-anchor="end">{escape(group)}</text>')
        body += [_bar(names.index(name), name, value, label, top, unit) for name, value in values.items()]
    return _svg(body + _legend(names, TOP + len(groups) * row + 14), TOP + len(groups) * row + 30, unit)


def histogram(series: Mapping[str, Mapping[str, int]], x: str, y: str) -> str:
    """Columns of counts as shares of their series: for each category one column a series."""
    categories = list(dict.fromkeys(category for counts in series.values() for category in counts))
    body = [_axes(x, y, numbered=False)]
    slot = (WIDTH - LEFT - RIGHT) / max(1, len(categories))
    for place, category in enumerate(categories):
        middle = LEFT + (place + 0.5) * slot
        body.append(f'<text class="tick" x="{middle:.1f}" y="{HEIGHT - BOTTOM + 14}" text-anchor="middle">')
        body.append(f"{escape(category)}</text>")
    for number, (name, counts) in enumerate(series.items()):
        total, width = max(1, sum(counts.values())), slot * 0.8 / len(series)
        for place, category in enumerate(categories):
            left = LEFT + place * slot + slot * 0.1 + number * width
            body.append(
                _column(number, f"{name}: {counts.get(category, 0)}", counts.get(category, 0) / total, left, width)
            )
    return _svg(body + _legend(list(series), HEIGHT + 8), HEIGHT + 24, y)


def legend(names: Sequence[str]) -> str:
    """The colours of the series, as a drawing of its own."""
    return _svg(_legend(names, 14), 24, "legend")


def _svg(body: Sequence[str], height: float, label: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escape(label, quote=True)}">'
        f"{''.join(body)}</svg>"
    )


def _x(value: float) -> float:
    return LEFT + value * (WIDTH - LEFT - RIGHT)


def _y(value: float) -> float:
    return HEIGHT - BOTTOM - value * (HEIGHT - TOP - BOTTOM)


def _line(start: tuple[float, float], end: tuple[float, float]) -> str:
    return f'x1="{_x(start[0]):.1f}" y1="{_y(start[1]):.1f}" x2="{_x(end[0]):.1f}" y2="{_y(end[1]):.1f}"'


def _axes(x: str, y: str, *, numbered: bool = True) -> str:
    parts = []
    for step in range(5):
        value = step / 4
        parts.append(f'<line class="grid" {_line((0, value), (1, value))}/>')
        parts.append(f'<text class="tick" x="{LEFT - 6}" y="{_y(value) + 3:.1f}" text-anchor="end">{value:g}</text>')
        if numbered:
            parts.append(f'<text class="tick" x="{_x(value):.1f}" y="{HEIGHT - BOTTOM + 14}" text-anchor="middle">')
            parts.append(f"{value:g}</text>")
    parts.append(f'<text class="label" x="{_x(0.5):.1f}" y="{HEIGHT - 6}" text-anchor="middle">{escape(x)}</text>')
    parts.append(f'<text class="label" transform="translate(11 {_y(0.5):.1f}) rotate(-90)" text-anchor="middle">')
    parts.append(f"{escape(y)}</text>")
    return "".join(parts)


def _curve(number: int, name: str, points: Points, dots: bool) -> list[str]:
    path = " ".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y in points)
    line = f'<polyline class="line" style="stroke:{_colour(number)}" points="{path}"><title>{escape(name)}</title>'
    drawn = [f"{line}</polyline>"]
    if dots:
        drawn += [
            f'<circle cx="{_x(x):.1f}" cy="{_y(y):.1f}" r="3.5" style="fill:{_colour(number)}">'
            f"<title>{escape(name)}: {x:.3f}, {y:.3f}</title></circle>"
            for x, y in points
        ]
    return drawn


def _bar(number: int, name: str, value: float, left: float, top: float, unit: str) -> str:
    room = WIDTH - left - 46
    y = top + 5 + 14 * number
    return (
        f'<rect x="{left}" y="{y}" width="{max(0.5, value * room):.1f}" height="11" style="fill:{_colour(number)}">'
        f"<title>{escape(name)}: {escape(unit)} {value:.3f}</title></rect>"
        f'<text class="tick" x="{left + value * room + 5:.1f}" y="{y + 9}">{value:.2f}</text>'
    )


def _column(number: int, title: str, share: float, left: float, width: float) -> str:
    top = _y(share)
    return (
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{_y(0) - top:.1f}" '
        f'style="fill:{_colour(number)}"><title>{escape(title)}</title></rect>'
    )


def _legend(names: Sequence[str], y: float) -> list[str]:
    step = (WIDTH - LEFT) / max(1, len(names))
    return [
        f'<rect x="{LEFT + place * step:.1f}" y="{y - 9}" width="10" height="10" style="fill:{_colour(place)}"/>'
        f'<text class="tick" x="{LEFT + place * step + 14:.1f}" y="{y}">{escape(name)}</text>'
        for place, name in enumerate(names)
    ]


def _colour(number: int) -> str:
    return f"var(--s{number % COLOURS})"
