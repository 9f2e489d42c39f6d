"""``vinilm vocab`` as a user has it."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from vocabulary_models import UNUSED, documents, make_vocabulary_model, write_corpus

from vinilm.cli import cli
from vinilm.vocabulary.record import RECORD
from vnlp_prep.command_line import exit_status

pytest.importorskip("torch")
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("VINILM_MODEL", raising=False)
    make_vocabulary_model(tmp_path / "model")
    write_corpus(tmp_path / "docs.jsonl", documents())
    return tmp_path


def vocab(*args: str) -> int:
    return exit_status(cli, ["vocab", *args], "vinilm")


def contents(folder: Path) -> dict[str, bytes]:
    return {f.relative_to(folder).as_posix(): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}


def test_the_model_gets_terms_and_the_report_says_what_they_are_worth(folder, capsys):
    before = contents(folder / "model")
    assert vocab("docs.jsonl", "-m", "model", "-o", "out", "--heldout", "0.2", "--report", "report.json") == 0
    assert contents(folder / "model") == before
    said = capsys.readouterr()
    assert said.out == ""
    assert "60 documents" in said.err
    assert "word pieces per word" in said.err
    assert "datastore" in said.err
    report = json.loads((folder / "report.json").read_text())
    added = report["added"]
    assert report["terms"] == {"added": len(added), "had": 0, "places_left": UNUSED - len(added)}
    words = (folder / "out" / "vocab.txt").read_text().split("\n")
    assert all(words[entry["id"]] == entry["term"] for entry in added)
    assert report["heldout"]["documents"] + report["corpus"]["documents"] == 60
    for part in ("heldout", "corpus"):
        figures, after = report[part]["before"], report[part]["after"]
        assert figures["words"] == after["words"] > 0
        assert after["pieces_per_word"] < figures["pieces_per_word"]
        assert after["one_piece"] > figures["one_piece"]
        assert report[part]["less"]["pieces_per_word"] == pytest.approx(1 - after["pieces"] / figures["pieces"], abs=1e-3)
    saved = report["corpus"]["before"]["tokens"] - report["corpus"]["after"]["tokens"]
    assert saved == sum(entry["saved"] for entry in added)


def test_figures_are_those_of_the_tokenizers(folder):
    """Counted anew with the library, document by document."""
    from tokenizers import Tokenizer

    from vinilm.vocabulary.counting import is_heldout

    assert vocab("docs.jsonl", "-m", "model", "-o", "out", "--heldout", "0.3", "--report", "report.json", "--no-clean", "-q") == 0
    report = json.loads((folder / "report.json").read_text())
    for name, where in (("before", "model"), ("after", "out")):
        tokenizer = Tokenizer.from_file(str(folder / where / "tokenizer.json"))
        for part, held in (("heldout", True), ("corpus", False)):
            texts = [t for t in documents() if is_heldout([t], 0.3) == held]
            tokens = words = whole = pieces = 0
            for text in texts:
                found = tokenizer.encode(text, add_special_tokens=False)
                tokens += len(found.ids)
                by_word = {}
                for place, span in zip(found.word_ids, found.offsets, strict=True):
                    by_word.setdefault(place, []).append(text[slice(*span)])
                for parts in by_word.values():
                    if any(c.isalpha() for c in "".join(parts)):
                        words, pieces, whole = words + 1, pieces + len(parts), whole + (len(parts) == 1)
            figures = report[part][name]
            assert (figures["tokens"], figures["words"], figures["pieces"]) == (tokens, words, pieces)
            assert figures["one_piece"] == pytest.approx(whole / words, abs=1e-4)


def test_running_again_on_its_own_output_changes_nothing(folder, capsys):
    assert vocab("docs.jsonl", "-m", "model", "-o", "out", "-q") == 0
    assert vocab("docs.jsonl", "-m", "out", "-o", "again") == 0
    assert contents(folder / "again") == contents(folder / "out")
    assert "0 terms added" in capsys.readouterr().err
    # And once more over the earlier output.
    assert vocab("docs.jsonl", "-m", "model", "-o", "out", "-q") == 0
    assert contents(folder / "again") == contents(folder / "out")


def test_workers_and_packing_change_nothing(folder):
    with gzip.open(folder / "docs.jsonl.gz", "wb") as packed:
        packed.write((folder / "docs.jsonl").read_bytes())
    assert vocab("docs.jsonl", "-m", "model", "-o", "one", "-q") == 0
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-m", "vinilm", "vocab", "docs.jsonl.gz", "-m", "model", "-o", "two", "--workers", "2", "-q"]
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stderr, done.stdout) == (0, b"", b"")
    assert contents(folder / "one") == contents(folder / "two")


def test_terms_and_min_documents(folder):
    assert vocab("docs.jsonl", "-m", "model", "-o", "out", "--terms", "2", "-q") == 0
    assert len((folder / "out" / RECORD).read_text().splitlines()) == 1 + 2
    assert vocab("docs.jsonl", "-m", "model", "-o", "out", "--min-documents", "61", "-q") == 2


def test_bad_records_are_kept_and_said(folder, capsys):
    with (folder / "docs.jsonl").open("a") as file:
        file.write('{"text": 7}\nnot json\n')
    assert vocab("docs.jsonl", "-m", "model", "-o", "out") == 1
    assert "2 rejected" in capsys.readouterr().err
    rejects = [json.loads(line) for line in (folder / "out.rejects.jsonl").read_text().splitlines()]
    assert [r["line"] for r in rejects] == [61, 62]
    assert (folder / "out" / "vocab.txt").is_file()


def test_a_corpus_that_brings_nothing_says_what_was_rejected(folder, capsys):
    (folder / "plain.jsonl").write_text('{"text": "The host is on it."}\n' * 9 + "no json\n")
    for args, said, rejects in (
        (("docs.jsonl", "--field", "body"), "no documents to choose terms by", 60),
        (("plain.jsonl",), "smaller --min-documents", 1),
    ):
        assert vocab(*args, "-m", "model", "-o", "out") == 2
        message = capsys.readouterr().err
        assert said in message
        assert message.endswith(f"; {rejects} records rejected, see out.rejects.jsonl\n")
        assert len((folder / "out.rejects.jsonl").read_text().splitlines()) == rejects


def test_records_without_a_text_can_be_passed_over(folder, capsys):
    with (folder / "docs.jsonl").open("a") as file:
        file.write('{"text": 7}\n{"body": "b"}\n')
    assert vocab("docs.jsonl", "-m", "model", "-o", "out", "--on-missing", "pass") == 0
    assert "2 records without a text passed over" in capsys.readouterr().err
    assert not (folder / "out.rejects.jsonl").exists()
    assert vocab("docs.jsonl", "-m", "model", "-o", "out", "--on-missing", "pass", "--field", "title") == 2
    assert "to choose terms by; 62 records and lines without a text" in capsys.readouterr().err


def test_fields_and_plain_text(folder):
    texts = documents()
    (folder / "docs.txt").write_text("\n".join(texts) + "\n")
    lines = [json.dumps({"title": "Datastore", "body": text}) for text in texts]
    (folder / "fields.jsonl").write_text("\n".join(lines) + "\n")
    assert vocab("docs.txt", "-m", "model", "-o", "text", "-q") == 0
    assert vocab("fields.jsonl", "--field", "title", "--field", "body", "-m", "model", "-o", "fields", "-q") == 0
    assert "\ndatastore\n" in (folder / "text" / "vocab.txt").read_text()
    assert "\ndatastore\n" in (folder / "fields" / "vocab.txt").read_text()


def test_errors_say_what_to_do_and_leave_nothing(folder, capsys):
    (folder / "empty.jsonl").write_bytes(b"")
    (folder / "plain.jsonl").write_text('{"text": "The host is on it."}\n' * 9)
    (folder / "foreign").mkdir()
    (folder / "foreign" / "mine.txt").write_text("mine")
    (folder / "bare").mkdir()
    for args, said in (
        (("empty.jsonl", "-m", "model", "-o", "out"), "no documents to choose terms by"),
        (("plain.jsonl", "-m", "model", "-o", "out"), "no new terms"),
        (("nothing.jsonl", "-m", "model", "-o", "out"), "nothing.jsonl"),
        (("docs.jsonl", "-m", "model", "-o", "model"), "is the folder of the model itself"),
        (("docs.jsonl", "-m", "model", "-o", "foreign"), "is not empty"),
        (("docs.jsonl", "-m", "model", "-o", "docs.jsonl"), "no folder"),
        (("docs.jsonl", "-m", "bare", "-o", "out"), "config.json: missing"),
        (("docs.jsonl", "-m", "acme/no-such-model", "-o", "out"), "not on this machine"),
        (("docs.jsonl", "-m", "model", "-o", "out", "--report", "docs.jsonl"), "would replace an input"),
        (("docs.jsonl", "-m", "model", "-o", "out", "--report", "out/report.json"), "folder"),
        (("docs.jsonl", "-m", "model", "-o", "out", "--report", "out"), "is the folder that is written anew"),
        (("docs.jsonl", "-m", "model", "-o", "out", "--report", "./out/"), "is the folder that is written anew"),
        (("docs.jsonl", "-m", "model", "-o", "out", "--rejects", "out"), "is the folder that is written anew"),
        (("docs.jsonl", "-m", "model", "-o", "out", "--rejects", "out/r.jsonl"), "lies in the folder that is written anew"),
        (("docs.jsonl", "-m", "model", "-o", "out", "--heldout", "1"), "--heldout"),
        (("docs.jsonl", "-m", "model", "-o", "out", "--terms", "0"), "--terms"),
    ):
        before = contents(folder)
        assert vocab(*args) == 2, args
        message = capsys.readouterr().err
        assert said in message, args
        assert message.startswith("vinilm: error: ")
        assert message.count("\n") == 1
        assert contents(folder) == before


def test_weights_that_the_disk_does_not_take_are_an_error_that_says_so(folder):
    code = (
        "import resource, sys; from vinilm.cli import cli; from vnlp_prep.command_line import exit_status; "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000)); "
        "sys.exit(exit_status(cli, 'vocab docs.jsonl -m model -o out -q'.split(), 'vinilm'))"
    )
    before = contents(folder)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("vinilm: error: ")
    assert done.stderr.endswith("/model.safetensors: cannot be written: file too large\n")
    assert contents(folder) == before


def test_an_input_or_report_inside_the_folder_that_is_replaced_is_refused(folder, capsys):
    assert vocab("docs.jsonl", "-m", "model", "-o", "out", "-q") == 0
    (folder / "docs.jsonl").rename(folder / "out" / "docs.jsonl")
    assert vocab("out/docs.jsonl", "-m", "model", "-o", "out") == 2
    assert "lies in the folder that is written anew" in capsys.readouterr().err
    assert (folder / "out" / "docs.jsonl").is_file()


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from vinilm.cli import cli; from vnlp_prep.command_line import exit_status; "
        "exit_status(cli, ['vocab', '--help'], 'vinilm'); "
        "assert not {'torch', 'transformers', 'tokenizers', 'numpy', 'safetensors'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "[unused]" in done.stdout
