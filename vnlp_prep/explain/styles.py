"""How the pieces of an explanation look, and the lines that are the same in every layout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vnlp_prep.explain.pieces import ADDED, CUT, PROTECTED, REMOVED, SUGGESTED, Piece
from vnlp_prep.terminal import (
    BOLD,
    DIM,
    GREEN,
    RED,
    REVERSED,
    STRUCK,
    YELLOW,
    Paint,
    dotted_underline,
    quoted,
    shortened,
    visible,
)

if TYPE_CHECKING:
    from vnlp_prep.edits import Edit
    from vnlp_prep.explain.explanation import Explanation


class Styles:
    """Paints pieces by their kinds. Without colour an edit is marked as in a word diff: ``[-this-]{+that+}``."""

    def __init__(self, paint: Paint) -> None:
        self.paint = paint
        self._codes = {
            CUT: (DIM,),
            PROTECTED: (DIM,),
            SUGGESTED: (YELLOW, dotted_underline()),
            REMOVED: (RED, STRUCK),
            ADDED: (GREEN,),
        }

    def marked(self, piece: Piece) -> Piece:
        """Return ``piece`` with the signs that stand for its colour, if there is none."""
        text, kind = piece
        if self.paint.on or not text or kind not in (REMOVED, ADDED):
            return piece
        return Piece(f"[-{text}-]" if kind == REMOVED else f"{{+{text}+}}", kind)

    def __call__(self, piece: Piece) -> str:
        """Return the text of ``piece``, which is fit for a terminal, in its colour."""
        text, kind = piece
        codes = self._codes.get(kind, ())
        if kind in (REMOVED, ADDED) and text.isspace():
            codes = (*codes, REVERSED)  # a colour alone would not show
        return self.paint(text, *codes)

    def edit_line(self, edit: Edit) -> str:
        """Return an edit with its rule, confidence and place, on one line."""
        before, after = shortened(edit.before), shortened(edit.after)
        return f"{quoted(before, self.paint, RED)} -> {quoted(after, self.paint, GREEN)}  " + self.paint(
            f"{edit.rule} {edit.confidence:.2f} at {edit.start}", DIM
        )

    def protected_lines(self, explanation: Explanation) -> list[str]:
        """Return what is protected, with its kinds."""
        text, spans = explanation.decoded, explanation.protected
        head = self.paint("protected", BOLD) + self.paint("  nothing", DIM) * (not spans)
        return [head, *(f"  {visible(shortened(text[s.start : s.end]))}  {self.paint(s.kind, DIM)}" for s in spans)]

    def suggestion_lines(self, explanation: Explanation) -> list[str]:
        """Return what is suggested, and by which stage; no line if there is nothing."""
        if not explanation.suggestions:
            return []
        head = self.paint("suggestions", BOLD, YELLOW) + self.paint("  not made, for they are not sure enough", DIM)
        return [head, *(f"  {self.edit_line(e)} {self.paint(e.stage, DIM)}" for e in explanation.suggestions)]
