"""All around the chip that can be other than it should: electrodes, mains, supplies, faults.

A `World` is a value. To change something, make another one (`dataclasses.replace`,
`World.with_electrode`, `World.with_fault`) and give it to `AnalogueFrontEnd.set_world` with the
tick from which it holds.
"""

from dataclasses import dataclass, field, replace
from enum import Enum

import numpy as np

SERIES_OHM = 2200.0  #: Protection resistor between pin and electrode, as OpenBCI's boards have it.


@dataclass(frozen=True)
class Electrode:
    """One electrode and its lead: r_ohm parallel to c_f, in series with series_ohm."""

    #: Skin contact, ohm and F. The data sheet's model is 51 kohm and 47 nF; gelled, prepared facial
    #: skin is near 10 kohm.
    r_ohm: float = 10e3
    c_f: float = 47e-9
    series_ohm: float = SERIES_OHM  #: Resistor between pin and electrode, ohm.
    is_connected: bool = True  #: False: it fell off, or its wire broke; the pin floats.
    half_cell_v: float = 0.0  #: Dc potential of the contact, V.

    def __post_init__(self) -> None:
        for name in ("r_ohm", "c_f", "series_ohm"):
            if not getattr(self, name) >= 0.0:
                raise ValueError(f"Electrode.{name} is {getattr(self, name)}; it must be ≥ 0")
        if not np.isfinite(self.half_cell_v):
            raise ValueError(f"Electrode.half_cell_v is {self.half_cell_v}; it must be finite")


OPEN = Electrode(is_connected=False)  #: An input with nothing on it.
WIRE = Electrode(r_ohm=0.0, c_f=0.0, series_ohm=0.0)  #: A generator's lead straight on the pin.


@dataclass(frozen=True)
class Bridge:
    """A conducting path between two electrodes: gel, sweat, a solder bridge.

    `first` and `second` name pins: IN1P to IN8P, IN1N to IN8N, SRB1, SRB2 or BIAS.
    """

    first: str
    second: str
    ohm: float = 100.0


@dataclass(frozen=True)
class Mains:
    """The power line's field; all values are peak values.

    Notes
    -----
    What `body_v` leaves on the body, V_cm, becomes a difference in two ways: by the CMRR, and by
    the current j ω C V_cm (C = 20 pF of an input) in electrodes that are not equal. This current
    flows against that of the cables; at 50 mV and 0.3 nA the two cancel, and a body that is free
    would seem quieter than one that is held. The common mode a room gives is far above that.
    """

    frequency_hz: float = 50.0  #: 50 or 60.
    #: Amplitude between body and board while nothing joins the two, V. Behind it are 200 pF
    #: (`network.BODY_F`), so inputs of 20 pF each take some of it away, and a bias electrode nearly
    #: all. 0.1 to 10 V with a battery-powered board.
    body_v: float = 0.0
    #: Displacement current into every electrode lead, A, in phase with that into the body. With an
    #: impedance difference of 10 kohm between P and N, 1 nA gives 10 uV.
    cable_a: float = 0.0

    def __post_init__(self) -> None:
        if not (self.frequency_hz > 0 and self.body_v >= 0 and self.cable_a >= 0):
            raise ValueError(f"{self}: the frequency must be > 0, the amplitudes ≥ 0")

    @classmethod
    def typical(cls, frequency_hz: float = 50.0) -> "Mains":
        """Make what a battery-powered board meets in a room: 1 V on the body, 0.3 nA a lead."""
        return cls(frequency_hz, body_v=1.0, cable_a=0.3e-9)


class ChannelFault(Enum):
    """What is wrong with one channel of the chip; `World.with_fault` says which."""

    DEAD = "dead"  #: The modulator gives nothing: code 0, always.
    RAILED = "railed"  #: The input is torn to a rail: positive full scale, always.
    NOISY = "noisy"  #: Noise is larger by a factor (the value; e.g. 5).
    GAIN_STUCK = "gain_stuck"
    """The amplifier keeps one gain (the value: 1, 2, 4, 6, 8, 12 or 24) whatever CHnSET says."""


@dataclass(frozen=True)
class World:
    """What the chip is in: per-pin electrodes, body, supplies, temperature, and faults.

    The bias electrode holds the body while the bias amplifier is on. Without either, the body is
    held by the inputs alone: 20 pF each, and dc 1 Gohm each (both from the data sheet). Mains then
    appear on all channels, and where they or a dc offset drive an amplifier's output within 0.2 V
    of a rail, it clips. The input currents of at most 300 pA move a free body by 0.3 V at most;
    leaks on a real board may move it further, which is not modelled.
    """

    p: tuple[Electrode, ...]  #: One for each channel.
    n: tuple[Electrode, ...]
    #: Bias electrode (on the pin that BIASOUT and BIASIN share) and the reference electrodes. All
    #: are on the body, whose potential is the sources' 0 V.
    bias: Electrode = field(default_factory=Electrode)
    srb1: Electrode = field(default_factory=Electrode)
    srb2: Electrode = field(default_factory=Electrode)
    bridges: tuple[Bridge, ...] = ()
    mains: Mains = field(default_factory=Mains)
    avdd_v: float = 5.0  #: Supplies, V; AVSS and DGND are 0.
    dvdd_v: float = 3.3
    temperature_c: float = 25.0  #: Of the board; the die is `self_heating_c` warmer.
    self_heating_c: float = 3.0
    #: A reference fitted on VREFP; it counts while the internal one is off.
    external_reference_v: float | None = None
    #: What VREFP settles to whatever CONFIG3 says (0: shorted, capacitor or buffer dead).
    reference_fault_v: float | None = None
    bias_reference_v: float | None = None  #: Voltage on the BIASREF pin; None is half of AVDD.
    #: Channel (1 to 8), fault and value, for each channel that has one.
    faults: tuple[tuple[int, ChannelFault, float], ...] = ()

    def __post_init__(self) -> None:
        if len(self.p) != len(self.n):
            raise ValueError(f"{len(self.p)} P electrodes but {len(self.n)} N electrodes")
        for name in ("avdd_v", "dvdd_v"):
            if not 0.0 <= getattr(self, name) <= 5.5:
                raise ValueError(f"World.{name} is {getattr(self, name)} V; it must be 0 to 5.5 V")
        for bridge in self.bridges:
            if not bridge.ohm > 0:
                raise ValueError(f"a bridge of {bridge.ohm} Ω; it must be > 0")
            self.pin_index(bridge.first)
            self.pin_index(bridge.second)

    @classmethod
    def ideal(cls, n_channels: int) -> "World":
        """Wires for electrodes, nothing disturbing, a die at 25 degC."""
        wires = (WIRE,) * n_channels
        return cls(wires, wires, bias=WIRE, srb1=WIRE, srb2=WIRE, self_heating_c=0.0)

    @classmethod
    def typical(cls, n_channels: int, seed: int) -> "World":
        """Good gelled electrodes: 6 to 14 kohm, half-cell differences of some millivolts."""
        rng = np.random.default_rng([seed, 0x0E1EC])

        def electrode() -> Electrode:
            return Electrode(
                r_ohm=float(rng.uniform(6e3, 14e3)),
                half_cell_v=float(np.clip(rng.normal(0.0, 3e-3), -8e-3, 8e-3)),
            )

        p = tuple(electrode() for _ in range(n_channels))
        n = tuple(electrode() for _ in range(n_channels))
        return cls(p, n, bias=electrode(), srb1=electrode(), srb2=electrode())

    @property
    def n_channels(self) -> int:
        """Channels it has electrodes for."""
        return len(self.p)

    @property
    def electrodes(self) -> tuple[Electrode, ...]:
        """All P, all N, SRB1, SRB2, BIAS: the order of `pin_index`."""
        return (*self.p, *self.n, self.srb1, self.srb2, self.bias)

    def pin_index(self, pin: str) -> int:
        """Index of a pin in `electrodes`; ValueError if there is no such pin."""
        count = self.n_channels
        names = [f"IN{c}P" for c in range(1, count + 1)] + [f"IN{c}N" for c in range(1, count + 1)]
        names += ["SRB1", "SRB2", "BIAS"]
        if pin.upper() not in names:
            raise ValueError(f"no pin {pin!r}; there are {', '.join(names)}")
        return names.index(pin.upper())

    def with_electrode(self, pin: str, electrode: Electrode) -> "World":
        """Return the world with another electrode on `pin` (IN1P, IN3N, SRB2, BIAS …)."""
        electrodes, count = list(self.electrodes), self.n_channels
        electrodes[self.pin_index(pin)] = electrode
        p, n = tuple(electrodes[:count]), tuple(electrodes[count : 2 * count])
        srb1, srb2, bias = electrodes[2 * count :]
        return replace(self, p=p, n=n, srb1=srb1, srb2=srb2, bias=bias)

    def with_fault(self, channel: int, fault: ChannelFault | None, value: float = 1.0) -> "World":
        """Return the world with `fault` on a channel (1 to 8) in place of what it had; None heals.

        Raises
        ------
        ValueError
            If there is no such channel, or the value means nothing for this fault.
        """
        if not 1 <= channel <= self.n_channels:
            raise ValueError(f"channel {channel}: there are channels 1 to {self.n_channels}")
        if fault is ChannelFault.GAIN_STUCK and value not in (1, 2, 4, 6, 8, 12, 24):
            raise ValueError(f"gain stuck at {value}: gains are 1, 2, 4, 6, 8, 12, 24")
        if fault is ChannelFault.NOISY and not value >= 0:
            raise ValueError(f"a noise factor of {value}; it must be ≥ 0")
        others = tuple(entry for entry in self.faults if entry[0] != channel)
        return replace(self, faults=others if fault is None else (*others, (channel, fault, value)))

    def fault_of(self, channel: int) -> tuple[ChannelFault | None, float]:
        """Fault of a channel and its value; (None, 1.0) for a healthy one."""
        for number, fault, value in self.faults:
            if number == channel:
                return fault, value
        return None, 1.0
