"""The preprocessor: its contract, its settings, saving and loading, and what it refuses."""

import json
import pickle
import subprocess
import sys

import pytest

import vnlp_prep
from vnlp_prep import Cleaned, Edit, Lexicon, Preprocessor
from vnlp_prep.errors import LexiconError, SettingsError, VnlpError

TEXT = "Teh vSphere client&#39;s log is sooooo slow!!!!! See <b>specifiedin</b> it."
CLEAN = "The vSphere client's log is so slow! See specified in it."


def test_public_names():
    assert set(vnlp_prep.__all__) >= {"Preprocessor", "Cleaned", "Edit", "Lexicon", "segment", "suggest"}
    assert all(hasattr(vnlp_prep, name) for name in vnlp_prep.__all__)


def test_importing_is_light():
    heavy = ("torch", "transformers", "numpy", "ftfy", "bs4", "rich", "click")
    code = f"import sys, vnlp_prep; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_a_text_and_a_list():
    prep = Preprocessor()
    assert prep(TEXT) == CLEAN
    assert prep([TEXT, "", "x"]) == [CLEAN, "", "x"]
    assert list(prep.pipe(iter([TEXT, "x"]))) == [CLEAN, "x"]


@pytest.mark.parametrize("wrong", [None, 5, b"bytes", {"text": "x"}])
def test_other_types_are_refused(wrong):
    with pytest.raises(TypeError, match="expected a str"):
        Preprocessor()(wrong)
    with pytest.raises(TypeError, match="expected a str"):
        Preprocessor().clean(wrong)


def test_cleaned_tells_everything():
    doc = Preprocessor().clean(TEXT)
    assert isinstance(doc, Cleaned)
    assert doc.text == CLEAN == str(doc)
    assert doc.restore() == doc.raw == TEXT
    for e in doc.edits:
        assert isinstance(e, Edit)
        assert TEXT[e.start : e.end] == e.before
    assert {e.stage for e in doc.edits} == {"html", "repeats", "compounds", "spelling"}
    start = doc.text.index("specified in")
    assert TEXT[slice(*doc.raw_span(start, start + len("specified in")))] == "specifiedin"
    assert doc.text[slice(*doc.clean_span(0, 3))] == "The"


def test_an_edit_over_a_decoded_reference_is_exact():
    doc = Preprocessor().clean("T&#101;h client, and rec<b>ie</b>ve it")
    assert doc.text == "The client, and receive it"
    assert [(e.before, e.after, e.stage) for e in doc.edits] == [
        ("T&#101;h", "The", "spelling"),
        ("rec<b>ie</b>ve", "receive", "spelling"),
    ]
    assert doc.restore() == doc.raw


def test_any_subset_of_stages_runs_in_the_canonical_order():
    prep = Preprocessor(stages=("spelling", "html"))
    assert prep.stages == ("html", "spelling")
    assert prep("Teh &lt; sooooo") == "The < sooooo"
    assert Preprocessor(stages=())(TEXT) == TEXT


@pytest.mark.parametrize("settings", [{"stages": ["htlm"]}, {"html": "tree"}, {"threshold": 2}, {"threshold": "high"}])
def test_wrong_settings_are_refused(settings):
    with pytest.raises(SettingsError):
        Preprocessor(**settings)


def test_errors_are_one_tree():
    assert issubclass(SettingsError, VnlpError)
    assert issubclass(SettingsError, ValueError)
    assert issubclass(LexiconError, VnlpError)


def test_save_and_load(tmp_path):
    terms = tmp_path / "domain.tsv"
    terms.write_text("Frobnicator\t5\n", encoding="utf-8")
    prep = Preprocessor(stages=("html", "spelling"), lexicon=terms, threshold=0.95)
    prep.save(tmp_path / "model")
    again = Preprocessor.load(tmp_path / "model")
    assert again.fingerprint == prep.fingerprint
    assert again.settings == prep.settings
    assert "frobnicator" in again.lexicon
    assert Preprocessor().fingerprint != prep.fingerprint
    assert sorted(p.name for p in (tmp_path / "model").iterdir()) == ["lexicon.tsv", "vnlp_prep.json"]


def test_loading_what_another_version_saved_warns(tmp_path):
    Preprocessor().save(tmp_path)
    path = tmp_path / "vnlp_prep.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "fingerprint": "0" * 64}))
    with pytest.warns(UserWarning, match="cleaned otherwise"):
        Preprocessor.load(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"settings": 5}', '{"settings": {"run": "rm"}}', "[" * 100_000])
def test_a_hostile_settings_file_is_refused(tmp_path, content):
    (tmp_path / "vnlp_prep.json").write_text(content)
    with pytest.raises(SettingsError, match=r"vnlp_prep\.json"):
        Preprocessor.load(tmp_path)


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="cannot read"):
        Preprocessor.load(tmp_path / "none")


def test_pickled_it_is_small_and_the_same():
    prep = Preprocessor(lexicon=Lexicon())
    prep(TEXT)
    data = pickle.dumps(prep)
    assert len(data) < 2000
    assert pickle.loads(data)(TEXT) == CLEAN


@pytest.mark.parametrize("text", ["<b>log in</b> at p\u0430ypal", "Teh p\u0430ypal", "<code>x</code> p\u0430ypal", "p\u0430ypal"])
def test_a_suggestion_is_given_once_however_often_the_chain_ran(text):
    doc = Preprocessor().clean(text)
    assert [(e.rule, e.before, e.after) for e in doc.suggestions] == [("confusable", "p\u0430ypal", "paypal")]


def test_workers_give_the_same():
    texts = [f"{TEXT} {i}" for i in range(50)]
    prep = Preprocessor()
    assert list(prep.pipe(texts, workers=2, chunk_size=7)) == prep(texts)
    with pytest.raises(SettingsError):
        prep.pipe(texts, workers=0)


def test_trace_tells_what_each_stage_did():
    steps = Preprocessor().trace("Teh &lt;")
    assert [s.stage for s in steps if s.edits] == ["html", "spelling"]


@pytest.mark.parametrize(
    "text",
    [
        "a" * 1_000_000,
        "ab" * 500_000,
        "!" * 1_000_000,
        "teh " * 100_000,
        "specifiedin" * 20_000,
        "http://a" + ".a" * 20_000,
        "e\u0301" + "\u0301" * 100_000,
        "<" * 20_000,
        "&" * 20_000,
        "`" * 20_000,
        "` `` " * 20_000,
        "\n\n" * 100_000,
        "[" * 20_000 + "](" * 20_000,
        "{{" * 20_000,
        "a'" * 20_000,
        "a-" * 20_000,
        "-" * 100_000 + "\n" + "=" * 100_000,
        "recieve\n" * 20_000,
        "<div>" * 20_000,
        "sooo" * 20_000,
    ],
    ids=range(20),
)
def test_no_input_is_too_much(text):
    doc = Preprocessor().clean(text)
    assert doc.restore() == text


@pytest.mark.parametrize(
    "text",
    [
        "<p>It says:</p>\n    <pre>\nThe host waaaits for the second\ncall.\n    </pre>\n"
        "    <p>This is a baaad rule:</p>\n    <pre>\nThe oneee.\n    </pre>",
        "it`s so, run <code>fooood baaad</code> now",
        "run <code>fooood baaad</code>, it`s so",
    ],
    ids=["fence in indented HTML", "backtick before", "backtick behind"],
)
def test_code_that_keeps_marks_is_code_and_what_was_code_without_them_stays(text):
    prep = Preprocessor()
    decoded = Preprocessor(stages=("html", "unicode")).clean(text)
    doc = prep.clean(text)
    assert prep(doc.text) == doc.text
    for p in prep.protected(decoded.text):
        assert decoded.text[p.start : p.end].strip() in doc.text
    for body in ("waaaits", "oneee", "fooood baaad"):
        assert (body in text) == (body in doc.text)
