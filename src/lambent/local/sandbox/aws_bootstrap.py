"""Copied to /var/runtime/bootstrap.py, AWS's name for it. Runs AWS's runtime client with the handler in $_HANDLER.

It runs under the function's Python (3.9 and later), inside the sandbox, and imports nothing of ours.
"""

import os
import sys

_runtime = os.environ.get("LAMBDA_RUNTIME_DIR", "/var/runtime")
_task = os.environ.get("LAMBDA_TASK_ROOT", "/var/task")
_version = "python%d.%d" % sys.version_info[:2]  # noqa: UP031 - plain for every Python

# The function comes first, then layers, then what the runtime includes, then Python itself (AWS: "search path").
_python_path = [path for path in os.environ.get("PYTHONPATH", "").split(":") if path]
_first = [_task, "/opt/python/lib/" + _version + "/site-packages", "/opt/python", *_python_path, _runtime]
sys.path[:] = list(dict.fromkeys(_first + sys.path))

# AWS's client frames log records, so that one of several lines stays one. They share the pipe with print, to keep the order.
os.environ["_LAMBDA_TELEMETRY_LOG_FD"] = str(os.dup(1))

# Under this name, as in AWS's own file: Sentry's AwsLambdaIntegration finds the client by it.
import awslambdaric.__main__ as awslambdaricmain  # type: ignore[import-not-found]  # noqa: E402 - needs the search path

awslambdaricmain.main([__file__, os.environ.get("_HANDLER", "")])
