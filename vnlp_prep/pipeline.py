"""The preprocessor: the ordered chain of stages, run until nothing changes any more.

Each stage proposes edits of the text that the stage before it left; edits that are sure enough are carried out and composed
into edits of the raw text, the others become suggestions. The stages that decode (HTML, Unicode) run until they find nothing
more, then those that work on words, and the chain runs again over its own result until that is stable, so that cleaning twice
is cleaning once; a text that is still moving after ``MAX_ROUNDS`` was built to do so and is left alone.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, overload

from vnlp_prep.edits import Alignment, Cleaned, Edit, apply, compose, moved_to_raw
from vnlp_prep.errors import SettingsError
from vnlp_prep.lexicon.files import read_terms, write_terms
from vnlp_prep.lexicon.lexicon import Lexicon
from vnlp_prep.stages import DECODING, STAGES, Stage
from vnlp_prep.words import Protected, Span, protected

if TYPE_CHECKING:
    from vnlp_prep.lexicon.wordpiece import WordPieces
    from vnlp_prep.stages.tokens_seen import Seen, TokensSeen
    from vnlp_prep.stages.words_stage import WordStage

#: How often the chain may run over one text. Real documents need one or two rounds; the last one only confirms.
MAX_ROUNDS = 8
#: The probability from which on an edit is made rather than suggested.
DEFAULT_THRESHOLD = 0.75
_HTML_MODES = ("fragment", "page")
# The body of a removed code element: where it starts and ends now, and where it started in the raw text.
_Body = tuple[int, int, int]
#: What ``save`` writes: settings, added terms, vocabulary. Not "vocab.txt": the folder may be that of a model, whose own file
#: must stay as it is.
SAVED_FILES = _SETTINGS_FILE, _LEXICON_FILE, _VOCABULARY_FILE = "vnlp_prep.json", "lexicon.tsv", "vocabulary.txt"


class Step(NamedTuple):
    """What one stage did: its name, the text it was given, the edits it made and those it only suggests (offsets in ``text``)."""

    stage: str
    text: str
    edits: list[Edit]
    suggestions: list[Edit]


class _Run(NamedTuple):
    """What came of a text: the result, the steps that changed something, and what is suggested (offsets in the result)."""

    text: str
    changes: list[Step]
    suggestions: list[Edit]


class Preprocessor:
    """Cleans text: HTML, broken Unicode, repeated characters, run-together words, typos.

    Cheap to build, safe to share between threads and to pickle.

    >>> prep = Preprocessor()
    >>> prep("Teh vSphere client&#39;s log is sooooo slow!!!!!")
    "The vSphere client's log is so slow!"
    """

    def __init__(
        self,
        *,
        stages: Sequence[str] | None = None,
        lexicon: str | os.PathLike[str] | Lexicon | None = None,
        html: str = "fragment",
        threshold: float = DEFAULT_THRESHOLD,
        vocabulary: str | os.PathLike[str] | WordPieces | None = None,
    ) -> None:
        """Set up a chain.

        ``stages``: any of STAGES (default: all); they run in the order of STAGES. ``lexicon``: a term list to add to the shipped
        lexicon, or a Lexicon. ``html``: ``"fragment"`` (text that may hold markup) or ``"page"`` (whole pages, main content
        only). ``threshold``: the confidence from which on an edit is made, 0 to 1. ``vocabulary``: the WordPiece vocabulary of
        the encoder that is to read the text (``vocab.txt``, ``tokenizer.json`` or the model's folder); with it, compounds and
        names that the encoder would break across their parts are split as well.

        Raises SettingsError for an unknown stage or mode and for a file that is no vocabulary, LexiconError for one that is no
        term list.
        """
        if isinstance(stages, str):
            stages = [stages]
        wanted = list(STAGES if stages is None else stages)
        unknown = [s for s in wanted if s not in STAGES]
        if unknown:
            raise SettingsError(f"unknown stage {unknown[0]!r}; the stages are {', '.join(STAGES)}")
        if html not in _HTML_MODES:
            raise SettingsError(f"html={html!r} is unknown; it is one of {', '.join(_HTML_MODES)}")
        if not isinstance(threshold, (int, float)) or not 0 <= threshold <= 1:
            raise SettingsError(f"threshold={threshold!r} must be a number from 0 to 1")
        self.stages = tuple(s for s in STAGES if s in wanted)
        self.html = html
        self.threshold = float(threshold)
        if isinstance(lexicon, Lexicon):
            self.lexicon = lexicon
        else:
            self.lexicon = Lexicon.shipped() if lexicon is None else Lexicon.load(lexicon)
        self.vocabulary = _as_vocabulary(vocabulary)

    # --- cleaning -----------------------------------------------------------------------------------------------------

    @overload
    def __call__(self, text: str) -> str: ...
    @overload
    def __call__(self, text: list[str]) -> list[str]: ...
    def __call__(self, text: str | list[str]) -> str | list[str]:
        """Return the cleaned text; a list of texts gives a list. Raises TypeError for anything else."""
        if isinstance(text, str):
            return self._text(text)
        if isinstance(text, (list, tuple)):
            return [self(t) for t in text]
        raise TypeError(f"expected a str or a list of str, not {type(text).__name__}")

    def clean(self, text: str) -> Cleaned:
        """Return the cleaned text with every edit and suggestion, at offsets in the raw text.

        Raises TypeError for anything but a string.
        """
        if not isinstance(text, str):
            raise TypeError(f"expected a str, not {type(text).__name__}")
        done: list[Edit] = []
        run = self._run(text)
        for step in run.changes:
            done = compose(text, done, step.edits)
        suggestions = run.suggestions
        if suggestions and done:
            back = Alignment(done)
            suggestions = [moved_to_raw(e, back, text) for e in suggestions]
        return Cleaned.of(text, run.text, done, sorted(suggestions, key=_place))

    def pipe(self, texts: Iterable[str], *, workers: int = 1, chunk_size: int = 64) -> Iterator[str]:
        """Yield the cleaned texts in order, as they come; memory stays bounded however long ``texts`` is.

        ``workers``: processes to use (1: this one); ``chunk_size``: texts that travel together. The result is the same for any
        of them. Raises TypeError for an item that is no string.
        """
        if workers == 1 and chunk_size >= 1:
            return map(self._text, texts)
        return (c.text for c in self.pipe_cleaned(texts, workers=workers, chunk_size=chunk_size))

    def pipe_cleaned(self, texts: Iterable[str], *, workers: int = 1, chunk_size: int = 64) -> Iterator[Cleaned]:
        """As ``pipe``, but yield what ``clean`` returns."""
        if workers < 1 or chunk_size < 1:
            raise SettingsError(f"workers={workers} and chunk_size={chunk_size} must be at least 1")
        if workers == 1:
            return map(self.clean, texts)
        from vnlp_prep.workers import clean_in_processes

        self.warm_up()
        return clean_in_processes(self, texts, workers, chunk_size)

    def map_batch(self, batch: Mapping[str, Sequence[Any]], fields: str | Sequence[str] = ("text",)) -> dict[str, list[Any]]:
        """Return the columns ``fields`` of ``batch`` cleaned: for ``datasets``, ``dataset.map(prep.map_batch, batched=True)``.

        Other columns are left out of the result, so that ``map`` keeps them as they are. A missing text (None) stays one.

        Raises SettingsError for a column that is not there, TypeError, with column and row, for a value that is no text.

        >>> Preprocessor().map_batch({"title": ["Teh log", None], "id": [1, 2]}, fields=["title"])
        {'title': ['The log', None]}
        """
        from vnlp_prep.columns import clean_columns

        return clean_columns(self._text, batch, fields)

    def warm_up(self) -> None:
        """Make what processes share ready, if this machine does not have it yet: before several would make it at a time."""
        _ = self.lexicon.candidates

    def trace(self, text: str) -> list[Step]:
        """Return what each stage did to ``text``, in order, until it was stable: for explaining, not for speed."""
        steps: list[Step] = []
        for _ in range(MAX_ROUNDS):
            round_steps, text, _ = self._round(text, frozenset())
            steps += round_steps
            if not any(s.edits for s in round_steps):
                break
        return steps

    def protected(self, text: str) -> list[Protected]:
        """Return the spans of ``text`` that no stage may rewrite, with their kinds."""
        found = protected(text, self.lexicon)
        if self.vocabulary is None or "compounds" not in self.stages:
            return found
        from vnlp_prep.stages.vocabulary import VocabularyCompoundStage

        stage = VocabularyCompoundStage(self.lexicon, self.vocabulary)
        return [p for p in found if p.kind != "name" or not stage.splits_name(text[p.start : p.end], self.threshold)]

    def _text(self, text: str) -> str:
        """Return the cleaned text. Raises TypeError for anything but a string."""
        if not isinstance(text, str):
            raise TypeError(f"expected a str, not {type(text).__name__}")
        return self._run(text, self.threshold).text

    def _run(self, raw: str, least: float = 0.0) -> _Run:
        """Run the chain over a text until nothing changes. What is less sure than ``least`` need not be suggested."""
        marks: frozenset[int] = frozenset()
        while True:
            run = self._settle(raw, marks, least)
            if isinstance(run, _Run):
                return run
            marks |= run

    def _settle(self, raw: str, marks: frozenset[int], least: float) -> _Run | frozenset[int]:
        """Run the chain until nothing changes. Returns what came of it, or the code spans of ``raw`` that have to keep marks.

        The body of a ``<code>`` is code in the round that removes the tags; if nothing else shows that it is, a later round would
        edit it. Then the first round is to be done again, with Markdown's marks in the place of the tags.
        """
        text = raw
        changes: list[Step] = []
        bodies: list[_Body] = []
        known = _Known()
        for number in range(MAX_ROUNDS):
            steps, after, code = self._round(text, marks if number == 0 else frozenset(), known, least)
            if number == 0:
                bodies = code
            elif bodies:
                clash = _touched(bodies, steps) - marks
                if clash:
                    return frozenset(clash)
                bodies = _moved(bodies, steps)
            changes += [step for step in steps if step.edits]
            # Code that was protected because its tags stood there has to be looked at without them.
            if not any(s.edits for s in steps if s.stage not in DECODING) and (number or not bodies):
                return _Run(after, changes, [e for s in steps if s.text is after for e in s.suggestions])
            text = after
        return _Run(raw, [], [])

    def _round(
        self, text: str, marks: frozenset[int], known: _Known | None = None, least: float = 0.0
    ) -> tuple[list[Step], str, list[_Body]]:
        """Run the stages that decode until they find nothing more, then those that work on words, once.

        A stage does not look again at a text that it had nothing to say of, which ``known`` remembers. ``least``: see ``_run``.

        Returns the steps, the text, and the bodies of removed code elements: span in the text, and where it was in the text
        that was given.
        """
        steps: list[Step] = []
        bodies: list[_Body] = []
        known = _Known() if known is None else known
        for number in range(MAX_ROUNDS):
            first = len(steps)
            for stage in self._decoders:
                idle = known.idle(stage.name, text)
                if idle is not None:
                    steps += [idle] if number == 0 else []
                    continue
                after = None
                if stage.name == "html":
                    markup = stage.scan(text, marks if number == 0 else frozenset())  # type: ignore[attr-defined]
                    proposed, after = markup.edits, markup.text
                    if number == 0:
                        bodies = [(a, b, a) for a, b in markup.code]
                else:
                    proposed = stage.propose(text)
                text, bodies = self._carry_out(stage.name, text, proposed, bodies, steps, after)
                known.note(steps[-1])
                if stage.name == "html" and not marks:
                    known.note(Step("html", text, [], []))  # it has cleaned its own result until nothing was left to clean
            if not any(s.edits for s in steps[first:]):
                break
        for stage in self._word_stages:
            code = [(a, b) for a, b, _ in bodies]
            idle = known.idle(stage.name, text, code)
            if idle is not None:
                steps.append(idle)
                continue
            known.seen = self._tokens.look_at(text, code, known.seen)
            text, bodies = self._carry_out(stage.name, text, stage.edits(known.seen, least), bodies, steps)
            known.note(steps[-1], code)
        return steps, text, bodies

    def _carry_out(
        self, stage: str, text: str, proposed: list[Edit], bodies: list[_Body], steps: list[Step], after: str | None = None
    ) -> tuple[str, list[_Body]]:
        """Make those edits that are sure enough; append the step; return the text and the bodies behind it.

        ``after``: what all that is proposed makes of the text, if the stage knows.
        """
        edits = [e for e in proposed if e.confidence >= self.threshold]
        rest = [e for e in proposed if e.confidence < self.threshold] if len(edits) < len(proposed) else []
        step = Step(stage, text, edits, rest)
        steps.append(step)
        if not edits:
            return text, bodies
        made = apply(text, edits) if after is None or rest else after
        return made, _moved(bodies, [step])

    @cached_property
    def _decoders(self) -> list[Stage]:
        return [_make_decoder(name, self) for name in self.stages if name in DECODING]

    @cached_property
    def _word_stages(self) -> list[WordStage]:
        return [_make_word_stage(name, self) for name in self.stages if name not in DECODING]

    @cached_property
    def _tokens(self) -> TokensSeen:
        from vnlp_prep.stages.words_stage import share

        return share(self._word_stages, self.lexicon)

    # --- settings -----------------------------------------------------------------------------------------------------

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that the result depends on, ready for JSON; lexicon and vocabulary are kept apart."""
        settings: dict[str, Any] = {"stages": list(self.stages), "html": self.html, "threshold": self.threshold}
        if self.vocabulary is not None:
            settings["vocabulary"] = {"fingerprint": self.vocabulary.fingerprint, "lower_case": self.vocabulary.lower_case}
        return settings

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hexadecimal) of version, settings, lexicon and vocabulary: equal fingerprints clean alike."""
        from vnlp_prep import __version__

        text = json.dumps([__version__, self.settings, self.lexicon.fingerprint], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Save settings, added terms and the vocabulary to ``folder`` (made if need be), as text: what ``load`` reads back."""
        from vnlp_prep import __version__

        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        write_terms(target / _LEXICON_FILE, list(self.lexicon.terms))
        if self.vocabulary is not None:
            self.vocabulary.save(target / _VOCABULARY_FILE)
        content = {"version": __version__, "fingerprint": self.fingerprint, "settings": self.settings}
        # Not tempfile: a file of that is for its owner alone, and a service under another user could not load the folder.
        temporary = target / f".{_SETTINGS_FILE}.{os.getpid()}"
        temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        temporary.replace(target / _SETTINGS_FILE)

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> Preprocessor:
        """Return the preprocessor that was saved to ``folder``.

        Warns (UserWarning) when this version or its shipped lexicon is another than the one that saved it: it may clean
        otherwise. Raises SettingsError or LexiconError, with the file, when something in the folder is not as ``save`` left it.
        """
        source = Path(folder)
        path = source / _SETTINGS_FILE
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except OSError as e:
            raise SettingsError(f"{path}: cannot read the saved settings: {e.strerror or e}") from e
        except (ValueError, RecursionError) as e:
            raise SettingsError(f"{path}: not the JSON that save() writes: {e}") from e
        if not isinstance(content, dict) or not isinstance(content.get("settings"), dict):
            raise SettingsError(f"{path}: not the JSON that save() writes: no settings in it")
        settings = dict(content["settings"])
        unknown = sorted(settings.keys() - {"stages", "html", "threshold", "vocabulary"})
        if unknown:
            raise SettingsError(f"{path}: unknown setting {unknown[0]!r}")
        if settings.get("vocabulary") is not None:
            settings["vocabulary"] = _saved_vocabulary(source / _VOCABULARY_FILE, settings["vocabulary"])
        terms = read_terms(source / _LEXICON_FILE) if (source / _LEXICON_FILE).exists() else []
        prep = cls(**settings, lexicon=Lexicon(terms) if terms else None)
        if content.get("fingerprint") not in (None, prep.fingerprint):
            import warnings

            warnings.warn(
                f"{path}: saved by version {content.get('version')} with another lexicon or version than this one;"
                " texts may be cleaned otherwise than before",
                stacklevel=2,
            )
        return prep

    def __getstate__(self) -> dict[str, Any]:
        """Only settings, added terms and the vocabulary travel; caches and indexes are made anew.

        The fingerprint goes with them for those who tell by the pickled bytes whether results that they kept are still good, as
        ``datasets`` does: another version or shipped lexicon may clean otherwise.
        """
        return {**self.settings, "lexicon": self.lexicon, "vocabulary": self.vocabulary, "fingerprint": self.fingerprint}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**{name: value for name, value in state.items() if name != "fingerprint"})  # type: ignore[misc]

    def __repr__(self) -> str:
        """The settings, as they would be given."""
        more = f", vocabulary={self.vocabulary}" if self.vocabulary is not None else ""
        return f"Preprocessor(stages={self.stages}, html={self.html!r}, threshold={self.threshold}, lexicon={self.lexicon}{more})"


def _as_vocabulary(vocabulary: str | os.PathLike[str] | WordPieces | None) -> WordPieces | None:
    """Return the vocabulary as one, read from its file if need be; nothing is imported where there is none."""
    if vocabulary is None:
        return None
    from vnlp_prep.lexicon.wordpiece import WordPieces

    return vocabulary if isinstance(vocabulary, WordPieces) else WordPieces.load(vocabulary)


def _saved_vocabulary(path: Path, setting: object) -> WordPieces:
    """Return the vocabulary that ``save`` wrote to ``path``; ``setting`` is what the settings say of it."""
    from vnlp_prep.lexicon.wordpiece import WordPieces

    lower_case = setting.get("lower_case") if isinstance(setting, dict) else None
    if not isinstance(lower_case, bool):
        raise SettingsError(f"{path.with_name(_SETTINGS_FILE)}: the setting 'vocabulary' is not as save() writes it")
    return WordPieces.load(path, lower_case=lower_case)


def _place(e: Edit) -> tuple[int, int]:
    return e.start, e.end


def _moved(bodies: list[_Body], steps: Sequence[Step]) -> list[_Body]:
    """Return the bodies where they are after the steps."""
    for step in steps:
        if step.edits and bodies:
            moved = Alignment(step.edits)
            bodies = [(*moved.new_span(a, b), mark) for a, b, mark in bodies]
    return bodies


def _touched(bodies: list[_Body], steps: Sequence[Step]) -> set[int]:
    """Return the marks of the code bodies that a stage working on words edits, in the coordinates of each step."""
    out: set[int] = set()
    for step in steps:
        if step.stage not in DECODING:
            for e in step.edits:
                out.update(mark for a, b, mark in bodies if a < e.end and e.start < b)
        bodies = _moved(bodies, [step])
    return out


class _Known:
    """What is known of the texts of one run: of which ones a stage had nothing to say, and the last one as word stages see it."""

    def __init__(self) -> None:
        self.seen: Seen | None = None
        self._idle: dict[str, tuple[Step, list[Span]]] = {}

    def note(self, step: Step, code: list[Span] | None = None) -> None:
        """Remember a step that made no edit; ``code``: the spans that the stage was told to be code."""
        if not step.edits:
            self._idle[step.stage] = step, code or []

    def idle(self, stage: str, text: str, code: list[Span] | None = None) -> Step | None:
        """Return the step of a stage that has nothing to do on a text, if that is known."""
        step, beside = self._idle.get(stage, (None, None))
        return step if step is not None and step.text is text and beside == (code or []) else None


# The imports of the stages happen where one is made, so that a chain pays only for what it uses.


def _make_decoder(name: str, prep: Preprocessor) -> Stage:
    """Build one of the stages that decode."""
    if name == "html":
        from vnlp_prep.stages.html import HtmlStage

        return HtmlStage(page=prep.html == "page")
    from vnlp_prep.stages.unicode import UnicodeStage

    return UnicodeStage()


def _make_word_stage(name: str, prep: Preprocessor) -> WordStage:
    """Build one of the stages that work on words."""
    if name == "repeats":
        from vnlp_prep.stages.repeats import RepeatStage

        return RepeatStage(prep.lexicon)
    if name == "compounds" and prep.vocabulary is not None:
        from vnlp_prep.stages.vocabulary import VocabularyCompoundStage

        return VocabularyCompoundStage(prep.lexicon, prep.vocabulary)
    if name == "compounds":
        from vnlp_prep.stages.compounds import CompoundStage

        return CompoundStage(prep.lexicon)
    from vnlp_prep.stages.spelling import SpellingStage

    return SpellingStage(prep.lexicon)
