"""The ADS1299 at register level: settings in a person's words, proved by reading them back."""

from collections.abc import Iterable
from typing import NamedTuple

from emgrig.driver.chip.register_access import RegisterAccess
from emgrig.driver.chip.register_file import RegisterFile
from emgrig.driver.chip.registers import (
    CalAmplitude,
    CalFrequency,
    ComparatorThreshold,
    Config3,
    Config4,
    DataRate,
    Gain,
    Gpio,
    LeadOffCurrent,
    LeadOffFrequency,
    LeadOffSenseN,
    LeadOffSenseP,
    LeadOffStatusN,
    LeadOffStatusP,
    Mux,
)
from emgrig.driver.chip.settings import Settings, say, say_channels, say_gpio
from emgrig.driver.chip.transaction import Files


class LeadOffStatus(NamedTuple):
    """Which electrodes are off."""

    off_p: frozenset[int]  #: Channels whose P or N electrode is off, of those that are sensed.
    off_n: frozenset[int]
    #: Channels whose comparator means something: none while the comparators are off.
    sensed_p: frozenset[int]
    sensed_n: frozenset[int]
    bias_off: bool | None  #: The bias electrode is off; None if no chip senses it.


class Ads1299(RegisterAccess):
    """One or more ADS1299 that share clock and START; two of them are one board of 16 channels.

    Every change of settings is one transaction: leave RDATAC, read what is there, write what
    differs, read everything back, compare; on a mismatch restore what was, and raise. So all
    methods that set something raise alike: ValueError before anything is sent, or what `apply`
    raises. They return what was read back. An argument that is left out leaves its setting as it
    is. A list of channels is the whole list: those not in it are switched off.

    Channels are numbered 1 to `n_channels` over all chips; chips from 1. For the arguments of the
    constructor see `RegisterAccess`.
    """

    def configure(
        self,
        *,
        channels: Iterable[int] | None = None,
        gain: int | Gain | None = None,
        mux: str | Mux | None = None,
        power_down: bool | None = None,
        srb2: bool | None = None,
        rate_hz: int | None = None,
    ) -> Files:
        """Set `channels`, or all of them (CHnSET), and the rate of all.

        Parameters
        ----------
        channels : iterable of int, optional
            Which channels, 1 to `n_channels`.
        gain : {1, 2, 4, 6, 8, 12, 24}
            Gain, V/V.
        mux : {"normal", "shorted", "bias", "supply", "temperature", "test", ...}
            What the channel measures; all words are those of `Mux`.
        power_down : bool
            Switch the channel off, and short it unless `mux` is given. Switching it on keeps mux.
        srb2 : bool
            Connect INnP to the SRB2 pin.
        rate_hz : int
            Of all channels, as `set_rate`; not with some `channels` alone.
        """
        words = {"gain": gain, "mux": mux, "power_down": power_down, "srb2": srb2}
        if rate_hz is not None and channels is not None:
            raise ValueError("rate_hz is of all channels: leave channels out, or call set_rate")
        settings = say("board", self.parts, rate=rate_hz)
        return self.apply(settings + say_channels(channels, self.parts, **words))

    def set_rate(self, rate: int | DataRate) -> Files:
        """Set samples per second: 250, 500, 1000, 2000, 4000, 8000 or 16000 at 2.048 MHz.

        It restarts the filter, and changes nothing else.
        """
        return self._say("board", rate=rate)

    def srb1(self, *, closed: bool) -> Files:
        """Connect the SRB1 pin in place of every INnN, or not."""
        return self._say("board", srb1=closed)

    def reference(self, *, internal: bool) -> Files:
        """Use the internal 4.5 V reference, and wait for it to start; or an external one."""
        return self._say("board", reference=internal)

    def single_shot(self, on: bool, /) -> Files:
        """Make one conversion for each START, or go on converting."""
        return self._say("board", single_shot=on)

    def clock_output(self, on: bool, /) -> Files:
        """Drive the first chip's clock out of its CLK pin, for the other chips."""
        return self._say("board", clock_output=on)

    def read_back_mode(self, mode: str, /) -> Files:
        """Set what follows a chip's frame: "daisy", the next chip's, or "multiple", its own."""
        return self._say("board", read_back=mode)

    def lead_off(
        self,
        *,
        current: str | LeadOffCurrent | None = None,
        frequency: str | float | LeadOffFrequency | None = None,
        threshold: float | ComparatorThreshold | None = None,
        sense_p: Iterable[int] | None = None,
        sense_n: Iterable[int] | None = None,
        flip: Iterable[int] | None = None,
        comparators: bool | None = None,
    ) -> Files:
        """Set lead-off detection.

        Parameters
        ----------
        current : {"6nA", "24nA", "6uA", "24uA"}
            Magnitude of the current; its tolerance is 20 %.
        frequency : {"dc", 7.8125, 31.25, "rate/4"}
            Frequency of the square wave, Hz; the comparators are of use with "dc" only.
        threshold : {95, 92.5, 90, 87.5, 85, 80, 75, 70}
            Threshold of the P side, % of the supply.
        sense_p, sense_n : iterable of int
            Channels with current and comparator on INnP, on INnN.
        flip : iterable of int
            Channels whose current runs the other way.
        comparators : bool
            Switch the comparators on or off; without them the status means nothing.
        """
        return self._say(
            "lead_off", current=current, frequency=frequency, threshold=threshold,
            sense_p=sense_p, sense_n=sense_n, flip=flip, comparators=comparators,
        )  # fmt: skip

    def lead_off_status(self) -> LeadOffStatus:
        """Read which electrodes are off; only what is sensed is said."""
        chips = [_lead_off_of(file) for file in self.read_registers()]
        bias = [chip.bias_off for chip in chips if chip.bias_off is not None]
        return LeadOffStatus(
            self._channels(chip.off_p for chip in chips),
            self._channels(chip.off_n for chip in chips),
            self._channels(chip.sensed_p for chip in chips),
            self._channels(chip.sensed_n for chip in chips),
            any(bias) if bias else None,
        )

    def bias(
        self,
        *,
        sense_p: Iterable[int] | None = None,
        sense_n: Iterable[int] | None = None,
        amplifier: bool | None = None,
        internal_reference: bool | None = None,
        measure: bool | None = None,
        lead_off_sense: bool | None = None,
    ) -> Files:
        """Set the bias amplifier.

        Parameters
        ----------
        sense_p, sense_n : iterable of int
            Channels whose P, N side feeds it; both sides of a channel, or its offset comes through.
        amplifier : bool
            Switch it on or off.
        internal_reference : bool
            Its reference is (AVDD + AVSS)/2; otherwise the BIASREF pin.
        measure : bool
            Connect BIASIN to the channels whose mux is "bias".
        lead_off_sense : bool
            Sense whether the bias electrode is off; with a current only while the amplifier is off.
        """
        return self._say(
            "bias", sense_p=sense_p, sense_n=sense_n, amplifier=amplifier,
            internal_reference=internal_reference, measure=measure, lead_off_sense=lead_off_sense,
        )  # fmt: skip

    def test_signal(
        self,
        *,
        on: bool = True,
        amplitude: int | CalAmplitude | None = None,
        frequency: str | CalFrequency | None = None,
    ) -> Files:
        """Make the test signal inside the chip, or not; channels with the mux "test" measure it.

        Parameters
        ----------
        on : bool
            Switch it on or off.
        amplitude : {1, 2}
            Level in VREF/2400: 1.875 or 3.75 mV each way at 4.5 V.
        frequency : {"slow", "fast", "dc"}
            0.98 or 1.95 Hz, or the negative level.
        """
        return self._say("test_signal", on=on, amplitude=amplitude, frequency=frequency)

    def gpio(
        self,
        *,
        chip: int = 1,
        outputs: Iterable[int] | None = None,
        high: Iterable[int] | None = None,
    ) -> frozenset[int]:
        """Set the GPIO pins of a chip; return those that read high.

        Parameters
        ----------
        chip : int
            Which chip, from 1.
        outputs : iterable of int, 1 to 4
            The pins that are outputs; all others become inputs.
        high : iterable of int, 1 to 4
            The outputs that are high; all others become low.
        """
        index = self._chip_index(chip)
        return self.apply(say_gpio(index, outputs=outputs, high=high))[index].get(Gpio).high

    def write_registers(
        self, address: int, data: bytes, *, chip: int = 1, force: bool = False
    ) -> Files:
        """Write raw bytes (1 to 24) from `address` on, to one chip.

        Read-only registers among them are passed over. With `force` reserved codes and bits go
        through, for work on the bench, and reserved bits are not compared.
        """
        index = self._chip_index(chip)
        n_channels = self.parts[index]
        return self.apply(Settings.of_bytes(index, address, data, n_channels, force=force))

    def _say(self, section: str, **words: object) -> Files:
        return self.apply(say(section, self.parts, **words))

    def _chip_index(self, chip: int) -> int:
        if not 1 <= chip <= len(self._ports):
            raise ValueError(f"there is no chip {chip}: this board has 1 to {len(self._ports)}")
        return chip - 1

    def _channels(self, per_chip: Iterable[frozenset[int]]) -> frozenset[int]:
        first = [sum(self.parts[:index]) for index in range(len(self.parts))]
        pairs = zip(first, per_chip, strict=True)
        return frozenset(offset + n for offset, channels in pairs for n in channels)


def _lead_off_of(file: RegisterFile) -> LeadOffStatus:
    """Return the status of one chip, with its own channel numbers."""
    sensed_p = sensed_n = frozenset[int]()
    if file.get(Config4).comparators:
        sensed_p, sensed_n = file.get(LeadOffSenseP).channels, file.get(LeadOffSenseN).channels
    bias = file.get(Config3)
    return LeadOffStatus(
        file.get(LeadOffStatusP).channels & sensed_p,
        file.get(LeadOffStatusN).channels & sensed_n,
        sensed_p,
        sensed_n,
        bias.bias_electrode_off if bias.bias_lead_off_sense else None,
    )
