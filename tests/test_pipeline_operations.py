"""How often the chain looks at a text: operations are counted, not time."""

from __future__ import annotations

from collections import Counter

import pytest

from vnlp_prep import Preprocessor, words
from vnlp_prep.stages import html, tokens_seen, unicode

CLEAN = "The vSphere client shows the log of each host.\n\nOpen it, and read the last lines: they say what failed.\n" * 20
UNKNOWN = f"{CLEAN}\nUse esxfrob `esxfrob -h` to frobnicate it.\n\nThen frobnicate once more."
SUGGESTED = f"{CLEAN}\nTeh values are those that are specifiedin the file!!!!!"
MARKUP = "<p>The <b>client</b> shows the log.</p>\n" * 20
SHOWN = f"{MARKUP}\nWrite `<b>` before it.\n"


class CountedText(str):
    """A text that counts what is done to all of it."""

    counts: Counter[str]

    def split(self, *args):
        self.counts["split"] += 1
        return super().split(*args)

    def isascii(self):
        self.counts["isascii"] += 1
        return super().isascii()


@pytest.fixture
def counts(monkeypatch):
    """Count the calls of what looks at a whole text; the real functions run."""
    found: Counter[str] = Counter()

    def count(owner, name, label):
        real = getattr(owner, name)

        def counted(*args, **options):
            found[label] += 1
            return real(*args, **options)

        monkeypatch.setattr(owner, name, counted)

    count(html.HtmlStage, "scan", "html")
    count(html, "scan", "html scan")
    count(unicode.UnicodeStage, "propose", "unicode")
    count(tokens_seen.TokensSeen, "_ask", "decision")
    count(words.guard, "fences", "fences")
    count(words.regions, "_literal_blocks", "indentation")
    return found


def counted(text: str, counts: Counter[str]) -> CountedText:
    out = CountedText(text)
    out.counts = counts
    return out


@pytest.mark.parametrize("clean", [Preprocessor.__call__, Preprocessor.clean], ids=["text", "edits"])
def test_no_stage_touches_a_clean_text_twice(counts, clean):
    prep = Preprocessor()
    prep(CLEAN)
    counts.clear()
    clean(prep, counted(CLEAN, counts))
    assert counts == {"html": 1, "unicode": 1, "isascii": 1, "split": 1}


def test_a_token_is_decided_about_once_for_all_stages(counts):
    Preprocessor()(CLEAN)
    assert counts["decision"] == len(set(CLEAN.split()))


def test_what_protects_a_text_is_found_once_for_all_stages(counts):
    doc = Preprocessor(threshold=1.0).clean(counted(SUGGESTED, counts))
    assert {e.stage for e in doc.suggestions} == {"repeats", "compounds", "spelling"}
    assert (counts["html"], counts["unicode"], counts["split"], counts["fences"], counts["indentation"]) == (1, 1, 1, 1, 1)


def test_what_protects_a_text_is_not_looked_for_where_nothing_would_change(counts):
    Preprocessor()(counted(UNKNOWN, counts))
    assert (counts["html"], counts["unicode"], counts["split"], counts["fences"], counts["indentation"]) == (1, 1, 1, 0, 0)


def test_what_would_only_be_suggested_is_looked_at_only_if_suggestions_are_asked_for(counts):
    prep = Preprocessor(threshold=1.0)
    prep(counted(SUGGESTED, counts))
    assert counts["fences"] == 0
    prep.clean(SUGGESTED)
    assert counts["fences"] == 1


def test_markup_is_scanned_once_where_nothing_like_it_is_left(counts):
    Preprocessor()(MARKUP)
    assert (counts["html"], counts["html scan"], counts["unicode"]) == (1, 1, 1)


def test_a_stage_does_not_scan_again_what_it_left_itself(counts):
    Preprocessor()(SHOWN)
    assert (counts["html"], counts["html scan"]) == (1, 2)
