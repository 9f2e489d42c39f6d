"""A recipe's file becomes command lines, or an error with file and line; nothing runs here."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from vinilm.recipes.reading import read_recipe
from vnlp_prep.errors import SettingsError

RECIPE = """\
# A recipe of commands that need no model.
[recipe]
name = "kb"
output = "out/kb"
inputs = ["docs", "more.md"]

[collect]
inputs = "{inputs}"
leave-out = ["*/old/*"]
label.net = ["docs/net/*", "docs/dns.md"]
label.vm = "docs/vm/*"

[clean]
inputs = ["{collect}", "extra.jsonl"]
field = ["title", "text"]
on_missing = "pass"
threshold = 0.8
max-line-bytes = 1000000
output = "clean.jsonl.gz"

[terms]
command = "learn"
inputs = "{clean}"
output = "terms.tsv"

[encode]
inputs = "{clean}"
model = "models/{name}"
id-field = "id"
normalize = false
clean = false
quiet = true
output = "vectors.npy"
"""


@pytest.fixture
def read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def read(text=RECIPE, **options):
        Path("my.toml").write_text(text)
        return read_recipe(Path("my.toml"), **options)

    return read


def test_every_step_is_a_command_line(read):
    recipe = read()
    assert (recipe.name, recipe.folder) == ("kb", Path("out/kb"))
    assert [step.line for step in recipe.steps] == [
        "python -m vinilm.recipes.collect docs more.md -o out/kb/collect.jsonl --leave-out '*/old/*' "
        "--label 'net=docs/net/*' --label net=docs/dns.md --label 'vm=docs/vm/*'",
        "vnlp-prep clean out/kb/collect.jsonl extra.jsonl -o out/kb/clean.jsonl.gz --field title --field text --on-missing pass "
        "--threshold 0.8 --max-line-bytes 1000000 --resume",
        "vnlp-prep learn out/kb/clean.jsonl.gz -o out/kb/terms.tsv",
        "vinilm encode out/kb/clean.jsonl.gz -o out/kb/vectors.npy --model models/kb --id-field id --no-normalize --no-clean "
        "--quiet --resume",
    ]


def test_what_is_given_on_the_command_line_goes_first(read):
    changes = ["clean.threshold=0.9", "clean.on-missing=reject", "encode.normalize=true", "encode.prompt=q: "]
    recipe = read(output="here", inputs=["my.jsonl"], changes=[*changes, "collect.label={a='b'}"])
    lines = [step.line for step in recipe.steps]
    assert lines[0] == "python -m vinilm.recipes.collect my.jsonl -o here/collect.jsonl --leave-out '*/old/*' --label a=b"
    assert "--threshold 0.9 --max-line-bytes" not in lines[1]
    assert lines[1].endswith("--max-line-bytes 1000000 --threshold 0.9 --on-missing reject --resume")
    assert lines[3].endswith("--no-clean --quiet --normalize --prompt 'q: ' --resume")
    training = read(
        '[distill]\ncorpus = "c"\nteacher = "t"\nlayers = [1]\nphase = "128:9:9"\n', changes=["distill.phase=16:30:16"]
    )
    assert training.steps[0].line.endswith(" --phase 16:30:16 --resume")
    assert " --prompt 2026-01-01" in read(changes=["encode.prompt=2026-01-01"]).steps[3].line
    with pytest.raises(SettingsError, match=r"^my\.toml:21: terms: Missing argument 'CORPUS\.\.\.'"):
        read(changes=["terms.inputs=[]"])


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "threshold = 0.8",
            "treshold = 0.8",
            "my.toml:17: clean: unknown key 'treshold'; did you mean threshold? (keys of clean: ",
        ),
        ("threshold = 0.8", 'threshold = "high"', "my.toml:17: clean: Invalid value for '--threshold'"),
        (
            'on_missing = "pass"',
            'on_missing = "skip"',
            "my.toml:16: clean: Invalid value for '--on-missing': 'skip' is not one of",
        ),
        (
            "max-line-bytes = 1000000",
            "max-line-bytes = true",
            "my.toml:18: clean: max-line-bytes: a string or a number is needed",
        ),
        (
            "max-line-bytes = 1000000",
            "max-line-bytes = [10:30:00]",
            "my.toml:18: clean: max-line-bytes: a string or a number is needed, and without quotation marks 10:30:00 is a date",
        ),
        ('on_missing = "pass"', "on_missing = 2026-01-01", "my.toml:16: clean: on_missing: a string or a number is needed, and "),
        ("normalize = false", 'normalize = "no"', "my.toml:30: encode: normalize: true or false is needed"),
        ('inputs = "{clean}"\nmodel', 'inputs = "{claen}"\nmodel', "my.toml:27: {claen} is unknown here; did you mean clean?"),
        (
            'inputs = "{inputs}"',
            'inputs = "{clean}"',
            "my.toml:8: {clean} is unknown here (known: {inputs}, {folder}, {recipe}, {name};",
        ),
        ('"models/{name}"', '"{inputs}/x"', "my.toml:28: {inputs} are several; they can stand only by themselves"),
        (
            "[encode]",
            "[encod]",
            "my.toml:26: no command 'encod' that a step can be; did you mean encode? (commands: check, clean,",
        ),
        ("[encode]", "[serve]", "my.toml:26: no command 'serve' that a step can be"),
        ('command = "learn"', 'command = "lern"', "my.toml:22: no command 'lern' that a step can be; did you mean learn?"),
        ('command = "learn"', "command = 3", "my.toml:22: command must be the name of a command"),
        ("[terms]", "[Terms]", "my.toml:21: a step cannot be called 'Terms'"),
        ("[terms]", "[folder]", "my.toml:21: a step cannot be called 'folder'"),
        (
            'output = "vectors.npy"',
            "",
            'my.toml:26: encode writes a file, whose name tells its format; say output = "encode. ..."',
        ),
        ('output = "vectors.npy"', 'output = "../v.npy"', "my.toml:33: output is a name in the folder of the recipe"),
        ('output = "vectors.npy"', 'output = "terms.tsv"', "my.toml:21: two steps write out/kb/terms.tsv"),
        ('name = "kb"', 'nam = "kb"', "my.toml:3: unknown key 'nam'; did you mean name? (keys: name, output, inputs)"),
        ('name = "kb"', "name = 3", "my.toml:3: name must be a string"),
        ('inputs = ["docs", "more.md"]', "inputs = 3", "my.toml:5: inputs must be a string or a list of strings"),
        ("[recipe]", "clean = 3\n[recipe]", "my.toml: is not TOML"),
        ("[recipe]", "x = 3\n[recipe]", "my.toml:1: x stands outside of a table"),
        ("[clean]", "[clean", "my.toml: is not TOML"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(read, old, new, says):
    assert old in RECIPE
    with pytest.raises(SettingsError) as caught:
        read(RECIPE.replace(old, new, 1))
    assert str(caught.value).startswith(says)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (["clean"], "--set 'clean': it is STEP.KEY=VALUE"),
        (["claen.field=x"], "--set 'claen.field=x': no step 'claen'; did you mean clean?"),
        (["clean.feild=x"], "--set clean.feild: clean: unknown key 'feild'; did you mean field?"),
        (["clean.html=pdf"], "--set clean.html: clean: Invalid value for '--html'"),
    ],
)
def test_what_is_wrong_with_a_change(read, changes, says):
    with pytest.raises(SettingsError) as caught:
        read(changes=changes)
    assert str(caught.value).startswith(says)


def test_a_file_that_is_none(tmp_path):
    with pytest.raises(SettingsError, match="no such file"):
        read_recipe(tmp_path / "no.toml")
    (tmp_path / "latin.toml").write_bytes(b'[recipe]\nname = "\xff"\n')
    with pytest.raises(SettingsError, match="is not TOML"):
        read_recipe(tmp_path / "latin.toml")
    (tmp_path / "empty.toml").write_text("")
    with pytest.raises(SettingsError, match="no step"):
        read_recipe(tmp_path / "empty.toml")


@pytest.mark.parametrize("file", sorted((Path(__file__).resolve().parents[3] / "recipes").glob("*.toml")), ids=lambda f: f.name)
def test_the_recipes_that_are_shipped_can_be_read(file, monkeypatch):
    recipe = read_recipe(file)
    names = [step.name for step in recipe.steps]
    assert [n for n in names if n in ("clean", "vocab", "pretrain", "distill", "evaluate", "export")] == [
        *("clean", "vocab", "pretrain", "distill", "evaluate", "export"),
    ]
    # It depends on the documents alone: what is wrong with them is told before the long steps.
    assert names.index("benchmark") < names.index("clean")
    # What is evaluated and exported has vectors of texts: by relations alone a student learns none.
    distill = recipe.steps[names.index("distill")].arguments
    assert float(distill[distill.index("--alignment") + 1]) > 0


def without(text: str, *tables: str) -> str:
    """Return a recipe without some of its tables."""
    parts = re.split(r"(?m)^(?=\[)", text)
    return "".join(part for part in parts if not part.startswith(tuple(f"[{table}" for table in tables)))


def test_the_small_recipe_without_collect(read):
    """As docs/recipe.md has it, for documents that need no such step."""
    text = (Path(__file__).resolve().parents[3] / "recipes" / "vinilm.toml").read_text()
    assert "{collect}" in text
    lines = [s.line for s in read(without(text, "collect").replace("{collect}", "{inputs}"), inputs=["d.jsonl.gz"]).steps]
    assert lines[0].startswith("vinilm evaluate -o out/vinilm-docs/benchmark --make d.jsonl.gz ")
    assert lines[1].startswith("vnlp-prep clean d.jsonl.gz -o out/vinilm-docs/clean.jsonl ")
    alone = without(text, "collect", "benchmark", "evaluate").replace('results = "{evaluate}"\n', "")
    alone = alone.replace('inputs = "{collect}"', 'inputs = "{inputs}"\noutput = "clean.parquet"')
    names = [step.name for step in read(alone, inputs=["d.parquet"]).steps]
    assert names == ["clean", "vocab", "pretrain", "distill", "export"]
