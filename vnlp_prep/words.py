"""What is a word, and what is protected: the one place that decides it.

The rule is a white list: only a token of plain letters in running prose is a word that a stage may look at. Everything else
(addresses, paths, identifiers, numbers, acronyms, code ...) is protected because it is *not* such a word; the names of kinds
below only serve to tell a person why. Three things decide, from cheap to dear:

1. ``word_spans(token)``: the shape of one white-space token. Pure, cached by the callers, sees most of it.
2. ``code_regions(text)``: Markdown code, templates, placeholders, link targets, which reach over white space.
3. ``line_kind(line)``: log lines, stack frames, shell sessions, source code, key-value lines, other languages.

2 and 3 are asked only about places where a stage would change something, so a clean text never pays for them.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

Span = tuple[int, int]


class Protected(NamedTuple):
    """A span of a text that no stage may rewrite, and why."""

    start: int
    end: int
    kind: str


# --- 1. tokens ------------------------------------------------------------------------------------------------------

_OPENING = r"""["'(\[*_|“”‘’«„–—]*"""
_CLOSING = r"""["')\]*_|“”‘’»–—.,;:!?…]*"""
# What may follow a word without being part of it: the target of a Markdown link, a footnote mark.
_LINK = r"(?:\]\([^\s]*|\]\[[^\s]*)?"
_LETTERS = r"[A-Za-z]+(?:['’][A-Za-z]+)*"
_TOKEN = re.compile(rf"({_OPENING})({_LETTERS}(?:-{_LETTERS})?(?:(?:–|—|,|…){_LETTERS})?)(?:{_CLOSING}{_LINK}{_CLOSING})")
_WORD = re.compile(_LETTERS)
_INNER_CAPITAL = re.compile(r"[a-z][A-Z]|[A-Z]{2}")
_MAX_TOKEN = 400  # a longer token is data
_MAX_WORD = 40  # longer runs of letters are data (base64, DNA), not words


def word_spans(token: str) -> tuple[Span, ...]:
    """Return the spans of ``token`` (a run without white space) that are plain words; empty when it is protected.

    >>> word_spans('"Teh')
    ((1, 4),)
    >>> word_spans("[Managment](external_links)."), word_spans("well-knwon")
    (((1, 10),), ((0, 4), (5, 10)))
    >>> [word_spans(t) for t in ("a/b", "foo()", "$HOME", "v1.2", "snake_case", "PowerShell", "ESXi", "--flag", "x@y.z")]
    [(), (), (), (), (), (), (), (), ()]
    """
    if len(token) > _MAX_TOKEN:
        return ()
    m = _TOKEN.fullmatch(token)
    if m is None:
        return ()
    start, core = m.start(2), m.group(2)
    if m.group(1).endswith("__") or (core.endswith("-") or core.startswith("-")):
        return ()
    spans = []
    for word in _WORD.finditer(core):
        if len(word.group()) > _MAX_WORD or _INNER_CAPITAL.search(word.group()):
            return ()
        spans.append((start + word.start(), start + word.end()))
    return tuple(spans)


_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        ("url", r"(?i)[a-z][a-z0-9+.-]{0,30}://.*|www\..*|(?:mailto|urn|data|tel):\S+"),
        ("email", r"[\w.+-]{1,100}@[\w-]{1,100}(?:\.[\w-]{1,100})+"),
        ("mention", r"@[\w./-]+"),
        ("hashtag", r"#[^\W\d_][\w-]*"),
        ("uuid", r"(?i)\{?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\}?"),
        ("mac", r"(?i)(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}"),
        ("time", r"\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?"),
        ("ip", r"\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,2})?(?::\d{1,5})?|(?i:[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?:/\d{1,3})?)"),
        ("jwt", r"eyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?"),
        ("date", r"\d{4}-\d\d(?:-\d\d)?(?:[T_]\d\d:?\d\d\S*)?|\d{1,2}[./]\d{1,2}[./]\d{2,4}"),
        ("hash", r"(?i)(?:sha\d+:|0x)?(?=[a-f]*\d)[0-9a-f]{7,128}"),
        ("version", r"[vV]?\d+(?:\.[\dxX]+)+(?:[-+~][\w.+-]+)?[a-z]?\d*"),
        ("variable", r"\$\{?[\w.:-]+\}?|%\w+%|\$\(.*|\{\{.*|\$env:\w+"),
        ("flag", r"--?[A-Za-z][\w-]*(?:[=:].*)?|/[A-Z?]"),
        ("placeholder", r"<[^<>]*>|\{[\w.-]+\}|\[[\w.-]+\]|YOUR[_-]\w+|[Xx]{3,}"),
        ("path", r"(?:~|\.{1,2})?/.*|[A-Za-z]:[\\/].*|\\\\.*|[\w.~-]+(?:/[\w.@~*-]+)+/?|[\w.-]+(?:\\[\w.-]+)+"),
        ("format", r"%[-+ #0]*\d*(?:\.\d+)?[diouxXeEfgGcsrp%]|\\[nrtabfv0\\xuU]\S*"),
        ("file", r"[\w.-]*\w\.(?:[a-z][a-z0-9]{0,4}|[A-Z]{2,4})"),
        ("number", r"[-+±~≈]?[\d.,]*\d(?:[eE][-+]?\d+)?\s?(?:%|[A-Za-zµΩ°/²³]{0,6})"),
        ("call", r"[\w.:>-]+\(.*"),
        ("identifier", r"\w*_\w[\w]*|[A-Za-z_]\w*(?:(?:\.|::|->)\w+)+|[a-z]+(?:[A-Z][a-z0-9]*)+"),
        ("acronym", r"[A-Z]{2,}[a-z]{0,3}|[A-Z](?:\.[A-Z])+\.?"),
        ("name", r"\w*[a-z][A-Z]\w*|[A-Z]{2,}[a-z]\w*"),
        ("base64", r"[A-Za-z0-9+/_-]{24,}={0,2}"),
        ("code", r".*[=<>{}&|^`\\].*"),
    )
)
_EDGES = "\"'(),;:!?“”‘’*"


def token_kind(token: str) -> str | None:
    """Name the kind of a protected token for a person; None for plain words and bare punctuation.

    >>> [token_kind(t) for t in ("https://x.y/z", "10.0.0.1/24", "--force,", "getFoo()", "ESXi", "word", "C:\\\\Temp")]
    ['url', 'ip', 'flag', 'call', 'acronym', None, 'path']
    """
    found = _classify(token)
    return found[2] if found else None


def _classify(token: str) -> tuple[int, int, str] | None:
    """Start and end of what is protected in a token (without the punctuation around it), and its kind."""
    if len(token) > _MAX_TOKEN:
        return 0, len(token), "data"
    if not any(c.isalnum() for c in token) or word_spans(token):
        return None
    core = token.strip(_EDGES).rstrip(".")
    start = token.find(core)
    for low, high in ((0, len(token)), (start, start + len(core))):
        for kind, pattern in _KINDS:
            if pattern.fullmatch(token, low, high):
                return low, high, kind
    return 0, len(token), "other"


# --- 2. regions -----------------------------------------------------------------------------------------------------

_FENCE = re.compile(r"[ \t]*(?:[>*+-][ \t]+)*(`{3,}|~{3,}|-{4,}(?=\s*$)|\.{4,}(?=\s*$))([^\n]*)")
_LISTING = ("[source", "[listing", "[literal")  # AsciiDoc: the line above a block of code
_TICKS_OR_BREAK = re.compile(r"`+|\n[ \t]*\n")
# Bounded, and none can match across a blank line.
_INLINE = re.compile(
    r"(?P<template>\{\{(?:[^{}\n]|\n(?!\s*\n)){0,300}\}\}|\{%[^%\n]{0,300}%\}|<%[^%\n]{0,300}%>"
    r"|\$\{[^{}\n]{0,200}\}|\$\([^()\n]{0,200}\)|\[%[^%\n]{0,200}%\])"
    r"|(?P<placeholder><[^<>\n]{1,200}>)"
    r"|(?P<link>\]\([^()\s]{1,1000}(?:\s{1,3}\"[^\"\n]{0,200}\")?\))"
    r"|(?P<path>\b[A-Za-z]:\\(?:[^\\/:*?\"<>|\r\n]{1,80}\\){1,30}[^\\/:*?\"<>|\s]*)"
    r"|(?P<attributes>\{[:#.][^{}\n]{0,200}\})"
)


def fences(text: str) -> Iterator[Span]:
    """Spans of fenced code, fences included: Markdown's and the listing blocks of AsciiDoc.

    An unclosed fence reaches to the end, as CommonMark 4.5 has it.
    """
    if "```" not in text and "~~~" not in text and "\n----" not in text and "\n...." not in text:
        return
    at, opened, mark, announced = 0, -1, "", False
    while at <= len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        m = _FENCE.match(text, at, end)
        if m and (m.group(1)[0] in "`~" or announced or opened >= 0):
            ticks, info = m.group(1), m.group(2)
            if opened < 0:
                if "`" not in info or ticks[0] == "~":
                    opened, mark = at, ticks
            elif ticks[0] == mark[0] and len(ticks) >= len(mark) and not info.strip():
                yield opened, end
                opened = -1
        announced = text.startswith(_LISTING, at)
        at = end + 1
    if opened >= 0:
        yield opened, len(text)


def code_spans(text: str, start: int = 0, end: int | None = None) -> Iterator[Span]:
    """Spans of Markdown's inline code between ``start`` and ``end``, backticks included (CommonMark 6.1)."""
    paragraph: list[Span] = []
    for m in _TICKS_OR_BREAK.finditer(text, start, len(text) if end is None else end):
        if m.group()[0] == "`":
            paragraph.append(m.span())
        else:
            yield from _paired(paragraph)
            paragraph = []
    yield from _paired(paragraph)


def _paired(runs: Sequence[Span]) -> Iterator[Span]:
    """Pair each run of backticks with the next one of the same length. Linear: each length keeps its own queue."""
    places: dict[int, list[int]] = {}
    for i, (start, end) in enumerate(runs):
        places.setdefault(end - start, []).append(i)
    i = 0
    while i < len(runs):
        start, end = runs[i]
        same = places[end - start]
        k = bisect_right(same, i)
        if k < len(same):
            i = same[k]
            yield start, runs[i][1]
        i += 1


def markdown_code(text: str) -> list[Span]:
    """Spans of Markdown code, fenced and inline, in order."""
    if "`" not in text and "~~~" not in text:
        return []
    out: list[Span] = []
    at = 0
    for start, end in fences(text):
        out += code_spans(text, at, start)
        out.append((start, end))
        at = end
    out += code_spans(text, at)
    return out


def front_matter(text: str) -> Span | None:
    """Span of a YAML front matter at the start of the text."""
    if not text.startswith("---\n") and not text.startswith("---\r\n"):
        return None
    m = re.compile(r"\n(?:---|\.\.\.)[ \t]*(?=\r?\n|\Z)").search(text, 3, 20_000)
    return (0, m.end()) if m else None


def inline_regions(text: str, start: int, end: int) -> list[Protected]:
    """Return inline code, templates, placeholders, link targets and paths with spaces between ``start`` and ``end``."""
    found = [Protected(a, b, "code") for a, b in code_spans(text, start, end)]
    found += [Protected(*m.span(), m.lastgroup or "code") for m in _INLINE.finditer(text, start, end)]
    return found


def code_regions(text: str) -> list[Protected]:
    """Return what is protected beyond single tokens, sorted and disjoint."""
    head = front_matter(text)
    found = [Protected(*head, "front matter")] if head else []
    found += [Protected(start, end, "code") for start, end in fences(text)]
    found += inline_regions(text, 0, len(text))
    return _outermost(found)


def _outermost(found: list[Protected]) -> list[Protected]:
    """Sort the spans and drop those that begin inside an earlier one."""
    out: list[Protected] = []
    for p in sorted(found, key=lambda p: (p.start, -p.end)):
        if not out or p.start >= out[-1].end:
            out.append(p)
    return out


# --- 3. lines -------------------------------------------------------------------------------------------------------

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
            r"\s*(?:\$|PS [^>]{0,100}>|[\w.-]+@[\w.-]+[:~ ][^#$>]{0,100}[#$]|[A-Z]:\\[^>]{0,100}>)\s*\S|\s*(?:sudo|kubectl|docker|curl|git|apt-get|yum|pip|npm|esxcli|govc)\s+[-\w]+\s+[-\w./]+\s*$",
        ),
        ("diff", r"(?:@@ -|diff --git |index [0-9a-f]{6,}|\+\+\+ [ab/]|--- [ab/])"),
        ("hex dump", r"\s*(?:0x)?[0-9a-fA-F]{4,16}:?\s+(?:[0-9a-fA-F]{2,4}\s+){4}"),
        ("json", r"\s*[\"'][^\"'\n]{0,200}[\"']\s*:\s*[\[{\"'\d\-tfn]|\s*[\[{]\s*[\"'{\[]|.*\{\s*\"[^\"]{1,200}\"\s*:"),
        (
            "source code",
            r".*[;{}]\s*$(?<![a-z ][;])|.*(?:(?<!=)==(?!=)|!=|=>|->|::|\+=|&&|\|\||\(\)|<-|/\*|\*/|;\s*//)|\s*(?://|/\*|--\s\S.*;|#!)"
            r"|\s*(?:def|class|func|function|struct|enum|fn|var|let|const|public|private|protected|static|void|int|bool|string)\s+[\w.<>\[\]]+\s*[\(\{:=]"
            r"|\s*[A-Za-z_][\w.\[\]]*\s*(?:[-+*/|&]?=)\s*\S"
            r"|\s*(?:from\s+[\w.]+\s+)?import\s+[\w.*{]+(?:\s|;|,|$)(?![a-z]+ [a-z]+ )",
        ),
        (
            "sql",
            r"\s*(?:SELECT\s.{1,500}\sFROM\s|INSERT\s+INTO\s|UPDATE\s+\S+\s+SET\s|DELETE\s+FROM\s|(?:CREATE|ALTER|DROP)\s+(?:TABLE|VIEW|INDEX|DATABASE|USER)\s)"
            r"|\s*(?:select\s.{1,500}\sfrom\s+\w+\s*(?:;|where|join|limit|order)|insert\s+into\s+\w+\s*\()",
        ),
        ("yaml", r"\s*(?:-\s+)?[a-z][\w.-]*:\s*(?:[|>][-+]?|[\"'\[{].*|true|false|null|~|-?\d[\d.]*|[\w./-]+)?\s*(?:#.*)?$"),
        ("csv", r"[^,\n]{0,200}(?:,[^\s,][^,\n]{0,200}|,(?=,)){3,}$"),
    )
)
# Kinds that sentences about code can look like.
_LOOSE = frozenset(("source code", "yaml", "csv", "shell"))
_FLAG = re.compile(r"--?[A-Za-z]")
_COMMAND_REACH = 60
_QUOTED_CODE = re.compile(r"`[^`\n]*`|\w*\(\)")
_REACH = 1000  # code points to either side that count as the paragraph or the line of a place
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
        rest = _INLINE.sub(" ", _QUOTED_CODE.sub(" ", line))
        words = _plain_words(rest)
        if pattern.match(rest) and sum(w in _ENGLISH for w in words) < max(2, len(words) / 6):
            return kind
    return None


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


class Guard:
    """Answers, for one text, whether a place may be changed. Built only when there is something to ask."""

    def __init__(self, text: str, code: Sequence[Span], vocabulary: Vocabulary) -> None:
        """``code``: spans known to be program text; ``vocabulary``: the lexicon."""
        self._text = text
        self._vocabulary = vocabulary
        head = front_matter(text)
        self._blocks = sorted([*fences(text), *code, *([head] if head else [])])
        self._starts = [start for start, _ in self._blocks]
        self._paragraphs: dict[int, list[Protected]] = {}
        self._verdicts: dict[Span, bool] = {}

    def in_code(self, start: int, end: int) -> bool:
        """True if the span touches program text, a template, a link target, a placeholder or front matter."""
        i = bisect_right(self._starts, end - 1)
        if any(self._blocks[k][1] > start for k in range(max(0, i - 2), i)):
            return True
        left, right = self._paragraph(start)
        regions = self._paragraphs.get(left)
        if regions is None:
            regions = self._paragraphs[left] = inline_regions(self._text, left, right)
        return any(p.start < end and start < p.end for p in regions)

    def _paragraph(self, at: int) -> Span:
        """The lines around a position that no blank line parts."""
        return self._between(at, "\n\n")

    def _between(self, at: int, border: str) -> Span:
        """The text around a position up to the next ``border`` on either side.

        Where there is none for long (a minified page, a book in one line) the neighbourhood counts: blocks of fixed places, so
        that all positions in one share its answer and the whole text is looked at a bounded number of times.
        """
        low = max(0, at // _REACH - 1) * _REACH
        high = low + 3 * _REACH
        left = self._text.rfind(border, low, at)
        right = self._text.find(border, at, high)
        return low if left < 0 else left + len(border), min(high, len(self._text)) if right < 0 else right

    def in_prose(self, start: int) -> bool:
        """True if the line around a position is English prose, or too short to tell."""
        left, right = self._between(start, "\n")
        verdict = self._verdicts.get((left, right))
        if verdict is None:
            line = self._text[left:right]
            verdict = line_kind(line) is None and english(_plain_words(line), self._vocabulary)
            self._verdicts[left, right] = verdict
        return verdict

    def allows(self, start: int, end: int) -> bool:
        """True if a stage may rewrite the words in the span."""
        return not self.in_code(start, end) and self.in_prose(start) and not self._in_command(end)

    def _in_command(self, end: int) -> bool:
        """True if flags follow soon in the line: a command that a sentence quotes without marks."""
        stop = self._text.find("\n", end, end + _COMMAND_REACH)
        following = self._text[end : end + _COMMAND_REACH if stop < 0 else stop].split()[:4]
        return any(_FLAG.match(token) for token in following)


def _plain_words(line: str) -> list[str]:
    """The words of a line in lower case, those with letters outside ASCII too: they tell languages apart."""
    words = []
    for token in line.split():
        spans = word_spans(token)
        if spans:
            words += [token[a:b].lower() for a, b in spans]
        elif not token.isascii() and (core := token.strip(_EDGES + ".")).isalpha():
            words.append(core.lower())
    return words


def protected(text: str, vocabulary: Vocabulary) -> list[Protected]:
    """Return every protected span of ``text`` with its kind, sorted and disjoint: what ``explain --show-protected`` shows."""
    found = code_regions(text)
    at = 0
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        kind = line_kind(text[at:end])
        if kind:
            found.append(Protected(at, end, kind))
        elif not english(_plain_words(text[at:end]), vocabulary):
            found.append(Protected(at, end, "not English prose"))
        at = end + 1
    for m in re.finditer(r"\S+", text):
        token = _classify(m.group())
        if token:
            start, end, kind = token
            found.append(Protected(m.start() + start, m.start() + end, kind))
    return _outermost(found)
