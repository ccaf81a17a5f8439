"""How many environments this machine can run at once: what fits into its memory and its limit of open files."""

from __future__ import annotations

import logging
import os
import resource

log = logging.getLogger("lambent.engine")

CONCURRENCY = 1000
"""Concurrent executions of an account, AWS's default."""

_ENVIRONMENTS_MIN = 8
_MB_PER_ENVIRONMENT = 64
_FILES_PER_ENVIRONMENT = 6  # its process 1, output, Runtime API, our address, the runtime's connection; another in a stream
_FILES_FOR_CLIENTS = 192
_FILES_OF_SERVICE = 64  # its database, log, listeners and what its threads open for a moment
_FILES_MAX = 1 << 16


def raise_open_files() -> None:
    """Raise this process's limit of open files as far as the system permits."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    goal = _FILES_MAX if hard == resource.RLIM_INFINITY else min(hard, _FILES_MAX)
    if soft != resource.RLIM_INFINITY and soft < goal:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (goal, hard))
        except (OSError, ValueError) as error:  # macOS has a lower limit of its own
            log.info("the limit of open files stays at %s: %s", soft, error)


def environments_max() -> int:
    """Return how many environments this process can run, at most the account's concurrency."""
    return min(CONCURRENCY, max(_ENVIRONMENTS_MIN, min(_by_memory(), _by_open_files())))


def clients_max() -> int:
    """Return how many connections of clients leave enough open files for the environments."""
    return max(_FILES_FOR_CLIENTS, _open_files() - environments_max() * _FILES_PER_ENVIRONMENT - _FILES_OF_SERVICE)


def _by_memory() -> int:
    try:
        megabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // (1 << 20)
    except (ValueError, OSError):
        return CONCURRENCY
    return megabytes // _MB_PER_ENVIRONMENT


def _by_open_files() -> int:
    return (_open_files() - _FILES_FOR_CLIENTS - _FILES_OF_SERVICE) // _FILES_PER_ENVIRONMENT


def _open_files() -> int:
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return _FILES_MAX if files == resource.RLIM_INFINITY else files
