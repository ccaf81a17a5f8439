"""Changes environment variables of what is live, without a build: a version of the same code, checked like any other."""

from __future__ import annotations

import base64
import hashlib
import json
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from msgspec import Struct, field
from msgspec.structs import replace

from lambent import events
from lambent.aws.interface import Aws
from lambent.aws.values import BUFFERED, Code, Function
from lambent.config.live_environment import FLAG_VARIABLES, SECRETS, is_set_by_user
from lambent.config.provenance import describe, parse
from lambent.deployment.apply import apply
from lambent.deployment.context import DeployContext
from lambent.deployment.desired import Desired, access, refuse_large_environment, upload_key
from lambent.deployment.fetch import connection_pool
from lambent.deployment.observed import Observed, observe
from lambent.deployment.origin import foreign_origin
from lambent.deployment.plan import Plan, refuse_foreign_tags
from lambent.deployment.replan import until_applied
from lambent.deployment.resources.concurrency import AwaitProvisioned
from lambent.deployment.resources.function import plan_function
from lambent.deployment.resources.function_settings import url_mode
from lambent.deployment.resources.url import CheckUrl
from lambent.deployment.rollback import hosts_web_app
from lambent.deployment.traffic import plan_traffic
from lambent.errors import DeployError, UsageError
from lambent.lazy import LazyModule
from lambent.limits import ZIP_DIRECT_MAX
from lambent.names import ALIAS, Names

if TYPE_CHECKING:
    import urllib3
else:
    urllib3 = LazyModule("urllib3")

_WRAPPER = "AWS_LAMBDA_EXEC_WRAPPER"
_DOWNLOAD_S = 120


class EnvironmentChange(Struct, frozen=True):
    """Variables to set, with their values, and names of variables to remove. `by` is who changes them, from where."""

    values: Mapping[str, str] = field(default_factory=dict)
    removed: tuple[str, ...] = ()
    by: str = ""

    def description(self, live: str) -> str:
        """Return the description of the version with the change, from that of the `live` one, which has the same code."""
        changes = [*(f"+{name}" for name in sorted(self.values)), *(f"-{name}" for name in sorted(self.removed))]
        return describe(replace(parse(live), subject=f"env {' '.join(changes)}", by=self.by))


def changed(live: Mapping[str, str], change: EnvironmentChange) -> dict[str, str]:
    """Return the variables after a change, lambent's own among them. Pure.

    What is set stays in later deploys, like a variable of `--env`. A plain value replaces a reference to a secret.
    Raises UsageError for a variable that isn't set, and for one that is lambent's own.
    """
    references = json.loads(live.get(SECRETS, "{}"))
    flagged = set(live.get(FLAG_VARIABLES, "").split())
    for name in (*change.values, *change.removed):
        if name in (FLAG_VARIABLES, SECRETS, _WRAPPER) or (name in live and not is_set_by_user(name, flagged)):
            hint = "set it in [tool.lambent.env] of pyproject.toml, then deploy" if name == _WRAPPER else ""
            raise UsageError(f"lambent itself sets {name}", where="NAME", hint=hint)
    for name in change.removed:
        if name in references:
            hint = f"remove {name} from [tool.lambent.env] of pyproject.toml, then deploy"
            raise UsageError(f"{name} is a reference to a secret, {references[name]}", where="NAME", hint=hint)
        if name not in live:
            raise UsageError(f"{name} is not set", where="NAME", hint="lambent env list shows what is set")
    after = {name: value for name, value in live.items() if name not in (*change.removed, FLAG_VARIABLES, SECRETS)}
    references = {name: reference for name, reference in references.items() if name not in change.values}
    flagged = (flagged | set(change.values)) - set(change.removed)
    after |= change.values
    after |= {SECRETS: json.dumps(references, separators=(",", ":"))} if references else {}
    after |= {FLAG_VARIABLES: " ".join(sorted(flagged))} if flagged else {}
    return after


def change_environment(
    app: str, change: EnvironmentChange, context: DeployContext, identities: tuple[str, ...] = ()
) -> events.Deployed:
    """Publish a version with changed variables, check it, and make it live. Return (and emit) the result.

    Raises UsageError, DeployError if no version is live or the new one fails its check: then the live one stays.
    """
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="lambent-") as folder:

        def attempt() -> events.Deployed:
            names, observed = observe(context.aws, app, context.timing.settle_s)
            planned = _prepare(names, observed, change, context.aws, Path(folder), identities)
            context.emit(planned.planned)
            deployment = apply(planned, context)
            seconds, public = time.monotonic() - start, planned.access == "public"
            return events.Deployed(deployment.url, deployment.version, planned.changes > 0, seconds, public)

        return until_applied(app, context.emit, attempt)


def _prepare(
    names: Names, observed: Observed, change: EnvironmentChange, aws: Aws, folder: Path, identities: tuple[str, ...]
) -> Plan:
    refuse_foreign_tags(names, observed)
    where = f"account {names.account} in {names.region}"
    if origin := foreign_origin(identities, observed):
        what = f"{names.app} was deployed from another project: {origin}"
        raise UsageError(what, where="lambent env", hint=f"--name {names.app} changes it all the same")
    live = observed.live
    if live is None or observed.latest is None:
        raise DeployError(f"no version of {names.app} is live", where=where, hint="run lambent deploy first")
    environment = changed(dict(live.settings.environment), change)
    refuse_large_environment(environment)
    code = Code(Path(), live.sha256, live.size, live.architecture)
    if (observed.latest.sha256, observed.latest.architecture) != (live.sha256, live.architecture) or observed.latest.failed:
        code = _download(names, live, aws, folder)  # of a deploy that failed: what is live has other code
    return plan(names, observed, code, environment, change.description(live.description))


def plan(names: Names, observed: Observed, code: Code, environment: Mapping[str, str], description: str = "") -> Plan:
    """Return the steps from what is live to the same with another environment. Pure."""
    live, latest, url = observed.live, observed.latest, observed.url
    assert live is not None and latest is not None
    settings = replace(live.settings, environment=tuple(sorted(environment.items())))
    desired = Desired(
        names=names,
        settings=settings,
        code=code,
        tags=latest.tags,
        strict=hosts_web_app(settings),
        raw=live.size,
        auth=url.auth if url else "",
        mode=url_mode(settings) if hosts_web_app(settings) or url is None else url.mode or BUFFERED,
        creates_bucket=True,
        description=description,
    )
    function, traffic = plan_function(desired, observed), plan_traffic(desired, observed)
    steps = (*function.steps, *traffic.steps)
    if observed.provisioned is not None and steps:
        steps = (*steps, AwaitProvisioned(names.function, ALIAS))
    check_url = CheckUrl(names.function, ALIAS, settings, desired.strict, desired.mode, desired.auth)
    return Plan(
        names=names,
        observed=observed,
        steps=(*steps, *((check_url,) if url else ())),
        lines=(*function.lines, *traffic.lines),
        access=access(desired.auth),
    )


def _download(names: Names, live: Function, aws: Aws, folder: Path) -> Code:
    """Return the code of the live version, which AWS can't copy to $LATEST itself."""
    address = aws.code_url(names.function, live.version)
    path = folder / f"{live.version}.zip"
    pool, target = connection_pool(urlsplit(address))
    host = urlsplit(address).netloc
    try:
        answer = pool.urlopen("GET", target, headers={"Host": host}, timeout=_DOWNLOAD_S, retries=2, assert_same_host=False)
        path.write_bytes(answer.data)
    except (OSError, urllib3.exceptions.HTTPError) as error:
        raise DeployError(
            f"the code of version {live.version} can't be read: {error}", where=host, hint="lambent deploy"
        ) from error
    digest = base64.b64encode(hashlib.sha256(answer.data).digest()).decode()
    if digest != live.sha256:
        what = f"the code of version {live.version} can't be read: {host} answered with {answer.status} and other data"
        raise DeployError(what, where=names.function, hint="lambent deploy --env NAME=VALUE sets variables too")
    bucket = key = ""
    if live.size > ZIP_DIRECT_MAX:
        bucket, key = names.bucket, upload_key(names, live.sha256)
    return Code(path, live.sha256, live.size, live.architecture, bucket, key)
