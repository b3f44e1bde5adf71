"""From symptoms to the likely cause and the next probe: a table, read from the top.

A rule names a cause, when it holds, and what a person does next to make sure. The first that holds
is the diagnosis; others that hold too are told beside it. docs/bringup.md explains the rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from emgrig.driver.can import Can
from emgrig.hil_tests.diagnosis.causes import RULES
from emgrig.hil_tests.diagnosis.evidence import Evidence, Fact, Place
from emgrig.hil_tests.diagnosis.medium import medium_of
from emgrig.hil_tests.diagnosis.symptoms import Rule
from emgrig.hil_tests.judging.check import CheckResult

if TYPE_CHECKING:
    from emgrig.hil_tests.measuring.rig import Rig


@dataclass(frozen=True)
class Diagnosis:
    """What is likely wrong.

    Attributes
    ----------
    key : str
        Name in the table of causes.
    cause, next : str
        In words, and what to do.
    channels : tuple of int or str
        What it is about: channels, or electrodes such as 3P; empty if it is not about some.
    because, others : tuple of str
        What it rests on; what fits too, but is less likely.
    probes : dict
        What was asked after a check failed.
    """

    key: str
    cause: str
    next: str
    channels: tuple[Place, ...] = ()
    because: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    probes: Mapping[str, Fact | None] = field(default_factory=dict)

    @property
    def line(self) -> str:
        """The diagnosis in one line."""
        return f"{self.cause}. Next: {self.next}"


def diagnose(
    rig: "Rig", results: Sequence[CheckResult], *, is_open: bool = False
) -> Diagnosis | None:
    """Find what is likely wrong in a run that failed; ask the board where that needs no hands.

    `is_open` says that nothing was said to be on the inputs.
    """
    n_channels = rig.n_channels if rig.is_identified else 0
    can = rig.identity.can if rig.is_identified else Can()
    address = rig.link.transport.address if rig.is_linked else rig.address
    evidence = Evidence(
        results, n_channels=n_channels, can=can, medium=medium_of(address), is_open=is_open
    )
    if evidence.failed is None:
        return None
    if rig.is_open:
        from emgrig.hil_tests.diagnosis import probes  # numpy comes with it

        probes.ask_all(rig, evidence)
    if not evidence.n_channels and rig.is_identified:
        evidence.n_channels = rig.n_channels
    return conclude(evidence)


def conclude(evidence: Evidence) -> Diagnosis:
    """Read the table with these facts."""
    failed = evidence.failed
    assert failed is not None, "conclude() is for runs that failed"
    fitting = sorted(
        (rule for rule in RULES if rule.when(evidence)), key=lambda rule: rule.is_harmless
    )
    if not fitting:
        return Diagnosis(
            "unknown",
            f"{failed.info.number} failed ({failed.info.layer.title}): {failed.message}",
            f"emgrig explain {failed.info.number} says what it asks and rests on",
            probes=evidence.probes,
        )
    best, *others = fitting
    return Diagnosis(
        best.key,
        best.told(evidence),
        best.advice(evidence),
        best.places(evidence),
        because=_findings(evidence, best),
        others=tuple(rule.told(evidence) for rule in others if not rule.is_general),
        probes=evidence.probes,
    )


def _findings(evidence: Evidence, best: Rule) -> tuple[str, ...]:
    failed = evidence.failed
    assert failed is not None
    meanwhile = (i.words for i in failed.incidents if i.words not in failed.message)
    read = (best.found(evidence),) if best.found is not None else ()
    return (f"{failed.info.number} {failed.info.title}: {failed.message}", *meanwhile, *read)
