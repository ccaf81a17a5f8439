"""An answer that leaves while the app still makes it: one chunked POST to the Runtime API, written without copying.

Wire form: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming and, for the
prelude, AWS's client for Node.js. What the other side does not take yet waits here, and so does the app: memory stays flat.
"""

from __future__ import annotations

from _socket import MSG_DONTWAIT
from binascii import b2a_base64
from select import POLLIN, POLLOUT, poll

from .api import ConnectionLost, one_line
from .fault import describe, refusal
from .json_text import dump
from .log import flush
from .reply import SORRY, SORRY_HEADERS, Answer, Gone, headers_json, settle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

    from .api import Invocation, RuntimeApi
    from .log import Log
    from .request import Request

    Buffer = bytes | memoryview

_NULS = bytes(8)
_MOST = 512
"""Buffers handed to one sendmsg; Linux takes 1024."""
_LATE = 1.0
"""Seconds to wait for the rest of a reply that began before the answer was complete."""
_LONGEST = 32768
"""Bytes of an error in a trailer. Servers refuse header lines that are long; what is cut is whole in the log."""


class Upload:
    """The POST of one answer. `gone`: the Runtime API hung up or answered early; `reply`: its word, once there is one."""

    def __init__(self, api: RuntimeApi, invocation: Invocation) -> None:
        self._api = api
        self._left: list[Buffer] = [api.stream_head(invocation)]
        self.opened = False
        self.gone = False
        self.reply: tuple[int, bytes] | None = None

    def push(self, parts: list[Buffer]) -> bool:
        """Sends on, without waiting; False if something is left that the connection does not take now. Raises Gone."""
        if self.gone:
            raise Gone("the answer is not taken any more")
        self._left += parts
        if not self.opened:
            self._open()
        return self.advance()

    def advance(self) -> bool:
        """Sends what the connection takes now; True when nothing is left. Raises Gone."""
        left = self._left
        if left and self._readable.poll(0):  # a reply before all was sent
            self._lose()
        while left:
            try:
                count = self._connection.sendmsg(left[:_MOST], (), MSG_DONTWAIT)
            except BlockingIOError:
                return False
            except OSError:
                self._lose()
            _forget(left, count)
        return True

    def heard(self) -> None:
        """To be called when the connection can be read while an answer is under way. Raises Gone."""
        if self.opened and not self.gone and self._readable.poll(0):
            self._lose()

    def flush(self) -> None:
        """Waits until all that was pushed has left. Raises Gone."""
        while not self.advance():
            either = poll()
            either.register(self._connection, POLLIN | POLLOUT)
            either.poll()

    def finish(self) -> None:
        """Sees the rest off and takes the reply. Raises nothing: an answer lost by now is lost."""
        if self.gone or not self.opened:
            return
        try:
            self.flush()
            self.reply = self._api.reply()
        except (OSError, ConnectionLost):  # Gone, too
            self.gone = True
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

    def _lose(self) -> NoReturn:
        self.gone = True
        self._left.clear()
        try:
            self._connection.settimeout(_LATE)
            self.reply = self._api.reply()
        except (OSError, ConnectionLost):
            pass
        self._api.drop()
        raise Gone("the answer is not taken any more") from None


class StreamedAnswer(Answer):
    """As Answer, but each part leaves as it is written.

    Status and headers leave with the first part of the body, even an empty one, as ASGI has it: an app that fails before it
    can still be answered for with a 500. `report` is called once it is known what became of the answer.
    """

    streamed = True

    def __init__(self, request: Request, upload: Upload, report: Callable[[StreamedAnswer], None]) -> None:
        super().__init__(request, _nowhere)
        self.upload = upload
        self._report = report
        self._sent = False
        self._bare = False

    @property
    def gone(self) -> bool:  # type: ignore[override]
        return self.upload.gone

    def push(self, chunk: Any, *, more: bool) -> bool:
        """Sends a part without waiting; False if some of it could not leave yet. Raises Gone."""
        if type(chunk) is not bytes:
            chunk = memoryview(chunk).cast("B")
        size = len(chunk)
        parts: list[Buffer] = [] if self._sent else self._prelude(None if more else size)
        if not self._bare and size:
            parts += (b"%x\r\n" % size, chunk, b"\r\n")
        if not more:
            self.ended = True
            flush()  # what was printed belongs before the END line
            parts.append(b"0\r\n\r\n")
        return self.upload.push(parts) if parts else True

    def write(self, chunk: bytes) -> None:
        """Sends a part, and waits until it has left."""
        if chunk and not self.push(chunk, more=True):
            self.upload.flush()

    def end(self) -> None:
        if not self.push(b"", more=False):
            self.upload.flush()

    def fail(self, error: dict[str, Any] | None = None) -> None:
        """A 500 if nothing has left; else the answer breaks off, and says why in its trailers."""
        self.ended = True
        try:
            if self._sent:
                self.upload.push([_trailers(error or {"errorType": "Runtime.Unknown", "errorMessage": ""})])
            else:
                self.start(500, SORRY_HEADERS)
                self.push(SORRY, more=False)
        except Gone:
            return

    def explains(self, error: BaseException) -> bool:
        return self.gone and _is_of_gone(error)

    def close(self) -> None:
        """The app is done with it: waits for what is still under way."""
        self.upload.finish()
        self._report(self)

    def _prelude(self, length: int | None) -> list[Buffer]:
        """Status, headers and cookies; `length` is that of the body, None if more of it will follow."""
        self._sent = True
        status = self._status
        head = self._request.method == "HEAD"
        self._bare = head or status in (204, 304)
        recount = not head and status != 304 and (self._bare or length is not None)
        kept = settle(self._headers, length or 0, bare=self._bare, recount=recount)
        text = f'{{"statusCode":{status},{headers_json("2.0", status, kept)}}}'.encode("utf-8", "surrogatepass")
        return [b"%x\r\n" % (len(text) + 8), text, _NULS, b"\r\n"]


def begin(api: RuntimeApi, log: Log, invocation: Invocation, request: Request) -> StreamedAnswer | None:
    """The streamed answer to a request; None if it must go as a whole. What goes wrong with it is logged."""

    def report(answer: StreamedAnswer) -> None:
        upload, what = answer.upload, f"the answer to {request.method} {request.path}"
        if upload.reply is not None:
            refused = refusal(*upload.reply, what, "too large")
            if refused is not None:
                log.error(describe(refused, invocation.id))
        elif upload.gone:
            log.line("WARNING", f"lambent: {what} was cut off: nobody reads it any more")

    return StreamedAnswer(request, Upload(api, invocation), report) if takes_streams(request) else None


def takes_streams(request: Request) -> bool:
    """Can the sender of the event read a stream? Load balancers and HTTP APIs ask for the whole and would show the prelude."""
    if request.form == "2.0":
        return ".execute-api." not in (request.event["requestContext"].get("domainName") or "")
    return request.form == "1.0"


def _is_of_gone(error: BaseException | None, depth: int = 8) -> bool:
    """Is `error` what an app makes of a client that went away?"""
    if error is None or depth == 0:
        return False
    members = getattr(error, "exceptions", ())
    if members:
        return all(_is_of_gone(member, depth - 1) for member in members)
    return isinstance(error, Gone) or _is_of_gone(error.__cause__ or error.__context__, depth - 1)


def _forget(left: list[Buffer], count: int) -> None:
    """Takes `count` bytes off the front."""
    for place, part in enumerate(left):
        if count < len(part):
            left[place] = memoryview(part)[count:]
            del left[:place]
            return
        count -= len(part)
    left.clear()


def _trailers(error: dict[str, Any]) -> bytes:
    body = dump(error)
    if len(body) > _LONGEST:
        body = dump({**error, "errorMessage": error["errorMessage"][:1000], "stackTrace": []})
    encoded = b2a_base64(body, newline=False).decode()
    lines = (
        "0",
        f"Lambda-Runtime-Function-Error-Type: {one_line(error['errorType'])}",
        f"Lambda-Runtime-Function-Error-Body: {encoded}",
    )
    return "\r\n".join((*lines, "", "")).encode("latin-1", "replace")


def _is_readable(connection: Any) -> Any:
    watch = poll()
    watch.register(connection, POLLIN)
    return watch


def _nowhere(body: bytes) -> None:
    """A streamed answer is never delivered as a whole."""
