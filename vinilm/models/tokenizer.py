"""The tokenizer's files: WordPiece, with as many tokens as the encoder has embeddings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from vinilm.errors import ModelError
from vinilm.models.config import refuse_code
from vinilm.models.files import LARGE, Json, read_json, read_json_if_there
from vinilm.shape import BertShape


def tokenizer_file(folder: Path, shape: BertShape) -> tuple[Path, bool, Json]:
    """Return the tokenizer's file, whether it lower-cases, and ``tokenizer_config.json``. Raises ModelError.

    ``tokenizer.json`` is a whole tokenizer and comes before ``vocab.txt``, as in transformers.
    """
    settings_file = folder / "tokenizer_config.json"
    settings: Json = read_json_if_there(settings_file)
    refuse_code(settings_file, settings)
    whole, words = folder / "tokenizer.json", folder / "vocab.txt"
    if whole.is_file():
        return whole, _check_whole_tokenizer(whole, shape), settings
    if words.is_file():
        _check_word_list(words, settings_file, settings, shape)
        return words, bool(settings.get("do_lower_case", True)), settings
    raise ModelError(f"{folder}: neither tokenizer.json nor vocab.txt; get the model's files again, all of them")


def _check_whole_tokenizer(file: Path, shape: BertShape) -> bool:
    content: Json = read_json(file, limit=LARGE)
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
            data = source.read(LARGE + 1)
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
