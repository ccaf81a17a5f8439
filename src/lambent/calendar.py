"""AWS's rules that have dates (decision 7): one table, asked with a day.

Sources: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html and lambda-python.html (deprecation, block
dates, operating system), urls-auth.html and the AWS Health notice of October 2025 (second URL permission; accounts that
already had URLs were exempt until 2026-11-01). glibc: aws/aws-lambda-builders#752.
"""

from __future__ import annotations

from datetime import date

from msgspec import Struct


class Runtime(Struct, frozen=True):
    """A managed Python runtime. `glibc` is the newest glibc symbol version its system has, as (major, minor)."""

    name: str
    available: date
    deprecated: date | None
    blocked_create: date | None
    blocked_update: date | None
    glibc: tuple[int, int]
    preview: bool = False

    @property
    def python(self) -> str:
        """The minor version, such as "3.13"."""
        return self.name.removeprefix("python")


AL2 = (2, 26)
AL2023 = (2, 34)

RUNTIMES: tuple[Runtime, ...] = (
    Runtime("python3.6", date(2017, 4, 18), date(2022, 7, 18), date(2022, 7, 18), date(2022, 8, 29), (2, 17)),
    Runtime("python3.7", date(2018, 11, 19), date(2023, 12, 4), date(2024, 1, 9), date(2024, 2, 8), (2, 17)),
    Runtime("python3.8", date(2019, 11, 18), date(2024, 10, 14), date(2026, 2, 3), date(2026, 3, 9), AL2),
    Runtime("python3.9", date(2021, 8, 16), date(2025, 12, 15), date(2026, 2, 3), date(2026, 3, 9), AL2),
    Runtime("python3.10", date(2023, 4, 18), date(2026, 10, 31), date(2026, 11, 30), date(2027, 1, 15), AL2),
    Runtime("python3.11", date(2023, 7, 27), date(2027, 6, 30), date(2027, 7, 31), date(2027, 8, 31), AL2),
    Runtime("python3.12", date(2023, 12, 14), date(2028, 10, 31), date(2028, 11, 30), date(2029, 1, 10), AL2023),
    Runtime("python3.13", date(2024, 11, 13), date(2029, 6, 30), date(2029, 7, 31), date(2029, 8, 31), AL2023),
    Runtime("python3.14", date(2025, 11, 18), date(2029, 6, 30), date(2029, 7, 31), date(2029, 8, 31), AL2023),
    Runtime("python3.15", date(2026, 7, 24), None, None, None, AL2023, preview=True),
)

SECOND_URL_STATEMENT = date(2025, 10, 1)
"""From this day a Function URL needs `lambda:InvokeFunction` (via the URL) beside `lambda:InvokeFunctionUrl`."""

MODERN_ERRORS = date(2024, 6, 1)
"""From about this day a time-out is reported as `Sandbox.Timedout` and out of memory as `Runtime.OutOfMemory`."""

INIT_BILLED = date(2025, 8, 1)
"""From this day the init phase counts into the billed duration of on-demand functions with a managed runtime."""


def find_runtime(name: str) -> Runtime | None:
    """The runtime of this name ("python3.13"), or None."""
    return next((known for known in RUNTIMES if known.name == name), None)


def can_create(name: str, on: date) -> bool:
    """Whether AWS lets one create a function with this runtime on that day."""
    known = find_runtime(name)
    if known is None or on < known.available:
        return False
    return known.blocked_create is None or on < known.blocked_create


def can_update(name: str, on: date) -> bool:
    """Whether AWS lets one update a function to or with this runtime on that day."""
    known = find_runtime(name)
    if known is None or on < known.available:
        return False
    return known.blocked_update is None or on < known.blocked_update


def deprecation_notice(name: str, on: date) -> str:
    """What one should know who chooses this runtime on that day; "" for nothing, also when AWS refuses it altogether."""
    known = find_runtime(name)
    if known is None or not can_update(name, on):
        return ""
    if known.preview:
        return f"{name} is a preview: AWS may change it, and promises nothing for production"
    if known.deprecated is None or on < known.deprecated:
        return ""
    closed, end = f"{name} is deprecated since {known.deprecated}", known.blocked_update
    if not can_create(name, on):
        return f"{closed}: AWS takes it only for functions that are there already, and for those until {end}"
    return f"{closed}: AWS takes no new functions with it from {known.blocked_create} on, and no changes from {end} on"


def supported_runtimes(on: date) -> tuple[Runtime, ...]:
    """The runtimes to choose from on that day, newest first: creatable, not deprecated, not a preview."""
    return tuple(
        known
        for known in reversed(RUNTIMES)
        if can_create(known.name, on) and not known.preview and (known.deprecated is None or on < known.deprecated)
    )


def needs_second_url_statement(on: date) -> bool:
    """Whether a Function URL needs both policy statements on that day."""
    return on >= SECOND_URL_STATEMENT
