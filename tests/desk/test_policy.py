"""What our pages tell a browser of what they may do."""

import asyncio
import re

import pytest
from starlette.responses import HTMLResponse, Response
from starlette.types import Message, Scope

from emgrig.desk.policy import Policy

pytestmark = pytest.mark.slow  # to import the web server takes longer than all tests here


def answer(response: Response) -> tuple[dict[str, str], str]:
    """Return the headers and body that a browser gets."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    scope: Scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    asyncio.run(Policy(response)(scope, receive, send))
    head = {k.decode(): v.decode() for k, v in sent[0]["headers"]}
    return head, b"".join(m.get("body", b"") for m in sent[1:]).decode()


PAGE = '<script type="importmap">{}</script><script>a = 1</script><p>&lt;script&gt;</p>'


def test_inline_scripts_are_those_of_the_page_alone() -> None:
    head, body = answer(HTMLResponse(PAGE))
    (nonce,) = set(re.findall(r'<script nonce="([^"]+)"', body))
    policy = head["content-security-policy"]
    assert body.count(f'nonce="{nonce}"') == 2
    assert f"script-src 'self' 'nonce-{nonce}' 'unsafe-eval'" in policy
    assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert head["content-length"] == str(len(body))
    assert nonce not in answer(HTMLResponse(PAGE))[1]


def test_all_answers_carry_our_headers_and_others_stay_as_they_are() -> None:
    head, body = answer(Response("<script>", media_type="text/plain"))
    assert body == "<script>"
    assert head["x-frame-options"] == "DENY"
    assert head["x-content-type-options"] == "nosniff"
    assert head["referrer-policy"] == "same-origin"
    assert head["cross-origin-resource-policy"] == "same-origin"
