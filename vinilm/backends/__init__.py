"""What runs the encoder: one protocol, four implementations, each in a module that is imported when it is asked for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar

from vinilm.errors import BackendError
from vinilm.pooling import Floats, pool

if TYPE_CHECKING:
    from pathlib import Path

    from vinilm.batches import Batch
    from vinilm.shape import BertShape

#: name -> module, which has ``load(folder, shape, *, device, dtype) -> Backend``.
BACKENDS = {
    "torch": "vinilm.backends.pytorch",
    "openvino": "vinilm.backends.openvino",
    "onnx": "vinilm.backends.onnxruntime",
    "tensorflow": "vinilm.backends.tensorflow",
}


class Backend(ABC):
    """Runs a BERT encoder over batches without padding.

    Token types are all 0 (one text a sequence). Instances may be used by one thread at a time.
    """

    name: ClassVar[str]
    #: Tokens of a batch from which on more of them bring no more speed.
    batch_tokens: int = 1024

    def __init__(self, shape: BertShape, *, device: str, dtype: str) -> None:
        self.shape = shape
        #: ``cpu`` or ``cuda:0``.
        self.device = device
        #: What is computed in: ``float32``, ``bfloat16``, ``float16`` or ``int8``.
        self.dtype = dtype

    @abstractmethod
    def hidden_states(self, batch: Batch) -> Floats:
        """Return the last hidden state of every token of ``batch``: (tokens, hidden), float32, in the order of ``batch.ids``."""

    def embeddings(self, batch: Batch, pooling: str) -> Floats:
        """Return one vector for each sequence of ``batch``: (sequences, hidden). ``pooling``: ``mean``, ``cls`` or ``max``."""
        return pool(self.hidden_states(batch), batch, pooling)


def load_backend(name: str, folder: Path, shape: BertShape, *, device: str | None = None, dtype: str | None = None) -> Backend:
    """Return the backend ``name`` with the model in ``folder``.

    ``auto`` is ``torch``. ``device`` None: a GPU if the backend can use one, else the CPU. ``dtype`` None: ``float32``, whose
    results agree with transformers' BertModel within 1e-5; ``auto``: the fastest that keeps a cosine of 0.9999 (``bfloat16``
    where the processor has instructions for it).

    Raises BackendError for an unknown name, a library that is not installed, a device or type that the backend has not.
    """
    chosen = "torch" if name == "auto" else name
    if chosen not in BACKENDS:
        raise BackendError(f"backend {name!r} is unknown; it is one of auto, {', '.join(BACKENDS)}")
    try:
        module = import_module(BACKENDS[chosen])
    except ImportError as error:
        extra = "vinilm" if chosen == "torch" else chosen
        raise BackendError(
            f"the backend {chosen!r} needs {error.name or 'a library'} that is not installed; "
            f'install it with: pip install "vnlp-prep[{extra}]"'
        ) from error
    backend: Backend = module.load(folder, shape, device=device, dtype=dtype)
    return backend
