"""The folder of an export: put together beside its place, out of sight, and moved there when it is whole."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from vinilm.integrations.modules_json import write_modules
from vinilm.models import ModelFolder
from vinilm.models.files import CHECKSUMS
from vinilm.models.modules import module_paths
from vinilm.saving import encoder_files
from vnlp_prep.corpus.records import shown
from vnlp_prep.corpus.writers import cannot_write
from vnlp_prep.errors import OutputError
from vnlp_prep.pipeline import SAVED_FILES

if TYPE_CHECKING:
    from vnlp_prep import Preprocessor

#: What was written, and how near it comes to the source. A folder that has it was written here, and may be replaced.
REPORT = "export.json"
#: The model card, and what becomes of that of the source.
CARD, SOURCE_CARD = "README.md", "README.source.md"
# Files beside the model that are worth keeping: settings, terms, figures, licences. Not weights of other kinds, not logs.
_SUFFIXES = {".json", ".md", ".svg", ".tsv", ".txt"}
_LICENCES = ("LICENSE", "LICENCE", "NOTICE", "COPYING")
_LEFT = {CARD, CHECKSUMS, REPORT}
# Names the parts of weights: of those that are copied it goes with them, of others it would name what is not there.
_INDEX = ".index.json"


def check_target(target: Path, source: Path) -> None:
    """Raise OutputError if a model that lies in ``source`` cannot be exported to ``target``, before anything is done."""
    name = shown(target)
    if target.is_symlink():
        raise OutputError(f"{name}: is a link; name the folder itself")
    if target.exists() and not target.is_dir():
        raise OutputError(f"{name}: is a file; an export is a folder")
    real, model = target.resolve(), source.resolve()
    if real == model:
        raise OutputError(f"{name}: is the model that is exported; name another folder: an export is a model folder itself")
    if real in model.parents or model in real.parents:
        raise OutputError(f"{name}: one of this folder and the model's lies in the other; name a folder elsewhere")
    if target.is_dir() and any(target.iterdir()) and not (target / REPORT).is_file():
        raise OutputError(f"{name}: is not empty, and what is there is no export (no {REPORT}); name a new folder")
    if not target.absolute().parent.is_dir():
        raise OutputError(f"{name}: there is no folder {shown(target.parent)}; make it first")


@contextlib.contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Give a new folder beside ``target``; when the block ends it gets that name, and an earlier export of that name is gone.

    When the block raises, ``target`` is as it was. A process that is killed leaves folders ``.NAME-....part`` or ``.old``, and
    between two renames no ``target``: docs/export.md. Raises OutputError for what the system refuses.
    """
    try:
        part = Path(tempfile.mkdtemp(dir=target.absolute().parent, prefix=f".{target.name}-", suffix=".part"))
    except OSError as error:
        raise cannot_write(shown(target), error) from None
    old = part.with_suffix(".old")
    try:
        yield part
        try:
            # What mkdtemp makes is for its owner alone.
            part.chmod(target.stat().st_mode if target.exists() else target.absolute().parent.stat().st_mode & 0o777)
            if target.exists():
                target.rename(old)
            part.rename(target)
        except OSError as error:
            raise cannot_write(shown(target), error) from None
    finally:
        if old.exists() and part.exists():  # between the two renames, where a signal may have come, too
            try:
                old.rename(target)
            except OSError as error:
                raise cannot_write(shown(target), error) from None
        for left in (part, old):
            shutil.rmtree(left, ignore_errors=True)


def copy_model(model: ModelFolder, target: Path, preprocessor: Preprocessor | None) -> None:
    """Copy to ``target`` all that belongs to ``model``, with a ``preprocessor`` if it has none of its own; weights as they are.

    The folder of old versions of sentence-transformers, with the encoder in a folder of its own, becomes one of today.
    Raises OSError.
    """
    files = [*encoder_files(model), *(f for f in sorted(model.path.iterdir()) if _is_kept(f))]
    if model.preprocessor is not None:
        files += [f for name in SAVED_FILES if (f := model.preprocessor / name).is_file()]
    for file in files:
        if not (target / file.name).exists():
            shutil.copyfile(file, target / file.name)
    if (model.path / CARD).is_file() and not (model.path / REPORT).is_file():
        shutil.copyfile(model.path / CARD, target / SOURCE_CARD)
    if model.preprocessor is None and preprocessor is not None:
        preprocessor.save(target)
    if model.encoder == model.path and (model.path / "modules.json").is_file():
        for folder in module_paths(model.path).values():
            if folder != model.path and folder.is_dir():
                shutil.copytree(folder, target / folder.relative_to(model.path))
        return
    write_modules(
        target,
        hidden_size=model.shape.hidden_size,
        pooling=model.pooling,
        normalize=model.normalize,
        max_tokens=model.max_tokens,
        prompts=model.prompts,
        default_prompt_name=model.default_prompt_name,
        similarity=model.similarity,
        clean="vinilm" in module_paths(model.path),
    )


def _is_kept(file: Path) -> bool:
    if not file.is_file() or file.name.startswith(".") or file.name in _LEFT or file.name.endswith(_INDEX):
        return False
    return file.suffix in _SUFFIXES or file.stem.upper() in _LICENCES
