"""Log records in AWS's two formats, text and JSON, on standard output or on the framed descriptor that Lambda provides.

Formats and frames follow awslambdaric (bootstrap.py, lambda_runtime_log_utils.py). `logging` takes 21 ms to import, so its root
handler is installed when the app imports it.
"""

from __future__ import annotations

import posix
import sys
from time import gmtime, strftime, time, time_ns

from .environment import set_variable, variable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

# No-break spaces keep the indentation of a traceback; bare carriage returns keep its lines in one CloudWatch event.
_INDENT = "\u00a0"
_JOIN = "\r"
# Frame types: the lowest byte is the level in steps of 4 from NOTSET; its lowest bit means text.
_FRAME = 0xA55A0002
_ERROR = 40

_UNHANDLED = (
    "LAMBDA_WARNING: Unhandled exception. The most likely cause is an issue in the function code. However, in rare "
    "cases, a Lambda runtime update can cause unexpected function behavior. For functions using managed runtimes, "
    "runtime updates can be triggered by a function change, or can be applied automatically. To determine if the "
    "runtime has been updated, check the runtime version in the INIT_START log entry. If this error correlates with "
    "a change in the runtime version, you may be able to mitigate this error by temporarily rolling back to the "
    "previous runtime version. For more information, see https://docs.aws.amazon.com/lambda/latest/dg/runtimes-"
    "update.html\r"
)


class Log:
    """Writes records. `request_id` is the current invocation's, or ""."""

    def __init__(self) -> None:
        self.request_id = ""
        self.tenant_id: str | None = None
        self.json = variable("AWS_LAMBDA_LOG_FORMAT").upper() == "JSON"
        level = variable("AWS_LAMBDA_LOG_LEVEL").upper()
        self.level = {"TRACE": "DEBUG"}.get(level, level)
        descriptor = variable("_LAMBDA_TELEMETRY_LOG_FD")
        set_variable("_LAMBDA_TELEMETRY_LOG_FD", None)
        self._descriptor = int(descriptor) if descriptor else None
        self._advised = "none"
        self._in_line = False
        self.logged: BaseException | str | None = None
        """The last exception, or text with a traceback, that went through `logging` during the current request."""

    def write(self, text: str, level: int = 0, *, as_text: bool = False) -> None:
        """Write one record, which includes its newline. `level` is one of `logging`'s, 0 if unknown."""
        data = text.encode("utf-8", "backslashreplace")
        if self._descriptor is not None:
            step = min(5, level // 10)
            frame = _FRAME + (1 if as_text or not self.json else 0) + (step * 4 + 4 if step else 0)
            data = frame.to_bytes(4, "big") + len(data).to_bytes(4, "big") + (time_ns() // 1000).to_bytes(8, "big") + data
            _write_all(self._descriptor, data)
        else:
            flush()
            self._in_line = not data.endswith(b"\n")  # a traceback that `logging` formats has no newline at its end
            _write_all(1, data)

    def own_line(self, text: str) -> None:
        """Write text of the runtime on a line of its own."""
        self.write(f"\n{text}\n" if self._in_line else f"{text}\n")

    def note(self, text: str) -> None:
        """Write a line about what the runtime does, in the log's format."""
        if self.json:
            self.line("INFO", f"lambent: {text}")
        else:
            self.own_line(f"lambent: {text}")

    def log(self, text: str) -> None:
        """Write for `context.log`: text without a level, whatever the log's format."""
        self.write(text, as_text=True)

    def error(self, error: dict[str, Any]) -> None:
        """Write an error in AWS's form (errorType, errorMessage, stackTrace) the way AWS's client prints it."""
        if self.json:
            from .json_text import dump

            record = {"timestamp": strftime("%Y-%m-%dT%H:%M:%SZ", gmtime()), "level": "ERROR", **error}
            self.write(dump(record).decode() + ("\n" if self._descriptor is None else ""), _ERROR)
            return
        head = ": ".join(part for part in (error["errorType"], error["errorMessage"]) if part)
        lines = [f"[ERROR] {head}", "Traceback (most recent call last):"]
        for element in error["stackTrace"]:
            for line in element.splitlines():
                text = line.lstrip(" ")
                lines.append(_INDENT * (len(line) - len(text)) + text)
        if self._descriptor is not None:
            self.write("\n".join(lines), _ERROR)
        else:
            self.own_line(_JOIN.join(lines))

    def line(self, level: str, message: str) -> None:
        """Write a line of the runtime in the format of `logging` lines."""
        timestamp = time()
        if self.json:
            from .json_text import dump

            record = {"timestamp": strftime("%Y-%m-%dT%H:%M:%SZ", gmtime(timestamp)), "level": level, "message": message}
            if self.request_id:
                record["requestId"] = self.request_id
            self.write(dump(record).decode() + "\n")
            return
        stamp = f"{strftime('%Y-%m-%dT%H:%M:%S', gmtime(timestamp))}.{int(timestamp * 1000) % 1000:03d}Z"
        self.own_line(f"[{level}]\t{stamp}\t{self.request_id}\t{message}")

    def advise(self, error: BaseException | None) -> None:
        """Write, once for each request, what to do about an exception if that can be said."""
        if error is None or self._advised == self.request_id:
            return
        from .read_only import advice

        text = advice(error)
        if text:
            self._advised = self.request_id
            self.line("WARNING", text)

    def has_logged(self, error: BaseException) -> bool:
        """Return whether the app itself has logged an error, one that it caused, or one that caused it."""
        if self.logged is None or isinstance(self.logged, str):
            return self.logged is not None
        return any(each is self.logged for each in _chain(error)) or any(each is error for each in _chain(self.logged))

    def unhandled(self) -> None:
        """Write AWS's remark that precedes an error of the init phase."""
        self.line("WARNING", _UNHANDLED)

    def hook(self) -> None:
        """Install AWS's handler on the root logger as soon as `logging` is imported."""
        if "logging" in sys.modules:
            _install(sys.modules["logging"], self)
        else:
            sys.meta_path.insert(0, _OnImport(self))


def _chain(error: BaseException | None, depth: int = 10) -> list[BaseException]:
    """Return an error and what led to it."""
    if error is None or depth == 0:
        return []
    return [error, *_chain(error.__cause__ or error.__context__, depth - 1)]


class _OnImport:
    """An import hook that installs the root handler after `logging` has been imported in the usual way."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name != "logging":
            return None
        sys.meta_path.remove(self)
        for finder in sys.meta_path:
            spec = finder.find_spec(name, path, target)
            if spec is not None and spec.loader is not None:
                self._install_after(spec.loader)
                return spec
        return None

    def _install_after(self, loader: Any) -> None:
        run = loader.exec_module

        def run_then_install(module: ModuleType) -> None:
            run(module)
            _install(module, self._log)

        loader.exec_module = run_then_install


def _install(logging: Any, log: Log) -> None:
    logging.Formatter.converter = gmtime
    handler = _handler_class(logging)()
    if log.json:
        handler.setFormatter(_json_formatter(logging, log))
    else:
        line = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n"
        handler.setFormatter(logging.Formatter(line, "%Y-%m-%dT%H:%M:%S"))
    handler.log_sink = log
    _note_errors(logging, log)
    root = logging.getLogger()
    root.addHandler(handler)
    if log.level in logging._nameToLevel:
        root.setLevel(log.level)
    if not log.json and variable("LAMBENT_INTERFACE").lower() != "handler":
        _let_apps_configure(logging, root, handler)


_OUTPUTS = ("stream", "filename", "filemode", "encoding", "errors")


def _let_apps_configure(logging: Any, root: Any, handler: Any) -> None:
    """Let `basicConfig` have an effect, although the root logger has a handler: under other servers it has none.

    Level and format are the app's. Our handler stays, unless the app brings its own: it has the request's ID, and keeps a
    traceback in one piece. It also takes what a file would get, which would end with the environment.
    """
    configure = logging.basicConfig
    configured = False

    def basic_config(**options: Any) -> None:
        nonlocal configured
        if configured or root.handlers != [handler] or options.get("force"):
            configure(**options)
            return
        root.removeHandler(handler)
        if not options.get("handlers") and options.get("stream") in (None, sys.stdout, sys.stderr):
            options = {name: value for name, value in options.items() if name not in _OUTPUTS}
            options["handlers"] = [handler]
            if options.get("format"):
                handler.setFormatter(None)
                handler.terminator = "\n"
        try:
            configure(**options)
        except BaseException:
            root.addHandler(handler)
            raise
        configured = True

    basic_config.__doc__ = configure.__doc__
    logging.basicConfig = basic_config


def _note_errors(logging: Any, log: Log) -> None:
    """Note each error that is logged, whichever handlers it goes to."""
    create = logging.getLogRecordFactory()

    def create_and_note(*arguments: Any, **keywords: Any) -> Any:
        record = create(*arguments, **keywords)
        if record.exc_info and record.exc_info[1] is not None:
            log.logged = record.exc_info[1]
        elif isinstance(record.msg, str) and "Traceback (most recent" in record.msg:
            log.logged = "traceback"
        return record

    logging.setLogRecordFactory(create_and_note)


def _handler_class(logging: Any) -> Any:
    class LambdaLoggerHandler(logging.Handler):  # type: ignore[misc]
        terminator = ""  # AWS's formats end their lines themselves

        def emit(self, record: Any) -> None:
            log = self.log_sink
            record.aws_request_id, record.tenant_id = log.request_id, log.tenant_id
            try:
                text = self.format(record) + self.terminator
                log.write(text, record.levelno if log.json or log.level else 0)
                if record.exc_info:
                    log.advise(record.exc_info[1])
            except Exception:
                self.handleError(record)

    return LambdaLoggerHandler


_STANDARD_FIELDS = (
    "name msg args levelname levelno pathname filename module exc_info exc_text stack_info lineno funcName created msecs"
    " relativeCreated thread threadName processName process aws_request_id tenant_id"
)


def _json_formatter(logging: Any, log: Log) -> Any:
    class JsonFormatter(logging.Formatter):  # type: ignore[misc]
        def format(self, record: Any) -> str:
            from .json_text import dump

            level = min(50, max(0, record.levelno)) // 10 * 10  # custom levels count as the next lower one
            is_object = isinstance(record.msg, dict) and not record.args
            fields = {
                "timestamp": strftime("%Y-%m-%dT%H:%M:%SZ", gmtime(record.created)),
                "level": logging.getLevelName(level),
                "message": record.msg if is_object else record.getMessage(),
                "logger": record.name,
                "requestId": log.request_id,
                "tenantId": log.tenant_id,
            }
            if record.exc_info and record.exc_info[0]:
                import traceback

                kind, error, trace = record.exc_info
                fields["stackTrace"] = traceback.format_tb(trace)
                fields["errorType"], fields["errorMessage"] = kind.__name__, str(error)
                fields["location"] = f"{record.pathname}:{record.funcName}:{record.lineno}"
            standard = _STANDARD_FIELDS.split()
            extra = {key: value for key, value in record.__dict__.items() if key not in standard and key not in fields}
            return dump({key: value for key, value in {**fields, **extra}.items() if value is not None}).decode() + "\n"

    return JsonFormatter()


def flush() -> None:
    """Flush printed output, so that lines keep their order and none waits while the process is frozen."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, ValueError, OSError):  # the app has replaced or closed it
            continue


def _write_all(descriptor: int, data: bytes) -> None:
    try:
        while data:
            data = data[posix.write(descriptor, data) :]
    except OSError:  # no reader: a lost line must not fail a request
        return
