"""The Cyton's processor: one letter after the other, its answers, and what it streams.

After `processChar`, `updateChannelData` and `sendChannelData` of OpenBCI's Cyton library (commit
24e1c426, firmware 3.1.2). It knows nothing of the driver's side. What waits in the firmware
(`delay`) waits here, and meanwhile no letter is read and no conversion.
"""

from collections.abc import Callable
from typing import Final

from emgrig.onboard.chip_control import ChipControl
from emgrig.onboard.seams import BoardFacts, Client, ReadFilter, Readings
from emgrig.protocol.packets import ResetCause
from emgrig.simulator.clock import Crystal
from emgrig.simulator.firmware.chip_bank import ChipBank
from emgrig.simulator.firmware.cyton import texts
from emgrig.simulator.firmware.cyton.chips import EACH, NO_CHANGE, RATE_250, CytonChips, Waits
from emgrig.simulator.firmware.cyton.dump import dump
from emgrig.simulator.firmware.cyton.sending import Sending
from emgrig.simulator.firmware.cyton.traps import TRAPS, check_mended
from emgrig.simulator.firmware.port import Port, PortClient

VERSION: Final = "3.1.2"  #: What `v` says; `V` says another of the same firmware.
VERSION_ASKED: Final = "3.1.5"
LETTERS_S: Final = 1.0  #: A command of several letters must be whole after so long.
_MOST_HEARD: Final = 1024
#: Amplitude and frequency bits of CONFIG2 for each letter; 0 shorts the inputs instead.
_TEST_SIGNALS: Final = {
    "0": (NO_CHANGE, NO_CHANGE), "-": (0, 0), "=": (0, 1), "p": (4, 3), "[": (4, 0), "]": (4, 1),
}  # fmt: skip
_SHORTED, _TEST = 1, 5


class Cyton:
    """A Cyton; with two chips, a Cyton with its Daisy (implements `FirmwareModel`)."""

    TRAPS = TRAPS

    def __init__(self, bank: ChipBank, facts: BoardFacts, crystal: Crystal) -> None:
        if not 1 <= len(bank) <= 2 or bank.buses[0].chip.n_channels != EACH:
            raise ValueError("a Cyton has one chip of 8 channels, with its Daisy two: say chips=2")
        self.mended = check_mended(facts.mended)
        self.bank = bank
        self.crystal = crystal
        self._port = Port(facts.transmit_bytes)
        self.link = self._port.link
        #: Given n, says which of the next n conversions are read in time; None: all.
        self.read_filter: ReadFilter | None = None
        self.chips = CytonChips(bank, self.mended)
        self.sending = Sending(crystal, self.mended)
        self._produced: list[int] = []
        self._task: Waits | None = None  # what the firmware is at
        self._boot()
        self._come_up()

    def _boot(self) -> None:
        self.is_streaming = False  #: True while it sends packets.
        self._is_running = False
        self._heard = ""
        self._text = ""
        self._word = ""  # of several letters, as far as it has come
        self._word_ends_s = 0.0
        self._wake_s = 0.0
        self.sending.boot()
        ChipControl(self.bank).boot()
        self._task = self._soft_reset()

    def _come_up(self) -> None:
        while self._task is not None:
            self.bank.advance_to(self._wake_s + 1.0 / self.bank.f_clk_hz)
            self._turn()

    # ---- the board ----------------------------------------------------------------------------

    @property
    def produced(self) -> tuple[int, ...]:
        """Conversions of the first chip in each run that has ended."""
        return tuple(self._produced)

    def connect(self, window_bytes: int) -> PortClient:
        """Take a client whose side holds `window_bytes` that it has not read."""
        return self._port.connect(window_bytes)

    def disconnect(self, client: Client) -> None:
        """Let go of a client; a second call does nothing. A run goes on."""
        self._port.disconnect(client)

    def receive(self, client: Client, data: bytes) -> None:
        """Take letters from a client."""
        if client in self._port:
            self._heard = (self._heard + data.decode("latin-1"))[-_MOST_HEARD:]
            self._turn()

    def advance(self, until_s: float) -> None:
        """Let time pass up to `until_s`."""
        while True:
            self._turn()
            now_s = self.bank.now_s
            due_s = float("inf")
            if self._task is not None:
                due_s = self._wake_s
            elif self._word:
                due_s = self._word_ends_s
            # a tick later than asked for, so that rounding never makes a step of no length
            self._convert(min(until_s, due_s + 1.0 / self.bank.f_clk_hz))
            if self.bank.now_s >= until_s or self.bank.now_s <= now_s:
                break
        self._port.drain(self.bank.now_s)

    def restart(self, cause: ResetCause) -> None:  # noqa: ARG002
        """Boot again; it says so when it has come up."""
        self._end_run()
        self._port.restart()
        self.crystal.restart(self.bank.now_s)
        self._boot()

    # ---- one letter after the other -----------------------------------------------------------

    def _turn(self) -> None:
        """Do all that is due now."""
        while True:
            if self._task is None:
                if self._word and self.bank.now_s >= self._word_ends_s:
                    self._word = ""
                    self._print(texts.TIMED_OUT)
                if not self._heard:
                    break
                letter, self._heard = self._heard[0], self._heard[1:]
                self._task, self._wake_s = self._process(letter), self.bank.now_s
            if self.bank.now_s < self._wake_s:
                break
            try:
                self._wake_s = self.bank.now_s + next(self._task)
            except StopIteration:
                self._task = None
        self._flush()

    def _print(self, text: str) -> None:
        self._text += text

    def _answer(self, text: str) -> None:
        """Print an answer that is kept back in mid-stream."""
        if not self.is_streaming:
            self._print(text + texts.END)

    def _babble(self, text: str) -> None:
        """Print an answer that is not kept back, unless that is mended."""
        if not (self.is_streaming and "babbles" in self.mended):
            self._print(text + texts.END)

    def _send_text(self, text: str) -> None:
        self._print(text)
        self._flush()

    def _flush(self) -> None:
        text, self._text = self._text.encode("latin-1"), ""
        if text:
            self._port.send([text], self.bank.now_s, n_frames=0)

    def _process(self, letter: str) -> Waits:
        if self._word:
            self._word += letter
            yield from _WORDS[self._word[0]](self)
        elif letter in _WORDS:
            self._word, self._word_ends_s = letter, self.bank.now_s + LETTERS_S
        elif letter in texts.OFF:
            yield from self._paused(self.chips.deactivate(texts.OFF.index(letter)))
        elif letter in texts.ON:
            yield from self._paused(self.chips.activate(texts.ON.index(letter)))
        elif letter in _TEST_SIGNALS:
            yield from self._test_signal(letter)
        elif letter in _LETTERS:
            yield from _LETTERS[letter](self)

    def _paused(self, change: Waits) -> Waits:
        """Stop a run for a change, and begin it anew (streamSafe…)."""
        was_streaming = self.is_streaming
        if was_streaming:
            yield from self._stream_stop()
        yield from change
        if was_streaming:
            yield from self._stream_start()

    # ---- single letters -----------------------------------------------------------------------

    def _test_signal(self, letter: str) -> Waits:
        def change() -> Waits:
            yield from self.chips.configure_test_signal(*_TEST_SIGNALS[letter])
            for channel in range(self.chips.n_channels):
                self.chips.settings[channel][2] = _SHORTED if letter == "0" else _TEST
            yield from self.chips.write_all()

        yield from self._paused(change())
        self._answer("Success: Configured internal test signal.")

    def _default(self) -> Waits:
        self._answer("updating channel settings to default")
        yield from self._paused(self.chips.default_all())

    def _report_default(self) -> Waits:
        self._babble("060110")
        yield from ()

    def _soft_reset(self) -> Waits:
        self._end_run()
        if "reset-in-stream" in self.mended:
            self._is_running = False
        yield from self.chips.initialize()
        yield 0.5
        yield from self.chips.configure_lead_off()
        ids = tuple(self.chips.rreg(chip, 0)[0] for chip in self.chips.present)
        self._print(texts.banner(VERSION, ids))
        yield 0.005

    def _registers(self) -> Waits:
        if self.is_streaming or self._is_running:
            return
        yield from dump(self.chips, self._send_text)

    def _start(self) -> Waits:
        if self.chips.rate != RATE_250 and "start-falls-back" not in self.mended:
            yield from self._paused(self._rate(RATE_250))
            yield 0.05
        yield from self._stream_start()

    def _stop(self) -> Waits:
        yield from self._stream_stop()

    def _version(self) -> Waits:
        self._babble(f"v{VERSION_ASKED}")
        yield from ()

    def _time_on(self) -> Waits:
        self.sending.put_times(is_timed=True)
        self._answer("Time stamp ON")
        yield from ()

    def _time_off(self) -> Waits:
        self.sending.put_times(is_timed=False)
        self._answer("Time stamp OFF")
        yield from ()

    def _no_daisy(self) -> Waits:
        if self.chips.has_daisy:
            for opcode in (0x11, 0x06, 0x04):  # SDATAC, RESET, STANDBY
                self.chips.command(1, opcode)
            self.chips.has_daisy = False
            if not self._is_running:
                self._print("daisy removed" + texts.END)
        yield from ()

    def _use_daisy(self) -> Waits:
        self._print(("16" if self.chips.has_daisy else "no daisy to attach!8") + texts.END)
        yield from ()

    # ---- words of several letters -------------------------------------------------------------

    def _channel_word(self) -> Waits:
        """Take the letter x and seven arguments, X (processIncomingChannelSettings)."""
        if self._is_amiss(7, "X", "9th"):
            return
        arguments, self._word = self._word[1:8], ""
        if "coerced" in self.mended and not texts.is_exact(arguments, "167111"):
            self._answer("Failure: Err: invalid argument")
            return
        channel = texts.channel_of(arguments[0])
        numbers = [texts.number_of(one) for one in arguments[1:]]
        numbers[1] = texts.gain_of(arguments[2])
        self.chips.settings[channel] = numbers
        told = f"Success: Channel set for {channel + 1}"
        yield from self._told(told, self.chips.write_one(channel))

    def _lead_off_word(self) -> Waits:
        """Take the letter z and three arguments, Z (processIncomingLeadOffSettings)."""
        if self._is_amiss(3, "Z", "5th"):
            return
        arguments, self._word = self._word[1:4], ""
        if "coerced" in self.mended and not texts.is_exact(arguments, "11"):
            self._answer("Failure: Err: invalid argument")
            return
        channel = texts.channel_of(arguments[0])
        self.chips.lead_off[channel] = [texts.number_of(one) for one in arguments[1:]]
        told = f"Success: Lead off set for {channel + 1}"
        yield from self._told(told, self.chips.write_lead_off(channel))

    def _is_amiss(self, n_arguments: int, latch: str, ordinal: str) -> bool:
        """Tell whether a word is not whole yet, or wrong, and say which."""
        n_said = len(self._word) - 1
        if self._word[-1] == latch and n_said <= n_arguments:
            self._word = ""
            self._answer("Failure: too few chars")
            return True
        if n_said <= n_arguments:
            return True
        if self._word[-1] != latch:
            self._word = ""
            self._answer(f"Failure: Err: {ordinal} char not {latch}")
            return True
        return False

    def _told(self, text: str, change: Waits) -> Waits:
        is_first = "success-first" not in self.mended
        if is_first:
            self._answer(text)
        yield from self._paused(change)
        if not is_first:
            self._answer(text)

    def _rate_word(self) -> Waits:
        letter, self._word = self._word[1], ""
        if letter == "~":
            self._babble(f"Success: Sample rate is {texts.RATES[self.chips.rate]}Hz")
        elif not letter.isdigit():
            self._answer("Failure: invalid sample value")
        elif int(letter) >= len(texts.RATES):
            self._answer("Failure: sample value out of bounds")
        else:
            yield from self._paused(self._rate(int(letter)))
            self._answer(f"Success: Sample rate is {texts.RATES[self.chips.rate]}Hz")

    def _rate(self, code: int) -> Waits:
        yield from self.chips.set_rate(code)
        if "rate-resets" in self.mended:
            yield from self.chips.configure_lead_off()

    def _mode_word(self) -> Waits:
        letter, self._word = self._word[1], ""
        if letter.isdigit() and int(letter) < len(texts.MODES):
            self.sending.set_mode(int(letter))
        elif letter != "/":
            said = "board mode value out of bounds." if letter.isdigit() else "invalid board mode"
            self._print(f"Failure: {said}" + texts.END)
            return
        self._babble(f"Success: {texts.MODES[self.sending.mode]}")
        yield from ()

    def _marker_word(self) -> Waits:
        self._word = ""
        yield from ()

    # ---- the stream ---------------------------------------------------------------------------

    def _stream_start(self) -> Waits:
        self.sending.begin()
        yield from self.chips.start()
        self.is_streaming = self._is_running = True

    def _stream_stop(self) -> Waits:
        self._end_run()
        yield from self.chips.stop()
        self._is_running = False

    def _end_run(self) -> None:
        if self.is_streaming:
            self._produced.append(self.bank.n_true_falls)
        self.is_streaming = False

    def _convert(self, until_s: float) -> None:
        """Let time pass; in a run, read and send each conversion unless the processor waits."""
        if not self.is_streaming:
            self.bank.advance_to(until_s)
            return
        readings = self.bank.read(until_s)
        if self._task is None:
            readings = readings.only(self.read_filter)
            if len(readings.index):
                self._send(readings)

    def _send(self, readings: Readings) -> None:
        made = self.sending.packets(readings, has_daisy=self.chips.has_daisy)
        for client in self._port.clients:
            outlet = client.outlet
            outlet.send_samples([p for p in made if outlet.has_room(len(p))], 1, self.bank.now_s)


_LETTERS: Final[dict[str, Callable[[Cyton], Waits]]] = {
    "d": Cyton._default, "D": Cyton._report_default, "v": Cyton._soft_reset,
    "?": Cyton._registers, "b": Cyton._start, "s": Cyton._stop, "V": Cyton._version,
    "<": Cyton._time_on, ">": Cyton._time_off, "c": Cyton._no_daisy, "C": Cyton._use_daisy,
}  # fmt: skip
_WORDS: Final[dict[str, Callable[[Cyton], Waits]]] = {
    "x": Cyton._channel_word, "z": Cyton._lead_off_word, "~": Cyton._rate_word,
    "/": Cyton._mode_word, "`": Cyton._marker_word,
}  # fmt: skip
