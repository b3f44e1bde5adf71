"""What is said to a Cyton, and what it is known to hold: the talks of its gateway."""

import logging
from collections.abc import Callable, Generator
from typing import Final

from emgrig.driver.chip.register_access import Opcode
from emgrig.driver.seams import Clock
from emgrig.errors import DeviceError, EmgrigError, TransportError, TransportTimeout, WireError
from emgrig.gateways.cyton import words
from emgrig.gateways.cyton.talk import ANSWER_S, Ask, Quieten, Talk
from emgrig.protocol import packets as wire
from emgrig.protocol.answering import Refusal

log = logging.getLogger(__name__)

OLDEST: Final = (3, 0, 0)
SLOW_S: Final = 4.0  #: A reset, and all registers of two chips, take so long at the most.
BOOT_S: Final = 6.0  #: After opening a board may be deaf for 3 s, and then it boots.
FRESH_S: Final = 1.0  #: So long what ? said stands for further reads, if nothing was said since.
N_TRIES: Final = 3
BANNER: Final = b"OpenBCI V3"
Answer = Generator[Ask | Quieten, bytes | None, bytes | None]
_DONGLE: Final = b"Failure: Communications timeout"


class CytonBoard:
    """One Cyton, as far as it has told.

    Parameters
    ----------
    address : str
        For messages.
    clock : Clock
        The time in which it answers.
    """

    def __init__(self, address: str, clock: Clock) -> None:
        self.address = address
        self.clock = clock
        self.first = b""  #: The first bytes that came.
        self.firmware = ""  #: As it says.
        self.held: words.Held = ()  #: What its chips hold, or should by what was said to them.
        self.is_timed = False  #: Its packets have a time.
        self.settings = 0  #: Epoch: +1 with whatever may have changed a register.
        self.on_boot: Callable[[], None] = self.forget  #: Called if it started anew by itself.
        #: Told chip, address, what should be there, and what is, if a chip lost its registers.
        self.on_lost: Callable[[int, int, int, int], None] = lambda *_: None
        self._held_s: float | None = None  # when ? said so; None: something was said since

    # ---- meeting it ---------------------------------------------------------------------------

    def meet(self) -> Talk:
        """Find out which board is there and what it holds, however it was left."""
        self.first, self.is_timed, self._held_s = b"", False, None
        for _ in range(N_TRIES):  # a program that crashed may have left it in mid-stream
            if (yield Quieten(b"s")) is not None:
                break
        else:
            raise self._stranger()
        version = yield from self._version()
        self.firmware = ".".join(map(str, version))
        if version < OLDEST:
            said = self.firmware if any(version) else "1"
            raise DeviceError(
                f"{self.address}: this Cyton has firmware {said}; its letters are known here from "
                f"{'.'.join(map(str, OLDEST))} on: update it, or record with OpenBCI's own program"
            )
        held = yield from self._dump()
        if words.needs_rescue(held):
            yield from self._rescue(held)
        yield from self.put_times()
        return None

    def _version(self) -> Generator[Ask | Quieten, bytes | None, tuple[int, int, int]]:
        deadline_s = self.clock.now_s() + BOOT_S
        letter = b"V"
        while True:
            text = yield Ask(letter, SLOW_S if letter == b"v" else ANSWER_S)
            if text and _DONGLE in text:
                raise TransportError(
                    f"{self.address}: the dongle answers, its board does not: switch the Cyton "
                    "on (to PC), and see that both are on one channel"
                )
            if text and (version := words.read_version(text)):
                if BANNER in text and version >= OLDEST and letter == b"V":
                    continue  # it has just booted, and says another version there
                return version
            if letter == b"v":
                if text and BANNER in text:
                    return (0, 0, 0)
                raise self._stranger()
            if self.clock.now_s() >= deadline_s:
                letter = b"v"  # what is older than 3 does not know V

    def _stranger(self) -> EmgrigError:
        if not self.first:
            return TransportTimeout(
                f"{self.address}: nothing came in {BOOT_S + SLOW_S:g} s; is it the right port, "
                "and does the board have power?"
            )
        return WireError(
            f"{self.address}: what comes is no Cyton's; first bytes seen: "
            f"{self.first.hex(' ').upper()}; another board, another firmware, or the wrong baud "
            "rate?"
        )

    def _rescue(self, wanted: words.Held) -> Talk:
        """Bring back what only ~ and v reach, and then the other settings, as `wanted` has them."""
        log.warning("%s: rate, CONFIG3 or LOFF are not as v leaves them: v is said", self.address)
        for step in words.rescue(self.held):
            yield from self._say(step)
        now = yield from self._dump()
        kept = [bytearray(raw) for raw in now]
        for raw, before in zip(kept, wanted, strict=False):
            for address in words.WRITABLE:
                raw[address] = before[address]
        try:
            yield from self._reach(tuple(map(bytes, kept)))
        except words.Unreachable as reason:
            log.warning("%s: the settings of before are gone: %s", self.address, reason)
        yield from self._dump()
        return None

    def put_times(self) -> Talk:
        """Have a time in each packet."""
        for _ in range(N_TRIES if not self.is_timed else 0):
            text = yield from self._ask(b"<")
            if text and b"Time stamp ON" in text:
                self.is_timed = True
                return None
        if not self.is_timed:
            raise TransportTimeout(f"{self.address}: a Cyton does not put times into its packets")
        return None

    def forget(self) -> None:
        """Know nothing of it any more: it started anew."""
        self.is_timed, self._held_s, self.held = False, None, ()
        self.settings = (self.settings + 1) & 0xFFFF

    def _ask(self, say: bytes, timeout_s: float = ANSWER_S) -> Answer:
        """Say something; TransportTimeout if the board started anew instead of answering."""
        text = yield Ask(say, timeout_s)
        if text and BANNER in text and say != words.RESET.say and self.held:
            self.on_boot()
            raise TransportTimeout(f"{self.address}: the board started anew")
        return text

    # ---- registers ----------------------------------------------------------------------------

    def _say(self, step: words.Step) -> Talk:
        """Say something; whether it was done is proved by ?, not by the answer."""
        for _ in range(N_TRIES):
            text = yield from self._ask(step.say, SLOW_S if step.is_reset else ANSWER_S)
            if text and step.answer in text:
                break
            log.info("%s: %r was answered by %r", self.address, step.say, text)
        return None

    def _dump(self) -> Generator[Ask | Quieten, bytes | None, words.Held]:
        """Ask for all registers."""
        for _ in range(N_TRIES):
            text = yield from self._ask(b"?", SLOW_S)
            try:
                self.held = words.read_registers(text or b"")
            except WireError as error:
                log.info("%s: %s", self.address, error)
                continue
            self._held_s = self.clock.now_s()
            return self.held
        raise TransportTimeout(
            f"{self.address}: a Cyton was asked for its registers {N_TRIES} times, and what it "
            "answered was no list of them"
        )

    def _reach(self, target: words.Held) -> Talk:
        """Say what makes the chips hold `target`; behind a reset, ask what they hold."""
        for _ in range(N_TRIES):
            steps = words.plan(self.held, target)
            self._held_s = None
            for step in steps:
                yield from self._say(step)
            if not any(step.is_reset for step in steps):
                self.held = target
                break
            yield from self._dump()
        return None

    def read(self, arguments: bytes) -> Talk:
        """Answer READ_REGISTERS."""
        asked = wire.ReadRegisters.decode(arguments)
        if self._held_s is None:
            believed = self.held
            yield from self._dump()
            if believed and (lost := words.lost(self.held)):  # by itself: a brown-out
                self.on_lost(*lost[0])
                self.settings = (self.settings + 1) & 0xFFFF
                yield from self._rescue(believed)
        _check(self.held, asked.chip, asked.address, asked.count)
        values = self.held[asked.chip][asked.address : asked.address + asked.count]
        return wire.Registers(self.settings, values)

    def write(self, arguments: bytes) -> Talk:
        """Answer WRITE_REGISTERS."""
        asked = wire.WriteRegisters.decode(arguments)
        if not self.held:
            yield from self._dump()
        _check(self.held, asked.chip, asked.address, len(asked.values))
        target = [bytearray(raw) for raw in self.held]
        behind = asked.address + len(asked.values)
        target[asked.chip][asked.address : behind] = asked.values
        if asked.address <= words.CONFIG2 < behind:  # one letter sets it in all chips
            for raw in target:
                raw[words.CONFIG2] = target[asked.chip][words.CONFIG2]
        words.plan(self.held, tuple(map(bytes, target)))  # refused before anything is said
        self.settings = (self.settings + 1) & 0xFFFF
        yield from self._reach(tuple(map(bytes, target)))
        return wire.SettingsEpoch(self.settings)

    def command(self, arguments: bytes) -> Talk:
        """Answer CHIP_COMMAND."""
        asked = wire.ChipCommand.decode(arguments)
        if asked.opcode not in (Opcode.SDATAC, Opcode.STOP):
            raise Refusal(f"no letter of a Cyton is the opcode {asked.opcode:02X}h")
        if self._held_s is not None and self.clock.now_s() - self._held_s > FRESH_S:
            self._held_s = None  # what is read from now on is read anew
        yield from ()
        return wire.SettingsEpoch(self.settings)

    def distrust(self) -> None:
        """Read all anew the next time."""
        self._held_s = None


def _check(held: words.Held, chip: int, address: int, count: int) -> None:
    if chip >= len(held):
        raise WireError(f"there is no chip {chip}; this board has {len(held)}")
    if not 1 <= count <= len(held[chip]) - address:
        raise WireError(f"{count} registers from {address:02X}h; there are {len(held[chip])}")
