"""Encoding: this project's backends beside what is used today, in one run, on one core; then on two.

    python bench/encode.py CORPUS.jsonl.gz --keep      # about 25 minutes
    python bench/accuracy.py --page -o docs/benchmarks.md                    # the page from what was measured

Every system encodes the same texts (5 to 400 tokens, cut from the corpus; seeded), tokenizing included, cleaning not: that
has its own benchmark. Systems take turns, round after round, and the fastest round of each counts, so that a busy neighbour
slows none of them alone. Beside the rates stand the peak that oneDNN reaches in one product of matrices on this machine, the
share of it that each system uses, and how far the vectors are from those of sentence-transformers in float32.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import results

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

MODEL = "sentence-transformers/all-MiniLM-L6-v2"
#: The slow ones get the first so many of the texts, so that a run ends.
FEW = 96


@dataclass
class System:
    """One way to encode: a function from texts to vectors, and how many texts it is given."""

    encode: Callable[[list[str]], Any]
    few: bool = False


def texts_of(corpus: Path, tokens: Callable[[str], list[tuple[int, int]]], count: int) -> list[str]:
    """Return ``count`` texts out of ``corpus``, each cut to a length between 5 and 400 tokens, all lengths alike."""
    rng = random.Random(20)
    with gzip.open(corpus, "rt", encoding="utf-8") as lines:
        documents = [json.loads(line)["text"] for line in lines]
    found: list[str] = []
    while len(found) < count:
        text = rng.choice(documents)
        start = rng.randrange(max(1, len(text) - 4000))
        text = text[start : start + 4000]
        spans, wanted = tokens(text), rng.randint(5, 400)
        if len(spans) >= wanted:
            found.append(text[: spans[wanted - 3][1]] if wanted > 3 else text)
    return found


# --- systems -------------------------------------------------------------------------------------------------------------


def small_systems(folder: Path, names: Sequence[str]) -> dict[str, System]:
    """The ways to encode with the 6 x 384 model."""
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers import BertModel, BertTokenizer, pipeline

    made: dict[str, Callable[[], System]] = {}

    def st(dtype: torch.dtype) -> System:
        model = SentenceTransformer(str(folder), device="cpu", model_kwargs={"torch_dtype": dtype})
        return System(lambda texts: model.encode(texts, convert_to_numpy=False, convert_to_tensor=True).float().numpy())

    def bert() -> tuple[Any, Any]:
        return BertTokenizer.from_pretrained(str(folder)), BertModel.from_pretrained(folder).eval()

    def mean(states: Any, mask: Any) -> Any:
        sums = (states * mask[..., None]).sum(1) / mask.sum(1)[:, None]
        return torch.nn.functional.normalize(sums, dim=1)

    def run(tokenizer: Any, model: Any, texts: list[str]) -> Any:
        batch = tokenizer(texts, padding=True, truncation=True, max_length=256, return_tensors="pt")
        with torch.inference_mode():
            return mean(model(**batch).last_hidden_state, batch["attention_mask"]).numpy()

    def one_at_a_time() -> System:
        import numpy as np

        tokenizer, model = bert()
        return System(lambda texts: np.concatenate([run(tokenizer, model, [t]) for t in texts]), few=True)

    def by_length() -> System:
        import numpy as np

        tokenizer, model = bert()

        def encode(texts: list[str]) -> Any:
            order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
            parts = [run(tokenizer, model, [texts[i] for i in order[at : at + 32]]) for at in range(0, len(order), 32)]
            return np.concatenate(parts)[np.argsort(order)]

        return System(encode)

    def the_pipeline() -> System:
        import numpy as np

        pipe = pipeline("feature-extraction", model=str(folder), device="cpu", batch_size=8)
        options = {"truncation": True, "max_length": 256}

        def encode(texts: list[str]) -> Any:
            states = [np.asarray(out[0], dtype=np.float32).mean(0) for out in pipe(texts, tokenize_kwargs=options)]
            return np.stack(states)

        return System(encode, few=True)

    made["transformers pipeline"] = the_pipeline
    made["BertModel, one at a time"] = one_at_a_time
    made["BertModel, sorted by length"] = by_length
    made["sentence-transformers float32"] = lambda: st(torch.float32)
    made["sentence-transformers bfloat16"] = lambda: st(torch.bfloat16)
    for backend, dtypes in OWN:
        for dtype in dtypes:
            made[f"vinilm {backend} {dtype}"] = lambda backend=backend, dtype=dtype: own(folder, backend, dtype)
    return {name: make() for name, make in made.items() if not names or name in names}


OWN = (
    ("torch", ("float32", "bfloat16")),
    ("onnx", ("float32",)),
    ("openvino", ("float32", "bfloat16", "int8")),
    ("tensorflow", ("float32",)),
)


def own(folder: Path, backend: str, dtype: str) -> System:
    """One of the backends of vinilm."""
    from vinilm import FeatureExtractor

    fx = FeatureExtractor.from_pretrained(folder, backend=backend, dtype=dtype, device="cpu", preprocess=False)
    return System(fx.encode)


def large_systems(folder: Path, names: Sequence[str]) -> dict[str, System]:
    """The ways to encode with a random 6 x 768 model, the shape of vinilm-2021-from-large."""
    wanted = ("BertModel, sorted by length", "vinilm torch float32", "vinilm torch bfloat16", "vinilm openvino bfloat16")
    return small_systems(folder, [n for n in wanted if not names or n in names])


def make_large(folder: Path, tokenizer_from: Path) -> Path:
    """Save a random 6 x 768 BertModel with a real vocabulary to ``folder``."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizer

    torch.manual_seed(1)
    BertModel(BertConfig(num_hidden_layers=6)).save_pretrained(folder)
    tokenizer = BertTokenizer.from_pretrained(str(tokenizer_from))
    tokenizer.model_max_length = 256
    tokenizer.save_pretrained(folder)
    return folder


# --- measuring -----------------------------------------------------------------------------------------------------------


def peak(dtype: str) -> float:
    """Return the GFLOP/s of the fastest product of matrices: 1,024 x 1,536 with 1,536 x 1,536, weights prepacked."""
    import torch

    from vinilm.backends.linear import make_linear

    x, w = (torch.randn(1024, 1536).to(getattr(torch, dtype)), torch.randn(1536, 1536).to(getattr(torch, dtype)))
    layer = make_linear(w, torch.zeros(1536, dtype=w.dtype), rows=1024)
    best = float("inf")
    with torch.inference_mode():
        for _ in range(12):
            start = time.perf_counter()
            layer(x)
            best = min(best, time.perf_counter() - start)
    return 2 * 1024 * 1536 * 1536 / best / 1e9


def measure(systems: dict[str, System], texts: list[str], rounds: int, lengths: list[int], flops: Callable[..., float]) -> Any:
    """Return for each system its rates, by the fastest of ``rounds``, and its distance from the reference."""
    import numpy as np

    def unit(vectors: Any) -> Any:
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    found: dict[str, dict[str, float]] = {}
    reference: Any = None
    for number in range(rounds):
        for name, system in systems.items():
            given = texts[:FEW] if system.few else texts
            system.encode(given[:8])
            start = time.perf_counter()
            vectors = np.asarray(system.encode(given))
            seconds = time.perf_counter() - start
            tokens = lengths[: len(given)]
            entry = found.setdefault(name, {"texts_per_s": 0.0})
            if len(given) / seconds > entry["texts_per_s"]:
                entry["texts_per_s"] = len(given) / seconds
                entry["tokens_per_s"] = sum(tokens) / seconds
                entry["gflops"] = sum(flops(n, n) for n in tokens) / seconds / 1e9
            if number == 0:
                vectors = unit(vectors)
                if reference is None and not system.few:
                    reference = vectors
                entry["_"] = vectors  # type: ignore[assignment]
            print(f"  {name}: {entry['texts_per_s']:.1f} texts/s, {entry['tokens_per_s']:.0f} tokens/s", file=sys.stderr)
    for entry in found.values():
        vectors: Any = entry.pop("_")
        near = reference[: len(vectors)]
        entry["least_cosine"] = float((vectors * near).sum(1).min())
        entry["largest_difference"] = float(np.abs(vectors - near).max())
    return found


def child(arguments: argparse.Namespace) -> None:
    """Measure on the cores that this process was given; print JSON."""
    import torch
    from huggingface_hub.utils import disable_progress_bars
    from tokenizers import Tokenizer

    from vinilm.models import find_model, open_model

    disable_progress_bars()
    cores = sorted(os.sched_getaffinity(0))
    torch.set_num_threads(len(cores))
    small = find_model(MODEL)
    tokenizer = Tokenizer.from_file(str(small / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    texts = texts_of(arguments.corpus, lambda t: tokenizer.encode(t, add_special_tokens=False).offsets, arguments.texts)
    lengths = [min(len(tokenizer.encode(t).ids), 256) for t in texts]
    out: dict[str, Any] = {"cores": len(cores), "peak": {dtype: peak(dtype) for dtype in ("float32", "bfloat16")}}
    out["tokens"] = sum(lengths)
    names = arguments.only
    out["6 x 384"] = measure(small_systems(small, names), texts, arguments.rounds, lengths, open_model(small).shape.flops)
    with tempfile.TemporaryDirectory() as folder:
        large = make_large(Path(folder), small)
        few = texts[: len(texts) // 4]
        systems = large_systems(large, names)
        out["6 x 768"] = measure(systems, few, arguments.rounds, lengths[: len(few)], open_model(large).shape.flops)
    out["peak after"] = {dtype: peak(dtype) for dtype in ("float32", "bfloat16")}
    print(json.dumps(out))


def main() -> None:
    """Measure on one core, then on two, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, help="JSON lines with a field 'text', gzip")
    parser.add_argument("--keep", action="store_true", help="keep the results, for docs/benchmarks.md")
    parser.add_argument("--texts", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", action="append", default=[], metavar="SYSTEM")
    parser.add_argument("--cores", type=int, choices=(1, 2))
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments)
        return
    found: dict[str, Any] = {
        "date": results.today(),
        "machine": results.machine().split(";")[0],
        "texts": arguments.texts,
        "rounds": arguments.rounds,
    }
    found["versions"] = {
        name: version(name) for name in ("torch", "transformers", "sentence-transformers", "onnxruntime", "openvino")
    }
    for cores in (1, 2):
        if arguments.cores not in (None, cores):
            continue
        print(f"{cores} of the cores:", file=sys.stderr)
        command = [sys.executable, __file__, "--child", str(arguments.corpus)]
        command += ["--texts", str(arguments.texts), "--rounds", str(arguments.rounds)]
        only = arguments.only or (list(SCALED) if cores == 2 else [])
        command += [part for name in only for part in ("--only", name)]
        environment = {**os.environ, "OMP_NUM_THREADS": str(cores), "TOKENIZERS_PARALLELISM": "false" if cores == 1 else "true"}
        mine = sorted(os.sched_getaffinity(0))[-cores:]
        done = subprocess.run(
            command, stdout=subprocess.PIPE, check=True, text=True, env=environment,
            preexec_fn=lambda mine=mine: os.sched_setaffinity(0, mine),
        )  # fmt: skip
        found[f"{cores} cores"] = json.loads(done.stdout.splitlines()[-1])
    if arguments.keep:
        results.save("encode", found)
    else:
        print(json.dumps(found, indent=2))


LIBRARIES = ("torch", "transformers", "sentence-transformers", "onnxruntime", "openvino", "tensorflow")
#: What is measured on two cores as well.
SCALED = ("sentence-transformers float32", "vinilm torch float32", "vinilm torch bfloat16", "vinilm openvino bfloat16")


def version(name: str) -> str:
    """The installed version of a library, or a dash."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as of

    try:
        return of(name)
    except PackageNotFoundError:
        return "-"


if __name__ == "__main__":
    main()
