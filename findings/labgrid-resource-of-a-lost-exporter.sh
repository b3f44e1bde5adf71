#!/bin/sh
# labgrid shares out the boards of a laboratory: an exporter on each machine offers resources, and a test
# holds them through a coordinator. When an exporter's machine dies in the middle of a test, one would
# guess that the resource becomes unavailable: `avail` turns False, as labgrid's own resources on this
# machine do when a cable is pulled. In labgrid 26.0.1 the next `resource.poll()` raises
# KeyError: 'params' instead, from inside labgrid, and `avail` still says True. A test that waits for a
# board, or looks whether it is still there, ends in a traceback that names neither board nor exporter.
# Instead: take a KeyError of `poll()` for "its exporter is gone".
#
# Output seen:
#     labgrid 26.0.1
#     with its exporter: avail True
#     exporter killed: poll() raises KeyError: 'params', avail True
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q labgrid==26.0.1
cd "$tmp"
"$tmp/venv/bin/python" - "$tmp/venv/bin" <<'PY'
import os
import pathlib
import socket
import subprocess
import sys
import time
from importlib.metadata import version

programs = pathlib.Path(sys.argv[1])
with socket.create_server(("127.0.0.1", 0)) as free:
    where = f"127.0.0.1:{free.getsockname()[1]}"
os.environ["LG_COORDINATOR"] = where
log = open("log", "w")


def client(*words):
    command = [programs / "labgrid-client", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def wait_for(done, what):
    for _ in range(300):
        if done():
            return
        time.sleep(0.2)
    sys.exit(f"CHANGED: {what}")


pathlib.Path("exporter.yaml").write_text(
    "bench:\n  NetworkService: {address: 127.0.0.1, username: nobody}\n"
)
pathlib.Path("env.yaml").write_text(
    "targets:\n  main:\n    resources:\n      RemotePlace: {name: bench}\n"
)
started = [subprocess.Popen([programs / "labgrid-coordinator", "-l", where], stdout=log, stderr=log)]
try:
    wait_for(lambda: client("places").returncode == 0, "no coordinator")
    exporter = subprocess.Popen(
        [programs / "labgrid-exporter", "-c", where, "-n", "here", "exporter.yaml"],
        stdout=log, stderr=log,
    )
    started.append(exporter)
    wait_for(lambda: "NetworkService" in client("resources").stdout, "no resource")
    client("-p", "bench", "create")
    client("-p", "bench", "add-match", "here/bench/NetworkService")
    assert client("-p", "bench", "acquire").returncode == 0

    from labgrid import Environment

    resource = Environment("env.yaml").get_target().get_resource("NetworkService")
    resource.poll()
    print("labgrid", version("labgrid"))
    print("with its exporter: avail", resource.avail)
    exporter.kill()
    exporter.wait()
    wait_for(lambda: "NetworkService" not in client("resources").stdout, "it is still offered")
    raised = ""
    for _ in range(50):
        try:
            resource.poll()
        except KeyError as error:
            raised = f"KeyError: {error}"
            break
        time.sleep(0.2)
    print(f"exporter killed: poll() raises {raised or 'nothing'}, avail {resource.avail}")
    if raised != "KeyError: 'params'" or not resource.avail:
        sys.exit("CHANGED: a resource whose exporter is gone behaves in another way")
finally:
    for one in reversed(started):
        one.kill()
        one.wait()
PY
