"""Runs of many boards in one file of SQLite: which board, when, by whom, and all values."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from emgrig.errors import RecordingError
from emgrig.filemodel import Json
from emgrig.files import check_folder
from emgrig.hil_tests.history_file import check_there
from emgrig.hil_tests.judging.measurement import Outcome

GOOD: Final = (Outcome.PASS, Outcome.MARGINAL)
_MARK: Final = 0x454D4752  #: "EMGR", the application id of the file.
_VERSION: Final = 1
_WAIT_S: Final = 30.0  #: For another bench that writes into the file.
_TABLES: Final = """
CREATE TABLE runs (
  run INTEGER PRIMARY KEY, began TEXT NOT NULL, board TEXT NOT NULL, simulated INTEGER NOT NULL,
  address TEXT NOT NULL, firmware TEXT NOT NULL, level TEXT NOT NULL, operator TEXT NOT NULL,
  outcome TEXT NOT NULL, cause TEXT NOT NULL, line TEXT NOT NULL, record TEXT NOT NULL);
CREATE TABLE readings (
  run INTEGER NOT NULL REFERENCES runs, checked TEXT NOT NULL, quantity TEXT NOT NULL,
  unit TEXT NOT NULL, channel INTEGER, value REAL NOT NULL, outcome TEXT NOT NULL,
  low REAL, high REAL);
CREATE INDEX of_run ON readings (run, quantity);
"""


@dataclass(frozen=True)
class Run:
    """One run of the suite. `board` is its serial number, empty if nobody answered."""

    run: int
    began: str  #: ISO 8601, UTC.
    board: str
    simulated: bool
    address: str
    firmware: str
    level: str
    operator: str
    outcome: str
    cause: str  #: The diagnosis in words; empty if nothing failed.


@dataclass(frozen=True)
class Value:
    """One value of a run; `channel` 1 or more, None if it is the board's."""

    run: int
    check: str
    quantity: str
    unit: str
    channel: int | None
    value: float
    outcome: str
    low: float | None  #: Its limits at that time, in `unit`; None where there was none.
    high: float | None


def check_history(path: Path) -> None:
    """Refuse a file that no run could be added to, before one is made; RecordingError says why."""
    check_folder(path.parent)
    with _opened(path, is_new=True):
        pass


def add(path: Path, record: Json, operator: str = "") -> int:
    """Add the record of a run (`make_record`); return its number. RecordingError if it cannot be.

    The file is made if it is not there. Several programs may add to it at once.
    """
    said: Any = record
    board = said["board"] or {}
    diagnosis = said["diagnosis"] or {}
    with _opened(path, is_new=True) as base:
        cursor = base.execute(
            "INSERT INTO runs VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                said["began"],
                board.get("serial_number", ""),
                said["verdict"]["simulated"],
                said["address"],
                board.get("firmware", ""),
                said["level"],
                operator,
                said["verdict"]["outcome"],
                diagnosis.get("cause", ""),
                said["verdict"]["line"],
                json.dumps(record, ensure_ascii=False),
            ),
        )
        run = cursor.lastrowid or 0
        base.executemany(
            "INSERT INTO readings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(run, *row) for row in _readings(said)],
        )
    return run


def _readings(record: Any) -> Iterator[tuple[object, ...]]:
    for check in record["checks"]:
        for one in check["measurements"]:
            limit = one["limit"]
            for reading in one["readings"]:
                value = reading["value"]
                if isinstance(value, bool) or not isinstance(value, int | float):
                    continue
                yield (
                    check["number"],
                    one["name"],
                    one["unit"],
                    reading["channel"],
                    value,
                    reading["outcome"],
                    limit["low"],
                    limit["high"],
                )


def read_runs(path: Path, board: str | None = None) -> list[Run]:
    """Return the runs of a board, or of all, in their order. RecordingError if it is no history."""
    columns = "run, began, board, simulated, address, firmware, level, operator, outcome, cause"
    with _opened(path) as base:
        rows = base.execute(
            f"SELECT {columns} FROM runs WHERE ?1 IS NULL OR board = ?1 ORDER BY run",  # noqa: S608
            (board,),
        ).fetchall()
    return [replace(Run(*row), simulated=bool(row[3])) for row in rows]


def read_values(path: Path, board: str | None = None) -> list[Value]:
    """Return the values of the runs that `read_runs` returns, in the order of the runs."""
    with _opened(path) as base:
        rows = base.execute(
            "SELECT readings.* FROM readings JOIN runs USING (run) "
            "WHERE ?1 IS NULL OR board = ?1 ORDER BY run, readings.rowid",
            (board,),
        ).fetchall()
    return [Value(*row) for row in rows]


@contextmanager
def _opened(path: Path, *, is_new: bool = False) -> Iterator[sqlite3.Connection]:
    """Open the file for one transaction; make its tables if it `is_new` and empty."""
    if path.is_dir() or not is_new:
        check_there(path)
    try:
        with closing(sqlite3.connect(path, timeout=_WAIT_S)) as base, base:
            is_empty = not base.execute("SELECT 1 FROM sqlite_schema").fetchone()
            (mark,) = base.execute("PRAGMA application_id").fetchone()  # after: both come at once
            if is_new and is_empty:
                base.execute("BEGIN IMMEDIATE")  # of two that begin a file, one makes the tables
                if not base.execute("SELECT 1 FROM sqlite_schema").fetchone():
                    _make(base)
            elif mark != _MARK:
                raise RecordingError(f"{path} is no history of emgrig; choose another name")
            yield base
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_NOTADB:
            raise RecordingError(f"{path} is no history of emgrig; choose another name") from error
        raise RecordingError(f"the history {path} cannot be used: {error}") from error


def _make(base: sqlite3.Connection) -> None:
    base.execute(f"PRAGMA application_id = {_MARK}")
    base.execute(f"PRAGMA user_version = {_VERSION}")
    for statement in filter(None, (one.strip() for one in _TABLES.split(";"))):
        base.execute(statement)
