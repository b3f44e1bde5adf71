"""Electrode contact on simulated boards: what is measured of known contacts, and what is named.

Contacts of 1 to 100 kohm beside 47 nF, behind 2.2 kohm, 100 uV rms of mains on each channel, a
lead-off current that is off by its tolerance and was calibrated on resistors. Each seed is another
board. The usual formula (sqrt(2) * std / I - Rs) on the same samples is the baseline.
"""

import datetime as dt
import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from emgrig.calibration.certificate.certificate import Certificate
from emgrig.calibration.certificate.making import make_certificate
from emgrig.calibration.procedures.acquire import acquire, prepare
from emgrig.calibration.procedures.lead_off import LeadOffSettings, measure_lead_off
from emgrig.calibration.procedures.setup import Setup
from emgrig.driver.board import Board
from emgrig.electrodes import ContactCheck, ContactSettings, check_contact
from emgrig.simulator.analog.frontend import AnalogueFrontEnd
from emgrig.simulator.analog.world import WIRE, Electrode, World
from emgrig.simulator.board import SimulatedBoard
from emgrig.simulator.faults import actions as do
from emgrig.simulator.transport import SimTransport

SEEDS = range(20)
TRUE_OHM = (1e3, 5e3, 10e3, 30e3, 100e3)
SERIES_OHM, FARAD, AT_HZ, CURRENT_A = 2200.0, 47e-9, 31.25, 24e-9
MAINS_UV = 100.0
NOW = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)
CHANNELS = (1, 2, 3, 4, 5)


def main() -> None:
    """Print the worst errors over the seeds, and how often what is wrong was named."""
    errors: dict[float, list[tuple[float, float]]] = {ohm: [] for ohm in TRUE_OHM}
    usual: dict[float, list[float]] = {ohm: [] for ohm in TRUE_OHM}
    for seed in SEEDS:
        transport = SimTransport(f"source=sine:{MAINS_UV * math.sqrt(2):g}uV,50Hz&seed={seed}")
        with Board(transport) as board:
            record = _calibrated(board, transport.board)
            _put_on(transport.board, _face(transport.board))
            check = _check(board, record)
            for electrode in check.electrodes:
                errors[_true_ohm(electrode.channel, electrode.side)].append(
                    (electrode.resistance_ohm or math.nan, electrode.impedance_ohm or math.nan)
                )
            for channel, ohm in zip(CHANNELS, TRUE_OHM, strict=True):
                usual[ohm].append(_usual_ohm(board, channel))
    print(f"{len(SEEDS)} boards, P and N of five channels, {MAINS_UV:g} uV rms of 50 Hz; kohm")
    print("   true R   R, worst   |Z| true  |Z|, worst    limit   usual formula (mean)")
    for ohm in TRUE_OHM:
        true_z = abs(ohm / (1 + 2j * math.pi * AT_HZ * ohm * FARAD))
        r, z = np.array(errors[ohm]).T
        worst_r, worst_z = r[np.argmax(abs(r - ohm))], z[np.argmax(abs(z - true_z))]
        row = [ohm, worst_r, true_z, worst_z, max(0.05 * ohm, 200.0), float(np.mean(usual[ohm]))]
        print("".join(f"{value / 1e3:11.3f}" for value in row))
    _print_names()


def _true_ohm(channel: int, side: str) -> float:
    return TRUE_OHM[channel - 1] if side == "p" else TRUE_OHM[5 - channel]


def _put_on(board: SimulatedBoard, world: World) -> None:
    do.change_world(board, 0, lambda _: world)


def _world(board: SimulatedBoard) -> World:
    front_end = board.front_ends[0]
    assert isinstance(front_end, AnalogueFrontEnd)
    return front_end.world


def _calibrated(board: Board, simulated: SimulatedBoard) -> Certificate:
    def ask(setup: Setup) -> None:
        resistor = (Electrode(r_ohm=setup.ohm, c_f=0.0, series_ohm=0.0),) * 8
        _put_on(simulated, replace(_world(simulated), p=resistor, n=resistor, bias=WIRE))

    report = measure_lead_off(board, ask, LeadOffSettings(current="24nA"))
    return make_certificate(board.identity, [report], now=NOW, software="benchmark")


def _face(board: SimulatedBoard) -> World:
    def electrodes(values: tuple[float, ...]) -> tuple[Electrode, ...]:
        padded = (*values, *(10e3,) * 8)[:8]
        return tuple(Electrode(ohm, FARAD, SERIES_OHM, half_cell_v=3e-3) for ohm in padded)

    p, n = electrodes(TRUE_OHM), electrodes(TRUE_OHM[::-1])
    return replace(_world(board), p=p, n=n, bias=Electrode())


def _check(board: Board, record: Certificate | None) -> ContactCheck:
    return check_contact(board, ContactSettings(channels=CHANNELS), calibration=record, now=NOW)


def _usual_ohm(board: Board, channel: int) -> float:
    """Return what OpenBCI's formula makes of the same current through P of a channel."""
    prepare(board, gain=12, rate_hz=1000, mux="normal", bias=True)
    board.chip.lead_off(
        current="24nA", frequency=31.25, sense_p=[channel], sense_n=[], flip=[], comparators=False
    )
    volts: NDArray[np.float64] = acquire(board, 1600).volts[:, channel - 1]
    return float(math.sqrt(2) * volts.std() / CURRENT_A - SERIES_OHM)


def _print_names() -> None:
    """Say how often an open, a bridged and a missing electrode were named, and nothing else."""
    cases = {
        "c3 positive is open": "electrode-off:channel=3,side=p",
        "c4 negative is open": "electrode-off:channel=4,side=n",
        "c2 positive and c5 positive touch": "electrode-bridged:channel=2,other=5",
        "the bias electrode is off": "bias-off",
    }
    for words, fault in cases.items():
        named = wrong = 0
        for seed in SEEDS:
            with Board(SimTransport(f"seed={seed}&fault={fault}")) as board:
                findings = check_contact(board, now=NOW).findings
            named += any(text.startswith(words) for text in findings)
            wrong += any(not text.startswith(words) for text in findings)
        print(
            f"{words}: named on {named} of {len(SEEDS)} boards, another named beside it on {wrong}"
        )
    healthy = 0
    for seed in SEEDS:
        with Board(SimTransport(f"seed={seed}")) as board:
            healthy += bool(check_contact(board, now=NOW).findings)
    print(f"nothing wrong: something named on {healthy} of {len(SEEDS)} boards")


if __name__ == "__main__":
    main()
