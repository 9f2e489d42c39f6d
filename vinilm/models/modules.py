"""The files that sentence-transformers puts beside an encoder: its modules, how it pools, how long texts may be, prompts."""

from __future__ import annotations

from pathlib import Path

from vinilm.errors import ModelError
from vinilm.models.files import Json, inside, read_json, read_json_if_there
from vinilm.shape import BertShape

_POOLINGS = ("mean", "cls", "max")
_OLD_POOLINGS = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls", "pooling_mode_max_tokens": "max"}


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
