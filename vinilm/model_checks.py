"""What must hold of the files of a model folder before anything is computed with them.

Each function reads one kind of file and returns what it says; ModelError names the file and what to do. Nothing here imports
torch or transformers, runs code that came with a model, or opens a file that can run code when it is read (a pickle).
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vinilm.errors import ModelError
from vinilm.shape import BertShape

Json = dict[str, Any]

#: SHA-256 of the other files, one a line, as ``sha256sum`` writes and checks it.
CHECKSUMS = "SHA256SUMS"
# Far above any real file, far below what could fill the memory.
_SMALL, _LARGE = 4 << 20, 256 << 20
# Bytes of a file's name, on the file systems in use.
_LONGEST_NAME = 255
_GIT_LFS = b"version https://git-lfs"
_POOLINGS = ("mean", "cls", "max")
_OLD_POOLINGS = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls", "pooling_mode_max_tokens": "max"}
# Weights that are, or may hold, Python objects or that nothing here reads: file name -> who can read it.
_OTHER_WEIGHTS = {
    "*.bin": "PyTorch",
    "*.pt": "PyTorch",
    "*.pth": "PyTorch",
    "*.ckpt*": "TensorFlow or Lightning",
    "*.h5": "TensorFlow",
    "*.msgpack": "Flax",
    "*.pkl": "pickle",
}
_FLOATS = ("F32", "F16", "BF16", "F64")
# Defaults of transformers' BertConfig and the largest value that is taken for a model and not for an attack.
_SIZES = {
    "vocab_size": (30522, 10_000_000),
    "hidden_size": (768, 65_536),
    "num_hidden_layers": (12, 1_000),
    "num_attention_heads": (12, 4_096),
    "intermediate_size": (3072, 1_000_000),
    "max_position_embeddings": (512, 1_000_000),
    "type_vocab_size": (2, 1_000),
}


# -- files --------------------------------------------------------------------------------------------------------------


def read_json(file: Path, kind: type = dict, *, limit: int = _SMALL) -> Any:
    """Return the content of a JSON file: a ``kind`` (dict or list). Raises ModelError."""
    try:
        with file.open("rb") as source:
            data = source.read(limit + 1)
    except OSError as error:
        raise ModelError(f"{file}: cannot be read: {error.strerror or error}") from error
    if len(data) > limit:
        raise ModelError(f"{file}: more than {limit:,} bytes, which no such file needs; get the model again from its source")
    _refuse_pointer(file, data)
    try:
        content = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ModelError(f"{file}: not UTF-8 (byte {error.start}); JSON files of a model are UTF-8: save it so") from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{file}: not JSON that can be read: {error}; get the file again from its source") from error
    if not isinstance(content, kind):
        what = "an object" if kind is dict else "a list"
        raise ModelError(f"{file}: {what} was expected, found {type(content).__name__}; get the file again from its source")
    return content


def read_json_if_there(file: Path, kind: type = dict) -> Any:
    """Return the content of a JSON file, or an empty ``kind`` if there is no such file. Raises ModelError."""
    return read_json(file, kind) if file.exists() else kind()


def inside(folder: Path, name: object, source: Path) -> Path:
    """Return ``folder / name``; ``name`` stands in ``source``, a file of the model, and must not lead out of the folder.

    Symbolic links are followed: in the cache of huggingface_hub, every file is one. Raises ModelError.
    """
    if not isinstance(name, str):
        raise ModelError(f"{source}: a path is a string, not {name!r:.80}")
    parts = re.split(r"[/\\]", name)
    if ".." in parts or name.startswith(("/", "\\", "~")) or ":" in name or "\0" in name:
        raise ModelError(f"{source}: the path {name!r:.80} leads out of the model's folder; do not use this model")
    if len(name.encode("utf-8", "replace")) > _LONGEST_NAME or not name.isprintable():
        raise ModelError(f"{source}: the path {name!r:.80} is not one that a file can have; get the file again from its source")
    return folder.joinpath(*parts)


def _refuse_pointer(file: Path, beginning: bytes) -> None:
    if beginning.startswith(_GIT_LFS):
        raise ModelError(f"{file}: a pointer of Git LFS, not the file itself; run `git lfs pull` in the clone of the model")


def sha256(file: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal. Raises ModelError."""
    try:
        with file.open("rb") as source:
            return hashlib.file_digest(source, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{file}: cannot be read: {error.strerror or error}") from error


def expected_sums(folder: Path) -> dict[Path, str]:
    """Return the SHA-256 of the files that ``SHA256SUMS`` in ``folder`` lists (no such file: of none). Raises ModelError."""
    file = folder / CHECKSUMS
    if not file.exists():
        return {}
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{file}: cannot be read: {error}") from error
    sums = {}
    for number, line in enumerate(lines, 1):
        entry = re.fullmatch(r"([0-9a-fA-F]{64}) [ *](.+)", line)
        if entry:
            sums[inside(folder, entry[2], file)] = entry[1].lower()
        elif line.strip():
            raise ModelError(
                f"{file}, line {number}: not `SHA-256  file`; write the file anew with vinilm.models.write_checksums, "
                "or delete it if the model's files are as they should be"
            )
    return sums


def check_sum(file: Path, found: str, expected: Mapping[Path, str]) -> None:
    """Compare the SHA-256 of a file with what ``SHA256SUMS`` or the cache of huggingface_hub says of it. Raises ModelError."""
    said, where = expected.get(file), CHECKSUMS
    real = file.resolve()
    # The hub's cache names a large file by the SHA-256 that the hub gave for it.
    if said is None and real.parent.name == "blobs" and re.fullmatch(r"[0-9a-f]{64}", real.name):
        said, where = real.name, "the cache of huggingface_hub"
    if said is not None and said != found:
        raise ModelError(
            f"{file}: its SHA-256 is {found}, but {where} says {said}: the file is damaged or another one; "
            "get the model again from its source, or if you changed it yourself, call vinilm.models.write_checksums(folder)"
        )


# -- config.json --------------------------------------------------------------------------------------------------------


def bert_shape(folder: Path) -> BertShape:
    """Return what ``config.json`` in ``folder`` says of the encoder. Raises ModelError for what is no plain BERT encoder."""
    file = folder / "config.json"
    if not file.is_file():
        raise ModelError(
            f"{file}: missing; a model folder has config.json, model.safetensors and tokenizer.json (or vocab.txt): "
            "get the model's files again, all of them"
        )
    config: Json = read_json(file)
    _refuse_code(file, config)
    _refuse_other_kinds(file, config)
    if (folder / "adapter_config.json").exists():
        raise ModelError(
            f"{folder}: there is an adapter (adapter_config.json) besides the weights, which is not applied here; "
            "merge it into the model with the library peft (merge_and_unload), and use the saved folder"
        )
    sizes = {name: _size(file, config, name, default, most) for name, (default, most) in _SIZES.items()}
    if sizes["hidden_size"] % sizes["num_attention_heads"]:
        raise ModelError(f"{file}: hidden_size {sizes['hidden_size']} is no multiple of num_attention_heads; the file is damaged")
    eps = config.get("layer_norm_eps", 1e-12)
    if isinstance(eps, bool) or not isinstance(eps, int | float) or not (math.isfinite(eps) and 0 < eps < 1):
        raise ModelError(f"{file}: layer_norm_eps is {eps!r:.80}, but it is a small number above 0; the file is damaged")
    pad = config.get("pad_token_id")
    pad = 0 if pad is None else pad
    if isinstance(pad, bool) or not isinstance(pad, int) or not 0 <= pad < sizes["vocab_size"]:
        raise ModelError(f"{file}: pad_token_id is {pad!r:.80}, but it is the number of a token; the file is damaged")
    return BertShape(**sizes, layer_norm_eps=float(eps), pad_token_id=pad)


def _refuse_code(file: Path, config: Json) -> None:
    if config.get("auto_map"):
        raise ModelError(
            f"{file}: the model brings its own Python code (auto_map), which is never run here. If it is a plain BERT all the "
            "same, load and save it with transformers' BertModel in a place you trust, and use the saved folder"
        )


def _refuse_other_kinds(file: Path, config: Json) -> None:
    kind = config.get("model_type", "bert")
    if kind != "bert":
        raise ModelError(f"{file}: a model of the type {kind!r:.80}; only BERT encoders (model_type 'bert') can be used")
    # gelu_python is the same exact function by its old name.
    wanted = {
        "hidden_act": ("gelu", "gelu_python"),
        "position_embedding_type": ("absolute",),
        "is_decoder": (False,),
        "add_cross_attention": (False,),
        "quantization_config": (None,),
    }
    for key, allowed in wanted.items():
        value = config.get(key, allowed[0])
        if value is not None and value not in allowed:
            raise ModelError(
                f"{file}: {key} is {value!r:.80}, which would need other arithmetic than BERT's ({key}: {allowed[0]!r}); "
                "use a BERT encoder in floating point"
            )


def _size(file: Path, config: Json, name: str, default: int, most: int) -> int:
    value = config.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise ModelError(f"{file}: {name} is {value!r:.80}, but it is a whole number from 1 to {most:,}; the file is damaged")
    return value


# -- weights ------------------------------------------------------------------------------------------------------------


def weight_files(folder: Path) -> tuple[Path, ...]:
    """Return the safetensors files of ``folder``: one, or the parts that its index names. Raises ModelError."""
    single, index = folder / "model.safetensors", folder / "model.safetensors.index.json"
    if single.is_file():
        return (single,)
    if not index.is_file():
        raise ModelError(_no_weights(folder))
    names = read_json(index, limit=_LARGE).get("weight_map")
    if not isinstance(names, dict) or not names:
        raise ModelError(f"{index}: no weight_map; get the file again from its source")
    files = []
    for name in sorted({str(n) for n in names.values()}):
        file = inside(folder, name, index)
        if file.suffix != ".safetensors":
            raise ModelError(f"{index}: {name!r:.80} is no safetensors file, and no other is read")
        if not file.is_file():
            raise ModelError(f"{file}: missing, though {index.name} names it; get all parts of the model from its source")
        files.append(file)
    return tuple(files)


def _no_weights(folder: Path) -> str:
    others = {f.name: who for pattern, who in _OTHER_WEIGHTS.items() for f in sorted(folder.glob(pattern)) if f.is_file()}
    if not others:
        return f"{folder}: no model.safetensors; get the model's files again, all of them"
    name, who = next(iter(others.items()))
    target = f"{folder}-safetensors"
    if (folder / "modules.json").is_file():
        lines = (
            "from sentence_transformers import SentenceTransformer; "
            f"SentenceTransformer({str(folder)!r}).save_pretrained({target!r})"
        )
    else:
        source = {"TensorFlow": ", from_tf=True", "Flax": ", from_flax=True"}.get(who, "")
        lines = (
            "from transformers import AutoTokenizer, BertModel; "
            f"BertModel.from_pretrained({str(folder)!r}{source}).save_pretrained({target!r}); "
            f"AutoTokenizer.from_pretrained({str(folder)!r}).save_pretrained({target!r})"
        )
    version = " (with transformers 4, the last to read this format)" if who in ("TensorFlow", "Flax") else ""
    return (
        f"{folder}: its weights are only there as {name} ({who}); only safetensors files are read, which cannot run code "
        f"when they are read. If you trust the source, convert them in Python{version}: {lines}  Then use {target!r}"
    )


def check_weights(files: tuple[Path, ...], shape: BertShape) -> None:
    """Check that the files have every tensor of the encoder in its shape; only their headers are read. Raises ModelError.

    A head, a pooler and position ids may be there too; names may begin with ``bert.``, as in models with a head, and LayerNorm
    may have its old names, ``gamma`` and ``beta``.
    """
    found = {standard_name(name): (file, dims, kind) for file in files for name, dims, kind in _headers(file)}
    expected = dict(_tensors(shape))
    missing = [name for name in expected if name not in found]
    where = files[0] if len(files) == 1 else files[0].parent
    if missing:
        raise ModelError(
            f"{where}: {len(missing)} of the {len(expected)} tensors that config.json calls for are missing, "
            f"{missing[0]} the first; the weights are of another model or not complete"
        )
    for name, dims in expected.items():
        file, stored, kind = found[name]
        if stored != dims:
            raise ModelError(f"{file}: {name} has the shape {stored}, but config.json calls for {dims}; they are of two models")
        if kind not in _FLOATS:
            raise ModelError(f"{file}: {name} is of the type {kind}; weights in floating point are needed ({', '.join(_FLOATS)})")
    if f"encoder.layer.{shape.num_hidden_layers}.output.dense.weight" in found:
        raise ModelError(
            f"{where}: there are more layers than num_hidden_layers ({shape.num_hidden_layers}) in config.json; "
            "correct config.json, or save the model anew with the layers that it uses"
        )


def standard_name(name: str) -> str:
    """Return the name that a tensor has in BertModel today.

    >>> standard_name("bert.embeddings.LayerNorm.gamma")
    'embeddings.LayerNorm.weight'
    """
    return name.removeprefix("bert.").replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias")


def _headers(file: Path) -> Iterator[tuple[str, tuple[int, ...], str]]:
    """Yield name, shape and type of each tensor in a safetensors file; the library checks the file's size and offsets."""
    from safetensors import SafetensorError, safe_open

    try:
        with file.open("rb") as source:
            _refuse_pointer(file, source.read(len(_GIT_LFS)))
        with safe_open(str(file), framework="np") as tensors:
            for name in tensors.keys():  # noqa: SIM118  (no mapping)
                piece = tensors.get_slice(name)
                yield name, tuple(piece.get_shape()), piece.get_dtype()
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{file}: damaged, or no safetensors file: {error}; get it again from its source") from error


def _tensors(shape: BertShape) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield the tensors of the encoder: name, shape."""
    hidden, inner = shape.hidden_size, shape.intermediate_size

    def norm(name: str) -> Iterator[tuple[str, tuple[int, ...]]]:
        yield f"{name}.LayerNorm.weight", (hidden,)
        yield f"{name}.LayerNorm.bias", (hidden,)

    def linear(name: str, out: int, into: int) -> Iterator[tuple[str, tuple[int, ...]]]:
        yield f"{name}.weight", (out, into)
        yield f"{name}.bias", (out,)

    yield "embeddings.word_embeddings.weight", (shape.vocab_size, hidden)
    yield "embeddings.position_embeddings.weight", (shape.max_position_embeddings, hidden)
    yield "embeddings.token_type_embeddings.weight", (shape.type_vocab_size, hidden)
    yield from norm("embeddings")
    for i in range(shape.num_hidden_layers):
        at = f"encoder.layer.{i}"
        for name in ("query", "key", "value"):
            yield from linear(f"{at}.attention.self.{name}", hidden, hidden)
        yield from linear(f"{at}.attention.output.dense", hidden, hidden)
        yield from norm(f"{at}.attention.output")
        yield from linear(f"{at}.intermediate.dense", inner, hidden)
        yield from linear(f"{at}.output.dense", hidden, inner)
        yield from norm(f"{at}.output")


# -- tokenizer ----------------------------------------------------------------------------------------------------------


def tokenizer_file(folder: Path, shape: BertShape) -> tuple[Path, bool, Json]:
    """Return the tokenizer's file, whether it lower-cases, and ``tokenizer_config.json``. Raises ModelError.

    ``tokenizer.json`` is a whole tokenizer and comes before ``vocab.txt``, as in transformers.
    """
    settings_file = folder / "tokenizer_config.json"
    settings: Json = read_json_if_there(settings_file)
    _refuse_code(settings_file, settings)
    whole, words = folder / "tokenizer.json", folder / "vocab.txt"
    if whole.is_file():
        return whole, _check_whole_tokenizer(whole, shape), settings
    if words.is_file():
        _check_word_list(words, settings_file, settings, shape)
        return words, bool(settings.get("do_lower_case", True)), settings
    raise ModelError(f"{folder}: neither tokenizer.json nor vocab.txt; get the model's files again, all of them")


def _check_whole_tokenizer(file: Path, shape: BertShape) -> bool:
    content: Json = read_json(file, limit=_LARGE)
    model = content.get("model")
    kind = model.get("type", "WordPiece") if isinstance(model, dict) else None
    vocabulary = model.get("vocab") if isinstance(model, dict) else None
    if kind != "WordPiece" or not isinstance(vocabulary, dict) or not vocabulary:
        raise ModelError(f"{file}: no WordPiece vocabulary ({kind!r:.80}), as BERT has; the tokenizer is of another model")
    added = content.get("added_tokens") or []
    if not isinstance(added, list) or not all(isinstance(a, dict) for a in added):
        raise ModelError(f"{file}: added_tokens is no list of tokens; get the file again from its source")
    tokens = dict(vocabulary) | {str(a.get("content")): a.get("id") for a in added}
    for token, number in tokens.items():
        if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < shape.vocab_size:
            raise ModelError(_no_row(file, token, number, shape))
    _check_special(file, tokens)
    return _lower_cases(content.get("normalizer"))


def _lower_cases(normalizer: object) -> bool:
    if not isinstance(normalizer, dict):
        return False
    if normalizer.get("type") == "Sequence":
        parts = normalizer.get("normalizers")
        return any(_lower_cases(part) for part in parts) if isinstance(parts, list) else False
    return normalizer.get("type") == "Lowercase" or normalizer.get("lowercase") is True


def _check_word_list(file: Path, settings_file: Path, settings: Json, shape: BertShape) -> None:
    try:
        with file.open("rb") as source:
            data = source.read(_LARGE + 1)
        tokens = {line.rstrip("\r"): n for n, line in enumerate(data.decode("utf-8").rstrip("\n").split("\n"))}
    except OSError as error:
        raise ModelError(f"{file}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ModelError(f"{file}: not UTF-8 (byte {error.start}); get the file again from its source") from error
    last, number = max(tokens.items(), key=lambda entry: entry[1])
    if number >= shape.vocab_size:
        raise ModelError(_no_row(file, last, number, shape))
    _check_special(file, tokens)
    # The rules that a vocabulary alone does not tell; only BERT's usual ones are applied to it.
    unusual = {
        "strip_accents": settings.get("strip_accents") is not None,
        "tokenize_chinese_chars": settings.get("tokenize_chinese_chars", True) is not True,
        "tokenizer_class": settings.get("tokenizer_class", "BertTokenizer") not in ("BertTokenizer", "BertTokenizerFast"),
    }
    for key, differs in unusual.items():
        if differs:
            raise ModelError(
                f"{settings_file}: {key} is {settings[key]!r:.80}, which vocab.txt alone does not hold; write a tokenizer.json "
                "with transformers: AutoTokenizer.from_pretrained(folder).save_pretrained(folder)"
            )


def _no_row(file: Path, token: str, number: object, shape: BertShape) -> str:
    return (
        f"{file}: the token {token!r:.80} has the number {number!r:.80}, but config.json calls for {shape.vocab_size:,} tokens, "
        "numbered from 0: vocabulary and weights are of two models, or tokens were added without resizing the embeddings"
    )


def _check_special(file: Path, tokens: Mapping[str, object]) -> None:
    missing = [token for token in ("[CLS]", "[SEP]", "[UNK]") if token not in tokens]
    if missing:
        raise ModelError(f"{file}: without {', '.join(missing)}, which BERT needs; the vocabulary is of another model")


# -- sentence-transformers' files ---------------------------------------------------------------------------------------


def module_paths(folder: Path) -> dict[str, Path]:
    """Return the modules that ``modules.json`` lists, by role: ``transformer``, ``pooling``, ``normalize``, ``vinilm``.

    Without the file: the transformer alone, in ``folder``. Raises ModelError for a module that would change vectors in a way
    that is not known here, or whose code came with the model.
    """
    file = folder / "modules.json"
    if not file.exists():
        return {"transformer": folder}
    roles: dict[str, Path] = {}
    for entry in read_json(file, list):
        if not isinstance(entry, dict) or not isinstance(entry.get("type"), str):
            raise ModelError(f"{file}: a module is an object with type and path, not {entry!r:.80}")
        name = entry["type"]
        path = inside(folder, entry.get("path", ""), file)
        role = name.rpartition(".")[2].lower()
        if name.startswith("vinilm."):
            roles["vinilm"] = path
            if role.endswith("transformer"):
                roles["transformer"] = path
        elif name.startswith("sentence_transformers.") and role in ("transformer", "pooling", "normalize") and role not in roles:
            roles[role] = path
        else:
            raise ModelError(
                f"{file}: the module {name!r:.120} is none of Transformer, Pooling and Normalize (each once): without it the "
                "vectors would be others, and code that comes with a model is never run. Use sentence-transformers for this "
                "model, or one without this module"
            )
    roles.setdefault("transformer", folder)
    return roles


def pooling_of(folder: Path, shape: BertShape) -> str:
    """Return the pooling that the module in ``folder`` does. Its keys have changed with the versions. Raises ModelError."""
    file = folder / "config.json"
    if not file.is_file():
        raise ModelError(f"{file}: missing, though modules.json names its folder; get the model's files again, all of them")
    config: Json = read_json(file)
    modes = config.get("pooling_mode")
    if modes is None:
        modes = [key for key, on in config.items() if key.startswith("pooling_mode_") and on] or ["mean"]
    modes = modes if isinstance(modes, list) else [modes]
    modes = [_OLD_POOLINGS.get(m, m) if isinstance(m, str) else m for m in modes]
    if len(modes) != 1 or modes[0] not in _POOLINGS:
        raise ModelError(f"{file}: the pooling {modes!r:.120} is not one of {', '.join(_POOLINGS)}; use a model with one of them")
    if config.get("include_prompt", True) is not True:
        raise ModelError(f"{file}: include_prompt is off: prompts would have to be left out of pooling, which is not done here")
    size = config.get("embedding_dimension", config.get("word_embedding_dimension", shape.hidden_size))
    if size != shape.hidden_size:
        raise ModelError(f"{file}: made for vectors of {size!r:.80}, but those of config.json have {shape.hidden_size}")
    return str(modes[0])


def check_normalize(folder: Path) -> None:
    """Check that the module normalises vectors of texts. Raises ModelError."""
    file = folder / "config.json"
    config: Json = read_json_if_there(file)
    for key in ("module_input_name", "module_output_name"):
        if config.get(key, "sentence_embedding") != "sentence_embedding":
            raise ModelError(f"{file}: normalises {config[key]!r:.80}, but only vectors of texts (sentence_embedding) can be")


def max_tokens_of(folder: Path, tokenizer_settings: Json, shape: BertShape) -> int:
    """Return how many tokens of a text are used, special ones included. Raises ModelError."""
    file = folder / "sentence_bert_config.json"
    config: Json = read_json_if_there(file)
    if config.get("transformer_task", "feature-extraction") != "feature-extraction":
        raise ModelError(f"{file}: transformer_task is {config['transformer_task']!r:.80}; only feature-extraction can be done")
    limit = config.get("max_seq_length")
    if limit is None:
        file = folder / "tokenizer_config.json"
        limit = tokenizer_settings.get("model_max_length")
    if limit is None:
        return shape.max_position_embeddings
    # transformers writes 1e30 for "no limit".
    if isinstance(limit, bool) or not isinstance(limit, int | float) or not limit >= 3:
        raise ModelError(f"{file}: the largest number of tokens is {limit!r:.80}, but [CLS], [SEP] and a token need 3")
    return int(min(limit, shape.max_position_embeddings))


def check_lower_case(folder: Path, lower_case: bool) -> None:
    """Refuse sentence-transformers' own lower-casing (``do_lower_case``) with a tokenizer that keeps case. Raises ModelError."""
    file = folder / "sentence_bert_config.json"
    if read_json_if_there(file).get("do_lower_case") and not lower_case:
        raise ModelError(
            f"{file}: do_lower_case is on, but the tokenizer keeps case: not done here. Set it to false, "
            "or save a tokenizer that lower-cases"
        )


def prompts_of(folder: Path) -> tuple[dict[str, str], str | None, str]:
    """Return prompts, default prompt's name and similarity of ``config_sentence_transformers.json``. Raises ModelError."""
    file = folder / "config_sentence_transformers.json"
    config: Json = read_json_if_there(file)
    prompts = config.get("prompts") or {}
    if not isinstance(prompts, dict) or not all(isinstance(text, str) for text in prompts.values()):
        raise ModelError(f"{file}: prompts are texts by name, not {prompts!r:.80}")
    default = config.get("default_prompt_name")
    if default is not None and default not in list(prompts):
        raise ModelError(f"{file}: default_prompt_name is {default!r:.80}, which is none of the prompts {list(prompts)!r:.200}")
    similarity = config.get("similarity_fn_name") or "cosine"
    if similarity not in ("cosine", "dot", "euclidean", "manhattan"):
        raise ModelError(f"{file}: the similarity {similarity!r:.80} is unknown; it is cosine, dot, euclidean or manhattan")
    return dict(prompts), default, similarity
