"""Damage: seeded, of the kind and amount asked for, and in prose only."""

from __future__ import annotations

import ast
import html
import re
import unicodedata
from pathlib import Path

import pytest

from vinilm.evaluation import damage
from vinilm.evaluation.damage import KINDS, Damager
from vinilm.evaluation.prose import words
from vnlp_prep.errors import SettingsError

PROSE = (
    "The administrator doesn't need to restart the affected service, because configuration changes are picked up after a moment. "
    "When the network connection is lost, every client waits for some seconds and tries again until the server answers. "
) * 20
CODE = "```bash\nkubectl apply the configuration from this file\n```\n"
CODE += "Run `esxcli network firewall list` at https://example.com/some/path now."


def test_the_same_seed_gives_the_same_damage_and_another_name_another():
    damager = Damager()
    assert damager(PROSE, "a") == damager(PROSE, "a") == Damager(0.1, KINDS, 0)(PROSE, "a")
    assert damager(PROSE, "a").text not in (damager(PROSE, "b").text, Damager(seed=1)(PROSE, "a").text, PROSE)


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.3])
def test_the_share_of_words_is_what_was_asked_for(rate):
    found = [Damager(rate)(PROSE, str(i)) for i in range(10)]
    assert sum(d.damaged for d in found) / sum(d.words for d in found) == pytest.approx(rate, rel=0.15)


def edits_apart(a: str, b: str) -> int:
    """Optimal string alignment: insert, delete, replace, swap neighbours."""
    rows = [list(range(len(b) + 1))]
    for i, x in enumerate(a, 1):
        rows.append([i])
        for j, y in enumerate(b, 1):
            best = min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and y == a[i - 2]:
                best = min(best, rows[i - 2][j - 2] + 1)
            rows[i].append(best)
    return rows[-1][-1]


def test_a_typo_is_one_edit_of_a_longer_word():
    damaged = Damager(1, ("typos",))(PROSE, "a").text.split()
    assert len(damaged) == len(PROSE.split())
    changed = [(a, b) for a, b in zip(PROSE.split(), damaged, strict=True) if a != b]
    assert len(changed) > 300
    assert {edits_apart(a, b) for a, b in changed} == {1}
    assert min(len(a) for a, _ in changed) >= 4
    assert sum(a[0] != b[0] for a, b in changed) < 0.15 * len(changed)


def test_run_together_loses_nothing_but_spaces():
    damaged = Damager(0.3, ("run-together",))(PROSE, "a")
    assert damaged.text.replace(" ", "") == PROSE.replace(" ", "")
    assert PROSE.count(" ") - damaged.text.count(" ") == damaged.damaged > 20


def test_repeats_are_of_a_letter_or_of_punctuation():
    damaged = Damager(0.5, ("repeats",))(PROSE, "a").text
    once = re.compile(r"(.)\1*")
    assert once.sub(r"\1", damaged) == once.sub(r"\1", PROSE)
    assert max(len(run[0]) for run in once.finditer(damaged)) in range(5, 9)


def test_html_comes_back_when_tags_go_and_references_are_decoded():
    for name in "abcdef":
        damaged = Damager(0.3, ("html",))(PROSE, name).text
        plain = html.unescape(re.sub(r"<(?!br)[^<>]+>", "", re.sub(r"<br[^<>]*>", " ", damaged)))
        assert plain.replace("’", "'").split() == PROSE.split()
    texts = [Damager(0.1, ("html",))('a < b & "c" isn\'t said', str(i)).text for i in range(40)]
    assert 10 < sum(t.startswith("<p>") and "&lt; b &amp; &quot;c&quot;" in t for t in texts) < 30


def test_misread_text_is_utf_8_read_as_windows_1252():
    text = 'It\'s the "first" word — of a café, they say. ' * 50
    found = [Damager(0.1, ("unicode",))(text, str(i)).text for i in range(20)]
    misread = [t for t in found if "“" not in t and "â€œfirst" in t]
    assert 5 < len(misread) < 15
    back = {"â€œ": "“", "â€\x9d": "”", "â€™": "’", "Â\xa0": "\xa0", "â€”": "—", "Ã©": "é"}
    for broken, right in back.items():
        assert all(broken in t for t in misread)
        assert right.encode() == b"".join(c.encode("cp1252") if c != "\x9d" else b"\x9d" for c in broken)
    # What is invisible, or two letters in one sign, is all that else was done.
    for t in set(found) - set(misread):
        plain = re.sub("[\u200b\u200c\u00ad\ufeff]", "", t).replace("â€™", "'").replace("Â\xa0", " ")
        assert unicodedata.normalize("NFKC", plain) == text


def test_code_addresses_and_names_are_spared():
    for kind in ("repeats", "run-together", "typos"):
        assert Damager(1, (kind,))("DaemonSet ESXi NSXT vSphere", "a").text == "DaemonSet ESXi NSXT vSphere"
    assert [w.text for w in words(CODE)] == ["Run", "at", "now"]
    for i in range(20):
        damaged = Damager(1, ("typos", "repeats"))(CODE, str(i)).text
        assert "kubectl apply the configuration from this file" in damaged
        assert "`esxcli network firewall list`" in damaged
        assert "https://example.com/some/path" in damaged


def test_nothing_of_the_cleaner_is_read():
    for module in (damage.__file__, damage.__file__.replace("damage.py", "prose.py")):
        tree = ast.parse(Path(module).read_text(encoding="utf-8"))
        imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert {name for name in imported if name and "vnlp_prep" in name} <= {"vnlp_prep.errors"}


@pytest.mark.parametrize("settings", [{"rate": 0}, {"rate": 1.5}, {"kinds": ("rust",)}, {"kinds": ()}])
def test_settings_out_of_range(settings):
    with pytest.raises(SettingsError, match="damage"):
        Damager(**settings)


def test_unknown_kinds_are_named_in_the_order_in_which_they_were_given():
    with pytest.raises(SettingsError, match="of the kind zinc, rust is unknown"):
        Damager(kinds=("zinc", "typos", "rust"))


@pytest.mark.parametrize("text", ["", " ", "\n", "\ud800 lone", "a" * 10_000, "<" * 3000, "`" * 3000, "é" * 100])
def test_any_text_can_be_damaged(text):
    for kind in KINDS:
        Damager(1, (kind,))(text, "a")
