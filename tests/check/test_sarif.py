"""SARIF: valid by the schema of version 2.1.0, and its fixes are those that --fix makes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vnlp_prep.check.sarif import Sarif

jsonschema = pytest.importorskip("jsonschema")

# As it is published in the npm package @microsoft/sarif-multitool-linux 5.7.0 (MIT licence).
SCHEMA = json.loads((Path(__file__).parent / "sarif-2.1.0.json").read_bytes())
MARKDOWN = "# Teh title\n\nThe host 😀 recieve a mesage\u200b.\r\n\nand specifiedin the sevrice.\n"
RECORD = {"text": 'Caf\u00e9 menu: recieve &amp; "teh\nhost 😀 of teh fkag', "body": {"a": "Teh log"}}


@pytest.fixture
def log(check, tmp_path):
    (tmp_path / "a b.md").write_bytes(MARKDOWN.encode())
    lines = ['{"text": "The fkag is set", "body": {"a": ""}}', json.dumps(RECORD), json.dumps(RECORD, ensure_ascii=False), "bad"]
    (tmp_path / "x.jsonl").write_bytes("\n".join(lines).encode())
    result = check("a b.md", "x.jsonl", "none.md", "--format", "sarif", "--unsafe", "--field", "text", "--field", "body.a")
    assert result.status == 2
    return json.loads(result.out)


def test_the_log_is_valid(log):
    validator = jsonschema.validators.validator_for(SCHEMA)
    validator.check_schema(SCHEMA)
    validator(SCHEMA).validate(log)


def test_an_empty_log_is_valid():
    (text,) = Sarif("1.2.3").end()
    jsonschema.validate(json.loads(text), SCHEMA)


def test_rules_regions_and_levels(log):
    (run,) = log["runs"]
    assert run["columnKind"] == "unicodeCodePoints"
    rules = run["tool"]["driver"]["rules"]
    assert len({rule["name"] for rule in rules}) == len(rules)
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert ("fixes" in result) == (result["ruleId"] != "input/invalid-json")
    assert {result["level"] for result in run["results"]} == {"error", "warning", "note"}
    uris = {result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in run["results"]}
    assert uris == {"a%20b.md", "x.jsonl"}
    fields = {where["name"] for r in run["results"] for where in r["locations"][0].get("logicalLocations", [])}
    assert fields == {"text", "body.a"}


def test_a_file_that_cannot_be_read_is_told_of(log):
    (invocation,) = log["runs"][0]["invocations"]
    assert invocation["executionSuccessful"] is False
    assert "none.md: no such file" in invocation["toolExecutionNotifications"][0]["message"]["text"]


def test_its_fixes_are_those_of_fix(check, log, tmp_path):
    for name in ("a b.md", "x.jsonl"):
        lines = (tmp_path / name).read_bytes().decode().split("\n")
        changes = [
            replacement
            for result in log["runs"][0]["results"]
            if result["properties"]["safe"]
            for change in result["fixes"][0]["artifactChanges"]
            if change["artifactLocation"]["uri"] == name.replace(" ", "%20")
            for replacement in change["replacements"]
        ]
        assert changes
        for change in sorted(changes, key=lambda c: (c["deletedRegion"]["startLine"], -c["deletedRegion"]["startColumn"])):
            region = change["deletedRegion"]
            assert region["startLine"] == region["endLine"]
            line = lines[region["startLine"] - 1]
            inserted = change["insertedContent"]["text"]
            lines[region["startLine"] - 1] = line[: region["startColumn"] - 1] + inserted + line[region["endColumn"] - 1 :]
        check(name, "--fix", "--field", "text", "--field", "body.a")
        assert (tmp_path / name).read_bytes().decode() == "\n".join(lines)
