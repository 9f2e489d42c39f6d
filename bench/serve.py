"""``vinilm serve`` under load, with a real client, beside ``encode`` of the same texts in one run.

    python bench/serve.py MODEL                          one thread for the encoder, six minutes
    python bench/serve.py MODEL --backend openvino --dtype auto --seconds 20

*Throughput.* The texts are encoded offline and by the service in turns, several times, and the medians compared: requests of one
text, 64 of them under way; requests of 32 texts, 4 under way. Client and service are processes of their own on one machine, which
they share with whatever else runs there; so the processor time of each side is given too.

*Latency.* Requests of one text arrive by chance (a Poisson process, whether or not the last ones were answered) at a part of the
throughput that was measured.

*Overload.* The same at four times the throughput: every request must be answered, with 200 or 429. Then clients that come back
when ``Retry-After`` says so: each must succeed in the end. Vectors of the service are compared with the offline ones throughout.

The texts are cut from the pages of this documentation: 5 to 400 tokens, evenly on a logarithmic scale, with a fixed seed.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import os
import random
import re
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

import httpx
import numpy as np
import orjson
import results

SEED = 20261122
LOADS = (0.25, 0.5, 0.75, 0.9)
OVERLOAD = 4
# Requests of one text and of several: texts in each, requests under way.
SHAPES = ((1, 64), (32, 4))


def texts(number: int) -> list[str]:
    """Return texts of 5 to 400 tokens out of the documentation."""
    rng = random.Random(SEED)
    words: list[str] = []
    for page in [results.ROOT / "README.md", *sorted((results.ROOT / "docs").glob("*.md"))]:
        words += re.findall(r"\S+", page.read_text(encoding="utf-8"))
    out = []
    for _ in range(number):
        # A word of this prose is 1.5 tokens or so.
        size = round(5 * 80 ** rng.random() / 1.5)
        at = rng.randrange(len(words) - size)
        out.append(" ".join(words[at : at + size]))
    return out


@dataclass
class Outcome:
    """What became of the requests of a run."""

    statuses: Counter[str] = field(default_factory=Counter)
    #: Seconds until the answer, of those with status 200.
    seconds: list[float] = field(default_factory=list)
    seconds_of_429: list[float] = field(default_factory=list)
    wrong: int = 0
    sent: int = 0
    wall: float = 0.0
    #: Seconds of processor time of the service.
    cpu: float = 0.0

    def row(self) -> dict[str, Any]:
        """The numbers, for the results."""
        row: dict[str, Any] = {
            "sent": self.sent,
            "statuses": dict(self.statuses),
            "wrong": self.wrong,
            "wall": round(self.wall, 2),
        }
        for name, values in (("ms", self.seconds), ("ms_429", self.seconds_of_429)):
            if values:
                p50, p95, p99 = (float(p) * 1000 for p in np.percentile(values, (50, 95, 99)))
                row[name] = {"p50": round(p50, 1), "p95": round(p95, 1), "p99": round(p99, 1)}
        return row


class Client:
    """Asks the service, and compares what it says with the offline vectors."""

    def __init__(self, address: str, model: str, texts: list[str], vectors: Any) -> None:
        self.model = model
        self.texts = texts
        self.vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        # Several, taken in turns: the cost of a request in one client grows with its connections.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=100)
        self.clients = cycle([httpx.AsyncClient(base_url=address, timeout=300, limits=limits) for _ in range(16)])

    async def ask(self, first: int, number: int, outcome: Outcome) -> httpx.Response | None:
        """Ask for ``number`` vectors from text ``first`` on."""
        outcome.sent += 1
        body = orjson.dumps({"model": self.model, "input": self.texts[first : first + number], "encoding_format": "base64"})
        started = time.perf_counter()
        try:
            response = await next(self.clients).post("/v1/embeddings", content=body, headers={"Content-Type": "application/json"})
        except httpx.HTTPError as error:
            outcome.statuses[type(error).__name__] += 1
            return None
        seconds = time.perf_counter() - started
        outcome.statuses[str(response.status_code)] += 1
        if response.status_code == 200:
            outcome.seconds.append(seconds)
            rows = [np.frombuffer(base64.b64decode(d["embedding"]), "<f4") for d in orjson.loads(response.content)["data"]]
            expected = self.vectors[first : first + number]
            # 1e-2: two bf16 results of one text in different batches; a vector of another text is far off.
            if len(rows) != len(expected) or np.abs(np.stack(rows) - expected).max() > 1e-2:
                outcome.wrong += 1
        elif response.status_code == 429:
            outcome.seconds_of_429.append(seconds)
        return response

    async def cpu_seconds(self) -> float:
        """Return the processor time that the service has used, as it says itself."""
        lines = (await next(self.clients).get("/metrics")).text.splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith("process_cpu_seconds_total "))

    async def closed(self, number: int, under_way: int) -> Outcome:
        """Ask for all texts once, ``number`` at a time, with ``under_way`` requests at any moment."""
        outcome = Outcome()
        before = await self.cpu_seconds()
        starts = iter(range(0, len(self.texts), number))

        async def work() -> None:
            for first in starts:
                await self.ask(first, number, outcome)

        started = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(under_way)))
        outcome.wall = time.perf_counter() - started
        outcome.cpu = await self.cpu_seconds() - before
        return outcome

    async def open(self, rate: float, seconds: float) -> Outcome:
        """Ask for single texts that arrive by chance, ``rate`` a second."""
        rng = random.Random(SEED)
        outcome = Outcome()
        started = time.perf_counter()
        at, asked = started, []
        while (at := at + rng.expovariate(rate)) < started + seconds:
            await asyncio.sleep(max(0, at - time.perf_counter()))
            asked.append(asyncio.create_task(self.ask(rng.randrange(len(self.texts)), 1, outcome)))
        await asyncio.gather(*asked)
        outcome.wall = time.perf_counter() - started
        return outcome

    async def patient(self, clients: int) -> dict[str, Any]:
        """Let ``clients`` ask at once, each for one text, and come back when they are told to."""
        outcome = Outcome()
        tries: list[int] = []

        async def work(i: int) -> None:
            for attempt in range(1, 101):
                response = await self.ask(i % len(self.texts), 1, outcome)
                if response is not None and response.status_code == 200:
                    tries.append(attempt)
                    return
                await asyncio.sleep(float(response.headers["Retry-After"]) if response is not None else 1)

        started = time.perf_counter()
        await asyncio.gather(*(work(i) for i in range(clients)))
        outcome.wall = time.perf_counter() - started
        return {**outcome.row(), "clients": clients, "succeeded": len(tries), "most_tries": max(tries, default=0)}


@contextlib.contextmanager
def service(model: str, options: list[str]) -> Iterator[str]:
    """Run the service on a free port; yield its address."""
    environment = {**os.environ, "PYTHONPATH": str(results.ROOT)}
    command = [sys.executable, "-m", "vinilm", "serve", model, "--port", "0", "--model-name", "bench", *options]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if found := re.search(r"listening on (http://\S+)", line):
                break
            print(line, end="", file=sys.stderr)
        else:
            raise SystemExit("the service did not start")
        yield found[1]
        process.terminate()
        if process.wait(60):
            raise SystemExit(f"the service ended with status {process.returncode}: {process.stderr.read()[-2000:]}")
    finally:
        process.kill()


async def measure(arguments: argparse.Namespace, fx: Any, address: str, found: dict[str, Any]) -> None:
    """Fill ``found`` with what is measured."""
    all_texts = texts(arguments.texts)
    started = time.perf_counter()
    vectors = fx.encode(all_texts)
    offline, offline_cpu = [time.perf_counter() - started], []
    client = Client(address, "bench", all_texts, vectors)
    served: dict[tuple[int, int], list[Outcome]] = {shape: [] for shape in SHAPES}
    await client.closed(*SHAPES[0])  # both have run once before anything counts
    for _ in range(arguments.rounds):
        started, cpu = time.perf_counter(), time.process_time()
        await asyncio.to_thread(fx.encode, all_texts)
        offline.append(time.perf_counter() - started)
        offline_cpu.append(time.process_time() - cpu)
        for shape in SHAPES:
            served[shape].append(await client.closed(*shape))
    found["tokens_per_text"] = round(fx.prepare(all_texts).tokens / len(all_texts), 1)
    reference = len(all_texts) / statistics.median(offline[1:])
    found["offline"] = {
        "texts_per_second": round(reference, 2),
        "cpu_ms_per_text": round(statistics.median(offline_cpu) / len(all_texts) * 1000, 2),
        "rounds": [round(s, 2) for s in offline[1:]],
    }
    print(found["offline"], flush=True)
    found["throughput"] = []
    for (number, under_way), outcomes in served.items():
        rate = len(all_texts) / statistics.median(o.wall for o in outcomes)
        statuses = sum((o.statuses for o in outcomes), Counter())
        found["throughput"].append(
            {
                "texts_per_request": number,
                "requests_under_way": under_way,
                "texts_per_second": round(rate, 2),
                "share_of_offline": round(rate / reference, 3),
                "cpu_ms_per_text": round(statistics.median(o.cpu for o in outcomes) / len(all_texts) * 1000, 2),
                "rounds": [round(o.wall, 2) for o in outcomes],
                "statuses": dict(statuses),
                "wrong": sum(o.wrong for o in outcomes),
            }
        )
        print(found["throughput"][-1], flush=True)
    capacity = found["throughput"][0]["texts_per_second"]
    found["latency"] = []
    for load in LOADS:
        outcome = await client.open(load * capacity, arguments.seconds)
        found["latency"].append({"load": load, **outcome.row()})
        print(found["latency"][-1], flush=True)
    found["overload"] = {"load": OVERLOAD, **(await client.open(OVERLOAD * capacity, arguments.seconds)).row()}
    print(found["overload"], flush=True)
    found["patient"] = await client.patient(arguments.clients)
    print(found["patient"], flush=True)


def main() -> None:
    """Measure, and keep the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="folder or hub id")
    parser.add_argument("--backend", default="auto")
    parser.add_argument("--dtype")
    parser.add_argument("--threads", type=int, default=1, help="of the encoder, offline and served")
    parser.add_argument("--texts", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=20, help="of each load")
    parser.add_argument("--clients", type=int, default=1200, help="that come back until they have their answer")
    parser.add_argument("--queue-tokens", type=int, help="as for vinilm serve")
    arguments = parser.parse_args()
    # Read by the backends when they are loaded, here and in the service.
    os.environ["OMP_NUM_THREADS"] = str(arguments.threads)
    sys.path.insert(0, str(results.ROOT))
    from vinilm import FeatureExtractor

    fx = FeatureExtractor.from_pretrained(arguments.model, backend=arguments.backend, dtype=arguments.dtype)
    shape = fx.model.shape
    found: dict[str, Any] = {
        "date": results.today(),
        "machine": results.machine().split(";")[0],
        "model": f"{shape.num_hidden_layers} x {shape.hidden_size}",
        "backend": f"{fx.backend.name} {fx.backend.dtype}",
        "threads": arguments.threads,
        "texts": arguments.texts,
    }
    options = ["--backend", arguments.backend]
    options += ["--dtype", arguments.dtype] if arguments.dtype else []
    options += ["--queue-tokens", str(arguments.queue_tokens)] if arguments.queue_tokens else []
    with service(arguments.model, options) as address:
        asyncio.run(measure(arguments, fx, address, found))
    kept = results.load("serve")
    kept[f"{found['model']}, {found['backend']}"] = found
    results.save("serve", kept)


if __name__ == "__main__":
    main()
