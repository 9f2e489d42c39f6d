"""The command ``vinilm serve``. What is imported here is imported by ``vinilm --help``: click and the standard library."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

import click

from vnlp_prep.command_line import complete_files

#: The environment variable with the key that clients must show.
KEY_VARIABLE = "VINILM_API_KEY"


@click.command(
    epilog="""\b
Examples:
  vinilm serve path/to/model
  vinilm serve path/to/model --backend openvino --dtype auto --port 8080
  VINILM_API_KEY=... vinilm serve path/to/model --host 0.0.0.0""",
)
@click.argument("model", metavar="MODEL", shell_complete=complete_files)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; by default only this machine.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0: any free port.")
@click.option("--backend", default="auto", show_default=True, metavar="NAME", help="auto, torch, openvino, onnx, tensorflow.")
@click.option("--device", metavar="NAME", help="As torch names it. Default: a GPU if there is one.")
@click.option("--dtype", metavar="NAME", help="float32, bfloat16, float16, int8, or auto: the fastest that is exact enough.")
@click.option("--pooling", type=click.Choice(["mean", "cls", "max"]), help="Default: the model's.")
@click.option("--clean/--no-clean", default=True, show_default=True, help="Clean the texts before they are encoded.")
@click.option("--max-tokens", type=click.IntRange(min=3), help="Tokens read of a text. Default: the model's.")
@click.option(
    "--long",
    type=click.Choice(["truncate", "chunk", "refuse"]),
    default="truncate",
    show_default=True,
    help="Longer texts are cut (the answer says how many), read in windows, or refused.",
)
@click.option("--model-name", metavar="NAME", help="The name that clients ask for. Default: the folder's, or the hub id.")
@click.option("--api-key-file", type=click.Path(dir_okay=False), help=f"Keys, one a line; or one in {KEY_VARIABLE}.")
@click.option("--max-text-bytes", type=click.IntRange(min=1), metavar="N", help="Of one text.")
@click.option("--max-texts", type=click.IntRange(min=1), metavar="N", help="Of one request.")
@click.option("--max-body-bytes", type=click.IntRange(min=1), metavar="N", help="Of one request.")
@click.option("--max-requests", type=click.IntRange(min=1), metavar="N", help="Under way at a time.")
@click.option("--queue-tokens", type=click.IntRange(min=1), metavar="N", help="That may wait; beyond, clients get 429.")
@click.option("--grace", "grace", type=click.FloatRange(min=0), metavar="SECONDS", help="For finishing at SIGTERM.")
@click.option("--access-log", is_flag=True, help="A line of JSON for each request on standard error; never with texts.")
def serve(
    model: str,
    host: str,
    port: int,
    backend: str,
    device: str | None,
    dtype: str | None,
    pooling: str | None,
    clean: bool,
    max_tokens: int | None,
    long: str,
    model_name: str | None,
    api_key_file: str | None,
    max_text_bytes: int | None,
    max_texts: int | None,
    max_body_bytes: int | None,
    max_requests: int | None,
    queue_tokens: int | None,
    grace: float | None,
    access_log: bool,
) -> None:
    """Serve MODEL (a folder, or a hub id that is cached) over HTTP.

    Routes: /v1/embeddings and /v1/models as OpenAI has them, /embed and /info as text-embeddings-inference, /clean, /health,
    /metrics. SIGTERM: what is under way is finished first.
    """
    from vinilm.errors import BackendError

    keys = _keys(api_key_file)
    try:
        from vinilm.serve.app import create_app
        from vinilm.serve.limits import Limits
        from vinilm.serve.middleware import Keys
        from vinilm.serve.server import Server, bound_socket, is_loopback
        from vinilm.serve.service import Service
    except ImportError as error:
        raise BackendError(
            f'serving needs {error.name or "a library"}, which is not installed: pip install "vnlp-prep[vinilm,serve]"'
        ) from error
    from vinilm.features import FeatureExtractor

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    log = logging.getLogger("vinilm.serve")
    log.setLevel(logging.INFO)
    access = logging.getLogger("vinilm.serve.access")
    access.propagate = False  # its lines are JSON and nothing else
    access.addHandler(logging.StreamHandler())
    given = {
        "text_bytes": max_text_bytes,
        "texts": max_texts,
        "body_bytes": max_body_bytes,
        "requests": max_requests,
        "queue_tokens": queue_tokens,
        "grace_seconds": grace,
    }
    limits = Limits(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    sock = bound_socket(host, port)
    if keys is None and not is_loopback(sock):
        log.warning("anybody who reaches %s may use this service: there is no key (--api-key-file or %s)", host, KEY_VARIABLE)
    fx = FeatureExtractor.from_pretrained(
        model,
        backend=backend,
        device=device,
        dtype=dtype,
        pooling=pooling,
        preprocess=clean,
        max_tokens=max_tokens,
        long="chunk" if long == "chunk" else "truncate",
    )
    service = Service(fx, limits)
    name = model_name or (Path(model).resolve().name if Path(model).is_dir() else model)
    app = create_app(service, name, keys=Keys(keys) if keys else None, truncate=long != "refuse", access_log=access_log)
    log.info("%s is loaded: %s", name, fx)
    Server(app, service).run([sock])


def _keys(file: str | None) -> list[str] | None:
    """Return the keys in ``file``, else that in the environment, else None. They are no option: other users see command lines."""
    from vnlp_prep.errors import SettingsError

    if file is not None:
        try:
            found = [line.strip() for line in Path(file).read_text(encoding="utf-8").splitlines() if line.strip()]
        except (OSError, ValueError) as error:
            raise SettingsError(f"{file}: cannot read the keys: {error}") from error
        if not found:
            raise SettingsError(f"{file}: no key in it; write one a line")
    elif KEY_VARIABLE in os.environ:
        found = [os.environ[KEY_VARIABLE].strip()]
        if not found[0]:
            raise SettingsError(f"{KEY_VARIABLE} is empty; give it a key, or unset it")
    else:
        return None
    return found
