"""Draw the picture of BENCHMARKS.md: a bar for each figure, as a share of its target."""

from collections.abc import Sequence
from html import escape
from typing import Final

from tools.bench.figures import Figure

WIDTH: Final = 1060
BARS_START: Final = 430
"""The horizontal position at which the bars begin."""
TARGET: Final = 720
"""The horizontal position of a bar that equals its target."""
ROW: Final = 26
HEAD: Final = 44
MAX_SHARE: Final = 1.35
"""The share at which longer bars are cut off. The number beside the bar shows the real value."""
STYLE: Final = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .number { font-variant-numeric: tabular-nums }
  .faint { fill: #59636e }
  .met { fill: #2f7d4f }
  .missed { fill: #b3541e }
  .target { stroke: #1f2328; stroke-width: 1.5 }
  .stretch { stroke: #1f2328; stroke-width: 1.5; stroke-dasharray: 2 2 }
  .spread { stroke: #1f2328; stroke-width: 1 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .faint { fill: #9198a1 }
    .met { fill: #57ab76 }
    .missed { fill: #e0823d }
    .target, .stretch, .spread { stroke: #e6edf3 }
  }
"""


def draw(figures: Sequence[Figure]) -> str:
    """Return an SVG image with colors for light and dark themes."""
    height = HEAD + ROW * len(figures) + 12
    rows = "".join(_row(figure, HEAD + ROW * number) for number, figure in enumerate(figures))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        f'role="img" aria-label="Each figure as a share of its target">\n<style>{STYLE}</style>\n'
        f'<text class="faint" x="12" y="22">measured as a share of the target; shorter is better</text>\n'
        f'<text class="faint" x="{TARGET}" y="22" text-anchor="middle">target</text>\n'
        f'{rows}<line class="target" x1="{TARGET}" y1="{HEAD - 14}" x2="{TARGET}" y2="{height - 8}"/>\n</svg>\n'
    )


def _row(figure: Figure, top: int) -> str:
    number = f"{figure.format(figure.measured)} of {figure.format(figure.target)}"
    kind = "met" if figure.met else "missed"
    middle = top + ROW // 2
    end = _x_of(figure, figure.measured)
    parts = [
        f'<text x="{BARS_START - 12}" y="{middle + 4}" text-anchor="end">{escape(figure.name)}</text>',
        f'<rect class="{kind}" x="{BARS_START}" y="{top + 5}" width="{max(1, end - BARS_START)}" height="{ROW - 10}" rx="2"/>',
        f'<text class="number" x="{_x_of(figure, None)}" y="{middle + 4}">{escape(number)}</text>',
    ]
    if figure.spread:
        left, right = (_x_of(figure, bound) for bound in figure.spread)
        parts.append(f'<line class="spread" x1="{left}" y1="{middle}" x2="{right}" y2="{middle}"/>')
    if figure.stretch is not None:
        mark = _x_of(figure, figure.stretch)
        parts.append(f'<line class="stretch" x1="{mark}" y1="{top + 2}" x2="{mark}" y2="{top + ROW - 2}"/>')
    return "\n".join(parts) + "\n"


def _x_of(figure: Figure, value: float | None) -> int:
    """Return the horizontal position of a value. Without a value, return a position to the right of all bars."""
    if value is None:
        return BARS_START + round((TARGET - BARS_START) * MAX_SHARE) + 10
    share = min(value / figure.target, MAX_SHARE) if figure.target else 0
    return BARS_START + round((TARGET - BARS_START) * share)
