"""What a line is: prose, or a log line, source code, a shell session, key and value, another language."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Protocol

from vnlp_prep.words.regions import INLINE
from vnlp_prep.words.tokens import EDGES, word_spans

_LEVEL = r"(?:ERROR|WARN|WARNING|INFO|DEBUG|TRACE|FATAL|CRITICAL|NOTICE|SEVERE|ERR|PANIC)"
_LINES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        (
            "log line",
            r"\s*[\[(<]?\d{4}[-/]\d\d[-/]\d\d[T ,]\s?\d\d:\d\d"
            r"|\s*\[?\d\d:\d\d:\d\d(?:[.,]\d+)?\]?\s"
            r"|\s*[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d\s"
            rf"|\s*(?:\[{_LEVEL}\]|(?:ERROR|INFO|DEBUG|TRACE|FATAL|CRITICAL|SEVERE|PANIC)(?::|\s+[\[\w.]+[\]:]|\s{{2,}}))"
            rf"|\s*{_LEVEL}:[\w.]+:"
            r"|\s*[IWEF]\d{4} \d\d:\d\d:\d\d"
            r"|\s*(?:level|time|ts)=\S+ ",
        ),
        (
            "stack frame",
            r"\s+at [\w.$<>/]+\(|\s*at .{1,200}:\d+(?::\d+)?\)?\s*$|\s*File \"[^\"]{1,300}\", line \d+|\s*Traceback \("
            r"|\s*Caused by: |\s*\.\.\. \d+ more|goroutine \d+ \[|\s*#\d+ +0x|(?:[a-z][\w$]*\.){2,}[A-Z]\w*(?:Exception|Error)\b",
        ),
        (
            "shell",
            r"\s*(?:\$|PS [^>]{0,100}>|[\w.-]+@[\w.-]+[:~ ][^#$>]{0,100}[#$]|[A-Z]:\\[^>]{0,100}>)\s*\S"
            r"|\s*(?:sudo|kubectl|docker|curl|git|apt-get|yum|pip|npm|esxcli|govc)\s+[-\w]+\s+[-\w./]+\s*$",
        ),
        ("directive", r"\s*\.\. (?:_|\||\[|[\w-]+::)"),  # reStructuredText: targets, substitutions, options
        ("diff", r"(?:@@ -|diff --git |index [0-9a-f]{6,}|\+\+\+ [ab/]|--- [ab/])"),
        ("hex dump", r"\s*(?:0x)?[0-9a-fA-F]{4,16}:?\s+(?:[0-9a-fA-F]{2,4}\s+){4}"),
        ("json", r"\s*[\"'][^\"'\n]{0,200}[\"']\s*:\s*[\[{\"'\d\-tfn]|\s*[\[{]\s*[\"'{\[]|.*\{\s*\"[^\"]{1,200}\"\s*:"),
        (
            "sql",
            r"\s*(?:SELECT\s.{1,500}\sFROM\s|INSERT\s+INTO\s|UPDATE\s+\S+\s+SET\s|DELETE\s+FROM\s|(?:CREATE|ALTER|DROP)\s+(?:TABLE|VIEW|INDEX|DATABASE|USER)\s)"
            r"|\s*(?:FROM|WHERE|(?:INNER |LEFT |RIGHT |OUTER |FULL )*JOIN|GROUP BY|ORDER BY|HAVING|VALUES|SET)\s+[\w('\"`]"
            r"|\s*(?:select\s.{1,500}\sfrom\s+\w+\s*(?:;|where|join|limit|order)|insert\s+into\s+\w+\s*\()",
        ),
        (
            "source code",
            r".*[;{}]\s*$(?<![a-z ][;])|.*(?:(?<!=)==(?!=)|!=|=>|->|::|\+=|&&|\|\||\(\)|<-|/\*|\*/|;\s*//)|\s*(?://|/\*|--\s\S.*;|#!)"
            r"|\s*(?:def|class|func|function|struct|enum|fn|var|let|const|public|private|protected|static|void|int|bool|string)\s+[\w.<>\[\]]+\s*[\(\{:=]"
            r"|\s*[A-Za-z_][\w.\[\]]*\s*(?:[-+*/|&]?=)\s*\S"
            r"|\s*(?:from\s+[\w.]+\s+)?import\s+[\w.*{]+(?:\s|;|,|$)(?![a-z]+ [a-z]+ )",
        ),
        ("yaml", r"\s*(?:-\s+)?[a-z][\w.-]*:\s*(?:[|>][-+]?|[\"'\[{].*|true|false|null|~|-?\d[\d.]*|[\w./-]+)?\s*(?:#.*)?$"),
        ("csv", r"[^,\n]{0,200}(?:,[^\s,][^,\n]{0,200}|,(?=,)){3,}$"),
    )
)
# Kinds that sentences about code can look like.
_LOOSE = frozenset(("source code", "yaml", "csv", "shell"))
_QUOTED_CODE = re.compile(r"`[^`\n]*`|\w*\(\)")
_MAX_LINE = 2000  # beyond it, only the start of a line is looked at: the kind of a line shows early


def line_kind(line: str) -> str | None:
    """Name what a line is if it is not prose: a log line, a stack frame, source code ...; None for prose.

    >>> line_kind("2021-05-03T10:11:12Z ERROR failed"), line_kind("  at com.foo.Bar(Bar.java:12)"), line_kind("$ ls -l")
    ('log line', 'stack frame', 'shell')
    >>> line_kind("Note: the quick brown fox jumps over it."), line_kind("It is done; see below.")
    (None, None)
    """
    line = line[:_MAX_LINE]
    for kind, pattern in _LINES:
        if not pattern.match(line):
            continue
        if kind not in _LOOSE:
            return kind
        # Sentences name code; what remains of them without it decides.
        rest = INLINE.sub(" ", _QUOTED_CODE.sub(" ", line))
        words = plain_words(rest)
        if pattern.match(rest) and sum(w in _ENGLISH for w in words) < max(2, len(words) / 6):
            return kind
    return None


_DATA = frozenset(("json", "sql", "csv"))
_JSON = ('"', "'", "[", "{")
_SQL = re.compile(
    r"\s*(?:SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|FROM|WHERE|INNER|LEFT|RIGHT|OUTER|FULL|JOIN|GROUP|ORDER|HAVING"
    r"|VALUES|SET|select|insert)\s"
)


def is_data(line: str) -> bool:
    """True for a line of JSON, SQL or CSV (see ``line_kind``); at once for most that are none.

    >>> is_data('{"a": 1}'), is_data("SELECT a FROM b"), is_data("a,b,c,d"), is_data("Install the client, then log in.")
    (True, True, True, False)
    """
    line = line[:_MAX_LINE]
    may_be = line.lstrip().startswith(_JSON) or ("{" in line and '"' in line) or line.count(",") > 2 or _SQL.match(line)
    return bool(may_be) and line_kind(line) in _DATA


# Function words of English: a line with several of them is a sentence.
_ENGLISH = frozenset(
    "the of and to is it for that with this you are be have not as your from or can will if which has been when by at we "
    "they there their then them its into only should must would could using use used i he she but so what how in on a an".split()
)


class Vocabulary(Protocol):
    """What protection has to know of a lexicon."""

    def __contains__(self, word: object) -> bool:
        """Whether a word is right as it stands."""
        ...

    def is_foreign(self, word: str) -> bool:
        """Whether a lower-cased word is frequent in another language and rare in English."""
        ...


def english(words: Iterable[str], vocabulary: Vocabulary) -> bool:
    """True unless the words (lower case) around a place show another language or no prose at all.

    Few words prove nothing and pass: what a stage finds then stands on its own confidence.
    """
    n = ours = theirs = familiar = 0
    for word in words:
        n += 1
        familiar += word in vocabulary
        ours += word in _ENGLISH
        theirs += vocabulary.is_foreign(word)
    if theirs > 1 and theirs >= ours:
        return False
    return n < 6 or familiar >= 0.6 * n or (ours >= 2 and familiar >= 0.4 * n)


def plain_words(line: str) -> list[str]:
    """The words of a line in lower case, those with letters outside ASCII too: they tell languages apart."""
    words: list[str] = []
    for token in line.split():
        words += _words_of(token) if len(token) <= _MAX_REMEMBERED else _words_in(token)
    return words


def _words_in(token: str) -> tuple[str, ...]:
    spans = word_spans(token)
    if spans:
        return tuple([token[a:b].lower() for a, b in spans])
    if not token.isascii() and (core := token.strip(EDGES + ".")).isalpha():
        return (core.lower(),)
    return ()


# The tokens of lines are the same few thousand over and over again.
_MAX_REMEMBERED = 30  # letters
_words_of = lru_cache(maxsize=2_048)(_words_in)
