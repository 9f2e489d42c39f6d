"""Which rules hold where, what is ignored, what is left out."""

from __future__ import annotations

import time

import pytest

MARKDOWN = "# Teh title\n\nWe recieve a mesage in <b>bold</b> &amp; “quotes”.\n\nA sooooo slow\u00a0host.\n"


def befores(findings):
    return [f["before"] for f in findings]


def test_markup_stays_in_markdown_and_goes_elsewhere(found, tmp_path):
    text = "We recieve a message.\n\nA <b>bold</b> word &amp; “quotes”.\n"
    (tmp_path / "a.md").write_text(text)
    (tmp_path / "a.txt").write_text(text)
    assert befores(found("a.md")) == ["recieve"]
    assert befores(found("a.txt")) == ["recieve", "<b>", "</b>", "&amp;", "“", "”"]
    assert befores(found("a.md", "--select", "html,unicode/quote")) == ["<b>", "</b>", "&amp;", "“", "”"]


@pytest.mark.parametrize(
    "text",
    ["<pre>\nteh recieve\n</pre>", "<!-- teh recieve -->", '<img alt="teh recieve">', "`teh`\n\n```\nteh\n```\n\n    teh",
     "<script>\nvar teh = recieve;\n</script>", "<code>teh recieve</code>",
     "## Code\n\n    we recieve teh\n\n    we recieve it\n"],
)  # fmt: skip
def test_code_stays_in_markdown(found, tmp_path, text):
    (tmp_path / "a.md").write_text(f"Some words here.\n\n{text}\n\nMore words here.\n")
    assert found("a.md") == []


def test_lines_under_headings_stay_in_markup(found, tmp_path):
    for name in ("a.md", "b.rst"):
        (tmp_path / name).write_text("\ufeffThe Report Module\n=============\n\nSome words here. =============\n")
        assert found(name) == []


def test_select_and_ignore(check, found, tmp_path):
    (tmp_path / "a.md").write_text("# Teh title\n\nA sooooo slow\u00a0host.\n")
    assert befores(found("a.md")) == ["Teh", "sooooo", "\u00a0"]
    assert befores(found("a.md", "--select", "spelling,elongation")) == ["Teh", "sooooo"]
    assert befores(found("a.md", "--select", "spelling", "--select", "unicode/space")) == ["Teh", "\u00a0"]
    assert befores(found("a.md", "--ignore", "spelling")) == ["sooooo", "\u00a0"]
    assert befores(found("a.md", "--ignore", "known-misspelling,unicode")) == ["sooooo"]
    result = check("a.md", "--select", "speling")
    assert result.status == 2
    assert "did you mean spelling?" in result.err
    assert check("a.md", "--fix", "--select", "repeats").status == 0
    assert (tmp_path / "a.md").read_text() == "# Teh title\n\nA so slow\u00a0host.\n"


def test_unreadable_lines_are_found_whatever_is_selected(check, tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "fine"}\n{"text": \n')
    assert check("a.jsonl", "--select", "spelling", "--format", "json").rules == ["input/truncated-json"]
    assert check("a.jsonl", "--ignore", "input").status == 0


def test_ignored_words(found, tmp_path):
    (tmp_path / "a.md").write_text("Teh host, teh log.\n\nWe recieve it. Recieve it.\n")
    (tmp_path / "vnlp-prep.toml").write_text("ignore-words = ['teh', 'Recieve']\n")
    assert befores(found("a.md")) == ["recieve"]


def test_ignored_words_do_not_keep_damage(found, tmp_path):
    (tmp_path / "a.txt").write_text("The log&nbsp;file.\n")
    (tmp_path / "vnlp-prep.toml").write_text("ignore-words = ['nbsp']\n")
    assert befores(found("a.txt")) == ["&nbsp;"]


def test_ignored_patterns(found, tmp_path):
    (tmp_path / "a.md").write_text("Teh host.\n\nTeh log [[we recieve]] it, and recieve it.\n")
    (tmp_path / "vnlp-prep.toml").write_text(r"ignore-patterns = ['\[\[.*?\]\]', '^Teh host', '']" + "\n")
    assert [(f["line"], f["before"]) for f in found("a.md")] == [(3, "Teh"), (3, "recieve")]


def test_a_pattern_that_takes_for_ever_is_an_error_that_names_it(check, tmp_path):
    (tmp_path / "a.md").write_text("Teh host.\n\n" + "a" * 60 + "!\n")
    (tmp_path / "vnlp-prep.toml").write_text("ignore-patterns = ['fine', '(a|aa)+$']\n")
    began = time.monotonic()
    result = check("a.md")
    assert time.monotonic() - began < 10
    assert result.status == 2
    assert "'(a|aa)+$' takes more than 1 s" in result.err


@pytest.mark.parametrize("pattern", ["(", "[z-a]", "(?P<x>a)(?P=y)"])
def test_what_is_no_pattern(check, tmp_path, pattern):
    (tmp_path / "a.md").write_text("Teh host.\n")
    (tmp_path / "vnlp-prep.toml").write_text(f"ignore-patterns = [{pattern!r}]\n")
    result = check("a.md")
    assert result.status == 2
    assert "is no regular expression" in result.err


def test_rules_that_do_not_hold_for_some_files(found, check, tmp_path):
    (tmp_path / "docs").mkdir()
    for name in ("a.md", "docs/a.md", "docs/b.md"):
        (tmp_path / name).write_text("Teh sooooo slow host.\n")
    (tmp_path / "pyproject.toml").write_text(
        '[tool.vnlp-prep.per-file-ignores]\n"docs/**" = ["spelling"]\n"b.md" = "repeats/elongation"\n'
    )
    assert [(f["file"], f["before"]) for f in found(".")] == [
        ("a.md", "Teh"), ("a.md", "sooooo"), ("docs/a.md", "sooooo"),
    ]  # fmt: skip
    (tmp_path / "pyproject.toml").write_text('[tool.vnlp-prep.per-file-ignores]\n"docs/**" = ["speling"]\n')
    assert "per-file-ignores, 'docs/**': no rule or stage 'speling'; did you mean spelling?" in check("a.md").err


def test_what_is_excluded_is_left_out_also_when_it_is_named(found, check, tmp_path, monkeypatch):
    for name in ("a.md", "vendor/a.md", "docs/b.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("Teh host.\n")
    (tmp_path / "vnlp-prep.toml").write_text("exclude = ['vendor']\n")
    assert {f["file"] for f in found(".")} == {"a.md", "docs/b.md"}
    assert {f["file"] for f in found("vendor/a.md", "docs/b.md", "--exclude", "docs/*.md")} == set()
    assert check("vendor/a.md").status == 0
    assert check("vendor/a.md", "--isolated").status == 1
    monkeypatch.chdir(tmp_path / "docs")
    assert {f["file"] for f in found("../vendor/a.md", "b.md")} == {"b.md"}


def test_fields_and_other_settings(found, check, tmp_path):
    (tmp_path / "a.jsonl").write_text('{"title": "Teh log", "body": {"x": "teh log"}}\n')
    (tmp_path / "vnlp-prep.toml").write_text("fields = ['title', 'body.x']\n")
    assert [(f["field"], f["before"]) for f in found("a.jsonl")] == [("title", "Teh"), ("body.x", "teh")]
    (tmp_path / "vnlp-prep.toml").write_text("fields = ['title']\nfield = 'text'\n")
    assert "field is set twice" in check("a.jsonl").err


def test_vnlp_prep_toml_goes_before_pyproject_in_one_folder(found, tmp_path, monkeypatch):
    (tmp_path / "a.md").write_text("Teh sooooo slow host.\n")
    (tmp_path / "pyproject.toml").write_text("[tool.vnlp-prep]\nselect = ['spelling']\n")
    assert befores(found("a.md")) == ["Teh"]
    (tmp_path / "vnlp-prep.toml").write_text("[vnlp-prep]\nselect = ['repeats']\n")
    assert befores(found("a.md")) == ["sooooo"]
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "pyproject.toml").write_text("[tool.vnlp-prep]\nselect = ['spelling']\n")
    monkeypatch.chdir(tmp_path / "sub")
    assert befores(found("../a.md")) == ["Teh"]
    assert befores(found("../a.md", "--isolated")) == ["Teh", "sooooo"]
    assert befores(found("../a.md", "--select", "elongation")) == ["sooooo"]


def test_unknown_keys_and_wrong_values_are_errors(check, tmp_path):
    (tmp_path / "a.md").write_text("Teh host.\n")
    for text, words in (
        ("ignore-word = ['x']", "vnlp-prep.toml:1: unknown key ignore-word; did you mean ignore-words?"),
        ("ignore-words = 'x'", "vnlp-prep.toml:1: ignore-words must be a list of strings"),
        ("per-file-ignores = ['x']", "per-file-ignores must be a table of patterns"),
        ("select = ['html', 'speling']", "did you mean spelling?"),
    ):
        (tmp_path / "vnlp-prep.toml").write_text(text)
        result = check("a.md")
        assert result.status == 2
        assert words in result.err
    assert check("a.md", "--isolated").status == 1


def test_stages_of_the_project_hold_for_the_check(found, tmp_path):
    (tmp_path / "a.md").write_text("Teh sooooo slow host.\n")
    (tmp_path / "vnlp-prep.toml").write_text("stages = ['repeats']\n")
    assert befores(found("a.md")) == ["sooooo"]


def test_show_settings(check, tmp_path):
    (tmp_path / "vnlp-prep.toml").write_text(
        "ignore-words = ['teh']\nexclude = ['x']\nthreshold = 0.9\n[per-file-ignores]\n'a.md' = 'spelling'\n"
    )
    result = check("--show-settings", "--field", "body", "--exclude", "y")
    path = tmp_path / "vnlp-prep.toml"
    assert result.status == 0
    for line in (
        f"# settings file: {path}",
        f'ignore-words = ["teh"]  # {path}',
        f'exclude = ["x", "y"]  # {path}, --exclude',
        f"threshold = 0.9  # {path}",
        f'per-file-ignores = {{ "a.md" = ["spelling"] }}  # {path}',
        'field = ["body"]  # --field',
        "select = []  # default",
        "# lexicon is not set",
    ):
        assert line in result.out.splitlines()
    isolated = check("--show-settings", "--isolated").out
    assert "# settings file: none" in isolated
    assert "teh" not in isolated
    for args in (["--isolated", "--config", "vnlp-prep.toml"], ["--config", "vnlp-prep.toml", "--isolated"]):
        assert "leave --config off" in check("--show-settings", *args).err
