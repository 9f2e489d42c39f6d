"""From texts to vectors, for many clients at a time: admitted, cleaned and tokenized, queued, computed.

Cleaning and tokenizing happen in one thread (cleaning is Python and holds the interpreter, more threads would not make it
faster), computing in another, and a request goes through both in slices, so that a large one does not keep small ones waiting.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from vinilm.features import FeatureExtractor, Prepared
from vinilm.pooling import Floats, normalized
from vinilm.serve.admission import Gate
from vinilm.serve.batching import Batcher, Item, Job
from vinilm.serve.errors import RequestError, UnavailableError
from vinilm.serve.limits import Limits
from vinilm.serve.metrics import Metrics
from vnlp_prep.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from vnlp_prep import Cleaned

_T = TypeVar("_T")

# What is cleaned and tokenized in one go, before another request has its turn.
_SLICE_TEXTS, _SLICE_CHARACTERS = 32, 32_768
# Wakes up what cleaning sets up on first use: every stage has something to do.
_WARM_UP = "<p>Teh vSphere client&#39;s log is sooooo slow!!!!! virtualmachinesettings, recieve</p>"
# Batches that may wait by default.
_QUEUE_BATCHES = 32


class Embedded(NamedTuple):
    """The answer to a request for vectors."""

    #: (texts, dimensions), float32.
    vectors: Floats
    #: Tokens of all texts, special ones included.
    tokens: int
    #: Texts whose end was left out.
    truncated: int


class Service:
    """One model, its queue and its threads. Made before the event loop, started and stopped in it."""

    def __init__(self, fx: FeatureExtractor, limits: Limits | None = None, metrics: Metrics | None = None) -> None:
        """Serve ``fx``. Raises SettingsError for one that gives no vector for a text."""
        if fx.pooling == "none":
            raise SettingsError("pooling 'none' gives no vector for a text; serve with mean, cls or max")
        self.fx = fx
        self.limits = limits or Limits()
        self.metrics = metrics or Metrics()
        queue_tokens = self.limits.queue_tokens or _QUEUE_BATCHES * fx.backend.batch_tokens
        self.gate = Gate(queue_tokens, "tokens (estimated)")
        self.clean_gate = Gate(self.limits.queue_characters, "characters for cleaning")
        self.batcher = Batcher(self._compute, fx.backend.batch_tokens, self.metrics, self.gate.done)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="vinilm-prepare")
        self._jobs: set[Job] = set()
        #: Requests under way, and the bytes of their bodies.
        self.requests = 0
        self.body_bytes = 0
        #: True from the moment the service was asked to stop: nothing new is begun.
        self.draining = False
        self._aborted = False

    def start(self) -> None:
        """Start the encoder's thread, after computing something: what is set up on first use is not left to the first client."""
        if self.fx.preprocessor is not None:
            self.fx.preprocessor.clean(_WARM_UP)
        self.fx.compute(self.fx.prepare([_WARM_UP, _WARM_UP * 8]))
        self.batcher.start()

    def abort(self) -> None:
        """End what is under way with an error that says why."""
        self._aborted = True
        for job in list(self._jobs):
            job.fail(UnavailableError())

    def stop(self) -> None:
        """End the threads; what they are at is finished, unless it takes longer than a few seconds."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self.batcher.close(10)

    @property
    def healthy(self) -> bool:
        """Whether requests will be answered."""
        return self.batcher.alive and not self.draining

    # --- vectors --------------------------------------------------------------------------------------------------------

    async def embed(
        self,
        texts: Sequence[str],
        *,
        prompt_name: str | None = None,
        truncate: bool = True,
        normalize: bool = True,
        dimensions: int | None = None,
    ) -> Embedded:
        """Return a vector for each text.

        ``dimensions``: keep that many, before ``normalize`` brings vectors to length 1. Without ``truncate`` a text that is too
        long is refused. Cancelling takes what waits out of the queue. Raises RequestError.
        """
        prompt = self._prompt(prompt_name)
        if dimensions is not None and dimensions > self.fx.hidden_size:
            raise RequestError(
                422, f"dimensions: the model has {self.fx.hidden_size}, {dimensions} were asked for", param="dimensions"
            )
        costs = [self._cost(t) for t in texts]
        self.gate.admit(sum(costs))
        unqueued = sum(costs)
        job = Job(len(texts), self.fx.hidden_size, asyncio.get_running_loop())
        self._jobs.add(job)
        tokens = truncated = 0
        try:
            for start, stop in slices(texts):
                prepared = await self._in_pool(self._prepare, texts[start:stop], prompt)
                if prepared.truncated and not truncate:
                    raise RequestError(
                        413,
                        f"{prepared.truncated} of the texts {start} to {stop - 1} are longer than {self.fx.max_tokens} tokens"
                        " and truncate is false",
                    )
                items = _items(job, prepared, start, costs)
                self.batcher.add(items)
                unqueued -= sum(costs[start:stop])
                tokens += prepared.tokens
                truncated += prepared.truncated
            await job.finished
        finally:
            self._jobs.discard(job)
            self.gate.drop(unqueued + self.batcher.drop(job))
            if not job.finished.cancel() and not job.finished.cancelled():
                job.finished.exception()  # seen, even if nobody waited for it
        self.metrics.texts.inc(len(texts))
        self.metrics.tokens.inc(tokens)
        self.metrics.truncated.inc(truncated)
        vectors = job.vectors if dimensions is None else np.ascontiguousarray(job.vectors[:, :dimensions])
        if normalize or (self.fx.normalize and dimensions is not None):
            vectors = normalized(vectors)
        return Embedded(vectors, tokens, truncated)

    def _prompt(self, name: str | None) -> str:
        """Return the words of the prompt ``name``, or of the model's default."""
        try:
            return self.fx.prompt_text(name)
        except SettingsError as error:
            raise RequestError(422, f"prompt_name: {error}", param="prompt_name") from None

    def _cost(self, text: str) -> int:
        """Estimate the tokens of ``text`` without tokenizing it: four letters a token, two in other scripts."""
        tokens = 2 + len(text) // (4 if text.isascii() else 2)
        return min(tokens, self.fx.max_tokens) if self.fx.long == "truncate" else tokens

    def _prepare(self, texts: Sequence[str], prompt: str) -> Prepared:
        started = time.perf_counter()
        if self.fx.preprocessor is not None:
            cleaned = [self.fx.preprocessor.clean(t) for t in texts]  # here, for the edits are counted
            self._count_edits(cleaned)
            texts = [c.text for c in cleaned]
        prepared = self.fx.prepare(texts, prompt=prompt, clean=False)
        self.metrics.prepare_seconds.observe(time.perf_counter() - started)
        return prepared

    def _compute(self, items: Sequence[Item]) -> Floats:
        sequences = [s for item in items for s in item.sequences]
        return self.fx.compute(Prepared(sequences, [len(item.sequences) for item in items], 0))

    # --- cleaning -------------------------------------------------------------------------------------------------------

    async def clean(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        """Return text, edits and suggestions of each text, ready for JSON. Raises RequestError."""
        if self.fx.preprocessor is None:
            raise RequestError(400, "this service does not clean: it was started with --no-clean")
        left = sum(map(len, texts))
        self.clean_gate.admit(left)
        results: list[dict[str, Any]] = []
        try:
            for start, stop in slices(texts):
                results += await self._in_pool(self._clean, texts[start:stop])
                size = sum(map(len, texts[start:stop]))
                self.clean_gate.done(size)
                left -= size
        finally:
            self.clean_gate.drop(left)
        return results

    def _clean(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        assert self.fx.preprocessor is not None
        cleaned = [self.fx.preprocessor.clean(t) for t in texts]
        self._count_edits(cleaned)
        return [
            {
                "text": c.text,
                "edits": [e.to_dict() for e in c.edits],
                "suggestions": [e.to_dict() for e in c.suggestions],
            }
            for c in cleaned
        ]

    def _count_edits(self, cleaned: Sequence[Cleaned]) -> None:
        for stage, number in Counter(e.stage for c in cleaned for e in c.edits).items():
            self.metrics.edits.labels(stage).inc(number)

    async def _in_pool(self, work: Callable[..., _T], *arguments: object) -> _T:
        if self._aborted:
            raise UnavailableError
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *arguments)


def _items(job: Job, prepared: Prepared, first: int, costs: Sequence[int]) -> list[Item]:
    """Return the texts of a slice that begins with text ``first`` of ``job``."""
    items: list[Item] = []
    ends = accumulate(prepared.counts)
    for row, (count, end) in enumerate(zip(prepared.counts, ends, strict=True), first):
        sequences = prepared.sequences[end - count : end]
        items.append(Item(job, row, sequences, sum(map(len, sequences)), costs[row]))
    return items


def slices(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield (start, stop) of what is prepared in one go: a bounded number of texts and characters, at least one text.

    >>> list(slices(["a" * 40_000, "b", "c"]))
    [(0, 1), (1, 3)]
    """
    start = characters = 0
    for i, text in enumerate(texts):
        if i > start and (i - start == _SLICE_TEXTS or characters + len(text) > _SLICE_CHARACTERS):
            yield start, i
            start, characters = i, 0
        characters += len(text)
    if start < len(texts):
        yield start, len(texts)
