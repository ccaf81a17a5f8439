"""Refuses a literal ALLOWED_HOSTS of Django that the function's URL isn't in: each request would be answered with 400."""

from __future__ import annotations

from lambent.config.django_literals import LOCAL_DOMAIN, hosts_cure
from lambent.config.model import Config
from lambent.config.variables.unset import django_report
from lambent.errors import UsageError


def refuse_hosts(config: Config, *, local: bool) -> None:
    """Raise UsageError for hosts that don't allow the URL. `local` says that it is one of the local Lambda.

    Hosts of an environment variable are set without an edit: see `automatic.py`.
    """
    if config.app.kind == "handler" or not config.has_url:
        return
    report = django_report(config)
    if report["allows"] or report["variable"]:
        return
    if local and (not report["hosts"] or not {"*", LOCAL_DOMAIN}.isdisjoint(report["hosts"])):
        return  # with DEBUG, none at all means localhost and its subdomains
    what = f"ALLOWED_HOSTS in {report['settings']} doesn't allow the function's URL, so Django would answer 400 to each request"
    raise UsageError(what, where=report["settings"], hint=f"in {report['settings']}, {hosts_cure(report)}")
