"""One process or several (``accelerate launch``, ``torchrun``), on processors or GPUs, in what precision: Accelerate knows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from vinilm.errors import BackendError

if TYPE_CHECKING:
    from accelerate import Accelerator

    from vinilm.training.settings import TrainingSettings

# Processes wait for the first one while it makes the tokens of a corpus. One that dies ends the others anyway.
_PATIENCE = timedelta(days=2)


def accelerator_for(settings: TrainingSettings) -> Accelerator:
    """Return how this process works with others, and on what device. Raises BackendError for one that is not to be had."""
    try:
        import torch
        from accelerate import Accelerator, DistributedDataParallelKwargs, DistributedType, InitProcessGroupKwargs
        from accelerate.state import AcceleratorState, PartialState
    except ImportError as error:
        raise BackendError(
            f'training needs {error.name or "a library"}, which is not installed: pip install "vnlp-prep[train]"'
        ) from error
    if settings.device == "cuda" and not torch.cuda.is_available():
        raise BackendError(
            "device cuda: there is no GPU that PyTorch can use here; choose another device, or install PyTorch for it"
        )
    # Its state is one for the whole process; an earlier run may have had another precision or device.
    AcceleratorState._reset_state(reset_partial_state=not torch.distributed.is_initialized())
    cpu = settings.device == "cpu" or not torch.cuda.is_available()
    accelerator = Accelerator(
        cpu=cpu,
        mixed_precision="bf16" if _precision(settings.precision, cpu=cpu) == "bfloat16" else "no",
        kwargs_handlers=[
            InitProcessGroupKwargs(timeout=_PATIENCE),
            DistributedDataParallelKwargs(broadcast_buffers=False, gradient_as_bucket_view=True),
        ],
    )
    known = (DistributedType.NO, DistributedType.MULTI_CPU, DistributedType.MULTI_GPU)
    if PartialState().distributed_type not in known:
        raise BackendError(
            f"{accelerator.distributed_type}: several processes can train with data parallelism only; "
            "choose 'accelerate launch --multi_gpu'"
        )
    return accelerator


def precision_of(accelerator: Accelerator) -> str:
    """Return in what type matrices are multiplied: ``float32`` or ``bfloat16``."""
    return "bfloat16" if accelerator.mixed_precision == "bf16" else "float32"


def _precision(wanted: str, *, cpu: bool) -> str:
    """Return the type for ``auto``: bfloat16 on a GPU that computes in it, float32 elsewhere."""
    import torch

    if wanted != "auto":
        return wanted
    return "bfloat16" if not cpu and torch.cuda.is_bf16_supported(including_emulation=False) else "float32"


def run_identity(accelerator: Accelerator, settings: TrainingSettings) -> dict[str, Any]:
    """Return all of how a run is computed that its result depends on: name for people -> JSON value."""
    return {
        **settings.identity(),
        "precision": precision_of(accelerator),
        "device": accelerator.device.type,
        "processes": accelerator.num_processes,
        "torch": version("torch"),
        "transformers": version("transformers"),
    }


def summed(accelerator: Accelerator, numbers: Mapping[str, float]) -> dict[str, float]:
    """Return the sums of ``numbers`` over all processes; each must bring the same names. In float64."""
    import torch

    if accelerator.num_processes == 1:
        return dict(numbers)
    values = torch.tensor([float(numbers[name]) for name in sorted(numbers)], dtype=torch.float64, device=accelerator.device)
    torch.distributed.all_reduce(values)
    return dict(zip(sorted(numbers), values.tolist(), strict=True))
