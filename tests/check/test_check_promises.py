"""What holds for every file: places are right, a fix leaves nothing to fix, a diff is that fix."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

GIT = shutil.which("git")
SAMPLE = Path(__file__).resolve().parents[2] / "data" / "sample.jsonl"
PIECES = [
    "Teh", "vSphere", "client&#39;s", "log is", "sooooo", "slow!!!!!", "specifiedin", "<b>", "</b>", "\n", "\n\n", "`teh`",
    "```\nteh code\n```", "# Teh title", "\u200b", "\u00a0", "“quoted”", "na\u00efve", "😀", "\\", '"', "the host has", "recieve",
    "&amp;lt;br&gt;", "<!-- teh -->", "<pre>teh code</pre>", "cafÃ©", "-----", "\t", "fkag", "\r\n", "| a | teh |", "- item",
    "[teh page](teh.md)", "e\u0301", "the sevrice", "didnt", "a mesage",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES), max_size=14).map(" ".join)
FILES = st.sampled_from(["a.md", "a.txt", "a.jsonl"])
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def write(path: Path, texts: list[str], ascii_only: bool = False) -> bytes:
    """A file of any of the formats, out of some texts."""
    if path.suffix == ".jsonl":
        lines = [json.dumps({"id": 0.10, "text": text}, ensure_ascii=ascii_only) for text in texts]
        data = "\n".join(lines).encode()
    else:
        data = "\n".join(texts).encode()
    path.write_bytes(data)
    return data


@QUICK
@given(name=FILES, texts=st.lists(TEXTS, min_size=1, max_size=3), ascii_only=st.booleans(), unsafe=st.booleans())
def test_a_finding_points_at_what_it_says(found, tmp_path, name, texts, ascii_only, unsafe):
    raw = write(tmp_path / name, texts, ascii_only).decode()
    for f in found(name, *["--unsafe"] * unsafe):
        line = raw.split("\n")[f["line"] - 1]
        if name == "a.jsonl":
            text = json.loads(line)["text"]
            assert text[f["column"] - 1 : f["end_column"] - 1] == f["before"]
            literal = line[f["file_column"] - 1 : f["file_end_column"] - 1]
            assert json.loads(f'"{literal}"') == f["before"]
        else:
            lines = raw.split("\n")[f["line"] - 1 : f["end_line"]]
            lines[-1] = lines[-1][: f["end_column"] - 1]
            assert "\n".join(lines)[f["column"] - 1 :] == f["before"]


@QUICK
@given(name=FILES, texts=st.lists(TEXTS, min_size=1, max_size=3), ascii_only=st.booleans(), unsafe=st.booleans())
def test_after_a_fix_nothing_is_found(check, tmp_path, name, texts, ascii_only, unsafe):
    write(tmp_path / name, texts, ascii_only)
    flags = ["--unsafe"] * unsafe
    done = check(name, "--fix", *flags)
    assert done.status == 0, done.out
    assert check(name, *flags, "--no-cache").status == 0


@pytest.mark.skipif(GIT is None, reason="without git")
@QUICK
@given(name=FILES, texts=st.lists(TEXTS, min_size=1, max_size=3), ascii_only=st.booleans(), unsafe=st.booleans())
def test_a_diff_is_the_fix(check, tmp_path, name, texts, ascii_only, unsafe):
    raw = write(tmp_path / name, texts, ascii_only)
    flags = ["--unsafe"] * unsafe
    diff = check(name, "--diff", *flags)
    assert (tmp_path / name).read_bytes() == raw
    assert bool(diff.out) == bool(diff.status)
    check(name, "--fix", *flags)
    fixed = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(raw)
    if diff.out:
        done = subprocess.run([GIT, "apply", "--whitespace=nowarn"], input=diff.out.encode(), cwd=tmp_path, capture_output=True)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / name).read_bytes() == fixed


def test_they_hold_for_the_sample(check, found, tmp_path):
    path = tmp_path / "sample.jsonl"
    shutil.copy(SAMPLE, path)
    records = [json.loads(line) for line in path.read_text().splitlines()]
    findings = found(path.name)
    assert len(findings) > 100
    for f in findings:
        assert records[f["line"] - 1]["text"][f["column"] - 1 : f["end_column"] - 1] == f["before"]
    assert check(path.name, "--fix", "-q").status == 0
    fixed = path.read_bytes()
    assert check(path.name, "--no-cache").status == 0
    done = subprocess.run([sys.executable, "-m", "vnlp_prep", "clean", "--quiet", str(SAMPLE)], capture_output=True, check=True)
    assert fixed == done.stdout
