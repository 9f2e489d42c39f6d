"""Where a text has prose: the words that a person wrote for people, not code, addresses, markup or names of things.

It decides which sections are worth asking for and which words can be damaged. It knows nothing of how ``vnlp_prep`` protects
text, so that what is measured with it is no echo of what is measured.
"""

from __future__ import annotations

import re
from typing import NamedTuple

# Each is bounded, or swallows what it has scanned.
_NOT_PROSE = re.compile(
    r"^[ \t>*+-]*(?P<fence>`{3,}|~{3,})[^\n]*\n(?:.*?^[ \t>]*(?P=fence)[^\n]*|.*)"  # Markdown's fenced code
    r"|^(?P<block>-{4,}|\.{4,})\n(?:.*?^(?P=block)$|.*)"  # AsciiDoc's listings
    r"|<!--(?:.*?-->|.*)"
    r"|<(?P<element>script|style|pre|code)\b[^<>]{0,300}>(?:.*?</(?P=element)>|.*)"
    r"|</?[A-Za-z][^<>]{0,1000}>"
    r"|``[^`\n]{1,300}``|`[^`\n]{1,300}`"
    r"|\]\([^()\s]{1,1000}(?:[ \t][^()\n]{0,200})?\)"  # where a link of Markdown leads
    r"|\{\{[^{}\n]{0,300}\}\}|\{%[^%\n]{0,300}%\}|<%[^%\n]{0,300}%>",
    re.DOTALL | re.MULTILINE | re.IGNORECASE,
)
_LINE = re.compile(r"[^\n]+")
_TOKEN = re.compile(r"\S+")
_OPENING, _CLOSING = "([{\"'*_“‘>|", ")]}\"'*_.,;:!?…”’|"
_WORD = re.compile(r"[A-Za-z]+(?:[’'-][A-Za-z]+)*")
#: An indented line with fewer words than this is taken for code.
_INDENTED_WORDS = 6


class Word(NamedTuple):
    """A word of prose, without the punctuation around it: where it stands, and itself."""

    start: int
    end: int
    text: str


def words(text: str) -> list[Word]:
    """Return the words of the prose in ``text``, in order.

    >>> [word.text for word in words("Run `vmkfstools -i` as [root](http://a.b/c), see <b>KB</b> or /etc/hosts.")]
    ['Run', 'as', 'root', 'see', 'KB', 'or']
    """
    # What is no prose becomes spaces, so that places stay what they are; line ends stay, too.
    shown = _NOT_PROSE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
    found: list[Word] = []
    for line in _LINE.finditer(shown):
        in_line = [word for token in _TOKEN.finditer(shown, *line.span()) if (word := _word(token))]
        is_indented = text.startswith(("    ", "\t"), line.start())
        if not is_indented or len(in_line) >= _INDENTED_WORDS:
            found += in_line
    return found


def _word(token: re.Match[str]) -> Word | None:
    """Return the word that a token is, None if it is none."""
    left = token[0].lstrip(_OPENING)
    core = left.rstrip(_CLOSING)
    if not _WORD.fullmatch(core):
        return None
    start = token.end() - len(left)
    return Word(start, start + len(core), core)
