"""Files checked by the rules that hold for each, with one set of word lists for all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import astuple
from typing import TYPE_CHECKING

from vnlp_prep.check.cache import Cache
from vnlp_prep.check.checker import Checker
from vnlp_prep.check.files import Checked, CheckedFile
from vnlp_prep.check.ignoring import IgnoredPatterns, IgnoredWords
from vnlp_prep.check.rules import all_rules
from vnlp_prep.check.settings import format_of
from vnlp_prep.corpus.records import shown
from vnlp_prep.pipeline import Preprocessor

if TYPE_CHECKING:
    from vnlp_prep.check.settings import CheckSettings
    from vnlp_prep.corpus.run import Options


class CheckRun:
    """Checks and fixes files, one after the other."""

    def __init__(
        self,
        prep: Preprocessor,
        settings: CheckSettings,
        options: Options,
        *,
        format: str | None = None,
        stdin_name: str | None = None,
        is_cached: bool = True,
    ) -> None:
        """``prep`` says how texts are cleaned; a stage none of whose rules holds for a file does not run on it.

        ``format``: ``jsonl`` or ``text``, None to go by the name of a file; ``stdin_name``: the name of standard input. Raises
        SettingsError for a pattern that is none.
        """
        self._prep = prep
        self._settings = settings
        self._options = options
        self._format = format
        self._stdin_name = stdin_name
        self._words = IgnoredWords(settings.ignore_words)
        self._patterns = IgnoredPatterns(settings.ignore_patterns)
        self._checkers: dict[frozenset[str], Checker] = {}
        self._cache = Cache(self._cache_settings()) if is_cached else None

    def _cache_settings(self) -> list[object]:
        options = self._options
        reading = [list(options.fields), options.on_missing, options.encoding, list(astuple(options.limits))]
        return [*reading, sorted(self._settings.ignore_words), list(self._settings.ignore_patterns)]

    def check(self, path: str) -> Checked:
        """Return what is found in a file, which may be remembered. Raises InputError and SettingsError."""
        if self._cache is None:
            return self._file(path).check()
        checker = self._checker(path)
        key = self._cache.key(path, self._format_of(path), checker.prep.fingerprint, sorted(checker.rules))
        checked = self._cache.get(key, self.name_of(path))
        if checked is None:
            checked = self._file(path).check()
            self._cache.put(key, checked)
        return checked

    def fix(self, path: str, *, unsafe: bool) -> Counter[str]:
        """Fix a file in its place; return the edits by rule. Raises InputError, OutputError and SettingsError."""
        return self._file(path).fix(unsafe=unsafe)

    def diff(self, path: str, *, unsafe: bool) -> Iterator[bytes]:
        """Yield what ``fix`` would change, as a unified diff. Raises InputError and SettingsError."""
        return self._file(path).diff(unsafe=unsafe)

    def close(self) -> None:
        """Keep what is remembered small."""
        if self._cache is not None:
            self._cache.close()

    def name_of(self, path: str) -> str:
        """Return how a file is called in findings."""
        return shown(self._called(path)) if path != "-" or self._stdin_name else "stdin"

    def _called(self, path: str) -> str:
        return self._stdin_name if path == "-" and self._stdin_name else path

    def _format_of(self, path: str) -> str:
        called = self._called(path)
        return format_of(called, self._format or ("jsonl" if called == "-" else None))

    def _file(self, path: str) -> CheckedFile:
        return CheckedFile(path, self.name_of(path), self._format_of(path), self._options, self._checker(path))

    def _checker(self, path: str) -> Checker:
        rules = self._settings.rules(self._called(path))
        checker = self._checkers.get(rules)
        if checker is None:
            wanted = {rule.stage for id, rule in all_rules().items() if id in rules}
            base = self._prep
            stages = [stage for stage in base.stages if stage in wanted]
            prep = Preprocessor(
                stages=stages, lexicon=base.lexicon, html=base.html, threshold=base.threshold, vocabulary=base.vocabulary
            )
            checker = self._checkers[rules] = Checker(prep, rules, self._words, self._patterns)
        return checker
