"""Thirty attempts to get in, with harmless input: each is refused, or does nothing.

They go to the real server, as bytes over loopback. It listens on all addresses, so it asks for its
token, as it would in a network; what another computer can send is the same.
"""

import http.client
import re
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import pytest
from nicegui import app, ui
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

import emgrig
from emgrig.desk.desk import Desk
from emgrig.desk.limits import Limits
from emgrig.desk.server import Server

pytestmark = pytest.mark.slow

HERE = "127.0.0.1"
SECRET = "the cat is in the bag"


class Site(NamedTuple):
    """A server that runs, and what a person who may see it has."""

    server: Server
    port: int
    token: str
    cookie: str
    clip: Path

    def ask(
        self, method: str, path: str, body: bytes = b"", **headers: str
    ) -> tuple[int, str, dict[str, str]]:
        """Send a request; return status, body and headers."""
        link = http.client.HTTPConnection(HERE, self.port, timeout=20)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            link.request(method, path, body or None, named)
            answer = link.getresponse()
            return answer.status, answer.read().decode("latin-1"), dict(answer.getheaders())
        finally:
            link.close()

    def socket(self, **headers: str) -> AbstractContextManager[ClientConnection]:
        """Open a websocket as NiceGUI's pages do."""
        url = f"ws://{HERE}:{self.port}/_nicegui_ws/socket.io/?EIO=4&transport=websocket"
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return connect(url, additional_headers=named, open_timeout=20, proxy=None)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("plan")
    (folder / "clips").mkdir()
    clip = folder / "clips" / "a.mp4"
    clip.write_bytes(b"a film")
    (folder / "secret.txt").write_text(SECRET)

    @ui.page("/")
    def page() -> None:
        ui.label("<script>let harmless = 1</script>")

    app.add_media_file(local_file=clip, url_path="/clip/k1")
    server = Server("0.0.0.0", 0, title="t")
    ready = threading.Event()
    thread = threading.Thread(target=server.run, kwargs={"on_start": ready.set})
    thread.start()
    assert ready.wait(60)
    port, token = re.findall(r":(\d+)/\?token=(.*)", server.url)[0]
    made = Site(server, int(port), token, "", clip)
    cookie = made.ask("GET", f"/?token={token}")[2]["set-cookie"].partition(";")[0]
    yield made._replace(cookie=cookie)
    server.stop()
    thread.join(60)
    server.close()


def test_who_has_the_token_gets_in(site: Site) -> None:
    status, body, head = site.ask("GET", "/", cookie=site.cookie)
    assert status == 200
    assert "<script>let harmless" not in body  # the label's text is text
    assert "default-src 'none'" in head["content-security-policy"]
    assert site.token not in body
    with site.socket(cookie=site.cookie, origin=f"http://{HERE}:{site.port}") as there:
        assert str(there.recv(20)).startswith("0{")


REQUESTS = {
    "no token": {},
    "an empty token": {"path": "/?token="},
    "a wrong token": {"path": "/?token=AAAAAAAAAAAAAAAAAAAAAA"},
    "the token of an earlier run": {"path": "/?token=Zm9ydHktdHdvLWJ5dGVzLi4"},
    "a code that was made up": {"path": "/?once=AAAAAAAAAAAAAAAAAAAAAA"},
    "a wrong cookie": {"cookie": "emgrig_token_{port}=wrong"},
    "the token as cookie": {"cookie": "emgrig_token_{port}={token}"},
    "the token in a header": {"authorization": "Bearer {token}"},
    "the token, posted": {"method": "POST", "path": "/?token={token}"},
    "a file of the library": {"path": "/_nicegui/3.0.0/static/nicegui.js"},
    "the socket by polling": {"path": "/_nicegui_ws/socket.io/?EIO=4&transport=polling"},
    "the clip": {"path": "/clip/k1"},
    "the desk's other pages": {"path": "/operator"},
    "interactive documentation": {"path": "/docs"},
}
WITH_COOKIE = {
    "another origin": {"origin": "http://evil.example"},
    "no origin at all": {"origin": "null"},
    "this host at another port": {"origin": "http://127.0.0.1:1"},
    "a picture in another page": {"sec_fetch_site": "cross-site", "sec_fetch_mode": "no-cors"},
    "a frame in another page": {
        "sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "iframe",
    },
    "a form of another page": {
        "method": "POST", "sec_fetch_site": "same-site", "sec_fetch_mode": "navigate",
    },
}  # fmt: skip


@pytest.mark.parametrize("what", [*REQUESTS, *WITH_COOKIE])
def test_a_request_is_refused(site: Site, what: str) -> None:
    given = REQUESTS[what] if what in REQUESTS else {"cookie": site.cookie, **WITH_COOKIE[what]}
    said = {k: v.format(port=site.port, token=site.token) for k, v in given.items()}
    status, body, head = site.ask(said.pop("method", "GET"), said.pop("path", "/"), **said)
    assert status == 403, what
    assert "set-cookie" not in head
    assert site.token not in body
    assert "harmless" not in body


@pytest.mark.parametrize(
    "path",
    [
        "/clip/../secret.txt", "/clip/..%2fsecret.txt", "/clip/%2e%2e/secret.txt",
        "/clip/k1/../../secret.txt", "//etc/hostname", "/clip/k1%00", "/clip/..%5csecret.txt",
        "/_nicegui/3.18.0/static/../../client.py", "/_nicegui/3.18.0/static/..%2f..%2fclient.py",
        "/_nicegui/3.18.0/resources/x/../../../client.py",
    ],
)  # fmt: skip
def test_no_path_leads_out_of_what_is_served(site: Site, path: str) -> None:
    status, body, _ = site.ask("GET", path, cookie=site.cookie)
    assert status in (400, 404)
    assert SECRET not in body
    assert "class Client" not in body


@pytest.mark.parametrize(
    "headers",
    [{}, {"origin": "http://evil.example"}, {"cookie": "emgrig_token_1=x"},
     {"origin": "null"}, {"origin": "http://127.0.0.1"}],
)  # fmt: skip
def test_a_websocket_of_a_stranger_is_refused(site: Site, headers: dict[str, str]) -> None:
    given = {"cookie": site.cookie, **headers} if "origin" in headers else headers
    with pytest.raises(InvalidStatus) as refused, site.socket(**given):
        pass
    assert refused.value.response.status_code == 403


def test_a_host_of_another_name_gets_nothing_without_the_cookie(site: Site) -> None:
    assert site.ask("GET", "/", host="evil.example")[0] == 403


def test_ten_megabytes_end_the_page_that_sent_them_and_no_other(site: Site) -> None:
    with site.socket(cookie=site.cookie) as other, site.socket(cookie=site.cookie) as there:
        there.recv(20)
        with pytest.raises(WebSocketException):
            _send_and_wait(there, "4" + "x" * (10 << 20))
        assert str(other.recv(20)).startswith("0{")
    status, _, _ = site.ask("POST", "/", b"x" * (10 << 20), cookie=site.cookie)
    assert status == 413


def _send_and_wait(there: ClientConnection, text: str) -> None:
    there.send(text)
    while True:
        there.recv(20)


def test_seventy_tabs_are_open_or_refused_and_the_desk_answers(site: Site) -> None:
    n_open = n_refused = 0
    with ExitStack() as tabs:
        for _ in range(Limits().pages + 6):
            try:
                tabs.enter_context(site.socket(cookie=site.cookie))
                n_open += 1
            except WebSocketException:
                n_refused += 1
        assert site.ask("GET", "/", cookie=site.cookie)[0] == 200
    assert n_open >= 51
    assert n_refused >= 6


@pytest.mark.parametrize("name", ["../up", "/tmp/a", "a/b", "..", ".hidden", "a\\..\\b", "a\0b"])
def test_no_name_of_a_recording_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    asked: list[Path] = []
    with emgrig.connect("sim:") as board:
        hub = SimpleNamespace(start_recording=asked.append, board=board)
        desk = Desk(hub, SimpleNamespace(), tmp_path)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="plain file name"):
            desk.start_recording(name)
    assert asked == []


@pytest.mark.parametrize("name", ["Anna Smith", "anna", "Anna.bdf", "P.1", "Ä1", "P" * 17 + "1"])
def test_a_recording_has_a_code_and_no_name(tmp_path: Path, name: str) -> None:
    asked: list[Path] = []
    with emgrig.connect("sim:") as board:
        hub = SimpleNamespace(start_recording=asked.append, board=board)
        desk = Desk(hub, SimpleNamespace(), tmp_path)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match=r"codes only, no names.* as in P01"):
            desk.start_recording(name)
        assert asked == []
        desk.start_recording("P01_rest")
        desk.start_recording("P02.BDF")
        desk.start_recording("  ")
    assert [path.name for path in asked[:2]] == ["P01_rest.bdf", "P02.bdf"]
    assert re.fullmatch(r"emg-\d{8}-\d{6}\.bdf", asked[2].name)
