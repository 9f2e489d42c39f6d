"""The preprocessor with an encoder's vocabulary: settings, saving, processes, the command line."""

import json
import pickle
import shutil

import pytest

from vnlp_prep import Preprocessor
from vnlp_prep.cli import main
from vnlp_prep.errors import SettingsError
from vnlp_prep.lexicon.wordpiece import WordPieces

PIECES = ["name", "names", "space", "##pace", "power", "powers", "shell", "##hell", "[UNK]"]
TEXT = "Use the shell for the namespace of it"
CLEAN = "Use the shell for the name space of it"


@pytest.fixture
def model(tmp_path):
    folder = tmp_path / "encoder"
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(PIECES))
    return folder


def test_a_path_a_folder_and_a_vocabulary_are_the_same(model):
    for vocabulary in (model, str(model), model / "vocab.txt", WordPieces(PIECES)):
        prep = Preprocessor(vocabulary=vocabulary)
        assert prep(TEXT) == CLEAN
        assert prep.fingerprint == Preprocessor(vocabulary=WordPieces(PIECES)).fingerprint


def test_it_is_off_by_default_and_changes_nothing_then():
    prep = Preprocessor()
    assert prep.vocabulary is None
    assert prep(TEXT) == TEXT
    assert set(prep.settings) == {"stages", "html", "threshold"}
    assert "vocabulary" not in repr(prep)
    assert prep.fingerprint != Preprocessor(vocabulary=WordPieces(PIECES)).fingerprint


def test_a_vocabulary_that_is_none_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="cannot read"):
        Preprocessor(vocabulary=tmp_path / "none.txt")


def test_it_travels_with_the_folder(model, tmp_path):
    prep = Preprocessor(vocabulary=model, threshold=0.6)
    prep.save(tmp_path / "saved")
    assert {p.name for p in (tmp_path / "saved").iterdir()} == {"lexicon.tsv", "vnlp_prep.json", "vocabulary.txt"}
    shutil.rmtree(model)
    (tmp_path / "saved").rename(tmp_path / "moved")
    again = Preprocessor.load(tmp_path / "moved")
    assert again(TEXT) == CLEAN
    assert again.settings == prep.settings
    assert again.fingerprint == prep.fingerprint
    assert again.vocabulary.fingerprint == prep.vocabulary.fingerprint


def test_a_models_own_vocabulary_stays_as_it_is(model):
    Preprocessor(vocabulary=WordPieces(["other", "##s"])).save(model)
    assert (model / "vocab.txt").read_text() == "\n".join(PIECES)
    assert "other" in Preprocessor.load(model).vocabulary


def test_the_case_travels_too(tmp_path):
    Preprocessor(vocabulary=WordPieces(PIECES, lower_case=False)).save(tmp_path)
    assert not Preprocessor.load(tmp_path).vocabulary.lower_case


def test_a_saved_vocabulary_that_is_changed_warns_and_one_that_is_gone_is_an_error(model, tmp_path):
    Preprocessor(vocabulary=model).save(tmp_path)
    with (tmp_path / "vocabulary.txt").open("a") as out:
        out.write("more\n")
    with pytest.warns(UserWarning, match="cleaned otherwise"):
        Preprocessor.load(tmp_path)
    (tmp_path / "vocabulary.txt").unlink()
    with pytest.raises(SettingsError, match=r"vocabulary\.txt"):
        Preprocessor.load(tmp_path)


@pytest.mark.parametrize("setting", [5, "vocab.txt", {}, {"lower_case": 1}, [True]])
def test_a_hostile_setting_is_refused(tmp_path, setting):
    Preprocessor().save(tmp_path)
    path = tmp_path / "vnlp_prep.json"
    content = json.loads(path.read_text())
    content["settings"]["vocabulary"] = setting
    path.write_text(json.dumps(content))
    with pytest.raises(SettingsError, match=r"vnlp_prep\.json.*'vocabulary'"):
        Preprocessor.load(tmp_path)


def test_pickled_it_is_the_same(model):
    prep = Preprocessor(vocabulary=model)
    prep(TEXT)
    again = pickle.loads(pickle.dumps(prep))
    assert again(TEXT) == CLEAN
    assert repr(again) == repr(prep)
    assert "9 pieces, lower case" in repr(prep)


def test_workers_give_the_same(model):
    texts = [f"{TEXT} {i}" for i in range(40)]
    prep = Preprocessor(vocabulary=model)
    assert list(prep.pipe(texts, workers=2, chunk_size=7)) == prep(texts) == [f"{CLEAN} {i}" for i in range(40)]


def test_the_command_line_and_the_settings_file(model, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.jsonl").write_text(json.dumps({"text": TEXT}) + "\n")

    def run(*args, status=0):
        with pytest.raises(SystemExit) as ended:
            main(args)
        out, err = capfd.readouterr()
        assert ended.value.code == status, err
        return err if status else out

    assert json.loads(run("a.jsonl", "-q")) == {"text": TEXT}
    assert json.loads(run("a.jsonl", "-q", "--vocabulary", "encoder")) == {"text": CLEAN}
    assert "encoder-compound" in run("explain", "--vocabulary", "encoder/vocab.txt", TEXT)
    (tmp_path / "s.toml").write_text("vocabulary = 'encoder/vocab.txt'\n")
    assert json.loads(run("a.jsonl", "-q", "--config", "s.toml")) == {"text": CLEAN}
    (tmp_path / "s.toml").write_text("vocabulary = '../vocab.txt'\n")
    reason = run("a.jsonl", "--config", "s.toml", status=2)
    assert "s.toml:1: vocabulary points out of the folder of this file; give it as --vocabulary" in reason
    assert "a.jsonl: no WordPiece vocabulary" in run("explain", "--vocabulary", "a.jsonl", TEXT, status=2)
