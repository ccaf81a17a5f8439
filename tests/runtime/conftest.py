"""Fixtures of the runtime's tests."""

from __future__ import annotations

from support.frameworks import target

__all__ = ["target"]
