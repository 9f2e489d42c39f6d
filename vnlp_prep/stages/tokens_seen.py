"""Which tokens of a text a stage might change: decided once for each token, for all stages that work on words together.

Text is overwhelmingly made of white-space tokens that were seen before and that no stage would touch. So a text is split once,
one look-up each leaves the few that are new or suspicious, and what the stages say of those is remembered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import filterfalse
from typing import NamedTuple, Protocol

from vnlp_prep.lexicon.lexicon import Lexicon
from vnlp_prep.stages.strings_met import StringsMet
from vnlp_prep.words import Guard, Span, word_spans

#: How many tokens that no stage would change are remembered: as they are, and as hashes (2 to the power of it).
PLAIN, PLAIN_BITS = 19_000, 18
#: And of those that one might change, in each of two generations: with their candidates they are a hundred times as large.
SUSPICIOUS = 1_500
# Longer tokens are addresses and data: they hardly come twice, and would fill the memory.
_MAX_LENGTH = 100
# Up to so many tokens are looked for one by one, which is faster than looking at every token of the text.
_FEW = 20
_TOKEN = re.compile(r"\S+")
# What a stage may have to do with although all words are known: runs of punctuation, rulers, words without their possessive.
# One set of signs first, because the regex engine skips to such a start quickly.
_DOUBTFUL = re.compile(r"[!?.,=*_~#…'’-](?:[!?.,=*_~#-]{2}|…|(?<=['’])s)")
# What stands around words; one such sign is none of these.
_AROUND = "\"'()[]*_,.;:!?`"


class Token(NamedTuple):
    """A token between white space, the spans of its plain words, and of those the spans that the lexicon does not know."""

    text: str
    words: tuple[Span, ...]
    unknown: tuple[Span, ...]


class Change(NamedTuple):
    """A decision about one token: replace ``token[start:end]`` by ``after``.

    ``more`` is what the stage wants to know again when the place is known; ``times`` how often the text has the word,
    ``doubt`` what the stage's confidence was multiplied by for that; ``noise`` how many of the other words are mistakes.
    """

    start: int
    end: int
    after: str
    rule: str
    confidence: float
    more: object = None
    times: int = 1
    doubt: float = 1.0
    noise: float = 0.0


Changes = tuple[Change, ...]
Suspects = dict[str, tuple[Changes, ...]]  # by token: what each of the stages would change in it


class Decider(Protocol):
    """What this module has to know of a stage."""

    @property
    def looks_at_known(self) -> bool:
        """Whether the stage may change words that the lexicon knows."""
        ...

    def decide(self, token: Token) -> Changes:
        """Return what the stage would change in the token, wherever it stands.

        Only asked about unknown words, runs of punctuation, rulers and possessives, unless it ``looks_at_known`` words, too.
        """
        ...


class Seen:
    """One text as the stages see it: its suspicious tokens, where they stand, and where it may be changed."""

    def __init__(self, text: str, code: Sequence[Span], total: int, suspects: Suspects, lexicon: Lexicon) -> None:
        """``total``: tokens of the text; ``suspects``: the tokens that one of the stages might change."""
        self.text = text
        self.code = code
        self.total = total
        self.suspects = suspects
        self._lexicon = lexicon

    @cached_property
    def guard(self) -> Guard:
        """What knows where the text may be changed."""
        return Guard(self.text, self.code, self._lexicon)

    @cached_property
    def places(self) -> dict[str, list[int]]:
        """The positions at which each suspicious token stands between white space."""
        if len(self.suspects) <= _FEW:
            return {token: list(_find(token, self.text)) for token in self.suspects}
        places: dict[str, list[int]] = {token: [] for token in self.suspects}
        for m in _TOKEN.finditer(self.text):
            if m.group() in places:
                places[m.group()].append(m.start())
        return places


class TokensSeen:
    """The tokens that some stages have met, in bounded memory. What is decided never depends on what is remembered."""

    def __init__(self, stages: Sequence[Decider], lexicon: Lexicon) -> None:
        """``stages`` decide about the tokens, ``lexicon`` says which words are known."""
        self._stages = tuple(stages)
        self._lexicon = lexicon
        self._known_is_plain = not any(stage.looks_at_known for stage in stages)
        self._plain: set[str] = set()
        self._met = StringsMet(PLAIN_BITS)
        # Two generations: a full one becomes the old one, what is met again moves to the new one, so that the common ones stay.
        self._decided: Suspects = {}
        self._old_decided: Suspects = {}

    def look_at(self, text: str, code: Sequence[Span] = (), last: Seen | None = None) -> Seen:
        """Return what the stages would change in a text. Where that is nothing, it costs a split and a look-up each.

        ``code``: the spans that are known to be program text; ``last``: what was looked at before, perhaps the same text.
        """
        if last is not None and last.text is text:
            return last if last.code == code else Seen(text, code, last.total, last.suspects, self._lexicon)
        tokens = text.split()
        rest = set(filterfalse(self._plain.__contains__, tokens))
        plain = self._met.among(rest) if rest else []
        rest.difference_update(plain)
        suspects: Suspects = {}
        new = []
        for token in rest:
            decided = self._decided.get(token) or self._decide(token)
            if decided:
                suspects[token] = decided
            else:
                new.append(token)
        self._met.add(new)
        if len(self._plain) >= PLAIN:
            self._plain = set()  # those that are common come back at once
        self._plain.update([token for token in (*plain, *new) if len(token) <= _MAX_LENGTH])
        return Seen(text, code, len(tokens), suspects, self._lexicon)

    def __len__(self) -> int:
        """Tokens that are remembered."""
        return sum(map(len, (self._plain, self._decided, self._old_decided)))

    def _decide(self, token: str) -> tuple[Changes, ...]:
        """Return what each stage says of a token; nothing at all if no stage would change it."""
        decided = self._old_decided.get(token)
        if decided is None:
            decided = self._ask(token)
            if not decided:
                return ()
        if len(token) <= _MAX_LENGTH:
            if len(self._decided) >= SUSPICIOUS:
                self._decided, self._old_decided = {}, self._decided
            self._decided[token] = decided
        return decided

    def _ask(self, token: str) -> tuple[Changes, ...]:
        known = self._lexicon
        if self._known_is_plain:
            # Most tokens are a known word, perhaps with a comma behind it.
            core = token.strip(_AROUND)
            if len(token) - len(core) < 2 and core.isalpha() and core.isascii() and core in known:
                return ()
        words = word_spans(token)
        unknown = tuple([span for span in words if token[span[0] : span[1]] not in known]) if words else ()
        if self._known_is_plain and not unknown and not _DOUBTFUL.search(token):
            return ()
        looked_at = Token(token, words, unknown)
        decided = tuple([stage.decide(looked_at) for stage in self._stages])
        return decided if any(decided) else ()


def _find(token: str, text: str) -> Iterator[int]:
    at = text.find(token)
    while at >= 0:
        end = at + len(token)
        if (at == 0 or text[at - 1].isspace()) and (end == len(text) or text[end].isspace()):
            yield at
        at = text.find(token, end)
