"""The tokenizer of a model as files, ``tokenizer.json`` and ``vocab.txt``: checked, and with terms put in unused places.

What is checked here goes beyond what is needed to run a model: a word can take a place only where both files mean the same
vocabulary, BERT's own rules cut text into words, and nothing else lays claim to the place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vinilm.errors import ModelError
from vinilm.models.files import LARGE, Json, read_json, read_json_if_there
from vnlp_prep.lexicon.wordpiece import INNER, MAX_WORD, WordPieces

if TYPE_CHECKING:
    import tokenizers

    from vinilm.models import ModelFolder

WHOLE, WORDS = "tokenizer.json", "vocab.txt"
_UNUSED = re.compile(r"\[unused\d+\]")
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_AGAIN = (
    "get the model's files again, or have transformers write them: AutoTokenizer.from_pretrained(folder).save_pretrained(folder)"
)


@dataclass(frozen=True)
class TokenizerFiles:
    """A WordPiece tokenizer: its vocabulary by id, and the whole of it as JSON."""

    #: The folder that it was read from.
    folder: Path
    #: The vocabulary; a token's place is its id.
    tokens: tuple[str, ...]
    #: What ``tokenizer.json`` holds.
    content: Json
    #: Spaces that the JSON is indented by; None: all of it is on one line.
    indent: int | None

    @property
    def slots(self) -> list[int]:
        """The ids of the places that no word has, ``[unused0]`` and so on, in the order of the vocabulary."""
        return [i for i, token in enumerate(self.tokens) if _UNUSED.fullmatch(token)]

    @cached_property
    def pieces(self) -> WordPieces:
        """The vocabulary, to cut words with that are as ``tokenizer`` leaves them: case and accents are no longer looked at."""
        return WordPieces(self.tokens, lower_case=False)

    @cached_property
    def tokenizer(self) -> tokenizers.Tokenizer:
        """The tokenizer itself; texts are neither cut nor filled up. Raises ModelError if the library refuses the file."""
        import tokenizers

        try:
            tokenizer = tokenizers.Tokenizer.from_str(json.dumps(self.content))
        except Exception as error:  # the library raises bare Exceptions
            raise ModelError(f"{self.folder / WHOLE}: no tokenizer that can be read: {error}") from error
        tokenizer.no_padding()
        tokenizer.no_truncation()
        return tokenizer

    @property
    def lower_case(self) -> bool:
        """Whether words are lower-cased before they are cut."""
        return bool(self.content["normalizer"].get("lowercase", True))

    def replaced(self, terms: Mapping[int, str]) -> TokenizerFiles:
        """Return the tokenizer with other tokens in some places: id -> token. All else stays as it is."""
        tokens = tuple(terms.get(i, token) for i, token in enumerate(self.tokens))
        vocabulary = {terms.get(i, token): i for token, i in self.content["model"]["vocab"].items()}
        return replace(self, tokens=tokens, content={**self.content, "model": {**self.content["model"], "vocab": vocabulary}})

    def write(self, folder: Path) -> None:
        """Write both files to ``folder``. Raises OSError."""
        separators = (",", ":") if self.indent is None else None
        whole = json.dumps(self.content, ensure_ascii=False, indent=self.indent, separators=separators)
        (folder / WHOLE).write_text(whole, encoding="utf-8", newline="\n")
        (folder / WORDS).write_text("".join(f"{token}\n" for token in self.tokens), encoding="utf-8", newline="\n")


def read_tokenizer(model: ModelFolder) -> TokenizerFiles:
    """Return the tokenizer of ``model``. Raises ModelError, with the file, for one whose vocabulary cannot be added to safely."""
    folder = model.encoder
    if model.tokenizer.name == WHOLE:
        file = folder / WHOLE
        content: Json = read_json(file, limit=LARGE)
        beginning = file.read_text(encoding="utf-8-sig")[:80]
        indent = 2 if "\n" in beginning.strip() else None
    else:
        content, indent = _made_of_words(folder / WORDS, model.lower_case), 2
    _check_kind(model.tokenizer, content)
    tokens = _by_id(model.tokenizer, content["model"]["vocab"])
    if (folder / WORDS).is_file():
        _check_words(folder / WORDS, tokens, model.tokenizer)
    missing = [token for token in _SPECIAL if token not in tokens]
    if missing:
        raise ModelError(f"{model.tokenizer}: the vocabulary is without {', '.join(missing)}, which BERT needs; {_AGAIN}")
    files = TokenizerFiles(folder, tokens, content, indent)
    _check_claims(folder, content)
    _check_case(folder, files.lower_case)
    return files


def _made_of_words(file: Path, lower_case: bool) -> Json:
    import tokenizers

    try:
        made: Json = json.loads(tokenizers.BertWordPieceTokenizer(str(file), lowercase=lower_case)._tokenizer.to_str())
    except Exception as error:  # the library raises bare Exceptions
        raise ModelError(f"{file}: no vocabulary that can be read: {error}") from error
    return made


def _check_kind(file: Path, content: Json) -> None:
    """Refuse what cuts texts in other ways than BERT does. That it is WordPiece was checked when the model was opened."""
    model: Json = content["model"]
    wanted = {"continuing_subword_prefix": INNER, "unk_token": "[UNK]", "max_input_chars_per_word": MAX_WORD}
    for key, value in wanted.items():
        if model.get(key, value) != value:
            raise ModelError(
                f"{file}: {key} is {model[key]!r:.80}, but {value!r} in BERT's tokenizers; terms cannot be added to it"
            )
    for part, kind in (("normalizer", "BertNormalizer"), ("pre_tokenizer", "BertPreTokenizer")):
        found = content.get(part)
        name = found.get("type") if isinstance(found, dict) else found
        if name != kind:
            raise ModelError(
                f"{file}: the {part} is {name!r:.80}, not {kind}: texts are not cut into words as BERT does it, so no word "
                "could be added that is sure to be found; use a model with BERT's tokenizer"
            )


def _by_id(file: Path, vocabulary: Mapping[str, int]) -> tuple[str, ...]:
    tokens = {number: token for token, number in vocabulary.items()}
    if len(tokens) != len(vocabulary):
        first, number = next((token, number) for token, number in vocabulary.items() if tokens[number] != token)
        raise ModelError(f"{file}: two tokens have the number {number}, {first!r:.80} and {tokens[number]!r:.80}; {_AGAIN}")
    gap = next((i for i in range(len(tokens)) if i not in tokens), None)
    if gap is not None:
        raise ModelError(f"{file}: no token has the number {gap}, though others have higher ones; {_AGAIN}")
    return tuple(tokens[i] for i in range(len(tokens)))


def _check_words(file: Path, tokens: tuple[str, ...], whole: Path) -> None:
    try:
        text = file.read_bytes().decode("utf-8")
    except OSError as error:
        raise ModelError(f"{file}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ModelError(f"{file}: not UTF-8 (byte {error.start}); {_AGAIN}") from error
    lines = [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")]
    seen: dict[str, int] = {}
    for number, token in enumerate(lines):
        if seen.setdefault(token, number) != number:
            raise ModelError(f"{file}: {token!r:.80} stands in the lines {seen[token] + 1} and {number + 1}; {_AGAIN}")
    if tuple(lines) != tokens:
        at = next((i for i, (a, b) in enumerate(zip(lines, tokens, strict=False)) if a != b), min(len(lines), len(tokens)))
        here, there = (repr(t[at])[:80] if at < len(t) else "nothing" for t in (lines, tokens))
        raise ModelError(
            f"{file}, line {at + 1}: {here}, but {whole.name} has {there} under this number; the two are of two models: {_AGAIN}"
        )


def _check_claims(folder: Path, content: Json) -> None:
    """Refuse a tokenizer that lists one of the unused places as a token of its own: something may mean it."""
    config: Json = read_json_if_there(folder / "tokenizer_config.json")
    special: Json = read_json_if_there(folder / "special_tokens_map.json")
    decoder = config.get("added_tokens_decoder")
    listed: dict[str, list[Any]] = {
        WHOLE: content.get("added_tokens") or [],
        "tokenizer_config.json": [
            *(decoder.values() if isinstance(decoder, dict) else []),
            *(config.get("additional_special_tokens") or []),
            *(config.get("extra_special_tokens") or []),
        ],
        "special_tokens_map.json": special.get("additional_special_tokens") or [],
        "added_tokens.json": list(read_json_if_there(folder / "added_tokens.json")),
    }
    for name, entries in listed.items():
        for entry in entries:
            token = entry.get("content") if isinstance(entry, dict) else entry
            if isinstance(token, str) and _UNUSED.fullmatch(token):
                raise ModelError(
                    f"{folder / name}: {token} is listed as a token with a meaning of its own, so the places of the [unused] "
                    "tokens are not free; take it off the list if nothing uses it"
                )


def _check_case(folder: Path, lower_case: bool) -> None:
    file = folder / "tokenizer_config.json"
    said = read_json_if_there(file).get("do_lower_case", lower_case)
    if said is not lower_case:
        raise ModelError(
            f"{file}: do_lower_case is {said!r:.80}, but tokenizer.json has {lower_case}: libraries would cut words in two "
            "ways; correct the one that is wrong"
        )
