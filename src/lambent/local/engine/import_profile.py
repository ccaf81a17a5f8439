"""Starts a function version once with `python -X importtime`, in an environment of its own that gets no event."""

from __future__ import annotations

import asyncio

from msgspec.structs import replace

from .execution_environment import EnvironmentContext, ExecutionEnvironment
from .invocation import EngineFault, Function
from .log_sink import LogLine, LogSink

_TIMEOUT_S = 60.0
_VARIABLE = ("PYTHONPROFILEIMPORTTIME", "1")  # the same as -X importtime, for whatever starts Python


async def profile_imports(function: Function, context: EnvironmentContext) -> tuple[bool, list[str]]:
    """Return whether the init phase succeeded, and what it printed. Raises EngineFault."""
    lines: list[LogLine] = []
    sink = LogSink(lambda region, group, stream, batch: lines.extend(batch))
    profiled = replace(function, environment=(*function.environment, _VARIABLE))
    environment = ExecutionEnvironment(profiled, replace(context, logs=sink), lambda: None)
    try:
        await environment.prepare()
        failure = await asyncio.wait_for(environment.initialize(), _TIMEOUT_S)
    except TimeoutError:
        raise EngineFault(f"the function had not started after {_TIMEOUT_S:.0f} seconds") from None
    finally:
        await environment.close()
    sink.flush()
    return failure is None, [line.message for line in lines]
