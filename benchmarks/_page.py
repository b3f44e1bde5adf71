"""The tables and plots of docs/performance.md, from the kept figures of the newest runs."""

import re
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from benchmarks import _figures

DOCS = Path(__file__).parent.parent / "docs"
PAGE = DOCS / "performance.md"
BEGIN, END = "<!-- from here: python -m benchmarks --page -->", "<!-- to here -->"


def _newest(runs: list[dict[str, Any]], *, busy: bool) -> dict[str, list[_figures.Figure]]:
    """Return the newest figures of each benchmark, of quiet machines or of busy ones."""
    found: dict[str, list[_figures.Figure]] = {}
    for run in runs:
        if bool(run["busy_loops"]) is busy:
            for name, every in run["figures"].items():
                found[name] = [_figures.Figure(**one) for one in every]
    return found


def _number(one: _figures.Figure | None) -> str:
    if one is None:
        return "–"
    text = f"{one.value:.3g}" if abs(one.value) < 1000 else f"{one.value:.0f}"
    text = f"{text} {one.unit}".strip()
    return text if one.met is not False else f"**{text}**"


def _goal(one: _figures.Figure) -> str:
    if one.at_most is not None:
        return f"≤ {one.at_most:g}"
    return "–" if one.at_least is None else f"≥ {one.at_least:g}"


def table(runs: list[dict[str, Any]], names: list[str]) -> str:
    """Return the Markdown table of the named benchmarks; what misses its goal is bold."""
    quiet, busy = _newest(runs, busy=False), _newest(runs, busy=True)
    lines = ["| benchmark | figure | goal | quiet | busy |", "|---|---|---|---|---|"]
    for name in names:
        beside = {one.name: one for one in busy.get(name, [])}
        lines += [
            f"| `{name}` | {one.name} | {_goal(one)} | {_number(one)} |"
            f" {_number(beside.get(one.name))} |"
            for one in quiet.get(name, [])
        ]
    return "\n".join(lines)


def machines(runs: list[dict[str, Any]]) -> str:
    """Return a line for the newest quiet and the newest busy run."""
    lines = []
    for busy in (False, True):
        of_kind = [run for run in runs if bool(run["busy_loops"]) is busy]
        if not of_kind:
            continue
        most = max(len(run["figures"]) for run in of_kind)  # a run of some benchmarks is none
        run = [run for run in of_kind if len(run["figures"]) > most / 2][-1]
        versions = ", ".join(f"{name} {version}" for name, version in run["versions"].items())
        words = f"beside {run['busy_loops']} endless loops" if busy else "quiet"
        lines.append(
            f"- {words}: {run['date'][:10]}, commit {run['commit']}, {run['processor']},"
            f" {run['cores']} cores, load {run['load_at_begin']} at the begin; the host took"
            f" {run['stolen_share']:.0%} of the processor time meanwhile; {versions}"
        )
    return "\n".join(lines)


#: A figure of `growth` or `many_boards`: "AXIS NUMBER [UNIT]: what".
_GROWTH = re.compile(r"(channels|rate|minutes|boards) ([\d.]+)[^:]*: (.+)")


def plots(figures: list[_figures.Figure]) -> list[str]:
    """Draw how cost grows, a picture an axis; return the Markdown of the pictures."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator

    of_cost = [one for one in figures if one.value > 0]  # and no account of losses, that is 0
    points = [(found.groups(), one) for one in of_cost if (found := _GROWTH.match(one.name))]
    lines = []
    for axis, group in groupby(sorted(points, key=lambda p: p[0][0]), key=lambda p: p[0][0]):
        picture = Figure(figsize=(5.6, 3.2), layout="constrained")
        axes = picture.subplots()
        of_axis = sorted(group, key=lambda p: (p[0][2], float(p[0][1])))
        for what, of_what in groupby(of_axis, key=lambda p: p[0][2]):
            line = [(float(words[1]), one) for words, one in of_what]
            label = f"{what}, {line[0][1].unit}"
            axes.plot([x for x, _ in line], [one.value for _, one in line], "o-", label=label)
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        ticks = sorted({float(words[1]) for words, _ in of_axis})
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks], fontsize=8)
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.minorticks_off()
        axes.set_xlabel(AXES.get(axis, axis))
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
        name = f"performance-{axis}.png"
        picture.savefig(DOCS / name, dpi=130)
        lines.append(f"![cost by {AXES.get(axis, axis)}]({name})")
    return lines


AXES = {
    "channels": "channels",
    "rate": "samples a second",
    "boards": "boards",
    "minutes": "length, minutes",
}


def write(names: Sequence[str]) -> None:
    """Make the page anew, with the named benchmarks in its table."""
    runs = _figures.kept_runs(_figures.FILE)
    quiet = _newest(runs, busy=False)
    growth = [*quiet.get("growth", []), *quiet.get("many_boards", [])]
    tabled = [name for name in names if name != "growth"]
    made = [machines(runs), table(runs, tabled), "## How cost grows", *plots(growth)]
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n\n" + "\n\n".join(made) + f"\n\n{END}{after}", "utf-8")
    print(PAGE)
