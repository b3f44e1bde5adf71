"""What the fakes need of a bench, and how a script is stopped."""

from typing import Protocol, Self


class BenchVerbs(Protocol):
    """What is used of a `Bench`, here or behind a socket."""

    @property
    def now_s(self) -> float:
        """Bench time, s."""

    @property
    def n_chips(self) -> int:
        """Chips on the bus."""

    def advance_to(self, time_s: float) -> None:
        """Let time pass."""

    def next_event_s(self) -> float | None:
        """When DRDY of any chip will fall next."""

    def next_fall_s(self, chip: int = 0) -> float | None:
        """When DRDY of this chip will fall next."""

    def select(self, chip: int = 0) -> None:
        """CS low."""

    def deselect(self, chip: int = 0) -> None:
        """CS high."""

    def exchange(
        self, mosi: bytes, *, mode: int = 1, sclk_hz: float = 1e6, gap_s: float = 0.0
    ) -> bytes:
        """Clock bytes, CS as it is."""

    def transfer(
        self,
        mosi: bytes,
        *,
        chip: int = 0,
        mode: int = 1,
        sclk_hz: float = 1e6,
        gap_s: float = 0.0,
    ) -> bytes:
        """Clock bytes with CS low."""

    def set_pin(self, name: str, level: bool | int, chip: int | None = None) -> None:
        """Drive a pin."""

    def pin(self, name: str, chip: int = 0) -> int:
        """Level of a pin."""

    def drdy_count(self, chip: int = 0) -> int:
        """Falls of DRDY."""


class TimeIsUp(KeyboardInterrupt):
    """The script was stopped, as Ctrl-C would: its bench time is over, or nothing can happen."""

    @classmethod
    def at_limit(cls, limit_s: float) -> Self:
        """Say that bench time has come to where it was to end."""
        return cls(f"stopped at {limit_s:g} s of bench time")

    @classmethod
    def of_wait(cls, now_s: float, what: str) -> Self:
        """Say that it waits for what cannot come."""
        return cls(
            f"stopped at {now_s:.6f} s of bench time: the script waits for {what} for ever, and no "
            "conversions run"
        )

    @classmethod
    def of_stare(cls, now_s: float, stare_s: float) -> Self:
        """Say that it looks at what cannot change."""
        return cls(
            f"stopped at {now_s:.6f} s of bench time: for {stare_s:g} s the script looked at lines "
            "or clocks, and no conversions run that could change them"
        )
