"""Diffs that git and patch take, and that are what difflib would say."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vnlp_prep.check.diff import Moved, blocks_of, unified

GIT = shutil.which("git")
PIECE = st.text(st.sampled_from("ab\n"), max_size=6)


@st.composite
def changes(draw):
    """A text, and some edits of it, as bytes."""
    before, after, moved = b"", b"", []
    for _ in range(draw(st.integers(1, 5))):
        same = draw(st.text(st.sampled_from("xy\n"), max_size=30) | st.just("line\n" * draw(st.integers(0, 12)))).encode()
        old = draw(PIECE.filter(bool)).encode()
        new = draw(PIECE.filter(lambda p, old=old: p.encode() != old)).encode()
        moved.append(Moved(len(before + same), len(before + same + old), len(after + same), len(after + same + new)))
        before, after = before + same + old, after + same + new
    tail = draw(st.text(st.sampled_from("xy\n"), max_size=30)).encode()
    return before + tail, after + tail, moved


@given(changes())
def test_the_blocks_are_both_texts(change):
    before, after, moved = change
    blocks = list(blocks_of(before, after, moved))
    assert b"".join(line for block in blocks for line in block.before) == before
    assert b"".join(line for block in blocks for line in block.after) == after
    for block in blocks[:-1]:
        assert all(line.endswith(b"\n") for line in (*block.before, *block.after))


@pytest.mark.skipif(GIT is None, reason="without git")
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes())
def test_git_applies_them(tmp_path, change):
    before, after, moved = change
    if before == after or not before:
        return
    (tmp_path / "a file.md").write_bytes(before)
    diff = b"".join(unified("a file.md", blocks_of(before, after, moved)))
    git = [GIT, "apply", "--whitespace=nowarn", "-"]
    done = subprocess.run(git, input=diff, cwd=tmp_path, capture_output=True)
    assert done.returncode == 0, (done.stderr, diff)
    assert (tmp_path / "a file.md").read_bytes() == after


def test_nothing_changed_is_no_diff():
    assert list(unified("a", blocks_of(b"a\nb\n", b"a\nb\n", []))) == []


@pytest.mark.parametrize(("name", "shown"), [("ü b.md", "a/ü b.md"), ('q"\t.md', '"a/q\\"\\t.md"')])
def test_names(name, shown):
    first = next(unified(name, blocks_of(b"a", b"b", [Moved(0, 1, 0, 1)]))).decode()
    assert first.splitlines()[0] == f"--- {shown}"
