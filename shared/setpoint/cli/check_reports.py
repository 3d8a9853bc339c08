"""Check results for machines: SARIF 2.1.0, JUnit, GitHub annotations, and Markdown for pull requests.

Sources: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html,
https://docs.github.com/actions/reference/workflow-commands-for-github-actions,
https://docs.gitlab.com/ci/testing/unit_test_reports/
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal, NamedTuple
from xml.etree import ElementTree as ET

from setpoint.cli.github_annotations import annotation
from setpoint.cli.markdown import code
from setpoint.cli.output import out

_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
MAX_ROWS = 100
"""A comment of GitHub has at most 65,536 characters."""


class CiResult(NamedTuple):
    """One thing that is wrong.

    Args:
        file: where it is declared; empty where nothing declares it.
        line: from 1; 0 where unknown.
        rule: what kind of thing it is.
        level: whether it fails a check.
        subject: the resource or the document.
        message: what is wrong, a sentence or several lines.
        address: Terraform's address; empty where it is not of Terraform. The line of a state or plan says nothing.
    """

    file: str
    line: int
    rule: str
    level: Literal["error", "warning"]
    subject: str
    message: str
    address: str = ""

    @property
    def place(self) -> str:
        """Where it is declared, for people."""
        if self.address:
            return f"{self.address} in {self.file}"
        return f"{self.file}:{self.line}" if self.line else self.file


def print_report(output: str, results: Sequence[CiResult], *, headline: str, suite: str, passed: int) -> None:
    """Print results on standard output in one of the formats for CI.

    Args:
        output: ``sarif``, ``junit``, ``github`` or ``markdown``.
        results: what is wrong.
        headline: the whole in one sentence, for people.
        suite: what was checked.
        passed: how many checks found nothing.
    """
    writers: dict[str, Callable[[], Iterable[str]]] = {
        "sarif": lambda: [json.dumps(as_sarif(results), ensure_ascii=False, indent=2)],
        "junit": lambda: [as_junit(results, suite, passed)],
        "github": lambda: as_annotations(results),
        "markdown": lambda: as_markdown(results, headline),
    }
    for line in writers[output]():
        out.out(line, highlight=False)


def as_sarif(results: Sequence[CiResult]) -> dict[str, Any]:
    """The results as a SARIF log with one run."""
    rules = [{"id": rule, "name": rule} for rule in dict.fromkeys(result.rule for result in results)]
    run = {"tool": {"driver": {"name": "setpoint", "rules": rules}}, "results": [_sarif(result) for result in results]}
    return {"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}


def _sarif(result: CiResult) -> dict[str, Any]:
    text = ": ".join(filter(None, (result.subject, result.message)))
    written: dict[str, Any] = {"ruleId": result.rule, "level": result.level, "message": {"text": text}}
    if result.file:
        place: dict[str, Any] = {"artifactLocation": {"uri": result.file.replace("\\", "/")}}
        location: dict[str, Any] = {"physicalLocation": place}
        if result.address:
            location["logicalLocations"] = [{"fullyQualifiedName": result.address, "kind": "resource"}]
        elif result.line:
            place["region"] = {"startLine": result.line}
        written["locations"] = [location]
    return written


def as_junit(results: Sequence[CiResult], suite: str, passed: int) -> str:
    """The results as a JUnit report; a warning is not a failure.

    Args:
        results: what is wrong.
        suite: what was checked.
        passed: how many checks found nothing, for the total.
    """
    failures = sum(result.level == "error" for result in results)
    root = ET.Element("testsuite", name=suite, tests=str(passed + len(results)), failures=str(failures), errors="0")
    for result in results:
        place = result.place
        case = ET.SubElement(root, "testcase", classname=result.rule, name=result.subject or place)
        if result.file:
            case.set("file", result.file)
        if result.level == "error":
            first = result.message.partition("\n")[0]
            ET.SubElement(case, "failure", message=first).text = f"{place}\n{result.message}".strip()
        else:
            ET.SubElement(case, "system-out").text = f"{place}\n{result.message}".strip()
    return ET.tostring(root, encoding="unicode", xml_declaration=True)


def as_annotations(results: Sequence[CiResult]) -> Iterator[str]:
    """The results as annotations of lines in a pull request on GitHub."""
    for result in results:
        line = str(result.line) if result.line and not result.address else ""
        text = ": ".join(filter(None, (result.address, result.subject, result.message)))
        yield annotation(result.level, text, result.file, line)


def as_markdown(results: Sequence[CiResult], headline: str) -> Iterator[str]:
    """The results as a comment on a pull request; values are code, so that nothing in them formats or mentions."""
    yield f"### Setpoint: {headline}"
    if not results:
        return
    yield ""
    yield "| | Resource | What | Declared in |"
    yield "|---|---|---|---|"
    for result in results[:MAX_ROWS]:
        lines = "<br>".join(map(code, result.message.splitlines()))
        yield f"| {result.rule} | {code(result.subject)} | {lines} | {code(result.place)} |"
    if (more := len(results) - MAX_ROWS) > 0:
        yield ""
        yield f"and {more} more"
