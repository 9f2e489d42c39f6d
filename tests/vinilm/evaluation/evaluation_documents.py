"""Documents about a few products, as a user has them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

TOPICS = {
    "harbor": [
        "image registry",
        "replication rule",
        "vulnerability scanner",
        "robot account",
        "garbage collection",
        "proxy cache",
    ],
    "velero": ["cluster backup", "restore hook", "volume snapshot", "storage location", "backup schedule", "node agent"],
    "antrea": ["network policy", "traffic control", "egress gateway", "flow exporter", "service proxy", "pod multicast"],
}
FORMATS = {
    "md": "# {title}\n\n## How to configure the {topic}\n\n{body}\n\n## Overview\n\n{other}\n",
    "rst": "{title}\n{line}\n\nHow to configure the {topic}\n{line}\n\n{body}\n\nOverview\n--------\n\n{other}\n",
}


def body(product: str, topic: str, number: int) -> str:
    """More than thirty words of prose about a topic."""
    return (
        f"The {topic} of {product.capitalize()} is managed by an administrator, who can enable it for every project. When the "
        f"{topic} is enabled, the system records each change of the {topic} and shows it in the list of events. You don't need "
        f"to restart anything: after {number} minutes the new settings of the {topic} are used by all connected clients."
    )


def documents() -> list[dict[str, Any]]:
    found = []
    for product, topics in TOPICS.items():
        for number, topic in enumerate(topics):
            format = "rst" if number % 2 else "md"
            title = f"The {topic} in {product}"
            text = FORMATS[format].format(
                title=title,
                line="=" * 60,
                topic=topic,
                body=body(product, topic, number),
                other=body(product, f"other {topic}", number).replace("administrator", "operator"),
            )
            found.append(
                {"id": f"{product}/{number}.{format}", "product": product, "title": title, "text": text, "repo": f"x/{product}"}
            )
    return found


def write_lines(path: Path, records: list[Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
