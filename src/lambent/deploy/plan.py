"""The plan: what is there against what should be, as a tuple of steps and the lines that explain them. Pure."""

from __future__ import annotations

from dataclasses import dataclass, fields

from lambent.aws.interface import STREAMED, Function, Pairs, Settings, Url
from lambent.deploy import steps
from lambent.deploy.desired import Desired
from lambent.deploy.observed import Observed
from lambent.deploy.steps import Step
from lambent.errors import DeployError
from lambent.events import PlannedLine
from lambent.names import ALIAS, TAG_APP, TAG_MANAGED, Names

_WORDS = {"memory_mb": "memory", "timeout_s": "timeout", "tmp_mb": "/tmp"}
_UNITS = {"memory_mb": " MB", "timeout_s": " s", "tmp_mb": " MB"}


@dataclass(frozen=True)
class Plan:
    """What `deploy` will do, in this order. `version` and `url` are the live ones now, "" when there are none; `revision` is
    what $LATEST was at when looked at, so that a write can be made on condition that it still is. `mode` is the URL's.
    """

    names: Names
    steps: tuple[Step, ...]
    lines: tuple[PlannedLine, ...]
    version: str = ""
    url: str = ""
    revision: str = ""
    mode: str = ""

    @property
    def changes(self) -> int:
        """How many steps change something; 0 when everything is as it should be."""
        return sum(step.changes for step in self.steps)

    @property
    def target(self) -> str:
        return f"account {self.names.account} in {self.names.region}"


def plan(desired: Desired, observed: Observed) -> Plan:
    """The steps from `observed` to `desired`.

    Raises DeployError if a function or role of that name exists that lambent did not make: it is left alone.
    """
    refuse_foreign(desired, observed)
    parts = (_role(desired, observed), _function(desired, observed), _traffic(desired, observed), _url(desired, observed))
    probe = steps.Probe(desired.names.function, ALIAS, desired.settings, desired.strict, desired.mode)
    return Plan(
        names=desired.names,
        steps=(*(step for part in parts for step in part[0]), probe),
        lines=tuple(line for part in parts for line in part[1]),
        version=observed.alias.version if observed.alias else "",
        url=observed.url.address if observed.url else "",
        revision=observed.latest.revision if observed.latest else "",
        mode=observed.url.mode if observed.url else "",
    )


def refuse_foreign(desired: Desired, observed: Observed) -> None:
    """Raises DeployError if the function or the role was made by somebody else."""
    names = desired.names
    found: tuple[tuple[str, str, Pairs | None], ...] = (
        ("function", names.function, observed.latest.tags if observed.latest else None),
        ("role", names.role, observed.role.tags if observed.role else None),
    )
    for kind, name, tags in found:
        if tags is not None and (dict(tags).get(TAG_APP) != names.app or TAG_MANAGED not in dict(tags)):
            what = f"a {kind} called {name} is there already, and lambent did not make it"
            hint = f"choose another name with --name, or tag it {TAG_APP}={names.app} and {TAG_MANAGED}=true to hand it over"
            raise DeployError(what, where=f"account {names.account} in {names.region}", hint=hint)


Part = tuple[list[Step], list[PlannedLine]]


def _role(desired: Desired, observed: Observed) -> Part:
    names, policy = desired.names, desired.names.basic_policy_arn
    short = policy.rpartition("/")[2]
    if observed.role is None:
        made: list[Step] = [steps.CreateRole(names.role, desired.tags), steps.AttachPolicy(names.role, policy)]
        return made, [PlannedLine("create", f"role {names.role}", f"assumed by Lambda, with {short}")]
    mended: list[Step] = []
    why: list[str] = []
    if not observed.role.trusts_lambda:
        mended.append(steps.TrustLambda(names.role))
        why.append("Lambda may not assume it")
    if policy not in observed.attached:
        mended.append(steps.AttachPolicy(names.role, policy))
        why.append(f"{short} is not attached")
    return mended, [PlannedLine("update" if mended else "keep", f"role {names.role}", ", ".join(why))]


def is_as_desired(function: Function | None, desired: Desired) -> bool:
    """Whether this version has the desired code and configuration."""
    return (
        function is not None
        and function.sha256 == desired.code.sha256
        and function.architecture == desired.code.architecture
        and function.settings == desired.settings
    )


def _function(desired: Desired, observed: Observed) -> Part:
    name, code, latest = desired.names.function, desired.code, observed.latest
    size = f"{_size(code.size)} zipped, {_size(desired.raw)} raw"
    if latest is None:
        create = steps.CreateFunction(name, desired.settings, code, desired.tags)
        return [create], [PlannedLine("create", f"function {name}", f"{_described(desired)}, {size}")]
    if is_as_desired(observed.live, desired):
        return [], [PlannedLine("keep", f"function {name}", _described(desired))]
    todo: list[Step] = []
    lines: list[PlannedLine] = []
    before = observed.live or latest
    if code.sha256 != latest.sha256 or code.architecture != latest.architecture or latest.failed:
        todo.append(steps.UpdateCode(name, code))
    if before.sha256 != code.sha256 or before.architecture != code.architecture:
        lines.append(PlannedLine("update", "code", f"{before.sha256[:8]} -> {code.sha256[:8]}, {size}"))
    if desired.settings != latest.settings or latest.failed:
        todo.append(steps.UpdateSettings(name, desired.settings))
    differences = changed(before.settings, desired.settings, desired.origins)
    if differences:
        lines.append(PlannedLine("update", "configuration", ", ".join(differences)))
    return todo, lines or [PlannedLine("keep", f"function {name}", "uploaded already, not yet live")]


def _traffic(desired: Desired, observed: Observed) -> Part:
    """The URL's mode must be that of the version behind it, and AWS changes one after the other. In between, requests get a
    502 when the URL is BUFFERED and the version streams; the other way round they would see the raw JSON of the answer, with
    status 200, headers and cookies in the page. So the mode is set last when streaming begins, and first when it ends.
    """
    name, alias = desired.names.function, observed.alias
    mode: list[Step] = []
    if observed.url is not None and observed.url.mode != desired.mode:
        mode = [steps.UpdateUrl(name, ALIAS, mode=desired.mode)]
    if alias is not None and is_as_desired(observed.live, desired):
        return mode, [PlannedLine("keep", f"version {alias.version}", f"{ALIAS} points at it")]
    previous = alias.version if alias else ""
    point: list[Step] = [steps.PointAlias(name, ALIAS, previous, alias.revision if alias else "")]
    todo: list[Step] = [
        steps.PublishVersion(name, desired.settings, desired.code),
        steps.CheckVersion(name, desired.settings, desired.strict, desired.mode),
        *(point + mode if desired.mode == STREAMED else mode + point),
    ]
    check = PlannedLine("check", "new version", f"must answer GET / before it goes {ALIAS}")
    move = f"version {previous} -> the new one" if previous else "the new version"
    return todo, [check, PlannedLine("update" if previous else "create", f"alias {ALIAS}", move)]


def _url(desired: Desired, observed: Observed) -> Part:
    """Both statements come before the URL: the other way round, a URL was seen that stayed at 403 (simple-container api#83)."""
    name = desired.names.function
    todo: list[Step] = []
    ids = {statement.sid for statement in observed.statements}
    missing = [wanted for wanted in desired.statements if wanted not in observed.statements]
    todo += [steps.Grant(name, ALIAS, wanted, replace=wanted.sid in ids) for wanted in missing]
    lines = [
        PlannedLine("update" if wanted.sid in ids else "create", f"permission {wanted.sid}", f"anyone may {wanted.action}")
        for wanted in missing
    ]
    url, line = _address(desired, observed.url)
    return todo + url, [*lines, line]


def _address(desired: Desired, url: Url | None) -> tuple[list[Step], PlannedLine]:
    """The URL's line tells of its mode too, which `_traffic` sets."""
    name, auth, mode = desired.names.function, desired.auth, desired.mode
    reach = "public: anyone with the address may call it" if auth == "NONE" else "only signed requests"
    told = [reach, "answers are streamed"] if mode == STREAMED else [reach]
    if url is None:
        return [steps.CreateUrl(name, ALIAS, auth, mode)], PlannedLine("create", "URL", ", ".join(told))
    new_auth: list[Step] = [steps.UpdateUrl(name, ALIAS, auth)] if url.auth != auth else []
    differences = [f"{url.auth} -> {auth}"] if new_auth else []
    if url.mode != mode:
        differences.append(f"{url.mode} -> {mode}{_because('stream', desired.origins)}")
    return new_auth, PlannedLine("update" if differences else "keep", f"URL {url.address}", ", ".join(differences + told))


def changed(old: Settings, new: Settings, origins: dict[str, str]) -> list[str]:
    """Every difference as "memory 128 MB -> 256 MB (--memory)". Of the environment only the names: values may be secrets."""
    out = []
    for field in fields(Settings):
        before, after = getattr(old, field.name), getattr(new, field.name)
        if before == after:
            continue
        if field.name == "environment":
            out += _changed_names(dict(before), dict(after))
            continue
        word, unit = _WORDS.get(field.name, field.name), _UNITS.get(field.name, "")
        out.append(f"{word} {before}{unit} -> {after}{unit}{_because(field.name, origins)}")
    return out


def _changed_names(before: dict[str, str], after: dict[str, str]) -> list[str]:
    added = [f"env +{name}" for name in after if name not in before]
    removed = [f"env -{name}" for name in before if name not in after]
    return added + removed + [f"env {name} (new value)" for name in after if name in before and before[name] != after[name]]


def _described(desired: Desired) -> str:
    settings, origins = desired.settings, desired.origins
    return ", ".join(
        (
            f"{settings.runtime}{_because('runtime', origins)}",
            desired.code.architecture,
            f"{settings.memory_mb} MB{_because('memory_mb', origins)}",
            f"{settings.timeout_s} s{_because('timeout_s', origins)}",
        )
    )


def _because(name: str, origins: dict[str, str]) -> str:
    return f" ({origins[name]})" if origins.get(name) else ""


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.1f} kB"
