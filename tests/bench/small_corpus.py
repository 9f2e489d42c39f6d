"""A corpus of a few documents for the tests of the speed benchmark."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

PARAGRAPHS = (
    "The host is added to the cluster when you click the button, and the storage is mounted on all of the other hosts.",
    "You can't remove a virtual machine that is still running; power it off first, or wait until the backup has finished.",
    'The dialog shows "not responding" - restart the management agent, and then look at the log file for the reason.',
    "If the network is slow, change the timeout in the settings of the client. The default value is thirty seconds.",
)
CORPUS = [
    *(
        {
            "format": "md",
            "text": f"# Page {i}\n\nSee [the guide](https://example.com/{i}) and `esxcli system version get`.\n\n"
            + "\n\n".join(PARAGRAPHS[i % 2 :] + PARAGRAPHS[: i % 3]),
        }
        for i in range(12)
    ),
    *(
        {
            "format": "html",
            "text": f"<html><head><title>Page {i}</title></head><body><h1>Page {i}</h1>"
            + "".join(f"<p>{p}&nbsp;<b>Note</b></p>" for p in PARAGRAPHS)
            + "</body></html>",
        }
        for i in range(3)
    ),
]


def write_shared(folder: Path) -> Path:
    """Write the corpus where the benchmarks look for it, and return the folder that they are given."""
    path = folder / "data" / "corpus" / "vmware_docs.jsonl.gz"
    path.parent.mkdir(parents=True)
    with gzip.open(path, "wt", encoding="utf-8") as file:
        for number, record in enumerate(CORPUS):
            file.write(json.dumps({"id": str(number), **record}) + "\n")
    return folder
