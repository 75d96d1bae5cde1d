"""Draws curves as a picture: plain SVG, so that nothing needs to be installed for it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

Curve = Sequence[tuple[float, float]]

WIDTH, HEIGHT = 460, 330
LEFT, RIGHT, TOP, BOTTOM = 58, 92, 34, 42
COLOURS = ("#1b6ca8", "#c8553d", "#3a7d44", "#8e5aa8", "#b8860b", "#5f6b73", "#a83279")
LINE_HEIGHT = 13


@dataclass(frozen=True, slots=True)
class Panel:
    """Curves over one pair of logarithmic axes.

    Attributes:
        title: Above it.
        below: What runs along the x axis.
        curves: By name; points in order, all coordinates above 0. Equal ones become one.
    """

    title: str
    below: str
    curves: Mapping[str, Curve]


def draw(panels: Sequence[Panel]) -> str:
    """Return panels side by side as a picture."""
    width = WIDTH * len(panels)
    size = f'viewBox="0 0 {width} {HEIGHT}" width="{width}" height="{HEIGHT}" font-size="11"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif">',
        f'<rect width="{width}" height="{HEIGHT}" fill="white"/>',
    ]
    names = list(dict.fromkeys(name for panel in panels for name in panel.curves))
    colours = dict(zip(names, COLOURS * len(names), strict=False))
    for number, panel in enumerate(panels):
        parts.append(f'<g transform="translate({WIDTH * number} 0)">')
        parts += [*_draw(panel, colours), "</g>"]
    return "\n".join([*parts, "</svg>", ""])


@dataclass(frozen=True, slots=True)
class _Axis:
    """One logarithmic axis: from where to where, in values and on the picture."""

    low: float
    high: float
    begin: float
    end: float

    def at(self, value: float) -> float:
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return self.begin + share * (self.end - self.begin)

    def ticks(self) -> list[float]:
        first, last = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
        return [10.0**power for power in range(first, last + 1)]


def _axis(values: Sequence[float], begin: float, end: float) -> _Axis:
    low = 10 ** math.floor(math.log10(min(values)))
    high = 10 ** math.ceil(math.log10(max(values)))
    return _Axis(low, max(high, low * 10), begin, end)


def _draw(panel: Panel, colours: Mapping[str, str]) -> list[str]:
    points = [point for curve in panel.curves.values() for point in curve]
    x = _axis([point[0] for point in points], LEFT, WIDTH - RIGHT)
    y = _axis([point[1] for point in points], HEIGHT - BOTTOM, TOP)
    parts = [f'<text x="{LEFT}" y="18" font-size="13">{escape(panel.title)}</text>']
    for tick in y.ticks():
        at = y.at(tick)
        parts += [
            f'<line x1="{x.begin}" y1="{at:.1f}" x2="{x.end}" y2="{at:.1f}" stroke="#ddd"/>',
            f'<text x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{tick:g}</text>',
        ]
    for tick in x.ticks():
        at, low = x.at(tick), HEIGHT - BOTTOM
        parts += [
            f'<line x1="{at:.1f}" y1="{low}" x2="{at:.1f}" y2="{low + 4}" stroke="#888"/>',
            f'<text x="{at:.1f}" y="{low + 17}" text-anchor="middle">{tick:,.0f}</text>',
        ]
    middle = (x.begin + x.end) / 2
    parts.append(
        f'<text x="{middle}" y="{HEIGHT - 8}" text-anchor="middle">{escape(panel.below)}</text>'
    )
    return [*parts, *_curves(panel, colours, x, y)]


def _curves(panel: Panel, colours: Mapping[str, str], x: _Axis, y: _Axis) -> list[str]:
    together: dict[tuple[tuple[float, float], ...], list[str]] = {}
    for name, curve in panel.curves.items():
        together.setdefault(tuple(curve), []).append(name)
    label_at = _apart({names[0]: y.at(curve[-1][1]) for curve, names in together.items()})
    parts = []
    for curve, names in together.items():
        colour = colours[names[0]]
        places = [(x.at(point[0]), y.at(point[1])) for point in curve]
        path = " ".join(f"{across:.1f},{down:.1f}" for across, down in places)
        line = f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
        parts.append(line)
        parts += [
            f'<circle cx="{across:.1f}" cy="{down:.1f}" r="3" fill="{colour}"/>'
            for across, down in places
        ]
        where = f'x="{places[-1][0] + 8:.1f}" y="{label_at[names[0]] + 4:.1f}"'
        parts.append(f'<text {where} fill="{colour}">{escape(", ".join(names))}</text>')
    return parts


def _apart(ends: Mapping[str, float]) -> dict[str, float]:
    """Return where labels stand so that none covers another, from the top."""
    placed: dict[str, float] = {}
    above = -math.inf
    for name, at in sorted(ends.items(), key=lambda item: item[1]):
        above = placed[name] = max(at, above + LINE_HEIGHT)
    below = HEIGHT - BOTTOM + LINE_HEIGHT
    for name in reversed(placed):
        below = placed[name] = min(placed[name], below - LINE_HEIGHT)
    return placed
