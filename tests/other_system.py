"""A program for a process of its own: emgrig where there is nothing that only Unix has.

What stands for another system: modules that are not there, and calls that are taken away. Run with
the folder to record into; it prints what it found as JSON.
"""

import _socket
import builtins
import json
import os
import select
import signal
import sys
from pathlib import Path
from types import ModuleType

#: Not to be imported by emgrig; libraries know for themselves where they run.
MODULES = {"tty", "pty", "termios", "fcntl", "resource", "pwd", "grp", "syslog", "readline"}
CALLS: dict[ModuleType, set[str]] = {
    os: {
        *("fork", "forkpty", "openpty", "ttyname", "fstatvfs", "sysconf"),
        *("getuid", "geteuid", "getgid", "getegid", "getpgid", "setsid", "killpg", "nice"),
        *("pread", "pwrite", "preadv", "sendfile", "chown", "chroot", "mkfifo", "mknod"),
        *("getloadavg", "sched_getaffinity", "wait", "fchmod", "pipe2", "ctermid"),
        *("O_NONBLOCK", "O_DIRECTORY", "O_SYNC", "O_NOCTTY", "O_DSYNC"),
    },
    select: {name for name in dir(select) if "poll" in name.lower() or name == "kqueue"},
    signal: {"SIGKILL", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGCHLD", "SIGPIPE", "alarm"},
    _socket: {"AF_UNIX", "SO_REUSEPORT", "MSG_DONTWAIT", "TCP_QUICKACK", "socketpair"},
}


def take_away() -> None:
    """Leave no more than Windows has; before anything else is imported."""
    for module, names in CALLS.items():
        for name in names & set(vars(module)):
            delattr(module, name)
    load = builtins.__import__

    def careful(name: str, space: object = None, *rest: object, **more: object) -> object:
        asks = str((space or {}).get("__name__", ""))  # type: ignore[union-attr, attr-defined]
        if asks.partition(".")[0] == "emgrig" and name.partition(".")[0] in MODULES:
            raise ModuleNotFoundError(f"No module named {name!r} on this system", name=name)
        return load(name, space, *rest, **more)  # type: ignore[arg-type]

    builtins.__import__ = careful  # type: ignore[assignment]


def import_all() -> list[str]:
    """Import every module of emgrig; return their names."""
    import pkgutil
    from importlib import import_module

    import emgrig

    names = [found.name for found in pkgutil.walk_packages(emgrig.__path__, "emgrig.")]
    for name in names:
        # labgrid is for Linux, and not among what developers install.
        if not name.endswith("__main__") and not name.startswith("emgrig.labgrid."):
            import_module(name)
    return names


def serve_and_record(folder: Path) -> dict[str, object]:
    """Serve a board over TCP as fast as it is read, record it, and read the recording back."""
    from edfio import read_bdf

    import emgrig
    from emgrig.recording.recorder import record
    from emgrig.simulator.assembly import build_board
    from emgrig.simulator.options import SimOptions
    from emgrig.simulator.serve import serve_pty, serve_tcp

    with (
        serve_tcp(build_board(SimOptions(source="face")), speed=float("inf")) as server,
        emgrig.connect(server.address) as board,
    ):
        board.apply("facial-emg")
        made = record(board, folder / "a.bdf", 2.0, profile="facial-emg")
    said: dict[str, object] = {"selector": type(server._selector).__name__}
    said["samples"], said["lost"] = made.n_samples, made.totals.lost
    said["in the file"] = len(read_bdf(made.bdf_paths[0]).signals[0].data)
    try:
        serve_pty(build_board(SimOptions()))
    except emgrig.TransportError as error:
        said["pty"] = str(error)
    return said


if __name__ == "__main__":
    take_away()
    sys.stdout.write(json.dumps({"names": import_all(), **serve_and_record(Path(sys.argv[1]))}))
