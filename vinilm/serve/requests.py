"""What the routes accept: bodies of JSON, checked field by field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from vinilm.serve.errors import RequestError
from vinilm.serve.limits import Limits


@dataclass(frozen=True)
class EmbeddingsRequest:
    """``POST /v1/embeddings``, as OpenAI has it."""

    texts: list[str]
    encoding_format: str
    dimensions: int | None


@dataclass(frozen=True)
class EmbedRequest:
    """``POST /embed``, as text-embeddings-inference has it."""

    texts: list[str]
    normalize: bool
    truncate: bool | None
    prompt_name: str | None
    dimensions: int | None


@dataclass(frozen=True)
class CleanRequest:
    """``POST /clean``: one text, or several."""

    texts: list[str]
    single: bool


def parse_embeddings(body: bytes, limits: Limits) -> EmbeddingsRequest:
    """Return what ``body`` asks of ``/v1/embeddings``. Raises RequestError with status 400, or 413 for what is too large."""
    fields = _Fields(body, 400)
    fields.refuse_unknown({"input", "model", "encoding_format", "dimensions", "user"})
    given = fields.get("input")
    if isinstance(given, list) and given and isinstance(given[0], (int, list)):
        raise fields.error(
            "input",
            "token ids are not accepted, because those of another tokenizer would give wrong vectors without any error; "
            "send the texts (LangChain: OpenAIEmbeddings(check_embedding_ctx_length=False))",
        )
    encoding_format = fields.string("encoding_format") or "float"
    if encoding_format not in ("float", "base64"):
        raise fields.error("encoding_format", f"must be float or base64, not {_shown(encoding_format)}")
    for name in ("model", "user"):  # of the right type, and otherwise without a meaning here
        fields.string(name)
    return EmbeddingsRequest(fields.texts("input", limits), encoding_format, fields.positive_integer("dimensions"))


def parse_embed(body: bytes, limits: Limits) -> EmbedRequest:
    """Return what ``body`` asks of ``/embed``. Raises RequestError with status 400, 413 or 422.

    Fields that are not known are ignored, as text-embeddings-inference does.
    """
    fields = _Fields(body, 422)
    direction = fields.string("truncation_direction")
    if direction is not None and direction.lower() != "right":
        raise fields.error("truncation_direction", "only Right is supported: the end of a long text is left out")
    normalize = fields.boolean("normalize")
    return EmbedRequest(
        fields.texts("inputs", limits),
        True if normalize is None else normalize,
        fields.boolean("truncate"),
        fields.string("prompt_name"),
        fields.positive_integer("dimensions"),
    )


def parse_clean(body: bytes, limits: Limits) -> CleanRequest:
    """Return what ``body`` asks of ``/clean``. Raises RequestError with status 400, 413 or 422."""
    fields = _Fields(body, 422)
    fields.refuse_unknown({"text", "texts"})
    if (fields.get("text") is None) == (fields.get("texts") is None):
        raise RequestError(422, "give either text (a string) or texts (a list of strings)", param="texts")
    if fields.get("text") is None:
        if isinstance(fields.get("texts"), str):
            raise fields.error("texts", "must be a list of strings; for a single string there is text")
        return CleanRequest(fields.texts("texts", limits), single=False)
    if not isinstance(fields.get("text"), str):
        raise fields.error("text", "must be a string; for a list of strings there is texts")
    return CleanRequest(fields.texts("text", limits), single=True)


class _Fields:
    """The fields of a JSON object; what does not fit is answered with ``status``."""

    def __init__(self, body: bytes, status: int) -> None:
        self._status = status
        try:
            # orjson refuses NaN, invalid UTF-8, lone surrogates and deep nesting, and is bounded in stack and time.
            content = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise RequestError(400, f"the body is not JSON: {error}") from None
        if not isinstance(content, dict):
            raise RequestError(status, f"the body must be a JSON object, not {_type(content)}")
        self._content: dict[str, Any] = content

    def get(self, name: str) -> Any:
        """Return the value of a field; None stands for null and for a field that is not there."""
        return self._content.get(name)

    def error(self, name: str, what: str) -> RequestError:
        """Return the error that says what is wrong with a field."""
        return RequestError(self._status, f"{name}: {what}", param=name)

    def refuse_unknown(self, known: set[str]) -> None:
        """Refuse fields that would be ignored."""
        for name in self._content:
            if name not in known:
                raise RequestError(
                    self._status, f"unknown field {_shown(name)}; the fields are {', '.join(sorted(known))}", param=name[:64]
                )

    def string(self, name: str) -> str | None:
        value = self.get(name)
        if value is not None and not isinstance(value, str):
            raise self.error(name, f"must be a string, not {_type(value)}")
        return value

    def boolean(self, name: str) -> bool | None:
        value = self.get(name)
        if value is not None and not isinstance(value, bool):
            raise self.error(name, f"must be true or false, not {_type(value)}")
        return value

    def positive_integer(self, name: str) -> int | None:
        value = self.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.error(name, f"must be an integer, not {_type(value)}")
        if value < 1:
            raise self.error(name, "must be at least 1")
        return value

    def texts(self, name: str, limits: Limits) -> list[str]:
        """Return the texts of a field that is a string or a list of strings, within the limits."""
        value = self.get(name)
        if value is None:
            raise self.error(name, "is missing; it must be a string or a list of strings")
        texts = [value] if isinstance(value, str) else value
        if not isinstance(texts, list):
            raise self.error(name, f"must be a string or a list of strings, not {_type(value)}")
        if not texts:
            raise RequestError(400, f"{name}: the list is empty", kind="empty", param=name)
        if len(texts) > limits.texts:
            raise RequestError(413, f"{name}: {len(texts)} texts; a request may have {limits.texts}", param=name)
        for i, text in enumerate(texts):
            where = name if isinstance(value, str) else f"{name}[{i}]"
            if not isinstance(text, str):
                raise RequestError(self._status, f"{where}: must be a string, not {_type(text)}", param=name)
            # Only texts that may be too long in bytes are encoded to see.
            if len(text) > limits.text_bytes // 4 and (size := len(text.encode())) > limits.text_bytes:
                raise RequestError(413, f"{where}: {size} bytes; a text may have {limits.text_bytes}", param=name)
        return texts


_TYPES = {type(None): "null", bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list"}


def _type(value: object) -> str:
    return _TYPES.get(type(value), "an object")


def _shown(value: str) -> str:
    """Return ``value`` for a message: quoted, and not longer than a line."""
    return repr(value if len(value) <= 64 else value[:61] + "...")
