"""Train ``models/vinilm-small``: the documentation corpus as sections, a domain vocabulary, distillation, half precision.

    python data/build_vinilm_small.py CORPUS -o WORK          two and a half hours on one core; goes on after an interruption

CORPUS is ``vmware_docs.jsonl.gz`` (see ``README.md``). Six repositories are left out of all training, so that there are documents
which the model has never seen: they are what it is evaluated on. The steps are the commands that any user has:

1. the documents of the other repositories are cut at their headings, cleaned and as they are: a record for each heading, one for
   each section;
2. ``vinilm vocab``: 994 terms, chosen from the whole documents, cleaned;
3. ``vinilm distill``: layers 1, 5 and 6 of all-MiniLM-L6-v2 learn its relations, and its vectors of texts as it makes them with
   its own vocabulary; twice, the second time in another order;
4. ``vinilm distill`` again: vectors alone, of longer texts as they are, markup, listings and all. Without this step texts that
   are long or not cleaned are found less often;
5. ``vinilm export``: the weights in half precision, the preprocessor, a model card.
"""

from __future__ import annotations

import argparse
import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vinilm.evaluation.prose import words
from vinilm.evaluation.sections import sections
from vnlp_prep import Preprocessor

#: Never trained on.
HELD_OUT = {
    "antrea-io/antrea",
    "cloudfoundry/docs-bosh",
    "goharbor/website",
    "vmware-tanzu/velero",
    "vmware/powercli-example-scripts",
    "wavefronthq/docs",
}
TEACHER = "sentence-transformers/all-MiniLM-L6-v2"
#: Words of prose that a section has at least, and characters of it that are read.
FEWEST_WORDS, MOST_CHARACTERS = 12, 1500
#: A cleaned section with fewer words than one in so many characters is a table or a listing, and left out.
CHARACTERS_A_WORD = 30

#: Name of what comes out, texts, options.
ROUNDS = (
    ("first", "cleaned", "--layers 1,5,6 --relations 0.3 --phase 128:900 --batch-size 56 --learning-rate 3e-4 --seed 42"),
    ("second", "cleaned", "--student first --relations 0.3 --phase 128:700 --batch-size 56 --learning-rate 2e-4 --seed 43"),
    ("student", "raw", "--student second --relations 0 --phase 256:600 --batch-size 40 --learning-rate 2e-4 --seed 44"),
)
EVERY_ROUND = """--relation-heads 12 --alignment 10 --crops 1 --warmup 0.05 --precision bfloat16 --heldout 0.01
    --evaluate-every 300 --checkpoint-every 100"""


def documents(corpus: Path) -> Iterator[dict[str, Any]]:
    """Yield the documents to train on."""
    with gzip.open(corpus) as lines:
        for line in lines:
            document = json.loads(line)
            if document["repo"].lower().removeprefix("github.com/") not in HELD_OUT:
                yield document


def parts(text: str, format: str, *, listings: bool) -> Iterator[str]:
    """Yield the headings of a text, and its sections: the beginnings of those that have prose; ``listings``: however little."""
    for section in sections(text, format):
        if len(section.heading.split()) >= 2:
            yield section.heading.strip()
        count = len(words(section.body))
        if count >= max(FEWEST_WORDS, 0 if listings else len(section.body) / CHARACTERS_A_WORD):
            yield section.body.strip()[:MOST_CHARACTERS].strip()


def write(corpus: Path, work: Path) -> None:
    """Write ``documents.jsonl``, cleaned; and their parts, each once, cleaned and as they are."""
    prep = Preprocessor()
    seen: dict[str, set[str]] = {"cleaned": set(), "raw": set()}
    with (
        (work / "documents.jsonl").open("w") as whole,
        (work / "raw.jsonl").open("w") as raw,
        (work / "cleaned.jsonl").open("w") as cleaned,
    ):
        for document in documents(corpus):
            text = prep(document["text"])
            whole.write(json.dumps({"text": text}) + "\n")
            for name, file, source in (("raw", raw, document["text"]), ("cleaned", cleaned, text)):
                for part in parts(source, document["format"], listings=name == "raw"):
                    if part not in seen[name]:
                        seen[name].add(part)
                        file.write(json.dumps({"text": part}) + "\n")


def vinilm(*args: str | Path) -> None:
    """Run a command of vinilm. Raises SystemExit if it fails."""
    if subprocess.run([sys.executable, "-m", "vinilm", *map(str, args)], check=False).returncode:
        raise SystemExit(f"vinilm {args[0]} failed")


def main() -> None:
    """Run the steps that are not done yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="WORK", help="folder for what lies between the steps")
    args = parser.parse_args()
    work: Path = args.output
    work.mkdir(exist_ok=True)
    if not (work / "vocab").exists():
        write(args.corpus, work)
        vinilm("vocab", work / "documents.jsonl", "--no-clean", "-m", TEACHER, "-o", work / "vocab", "--heldout", "0")
    models = ("--teacher", work / "vocab", "--sentence-teacher", TEACHER)
    for name, texts, options in ROUNDS:
        own = [work / value if value in {"first", "second"} else value for value in options.split()]
        vinilm(
            "distill", work / f"{texts}.jsonl", "--no-clean", *models, *own, *EVERY_ROUND.split(), "-o", work / name, "--resume"
        )  # fmt: skip
    target = Path(__file__).resolve().parent / "models" / "vinilm-small"
    vinilm(
        "export", work / "student", "-o", target, "--format", "none", "--weights", "float16", "--name", "vinilm-small",
        "--license", "apache-2.0", "--base-model", TEACHER, "--notes", Path(__file__).with_suffix(".md"),
    )  # fmt: skip


if __name__ == "__main__":
    main()
