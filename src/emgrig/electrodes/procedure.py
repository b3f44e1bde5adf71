"""The contact check on a board: bias electrode, comparators, figures at rest, impedances."""

import datetime as dt
import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from emgrig.calibration.certificate.certificate import Certificate, NamedBoard
from emgrig.calibration.figures.uncertainty import Result
from emgrig.calibration.procedures.acquire import (
    Account,
    Progress,
    Tracker,
    acquire,
    prepare,
    silent,
)
from emgrig.calibration.procedures.lead_off import CURRENTS_A, GAIN, RATE_HZ, SIDES
from emgrig.driver.board import Board
from emgrig.driver.chip.ads1299 import LeadOffStatus
from emgrig.driver.chip.registers import Config1, Config4
from emgrig.driver.keeping import kept
from emgrig.electrodes.check import Conditions, ContactCheck, Electrode, Finding, electrode_id
from emgrig.electrodes.impedance import Drive, Reading, measure_electrode, nominal_current
from emgrig.electrodes.judge import (
    Before,
    Seen,
    Where,
    judge_bias,
    judge_channels,
    judge_electrodes,
)
from emgrig.electrodes.lights import Light
from emgrig.electrodes.quiet import ChannelFigures, quiet_figures
from emgrig.electrodes.settings import ContactSettings, channel_names, wired_channels
from emgrig.version import PROGRAM

FOLLOW_S = 0.5
"""For one electrode that is watched: 16 whole periods, the fewest whose lines can be told."""
N_BIAS_SAMPLES, N_COMPARATOR_SAMPLES = 200, 400


def check_contact(
    board: Board,
    settings: ContactSettings | None = None,
    *,
    calibration: Certificate | None = None,
    previous: ContactCheck | None = None,
    progress: Progress = silent,
    now: dt.datetime | None = None,
) -> ContactCheck:
    """Check all electrodes, and leave the board as it was.

    No stream is on. `calibration`, of this board, tells its lead-off currents; without them the
    current is nominal ± 20 %. `previous` is what was shown before: lights then have hysteresis.
    `now` has a time zone; it is the computer's unless given. If the bias electrode is off, the
    check holds no impedance.

    Raises ValueError if a setting makes no sense, or a stream is on, and nothing was sent;
    IdentityError or RecordingError if the calibration is of another board or out of date;
    EmgrigError if the link or the board fails: the registers are put back if that is possible.
    """
    settings = (settings or ContactSettings()).on(board)
    now = now or dt.datetime.now(dt.UTC)
    if calibration is not None:
        calibration.check_board(board.identity, now)
    checking = _Checking(board, settings, calibration, progress)
    with kept(board) as keeping:
        seen = checking.look()
    return checking.judge(seen, now, previous, is_proved=keeping.restored.is_proved)


def follow_electrode(
    board: Board,
    channel: int,
    side: str,
    tell: Callable[[Electrode], bool],
    *,
    settings: ContactSettings | None = None,
    calibration: Certificate | None = None,
) -> None:
    """Measure one electrode again and again, and leave the board as it was.

    `side` is "p" or "n"; every value is handed to `tell`, twice a second, until that returns False.
    Only this pin has a current. The bias electrode is taken to be on: a check says if it is.

    Raises as `check_contact`, and ValueError if `side` is another one.
    """
    if side not in SIDES:
        raise ValueError(f"side {side!r}; expected p or n")
    settings = settings or ContactSettings(seconds=FOLLOW_S)
    settings = replace(settings, channels=(channel,)).on(board)
    if calibration is not None:
        calibration.check_board(board.identity, dt.datetime.now(dt.UTC))
    checking = _Checking(board, settings, calibration, silent)
    with kept(board):
        checking.follow(channel, side, tell)


def prepare_quiet(board: Board, channels: Sequence[int]) -> None:
    """Set a board up as a recording does, nothing injected: the bias loop closed over `channels`.

    All channels on their inputs at gain 12 and 1000 SPS, or the board's only rate. Whoever calls it
    keeps the registers (`driver.keeping.kept`).
    """
    can_set = board.can.writes(Config1.ADDRESS)
    rate_hz = RATE_HZ if can_set else round(board.chip.rate_hz)
    prepare(board, gain=GAIN, rate_hz=rate_hz, mux="normal")
    board.chip.bias(sense_p=channels, sense_n=channels, amplifier=True)


class _Checking:
    """One check: the board, what was asked for, and the account of what it took."""

    def __init__(
        self,
        board: Board,
        settings: ContactSettings,
        calibration: Certificate | None,
        progress: Progress,
    ) -> None:
        self._board, self._settings = board, settings
        self._has_comparators = board.can.writes(Config4.ADDRESS)
        can_set = board.can.writes(Config1.ADDRESS)
        self._rate_hz = RATE_HZ if can_set else round(board.chip.rate_hz)
        self._n_samples = settings.samples_at(self._rate_hz)
        self._calibration = calibration
        self._channels = wired_channels(board, settings.channels)
        # What moves along, and what is open: on every channel, also if few are to be judged.
        self._around = sorted({*self._channels, *wired_channels(board)})
        self._names = channel_names(board, settings.names)
        self._account = Account()
        self._tracker = Tracker(progress, self._planned_s())

    @property
    def _electrodes(self) -> list[Where]:
        return [(channel, side) for channel in self._channels for side in SIDES]

    def _planned_s(self) -> float:
        n = (N_BIAS_SAMPLES + N_COMPARATOR_SAMPLES) * self._has_comparators
        if not self._settings.is_quick:
            n += len(self._electrodes) * self._n_samples
            n += round(self._settings.quiet_s * self._rate_hz)
        return n / self._rate_hz

    def look(self) -> Seen:
        """Measure; the board is left as the last measurement needed it."""
        prepare(self._board, gain=GAIN, rate_hz=self._rate_hz, mux="normal", bias=True)
        bias_off, off = None, frozenset[Where]()
        if self._has_comparators:
            bias_off = self._is_bias_off()
            off = self._off(is_body_held=not bias_off)
        if self._settings.is_quick:
            return Seen({}, off, bias_off)
        figures = self._quiet()
        readings = {} if bias_off else self._readings()
        return Seen(readings, off, bias_off, figures)

    def follow(self, channel: int, side: str, tell: Callable[[Electrode], bool]) -> None:
        """Measure one electrode until `tell` has enough of it."""
        prepare(self._board, gain=GAIN, rate_hz=self._rate_hz, mux="normal", bias=True)
        self._board.chip.bias(sense_p=[], sense_n=[], amplifier=True)
        drive, before, wants_more = self._drive(channel, side), Before(()), True
        while wants_more:
            reading = measure_electrode(
                self._board, drive, self._around, self._tracker, self._account
            )
            blank = self._blank(channel, side, dt.datetime.now(dt.UTC))
            seen = Seen({(channel, side): reading})
            before = Before(judge_electrodes([blank], seen, self._settings.limits, before))
            wants_more = tell(before.electrodes[0])

    def _is_bias_off(self) -> bool | None:
        """Ask the comparator at the bias pin; its current flows while the amplifier is off only."""
        self._tracker.say("the bias electrode")
        chip = self._board.chip
        chip.bias(amplifier=False, lead_off_sense=True)
        chip.lead_off(current="6nA", frequency="dc", threshold=95, comparators=True)
        self._run(N_BIAS_SAMPLES)
        is_off = chip.lead_off_status().bias_off
        chip.bias(amplifier=True, lead_off_sense=False)
        return is_off

    def _off(self, *, is_body_held: bool) -> frozenset[Where]:
        """Ask the comparators which electrodes are open.

        A channel's two currents cancel in the body. With one electrode open one of them is left,
        which would move a body that nothing holds; then one channel is asked at a time.
        """
        self._tracker.say("open electrodes")
        groups = [self._around] if is_body_held else [[one] for one in self._around]
        found: set[Where] = set()
        for group in groups:
            self._board.chip.lead_off(
                current="6nA", frequency="dc", threshold=95, comparators=True, flip=[],
                sense_p=group, sense_n=group,
            )  # fmt: skip
            self._run(math.ceil(N_COMPARATOR_SAMPLES / len(groups)))
            found |= _off_of(self._board.chip.lead_off_status())
        self._board.chip.lead_off(sense_p=[], sense_n=[], comparators=False)
        return frozenset(found)

    def _run(self, n_samples: int) -> None:
        """Convert for a while; what the samples are does not matter."""
        self._account.add(acquire(self._board, n_samples, tracker=self._tracker))

    def _quiet(self) -> tuple[ChannelFigures, ...]:
        self._tracker.say("channels at rest")
        prepare_quiet(self._board, self._channels)
        n_samples = round(self._settings.quiet_s * self._rate_hz)
        record = acquire(self._board, n_samples, tracker=self._tracker)
        self._account.add(record)
        return quiet_figures(
            record.volts,
            gains=record.gains,
            vref_v=self._board.identity.vref_v,
            rate_hz=record.rate_hz,
            channels=self._channels,
            same_correlation=self._settings.limits.same_correlation,
        )

    def _readings(self) -> dict[Where, Reading]:
        self._board.chip.bias(sense_p=[], sense_n=[], amplifier=True)
        readings = {}
        for channel, side in self._electrodes:
            self._tracker.say(f"c{channel}{side}, {self._names[channel]}")
            readings[channel, side] = measure_electrode(
                self._board, self._drive(channel, side), self._around, self._tracker, self._account
            )
        return readings

    def _drive(self, channel: int, side: str) -> Drive:
        settings = self._settings
        return Drive(
            channel,
            side,
            settings.current,
            self._current_a(channel, side) or nominal_current(CURRENTS_A[settings.current]),
            settings.frequency_hz,
            self._series_ohm(channel),
            self._n_samples,
        )

    def _current_a(self, channel: int, side: str) -> Result | None:
        if self._calibration is None:
            return None
        return self._calibration.lead_off_current_a(channel, side, self._settings.current)

    def _series_ohm(self, channel: int) -> float:
        series = self._board.identity.series_ohm
        return float(series[channel - 1]) if channel <= len(series) else 0.0

    def judge(
        self, seen: Seen, now: dt.datetime, previous: ContactCheck | None, *, is_proved: bool
    ) -> ContactCheck:
        """Put together what it all means."""
        limits, identity = self._settings.limits, self._board.identity
        blanks = [self._blank(channel, side, now) for channel, side in self._electrodes]
        electrodes = judge_electrodes(blanks, seen, limits, previous)
        channels = judge_channels(
            seen.figures,
            self._names,
            limits,
            electrodes=electrodes,
            previous=previous.channels if previous else (),
        )
        return ContactCheck(
            NamedBoard(identity.serial_number, identity.is_simulated),
            now.replace(microsecond=0),
            PROGRAM,
            self._conditions(),
            electrodes,
            judge_bias(seen, self._electrodes),
            channels,
            is_proved,
        )

    def _blank(self, channel: int, side: str, now: dt.datetime) -> Electrode:
        return Electrode(
            electrode=electrode_id(channel, side),
            channel=channel,
            side=side,
            name=self._names[channel],
            light=Light.GREY,
            impedance_ohm=None,
            impedance_u_ohm=None,
            k=None,
            at_hz=self._settings.frequency_hz,
            resistance_ohm=None,
            resistance_u_ohm=None,
            capacitance_f=None,
            capacitance_u_f=None,
            method="",
            series_ohm=self._series_ohm(channel),
            n_samples=0,
            finding=Finding.NONE,
            advice="",
            made_utc=now.replace(microsecond=0),
        )

    def _conditions(self) -> Conditions:
        settings = self._settings
        return Conditions(
            is_quick=settings.is_quick,
            current=settings.current,
            frequency_hz=settings.frequency_hz,
            rate_hz=float(self._rate_hz),
            gain=GAIN,
            n_samples=0 if settings.is_quick else self._n_samples,
            n_lost=self._account.n_lost,
            n_rejected=self._account.n_rejected,
            current_is_calibrated=all(
                self._current_a(channel, side) is not None for channel, side in self._electrodes
            ),
            limits=settings.limits,
        )


def _off_of(status: LeadOffStatus) -> set[Where]:
    return {(n, "p") for n in status.off_p} | {(n, "n") for n in status.off_n}
