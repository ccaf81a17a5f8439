"""Moments of the past, as people type them: "30s", "1h", "2d", "10:30", "2026-11-30", "2026-11-30T10:30"."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import click

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_HINT = "use 30m, 1h, 2d, 10:30, 2026-11-30 or 2026-11-30T10:30"


class Since(click.ParamType[float]):
    """A moment, as seconds of Unix time. Without a time zone it is one of this machine's clock."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        moment = parse_since(str(value).strip(), datetime.now().astimezone())
        if moment is None:
            self.fail(f"not a time: {value} ({_HINT})", param, ctx)
        return moment.timestamp()


def parse_since(text: str, now: datetime) -> datetime | None:
    """Return the moment, or None if the text isn't one. Pure."""
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*([smhdw])", text)
    if parts and re.fullmatch(r"(?:\d+(?:\.\d+)?\s*[smhdw]\s*)+", text):
        return now - timedelta(seconds=sum(float(number) * _UNITS[unit] for number, unit in parts))
    if clock := re.fullmatch(r"(\d{1,2}):(\d\d)(?::(\d\d))?", text):
        hour, minute, second = (int(part or 0) for part in clock.groups())
        if hour > 23 or minute > 59 or second > 59:
            return None
        moment = now.replace(hour=hour, minute=minute, second=second, microsecond=0)
        return moment if moment <= now else moment - timedelta(days=1)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.astimezone()
