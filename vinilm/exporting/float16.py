"""Weights of an ONNX graph stored in half precision: half the file; what is computed stays float32."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import onnx

# Smaller tensors stay: of them there is nothing to gain.
_LEAST = 64
_LARGEST = float(np.finfo(np.float16).max)


def store_float16(model: onnx.ModelProto) -> None:
    """Store the float32 weights of ``model`` as float16, in place, each with a cast to float32 behind it.

    Runtimes do the casts once, when they load the graph, so it is as fast as in float32. A tensor with a value that float16
    cannot hold stays in float32.
    """
    from onnx import TensorProto, helper, numpy_helper

    casts, stored = [], []
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT and prod(tensor.dims) >= _LEAST:
            values = numpy_helper.to_array(tensor)
            if np.abs(values).max() <= _LARGEST:
                half = f"{tensor.name}.float16"
                casts.append(helper.make_node("Cast", [half], [tensor.name], name=f"{half}.cast", to=TensorProto.FLOAT))
                tensor = numpy_helper.from_array(values.astype(np.float16), half)
        stored.append(tensor)
    nodes = [*casts, *model.graph.node]
    for field, content in ((model.graph.initializer, stored), (model.graph.node, nodes)):
        copies = [type(item).FromString(item.SerializeToString()) for item in content]
        del field[:]
        field.extend(copies)
