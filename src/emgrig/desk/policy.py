"""What a browser may do with our pages, told in their headers.

Scripts come from this server, or are the inline ones that NiceGUI wrote: they carry a number used
once, so that a script that got into a page otherwise does not run. NiceGUI compiles its templates
in the browser, for which it needs 'unsafe-eval', and styles elements one by one, for which it needs
inline styles: these two are as strict as it allows.
"""

import secrets

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = "; ".join((
    "default-src 'none'",
    "script-src 'self' 'nonce-{nonce}' 'unsafe-eval'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self' data:",
    "media-src 'self' blob:",
    "connect-src 'self'",
    "worker-src 'self' blob:",
    "manifest-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
))  # fmt: skip
HEADERS = {
    "x-frame-options": "DENY",  # in a page of somebody else's, a click lands on unseen buttons
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


class Policy:
    """Add our headers to all answers, and to pages the policy with its number."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request or websocket."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if not scope.get("path", "").startswith("/_nicegui"):  # a page is not packed: it is changed
            kept = [pair for pair in scope["headers"] if pair[0] != b"accept-encoding"]
            scope = {**scope, "headers": kept}
        await self._app(scope, receive, _Answer(send).send)


class _Answer:
    """One answer; a page is held back until it is whole."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._nonce = secrets.token_urlsafe(16)
        self._held: Message | None = None
        self._body = b""

    async def send(self, message: Message) -> None:
        """Send a message of the answer."""
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=list(message.get("headers", [])))
            for name, value in HEADERS.items():
                headers[name] = value
            headers["content-security-policy"] = POLICY.format(nonce=self._nonce)
            message = {**message, "headers": headers.raw}
            is_page = headers.get("content-type", "").startswith("text/html")
            if is_page and "content-encoding" not in headers:
                self._held = message
                return
        elif message["type"] == "http.response.body" and self._held is not None:
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._send_page(self._held)
            return
        await self._send(message)

    async def _send_page(self, start: Message) -> None:
        # What is in a page from elsewhere is escaped: no tag in it is another's.
        body = self._body.replace(b"<script", f'<script nonce="{self._nonce}"'.encode())
        headers = MutableHeaders(raw=start["headers"])
        headers["content-length"] = str(len(body))
        await self._send({**start, "headers": headers.raw})
        await self._send({"type": "http.response.body", "body": body, "more_body": False})
