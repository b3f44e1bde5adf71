"""What the desk costs with nobody, one and 51 pages open, a board on it and one that is unplugged.

The pages are websocket clients that shake hands, answer pings and acknowledge as NiceGUI's script
in a browser does, and throw away what comes: what counts is the processor time of the desk alone,
and what each page got. `DESK_TABS_SECONDS` sets how long each case is measured.
"""

import ast
import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from pathlib import Path
from urllib.parse import urlencode

from websockets.asyncio.client import connect

from benchmarks._figures import figure

SECONDS = float(os.environ.get("DESK_TABS_SECONDS", "12"))
SETTLE_S = 4.0
MANY = 51
GOALS = {("unplugged", 0): 0.01, ("unplugged", MANY): 0.20, ("streaming", MANY): 0.20}


def main() -> None:
    """Measure, and print."""
    found = {}
    for n_pages in [int(n) for n in sys.argv[1:]] or (0, 1, MANY):
        with tempfile.TemporaryDirectory() as folder:
            found.update(asyncio.run(_measure(n_pages, folder)))
    print(f"desk, 8 channels at 1000 SPS, {SECONDS:g} s each: share of a core")
    for (state, n_pages), (share, n_messages) in sorted(found.items()):
        goal = GOALS.get((state, n_pages))
        at_most = None if goal is None else 100 * goal
        name = f"{state}, {n_pages} page{'' if n_pages == 1 else 's'}: share of a core"
        figure(name, 100 * share, "%", at_most=at_most)
        if n_pages:
            print(f"    {n_messages / n_pages / SECONDS:.1f} messages/s a page")


Figures = dict[tuple[str, int], tuple[float, int]]


async def _measure(n_pages: int, folder: str) -> Figures:
    """Open so many pages of a desk; measure with its board, and when that is gone."""
    board = _start("simulate", "--tcp", "127.0.0.1:0")
    assert board.stdout is not None
    desk = _start("desk", board.stdout.readline().strip(), "--port", "0", "-o", folder)
    assert desk.stdout is not None
    url = desk.stdout.readline().strip()
    counted, heard = [0], set[str]()
    found: Figures = {}
    try:
        pages = [asyncio.create_task(_page(url, counted, heard)) for _ in range(n_pages)]
        while len(heard) < n_pages:  # laying a page out is not what is measured
            await asyncio.sleep(0.1)
        await asyncio.sleep(SETTLE_S)
        found["streaming", n_pages] = await _share(desk.pid, counted)
        board.kill()
        await asyncio.sleep(SETTLE_S)
        found["unplugged", n_pages] = await _share(desk.pid, counted)
        if any(page.done() for page in pages):
            raise AssertionError("a page lost its desk")
        for page in pages:
            page.cancel()
        await asyncio.gather(*pages, return_exceptions=True)
    finally:
        board.kill()
        board.communicate()
        desk.send_signal(signal.SIGTERM)
        desk.communicate()
    return found


async def _share(pid: int, counted: list[int]) -> tuple[float, int]:
    began_s, before_s, before = time.monotonic(), _processor_s(pid), counted[0]
    await asyncio.sleep(SECONDS)
    share = (_processor_s(pid) - before_s) / (time.monotonic() - began_s)
    return share, counted[0] - before


async def _page(url: str, counted: list[int], heard: set[str]) -> None:
    """Be a page: load it, shake hands, take what comes."""
    html = await asyncio.to_thread(_load, url)
    query = ast.literal_eval(_one(r"query: (\{[^\n]*?\}),\n", html))
    query.update(document_id=str(uuid.uuid4()), tab_id=str(uuid.uuid4()), implicit_handshake="true")
    query.update(EIO=4, transport="websocket")
    address = url.replace("http:", "ws:") + "_nicegui_ws/socket.io/?" + urlencode(query)
    async with connect(address, max_size=None, proxy=None) as link:
        await link.recv()
        await link.send("40")
        acknowledged_s, newest = time.monotonic(), 0
        async for message in link:
            text = message if isinstance(message, str) else message.decode()
            if text == "2":
                await link.send("3")
            elif text.startswith("42"):
                counted[0] += 1
                heard.add(query["client_id"])
                number = re.search(r'"_id":(\d+)', text)
                newest = int(number[1]) + 1 if number else newest
            if time.monotonic() > acknowledged_s + 3.0:
                acknowledged_s = time.monotonic()
                said = {"client_id": query["client_id"], "next_message_id": newest}
                await link.send(f"42{json.dumps(['ack', said])}")


def _load(url: str) -> str:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return str(answer.read().decode())


def _one(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    if found is None:
        raise AssertionError("the page does not say how it shakes hands: another NiceGUI?")
    return found[1]


def _start(*words: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "emgrig", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def _processor_s(pid: int) -> float:
    """Return user and system time of a process, all its threads, s (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
