"""A plan as a shell script of plain `aws` commands: the same calls in the same order, for eyes, reviews and other machines.

Pure. What AWS invents (the version, the URL) is kept in shell variables. It works with the aws CLI of both major versions, and
against the local Lambda once `eval "$(lambent local env)"` points the CLI there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from shlex import quote

from lambent.aws.values import TRUST, Code, Cors, Pairs, Settings
from lambent.deploy import steps
from lambent.deploy.check import caller_of, event
from lambent.deploy.moves import forth
from lambent.deploy.plan import Plan
from lambent.deploy.steps import Step

_HEAD = """\
#!/bin/sh
# What `lambent deploy` would do on {target}.
# Needs the aws CLI and credentials; against the local Lambda: eval "$(lambent local env)" first.
set -eu
export AWS_PAGER="" AWS_REGION={region} AWS_DEFAULT_REGION={region}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
version={version}
url={url}
"""


def script(plan: Plan) -> str:
    """The whole script. An unchanged plan gives one that asks the URL and does nothing else."""
    head = _HEAD.format(target=plan.location, region=plan.names.region, version=quote(plan.version), url=quote(plan.url))
    blocks = [f"# {step.title}\n{_shell(step)}" for step in plan.steps]
    return "\n".join([head, *blocks])


def _shell(step: Step) -> str:
    return "".join(f"{line}\n" for line in _lines(step))


def _lines(step: Step) -> Iterator[str]:
    match step:
        case steps.CreateRole(role, tags):
            trust = ("--assume-role-policy-document", json.dumps(TRUST))
            yield _aws("iam", "create-role", "--role-name", role, *trust, *_listed_tags(tags))
            yield f"aws iam wait role-exists --role-name {quote(role)}"
        case steps.TrustLambda(role):
            yield _aws("iam", "update-assume-role-policy", "--role-name", role, "--policy-document", json.dumps(TRUST))
        case steps.AttachPolicy(role, arn):
            yield _aws("iam", "attach-role-policy", "--role-name", role, "--policy-arn", arn)
        case steps.PutPolicy(role, name, document):
            told = ("--role-name", role, "--policy-name", name, "--policy-document", document)
            yield _aws("iam", "put-role-policy", *told)
        case steps.DeletePolicy(role, name):
            yield _aws("iam", "delete-role-policy", "--role-name", role, "--policy-name", name)
        case steps.CreateLogGroup(group, tags):
            yield _aws("logs", "create-log-group", "--log-group-name", group, "--tags", json.dumps(dict(tags)))
        case steps.SetRetention(group, None):
            yield _aws("logs", "delete-retention-policy", "--log-group-name", group)
        case steps.SetRetention(group, days):
            yield _aws("logs", "put-retention-policy", "--log-group-name", group, "--retention-in-days", str(days))
        case _:
            yield from _of_function(step)


def _of_function(step: Step) -> Iterator[str]:
    match step:
        case steps.Upload(code, makes_bucket, _):
            if makes_bucket:
                yield f"aws s3api head-bucket --bucket {quote(code.bucket)} 2>/dev/null || aws s3 mb {quote(f's3://{code.bucket}')}"
            yield _aws("s3", "cp", str(code.path), f"s3://{code.bucket}/{code.key}")
        case steps.CreateFunction(name, settings, code, tags):
            told = (*_function(name), *_code(code, "--code"), "--architectures", code.architecture, *_settings(settings))
            call = _aws("lambda", "create-function", *told, "--tags", json.dumps(dict(tags)))
            yield from _with_role(call)
            yield _aws("lambda", "wait", "function-active-v2", *_function(name), quiet=False)
        case steps.UpdateCode(name, code):
            told = (*_function(name), *_code(code), "--architectures", code.architecture)
            yield _aws("lambda", "update-function-code", *told)
            yield _aws("lambda", "wait", "function-updated-v2", *_function(name), quiet=False)
        case steps.UpdateSettings(name, settings):
            yield from _with_role(
                _aws("lambda", "update-function-configuration", *_function(name), *_settings(settings, every=True))
            )
            yield _aws("lambda", "wait", "function-updated-v2", *_function(name), quiet=False)
        case steps.Tag(arn, tags):
            yield _aws("lambda", "tag-resource", "--resource", arn, "--tags", json.dumps(dict(tags)))
        case steps.Untag(arn, keys):
            yield _aws("lambda", "untag-resource", "--resource", arn, "--tag-keys", *keys)
        case steps.Reserve(name, None):
            yield _aws("lambda", "delete-function-concurrency", *_function(name))
        case steps.Reserve(name, executions):
            yield _aws(
                "lambda", "put-function-concurrency", *_function(name), "--reserved-concurrent-executions", str(executions)
            )
        case steps.DeleteVersions(name, versions):
            for version in versions:
                yield _aws("lambda", "delete-function", *_function(name), "--qualifier", version)
        case steps.DeleteArchives(places):
            for place in places:
                yield _aws("s3", "rm", place)
        case _:
            yield from _of_traffic(step)


def _of_traffic(step: Step) -> Iterator[str]:
    told: list[str]
    match step:
        case steps.PublishVersion(name, _, code):
            told = [*_function(name), "--code-sha256", code.sha256, "--query", "Version", "--output", "text"]
            yield f"version=$({_aws('lambda', 'publish-version', *told, quiet=False)})"
            yield f'{_aws("lambda", "wait", "published-version-active", *_function(name), quiet=False)} --qualifier "$version"'
        case steps.CheckVersion():
            yield from _check(step, '"$version"')
        case steps.CheckKnownVersion(_, version):
            yield from _check(step, quote(version))
        case steps.Try():
            yield from _canary(step)
        case steps.PointAlias(name, alias, previous):
            verb, whole = ("update-alias", _WHOLE) if previous else ("create-alias", ())
            call = _aws("lambda", verb, *_function(name), "--name", alias, *whole, quiet=False)
            yield f'{call} --function-version "$version" --description "{forth("$version", previous)}" >"$work/out"'
        case steps.MoveAlias(name, alias, version, _, description):
            told = [*_function(name), "--name", alias, "--function-version", version, *_WHOLE]
            yield _aws("lambda", "update-alias", *told, *(("--description", description) if description else ()))
        case steps.Provision(name, alias, None):
            yield _aws("lambda", "delete-provisioned-concurrency-config", *_alias(name, alias))
        case steps.Provision(name, alias, executions):
            told = ["--provisioned-concurrent-executions", str(executions)]
            yield _aws("lambda", "put-provisioned-concurrency-config", *_alias(name, alias), *told)
        case steps.AwaitProvisioned(name, alias):
            asked = [*_alias(name, alias), "--query", "Status", "--output", "text"]
            call = _aws("lambda", "get-provisioned-concurrency-config", *asked, quiet=False)
            yield f'while [ "$({call})" = IN_PROGRESS ]; do sleep 3; done'
        case steps.Grant(name, alias, statement):
            told = ["--statement-id", statement.sid, "--action", statement.action, "--principal", statement.principal]
            told += ["--function-url-auth-type", statement.url_auth] if statement.url_auth else []
            told += ["--invoked-via-function-url"] if statement.via_url else []
            yield _aws("lambda", "add-permission", *_alias(name, alias), *told)
        case steps.Revoke(name, alias, sid):
            yield _aws("lambda", "remove-permission", *_alias(name, alias), "--statement-id", sid)
        case steps.CreateUrl(name, alias, auth, mode, cors):
            told = [*_alias(name, alias), "--auth-type", auth, "--invoke-mode", mode, *_cors(cors)]
            told += ["--query", "FunctionUrl", "--output", "text"]
            yield f"url=$({_aws('lambda', 'create-function-url-config', *told, quiet=False)})"
        case steps.UpdateUrl(name, alias, auth, mode, cors):
            told = [*_alias(name, alias), *(("--auth-type", auth) if auth else ()), *(("--invoke-mode", mode) if mode else ())]
            yield _aws("lambda", "update-function-url-config", *told, *_cors(cors))
        case steps.Probe(auth="NONE"):
            yield 'curl -fsS -o "$work/page" --retry 10 --retry-delay 2 --retry-all-errors "$url"'
            yield 'echo "$url"'
        case steps.Probe():
            yield 'echo "$url"  # takes signed requests only'
        case _:
            raise TypeError(f"not a step: {step!r}")


_WHOLE = ("--routing-config", '{"AdditionalVersionWeights": {}}')


def _canary(step: steps.Try) -> Iterator[str]:
    """Simpler than a deploy's: one look at the end, at which any error of the new version is one too many."""
    move = _aws("lambda", "update-alias", *_function(step.name), "--name", step.alias, quiet=False)
    share = f'"{{\\"AdditionalVersionWeights\\": {{\\"$version\\": {step.canary.share:g}}}}}"'
    failed = "contains(message, 'Status: ') || contains(message, 'Traceback')"
    query = f"\"length(events[?contains(logStreamName, '[$version]') && ({failed})])\""
    logs = _aws("logs", "filter-log-events", "--log-group-name", step.group, "--output", "json", quiet=False)
    yield "since=$(($(date +%s) * 1000))"
    yield f'{move} --function-version {quote(step.previous)} --routing-config {share} >"$work/out"'
    yield f"sleep {step.canary.seconds}"
    yield f'errors=$({logs} --start-time "$since" --query {query})'
    yield 'if [ "$errors" != 0 ]; then'
    yield f"  {_aws('lambda', 'update-alias', *_function(step.name), '--name', step.alias, *_WHOLE)}"
    yield '  echo "version $version failed $errors times; its share is taken back" >&2; exit 1'
    yield "fi"


def _aws(service: str, operation: str, *told: str, quiet: bool = True) -> str:
    """One command; its answer goes into a file, which the next one overwrites."""
    words = " ".join(map(quote, ("aws", service, operation, *told)))
    return f'{words} >"$work/out"' if quiet else words


def _with_role(call: str) -> Iterator[str]:
    """Lambda cannot assume a role for some seconds after it was made; no other refusal is tried again."""
    yield "tries=0"
    yield f'until {call} 2>"$work/error"; do'
    yield "  tries=$((tries + 1))"
    yield '  if [ "$tries" -ge 20 ] || ! grep -q "cannot be assumed" "$work/error"; then cat "$work/error" >&2; exit 1; fi'
    yield "  sleep 3"
    yield "done"


def _check(step: steps.CheckVersion | steps.CheckKnownVersion, version: str) -> Iterator[str]:
    yield "cat >\"$work/event.json\" <<'END'"
    yield json.dumps(event("", caller_of(step.settings, step.auth)))
    yield "END"
    yield (
        f"failed=$(aws lambda invoke --function-name {quote(step.name)} --qualifier {version} "
        '--payload "fileb://$work/event.json" --query FunctionError --output text "$work/answer.json")'
    )
    yield 'if [ "$failed" != None ]; then cat "$work/answer.json" >&2; exit 1; fi'


def _function(name: str) -> tuple[str, str]:
    return "--function-name", name


def _alias(name: str, alias: str) -> tuple[str, str, str, str]:
    return "--function-name", name, "--qualifier", alias


def _code(code: Code, whole: str = "") -> tuple[str, ...]:
    if not code.bucket:
        return "--zip-file", f"fileb://{code.path}"
    if whole:
        return whole, json.dumps({"S3Bucket": code.bucket, "S3Key": code.key})
    return "--s3-bucket", code.bucket, "--s3-key", code.key


def _settings(settings: Settings, *, every: bool = False) -> Iterable[str]:
    """`every` says what is empty too: an update leaves what it does not name as it was."""
    yield from ("--runtime", settings.runtime, "--handler", settings.handler, "--role", settings.role)
    yield from ("--memory-size", str(settings.memory_mb), "--timeout", str(settings.timeout_s))
    yield from ("--ephemeral-storage", json.dumps({"Size": settings.tmp_mb}))
    yield from ("--environment", json.dumps({"Variables": dict(settings.environment)}))
    if settings.layers:
        yield from ("--layers", *settings.layers)
    if settings.subnets or settings.security_groups:
        network = {"SubnetIds": settings.subnets, "SecurityGroupIds": settings.security_groups}
        yield from ("--vpc-config", json.dumps(network))
    if settings.mounts:
        mounts = [{"Arn": arn, "LocalMountPath": path} for arn, path in settings.mounts]
        yield from ("--file-system-configs", json.dumps(mounts))
    if settings.tracing or every:
        yield from ("--tracing-config", json.dumps({"Mode": "Active" if settings.tracing else "PassThrough"}))
    if settings.log_format != "Text" or every:
        yield from ("--logging-config", json.dumps({"LogFormat": settings.log_format}))
    if settings.snapstart:
        yield from ("--snap-start", json.dumps({"ApplyOn": "PublishedVersions"}))


def _listed_tags(tags: Pairs) -> tuple[str, str]:
    return "--tags", json.dumps([{"Key": key, "Value": value} for key, value in tags])


def _cors(cors: Cors | None) -> tuple[str, ...]:
    return ("--cors", json.dumps(cors.members)) if cors is not None else ()
