"""What every stage does to one text: all that ``vnlp-prep explain`` shows, before anything is laid out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from vnlp_prep.stages import DECODING

if TYPE_CHECKING:
    from vnlp_prep.edits import Cleaned, Edit
    from vnlp_prep.pipeline import Preprocessor, Step
    from vnlp_prep.words import Protected


@dataclass(frozen=True)
class Explanation:
    """A text, what each stage did to it, and what came of it."""

    prep: Preprocessor
    doc: Cleaned
    steps: list[Step]

    @classmethod
    def of(cls, prep: Preprocessor, raw: str) -> Explanation:
        """Explain what ``prep`` does to ``raw``."""
        return cls(prep, prep.clean(raw), prep.trace(raw))

    @cached_property
    def decoded(self) -> str:
        """The text as the stages that work on words are given it.

        What stands in a tag or is damaged is no word yet: what is protected shows here.
        """
        return next((step.text for step in self.steps if step.stage not in DECODING), self.doc.text)

    @cached_property
    def protected(self) -> list[Protected]:
        """The spans of ``decoded`` that no stage may rewrite."""
        return self.prep.protected(self.decoded)

    def protected_in(self, step: Step) -> list[Protected]:
        """Return the spans of the text of a step that it must not touch; none for the stages that decode."""
        return [] if step.stage in DECODING else self.prep.protected(step.text)

    @cached_property
    def shown_steps(self) -> list[Step]:
        """The steps worth showing: the stages run again until nothing changes, and a second "nothing" says nothing."""
        seen: set[str] = set()
        shown = []
        for step in self.steps:
            if step.edits or step.stage not in seen:
                shown.append(step)
            seen.add(step.stage)
        return shown

    @cached_property
    def suggestions(self) -> list[Edit]:
        """What each stage suggests of the last text that it was given; offsets are of that text."""
        last = {step.stage: step.suggestions for step in self.steps}
        return [edit for suggestions in last.values() for edit in suggestions]

    @cached_property
    def result_suggestions(self) -> list[Edit]:
        """Those of the suggestions whose offsets are of the result."""
        last = {step.stage: step for step in self.steps}
        return [edit for step in last.values() if step.text == self.doc.text for edit in step.suggestions]

    def to_dict(self, show_protected: bool) -> dict[str, Any]:
        """Return all of it, ready for JSON."""
        entry: dict[str, Any] = {"raw": self.doc.raw, "text": self.doc.text}
        entry["edits"] = [e.to_dict() for e in self.doc.edits]
        entry["suggestions"] = [e.to_dict() for e in self.doc.suggestions]
        if show_protected:
            text = self.decoded
            entry["protected"] = [
                {"start": p.start, "end": p.end, "kind": p.kind, "text": text[p.start : p.end]} for p in self.protected
            ]
        entry["steps"] = [
            {
                "stage": step.stage,
                "text": step.text,
                "edits": [e.to_dict() for e in step.edits],
                "suggestions": [e.to_dict() for e in step.suggestions],
            }
            for step in self.steps
        ]
        return entry
