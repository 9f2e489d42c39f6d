"""The model card, ``README.md``: what the model is, what text it expects, how to use it, how it was made, what it can do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vinilm.exporting.checking import Checked
from vinilm.exporting.figures import figures_section
from vinilm.exporting.folder import SOURCE_CARD
from vinilm.exporting.sample import LENGTHS
from vinilm.exporting.training import training_section
from vinilm.exporting.usage import usage_section
from vinilm.models import ModelFolder
from vinilm.models.files import Json

#: Tags that are always right; the hub's search goes by them.
_TAGS = ("bert", "vnlp-prep", "vinilm")


@dataclass(frozen=True)
class About:
    """What a person says of the model."""

    name: str
    #: As the hub spells it: ``apache-2.0``, ``mit``, ...
    license: str | None = None
    base_model: str | None = None
    language: str = "en"


@dataclass(frozen=True)
class Facts:
    """What is known of an export: what the card is written from."""

    about: About
    model: ModelFolder
    files: Sequence[Checked]
    training: Json = field(default_factory=dict)
    #: The recipe that it was made by, as it stands in its file.
    recipe: str | None = None
    #: What else is to be said, in Markdown: the data, what the model is for.
    notes: str | None = None


def model_card(facts: Facts, folder: Path) -> str:
    """Return the card of the export in ``folder``, in Markdown with a head in YAML."""
    sections = [
        f"---\n{_head(facts)}---\n\n# {facts.about.name}\n",
        _what_it_is(facts),
        f"{facts.notes.strip()}\n" if facts.notes else "",
        _expected_text(facts),
        usage_section(facts.about.name, facts.model, facts.files),
        _files(facts),
        training_section(facts.training),
        _recipe(facts),
        figures_section(folder),
        _limits(facts),
        _licence(facts, folder),
    ]
    return "\n".join(section for section in sections if section)


def source_head(folder: Path) -> dict[str, Any]:
    """Return what the head of the source's own card says: licence, base model, ...; nothing if it has none that can be read."""
    from huggingface_hub import metadata_load

    file = folder / "README.md"
    if not file.is_file():
        return {}
    try:
        return metadata_load(file) or {}
    except Exception:  # of a library that reads what somebody wrote by hand: errors of its own, of YAML, of UTF-8
        return {}


def _head(facts: Facts) -> str:
    from huggingface_hub import ModelCardData

    is_sentence = facts.model.pooling != "none"
    task = "sentence-similarity" if is_sentence else "feature-extraction"
    tags = [*(["sentence-transformers"] if is_sentence else []), "transformers", "feature-extraction", *_TAGS]
    formats = sorted({file.file.parts[0] for file in facts.files})
    data = ModelCardData(
        language=facts.about.language,
        license=facts.about.license,
        base_model=facts.about.base_model,
        library_name="sentence-transformers" if is_sentence else "transformers",
        pipeline_tag=task,
        tags=[*dict.fromkeys([*tags, *(f for f in formats if f in ("onnx", "openvino", "keras"))])],
    )
    return f"{data.to_yaml().rstrip()}\n"


def _what_it_is(facts: Facts) -> str:
    model, shape = facts.model, facts.model.shape
    based = f" It comes from `{facts.about.base_model}`." if facts.about.base_model else ""
    vector = {
        "none": "It gives features of tokens.",
        "cls": "A text's vector is that of its first token",
        "mean": "A text's vector is the mean of its tokens' features",
        "max": "A text's vector has the largest value of its tokens in each dimension",
    }[model.pooling]
    if model.pooling != "none":
        vector += f"{', at length 1' if model.normalize else ''}; texts are compared by {model.similarity}."
    return (
        f"A BERT encoder for English text: {shape.num_hidden_layers} layers of {shape.hidden_size}, "
        f"{shape.vocab_size:,} word pieces, texts of up to {model.max_tokens} tokens. {vector}{based}\n"
    )


def _expected_text(facts: Facts) -> str:
    if facts.model.preprocessor is None:
        return "## What text it expects\n\nPlain English text, as it is.\n"
    return """## What text it expects

English text that was **cleaned by the preprocessor in this folder** (`vnlp_prep.json`): HTML and broken encodings undone,
stretched and run-together words mended, typos corrected, and names, paths, code and log lines left alone. The package
`vnlp-prep` does it (`pip install vnlp-prep`); text that is clean already comes out as it is. Clean what you search in and
what you search with alike.
"""


def _files(facts: Facts) -> str:
    if not facts.files:
        return ""
    rows = "".join(
        f"| `{f.file.as_posix()}` | {f.weights} | {f.bytes / 1e6:.1f} MB | {f.cosine:.6f} | {f.difference:.1g} |\n"
        for f in facts.files
    )
    longest = max(n for n in LENGTHS if n <= facts.model.shape.max_position_embeddings)
    return f"""## Files for other runtimes

`last_hidden_state` of each was compared with that of transformers' `BertModel` in float32, on texts of 2 to {longest} tokens,
side by side and alone: the least cosine of two vectors, and the largest difference of two values.

| file | weights | size | cosine | difference |
|---|---|---:|---:|---:|
{rows}
"""


def _recipe(facts: Facts) -> str:
    if facts.recipe is None:
        return ""
    return f"## The recipe\n\nAll steps, for `vinilm recipe`:\n\n```toml\n{facts.recipe.strip()}\n```\n"


def _limits(facts: Facts) -> str:
    lines = [
        "English only.",
        f"Of a text that is longer than {facts.model.max_tokens} tokens the end is not read, unless it is read in windows "
        '(`long="chunk"` of `FeatureExtractor`).',
        "It has what bias the texts have that it and the model before it were trained on.",
        "It was made for texts like those that it was trained on; measure it on yours (`vinilm evaluate --make`).",
    ]
    if any(f.weights == "int8" for f in facts.files):
        lines.append("The int8 files lose a little, most on texts of one or two words: measure on your task what that means.")
    return "## Limits\n\n" + "".join(f"- {line}\n" for line in lines)


def _licence(facts: Facts, folder: Path) -> str:
    said = f"`{facts.about.license}`." if facts.about.license else "Not stated: ask whoever gave you the model."
    source = (
        f" The card of the model that it was exported from is in `{SOURCE_CARD}`." if (folder / SOURCE_CARD).is_file() else ""
    )
    return f"## Licence\n\n{said}{source} `SHA256SUMS` has the digests of all files: `sha256sum -c SHA256SUMS`.\n"
