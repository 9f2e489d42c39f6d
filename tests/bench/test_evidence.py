"""Taking evidence away: every variant still finds what it takes away, and sources are told apart."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import ablation
import lexicon_report

BENCH = str(Path(ablation.__file__).parent)


def test_every_variant_finds_what_it_takes_away(tmp_path: Path) -> None:
    # In another process, with a cache of its own: nothing is put back.
    program = (
        f"import sys; sys.path.append({BENCH!r}); import ablation\n"
        "print([n for n, v in ablation.VARIANTS.items() if v.take_away is not None and not v.take_away()])\n"
        "from vnlp_prep import Preprocessor\n"
        "print(Preprocessor()('Teh host recieves teh configuraton'))"
    )
    environment = {**os.environ, "VNLP_PREP_CACHE": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.split("\n")[0] == "[]", "these switch nothing off any more"


def test_what_is_not_there_is_not_switched_off() -> None:
    assert not ablation.everywhere("lexicon.lexicon", "no_such_name", None)
    assert not ablation.weights("no such feature")()


def test_stages_without_one() -> None:
    assert ablation.stages_without("spelling") == ("html", "unicode", "repeats", "compounds")


def test_words_that_one_source_alone_has() -> None:
    sources = {"a": {"x", "y"}, "b": {"y", "z"}}
    assert lexicon_report.only("a", sources, {"x", "y", "z"}) == {"x"}
    assert lexicon_report.only("b", sources, {"y"}) == set()


def test_entries_of_files(tmp_path: Path) -> None:
    (tmp_path / "english.tsv").write_text("# words\n310\tsome more words\n200\trare\n", encoding="utf-8")
    (tmp_path / "pairs.tsv").write_text("# pairs\nvirtual\tmachine 400\tdisk 300\nhost\tname 100\n", encoding="utf-8")
    (tmp_path / "foreign.tsv").write_text("# words\nund\noder\n", encoding="utf-8")
    found = {name: lexicon_report.entries(tmp_path / f"{name}.tsv") for name in ("english", "pairs", "foreign")}
    assert found == {"english": 4, "pairs": 3, "foreign": 2}


def test_memory_and_time_of_a_statement() -> None:
    seconds, memory = lexicon_report.cost_of("x = b'x' * 30_000_000")
    assert seconds > 0
    assert 25 < memory < 60
