"""A verdict in machine-readable form: JSON, JUnit XML, GitHub's workflow commands."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any
from xml.etree import ElementTree

from bench.check.text import headline, remarks, sentence
from bench.check.verdict import Change, CheckFinding, Verdict
from bench.text.escape import workflow_command
from bench.text.plain import harmless


def as_json(verdict: Verdict) -> str:
    """The whole verdict with every image. An infinite amount (identical pixels before or now) is ``null``."""
    document = {
        "outcome": verdict.outcome,
        "compared": verdict.compared,
        "identical": verdict.identical,
        "environment": list(verdict.environment),
        "findings": [asdict(it) | {"worst": it.worst} for it in verdict.findings],
        "speed": [asdict(it) for it in verdict.speed],
    }
    return json.dumps(_finite(document), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def as_junit(verdict: Verdict) -> str:
    """A test suite for each codec with findings, and one for the check itself."""
    root = ElementTree.Element("testsuites", name="rdbench check")
    overall = ElementTree.SubElement(root, "testsuite", name="rdbench check")
    case = ElementTree.SubElement(overall, "testcase", classname="rdbench", name="verdict")
    text = "\n".join((headline(verdict), *remarks(verdict)))
    ElementTree.SubElement(case, "system-out").text = _clean(text)
    for label, findings in verdict.by_codec():
        suite = ElementTree.SubElement(root, "testsuite", name=_clean(label))
        for finding in findings:
            _case(suite, finding)
    for element in root:
        element.set("tests", str(len(element)))
        element.set("failures", str(len(element.findall("./testcase/failure"))))
        element.set("skipped", str(len(element.findall("./testcase/skipped"))))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


_ANNOTATIONS = 10
"""Findings that become annotations: GitHub shows no more than ten of a level and step."""


def as_github(verdict: Verdict) -> str:
    """``::error`` for what fails, ``::warning`` for what cannot be decided, ``::notice`` for all else.

    The verdict comes first, then the ten worst findings; the others are counted.
    """
    level = {"pass": "notice", "inconclusive": "warning"}.get(verdict.outcome, "error")
    level = "error" if any(it.fails for it in verdict.findings) else level
    lines = [workflow_command(level, "rdbench check", "\n".join((headline(verdict), *remarks(verdict))))]
    for finding in verdict.findings[:_ANNOTATIONS]:
        level = "error" if finding.fails else "notice"
        if finding.kind in ("inconclusive", "environment changed") and not finding.fails:
            level = "warning"
        lines.append(workflow_command(level, f"{finding.label}: {finding.kind}", sentence(finding)))
    if more := verdict.findings[_ANNOTATIONS:]:
        lines.append(f"and {len(more)} more, which the summary of the job lists")
    return "\n".join(lines) + "\n"


def _case(suite: ElementTree.Element, finding: CheckFinding) -> None:
    point = "" if finding.quality is None else f" quality {finding.quality:g}"
    case = ElementTree.SubElement(
        suite, "testcase", classname=_clean(finding.label), name=_clean(f"{finding.measure}{point}")
    )
    text = _clean(sentence(finding))
    if finding.fails:
        failure = ElementTree.SubElement(case, "failure", type=finding.kind, message=text)
        failure.text = "\n".join(_clean(_image(it)) for it in finding.changes)
    elif finding.kind == "inconclusive":
        ElementTree.SubElement(case, "skipped", message=text)
    else:
        ElementTree.SubElement(case, "system-out").text = text


def _image(change: Change) -> str:
    measured = (change.before, change.after) != (None, None)
    return f"{change.image}: {change.before} -> {change.after}" if measured else change.image


def _clean(text: str) -> str:
    """Lines without control characters, which XML 1.0 does not allow."""
    return "\n".join(map(harmless, text.split("\n")))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(it) for key, it in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(it) for it in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
