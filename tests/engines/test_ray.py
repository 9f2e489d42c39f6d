"""Ray Data on a real cluster of two nodes: the same output as one machine's, also when an actor is killed on the way."""

from __future__ import annotations

import json
import os
import random
import signal
from pathlib import Path

import pytest

from vnlp_prep import Preprocessor
from vnlp_prep.corpus.plan import plan
from vnlp_prep.corpus.run import Options, run
from vnlp_prep.edits import Cleaned
from vnlp_prep.engines.ray import clean, clean_files
from vnlp_prep.engines.runs import FolderRun
from vnlp_prep.errors import InputError, SettingsError, WorkerError

ray = pytest.importorskip("ray")
pytest.importorskip("ray.data")
pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

pytestmark = pytest.mark.usefixtures("ray_cluster")


def killing(flag: Path, times: int = 1):
    """A preprocessor whose process is killed at the text KILL, the first ``times`` times. Pickled by value: it is no global."""

    class Killing:
        fingerprint = "k"

        def __init__(self):
            self.prep = Preprocessor()

        def clean(self, text: str) -> Cleaned:
            if "KILL" in text:
                with flag.open("ab") as file:
                    file.write(b"x")
                if flag.stat().st_size <= times:
                    os.kill(os.getpid(), signal.SIGKILL)
            return self.prep.clean(text)

    return Killing()


def corpus(folder: Path) -> list[str]:
    rng = random.Random(3)
    texts = ["Teh vSphere client&#39;s log", "fine", "soooo good!!!!!", "recieve teh datastore", "\u00e9 \u2014"]
    for name, size in (("a.jsonl", 400), ("b.jsonl", 50)):
        lines = [
            b'{"id": %d, "n": 0.10, "text": %s}\n' % (10**20 + i, json.dumps(rng.choice(texts)).encode()) for i in range(size)
        ]
        for i in range(7, size, 31):
            lines[i] = rng.choice([b"bad\n", b'{"text": null}\n', b'{"text": "a", "text": "b"}\n', b"\xff\n", b"\n"])
        lines[size // 2] = b'{"text": "KILL teh process"}\n'
        (folder / name).write_bytes(b"".join(lines)[:-1])
    rows = {"text": ["Teh " + rng.choice(texts) for _ in range(60)], "id": list(range(60))}
    rows["text"][10] = None
    pq.write_table(pa.table(rows), folder / "c.parquet", row_group_size=10)
    return [str(folder / name) for name in ("a.jsonl", "b.jsonl", "c.parquet")]


@pytest.mark.slow
def test_an_actor_that_is_killed_costs_nothing(tmp_path):
    inputs = corpus(tmp_path)
    options = Options()
    flag = tmp_path / "killed"
    folder = tmp_path / "out"
    summary = clean_files(inputs, str(folder), killing(flag), options, part_bytes=2000, progress=False)
    assert flag.stat().st_size >= 3  # once killed, and both texts cleaned
    expected = run(plan(inputs[:2], options, output=str(tmp_path / "x.jsonl")), Preprocessor(), options)
    more = run(plan(inputs[2:], options, output=str(tmp_path / "x.parquet")), Preprocessor(), options)
    expected.add(more)
    assert summary.to_dict() == expected.to_dict()
    lines = sorted(folder.glob("part-*.jsonl"))
    tables = sorted(folder.glob("part-*.parquet"))
    assert len(lines) > 10
    assert len(tables) > 1
    assert b"".join(shard.read_bytes() for shard in lines) == (tmp_path / "x.jsonl").read_bytes() + b"\n"  # tables follow
    assert pa.concat_tables(pq.read_table(t) for t in tables).equals(pq.read_table(tmp_path / "x.parquet"))
    rejects = b"".join(path.read_bytes() for path in sorted((folder / "_rejects").iterdir()))
    assert rejects == b"".join((tmp_path / f"x.{s}.rejects.jsonl").read_bytes() for s in ("jsonl", "parquet"))
    assert {path.name for path in folder.iterdir()} == {p.name for p in [*lines, *tables]} | {"_rejects", "_run.json"}


@pytest.mark.slow
def test_a_part_that_kills_every_actor_is_named_and_the_run_goes_on_from_there(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text": "teh"}\n' * 20 + b'{"text": "KILL"}\n' + b'{"text": "teh"}\n' * 20)
    flag, folder = tmp_path / "killed", str(tmp_path / "out")
    with pytest.raises(WorkerError, match=r"a\.jsonl from byte 300 on: 3 processes ended at it"):
        clean_files([str(path)], folder, killing(flag, 3), Options(), part_bytes=100, progress=False)
    left = FolderRun([str(path)], folder, killing(flag, 3), Options(), part_bytes=100, resume=True).left
    assert "part-000003.jsonl" in [part.shard for part in left]
    summary = clean_files([str(path)], folder, killing(flag, 3), Options(), part_bytes=100, progress=False, resume=True)
    assert (summary.records, summary.resumed) == (41, 41 - sum(_records(path, part) for part in left))


def _records(path, part):
    ends = [i * 16 for i in range(42)]
    ends = ends[:20] + [end + 1 for end in ends[20:]]
    return sum(part.start <= start < part.end for start in ends[:41])


def test_what_is_wrong_with_an_input_says_so(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text": "teh"}\n')
    with pytest.raises(InputError, match=r"no\.jsonl: no such file"):
        clean_files([str(tmp_path / "no.jsonl")], str(tmp_path / "out"), Preprocessor(), Options())

    class Gone(Preprocessor):
        def clean(self, text):
            raise MemoryError

    with pytest.raises(Exception, match=r"a\.jsonl: MemoryError"):
        clean_files([str(path)], str(tmp_path / "out"), Gone(), Options(), progress=False)


# --- A dataset of one's own -----------------------------------------------------------------------------------------------


def test_a_dataset_is_cleaned_and_keeps_its_other_columns(tmp_path):
    rows = {
        "text": ["Teh vSphere client&#39;s log", None, "fine"] * 40,
        "meta": [{"title": "recieve", "n": i} for i in range(120)],
        "id": range(120),
    }
    table = pa.table({"text": rows["text"], "meta": rows["meta"], "id": pa.array(rows["id"], pa.uint16())})
    dataset = clean(ray.data.from_arrow([table.slice(0, 50), table.slice(50)]), field=["text", "meta.title"], batch_size=16)
    out = pa.concat_tables(ray.get(dataset.to_arrow_refs())).sort_by("id")
    assert out.schema.types == table.schema.types
    assert out.column("id").to_pylist() == list(range(120))
    assert out.column("text").to_pylist() == ["The vSphere client's log", None, "fine"] * 40
    assert out.column("meta").to_pylist() == [{"title": "receive", "n": i} for i in range(120)]


def test_rows_that_cannot_be_cleaned_stay_with_the_reason():
    dataset = ray.data.from_items([{"text": "teh"}, {"text": None}, {"text": "teh " * 20}])
    rows = clean(dataset, on_missing="reject", reasons="why", max_text_bytes=50).take_all()
    assert sorted(rows, key=str) == sorted(
        [
            {"text": "the", "why": None},
            {"text": None, "why": "field-null: the field 'text' is null"},
            {"text": "teh " * 20, "why": "line-too-long: 80 bytes are more than --max-line-bytes (50)"},
        ],
        key=str,
    )


def test_rows_that_cannot_be_cleaned_stop_a_dataset_that_has_no_place_for_reasons():
    dataset = ray.data.from_items([{"text": None}])
    with pytest.raises(ray.exceptions.RayTaskError, match="a row cannot be cleaned: the field 'text' is null"):
        clean(dataset, on_missing="reject").take_all()
    with pytest.raises(ray.exceptions.RayTaskError, match=r"no column 'txt'; did you mean text\?"):
        clean(dataset, field="txt", on_missing="reject").take_all()
    with pytest.raises(SettingsError, match="on_missing='drop'"):
        clean(dataset, on_missing="drop")
