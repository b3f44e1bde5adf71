"""What `emgrig clock-report` says: the time of the video beside that of the EMG."""

from dataclasses import asdict

import numpy as np

from emgrig.analysis.paper.annotations import read_annotations
from emgrig.analysis.paper.clock_report import ClockSummary, clock_reports, clock_summary
from emgrig.tools.analyse.options import OfCasmemg
from emgrig.tools.common.output import print_facts, print_json, print_table


def report_clocks(given: OfCasmemg) -> None:
    """Report offset, drift, residual and jumps between video and EMG time, per recording."""
    expressions = read_annotations(given.annotations)
    reports, summary = clock_reports(expressions), clock_summary(expressions)
    if given.as_json:
        listed = [{k: v if v == v else None for k, v in asdict(r).items()} for r in reports]
        print_json({"summary": asdict(summary), "recordings": listed})
        return
    rows = []
    for r in reports:
        numbers = (r.offset_s, r.range_s, r.drift_ms_per_s, r.residual_ms)
        cells = ["-" if np.isnan(x) else f"{x:.3f}" for x in numbers]
        rows.append((f"{r.subject}/{r.video}", str(r.n_events), *cells, str(r.n_jumps)))
    print_table(
        ("recording", "events", "offset s", "range s", "drift ms/s", "residual ms", "jumps"), rows
    )
    print_facts(_in_words(summary))


def _in_words(s: ClockSummary) -> list[tuple[str, str]]:
    low, median, high = s.drift_quartiles_ms_per_s
    return [
        ("expressions", str(s.n_events)),
        (
            "video minus EMG time",
            f"median {s.median_offset_s:.2f} s, {s.least_offset_s:.2f} to {s.most_offset_s:.2f} s",
        ),
        (
            "within a recording",
            (
                f"{s.n_recordings_with_pairs} have more than one; their offsets differ by "
                f"{1000 * s.median_range_s:.0f} ms (median), {1000 * s.most_range_s:.0f} ms at most"
            ),
        ),
        (
            "from one expression to the next",
            (
                f"{s.share_within_a_frame:.0%} within a frame of the video, "
                f"{s.share_within_100_ms:.0%} within 100 ms"
            ),
        ),
        (
            "jumps above 0.2 s",
            (
                f"{s.n_jumps}, {s.share_of_jumps:.1%} of the steps; "
                f"at {s.jumps_ahead} of them the EMG falls behind"
            ),
        ),
        (
            "drift",
            f"{median:+.2f} ms/s (median of {s.n_drifts}), quartiles {low:+.2f} and {high:+.2f}",
        ),
        (
            "noise of the readings",
            (
                f"median {1000 * s.reading_noise_median_s:.0f} ms, MAD "
                f"{1000 * s.reading_noise_mad_s:.0f} ms, SD {1000 * s.reading_noise_sd_s:.0f} ms"
            ),
        ),
    ]
