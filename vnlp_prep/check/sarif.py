"""Findings in the Static Analysis Results Interchange Format, SARIF 2.1.0 (OASIS standard), with fixes that tools can make.

Regions are those of the file as it is written: in a line of JSON an escape counts as its characters, and what a fix inserts is
escaped. Columns count code points.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from vnlp_prep.check.report import Report
from vnlp_prep.check.rules import all_rules, rule_of

if TYPE_CHECKING:
    from vnlp_prep.check.finding import Finding

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


class Sarif(Report):
    """A log of one run; written as a whole at its end."""

    def __init__(self, version: str) -> None:
        """``version`` of this program."""
        self._version = version
        self._results: list[dict[str, Any]] = []
        self._rules = {id: number for number, id in enumerate(all_rules())}

    def add(self, findings: Iterable[Finding]) -> Iterator[str]:
        """Take in the findings of a file; nothing is written yet."""
        self._results += [self._result(f) for f in findings]
        return iter(())

    def end(self) -> Iterator[str]:
        """Yield the log."""
        invocation: dict[str, Any] = {"executionSuccessful": not self.errors}
        if self.errors:
            invocation["toolExecutionNotifications"] = [{"level": "error", "message": {"text": text}} for text in self.errors]
        run = {
            "tool": {"driver": self._driver()},
            "invocations": [invocation],
            "columnKind": "unicodeCodePoints",
            "newlineSequences": ["\r\n", "\n"],
            "results": self._results,
        }
        yield json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1)

    def _driver(self) -> dict[str, Any]:
        rules = [rule_of(*id.split("/")) for id in self._rules]
        return {
            "name": "vnlp-prep",
            "version": self._version,
            "rules": [
                {
                    "id": rule.id,
                    "name": "".join(part.capitalize() for part in rule.id.replace("/", "-").split("-")),
                    "shortDescription": {"text": rule.what[0].upper() + rule.what[1:]},
                    "defaultConfiguration": {"level": "error" if rule.stage == "input" else "warning"},
                    "properties": {"tags": [rule.stage]},
                }
                for rule in rules
            ],
        }

    def _result(self, f: Finding) -> dict[str, Any]:
        region = {"startLine": f.line, "startColumn": f.file_column, "endLine": f.end_line, "endColumn": f.file_end_column}
        location: dict[str, Any] = {"physicalLocation": {"artifactLocation": {"uri": _uri(f.file)}, "region": region}}
        if f.field is not None:
            location["logicalLocations"] = [{"name": f.field, "kind": "member"}]
        result: dict[str, Any] = {
            "ruleId": f.rule_id,
            "ruleIndex": self._rules[f.rule_id],
            "level": "error" if f.is_problem else "warning" if f.safe else "note",
            "message": {"text": f.sentence},
            "locations": [location],
            "partialFingerprints": {"context/v1": _fingerprint(f)},
            "properties": {"stage": f.stage, "confidence": f.confidence, "safe": f.safe, "column": f.column},
        }
        if not f.is_problem:
            replacement = {"deletedRegion": region, "insertedContent": {"text": f.written}}
            change = {"artifactLocation": {"uri": _uri(f.file)}, "replacements": [replacement]}
            result["fixes"] = [{"description": {"text": f.sentence}, "artifactChanges": [change]}]
        return result


def _uri(file: str) -> str:
    """Return the path of a file as a reference (RFC 3986), relative to where the command ran unless it is absolute."""
    uri = quote(file.replace("\\", "/"), safe="/~!$&'()*+,;=@")
    return f"file://{uri}" if uri.startswith("/") else uri


def _fingerprint(f: Finding) -> str:
    """Return what a finding is told by when its line moves."""
    text = "\0".join((f.rule_id, f.before, f.after, f.left[-24:], f.right[:24]))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
