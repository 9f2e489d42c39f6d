"""An explanation in two columns: what each stage was given, and what it made of that."""

from __future__ import annotations

from itertools import groupby, zip_longest
from typing import TYPE_CHECKING

from vnlp_prep.explain.pieces import ADDED, PROTECTED, REMOVED, SUGGESTED, Piece, lines_of, parts_of, with_cuts
from vnlp_prep.explain.styles import Styles
from vnlp_prep.explain.wrapping import width_of, wrap
from vnlp_prep.terminal import BOLD, DIM, RED, STAGE_COLOURS, YELLOW, Paint, counted, shortened, visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from vnlp_prep.edits import Edit
    from vnlp_prep.explain.explanation import Explanation
    from vnlp_prep.explain.pieces import Lines
    from vnlp_prep.pipeline import Step

#: The least width for which there are two columns, and the one from which on they grow no more: long rows are hard to read.
MIN_WIDTH, MAX_WIDTH = 80, 200
_BAR = " │ "
_LONGEST = 400  # code points of an edit that are shown in the text
_LONGEST_IN_TABLE = 40  # columns of one in the table
_SHOWN_PLACES = 4  # of equal edits


def side_by_side_lines(explanation: Explanation, paint: Paint, show_protected: bool, width: int) -> list[str]:
    """Return what every stage did, as lines of at most ``width`` columns (MIN_WIDTH at least)."""
    return list(_SideBySide(explanation, paint, min(width, MAX_WIDTH)).lines(show_protected))


class _SideBySide:
    def __init__(self, explanation: Explanation, paint: Paint, width: int) -> None:
        self.explanation = explanation
        self.paint = paint
        self.styles = Styles(paint)
        self.width = width
        self.half = (width - len(_BAR)) // 2

    def lines(self, show_protected: bool) -> Iterator[str]:
        if show_protected:
            yield from (*self.styles.protected_lines(self.explanation), "")
        if any(step.edits for step in self.explanation.steps):
            yield from self._legend()
        for number, section in enumerate(self._sections()):
            yield from [""] if number else []
            yield from section

    def _sections(self) -> Iterator[Iterable[str]]:
        explanation, paint = self.explanation, self.paint
        for is_idle, group in groupby(explanation.shown_steps, lambda step: not step.edits):
            if is_idle:
                names = paint(", ", DIM).join(paint(step.stage, DIM, STAGE_COLOURS[step.stage]) for step in group)
                yield [names + paint("  nothing", DIM)]
            else:
                yield from map(self._step, group)
        if explanation.suggestions:
            title = self._title("suggestions", "not made, for they are not sure enough", YELLOW)
            yield [title, *self._table(explanation.suggestions, is_made=False)]
        yield self._result()

    def _step(self, step: Step) -> Iterator[str]:
        yield self._title(step.stage, counted(len(step.edits), "edit"), STAGE_COLOURS[step.stage], "┬")
        yield from self._columns(step)
        yield self._rule(0, "┴")
        yield from self._table(step.edits)

    def _result(self) -> Iterator[str]:
        doc = self.explanation.doc
        yield self._title("result", "unchanged" if doc.text == doc.raw else "", "")
        protected = self.explanation.prep.protected(doc.text) if self.paint.on else ()
        for lines in lines_of(parts_of(doc.text, (), self.explanation.result_suggestions, protected)):
            for row, _ in wrap((part.before for part in lines.parts), self.width):
                yield "".join(map(self.styles, row))

    def _legend(self) -> Iterator[str]:
        kinds = [REMOVED, ADDED, SUGGESTED, PROTECTED] if self.paint.on else []
        legend, wide = "  ".join(self.styles(Piece(kind, kind)) for kind in kinds), len("  ".join(kinds))
        head = f"{'before':<{self.half}}" + " " * len(_BAR) + "after"
        room = self.width - len(head) - wide
        if kinds and room < len("  "):
            yield " " * (self.width - wide) + legend
            kinds = []
        yield self.paint(head, BOLD) + (" " * room + legend if kinds else "")

    def _title(self, name: str, note: str, colour: str, joint: str = "─") -> str:
        text = self.paint(name, BOLD, *([colour] if colour else [])) + (self.paint(f"  {note}", DIM) if note else "")
        used = len(name) + (len(note) + 2 if note else 0) + 1
        return f"{text} {self._rule(used, joint)}"

    def _rule(self, used: int, joint: str) -> str:
        """Return the rest of a line of which ``used`` columns are taken, with ``joint`` where the bar begins or ends."""
        line = "─" * (self.half + 1) + joint + "─" * (self.width - self.half - 2)
        return self.paint(line[used:], DIM)

    def _columns(self, step: Step) -> Iterator[str]:
        protected = self.explanation.protected_in(step) if self.paint.on else ()
        parts = parts_of(step.text, step.edits, step.suggestions, protected)
        for lines in _near_edits(lines_of(parts)):
            if isinstance(lines, int):
                gap = self.paint(f"⋮ {counted(lines, 'line')}".ljust(self.half), DIM)
                yield gap + self.paint(_BAR + "⋮", DIM)
                continue
            sides = with_cuts(lines.parts)
            before = wrap(self._fit(part.before for part in sides), self.half)
            after = wrap(self._fit(part.after for part in sides), self.half)
            for (left, used), (right, _) in zip_longest(before, after, fillvalue=([], 0)):
                text = "".join(map(self.styles, left)) + " " * (self.half - used)
                yield text + self.paint(_BAR.rstrip(), DIM) + (" " + "".join(map(self.styles, right)) if right else "")

    def _fit(self, pieces: Iterable[Piece]) -> Iterator[Piece]:
        for text, kind in pieces:
            yield self.styles.marked(Piece(shortened(text, _LONGEST) if kind in (REMOVED, ADDED) else text, kind))

    def _table(self, edits: Sequence[Edit], is_made: bool = True) -> Iterator[str]:
        """Yield what was replaced by what, with rule, confidence and place; equal edits on one line."""
        groups: dict[tuple[str, str, str, str], list[Edit]] = {}
        for edit in edits:
            groups.setdefault((edit.before, edit.after, edit.rule, edit.stage), []).append(edit)
        names = [f"{stage} {rule}" if not is_made else rule for *_, rule, stage in groups]
        name_width = max(map(len, names))
        # What is left for the two texts beside name, confidence, one place and the spaces between.
        room = self.width - name_width - len("   →     0.00  at 1234567")
        before, after = [key[0] for key in groups], [key[1] for key in groups]
        widest = [max(width_of(_short(text, _LONGEST_IN_TABLE)) for text in column) for column in (before, after)]
        lefts = [_short(text, max(room // 2, room - widest[1])) for text in before]
        rights = [_short(text, max(room // 2, room - widest[0])) for text in after]
        left_width, right_width = (max(map(width_of, column)) for column in (lefts, rights))
        kinds = (REMOVED, ADDED) if is_made else (SUGGESTED, SUGGESTED)
        for left, right, name, same in zip(lefts, rights, names, groups.values(), strict=True):
            low = min(edit.confidence for edit in same)
            facts = f"{name:<{name_width}}  {low:.2f}  "
            rest = self.width - left_width - right_width - len("   →   ") - len(facts)
            yield (
                f"  {self._quoted(left, kinds[0])}{' ' * (left_width - width_of(left))} {self.paint('→', DIM)} "
                f"{self._quoted(right, kinds[1])}{' ' * (right_width - width_of(right))}  "
                + self.paint(facts + _places(same, rest), DIM)
            )

    def _quoted(self, shown: str, kind: str) -> str:
        if shown == _NOTHING:
            return self.paint(shown, DIM)
        # That it is struck out in the text is enough.
        return self.paint(shown, RED) if kind == REMOVED else self.styles(Piece(shown, kind))


_NOTHING = "nothing"


def _short(text: str, columns: int) -> str:
    """Return ``text`` in quotes, its middle left out if it would take more columns."""
    if not text:
        return _NOTHING
    columns = min(columns, _LONGEST_IN_TABLE)
    shown = visible(shortened(text, columns))
    for length in (columns - 2, columns // 2 - 1):  # no character takes more than two columns
        shown = shortened(shown, length)
        if width_of(shown) <= columns - 2:
            break
    return f'"{shown}"'


def _places(edits: Sequence[Edit], columns: int) -> str:
    """Return where equal edits stand: the first few of them, or only the first if there is no room, and how many they are."""
    times = f"  {len(edits)} times" if len(edits) > 1 else ""
    for count in (_SHOWN_PLACES, 1):
        starts = ", ".join(str(edit.start) for edit in edits[:count])
        text = f"at {starts}{', …' if len(edits) > count else ''}{times}"
        if len(text) <= columns:
            break
    return text


def _near_edits(lines: Sequence[Lines]) -> Iterator[Lines | int]:
    """Yield the lines with edits and those beside them; for others in a row how many they are."""
    near = [any(line.is_edited for line in lines[max(0, i - 1) : i + 2]) for i in range(len(lines))]
    for is_near, group in groupby(zip(near, lines, strict=True), lambda pair: pair[0]):
        run = [line for _, line in group]
        if is_near or len(run) == 1:
            yield from run
        else:
            yield len(run)
