"""The component in real spaCy pipelines: blank English ones, without any model."""

from __future__ import annotations

import configparser
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("spacy")

import spacy
from spacy.tokens import Doc, DocBin

from vnlp_prep import Preprocessor
from vnlp_prep.errors import LexiconError, SettingsError
from vnlp_prep.integrations.spacy import VnlpComponent

ROOT = Path(__file__).resolve().parents[2]
RAW = "Teh vSphere client&#39;s log is <b>sooooo</b> slow. The fkag is set!!!!!"
CLEAN = "The vSphere client's log is so slow. The fkag is set!"


@pytest.fixture
def nlp() -> Any:
    pipeline = spacy.blank("en")
    pipeline.add_pipe("sentencizer")
    pipeline.add_pipe("vnlp_prep", first=True)
    return pipeline


def test_the_rest_of_the_pipeline_sees_clean_text(nlp: Any) -> None:
    doc = nlp(RAW)
    assert doc.text == CLEAN
    assert [sent.text for sent in doc.sents] == ["The vSphere client's log is so slow.", "The fkag is set!"]
    assert [token.text for token in doc] == [token.text for token in spacy.blank("en")(CLEAN)]
    assert doc.vocab is nlp.vocab


def test_every_place_leads_back_to_the_raw_text(nlp: Any) -> None:
    doc = nlp(RAW)
    assert doc._.vnlp_raw == RAW
    assert doc._.vnlp.restore() == RAW
    assert [(e.before, e.after) for e in doc._.vnlp.suggestions] == [("fkag", "flag")]
    raw = {token.text: RAW[slice(*token._.raw_span)] for token in doc}
    assert (raw["so"], raw["'s"], raw["vSphere"], raw["!"]) == ("sooooo", "&#39;s", "vSphere", "!!!!!")
    assert all(token._.raw_idx == token._.raw_span[0] for token in doc)
    assert RAW[slice(*doc[1:5]._.raw_span)] == "vSphere client&#39;s log"
    assert [RAW[slice(*sent._.raw_span)] for sent in doc.sents] == [RAW[:51], RAW[52:]]


def test_a_clean_text_keeps_its_doc(nlp: Any) -> None:
    component = nlp.get_pipe("vnlp_prep")
    doc = nlp.make_doc("The log is fine.")
    assert component(doc) is doc
    assert doc[1]._.raw_span == (4, 7)
    assert component(component(nlp.make_doc(RAW))).text == CLEAN


def test_docs_that_were_never_cleaned_are_their_own_raw_text() -> None:
    doc = spacy.blank("en")("teh log")
    assert (doc._.vnlp_raw, doc[1]._.raw_span, doc[1]._.raw_idx) == ("teh log", (4, 7), 4)


@pytest.mark.parametrize("text", ["", "<b></b>", " ", "teh", "&amp;", "\u200b", "👩‍💻 teh log"])
def test_short_and_strange_texts(nlp: Any, text: str) -> None:
    doc = nlp(text)
    assert doc.text == Preprocessor()(text)
    assert doc._.vnlp_raw == text


@pytest.mark.parametrize("processes", [1, 2])
def test_streams(nlp: Any, processes: int) -> None:
    texts = [(RAW, 1), ("fine", 2), ("I recieve it", 3)] * 5
    docs = list(nlp.pipe(texts, as_tuples=True, n_process=processes, batch_size=4))
    assert [(doc.text, number) for doc, number in docs] == [(CLEAN, 1), ("fine", 2), ("I receive it", 3)] * 5
    assert all(doc._.vnlp.restore() == raw for (doc, _), (raw, _) in zip(docs, texts, strict=True))


def test_docs_are_saved_with_the_way_back(nlp: Any) -> None:
    doc = nlp(RAW)
    box = DocBin(store_user_data=True, docs=[doc])
    copies = [
        Doc(nlp.vocab).from_bytes(doc.to_bytes()),
        *DocBin().from_bytes(box.to_bytes()).get_docs(nlp.vocab),
        pickle.loads(pickle.dumps(doc)),
        doc.copy(),
    ]
    for copy in copies:
        assert copy._.vnlp == doc._.vnlp


def test_a_part_of_a_doc_does_not_lie(nlp: Any) -> None:
    doc = nlp(RAW)
    with pytest.raises(ValueError, match="part of one that was cleaned"):
        _ = doc[2:5].as_doc(copy_user_data=True)._.vnlp


def test_what_a_doc_carries_goes_on(nlp: Any) -> None:
    doc = nlp.make_doc(RAW)
    doc.user_data["id"] = 7
    doc.cats = {"ticket": 1.0}
    out = nlp(doc)
    assert (out.text, out.user_data["id"], out.cats) == (CLEAN, 7, {"ticket": 1.0})


def test_behind_other_components_it_refuses_to_lose_their_work() -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.add_pipe("vnlp_prep")
    assert nlp("The log is fine.").text
    with pytest.raises(ValueError, match=r"SENT_START.*first=True"):
        nlp(RAW)


def test_a_tokenizer_that_is_set_later_is_used(nlp: Any) -> None:
    from spacy.tokenizer import Tokenizer

    nlp.tokenizer = Tokenizer(nlp.vocab)
    assert [token.text for token in nlp("teh client&#39;s log.")] == ["the", "client's", "log."]


def test_settings(tmp_path: Path) -> None:
    terms = tmp_path / "terms.tsv"
    terms.write_text("teh\n", encoding="utf-8")
    nlp = spacy.blank("en")
    nlp.add_pipe("vnlp_prep", config={"lexicon": str(terms), "stages": ["spelling"], "threshold": 0.2})
    assert nlp("The fkag is set &amp; teh").text == "The flag is set &amp; teh"
    with pytest.raises(SettingsError, match="html='x'"):
        spacy.blank("en").add_pipe("vnlp_prep", config={"html": "x"})
    nlp = spacy.blank("en")
    nlp.add_pipe("vnlp_prep", config={"lexicon": str(tmp_path / "none.tsv")})
    with pytest.raises(LexiconError, match=r"none\.tsv"):
        nlp("teh")


def test_a_pipeline_on_disk_brings_its_terms(tmp_path: Path) -> None:
    terms = tmp_path / "terms.tsv"
    terms.write_text("teh\n", encoding="utf-8")
    nlp = spacy.blank("en")
    nlp.add_pipe("vnlp_prep", config={"lexicon": str(terms)})
    nlp.to_disk(tmp_path / "pipeline")
    terms.unlink()
    again = spacy.load(tmp_path / "pipeline")
    assert again("See teh log, we recieve it").text == "See teh log, we receive it"
    third = spacy.blank("en")
    third.add_pipe("vnlp_prep")
    third.from_bytes(again.to_bytes())
    assert third("teh log").text == "teh log"
    with pytest.raises(SettingsError, match="not those that to_bytes"):
        third.get_pipe("vnlp_prep").from_bytes(b"\x81\xa1x\xa1y")


def test_pickled(nlp: Any) -> None:
    component: VnlpComponent = pickle.loads(pickle.dumps(nlp.get_pipe("vnlp_prep")))
    assert component(nlp.make_doc(RAW)).text == CLEAN
    assert pickle.loads(pickle.dumps(component))(nlp.make_doc(RAW)).text == CLEAN
    assert pickle.loads(pickle.dumps(nlp))(RAW).text == CLEAN


def test_spacy_finds_it_by_its_entry_point(tmp_path: Path) -> None:
    config = configparser.ConfigParser(interpolation=None)
    config.read(ROOT / "setup.cfg")
    installed = tmp_path / "vnlp_prep_here-0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: vnlp-prep-here\nVersion: 0\n")
    (installed / "entry_points.txt").write_text(f"[spacy_factories]{config['options.entry_points']['spacy_factories']}\n")
    code = "import spacy; nlp = spacy.blank('en'); nlp.add_pipe('vnlp_prep', first=True); print(nlp('teh log').text)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path)])}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout == "the log\n", done.stderr
