"""Our loop next to AWS's own runtime client (awslambdaric), on the same events: the same posted, and the same printed.

What differs on purpose has a test of its own, whose name begins with `test_difference`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from support.aws_client import aws_environment
from support.functions import NEWEST, RUNTIMES, interpreter
from support.runtime_api_stub import Environment, Posted

CASES = {
    "nowhere.app": "",
    "main.nothing": "x = 1",
    "main.import_": "import cowsay_x",
    "main.syntax": "x = 1\ndef x(:\n    pass",
    "main.key": "def f():\n    return {}['no']\n\nf()",
    "main.empty": "raise ValueError",
    "main": "",
    "sys.app": "",
}
# AWS's begins with how its own client came to import the module; ours with the app.
OF_THE_IMPORT = re.compile(
    r'^\W*File "(<frozen importlib\._bootstrap[^"]*|[^"]*/importlib/__init__\.py|[^"]*/awslambdaric/[^"]*)"'
)


def outcome(env: Environment) -> tuple[str, dict[str, str], dict[str, object], list[str], int]:
    """Where it was posted, the type header, the error, the lines printed (without time), the exit status."""
    posted = env.posted()
    status = env.process.wait(30)
    trace = [line.replace(str(env.task), "/var/task") for line in posted.data["stackTrace"]]
    posted.data["stackTrace"] = [line for line in trace if not OF_THE_IMPORT.match(line)]
    kind = posted.headers["lambda-runtime-function-error-type"]
    lines, skipping = [], False
    for line in printed(env):
        skipping = bool(OF_THE_IMPORT.match(line)) or (skipping and line.startswith("\u00a0" * 4))
        if not skipping:
            lines.append(line)
    return posted.kind, {"type": kind}, posted.data, lines, status


def printed(env: Environment) -> list[str]:
    """The log so far, without times and folders of this run."""
    # A frame is its type, its length and a time, before the text.
    data = re.sub(rb"(?s)(\xa5\x5a\x00.).{4}.{8}", lambda frame: b"\n%r " % frame[1], (env.task.parent / "log").read_bytes())
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "(time)", data.decode().replace(str(env.task), "/var/task"))
    return re.split(r"[\r\n]", text)


@pytest.mark.parametrize("handler", CASES)
def test_init_errors_are_as_awslambdaric_has_them(handler: str, tmp_path: Path) -> None:
    files = {"main.py": CASES[handler]}
    with Environment(tmp_path / "ours", interpreter(), handler, files=files) as env:
        ours = outcome(env)
    with aws_environment(tmp_path / "aws", NEWEST, handler, files=files) as env:
        aws = outcome(env)
    if handler == "main.import_":  # AWS's client shows no frames of the app; the line of the import is worth more
        assert "main.py" in "".join(ours[2].pop("stackTrace")) and aws[2].pop("stackTrace") == []
        assert [line for line in ours[3] if "cowsay_x'" in line] == [line for line in aws[3] if "cowsay_x'" in line] != []
        ours, aws = (*ours[:3], ours[4]), (*aws[:3], aws[4])
    assert ours == aws


HANDLER = """
import collections, decimal, enum, json, logging, os, sys, time

log = logging.getLogger("mine")
Point = collections.namedtuple("Point", "x y")

class Color(enum.IntEnum):
    RED = 3

class Text(str):
    pass

class Own(Exception):
    pass

class Record:
    def _asdict(self):
        return {"made": "by _asdict"}

def raising(n):
    if n:
        raising(n - 1)
    raise Own("with a cause")

RESULTS = {
    "none": None, "text": "plain", "unicode": "é\\u2028\\U0001f600 \\"\\\\/\\x01\\x7f",
    "dict": {"b": [1, 2.5, True, None], "a": {}},
    "tuple": (1, (2,)), "bytes": b"\\x00raw\\xff", "bytes within": {"k": b"utf-8 \\xc3\\xa9"}, "bytes key": {b"k": 1},
    "decimal": [decimal.Decimal("1.10"), decimal.Decimal("1E+3"), decimal.Decimal(7)], "decimal nan": decimal.Decimal("NaN"),
    "decimal infinity": [decimal.Decimal("-Infinity")], "nan": [float("nan"), float("inf"), -float("inf")],
    "named": {"p": [Point(1, Point("a", decimal.Decimal("0.5")))]}, "enum": [Color.RED, Text("sub")], "asdict": [Record()],
    "keys": {1: "int", 2.5: "float", True: "bool", None: "none"}, "ordered": collections.OrderedDict(z=1, a=2),
    "big": 10 ** 30, "empty": "", "list": [], "ensure": {"\\u00e9": "\\ud83d"} if sys.version_info < (3, 12) else "x",
    "counter": collections.Counter("aab"), "default": collections.defaultdict(list, k=[1]),
    "set": {1}, "object": object, "tuple key": {(1,): 2}, "bad bytes": [b"\\xff"], "complex": 1j, "function": len,
    "generator": (x for x in ()), "date": __import__("datetime").date(2026, 11, 23), "bytearray": bytearray(b"x"),
}
RESULTS["cycle"] = loop = []
loop.append(loop)

def handler(event, context):
    if not isinstance(event, dict):
        return repr(event)
    what = event.get("do")
    if what == "result":
        return RESULTS[event["name"]]
    if what == "context":
        known = {name: getattr(context, name) for name in event["names"]}
        known["repr"], known["w3c"] = repr(context), context.w3c()
        known["left"] = 0 <= context.get_remaining_time_in_millis() <= 60000
        known["trace"] = os.environ.get("_X_AMZN_TRACE_ID")
        client = context.client_context
        known["client"] = client and [client.custom, client.env, client.client and client.client.app_title]
        known["identity"] = [context.identity.cognito_identity_id, context.identity.cognito_identity_pool_id]
        return known
    if what == "log":
        print("printed é")
        print("to stderr", file=sys.stderr)
        log.debug("unseen or not")
        log.info("a %s", "b", extra={"k": 1, "own": {1}})
        log.warning({"a": "dict"})
        log.log(25, "between")
        try:
            {}["no"]
        except KeyError:
            log.exception("caught")
        context.log("from the context\\n")
        logging.getLogger().error("two\\nlines")
        return "logged"
    if what == "raise":
        try:
            {}["inner"]
        except KeyError:
            raise ValueError("outer é")
    if what == "deep":
        raising(30)
    if what == "nameless":
        raise ValueError
    if what == "large":
        raise Own("x" * event["size"])
    if what == "exit":
        print("going", end="")
        sys.exit(event.get("status"))
    return event

async def waits(event, context):
    return 1

def none():
    return 1
"""

NAMES = (
    *("aws_request_id", "log_group_name", "log_stream_name", "function_name", "memory_limit_in_mb", "function_version"),
    *("invoked_function_arn", "tenant_id"),
)
RESULTS = re.findall(r'"([a-z ]+)":', HANDLER.partition("RESULTS = {")[2].partition("RESULTS[")[0])
ARN = "arn:aws:lambda:eu-west-1:123456789012:function:hello:live"


def do(what: str, **more: Any) -> bytes:
    return json.dumps({"do": what, **more}).encode()


def sent(**headers: str) -> dict[str, str]:
    return {"Lambda-Runtime-" + name.replace("_", "-"): value for name, value in headers.items()}


CONTEXT = do("context", names=NAMES)
OF_CONTEXT = sent(Invoked_Function_Arn=ARN, Deadline_Ms="1", Trace_Id="Root=1-2;Sampled=0")
EVENTS: dict[str, tuple[bytes, dict[str, str]]] = {
    **{f"result: {name}": (do("result", name=name), {}) for name in RESULTS if name not in ("k", "p", "b", "a")},
    "event: text": (b'"text"', {}),
    "event: unicode": ('{"k": "é\\ud83d\\ude00"}'.encode(), {}),
    "event: number": (b"1.0", {}),
    "event: empty": (b"", {}),
    "event: not UTF-8": (b'"\xff"', {}),
    "event: of another type": (b"\x00raw", {"Content-Type": "application/octet-stream"}),
    "event: JSON with parameters": (b"{}", {"Content-Type": "application/json; charset=utf-8"}),
    "context": (CONTEXT, OF_CONTEXT),
    "context: no trace": (CONTEXT, sent(Deadline_Ms="99999999999999", Aws_Tenant_Id="tenant-1")),
    "context: sent": (
        CONTEXT,
        sent(
            Client_Context=json.dumps(
                {
                    "client": {"app_title": "t", "other": 1},
                    "custom": {"k": "v"},
                    "w3c": {"traceparent": "00-1", "tracestate": 3},
                }
            ),
            Cognito_Identity=json.dumps({"cognitoIdentityId": "me", "cognitoIdentityPoolId": "pool"}),
        ),
    ),
    "context: sent, but empty": (CONTEXT, sent(Client_Context="{}", Cognito_Identity="{}")),
    "context: sent, but null": (CONTEXT, sent(Client_Context="null", Cognito_Identity="null")),
    "context: w3c alone": (CONTEXT, sent(Client_Context='{"w3c": {"baggage": "b"}}')),
    "context: not JSON": (CONTEXT, sent(Client_Context="{nope")),
    "identity: not JSON": (CONTEXT, sent(Cognito_Identity="nope")),
    "log": (do("log"), {}),
    "raise: deep": (do("deep"), {}),
    "raise: nothing said": (do("nameless"), {}),
    "raise: too much for a header": (do("large", size=1_100_000), {}),
    "echo": (b'{"a": [1, {"b": null}]}', {"Lambda-Runtime-Invocation-Id": "own"}),
}


LOGGING = {
    "text": {},
    "text from a level": {"AWS_LAMBDA_LOG_LEVEL": "WARN"},
    "JSON": {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "TRACE"},
    "text in frames": {"_LAMBDA_TELEMETRY_LOG_FD": "1"},
    "text in frames from a level": {"_LAMBDA_TELEMETRY_LOG_FD": "1", "AWS_LAMBDA_LOG_LEVEL": "DEBUG"},
    "JSON in frames": {"_LAMBDA_TELEMETRY_LOG_FD": "1", "AWS_LAMBDA_LOG_FORMAT": "Json", "AWS_LAMBDA_LOG_LEVEL": "INFO"},
}


def ask(env: Environment, events: dict[str, tuple[bytes, dict[str, str]]]) -> tuple[dict[str, Any], list[str]]:
    """What is posted for each event, and all that is printed."""
    posted = {}
    for name, (body, headers) in events.items():
        env.count += 1
        env.api.events.put((f"request-{env.count}", body, headers))
        posted[name] = seen(env, env.posted())
    env.wait_idle()
    assert env.api.refused == []
    return posted, printed(env)


def seen(env: Environment, posted: Posted) -> dict[str, Any]:
    """What the platform sees of an answer. The headers without what any client of HTTP may choose."""
    kept = {name: value for name, value in posted.headers.items() if name.startswith("lambda-") or name == "content-type"}
    cause = kept.pop("lambda-runtime-function-xray-error-cause", None)
    data = json.loads(json.dumps(posted.data, default=repr).replace(str(env.task), "/var/task"))
    found = {"kind": posted.kind, "data": data, "headers": kept, "size": posted.size if posted.kind == "response" else 0}
    if cause:
        found["cause"] = json.loads(cause.encode("latin-1").decode().replace(str(env.task), "/var/task"))
    return found


def both(folder: Path, runtime: str, events: dict[str, tuple[bytes, dict[str, str]]], **environ: str) -> tuple[Any, Any]:
    """The same events to the same handler, under our loop and under AWS's client."""
    shared = {"files": {"main.py": HANDLER}, "env": {"AWS_EXECUTION_ENV": f"AWS_Lambda_{runtime}", **environ}}
    with Environment(folder / "ours", interpreter(runtime), "main.handler", **shared) as env:
        ours = ask(env, events)
    with aws_environment(folder / "aws", runtime, "main.handler", **shared) as env:
        return ours, ask(env, events)


def without_type(posted: dict[str, Any]) -> dict[str, Any]:
    for each in posted.values():
        if each["kind"] == "error":
            each["headers"].pop("lambda-runtime-function-error-type", None)
    return posted


@pytest.mark.parametrize("runtime", [name for name in RUNTIMES if name not in ("python3.8", "python3.9")])
def test_results_events_context_and_errors(runtime: str, tmp_path: Path) -> None:
    (ours, our_log), (aws, aws_log) = both(tmp_path, runtime, EVENTS)
    assert without_type(ours) == without_type(aws)
    assert our_log == aws_log


@pytest.mark.parametrize("mode", LOGGING)
def test_log_lines(mode: str, tmp_path: Path) -> None:
    events = {name: EVENTS[name] for name in ("log", "raise: deep", "result: set", "raise: nothing said")}
    events["log for a tenant"] = (do("log"), sent(Aws_Tenant_Id="tenant-1"))
    (ours, our_log), (aws, aws_log) = both(tmp_path, NEWEST, events, **LOGGING[mode])
    assert without_type(ours) == without_type(aws)
    assert [parsed(line) for line in our_log] == [parsed(line) for line in aws_log]


def parsed(line: str) -> Any:
    """A line of JSON as its value: the order of its members says nothing."""
    head, brace, rest = line.partition("{")
    try:
        return head, json.loads(brace + rest)
    except ValueError:
        return line


@pytest.mark.parametrize("status", [None, 0, 3, "going away"])
def test_a_handler_that_exits(status: object, tmp_path: Path) -> None:
    def end(env: Environment) -> tuple[int, list[str]]:
        env.api.events.put(("request-1", do("exit", status=status), {}))
        return env.process.wait(30), printed(env)

    with Environment(tmp_path / "ours", interpreter(), "main.handler", files={"main.py": HANDLER}) as env:
        ours = end(env)
    with aws_environment(tmp_path / "aws", NEWEST, "main.handler", files={"main.py": HANDLER}) as env:
        assert ours == end(env)


def test_difference_an_error_has_its_type_in_a_header_too(tmp_path: Path) -> None:
    (ours, _), (aws, _) = both(tmp_path, NEWEST, {"set": EVENTS["result: set"]})
    assert ours["set"]["headers"]["lambda-runtime-function-error-type"] == "Runtime.MarshalError"
    assert "lambda-runtime-function-error-type" not in aws["set"]["headers"]


def test_difference_what_led_to_an_error_is_printed_but_not_posted(tmp_path: Path) -> None:
    (ours, our_log), (aws, aws_log) = both(tmp_path, NEWEST, {"raise": (do("raise"), {})})
    assert without_type(ours) == without_type(aws)
    assert our_log[: len(aws_log) - 1] == aws_log[:-1]
    assert our_log[len(aws_log) - 1] == "Caused by KeyError: 'inner'"


def test_difference_the_words_of_json_not_of_simplejson(tmp_path: Path) -> None:
    (ours, _), (aws, _) = both(tmp_path, NEWEST, {"event": (b"{nope", {})})
    for posted in (ours, aws):
        message = posted["event"]["data"].pop("errorMessage")
        assert message.startswith("Unable to unmarshal input: Expecting property name enclosed in double quotes")
        assert message.endswith(": line 1 column 2 (char 1)")
        del posted["event"]["cause"]
    assert without_type(ours) == without_type(aws)
