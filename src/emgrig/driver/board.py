"""A board: who it is, its registers, its stream."""

import logging
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Self

from emgrig.driver.can import Can, Timing
from emgrig.driver.can import Line as CanLine
from emgrig.driver.captures.journal import Journal
from emgrig.driver.chip.ads1299 import Ads1299
from emgrig.driver.chip.profile import Profile, load_profile
from emgrig.driver.chip.transaction import Files
from emgrig.driver.connection import Connection
from emgrig.driver.interruption import Happened, Interruption
from emgrig.driver.native.board_identity import BoardIdentity
from emgrig.driver.native.link import Link, Tap
from emgrig.driver.native.port import NativePort
from emgrig.driver.recovery import ReconnectPolicy, Recovery, recover
from emgrig.driver.samples.clockfit import ClockFit
from emgrig.driver.seams import Clock, Transport
from emgrig.driver.stream import DEFAULT_QUEUE_SAMPLES, SILENCE_S, STOP_S, Stream
from emgrig.errors import BoardCannot, DeviceError, EmgrigError, TransportError, TransportTimeout
from emgrig.protocol.packets import (
    DEFAULT_FRAMES_PER_PACKET,
    Capability,
    IdentifyArguments,
    Line,
    NoArguments,
    Request,
    SetCounterArguments,
    SetLine,
    SettingsEpoch,
    Stats,
)
from emgrig.protocol.schema import Message

log = logging.getLogger(__name__)

BOOT_TIMEOUT_S = 5.0
MOST_GATHER_S = 1.0  #: An answer or a silence is noticed after that.
CONNECT_S = 30.0  #: A board has so long to say who it is, whatever else it says.


class Board:
    """A board, connected by `emgrig.connect`; as a context manager it leaves it stopped.

    Parameters
    ----------
    transport : Transport
        Open; the board closes it.
    client : str
        Name and version of this program, for HELLO.
    identify : bool
        Ask the chips who they are, and refuse what is no ADS1299. Without it a sick board can be
        looked at; `chip.identify` can be called later.
    force_channels : {4, 6, 8}, optional
        Accept an unusual ID of a chip that works.
    reconnect : ReconnectPolicy, optional
        How long a stream tries to go on when the link is lost.
    silence_s : float, > 0
        After so long without a sample the board is asked why, s.
    journal, tap : callable, optional
        See the properties.

    Raises
    ------
    TransportError, WireError, DeviceError
        If nobody answers, something else answers, or the board refuses; within 30 s.
    IdentityError
        If a chip is not an ADS1299 or does not answer.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        client: str = "emgrig",
        identify: bool = True,
        force_channels: int | None = None,
        reconnect: ReconnectPolicy | None = None,
        silence_s: float = SILENCE_S,
        journal: Journal | None = None,
        tap: Tap | None = None,
    ) -> None:
        if not silence_s > 0:
            transport.close()
            raise ValueError(f"silence_s is {silence_s}; expected more than 0")
        link = Link(transport)
        self._reconnect = reconnect or ReconnectPolicy()
        self._silence_s = silence_s
        self._stream: Stream | None = None
        with link.within(CONNECT_S):
            self._connection = Connection(link, client=client, tap=tap)
            try:
                if journal is not None:
                    self.journal = journal
                if identify:
                    self.identify_chips(force_channels=force_channels)
            except BaseException:
                self.close()
                raise

    # Who it is.

    @property
    def identity(self) -> BoardIdentity:
        """Which board this is."""
        return self._connection.identity

    @property
    def can(self) -> Can:
        """What this board can do and tell; see `emgrig.driver.can`."""
        return self.identity.can

    @property
    def address(self) -> str:
        """The address that it is reached at."""
        return self._connection.link.transport.address

    @property
    def chip(self) -> Ads1299:
        """Its ADS1299, one or more. A change of settings pauses a stream that is on."""
        return self._connection.chip

    @property
    def ports(self) -> tuple[NativePort, ...]:
        """Bare register access to each chip, for work on a sick board; within `quiet` only."""
        return self._connection.ports

    def quiet(self) -> AbstractContextManager[None]:
        """Have all chips in SDATAC mode meanwhile; a stream that is on pauses."""
        return self._connection.quiet()

    @property
    def clock(self) -> Clock:
        """The time in which this connection lives: real, or the simulator's."""
        return self._connection.link.transport.clock

    def unix_s(self) -> float:
        """Return the Unix time of this connection, s: that of `clock_fit`; it never jumps."""
        return self._connection.link.unix_s()

    @property
    def is_paced(self) -> bool:
        """True if samples come by themselves, in real time; False on virtual time."""
        return self._connection.link.transport.is_paced

    @property
    def is_linked(self) -> bool:
        """False while the link is lost; a stream that is on tries to open it anew."""
        return self._connection.link.failure is None

    @property
    def channel_names(self) -> tuple[str, ...]:
        """What each channel measures, by the profile; "channel n" where that does not say."""
        return self._connection.channel_names

    def identify_chips(self, *, force_channels: int | None = None) -> BoardIdentity:
        """Ask the chips who they are; raises as `Ads1299.identify` does."""
        self._connection.identify(force_channels=force_channels)
        return self.identity

    def identify(self, duration_s: float = 3.0) -> None:
        """Blink, so that a person finds the board; `duration_s` is 0.001 to 65."""
        if not 0.001 <= duration_s <= 65.0:
            raise ValueError(f"duration_s is {duration_s}; expected 0.001 to 65")
        self._ask(Capability.IDENTIFY, Request.IDENTIFY, IdentifyArguments(round(duration_s * 1e3)))

    # Settings.

    def apply(self, profile: Profile | str | Path) -> Files:
        """Apply a profile, proved by read-back; return what the chips hold.

        Parameters
        ----------
        profile : Profile, str or Path
            A profile, the name of a packaged one, or the path of a TOML file.

        Raises
        ------
        ValueError
            If there is none, it is wrong, or does not fit this board; nothing was sent.
        ReadBackError
            If the chips do not hold it; what was there before is restored.
        """
        if not isinstance(profile, Profile):
            profile = load_profile(profile)
        self._connection.need_registers("apply a profile")
        settings = profile.settings(self.chip.parts)
        before = self.channel_names
        self._connection.name_channels(profile.names)  # the journal notes them with the settings
        try:
            return self.chip.apply(settings)
        except EmgrigError:
            self._connection.channel_names = before
            raise

    def set_line(self, line: Line, *, high: bool) -> None:
        """Drive a pin of the chips: START, RESET or PWDN. Registers must be read again after it."""
        self._refuse_while_streaming("drive a pin")
        self._need(Capability.SET_LINE)
        if CanLine(Line(line).name) not in self.can.lines:
            self.can.refuse(
                self.identity.serial_number, f"drive {Line(line).name}", "it has no such line"
            )
        level = SetLine(Line(line), int(high))
        self._connection.link.request(Request.SET_LINE, level, SettingsEpoch)

    def set_counter(self, count: int) -> None:
        """Show `count`, 0 to 2**32 - 1, on the digital tube; the board tells when in an event."""
        if not 0 <= count < 1 << 32:
            raise ValueError(f"count is {count}; expected 0 to {(1 << 32) - 1}")
        self._ask(Capability.COUNTER, Request.SET_COUNTER, SetCounterArguments(count))

    def reboot(self) -> None:
        """Start the board anew, and find out who its chips are; all registers have reset values."""
        self._refuse_while_streaming("reboot")
        connection = self._connection
        self._need(Capability.REBOOT)
        connection.trouble = None
        link = connection.link

        def is_heard_of() -> bool:
            return connection.trouble is not None

        try:  # once: a board that is already starting anew would do it again
            link.request(Request.REBOOT, None, NoArguments, attempts=1)
            is_heard = link.wait(is_heard_of, BOOT_TIMEOUT_S)
        except TransportError as error:
            log.info("the answer or the link went with the reboot: %s", error)
            is_heard = is_heard_of() or link.failure is not None
        if not is_heard:
            raise TransportTimeout(
                f"{self.address}: the board was asked to start anew, and no BOOT event came; "
                "connect anew"
            )
        recover(connection, self._reconnect, Interruption(Happened.REBOOT_ASKED), restart=False)
        self.identify_chips()

    # Samples and time.

    def stream(
        self,
        duration_s: float | None = None,
        *,
        frames_per_packet: int | None = None,
        queue_samples: int = DEFAULT_QUEUE_SAMPLES,
        gather_s: float = 0.0,
    ) -> Stream:
        """Start the board, and return its blocks as they come.

        A block has a column for each channel; ``block.epoch.powered`` says which are on.

        Parameters
        ----------
        duration_s : float, optional
            Stop after so many data periods at the rate that is set now, s.
        frames_per_packet : int, optional
            1 to ``identity.max_frames``; 16, or less if the board cannot. Of a gateway, which makes
            its packets on this computer, as many as come in `gather_s`, if those are more.
        queue_samples : int, ≥ 1
            If the reader is slow, so many samples wait; what comes then is dropped and counted.
        gather_s : float
            How late samples may come, s, 0 to 1; 0 gives each packet at once. With 0.25, as
            `emgrig record` has it, a stream costs a tenth (docs/performance.md). Answers
            of the board are not gathered. Over a serial port at most 2 kB come together.

        Raises
        ------
        ValueError
            If an argument makes no sense, or a stream is on; nothing was sent.
        DeviceError
            If it is not known what the registers hold.
        """
        most = self.identity.max_frames
        frames = DEFAULT_FRAMES_PER_PACKET
        if gather_s > 0 and self._connection.link.packs_here:
            frames = max(frames, int(min(gather_s, MOST_GATHER_S) * self.chip.rate_hz))
        frames = min(frames, most) if frames_per_packet is None else frames_per_packet
        if not 1 <= frames <= most:
            raise ValueError(f"{frames} frames a packet; this board can do 1 to {most}")
        if queue_samples < 1:
            raise ValueError(f"queue_samples is {queue_samples}; expected 1 or more")
        if duration_s is not None and not 0 < duration_s < float("inf"):
            raise ValueError(f"duration_s is {duration_s}; expected more than 0")
        if not 0 <= gather_s <= MOST_GATHER_S:
            raise ValueError(f"gather_s is {gather_s}; expected 0 to {MOST_GATHER_S:g}")
        self._refuse_while_streaming("stream twice")
        self._stream = Stream(
            self._connection,
            duration_s=duration_s,
            frames_per_packet=frames,
            queue_samples=queue_samples,
            reconnect=self._reconnect,
            silence_s=self._silence_s,
            gather_s=gather_s,
        )
        return self._stream

    def stats(self) -> Stats:
        """Ask for the board's own counters."""
        return self._connection.stats()

    def synchronise(self, n_exchanges: int = 16) -> ClockFit:
        """Ask the board's clock some times more, and return the fit over all exchanges."""
        if n_exchanges < 1:
            raise ValueError(f"n_exchanges is {n_exchanges}; expected 1 or more")
        if self.can.timing is not Timing.ASKED:
            why = "it has no clock, or none that can be asked"
            self.can.refuse(self.identity.serial_number, "tell its time", why)
        self._connection.synchronise(n_exchanges)
        fit = self.clock_fit
        if fit is None:
            raise DeviceError("the board's clock was asked, but no answer came at the first time")
        return fit

    @property
    def clock_fit(self) -> ClockFit | None:
        """The board's clock against the host's, over all exchanges; None before the first.

        A stream asks at its start and end, and in between.
        """
        return self._connection.clock_fit

    # Those who look on.

    @property
    def journal(self) -> Journal | None:
        """Who is told what is needed to understand the raw bytes later; see `driver.journal`.

        One that is set is told at once who the board is and what settings are in force.
        """
        return self._connection.journal

    @journal.setter
    def journal(self, journal: Journal | None) -> None:
        self._connection.journal = journal

    @property
    def tap(self) -> Tap | None:
        """Who gets every piece of bytes as it comes and goes; see `driver.link.Tap`."""
        return self._connection.link.tap

    @tap.setter
    def tap(self, tap: Tap | None) -> None:
        self._connection.link.tap = tap

    # Beginning and end.

    def reconnect(self, policy: ReconnectPolicy | None = None) -> Recovery:
        """Open a lost link anew while no stream is on, and restore what the chips have lost.

        `policy` is how long to try; as told when the board was opened if left out. Raises LinkGone
        if the link does not come back in that time.
        """
        self._refuse_while_streaming("reconnect by hand")
        connection = self._connection
        believed = connection.believed
        reason = Interruption(Happened.RECONNECT_ASKED)
        recovery = recover(connection, policy or self._reconnect, reason, restart=False)
        return replace(recovery, restored=connection.restore(believed))

    def close(self) -> None:
        """Leave the board stopped, and close the link; a second call does nothing."""
        link = self._connection.link
        try:
            if self._stream is not None and self._stream.is_on:
                self._stream.close()
            if link.failure is None:
                with link.within(STOP_S):
                    self._connection.stop_run()
        except EmgrigError as error:
            log.warning("the board could not be told to stop: %s", error)
        finally:
            link.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, capability: Capability, request: Request, arguments: Message | None) -> None:
        self._need(capability)
        self._connection.link.request(request, arguments, NoArguments)

    def _need(self, capability: Capability) -> None:
        if capability not in self.identity.capabilities:
            raise BoardCannot(
                f"board {self.identity.serial_number} cannot do {capability.name}; nothing was sent"
            )

    def _refuse_while_streaming(self, what: str) -> None:
        if self._stream is not None and self._stream.is_on:
            raise ValueError(f"cannot {what} while a stream is on: stop it first; nothing was sent")
