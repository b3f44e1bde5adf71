"""What can be explained: checks, limits, causes, faults, registers, exit codes.

Nothing is written here that stands elsewhere: a topic is made of the declaration that the program
itself works by. Since most of the package is imported for that, what comes of it is kept in a file
(`kept`), which ``python -m emgrig.tools.explain.topics`` writes anew.
"""

import inspect
import re
from collections.abc import Iterator
from functools import cache
from itertools import groupby

from emgrig.driver.chip.bits import Bits, Code, Register
from emgrig.driver.chip.registers import REGISTERS
from emgrig.errors import ExitCode
from emgrig.hil_tests.diagnosis.causes import RULES
from emgrig.hil_tests.diagnosis.symptoms import Rule
from emgrig.hil_tests.judging.check import CheckInfo, suite_functions
from emgrig.hil_tests.judging.limits import Limit, load_limits
from emgrig.simulator.faults.fault import Fault
from emgrig.simulator.faults.named import FAULTS, parameters_of
from emgrig.tools.explain import kept
from emgrig.tools.explain.kept import Topic, plain

_EXIT_CODES = {
    ExitCode.OK: "well; of a command with a verdict: the answer is yes",
    ExitCode.VERDICT: "the command ran, and its answer is no: FAIL, incomplete, differences",
    ExitCode.USAGE: "wrong arguments; nothing was done",
    ExitCode.LINK: "no link: nobody answers, or another protocol, or it was lost",
    ExitCode.DEVICE: "the board or the chip refused, cannot, or is not as it says",
    ExitCode.FILE: "a file or an extra is missing; a file is damaged, in the way, or not writable",
    ExitCode.INFRASTRUCTURE: "the laboratory failed (labgrid); no verdict on the board",
    ExitCode.INTERRUPTED: "ended by Ctrl-C, SIGTERM, SIGHUP; what is meant to end so gives 0",
}
_OF_KINDS = {
    "check": "What bring-up asks, in its order.",
    "limit": "What a measured value of bring-up must keep.",
    "cause": "What bring-up can name as the reason.",
    "fault": "What can be planted in a simulated board: --fault NAME, or sim:fault=NAME.",
    "register": "Of the ADS1299.",
}


@cache
def topics() -> tuple[Topic, ...]:
    """Return all there are, kind by kind."""
    every = [
        *(_check(info, function.__doc__ or "") for info, function in suite_functions()),
        *_limits(),
        *map(_cause, RULES),
        *map(_fault, FAULTS.values()),
        *map(_register, REGISTERS),
    ]
    by_kind = groupby(every, key=lambda one: one.kind)
    lists = [_list(kind, list(group)) for kind, group in by_kind]
    return (*every, _exit_codes(), *lists)


def names(topic: Topic) -> set[str]:
    """Return the words that mean it, plain: its name; CH3SET and GAIN3 for CHnSET."""
    named = {topic.name}
    if topic.name == "exit-codes":
        named |= {str(int(code)) for code in ExitCode}
    for register in REGISTERS:
        if topic.kind == "register" and register.NAME.format(n="n") == topic.name:
            for address in range(register.ADDRESS, register.ADDRESS + register.COUNT):
                named |= {f"{address:02x}h", f"0x{address:02x}", f"{address:02x}"}
            names = [register.NAME, *(bits.name for bits in register.FIELDS)]
            named |= {name.format(n=n, bit=n) for name in names for n in ("", "n", *range(1, 9))}
    return {plain(name) for name in named}


def _check(info: CheckInfo, about: str) -> Topic:
    faults = [fault for fault in FAULTS.values() if fault.found_by == info.number]
    facts = [
        ("layer", f"{info.layer.title}; when a layer fails, those above it are not asked"),
        ("how", inspect.cleandoc(about).replace("\n", " ")),
        ("needs of the board", ", ".join(need.value for need in info.needs)),
        ("faults it finds on a simulated board", ", ".join(fault.name for fault in faults)),
        ("causes that are told apart", ", ".join(sorted({fault.cause for fault in faults}))),
    ]
    return Topic("check", info.number, info.title, tuple(fact for fact in facts if fact[1]))


def _limits() -> Iterator[Topic]:
    table = load_limits()
    for name, limit in table.limits.items():
        unit = table.units[name]
        facts = [("fails outside of", limit.words(unit)), ("where from", limit.source)]
        near = Limit(low=limit.marginal_low, high=limit.marginal_high)
        if near.is_limit:
            facts.insert(1, ("marginal outside of", near.words(unit)))
        facts.append(("to change it", f"a table [{name}] in a file for --limits"))
        yield Topic("limit", name, f"of the bring-up suite; unit: {unit or 'none'}", tuple(facts))


def _cause(rule: Rule) -> Topic:
    faults = [fault.name for fault in FAULTS.values() if fault.cause == rule.key]
    facts = [("next step", rule.next_step)]
    facts += (
        [("to see it on a simulated board", f"--fault {' or '.join(faults)}")] if faults else []
    )
    title = rule.cause.format(channels="the channels that it names")
    return Topic("cause", rule.key, title, tuple(facts))


def _fault(fault: Fault) -> Topic:
    facts = [("found by", fault.found_by), ("named as", fault.cause)]
    for name, one in parameters_of(fault).items():
        facts.append((f"parameter {name}", f"{one.meaning}; {one.default} {one.unit}".rstrip()))
    facts.append(("how", f"emgrig simulate --fault {fault.name}, or sim:fault={fault.name}"))
    return Topic("fault", fault.name, fault.effect, tuple(fact for fact in facts if fact[1]))


def _register(register: type[Register]) -> Topic:
    title, *notes = inspect.cleandoc(register.__doc__ or "").split("\n\n")
    facts = [("address", f"{register.ADDRESS:02X}h"), ("after RESET", f"{register.RESET:02X}h")]
    if register.COUNT > 1:
        last = register.ADDRESS + register.COUNT - 1
        facts[0] = ("address", f"{register.ADDRESS:02X}h to {last:02X}h, one a channel from 1 on")
    for bits in register.FIELDS:
        place = f"bit {bits.high}" if bits.high == bits.low else f"bits {bits.high}-{bits.low}"
        facts.append((f"{place}: {bits.title('n')}", _meaning(bits)))
    facts += [("note", " ".join(note.split())) for note in notes]
    name, title = register.NAME.format(n="n"), " ".join(title.split()).rstrip(".")
    if of := re.match(r"\S+ \((9[0-9.]+)\)[:;,] *", title):  # name and section of the data sheet
        title = title[of.end() :]
        facts.append(("data sheet", f"SBAS499C, {of[1]}"))
    return Topic("register", name, title, tuple(facts))


def _meaning(bits: Bits) -> str:
    if issubclass(bits.kind, Code):
        width = bits.high - bits.low + 1
        said = ", ".join(f"{code.code:0{width}b} {code.word}" for code in bits.kind)
    elif bits.kind is bool:
        said = f"0 {bits.words[0]}, 1 {bits.words[1]}"
    elif bits.kind is frozenset:
        said = f"bit n - 1 is number n, of 1 to {bits.high - bits.low + 1}"
    else:
        said = bits.allowed()
    return f"{said}; read only" if bits.read_only else said


def _exit_codes() -> Topic:
    facts = tuple((str(int(code)), _EXIT_CODES[code]) for code in ExitCode)
    return Topic("exit codes", "exit-codes", "What the shell is told, by every command.", facts)


def _list(kind: str, every: list[Topic]) -> Topic:
    """Return a topic that has a line for each of a kind, as exit codes have."""
    facts = [(one.name, one.title) for one in every]
    if kind == "fault":
        facts = [(name, f"{title}{_found(FAULTS[name])}") for name, title in facts]
    return Topic("list", f"{kind}s", _OF_KINDS[kind], tuple(facts))


def _found(fault: Fault) -> str:
    named = "" if fault.cause in ("", fault.name) else f" as {fault.cause}"
    return f"; found by {fault.found_by}{named}" if fault.found_by else ""


if __name__ == "__main__":
    kept.write((topic, names(topic)) for topic in topics())
