"""The shape of one token: which of its letters are plain words, and what a protected one is called."""

from __future__ import annotations

import re

Span = tuple[int, int]

_OPENING = r"""["'(\[*_|“”‘’«„–—]*"""
_CLOSING = r"""["')\]*_|“”‘’»–—.,;:!?…]*"""
# What may follow a word without being part of it: the target of a Markdown link, a footnote mark.
_LINK = r"(?:\]\([^\s]*|\]\[[^\s]*)?"
_LETTERS = r"[A-Za-z]+(?:['’][A-Za-z]+)*"
_TOKEN = re.compile(rf"({_OPENING})({_LETTERS}(?:-{_LETTERS})?(?:(?:–|—|,|…){_LETTERS})?)(?:{_CLOSING}{_LINK}{_CLOSING})")
_WORD = re.compile(_LETTERS)
_INNER_CAPITAL = re.compile(r"[a-z][A-Z]|[A-Z]{2}")
MAX_TOKEN = 400  # a longer token is data
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
    if len(token) > MAX_TOKEN:
        return ()
    m = _TOKEN.fullmatch(token)
    if m is None:
        return ()
    start, core = m.start(2), m.group(2)
    if m.group(1).endswith(("__", "[[")) or token.endswith("]:") or (core.endswith("-") or core.startswith("-")):
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
        ("hash", r"(?i)0x[0-9a-f]{2,128}|(?:sha\d+:)?(?=[a-f]*\d)[0-9a-f]{7,128}"),
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
EDGES = "\"'(),;:!?“”‘’*"


def token_kind(token: str) -> str | None:
    r"""Name the kind of a protected token for a person; None for plain words and bare punctuation.

    >>> [token_kind(t) for t in ("https://x.y/z", "10.0.0.1/24", "--force,", "getFoo()", "ESXi", "word", "C:\\Temp")]
    ['url', 'ip', 'flag', 'call', 'acronym', None, 'path']
    """
    found = classify(token)
    return found[2] if found else None


def classify(token: str) -> tuple[int, int, str] | None:
    """Start and end of what is protected in a token (without the punctuation around it), and its kind."""
    if len(token) > MAX_TOKEN:
        return 0, len(token), "data"
    if not any(c.isalnum() for c in token) or word_spans(token):
        return None
    core = token.strip(EDGES).rstrip(".")
    start = token.find(core)
    for low, high in ((0, len(token)), (start, start + len(core))):
        for kind, pattern in _KINDS:
            if pattern.fullmatch(token, low, high):
                return low, high, kind
    return 0, len(token), "other"
