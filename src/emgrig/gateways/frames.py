"""The gateway of boards that only send frames: a template, a transport under it, the link above.

It answers HELLO with what the template says, begins and ends runs, numbers and packs what comes,
and refuses the rest: there is no register, no pin and no clock to be had.
"""

import threading
from collections.abc import Callable
from math import inf

from emgrig.driver.seams import Clock, Transport
from emgrig.errors import TransportError, TransportTimeout, WireError
from emgrig.gateways.chip_frames import ChipFrames
from emgrig.gateways.counting import Numbering
from emgrig.gateways.decoding import FrameDecoder, Rows
from emgrig.gateways.foreseen import CountedFrames, Foreseen
from emgrig.gateways.gathering import READ_BYTES, Gathering
from emgrig.gateways.outgoing import Outgoing
from emgrig.gateways.placed import Placed
from emgrig.gateways.template import FrameTemplate, spoken
from emgrig.protocol import packets as wire
from emgrig.protocol.answering import Refusal, Replies
from emgrig.protocol.decoder import Decoder, RequestPacket
from emgrig.protocol.framing import MAX_PACKET_BYTES, VERSION
from emgrig.protocol.packets import Capability, Request
from emgrig.protocol.schema import Message
from emgrig.protocol.unmade import Received, made

SLICE_S = 0.02  #: The board's bytes are waited for so long at once: a request comes meanwhile.
PROOF_S = 5.0  #: A board has so long to show its first frames.
#: Told to be silent, it is when nothing has come for so long: USB serial ports wait 16 ms for more.
QUIET_S = 0.05
MOST_QUIET_S = 1.0  #: No longer is waited for that.


class FrameGateway:
    """A board that sends frames, as a board of ours; fits `emgrig.driver.seams.Transport`.

    Parameters
    ----------
    template : FrameTemplate
        What it sends.
    inner : Transport
        The board's own bytes; the gateway closes it.
    address : str
        Opens it again.
    name : str
        Serial number that HELLO tells; such boards have none.

    Raises
    ------
    TransportError
        If nothing comes.
    WireError
        If what comes are not these frames.
    """

    packs_here = True  #: A packet is made on this computer, however long it is.

    def __init__(
        self, template: FrameTemplate, inner: Transport, *, address: str, name: str
    ) -> None:
        self.address = address
        self.is_paced = inner.is_paced
        self.template = template
        self.inner = inner  #: The board's own bytes.
        self._name = name
        self._lock = threading.RLock()
        self._is_closed = False
        self._slice_s = SLICE_S
        self._gathering = Gathering()
        self.out = Outgoing()  #: What waits to be read.
        self._requests = Decoder()
        self._replies = Replies()
        self._is_datagram = bool(getattr(inner, "is_datagram", False))
        self.decoder = FrameDecoder(template, is_datagram=self._is_datagram)
        self.numbering = Numbering(template)
        self._bytes_per_s = self.decoder.coded_bytes * template.channels.rate_hz
        self._began_s = inner.clock.now_s()
        self._heard_s = self._began_s  # when the last frame came
        self._silenced_s = -inf  # when the board was told to be silent, last
        self._silent_s = -inf  # what was read before is of before
        self._run = 0
        self._settings = 0  # epoch
        self._conversions = 0  # of the last run that has ended
        self._handlers: dict[int, Callable[[bytes], Message]] = {
            Request.HELLO: self._hello,
            Request.START: self._start,
            Request.STOP: self._stop,
            Request.STATS: self._stats,
        }
        self._foreseen: Foreseen | None = None
        self._chip_frames = ChipFrames(template)
        self.out.frame_bytes = self._chip_frames.frame_bytes
        self.out.tells_where = template.counter is not None
        try:
            self._meet()
        except BaseException:
            inner.close()
            raise

    @property
    def clock(self) -> Clock:
        """The time of the transport below."""
        return self.inner.clock

    # ---- the board ----------------------------------------------------------------------------

    def _meet(self) -> None:
        """Say what must be said first, and see that frames come as the template has them."""
        inner, link = self.inner, self.template.link
        set_baud = getattr(inner, "set_baud", None)
        if link.hello and set_baud is not None:
            set_baud(link.hello_baud or link.baud)
            inner.clock.sleep(link.wait_s)
        self._say(link.hello)
        if set_baud is not None:
            set_baud(link.baud)
        self._say(link.start)
        deadline_s, came = inner.clock.now_s() + PROOF_S, b""
        while not self.decoder.counts.frames:
            left_s = deadline_s - inner.clock.now_s()
            if left_s <= 0:
                raise self._stranger(came)
            try:
                data = inner.read(READ_BYTES, timeout_s=min(left_s, 0.25))
            except TransportTimeout:
                continue
            came += data[: max(24 - len(came), 0)]
            self.decoder.feed(data)
        self._silence()
        now_us, self._heard_s = self._now_us(), inner.clock.now_s()
        self.numbering.begin(now_us)

    def _stranger(self, came: bytes) -> Exception:
        title, n_bytes = self.template.title, self.template.frame.bytes
        if not came:
            return TransportTimeout(
                f"{self.address}: nothing came in {PROOF_S:g} s; is it the right port, and does "
                "the board have power?"
            )
        if n_bad := self.decoder.counts.bad_checksum:
            return WireError(
                f"{self.address}: {n_bad} frames of {n_bytes} bytes came with the bytes that "
                f"{title} has at their places, and the checksum of none is right; see "
                "frame.checksum in the template"
            )
        return WireError(
            f"{self.address}: what comes is no frame of {n_bytes} bytes as {title} sends; first "
            f"bytes seen: {came.hex(' ').upper()}; another board, another firmware, or the wrong "
            "baud rate or template?"
        )

    def _say(self, text: str) -> None:
        if text:
            self.inner.write(spoken(text, self.inner.clock.unix_s()))

    def _silence(self) -> None:
        self._say(self.template.link.stop)
        self._silenced_s = self.inner.clock.now_s()

    def _throw_away(self) -> None:
        """Read what the board sent before it was silent: it is of no run."""
        clock = self.inner.clock
        quiet_s, until_s = self._silenced_s + QUIET_S, clock.now_s() + MOST_QUIET_S
        while (now_s := clock.now_s()) < until_s:
            try:
                self.inner.read(READ_BYTES, timeout_s=max(quiet_s - now_s, 0.0))
            except TransportTimeout:
                break
            quiet_s = clock.now_s() + QUIET_S
        self.decoder.flush()
        self._silent_s = clock.now_s()

    def _now_us(self) -> int:
        """Board time as far as it can be known: that of the last frame, and what passed since."""
        now_s = self.inner.clock.now_s()
        if not self._run:
            return round((now_s - self._began_s) * 1e6)
        return round(self.numbering.last_us + (now_s - self._heard_s) * 1e6)

    # ---- the seam -----------------------------------------------------------------------------

    def read(self, max_bytes: int, /, *, timeout_s: float) -> bytes:
        """Return 1 to `max_bytes` bytes of the board link; see the seam."""
        return made(self.receive(max_bytes, timeout_s=timeout_s))

    def receive(self, max_bytes: int, /, *, timeout_s: float) -> Received:
        """Return the same, or a packet of as many that was not made yet."""
        now_s = self.inner.clock.now_s
        deadline_s, left_s, came_s = now_s() + timeout_s, timeout_s, 0.0
        while True:
            if self.out.waiting:
                with self._lock:
                    return self.out.take(max_bytes)
            foreseen = self._foreseen
            try:
                if foreseen is None:
                    pieces = self._receive(left_s)
                    came_s = now_s()
                else:
                    pieces = self._gathering.read(
                        self.inner, foreseen.n_lacking, self._bytes_per_s, left_s
                    )
                if len(pieces) != 1 and not self._is_datagram:
                    pieces = [b"".join(pieces)]
            except TransportTimeout:
                pieces = [b""]
            with self._lock:
                if foreseen is not None and foreseen is self._foreseen and len(pieces) == 1:
                    packet = foreseen.take(pieces[0], max_bytes, now_s())
                    if packet is not True and packet is not False:
                        if foreseen.is_full:
                            self._settle()
                            self._foresee(len(pieces[0]))
                        return packet
                    is_taken = packet
                else:
                    is_taken = False
                if not is_taken:
                    self._settle()
                    if foreseen is None and came_s < self._silent_s:  # by another thread
                        pieces = [b""]
                    for came in pieces:
                        self._take(came)
                    self._foresee(sum(map(len, pieces)))
            left_s = max(deadline_s - now_s(), 0.0)
            if not (self.out or left_s or is_taken):
                raise TransportTimeout(f"{self.address}: nothing came in {timeout_s:g} s")

    def _receive(self, left_s: float) -> list[bytes]:
        """Return what came, in pieces that make sense by themselves; TransportTimeout if none."""
        if not (self.is_paced and self._is_only_streaming):
            return [self.inner.read(READ_BYTES, timeout_s=min(left_s, self._slice_s))]
        n_lacking = self.decoder.bytes_until(self.numbering.frames_until(self.out.lacking))
        return self._gathering.read(self.inner, n_lacking, self._bytes_per_s, left_s)

    @property
    def _is_only_streaming(self) -> bool:
        """True if frames alone are waited for."""
        return bool(self.out.per_packet)

    def write(self, data: bytes, /) -> None:
        """Take requests; each is answered at once."""
        with self._lock:
            if self._is_closed:
                raise TransportError(f"{self.address} is closed")
            for item in self._requests.feed(data):
                if isinstance(item, RequestPacket):
                    self._settle()
                    self._answer(item)
        self._gathering.wake()

    def reopen(self) -> None:
        """Open the board's link anew, and see that it is there; see the seam."""
        self.inner.reopen()
        self._is_closed = False
        with self._lock:
            self._settle()
            if self.out.per_packet:
                self._conversions = self.numbering.count
            self.decoder.flush()
            self._requests = Decoder()
            self.out.clear()
            self.out.end_run()
            heard = self.decoder.counts.frames
            self.decoder.counts.frames = 0
            self._meet()
            self.decoder.counts.frames += heard

    def close(self) -> None:
        """Close the board's link; a second call does nothing."""
        self._is_closed = True
        self._gathering.wake()
        self.inner.close()

    # ---- what was foreseen --------------------------------------------------------------------

    def _foresee(self, n_bytes: int) -> None:
        """Say what must come next, if that is known, of a board at its own pace."""
        is_calm = self.is_paced and self.out.is_even and self.decoder.is_whole
        if is_calm and n_bytes < 2 * self.out.per_packet * self.template.frame.bytes:
            self._foreseen = self._following()

    def _following(self) -> Foreseen | None:
        last, time_us = self.numbering.last_frame, self.numbering.last_us
        if not last or not CountedFrames.fits(self.template, time_us):
            return None
        move = self._chip_frames.mover(self.out.per_packet, last)
        if move is None:
            return None
        return CountedFrames(self.template, self.decoder, self.out, move, last, time_us)

    def _settle(self) -> None:
        """Decode, count and pack what was handed on already, and see that it is the same."""
        foreseen, self._foreseen = self._foreseen, None
        if foreseen is None or not foreseen.told:
            return
        known, spare = foreseen.parts()
        self._take(known)
        foreseen.check(self.out.take(len(known) + len(foreseen.made) * MAX_PACKET_BYTES))
        if spare:
            self._take(spare)
        self._heard_s = foreseen.heard_s

    # ---- samples ------------------------------------------------------------------------------

    def _take(self, data: bytes) -> None:
        """Take the board's bytes, none if none came; frames of a run that is on become packets."""
        counts = self.decoder.counts
        n_stray, n_twice = self.decoder.n_stray, counts.twice
        rows, is_cut = self.decoder.feed(data)
        if not self.out.per_packet:
            return
        self.out.stray(self.decoder.n_stray - n_stray)
        if not len(rows):
            return
        self._heard_s, n_repeated = self.clock.now_s(), self.numbering.repeated
        placed = self.numbering.place(rows, is_cut)
        frames = self._frames(placed.frames)
        self.out.samples(Placed(frames, placed.conversion, placed.time_us, placed.is_cut))
        self.out.again(counts.twice - n_twice + self.numbering.repeated - n_repeated)

    def _frames(self, rows: Rows) -> Rows:
        """Return frames as a chip would send them: status or zeros, then codes of 24 bits."""
        return self._chip_frames(rows)

    # ---- requests -----------------------------------------------------------------------------

    def _answer(self, asked: RequestPacket) -> None:
        self.out.reply(self._reply(asked))

    def _reply(self, asked: RequestPacket) -> bytes:
        return self._replies.answer(asked, self._handlers.get(asked.request, self._refuse))

    def _refuse(self, _: bytes) -> Message:
        raise Refusal(f"{self.template.title} only sends frames: it cannot do that")

    def _hello(self, arguments: bytes) -> Message:
        wire.HelloArguments.decode(arguments)
        template = self.template
        n_chips, per_chip = template.parts
        is_simulated = self.inner.address.startswith("sim:")
        return wire.Hello(
            protocol_version=VERSION,
            serial_number=self._name,
            firmware_version="not told",
            git_revision="not told",
            chip_count=n_chips,
            channels_per_chip=per_chip,
            f_clk_hz=0,
            vref_uv=round(template.channels.vref_v * 1e6),
            channels_wired=0,
            series_ohm=(),
            capabilities=Capability.SIMULATED if is_simulated else 0,
            max_frames=self.out.max_frames,
            can=template.can.to_hello(),
        )

    def _start(self, arguments: bytes) -> Message:
        asked = wire.StartArguments.decode(arguments)
        if self.out.per_packet:
            raise Refusal("a run is on already")
        most = self.out.max_frames
        if not 1 <= asked.frames_per_packet <= most:
            raise WireError(f"{asked.frames_per_packet} frames a packet; 1 to {most} are possible")
        if self.template.link.stop:
            self._throw_away()
        now_us = self._now_us()
        self._run += 1
        self.out.begin_run(asked.frames_per_packet, self._settings)
        self._heard_s = self.clock.now_s()
        self.numbering.begin(now_us)
        self._gathering.begin()
        self._say(self.template.link.start)
        return wire.Started(self._run & 0xFFFF, self._settings, now_us)

    def _stop(self, _: bytes) -> Message:
        if not self.out.per_packet:
            return wire.Stopped(0, 0, self._now_us())
        self._silence()
        self.out.end_run()
        self._conversions = self.numbering.count
        return wire.Stopped(self._run & 0xFFFF, self._conversions & 0xFFFFFFFF, self._now_us())

    def _stats(self, _: bytes) -> Message:
        counts = self.decoder.counts
        conversions = self.numbering.count if self.out.per_packet else self._conversions
        return wire.Stats(
            uptime_us=max(self._now_us(), 0),
            run=self._run & 0xFFFF,
            streaming=int(bool(self.out.per_packet)),
            settings=self._settings,
            conversions=conversions & 0xFFFFFFFF,
            frames_sent=self.out.n_sent,
            missed_drdy=0,
            transmit_overflows=self.out.n_thrown,
            brown_outs=0,
            bad_packets=counts.bad_checksum & 0xFFFFFFFF,
            buffer_high_water=0,
        )
