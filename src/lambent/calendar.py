"""AWS's dated rules, as one table that you query with a day.

AWS has moved its dates several times, so the table only warns; AWS itself decides what it accepts. The runtimes are as of
November 2026, and a test compares them with cfn-lint's copy of AWS's table.

Sources: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html and lambda-python.html (deprecation, block
dates, operating systems); urls-auth.html and the AWS Health notice of October 2025 (second URL permission; accounts that
already had URLs were exempt until 2026-11-01). glibc: aws/aws-lambda-builders#752.
"""

from __future__ import annotations

from datetime import date

from msgspec import Struct


class Runtime(Struct, frozen=True):
    """A managed Python runtime. `glibc` is the newest glibc symbol version of its operating system, as (major, minor)."""

    name: str
    available: date
    deprecated: date | None
    blocked_create: date | None
    blocked_update: date | None
    glibc: tuple[int, int]
    preview: bool = False

    @property
    def python(self) -> str:
        """The minor version of Python, such as "3.13"."""
        return self.name.removeprefix("python")


SNAPSTART_SINCE = "python3.12"
"""The first runtime that AWS takes snapshots of."""

AL2 = (2, 26)
AL2023 = (2, 34)

RUNTIMES: tuple[Runtime, ...] = (
    Runtime("python3.6", date(2017, 4, 18), date(2022, 7, 18), date(2022, 7, 18), date(2022, 8, 29), (2, 17)),
    Runtime("python3.7", date(2018, 11, 19), date(2023, 12, 4), date(2024, 1, 9), date(2027, 3, 3), (2, 17)),
    Runtime("python3.8", date(2019, 11, 18), date(2024, 10, 14), date(2027, 2, 1), date(2027, 3, 3), AL2),
    Runtime("python3.9", date(2021, 8, 16), date(2025, 12, 15), date(2027, 2, 1), date(2027, 3, 3), AL2),
    Runtime("python3.10", date(2023, 4, 18), date(2026, 10, 31), date(2027, 2, 1), date(2027, 3, 3), AL2),
    Runtime("python3.11", date(2023, 7, 27), date(2027, 6, 30), date(2027, 7, 31), date(2027, 8, 31), AL2),
    Runtime("python3.12", date(2023, 12, 14), date(2028, 10, 31), date(2028, 11, 30), date(2029, 1, 10), AL2023),
    Runtime("python3.13", date(2024, 11, 13), date(2029, 6, 30), date(2029, 7, 31), date(2029, 8, 31), AL2023),
    Runtime("python3.14", date(2025, 11, 18), date(2029, 6, 30), date(2029, 7, 31), date(2029, 8, 31), AL2023),
    Runtime("python3.15", date(2026, 7, 24), None, None, None, AL2023, preview=True),
)

SECOND_URL_STATEMENT = date(2025, 10, 1)
"""From this day a Function URL needs `lambda:InvokeFunction` (via the URL) in addition to `lambda:InvokeFunctionUrl`."""

MODERN_ERRORS = date(2024, 6, 1)
"""From about this day AWS reports a timeout as `Sandbox.Timedout` and running out of memory as `Runtime.OutOfMemory`."""

INIT_BILLED = date(2025, 8, 1)
"""From this day AWS bills the init phase of on-demand functions that use a managed runtime."""


def takes_snapshots(runtime: str) -> bool:
    """Return whether AWS has SnapStart for a runtime, as far as the table knows it."""
    names = [each.name for each in RUNTIMES]
    return runtime not in names or names.index(runtime) >= names.index(SNAPSTART_SINCE)


def find_runtime(name: str) -> Runtime | None:
    """Return the runtime called `name` ("python3.13"), or None."""
    return next((runtime for runtime in RUNTIMES if runtime.name == name), None)


def can_create(name: str, on: date) -> bool:
    """Return whether AWS accepts a new function with this runtime on that day."""
    runtime = find_runtime(name)
    if runtime is None or on < runtime.available:
        return False
    return runtime.blocked_create is None or on < runtime.blocked_create


def can_update(name: str, on: date) -> bool:
    """Return whether AWS accepts an update of, or to, a function with this runtime on that day."""
    runtime = find_runtime(name)
    if runtime is None or on < runtime.available:
        return False
    return runtime.blocked_update is None or on < runtime.blocked_update


def is_deprecated(name: str, on: date) -> bool:
    """Return whether AWS has deprecated a runtime by that day. It may take it for some time more."""
    runtime = find_runtime(name)
    return runtime is not None and runtime.deprecated is not None and on >= runtime.deprecated


def deprecation_notice(name: str, on: date) -> str:
    """Return the warning for a function that uses this runtime on that day, "" when there is nothing to warn about."""
    runtime = find_runtime(name)
    if runtime is None or on < runtime.available:
        return ""
    if runtime.preview:
        return f"{name} is a preview: AWS may change it and does not support it in production"
    if not is_deprecated(name, on):
        return ""
    notice, end = f"AWS deprecated {name} on {runtime.deprecated}", runtime.blocked_update
    if not can_update(name, on):
        return f"{notice}, and planned to refuse it from {end} on"
    if not can_create(name, on):
        return f"{notice}: it accepts no new functions, and updates to existing ones only until {end}"
    return f"{notice}: it stops accepting new functions on {runtime.blocked_create} and updates on {end}"


def accepted_runtimes(on: date) -> tuple[Runtime, ...]:
    """Return the runtimes that AWS accepts for new functions on that day, newest first and without previews."""
    return tuple(runtime for runtime in reversed(RUNTIMES) if can_create(runtime.name, on) and not runtime.preview)


def needs_second_url_statement(on: date) -> bool:
    """Return whether a Function URL needs both policy statements on that day."""
    return on >= SECOND_URL_STATEMENT
