"""Write the report's files."""

from pathlib import Path
from typing import Final

from emgrig.attach.facts import BenchFacts
from emgrig.attach.report.junit import junit
from emgrig.attach.report.model import Report
from emgrig.attach.report.vcd import vcd
from emgrig.filemodel import save
from emgrig.files import make_folder, write_file

FILES: Final = ("report.json", "index.html", "junit.xml", "bus.vcd")


def write_report(report: Report, facts: BenchFacts, folder: Path) -> None:
    """Write report.json, index.html, junit.xml and bus.vcd; RecordingError if that cannot be."""
    from emgrig.attach.report.page import page

    make_folder(folder)
    save(folder / "report.json", report)
    write_file(folder / "index.html", page(report))
    write_file(folder / "junit.xml", junit(report))
    write_file(folder / "bus.vcd", vcd(facts))
