"""The report as JUnit XML: a test for each rule and each cause."""

import xml.etree.ElementTree as ET  # written only, never parsed
from typing import Final

from emgrig.attach.report.causes import ABOUT
from emgrig.attach.report.model import Finding, Report
from emgrig.attach.report.text import SIMULATED, finding_lines, lines
from emgrig.names import shown

SUITE: Final = "emgrig attach"
OWN_END: Final = "the firmware's own end"


def junit(report: Report) -> str:
    """Return the XML; what is harmless passes, and says so on its output."""
    found: dict[str, list[Finding]] = {}
    for finding in report.findings:
        found.setdefault(finding.cause, []).append(finding)
    suite = ET.Element("testsuite", name=SUITE, time=f"{report.duration_s:.6f}")
    properties = ET.SubElement(suite, "properties")
    for name, value in _properties(report):
        ET.SubElement(properties, "property", name=name, value=shown(value))
    n_failed = 0
    for cause in ABOUT:
        case = ET.SubElement(suite, "testcase", classname=SUITE, name=cause.value, time="0")
        n_failed += _add(case, found.get(cause.value, []))
    n_failed += _add_end(suite, report)
    suite.set("tests", str(len(ABOUT) + 1))
    suite.set("failures", str(n_failed))
    suite.set("errors", "0")
    suite.set("skipped", "0")
    ET.SubElement(suite, "system-out").text = shown("\n".join(lines(report, is_short=False)))
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _properties(report: Report) -> list[tuple[str, str]]:
    bench = report.bench
    return [
        ("simulated", "true"),
        ("label", SIMULATED),
        ("verdict", report.verdict.outcome),
        ("headline", report.verdict.headline),
        ("rests on", report.verdict.rests_on),
        ("firmware", report.firmware),
        ("processor", bench.processor),
        ("source", bench.source),
        ("seed", str(bench.seed)),
    ]


def _add_end(suite: ET.Element, report: Report) -> bool:
    """Add a test for how the firmware itself ended; True if it failed and nothing else did."""
    case = ET.SubElement(suite, "testcase", classname=SUITE, name=OWN_END, time="0")
    if report.verdict.outcome != "failed":
        return False
    ET.SubElement(case, "failure", message=shown(report.remark), type="failed")
    return True


def _add(case: ET.Element, findings: list[Finding]) -> bool:
    """Put what was found into a test; True if it fails by that."""
    if not findings:
        return False
    text = shown(
        "\n".join(
            line
            for finding in findings
            for line in finding_lines(finding, is_first=False, is_short=False)
        )
    )
    failing = [finding for finding in findings if finding.weight.is_failing]
    if failing:
        failure = ET.SubElement(
            case, "failure", message=shown(failing[0].text), type=str(failing[0].weight)
        )
        failure.text = text
    else:
        ET.SubElement(case, "system-out").text = text
    return bool(failing)
