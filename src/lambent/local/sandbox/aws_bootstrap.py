"""Copied to /var/runtime/bootstrap.py, as AWS has one: runs AWS's runtime client on the handler that $_HANDLER names.

Runs under the function's Python (3.9 and later), inside the sandbox; imports nothing of ours.
"""

import os
import sys

_runtime = os.environ.get("LAMBDA_RUNTIME_DIR", "/var/runtime")
_task = os.environ.get("LAMBDA_TASK_ROOT", "/var/task")
_version = "python%d.%d" % sys.version_info[:2]  # noqa: UP031 - plain for every Python

# The function first, then layers, then what the runtime brings, then Python itself (AWS: "search path").
_named = [place for place in os.environ.get("PYTHONPATH", "").split(":") if place]
_first = [_task, "/opt/python/lib/" + _version + "/site-packages", "/opt/python", *_named, _runtime]
sys.path[:] = list(dict.fromkeys(_first + sys.path))

# A log record of several lines stays one record: AWS's client frames it. It shares the pipe with print, to keep the order.
os.environ["_LAMBDA_TELEMETRY_LOG_FD"] = str(os.dup(1))

from awslambdaric.__main__ import main  # type: ignore[import-not-found]  # noqa: E402 - the search path comes first

main([__file__, os.environ.get("_HANDLER", "")])
