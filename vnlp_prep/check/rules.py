"""The rules by which something is found, and the choice of some of them.

A rule is called ``stage/rule``, for two stages may use one word: ``repeats/extra-letter``, ``spelling/extra-letter``. Where rules
are chosen, a stage stands for all of its rules, and a rule without its stage for those of that name in any stage.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from vnlp_prep.corpus.settings import did_you_mean
from vnlp_prep.errors import SettingsError

#: What can be wrong with a file or record itself, before there is a text to look at. Nothing of it can be fixed.
INPUT = "input"


class Rule(NamedTuple):
    """A rule: its stage, its name there, and what it finds, in a few words."""

    stage: str
    name: str
    what: str

    @property
    def id(self) -> str:
        """How it is called: ``spelling/known-misspelling``."""
        return f"{self.stage}/{self.name}"


_RULES: dict[str, dict[str, str]] = {
    INPUT: {
        "invalid-utf-8": "bytes that are not UTF-8",
        "invalid-encoding": "bytes that are not in the given encoding",
        "nul-byte": "a NUL byte in a JSON line",
        "control-character": "a raw control character in a JSON string",
        "truncated-json": "a JSON line that ends too early",
        "invalid-json": "a line that is not JSON",
        "too-deep": "a JSON line that is nested too deeply",
        "number-out-of-range": "a number that no program can hold",
        "not-a-number": "NaN or Infinity, which are not JSON",
        "lone-surrogate": "half of a surrogate pair in a JSON line",
        "duplicate-key": "an object that has a key twice",
        "not-an-object": "a record that is no JSON object",
        "field-missing": "a record without the text field",
        "field-null": "a text field that is null",
        "field-not-text": "a text field that is no string",
        "line-too-long": "a line that is longer than allowed",
        "truncated-archive": "a last line that is incomplete, for the archive is damaged",
        "internal-error": "a text that could not be checked: a bug, please report it",
    },
    "html": {
        "tag": "an inline tag",
        "block": "a tag of a block",
        "cell": "the tags between two cells of a table",
        "alt": "an image with a description",
        "comment": "a comment of HTML",
        "doctype": "a document type",
        "instruction": "a processing instruction",
        "cdata": "the marks of a CDATA section",
        "script": "a script, style or template",
        "entity": "a character reference",
        "double-escape": "a character reference that was escaped again",
        "space": "white space of a page",
        "boilerplate": "a part of a page that is not its main content",
        "page": "a page as a whole",
    },
    "unicode": {
        "mojibake": "text that was decoded with the wrong encoding",
        "c1": "a C1 control that was a character of Windows-1252",
        "control": "a control character",
        "escape": "a terminal sequence",
        "overstrike": "a letter that was typed over itself",
        "invisible": "an invisible character",
        "bidi": "a character that turns the direction of text",
        "tag": "a tag character, which can hide text",
        "space": "a space that is no plain space",
        "quote": "a typographic quotation mark or apostrophe",
        "ligature": "a ligature of Latin letters",
        "width": "a full-width or half-width form",
        "surrogate": "a surrogate",
        "nfc": "text that is not in normalization form C",
        "confusable": "a Latin word with letters of another script",
    },
    "repeats": {
        "elongation": "a stretched word",
        "extra-letter": "a word with a letter doubled",
        "punctuation": "a run of punctuation",
        "ruler": "a line drawn with characters",
    },
    "compounds": {
        "run-together": "words that were run together",
        "encoder-compound": "a compound that the encoder would break across its parts",
        "encoder-camel": "a name that the encoder would break across its parts",
    },
    "spelling": {
        "lexicon": "a mistake that your own term list names",
        "known-misspelling": "a known misspelling",
        "swapped-letters": "a word with its letters in the wrong order",
        "missing-letter": "a word without one of its letters",
        "extra-letter": "a word with a letter too many",
        "wrong-letter": "a word with a wrong letter",
        "several-slips": "a word with several slips",
    },
}


@cache
def all_rules() -> dict[str, Rule]:
    """Return every rule by its identifier, in the order of the stages."""
    rules = [Rule(stage, name, what) for stage, named in _RULES.items() for name, what in named.items()]
    return {rule.id: rule for rule in rules}


def rule_of(stage: str, name: str) -> Rule:
    """Return a rule; one that is not in the catalogue is described by its name."""
    return all_rules().get(f"{stage}/{name}") or Rule(stage, name, name.replace("-", " "))


def chosen(names: Iterable[str], where: str) -> frozenset[str]:
    """Return the identifiers of the rules that ``names`` (stages, rules, ``stage/rule``) stand for.

    Raises SettingsError for a name that there is not; ``where`` says in the message who gave it.

    >>> sorted(chosen(["unicode/tag", "run-together"], "--select"))
    ['compounds/run-together', 'unicode/tag']
    """
    found: set[str] = set()
    for name in names:
        ids = {id for id, rule in all_rules().items() if name in (id, rule.stage, rule.name)}
        if not ids:
            known = [*_RULES, *all_rules(), *(rule.name for rule in all_rules().values())]
            raise SettingsError(f"{where}: no rule or stage {name!r}{did_you_mean(name, known)} (stages: {', '.join(_RULES)})")
        found |= ids
    return frozenset(found)
