"""An explanation in one column: for pipes and narrow terminals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vnlp_prep.explain.pieces import Piece, parts_of, with_cuts
from vnlp_prep.explain.styles import Styles
from vnlp_prep.terminal import BOLD, DIM, STAGE_COLOURS, Paint, shortened, visible

if TYPE_CHECKING:
    from vnlp_prep.explain.explanation import Explanation
    from vnlp_prep.explain.pieces import Part


def stacked_lines(explanation: Explanation, paint: Paint, show_protected: bool) -> list[str]:
    """Return what every stage did, as lines; with ``show_protected`` first what no stage may touch."""
    styles = Styles(paint)
    nothing = paint("  nothing", DIM)
    lines = styles.protected_lines(explanation) if show_protected else []
    for step in explanation.shown_steps:
        lines.append(paint(step.stage, BOLD, STAGE_COLOURS[step.stage]) + nothing * (not step.edits))
        if step.edits:
            protected = explanation.protected_in(step) if paint.on else ()
            parts = with_cuts(parts_of(step.text, step.edits, step.suggestions, protected))
            lines += ["  " + line for line in _marked(parts, styles).split("\n")]
            lines += ["  " + styles.edit_line(e) for e in step.edits]
    lines += styles.suggestion_lines(explanation)
    result = explanation.doc.text
    lines.append(paint("result", BOLD) + ("" if result != explanation.doc.raw else paint("  unchanged", DIM)))
    protected = explanation.prep.protected(result) if paint.on else ()
    parts = parts_of(result, (), explanation.result_suggestions, protected)
    return [*lines, *("  " + line for line in _marked(parts, styles).split("\n"))]


def _marked(parts: list[Part], styles: Styles) -> str:
    out: list[str] = []
    for part in parts:
        if part.is_edit:
            out += [styles(styles.marked(Piece(visible(shortened(text)), kind))) for text, kind in part]
        else:
            # A style ends with its line: a pager may show each by itself.
            text, kind = part.before
            out.append("\n".join(styles(Piece(visible(line), kind)) for line in text.split("\n")))
    return "".join(out)
