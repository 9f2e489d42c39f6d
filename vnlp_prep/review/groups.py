"""Equal changes as one group, with its count, its confidence and a few examples: what a report shows and a review decides on.

>>> from vnlp_prep.edits import Edit
>>> groups = Groups()
>>> for line, (before, after) in enumerate([("teh", "the"), ("Teh", "The"), ("teh", "the")], 1):
...     raw = f"{before} host"
...     groups.add(Place("a.jsonl", line, "text"), raw, [Edit("spelling", "known-misspelling", 0, 3, before, after, 0.99)])
>>> [(g.before, g.after, g.count, g.records, g.examples[1].before) for g in groups.ranked()]
[('teh', 'the', 3, 3, 'Teh')]
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from vnlp_prep.terminal import shortened

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vnlp_prep.edits import Edit

#: Groups held at a time; above, those that matter least are forgotten.
MAX_GROUPS = 20_000
MAX_EXAMPLES = 5
#: Code points of raw text on each side of an example.
CONTEXT = 80
#: The least doubt that counts: changes that are sure still show when they are frequent.
LEAST_DOUBT = 0.001
# Code points of a replacement that are kept: a script of a megabyte is one edit.
_MAX_LENGTH = 200
# Ways to write one change ("Teh", "teh", "TEH") that are told apart.
_MAX_FORMS = 16

# In these stages a change is the same whatever the case of the word; a reference (&Auml;) or a character is another one.
_FOLDED_STAGES = frozenset({"repeats", "compounds", "spelling"})
_TAG_WITH_ATTRIBUTES = re.compile(r"<([A-Za-z][A-Za-z0-9-]{0,30})[\s/][^<>]*>")

#: What makes two changes one group: stage, before, after, and whether it is only suggested.
Key = tuple[str, str, str, bool]


class Place(NamedTuple):
    """Where a text stands: the file as it is shown, the line (or row) from 1, the field (None: the line is the text)."""

    file: str
    line: int
    field: str | None


class Example(NamedTuple):
    """One change where it stands, with up to ``CONTEXT`` code points of the raw text on each side."""

    file: str
    line: int
    field: str | None
    before_context: str
    before: str
    after: str
    after_context: str


class _Form(NamedTuple):
    """One way in which a change was written, and the rule that made it."""

    rule: str
    before: str
    after: str


@dataclass
class Group:
    """Equal changes. ``before``, ``after`` and ``rule`` are those of the most frequent form; the case of words is no difference.

    ``count`` is the number of changes, ``records`` that of the records they stand in.
    """

    stage: str
    is_suggestion: bool
    count: int = 0
    records: int = 0
    #: At most ``MAX_EXAMPLES``, from as many files as there are.
    examples: list[Example] = field(default_factory=list)
    _forms: Counter[_Form] = field(default_factory=Counter)
    _sum: float = 0.0  # of the confidences
    _last: tuple[str, int] | None = None  # the record that was counted last

    @property
    def rule(self) -> str:
        """The rule that made most of the changes."""
        return self._form.rule

    @property
    def before(self) -> str:
        """What was there, as it is written most often; the middle of what is very long is left out."""
        return self._form.before

    @property
    def after(self) -> str:
        """What came for it; nothing if it was removed."""
        return self._form.after

    @property
    def _form(self) -> _Form:
        return min(self._forms, key=lambda form: (-self._forms[form], form))

    @property
    def forms(self) -> list[tuple[str, str, int]]:
        """The ways in which it is written, the most frequent first: before, after, count. Rare ones may be missing."""
        counts: Counter[tuple[str, str]] = Counter()
        for form, count in self._forms.items():
            counts[form.before, form.after] += count
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        return [(before, after, count) for (before, after), count in ranked]

    @property
    def confidence(self) -> float:
        """The mean of the confidences, 0 to 1."""
        return self._sum / self.count if self.count else 0.0

    @property
    def doubt(self) -> float:
        """How likely a change of the group is wrong: 1 - confidence."""
        return 1.0 - self.confidence

    @property
    def weight(self) -> float:
        """How much there is to lose if nobody looks: count x doubt, where no doubt is below ``LEAST_DOUBT``."""
        return self.count * max(self.doubt, LEAST_DOUBT)

    def to_dict(self) -> dict[str, Any]:
        """The group as a dictionary for JSON."""
        names = ("stage", "rule", "before", "after", "is_suggestion", "count", "records", "confidence", "doubt", "weight")
        return {name: getattr(self, name) for name in names} | {"examples": [e._asdict() for e in self.examples]}

    def add(self, place: Place, raw: str | None, e: Edit, form: _Form) -> None:
        """Count a change of the text ``raw``; None: the text is not known, and there is no example of it."""
        self.count += 1
        self._sum += e.confidence
        self._forms[form] += 1
        if self._last != place[:2]:
            self._last = place[:2]
            self.records += 1
        if len(self._forms) > _MAX_FORMS:
            self._forms = Counter(dict(self._forms.most_common(_MAX_FORMS // 2)))
        if raw is not None and self._takes(place):
            left, right = raw[max(0, e.start - CONTEXT) : e.start], raw[e.end : e.end + CONTEXT]
            self._take(Example(*place, left, shortened(e.before, _MAX_LENGTH), shortened(e.after, _MAX_LENGTH), right))

    def merge(self, other: Group) -> None:
        """Count what ``other`` has counted, of other records."""
        self.count += other.count
        self.records += other.records
        self._sum += other._sum
        self._forms.update(other._forms)
        self._last = other._last
        if len(self._forms) > _MAX_FORMS:
            self._forms = Counter(dict(self._forms.most_common(_MAX_FORMS)))
        for example in other.examples:
            if self._takes(Place(*example[:3])):
                self._take(example)

    def _takes(self, place: Place) -> bool:
        """True if an example from there would be one more, or from one more file."""
        if any(e[:2] == place[:2] for e in self.examples):
            return False
        if len(self.examples) < MAX_EXAMPLES:
            return True
        return all(e.file != place.file for e in self.examples) and self._crowded() is not None

    def _take(self, example: Example) -> None:
        """Add an example that differs from those there are, in place of one of a file that has several if there are enough."""
        if any(e[3:] == example[3:] for e in self.examples):
            return
        if len(self.examples) >= MAX_EXAMPLES and (crowded := self._crowded()) is not None:
            del self.examples[crowded]
        self.examples.append(example)

    def _crowded(self) -> int | None:
        """Return the last example of the file that has most of them; None if each is of a file of its own."""
        file, count = Counter(e.file for e in self.examples).most_common(1)[0]
        return max(i for i, e in enumerate(self.examples) if e.file == file) if count > 1 else None


class Groups:
    """The groups of a corpus, in bounded memory. Travels between processes."""

    def __init__(self, limit: int = MAX_GROUPS) -> None:
        """``limit``: how many groups are held; above, the half of least weight is forgotten and counted."""
        self.limit = limit
        #: Groups that were forgotten, and the changes in them. One that comes again is counted anew.
        self.forgotten = 0
        self.forgotten_changes = 0
        self._groups: dict[Key, Group] = {}

    def __len__(self) -> int:
        return len(self._groups)

    def add(self, place: Place, raw: str | None, edits: Iterable[Edit], suggestions: Iterable[Edit] = ()) -> None:
        """Count the edits and suggestions of the text ``raw`` that stands at ``place``; the texts of a record one after another.

        ``raw`` None: the text is not known (any more); the changes count, without examples.
        """
        for some, is_suggestion in ((edits, False), (suggestions, True)):
            for e in some:
                form = _Form(e.rule, _shown(e.stage, e.before), shortened(e.after, _MAX_LENGTH))
                key = _key(e.stage, form, is_suggestion)
                group = self._groups.get(key)
                if group is None:
                    group = self._groups[key] = Group(e.stage, is_suggestion)
                group.add(place, raw, e, form)
        if len(self._groups) > self.limit:
            self._forget()

    def merge(self, other: Groups) -> None:
        """Count what ``other`` has counted, of other records."""
        for key, group in other._groups.items():
            mine = self._groups.get(key)
            if mine is None:
                self._groups[key] = group
            else:
                mine.merge(group)
        self.forgotten += other.forgotten
        self.forgotten_changes += other.forgotten_changes
        if len(self._groups) > self.limit:
            self._forget()

    def _forget(self) -> None:
        ranked = sorted(self._groups.items(), key=lambda item: (-item[1].weight, item[0]))
        for _, group in ranked[self.limit // 2 :]:
            self.forgotten += 1
            self.forgotten_changes += group.count
        self._groups = dict(ranked[: self.limit // 2])

    def ranked(self, *, is_suggestion: bool | None = None, stages: Sequence[str] | None = None) -> list[Group]:
        """Return the groups, those of most weight first; only changes or only suggestions, only of some stages, if it is said."""
        wanted = [
            (key, group)
            for key, group in self._groups.items()
            if is_suggestion in (None, group.is_suggestion) and (stages is None or group.stage in stages)
        ]
        return [group for _, group in sorted(wanted, key=lambda item: (-item[1].weight, -item[1].count, item[0]))]


def _shown(stage: str, before: str) -> str:
    """Return what stands for ``before`` in its group: tags are alike whatever their attributes."""
    if stage == "html" and (tag := _TAG_WITH_ATTRIBUTES.fullmatch(before)):
        return f"<{tag[1]} …>"
    return shortened(before, _MAX_LENGTH)


def _key(stage: str, form: _Form, is_suggestion: bool) -> Key:
    before, after = form.before, form.after
    if stage in _FOLDED_STAGES and before.lower() != after.lower():
        before, after = before.lower(), after.lower()
    return stage, before, after, is_suggestion
