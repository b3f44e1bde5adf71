"""The report as one self-contained HTML page."""

from emgrig.attach.report.model import ChipReport, Report
from emgrig.attach.report.text import assumed_line, chip_line, judged, margin_name, verdict_line
from emgrig.pages.page import render


def page(report: Report) -> str:
    """Return the page."""
    return render(
        "emgrig.attach.report/page.html",
        title="Firmware against the data sheet",
        simulated=True,
        outcome=_outcome(report),
        report=report,
        verdict=verdict_line(report),
        assumed=assumed_line(report),
        chips=[(chip, chip_line(chip), _margins(chip)) for chip in report.chips],
    )


def _outcome(report: Report) -> str:
    if report.verdict.exit_code:
        return "fail"
    return "marginal" if report.findings else "pass"


def _margins(chip: ChipReport) -> list[tuple[str, str, str, str, str, str]]:
    return [
        (
            margin_name(spare),
            f"{spare.us:.2f}",
            _left(spare.slow_clock_us),
            _left(spare.fast_clock_us),
            _left(spare.fast_processor_us),
            judged(spare, is_short=True),
        )
        for spare in chip.margins
    ]


def _left(value_us: float | None) -> str:
    return "" if value_us is None else f"{value_us:+.2f}"
