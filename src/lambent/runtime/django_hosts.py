"""Adds the hosts of the function's URL to those that Django answers (LAMBENT_ALLOWED_HOSTS).

A Function URL only receives requests to its own host name, so no client can send the app another one.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def allow_hosts(hosts: str) -> None:
    """Add hosts, separated by commas, to the settings of the app that was loaded. Another app than Django has none."""
    conf: Any = sys.modules.get("django.conf")
    if conf is not None:
        conf.settings.ALLOWED_HOSTS = [*conf.settings.ALLOWED_HOSTS, *hosts.split(",")]
