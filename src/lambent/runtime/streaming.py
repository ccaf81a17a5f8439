"""A response that is sent while the app still produces it: one chunked POST to the Runtime API, written without copying.

Wire form: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming and, for the
prelude, AWS's client for Node.js. Whatever the connection can't take yet waits here, and so does the app: memory stays flat.
"""

from __future__ import annotations

from _socket import MSG_DONTWAIT
from binascii import b2a_base64
from select import POLLIN, POLLOUT, poll

from .api import ConnectionLost, one_line
from .fault import describe, refusal
from .json_text import dump
from .log import flush
from .response import ERROR_BODY, ERROR_HEADERS, ClientDisconnected, Response, headers_json, normalize_headers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

    from .api import Invocation, RuntimeApi
    from .log import Log
    from .request import Request

    Buffer = bytes | memoryview

_NULS = bytes(8)
_BUFFERS_MAX = 512
"""Buffers passed to one sendmsg; Linux takes 1024."""
_REPLY_TIMEOUT_S = 1.0
"""How long to wait for the rest of a reply that arrives before the response is complete."""
_ERROR_MAX = 32768
"""Bytes of an error in a trailer. Servers refuse long header lines; the log has the whole error."""


class Upload:
    """The POST of one response. `aborted`: the Runtime API hung up or replied early; `reply`: its reply, once there is one."""

    def __init__(self, api: RuntimeApi, head: bytes) -> None:
        self._api = api
        self._unsent: list[Buffer] = [head]
        self.opened = False
        self.aborted = False
        self.reply: tuple[int, bytes] | None = None

    def push(self, parts: list[Buffer]) -> bool:
        """Send without waiting. Return False if the connection can't take everything now. Raise ClientDisconnected."""
        if self.aborted:
            raise ClientDisconnected("the client no longer takes the response")
        self._unsent += parts
        if not self.opened:
            self._open()
        return self.advance()

    def advance(self) -> bool:
        """Send what the connection takes now. Return True when everything is sent. Raise ClientDisconnected."""
        unsent = self._unsent
        if unsent and self._readable.poll(0):  # a reply before all was sent
            self._abort()
        while unsent:
            try:
                count = self._connection.sendmsg(unsent[:_BUFFERS_MAX], (), MSG_DONTWAIT)
            except BlockingIOError:
                return False
            except OSError:
                self._abort()
            _drop_sent(unsent, count)
        return True

    def check_reply(self) -> None:
        """Call this when the connection becomes readable during a response. Raise ClientDisconnected."""
        if self.opened and not self.aborted and self._readable.poll(0):
            self._abort()

    def flush(self) -> None:
        """Wait until everything is sent. Raise ClientDisconnected."""
        while not self.advance():
            ready = poll()
            ready.register(self._connection, POLLIN | POLLOUT)
            ready.poll()

    def finish(self) -> None:
        """Send the rest and read the reply. Raise nothing: it is too late to do anything about a lost response."""
        if self.aborted or not self.opened:
            return
        try:
            self.flush()
            self.reply = self._api.reply()
        except (OSError, ConnectionLost):  # includes ClientDisconnected
            self.aborted = True
            self._api.drop()

    def fileno(self) -> int:
        return self._connection.fileno()

    def _open(self) -> None:
        connection = self._api.connection()
        readable = _is_readable(connection)
        if readable.poll(0):  # it was closed while the environment was frozen
            self._api.drop()
            connection = self._api.connection()
            readable = _is_readable(connection)
        self._connection, self._readable = connection, readable
        self.opened = True

    def _abort(self) -> NoReturn:
        self.aborted = True
        self._unsent.clear()
        try:
            self._connection.settimeout(_REPLY_TIMEOUT_S)
            self.reply = self._api.reply()
        except (OSError, ConnectionLost):
            pass
        self._api.drop()
        raise ClientDisconnected("the client no longer takes the response") from None


class StreamingResponse(Response):
    """A response whose parts are sent as they are written.

    Status and headers are sent with the first part of the body, even an empty one, as ASGI wants it: if the app fails before,
    the client still gets a 500. `report` is called when the outcome is known.
    """

    streamed = True

    def __init__(
        self,
        request: Request,
        upload: Upload,
        report: Callable[[StreamingResponse], None],
        log_status: Callable[[int], None],
    ) -> None:
        super().__init__(request, _never_delivered, log_status)
        self.upload = upload
        self._report = report
        self._sent = False
        self._bodiless = False

    @property
    def disconnected(self) -> bool:  # type: ignore[override]
        return self.upload.aborted

    def push(self, chunk: Any, *, more: bool) -> bool:
        """Send a part without waiting. Return False if some of it can't be sent yet. Raise ClientDisconnected."""
        if type(chunk) is not bytes:
            chunk = memoryview(chunk).cast("B")
        size = len(chunk)
        parts: list[Buffer] = [] if self._sent else self._prelude(None if more else size)
        if not self._bodiless and size:
            parts += (b"%x\r\n" % size, chunk, b"\r\n")
        if not more:
            self.ended = True
            flush()  # printed lines belong before the END line
            parts.append(b"0\r\n\r\n")
        return self.upload.push(parts) if parts else True

    def write(self, chunk: bytes) -> None:
        """Send a part and wait until it is sent."""
        if chunk and not self.push(chunk, more=True):
            self.upload.flush()

    def end(self) -> None:
        if not self.push(b"", more=False):
            self.upload.flush()

    def fail(self, error: dict[str, Any] | None = None) -> None:
        """Respond with 500 if nothing has been sent; otherwise break off and put the error into the trailers."""
        self.ended = True
        try:
            if self._sent:
                self.upload.push([_trailers(error or {"errorType": "Runtime.Unknown", "errorMessage": ""})])
            else:
                self.start(500, ERROR_HEADERS)
                self.push(ERROR_BODY, more=False)
        except ClientDisconnected:
            return

    def is_disconnect(self, error: BaseException) -> bool:
        return self.disconnected and _caused_by_disconnect(error)

    def close(self) -> None:
        """Wait until the rest is sent, then report the outcome."""
        super().close()
        self.upload.finish()
        self._report(self)

    def _end_held(self) -> None:
        try:
            super()._end_held()
        except ClientDisconnected:
            self.upload.aborted = True

    def _prelude(self, length: int | None) -> list[Buffer]:
        """Return the chunk with status, headers and cookies. `length` is the body's, None if more of it follows."""
        self._sent = True
        status = self._status
        self.log_status()
        head = self._request.method == "HEAD"
        self._bodiless = head or status in (204, 304)
        recount = not head and status != 304 and (self._bodiless or length is not None)
        headers = normalize_headers(self._headers, length or 0, bodiless=self._bodiless, recount=recount)
        text = f'{{"statusCode":{status},{headers_json("2.0", status, headers)}}}'.encode("utf-8", "surrogatepass")
        return [b"%x\r\n" % (len(text) + 8), text, _NULS, b"\r\n"]


def streaming_response(
    api: RuntimeApi, log: Log, invocation: Invocation, request: Request, log_status: Callable[[int], None]
) -> StreamingResponse | None:
    """Return the response to a request that is streamed, or None if it must be sent whole. Its failures are logged."""

    def report(response: StreamingResponse) -> None:
        upload, what = response.upload, f"the response to {request.method} {request.path}"
        if upload.reply is not None:
            refused = refusal(*upload.reply, what, "too large")
            if refused is not None:
                log.error(describe(refused, invocation.id))
        elif upload.aborted:
            log.line("WARNING", f"lambent: {what} was cut off because the client hung up")

    if not accepts_streams(request):
        return None
    return StreamingResponse(request, Upload(api, api.stream_head(invocation)), report, log_status)


def accepts_streams(request: Request) -> bool:
    """Return whether the sender of the event can read a stream: only a Function URL certainly can.

    HTTP APIs, custom domains and load balancers would show the prelude. A REST API streams only in a mode that its events don't
    tell.
    """
    return request.form == "2.0" and ".lambda-url." in (request.event["requestContext"].get("domainName") or "")


def _caused_by_disconnect(error: BaseException | None, depth: int = 8) -> bool:
    """Return whether the app raised `error` because the client hung up."""
    if error is None or depth == 0:
        return False
    members = getattr(error, "exceptions", ())
    if members:
        return all(_caused_by_disconnect(member, depth - 1) for member in members)
    return isinstance(error, ClientDisconnected) or _caused_by_disconnect(error.__cause__ or error.__context__, depth - 1)


def _drop_sent(unsent: list[Buffer], count: int) -> None:
    """Remove `count` bytes from the front."""
    for index, part in enumerate(unsent):
        if count < len(part):
            unsent[index] = memoryview(part)[count:]
            del unsent[:index]
            return
        count -= len(part)
    unsent.clear()


def _trailers(error: dict[str, Any]) -> bytes:
    body = dump(error)
    if len(body) > _ERROR_MAX:
        body = dump({**error, "errorMessage": error["errorMessage"][:1000], "stackTrace": []})
    encoded = b2a_base64(body, newline=False).decode()
    lines = (
        "0",
        f"Lambda-Runtime-Function-Error-Type: {one_line(error['errorType'])}",
        f"Lambda-Runtime-Function-Error-Body: {encoded}",
    )
    return "\r\n".join((*lines, "", "")).encode("latin-1", "replace")


def _is_readable(connection: Any) -> Any:
    readable = poll()
    readable.register(connection, POLLIN)
    return readable


def _never_delivered(body: bytes) -> None:
    """A streamed response is never delivered whole."""
