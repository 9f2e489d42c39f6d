"""From chunks to vectors on a Ray cluster: actors hold the encoder, this process reads and writes.

Results come in the order of the chunks, so many at a time; journal and resuming are those of every run. An actor that dies is
started anew by Ray, and its chunks are computed again, to the same vectors.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Generator, Iterable
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vinilm.ahead import ahead
from vinilm.encoding.chunks import Chunk
from vinilm.encoding.engine import Encoded
from vinilm.encoding.settings import Facts
from vnlp_prep.corpus.documents import Document
from vnlp_prep.corpus.records import Line
from vnlp_prep.errors import SettingsError, VnlpError

if TYPE_CHECKING:
    from vinilm.encoding.plan import EnginePlan

#: Chunks that an actor has in hand: one is computed while the next is cleaned and tokenized.
_IN_HAND = 2
#: Chunks for each actor that are under way or wait for an earlier one.
_UNSETTLED = 4
#: Chunks that are read ahead.
_AHEAD = 2
#: How often a chunk is computed again when its actor dies.
_RETRIES = 2


@dataclass(eq=False)
class _Worker:
    """An actor."""

    actor: Any
    in_hand: int = 0


@dataclass(eq=False)
class _Slot:
    """A chunk under way, and its result."""

    chunk: Chunk
    digest: str
    worker: _Worker
    result: Any
    is_done: bool = False


class RayEngine:
    """Runs feature extractors in actors, each of which has a core, or a GPU or a share of one.

    Raises SettingsError if the cluster has no place for a single actor, and what loading the model raises.
    """

    def __init__(self, ray: Any, plan: EnginePlan, *, actors: int | None = None, gpus: float | None = None) -> None:
        """``ray``: the module, connected. ``actors``: None: as many as there is place for.

        ``gpus``: of each actor; None: one, if the cluster has some and the plan does not name the processor.
        """
        self._ray = ray
        there = ray.cluster_resources()
        if gpus is None:
            gpus = float(there.get("GPU", 0) >= 1 and plan.extractor.get("device") != "cpu")
        places = int(there.get("GPU", 0) / gpus) if gpus else int(there.get("CPU", 0))
        if not places:
            raise SettingsError(
                f"the cluster has no place for an actor: it has {there.get('CPU', 0):g} cores, {there.get('GPU', 0):g} GPUs"
            )
        made = ray.remote(num_cpus=1, num_gpus=gpus, max_restarts=-1, max_task_retries=_RETRIES, max_concurrency=_IN_HAND)(
            _EncoderActor
        )
        self._all = [made.remote(plan) for _ in range(min(actors or places, places))]
        # Some may have to wait for their place, for others use the cluster too: whoever is ready helps.
        self._coming = {actor.facts.remote(): _Worker(actor) for actor in self._all}
        self._workers: list[_Worker] = []
        self._facts: Facts | None = None
        while not self._workers:
            self._welcome(ray.wait(list(self._coming), num_returns=1)[0])

    @property
    def facts(self) -> Facts:
        """What is the same for all actors."""
        assert self._facts is not None
        return self._facts

    def close(self) -> None:
        """End the actors."""
        for actor in self._all:
            self._ray.kill(actor)

    def __call__(self, chunks: Iterable[Chunk]) -> Generator[Encoded, None, None]:
        """Yield the vectors of each chunk, in order. Raises VnlpError for what stops an actor for good."""
        waiting: deque[_Slot] = deque()
        with closing(ahead(lambda chunk: (chunk, chunk.digest()), chunks, _AHEAD)) as source:
            is_exhausted = False
            while True:
                while not is_exhausted and len(waiting) < _UNSETTLED * len(self._workers) and (worker := self._free()):
                    item = next(source, None)
                    if item is None:
                        is_exhausted = True
                    else:
                        waiting.append(self._begun(*item, worker))
                if not waiting:
                    return
                if waiting[0].is_done:
                    yield self._encoded(waiting.popleft())
                    continue
                under_way = {slot.result: slot for slot in waiting if not slot.is_done}
                ready, _ = self._ray.wait([*under_way, *self._coming], num_returns=1)
                for slot in (under_way[r] for r in ready if r in under_way):
                    slot.is_done = True
                    slot.worker.in_hand -= 1
                self._welcome([r for r in ready if r in self._coming])

    def _free(self) -> _Worker | None:
        """Return the actor that has least in hand, if it can take one more."""
        worker = min(self._workers, key=lambda w: w.in_hand)
        return worker if worker.in_hand < _IN_HAND else None

    def _begun(self, chunk: Chunk, digest: str, worker: _Worker) -> _Slot:
        worker.in_hand += 1
        return _Slot(chunk, digest, worker, worker.actor.encode.remote(chunk.texts))

    def _encoded(self, slot: _Slot) -> Encoded:
        vectors, tokens, truncated, failed = self._got(slot.result)
        if failed:
            slot.chunk.reject(failed)
        return Encoded(slot.chunk, slot.digest, vectors, tokens, truncated, failed)

    def _welcome(self, ready: Iterable[Any]) -> None:
        """Take the actors in that have loaded the model."""
        for result in ready:
            worker = self._coming.pop(result)
            facts = self._got(result)
            if self._facts is None:
                self._facts = facts
            elif facts != self._facts:
                pairs = ((name, self._facts.settings.get(name), value) for name, value in facts.settings.items())
                name, here, other = next(pair for pair in pairs if pair[1] != pair[2])
                raise VnlpError(f"the machines of the cluster are not alike: {name} is {here} on one and {other} on another")
            self._workers.append(worker)

    def _got(self, result: Any) -> Any:
        """Return a result. Raises what the actor raised, as far as that is an error of ours."""
        try:
            outcome = self._ray.get(result)
        except self._ray.exceptions.RayError as error:
            raise VnlpError(
                f"Ray stopped the run: {(str(error).strip() or type(error).__name__).splitlines()[0][:300]}"
            ) from error
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


class _EncoderActor:
    """Holds an engine. Two calls at a time: one prepares, the other computes. What goes wrong on purpose is a result."""

    def __init__(self, plan: EnginePlan) -> None:
        self._preparing, self._computing = threading.Lock(), threading.Lock()
        self._error: VnlpError | None = None
        try:
            self._engine = plan.made()
        except VnlpError as error:
            self._error = error

    def facts(self) -> Facts | VnlpError:
        """Return what is to be known of the engine."""
        return self._error or Facts.of(self._engine)

    def encode(self, texts: list[str]) -> tuple[Any, int, int, list[tuple[int, str]]] | VnlpError:
        """Return vectors, tokens, texts that were cut, and those that turned out bad."""
        chunk = Chunk(0, [Document("", Line(0, 0, b"", 0), [text]) for text in texts])
        try:
            with self._preparing:
                ready = self._engine.prepare((chunk, None))
            with self._computing:
                encoded = self._engine.compute(ready)
        except VnlpError as error:
            return error
        return encoded.vectors, encoded.tokens, encoded.truncated, encoded.failed
