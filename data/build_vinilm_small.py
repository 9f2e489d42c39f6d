"""Train ``models/vinilm-small``: the documentation corpus as sections, a domain vocabulary, distillation, half precision.

    python data/build_vinilm_small.py CORPUS -o WORK          about an hour and a half on one core; goes on after an interruption

CORPUS is ``vmware_docs.jsonl.gz`` (see ``README.md``). Six repositories are left out of all training, so that there are documents
which the model has never seen: they are what it is evaluated on. The steps are the commands that any user has:

1. the documents of the other repositories are cleaned, and cut at their headings: a record for each heading, one for each section;
2. ``vinilm vocab``: 994 terms, chosen from the whole documents;
3. ``vinilm distill``: layers 1, 5 and 6 of all-MiniLM-L6-v2 learn its relations, and its vectors of texts as it makes them with its
   own vocabulary;
4. ``vinilm export``: the weights in half precision, the preprocessor, a model card.
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
#: A section with fewer words than one in so many characters is a table or a listing.
CHARACTERS_A_WORD = 30

DISTILL = """--layers 1,5,6 --relations 0.3 --relation-heads 12 --alignment 10 --crops 1 --phase 128:900 --batch-size 56
    --learning-rate 3e-4 --warmup 0.05 --precision bfloat16 --heldout 0.01 --evaluate-every 300 --checkpoint-every 150""".split()


def documents(corpus: Path) -> Iterator[dict[str, Any]]:
    """Yield the documents to train on, their texts cleaned."""
    prep = Preprocessor()
    with gzip.open(corpus) as lines:
        for line in lines:
            document = json.loads(line)
            if document["repo"].lower().removeprefix("github.com/") not in HELD_OUT:
                yield document | {"text": prep(document["text"])}


def parts(document: dict[str, Any]) -> Iterator[str]:
    """Yield the headings of a document, and its sections: the beginnings of those that have prose."""
    for section in sections(document["text"], document["format"]):
        if len(section.heading.split()) >= 2:
            yield section.heading.strip()
        count = len(words(section.body))
        if count >= max(FEWEST_WORDS, len(section.body) / CHARACTERS_A_WORD):
            yield section.body.strip()[:MOST_CHARACTERS].strip()


def write(corpus: Path, work: Path) -> None:
    """Write ``documents.jsonl``, and ``sections.jsonl`` with each part once."""
    seen: set[str] = set()
    with (work / "documents.jsonl").open("w") as whole, (work / "sections.jsonl").open("w") as cut:
        for document in documents(corpus):
            whole.write(json.dumps({"text": document["text"]}) + "\n")
            for part in parts(document):
                if part not in seen:
                    seen.add(part)
                    cut.write(json.dumps({"text": part}) + "\n")


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
    if not (work / "sections.jsonl").exists():
        write(args.corpus, work)
    if not (work / "vocab").exists():
        vinilm("vocab", work / "documents.jsonl", "--no-clean", "-m", TEACHER, "-o", work / "vocab", "--heldout", "0")
    vinilm(
        "distill", work / "sections.jsonl", "--no-clean", "--teacher", work / "vocab", "--sentence-teacher", TEACHER, *DISTILL,
        "-o", work / "student", "--resume",
    )  # fmt: skip
    target = Path(__file__).resolve().parent / "models" / "vinilm-small"
    vinilm(
        "export", work / "student", "-o", target, "--format", "none", "--weights", "float16", "--name", "vinilm-small",
        "--license", "apache-2.0", "--base-model", TEACHER, "--notes", Path(__file__).with_suffix(".md"),
    )  # fmt: skip


if __name__ == "__main__":
    main()
