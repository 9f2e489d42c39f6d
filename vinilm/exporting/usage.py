"""How to use a model: the examples of its card. Each runs in the folder above the model's."""

from __future__ import annotations

from collections.abc import Sequence

from vinilm.exporting.checking import Checked
from vinilm.exporting.modules import cleans_by_itself
from vinilm.models import ModelFolder

_TEXT = "Teh vSphere client&#39;s log is sooooo slow"


def usage_section(name: str, model: ModelFolder, files: Sequence[Checked]) -> str:
    """Return the section with an example for each library that can use the ``model``, which is called ``name``."""
    there = {file.file.as_posix() for file in files}
    cleans = model.preprocessor is not None
    parts = [_vinilm(name), _sentence_transformers(name, model, there), _transformers(name, model, cleans=cleans)]
    if "onnx/model.onnx" in there:
        parts.append(_onnxruntime(name))
    if "keras/model.keras" in there:
        parts.append(_keras(name))
    return "\n".join(["## How to use it\n", *(part for part in parts if part)])


def _vinilm(name: str) -> str:
    return f"""With `vinilm` (`pip install "vnlp-prep[vinilm]"`), which cleans by itself:

```py
from vinilm import FeatureExtractor

fx = FeatureExtractor.from_pretrained("{name}")
vectors = fx.encode(["{_TEXT}", "another text"])
print(fx.similarity(vectors, vectors))
```
"""


def _sentence_transformers(name: str, model: ModelFolder, there: set[str]) -> str:
    backends = [b for b, file in (("onnx", "onnx/model.onnx"), ("openvino", "openvino/openvino_model.xml")) if file in there]
    other = "".join(f'# or: SentenceTransformer("{name}", backend="{backend}")\n' for backend in backends)
    texts = f'["{_TEXT}", "another text"]'
    prepare, use, how = "", texts, ""
    if cleans_by_itself(model.path):
        how = ", which cleans by itself once the module that does it is known"
        prepare = "import vinilm.integrations.sentence_transformers\n"
    elif model.preprocessor is not None:
        prepare, use = _PREPARE.format(name=name), f"prep({texts})"
    return f"""With sentence-transformers{how}:

```py
from sentence_transformers import SentenceTransformer
{prepare}
model = SentenceTransformer("{name}")
{other}vectors = model.encode({use})
```
"""


_PREPARE = """from vnlp_prep import Preprocessor

prep = Preprocessor.load("{name}")\
"""


def _transformers(name: str, model: ModelFolder, *, cleans: bool) -> str:
    pooled = {
        "mean": "vectors = (states * mask).sum(1) / mask.sum(1)",
        "cls": "vectors = states[:, 0]",
        "max": "vectors = states.masked_fill(mask == 0, -torch.inf).amax(1)",
        "none": "",
    }[model.pooling]
    if model.normalize:
        pooled += "\nvectors = torch.nn.functional.normalize(vectors)"
    prepare, use = ("", "texts")
    if cleans:
        prepare, use = _PREPARE.format(name=name) + "\n", "prep(texts)"
    return f"""With transformers:

```py
import torch
from transformers import AutoModel, AutoTokenizer
{prepare}
tokenizer = AutoTokenizer.from_pretrained("{name}")
model = AutoModel.from_pretrained("{name}").eval()
texts = ["{_TEXT}", "another text"]
inputs = tokenizer({use}, padding=True, truncation=True, max_length={model.max_tokens}, return_tensors="pt")
with torch.inference_mode():
    states = model(**inputs).last_hidden_state
mask = inputs["attention_mask"][:, :, None]
{pooled}
```
"""


def _onnxruntime(name: str) -> str:
    return f"""With ONNX Runtime: inputs `input_ids`, `attention_mask`, `token_type_ids` (batch, sequence), output
`last_hidden_state`. transformers.js takes the same files (for `dtype` `fp16` and `q8` those beside it):

```py
import onnxruntime
from transformers import AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("{name}")
session = onnxruntime.InferenceSession("{name}/onnx/model.onnx")
inputs = tokenizer(["a text", "another text"], padding=True, truncation=True, return_tensors="np")
[states] = session.run(["last_hidden_state"], {{name: array.astype("int64") for name, array in inputs.items()}})
```

`onnx/packed.onnx` is the same encoder with other inputs: the backend `onnx` of `vinilm` runs it, and nothing else can.
"""


def _keras(name: str) -> str:
    return f"""With Keras 3, on TensorFlow, JAX or PyTorch; the same inputs as numbers of 32 bits:

```py
import keras

model = keras.saving.load_model("{name}/keras/model.keras")
```
"""
