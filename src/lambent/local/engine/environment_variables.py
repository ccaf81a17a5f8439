"""The environment variables and the command line of a runtime process. Pure.

Recorded: `TestLambdaBehavior::test_lambda_init_environment`.
"""

from __future__ import annotations

from collections.abc import Mapping

from .invocation import Function

_LC_CTYPE_SINCE = (3, 12)

EXTENSIBLE = {
    "LANG": "en_US.UTF-8",
    "LD_LIBRARY_PATH": "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
    "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
    "PYTHONPATH": "/var/runtime",
    "TZ": ":UTC",
    "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
    # There is no X-Ray daemon here. The loopback address keeps the traffic of X-Ray clients on this machine.
    "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",
}
"""Variables that AWS sets and the function's configuration may override (docs: "unreserved")."""


def variables(
    function: Function, *, stream: str, api: str, service_url: str, credentials: Mapping[str, str], provisioned: bool = False
) -> tuple[tuple[str, str], ...]:
    """Return all variables, sorted. `api` is the Runtime API's host:port, `credentials` are the AWS_ variables of the role."""
    version = tuple(int(part) for part in function.runtime.removeprefix("python").split("."))
    merged = {
        **EXTENSIBLE,
        **({"LC_CTYPE": "C.UTF-8"} if version >= _LC_CTYPE_SINCE else {}),
        "AWS_ENDPOINT_URL": service_url,  # the only variable that AWS doesn't set: the function's own AWS calls stay here
        **dict(function.environment),
        **credentials,
        "AWS_DEFAULT_REGION": function.region,
        "AWS_REGION": function.region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": function.version,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "provisioned-concurrency" if provisioned else "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": stream,
        "AWS_LAMBDA_RUNTIME_API": api,
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "LAMBDA_TASK_ROOT": "/var/task",
        "PWD": "/var/task",
        "SHLVL": "0",
        "_AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1",
        "_AWS_XRAY_DAEMON_PORT": "2000",
        "_HANDLER": function.handler,
    }
    if function.log_format == "JSON":
        merged["AWS_LAMBDA_LOG_FORMAT"] = "JSON"
        merged["AWS_LAMBDA_LOG_LEVEL"] = "INFO"
    return tuple(sorted(merged.items()))


def runtime_command(function: Function) -> tuple[str, ...]:
    """Return the command that starts AWS's runtime client, through the function's wrapper script if it has one."""
    client = ("{python}", "{runtime}/bootstrap.py")
    wrapper = dict(function.environment).get("AWS_LAMBDA_EXEC_WRAPPER")
    return (wrapper, *client) if wrapper else client
