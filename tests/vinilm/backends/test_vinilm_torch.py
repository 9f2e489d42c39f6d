from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from vinilm.backends import linear as linear_module  # noqa: E402
from vinilm.backends import load_backend  # noqa: E402
from vinilm.backends.attention import Sequences, by_length  # noqa: E402
from vinilm.backends.linear import PackedLinear, PlainLinear, make_linear  # noqa: E402
from vinilm.batches import Batch, pack  # noqa: E402
from vinilm.errors import BackendError  # noqa: E402
from vinilm.models import open_model  # noqa: E402
from vinilm.tokens import Tokenizer  # noqa: E402

TEXTS = ["", "Replace me by any text you'd like.", "a log", "the host", "vSphere with Tanzu runs containers " * 12]


def packed(folder: Path, texts: list[str]) -> Batch:
    ids = Tokenizer.load(folder / "tokenizer.json", lower_case=True).ids(texts)
    return pack(sorted(ids, key=len))


def reference(folder: Path, batch: Batch) -> np.ndarray:
    """The hidden states that transformers' BertModel gives, one sequence at a time."""
    from transformers import BertModel

    model = BertModel.from_pretrained(folder).eval()
    parts = [torch.from_numpy(part)[None] for part in np.split(batch.ids, batch.starts[1:])]
    with torch.inference_mode():
        return np.concatenate([model(input_ids=part).last_hidden_state[0].numpy() for part in parts])


@pytest.mark.parametrize("model", ["minilm", "tiny"])
def test_hidden_states_are_those_of_bert_model(model: str, request: pytest.FixtureRequest) -> None:
    folder: Path = request.getfixturevalue(model)
    backend = load_backend("torch", folder, open_model(folder).shape, device="cpu")
    batch = packed(folder, TEXTS)
    states = backend.hidden_states(batch)
    assert states.dtype == np.float32
    assert np.abs(states - reference(folder, batch)).max() < 1e-5


def test_half_precision_keeps_the_direction(minilm: Path) -> None:
    shape = open_model(minilm).shape
    batch = packed(minilm, TEXTS)
    exact = load_backend("torch", minilm, shape, device="cpu").embeddings(batch, "mean")
    for dtype in ("bfloat16", "float16"):
        half = load_backend("torch", minilm, shape, device="cpu", dtype=dtype)
        assert half.dtype == dtype
        vectors = half.embeddings(batch, "mean")
        cosines = (vectors * exact).sum(1) / np.linalg.norm(vectors, axis=1) / np.linalg.norm(exact, axis=1)
        assert cosines.min() > 0.9999
        assert not np.array_equal(vectors, exact)


def test_auto_is_a_type_that_the_backend_has(tiny: Path) -> None:
    backend = load_backend("auto", tiny, open_model(tiny).shape, device="cpu", dtype="auto")
    assert (backend.name, backend.dtype in ("bfloat16", "float32")) == ("torch", True)


def test_attention_is_the_arithmetic_of_the_paper() -> None:
    torch.manual_seed(1)
    batch = pack([[1] * 3, [1] * 3, [1] * 7])
    qkv = torch.randn(13, 3, 2, 8)
    expected = []
    for part in torch.split(qkv, [3, 3, 7]):
        q, k, v = part.double().permute(1, 2, 0, 3)
        scores = q @ k.transpose(1, 2)
        weights = scores.exp() / scores.exp().sum(-1, keepdim=True)
        expected.append((weights @ v).transpose(0, 1))
    sequences = Sequences.of(batch, torch.device("cpu"))
    assert torch.allclose(by_length(qkv, sequences).double(), torch.cat(expected), atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_packed_weights_give_what_public_functions_give(dtype: torch.dtype) -> None:
    if not torch.backends.mkldnn.is_available():
        pytest.skip("no oneDNN in this build")
    torch.manual_seed(2)
    weight, bias, x = torch.randn(48, 32).to(dtype), torch.randn(48).to(dtype), torch.randn(5, 32).to(dtype)
    try:
        layer = PackedLinear(weight, bias, 5)
    except RuntimeError as error:  # as where the model is loaded: then the public functions do the work
        pytest.skip(f"not on this processor: {error}")
    plain = PlainLinear(weight, bias)
    near = {"atol": 1e-4 if dtype == torch.float32 else 0.1, "rtol": 1e-2}
    assert torch.allclose(layer(x), plain(x), **near)
    assert torch.allclose(layer.gelu(x), plain.gelu(x), **near)


def test_where_private_operations_fail_or_lie_the_public_ones_work(monkeypatch: pytest.MonkeyPatch) -> None:
    weight, bias = torch.randn(8, 4), torch.randn(8)

    class Absent:
        def __init__(self, *_: object) -> None:
            raise AttributeError("no such operation in this version")

    class Lying(PlainLinear):
        def __init__(self, weight: torch.Tensor, bias: torch.Tensor, rows: int) -> None:
            super().__init__(weight * 1.01, bias)

    for stand_in in (Absent, Lying):
        monkeypatch.setattr(linear_module, "PackedLinear", stand_in)
        assert type(make_linear(weight, bias, rows=4)) is PlainLinear


def test_loading_leaves_the_random_state_alone(tiny: Path) -> None:
    before = torch.get_rng_state()
    load_backend("torch", tiny, open_model(tiny).shape, device="cpu")
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dtype": "int8"}, "auto, float32, bfloat16, float16"),
        ({"device": "banana"}, "device='cpu' works everywhere"),
        ({"device": "cuda:99"}, "device='cpu' works everywhere"),
    ],
)
def test_what_cannot_be_had_is_an_error_that_says_what_can(tiny: Path, options: dict[str, str], message: str) -> None:
    with pytest.raises(BackendError, match=message):
        load_backend("torch", tiny, open_model(tiny).shape, **options)


def test_an_unknown_backend_is_an_error(tiny: Path) -> None:
    with pytest.raises(BackendError, match="one of auto, torch"):
        load_backend("jax", tiny, open_model(tiny).shape)


def test_a_missing_library_is_an_error_that_says_what_to_install(tiny: Path) -> None:
    script = f"""
import sys
sys.modules["onnxruntime"] = None
from pathlib import Path
from vinilm.backends import load_backend
from vinilm.errors import BackendError
from vinilm.models import open_model
folder = Path({str(tiny)!r})
try:
    load_backend("onnx", folder, open_model(folder).shape)
except BackendError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=100)
    assert 'pip install "vnlp-prep[onnx]"' in done.stdout, done.stderr[-2000:]
