"""The engine with real functions under AWS's runtime client, in the strongest sandbox that this machine permits."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest
from msgspec.structs import replace

from lambent.local.engine.invocation import EngineFault, Throttled
from lambent.local.sandbox.process_sandbox import ProcessFactory
from lambent.local.sandbox.sandbox import SandboxFactory
from support.functions import ARN, GATE, NEWEST, RUNTIMES, Lambda, make_function, make_invocation, open_gate, running
from support.paths import RECORDINGS
from support.waiting import eventually_async

RECORDED = json.loads((RECORDINGS / "invoke-and-url.json").read_text())
REQUEST_ID = r"[0-9a-f-]{36}"
HELLO = "def handler(event, context): return 'hello'"


def run(folder: Path, body: Callable[[Lambda], Awaitable[Any]], **settings: Any) -> Any:
    async def inner() -> Any:
        async with running(folder, **settings) as aws:
            return await asyncio.wait_for(body(aws), 60)

    return asyncio.run(inner())


def recorded(case: str, step: str) -> Any:
    return RECORDED[case]["recorded-content"][step]["Payload"]


@pytest.fixture(params=["best", "process"])
def factory(request: pytest.FixtureRequest) -> Callable[[], SandboxFactory | None]:
    return (lambda: None) if request.param == "best" else ProcessFactory


def test_environment_variables_are_those_recorded_on_aws(tmp_path: Path) -> None:
    """All names, and the values that are the same in every run on AWS."""
    source = "import os\ndef handler(event, context): return dict(os.environ)"
    function = make_function(tmp_path, source, runtime=NEWEST)
    report, _, _ = run(tmp_path, lambda aws: aws.call(function))
    expected = recorded("TestLambdaBehavior::test_lambda_init_environment", "lambda-init-inspection")["environment"]
    assert report.pop("AWS_ENDPOINT_URL") == "http://127.0.0.1:4580"  # the only variable that AWS doesn't set
    assert sorted(report) == sorted(expected)
    specific = {
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{NEWEST}", "_HANDLER": "main.handler", "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/web",
    }  # fmt: skip
    constant = {name: value for name, value in expected.items() if "<" not in value and "XRAY" not in name} | specific
    assert {name: report[name] for name in constant} == constant
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", report["AWS_LAMBDA_LOG_STREAM_NAME"])
    assert report["_X_AMZN_TRACE_ID"].startswith("Root=1-")


def test_configuration_overrides_only_some_variables(tmp_path: Path) -> None:
    source = "import os\ndef handler(event, context): return [os.environ[name] for name in event]"
    variables = (("TZ", "Europe/Paris"), ("OWN", "1"), ("AWS_REGION", "mars"), ("AWS_ENDPOINT_URL", "http://mine"))
    function = make_function(tmp_path, source, environment=variables)
    report, _, _ = run(tmp_path, lambda aws: aws.call(function, ["TZ", "OWN", "AWS_REGION", "AWS_ENDPOINT_URL"]))
    assert report == ["Europe/Paris", "1", "us-east-1", "http://mine"]


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_each_runtime_has_its_own_python_and_boto3(runtime: str, tmp_path: Path) -> None:
    source = """
    import platform, boto3, sys
    def handler(event, context):
        report = [platform.python_version(), boto3.__file__, sys.path[0]]
        return [*report, context.invoked_function_arn, context.memory_limit_in_mb]
    """
    function = make_function(tmp_path, source, runtime=runtime)
    report, _, _ = run(tmp_path, lambda aws: aws.call(function))
    assert report[0].startswith(runtime.removeprefix("python") + ".")
    assert report[1:] == ["/var/runtime/boto3/__init__.py", "/var/task", ARN, "128"]


FAILURES: dict[str, tuple[str, dict[str, Any], str, str]] = {
    # name: source, overrides configuration, error type, error message as a pattern
    "exception": ("def handler(e, c): raise ValueError('some error')", {}, "ValueError", "some error"),
    "import": ("import missing", {}, "Runtime.ImportModuleError", "Unable to import module 'main': No module named 'missing'"),
    "syntax": ("def handler(", {}, "Runtime.UserCodeSyntaxError", "Syntax error in module 'main'.*"),
    "no handler": ("x = 1", {}, "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'main'"),
    "bad handler": (HELLO, {"handler": "main"}, "Runtime.MalformedHandlerName", "Bad handler 'main'.*"),
    "not JSON": ("def handler(e, c): return {1}", {}, "Runtime.MarshalError", "Unable to marshal response.*"),
    "exit 0": (
        "import sys\ndef handler(e, c): sys.exit(0)", {}, "Runtime.ExitError",
        f"RequestId: {REQUEST_ID} Error: Runtime exited without providing a reason",
    ),
    "exit in init": (
        "import sys\nsys.exit(4)", {}, "Runtime.ExitError",
        f"RequestId: {REQUEST_ID} Error: Runtime exited with error: exit status 4",
    ),
    "segfault": (
        "import ctypes\ndef handler(e, c): ctypes.string_at(0)", {}, "Runtime.ExitError",
        f"RequestId: {REQUEST_ID} Error: Runtime exited with error: signal: segmentation fault",
    ),
    "no wrapper": (
        HELLO, {"environment": (("AWS_LAMBDA_EXEC_WRAPPER", "/var/task/missing"),)}, "Runtime.ExitError",
        f"RequestId: {REQUEST_ID} Error: Runtime exited with error: exit status 127",
    ),
    "memory": (
        "def handler(e, c): return len(b'x' * 400_000_000)", {}, "Runtime.OutOfMemory",
        f"RequestId: {REQUEST_ID} Error: Runtime exited with error: signal: killed",
    ),
    "time-out": (
        "import time\ndef handler(e, c): time.sleep(30)", {"timeout_s": 1}, "Sandbox.Timedout",
        f"RequestId: {REQUEST_ID} Error: Task timed out after 1.00 seconds",
    ),
    "response": (
        "def handler(e, c): return 'x' * 7_000_000", {"memory_mb": 512}, "Function.ResponseSizeTooLarge",
        r"Response payload size exceeded maximum allowed payload size \(6291556 bytes\).",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAILURES)
def test_failures_are_reported_as_on_aws(name: str, factory: Callable[[], SandboxFactory | None], tmp_path: Path) -> None:
    source, overrides, error_type, message = FAILURES[name]
    function = make_function(tmp_path, source, **overrides)
    payload, error, tail = run(tmp_path, lambda aws: aws.call(function), factory=factory())
    assert error == "Unhandled"
    assert payload["errorType"] == error_type
    assert re.fullmatch(message, payload["errorMessage"], re.DOTALL), payload
    assert "REPORT RequestId: " in tail
    if name in ("import", "syntax", "no handler", "bad handler"):
        assert payload["requestId"] == ""


@pytest.mark.parametrize(
    ("name", "case", "step"),
    [
        ("exit 0", "TestLambdaErrors::test_lambda_handler_exit", "invocation_error"),
        ("no wrapper", "TestLambdaErrors::test_lambda_runtime_wrapper_not_found", "invocation_error"),
        ("time-out", "TestLambdaBehavior::test_lambda_invoke_with_timeout", "invoke-result"),
    ],
)
def test_failures_have_the_recorded_form(name: str, case: str, step: str, tmp_path: Path) -> None:
    source, overrides, _, _ = FAILURES[name]
    invocation = make_invocation()

    async def body(aws: Lambda) -> Any:
        return json.loads((await aws.engine.invoke(make_function(tmp_path, source, **overrides), invocation)).payload)

    masked = json.dumps(run(tmp_path, body)).replace(invocation.request_id, "<id>")
    expected = re.sub(r"<(uuid|timeout_error_msg)(:\d)?>", "<id>", json.dumps(recorded(case, step)))
    assert json.loads(masked) == json.loads(expected)


def test_failures_before_2024_have_the_older_messages(tmp_path: Path) -> None:
    slow = make_function(tmp_path, "import time\ndef handler(e, c): time.sleep(30)", timeout_s=1)
    large = make_function(tmp_path, "def handler(e, c): return len(b'x' * 400_000_000)")

    async def body(aws: Lambda) -> Any:
        return (await aws.call(slow))[0], (await aws.call(large))[0]

    timed_out, killed = run(tmp_path, body, as_of=date(2024, 4, 1))
    assert list(timed_out) == ["errorMessage"]
    assert re.fullmatch(
        rf"\d{{4}}-\d\d-\d\dT[\d:.]{{12}}Z {REQUEST_ID} Task timed out after 1.00 seconds", timed_out["errorMessage"]
    )
    assert killed["errorType"] == "Runtime.ExitError"


def test_time_out_starts_a_new_process_and_keeps_tmp(factory: Callable[[], SandboxFactory | None], tmp_path: Path) -> None:
    """Recorded: TestLambdaBehavior::test_lambda_invoke_timed_out_environment_reuse."""
    source = """
    import os, tempfile, time
    number = 0
    path = tempfile.gettempdir() + "/content"
    def handler(event, context):
        global number
        if event == "write":
            number = 42
            open(path, "w").write("some-content")
        elif event == "hang":
            time.sleep(30)
        return [number, open(path).read()]
    """
    function = make_function(tmp_path, source, timeout_s=1)

    async def body(aws: Lambda) -> list[Any]:
        return [(await aws.call(function, event))[0] for event in ("write", "read", "hang", "read")]

    answers = run(tmp_path, body, factory=factory())
    assert answers[:2] == [[42, "some-content"]] * 2
    assert answers[2]["errorType"] == "Sandbox.Timedout"
    assert answers[3] == [0, "some-content"]


def test_warm_environment_is_reused_until_the_function_changes(tmp_path: Path) -> None:
    source = "count = 0\ndef handler(event, context):\n    global count\n    count += 1\n    return count"
    function = make_function(tmp_path, source)

    async def body(aws: Lambda) -> list[Any]:
        first = [(await aws.call(function))[0] for _ in range(3)]
        return [*first, (await aws.call(replace(function, memory_mb=256)))[0], (await aws.call(function))[0]]

    assert run(tmp_path, body) == [1, 2, 3, 1, 4]


def test_concurrent_invocations_get_separate_environments(factory: Callable[[], SandboxFactory | None], tmp_path: Path) -> None:
    source = """
def handler(event, context):
    wait_for_gate()
    return [event, context.aws_request_id, os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]]
"""
    function = make_function(tmp_path, GATE + source, timeout_s=60)
    invocations = [make_invocation(number) for number in range(8)]

    async def body(aws: Lambda) -> list[Any]:
        outcomes = asyncio.gather(*(aws.engine.invoke(function, invocation) for invocation in invocations))
        await aws.wait_for_environments(function, busy=8)
        open_gate(function)
        return [json.loads(outcome.payload) for outcome in await outcomes]

    answers = run(tmp_path, body, factory=factory())
    assert [answer[:2] for answer in answers] == [
        [number, invocation.request_id] for number, invocation in enumerate(invocations)
    ]
    assert len({answer[2] for answer in answers}) == 8


def test_consecutive_invocations_share_one_environment(tmp_path: Path) -> None:
    """Even before the environment has asked for its next event."""
    function = make_function(tmp_path, "import os\ndef handler(e, c): return os.environ['AWS_LAMBDA_LOG_STREAM_NAME']")

    async def body(aws: Lambda) -> set[str]:
        return {(await aws.call(function))[0] for _ in range(200)}

    assert len(run(tmp_path, body)) == 1


def test_running_invocation_survives_an_update(tmp_path: Path) -> None:
    old = make_function(tmp_path, GATE + "def handler(event, context):\n    wait_for_gate()\n    return 'old'")
    new = make_function(tmp_path, "def handler(e, c): return 'new'")

    async def body(aws: Lambda) -> Any:
        running_call = asyncio.ensure_future(aws.call(old))
        await aws.wait_for_environments(old, busy=1)
        await aws.engine.retire(ARN)
        updated = await aws.call(new)
        open_gate(old)
        return (await running_call)[0], updated[0]

    assert run(tmp_path, body) == ("old", "new")


def test_only_the_changed_version_is_retired(tmp_path: Path) -> None:
    latest = make_function(tmp_path, "import uuid\nID = str(uuid.uuid4())\ndef handler(e, c): return ID")
    published = replace(latest, version="1")

    async def body(aws: Lambda) -> Any:
        before = (await aws.call(latest))[0], (await aws.call(published))[0]
        await aws.engine.retire(ARN, "$LATEST")
        after = (await aws.call(latest))[0], (await aws.call(published))[0]
        return before[0] == after[0], before[1] == after[1]

    assert run(tmp_path, body) == (False, True)


def test_idle_environment_is_shut_down(tmp_path: Path) -> None:
    function = make_function(tmp_path, HELLO)

    async def body(aws: Lambda) -> None:
        await aws.call(function)
        await aws.wait_for_environments(function)
        assert aws.engine.describe()["environments"] == {}

    run(tmp_path, body, idle_s=0.2)


def test_function_runs_on_when_its_caller_disconnects(tmp_path: Path) -> None:
    source = "count = 0\ndef handler(e, c):\n    global count\n    wait_for_gate()\n    count += 1\n    return count"
    function = make_function(tmp_path, GATE + source)

    async def body(aws: Lambda) -> Any:
        call = asyncio.ensure_future(aws.call(function))
        await aws.wait_for_environments(function, busy=1)
        call.cancel()
        open_gate(function)
        await aws.wait_for_environments(function, idle=1)
        return (await aws.call(function))[0]

    assert run(tmp_path, body) == 2


def test_reserved_concurrency_counts_until_the_function_has_ended(tmp_path: Path) -> None:
    function = make_function(tmp_path, GATE + "def handler(event, context):\n    wait_for_gate()\n    return 'done'")

    async def body(aws: Lambda) -> None:
        first = asyncio.ensure_future(aws.call(function))
        await aws.wait_for_environments(function, busy=1)
        with pytest.raises(Throttled):
            await aws.call(function)
        with pytest.raises(Throttled):
            await aws.engine.stream(function, make_invocation())
        first.cancel()  # its caller has gone, but it still runs
        with pytest.raises(Throttled):
            await aws.call(function)
        open_gate(function)
        await aws.wait_for_environments(function, idle=1)
        assert (await aws.call(function))[0] == "done"

    run(tmp_path, body, reserved=1)


def test_background_threads_are_frozen_between_invocations(tmp_path: Path) -> None:
    source = """
    import threading, time
    ticks = 0
    def work():
        global ticks
        while True:
            ticks += 1
            time.sleep(0.01)
    threading.Thread(target=work, daemon=True).start()
    def handler(event, context): return ticks
    """
    function = make_function(tmp_path, source)

    async def body(aws: Lambda) -> int:
        before = (await aws.call(function))[0]
        await asyncio.sleep(1)  # a thread that is not frozen ticks 100 times in it
        return int((await aws.call(function))[0] - before)

    assert run(tmp_path, body) < 20


def test_wrapper_script_starts_the_runtime(factory: Callable[[], SandboxFactory | None], tmp_path: Path) -> None:
    function = make_function(tmp_path, HELLO, environment=(("AWS_LAMBDA_EXEC_WRAPPER", "/var/task/wrapper"),))
    wrapper = function.code / "wrapper"
    wrapper.write_text('#!/bin/sh\nexport ARGUMENTS="$1 $2"\nexec "$@"\n')
    wrapper.chmod(0o755)
    (function.code / "main.py").write_text("import os\ndef handler(e, c): return os.environ['ARGUMENTS']")
    report, error, _ = run(tmp_path, lambda aws: aws.call(function), factory=factory())
    assert error == ""
    assert re.fullmatch(rf"\S+/bin/{NEWEST} \S+/bootstrap.py", report)


def test_wrapper_may_be_a_script_for_lambdas_python(factory: Callable[[], SandboxFactory | None], tmp_path: Path) -> None:
    function = make_function(tmp_path, HELLO, environment=(("AWS_LAMBDA_EXEC_WRAPPER", "/var/task/wrapper"),))
    wrapper = function.code / "wrapper"
    start = "os.environ['ARGUMENTS'] = f'{sys.flags.no_site} {len(sys.argv)}'; os.execv(sys.argv[1], sys.argv[1:])"
    wrapper.write_text(f"#!/var/lang/bin/{NEWEST} -S\nimport os, sys\n{start}\n")
    wrapper.chmod(0o755)
    (function.code / "main.py").write_text("import os\ndef handler(e, c): return os.environ['ARGUMENTS']")
    assert run(tmp_path, lambda aws: aws.call(function), factory=factory())[:2] == ("1 3", "")


def test_awss_client_is_where_sentrys_integration_looks_for_it(tmp_path: Path) -> None:
    source = """
    import sys
    def handler(event, context):
        return callable(sys.modules["__main__"].awslambdaricmain.bootstrap.handle_event_request)
    """
    function = make_function(tmp_path, source)
    assert run(tmp_path, lambda aws: aws.call(function))[:2] == (True, "")


def test_missing_interpreter_is_reported_with_a_command_to_install_it(tmp_path: Path) -> None:
    function = make_function(tmp_path, HELLO, runtime="python3.99")
    with pytest.raises(EngineFault, match=r"no interpreter for the runtime python3\.99.*uv python install 3\.99"):
        run(tmp_path, lambda aws: aws.call(function))


def test_hanging_init_is_repeated_within_the_time_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lambent.limits.INIT_MAX_S", 1)
    source = """
    import os, time
    if not os.path.exists("/tmp/first"):
        open("/tmp/first", "w").close()
        time.sleep(30)
    def handler(event, context): return "second"
    """
    function = make_function(tmp_path, source, timeout_s=10)
    if run(tmp_path, _sandbox_kind) != "namespaces":
        pytest.skip("without namespaces /tmp is the host's")
    payload, error, tail = run(tmp_path, lambda aws: aws.call(function))
    assert (payload, error) == ("second", "")
    assert "Init Duration" not in tail


async def _sandbox_kind(aws: Lambda) -> object:
    return aws.engine.describe()["sandbox"]


def test_log_lines_are_those_of_aws(tmp_path: Path) -> None:
    source = """
    import logging
    print("loading")
    logging.getLogger().setLevel("INFO")
    def handler(event, context):
        print("printed")
        logging.info("logged")
        try:
            1 / 0
        except ZeroDivisionError:
            logging.exception("of several lines")
        print("without an end", end="")
    """
    function = make_function(tmp_path, source)

    async def body(aws: Lambda) -> tuple[str, Lambda]:
        return (await aws.call(function))[2], aws

    tail, aws = run(tmp_path, body)
    number = r"\d+\.\d\d ms"
    start = rf"START RequestId: {REQUEST_ID} Version: \$LATEST"
    printed = r"printed"
    logged = rf"\[INFO\]\t\d{{4}}-\d\d-\d\dT[\d:.]+Z\t{REQUEST_ID}\tlogged"
    several = r"\[ERROR\]\t\S+Z\t\S+\tof several lines\nTraceback [\s\S]*ZeroDivisionError: division by zero"
    end = rf"END RequestId: {REQUEST_ID}"
    report = (
        rf"REPORT RequestId: {REQUEST_ID}\tDuration: {number}\tBilled Duration: \d+ ms\tMemory Size: 128 MB"
        rf"\tMax Memory Used: \d+ MB\tInit Duration: {number}\t"
    )
    expected = [
        r"INIT_START Runtime Version: python:\S+\tRuntime Version ARN: arn:aws:lambda:us-east-1::runtime:\w{64}",
        "loading",
    ]
    inside = [start, printed, logged, several, "without an end", end, report]
    messages = aws.log.messages()
    for message, pattern in zip(messages, [*expected, *inside], strict=True):
        assert re.fullmatch(pattern, message), message
    assert tail == "".join(message + "\n" for message in messages[2:])
    assert {(region, group) for region, group, _, _ in aws.log.lines} == {("us-east-1", "/aws/lambda/web")}
    assert len({stream for _, _, stream, _ in aws.log.lines}) == 1


def test_json_log_has_the_records_of_aws(tmp_path: Path) -> None:
    source = "import logging\ndef handler(event, context): logging.warning('careful')"
    function = make_function(tmp_path, source, log_format="JSON")

    async def body(aws: Lambda) -> Lambda:
        await aws.call(function)
        return aws

    records = [json.loads(message) for message in run(tmp_path, body).log.messages()]
    assert [record.get("type", record.get("message")) for record in records] == [
        "platform.initStart", "platform.start", "careful", "platform.report",
    ]  # fmt: skip
    report = records[-1]["record"]
    assert report["status"] == "success"
    assert set(report["metrics"]) == {"durationMs", "billedDurationMs", "memorySizeMB", "maxMemoryUsedMB", "initDurationMs"}


def test_failing_init_is_logged_twice_and_reported_once(tmp_path: Path) -> None:
    function = make_function(tmp_path, "import missing")

    async def body(aws: Lambda) -> tuple[str, Lambda]:
        return (await aws.call(function))[2], aws

    tail, aws = run(tmp_path, body)
    reports = [message for message in aws.log.messages() if message.startswith("INIT_REPORT")]
    assert [re.sub(r"\d+\.\d+", "0", report) for report in reports] == [
        f"INIT_REPORT Init Duration: 0 ms\tPhase: {phase}\tStatus: error\tError Type: Runtime.ImportModuleError"
        for phase in ("init", "invoke")
    ]
    assert tail.count("No module named 'missing'") == 1


def test_tail_is_the_last_4_kilobytes_of_its_invocation(tmp_path: Path) -> None:
    function = make_function(tmp_path, "def handler(event, context): print(('%05d ' % event) * 2000)")

    async def body(aws: Lambda) -> str:
        await aws.call(function, 1)
        return (await aws.call(function, 2))[2]

    tail = run(tmp_path, body)
    assert len(tail.encode()) == 4096
    assert "00001" not in tail
    assert "00002" in tail
    assert tail.endswith("\t\n")


def test_tail_contains_what_its_invocation_printed(tmp_path: Path) -> None:
    """Although output and response arrive on different channels."""
    function = make_function(tmp_path, "def handler(event, context): print('printed', event)")

    async def body(aws: Lambda) -> None:
        for number in range(300):
            tail = (await aws.call(function, number))[2]
            assert re.findall(r"printed \d+", tail) == [f"printed {number}"]

    run(tmp_path, body)


def test_invocations_do_not_wait_for_their_log(tmp_path: Path) -> None:
    """Neither while lines are being delivered nor after delivery has failed."""
    function = make_function(tmp_path, HELLO)
    delivering, proceed = threading.Event(), threading.Event()

    def deliver(*_: object) -> None:
        delivering.set()
        proceed.wait(60)
        raise RuntimeError("no log group")

    async def body(aws: Lambda) -> None:
        aws.log.deliver = deliver  # type: ignore[method-assign]
        await aws.call(function)
        await eventually_async(delivering.is_set)
        for _ in range(20):
            assert (await aws.call(function))[0] == "hello"
        assert not proceed.is_set()
        proceed.set()
        assert (await aws.call(function))[0] == "hello"

    run(tmp_path, body)


def test_machine_limit_evicts_idle_environments_and_then_throttles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full pool shuts down the environment that has been idle for longest. If none is idle, it throttles."""
    monkeypatch.setattr("lambent.local.engine.pool.environments_max", lambda: 2)
    source = GATE + "def handler(event, context):\n    if event:\n        wait_for_gate()"
    functions = [make_function(tmp_path, source, name=name) for name in "abc"]

    async def body(aws: Lambda) -> Any:
        for function in functions:
            await aws.call(function)
            await aws.wait_for_environments(function, idle=1)
        idle = aws.engine.describe()["environments"]
        calls = [asyncio.ensure_future(aws.call(function, "wait")) for function in functions]
        await eventually_async(lambda: sum(call.done() for call in calls) == 1)
        for function in functions:
            open_gate(function)
        results = await asyncio.gather(*calls, return_exceptions=True)
        return idle, [type(result).__name__ for result in results]

    idle, results = run(tmp_path, body)
    assert idle == {"b:$LATEST": {"idle": 1, "busy": 0}, "c:$LATEST": {"idle": 1, "busy": 0}}
    assert sorted(results) == ["Throttled", "tuple", "tuple"]


THIEF = """
import json, os, urllib.request

def handler(event, context):
    own = os.environ["AWS_LAMBDA_RUNTIME_API"]
    replies = []
    for row in open("/proc/net/tcp").read().splitlines()[1:]:
        address, state = row.split()[1], row.split()[3]
        port = int(address.partition(":")[2], 16)
        if state == "0A" and address.startswith("0100007F") and f"127.0.0.1:{port}" in event:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/2018-06-01/runtime/invocation/next", timeout=5)
                replies.append(200)
            except urllib.error.HTTPError as error:
                replies.append(error.code)
    return replies
"""


def test_function_can_not_take_the_event_of_another(factory: Callable[[], SandboxFactory | None], tmp_path: Path) -> None:
    victim = make_function(tmp_path, "import os\ndef handler(event, context): return os.environ['AWS_LAMBDA_RUNTIME_API']")
    thief = make_function(tmp_path, THIEF, arn=f"{ARN}-thief", name="thief")

    async def body(aws: Lambda) -> None:
        address, _, _ = await aws.call(victim)
        await aws.wait_for_environments(victim, idle=1)
        assert await aws.call(thief, [address]) == ([403], "", ANY)
        assert (await aws.call(victim))[0] == address  # the same environment still gets its events

    run(tmp_path, body, factory=factory())
