"""What should exist in AWS, from the configuration and the built zip. Pure."""

from __future__ import annotations

import base64
import json

from msgspec import Struct, field
from msgspec.structs import asdict

from lambent.aws.values import BUFFERED, STREAMED, Code, Cors, Pairs, Settings, Statement, canonical
from lambent.config.live_environment import CHECK, CHECK_FLAG, FLAG_VARIABLES, SECRETS, START_ONLY
from lambent.config.model import Canary, Config
from lambent.config.secret_references import permission_to_read
from lambent.errors import DeployError, UsageError
from lambent.limits import ENV_MAX, MIB, UNZIPPED_MAX, ZIP_DIRECT_MAX
from lambent.names import INVOKE_STATEMENT, TAG_APP, TAG_MANAGED, URL_STATEMENT, Names
from lambent.package.artifact import OVERFLOW, Artifact

PUBLIC = "NONE"

PUBLIC_STATEMENTS = (
    Statement(URL_STATEMENT, "lambda:InvokeFunctionUrl", "*", url_auth=PUBLIC),
    Statement(INVOKE_STATEMENT, "lambda:InvokeFunction", "*", via_url=True),
)
"""Both are needed since October 2025: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html."""


class Desired(Struct, frozen=True):
    """One app as it should be in one account and region. Without a URL `auth` is "" and `statements` are empty.

    With `strict`, as for a web app, the response must have the form that the URL's mode reads. `raw` is the zip's unzipped
    size. With `own_role` the role is lambent's, with `policies` (ARNs) attached and `inline` (a policy as canonical text)
    inside. `overflow` is the archive of packages that don't fit into the zip, and `overflow_summary` describes it. `origins`
    maps a field of `Config` to where its value comes from, for the plan's lines. `description` is that of a new version, and
    `code_changes` says which files differ from those of the live one, "" if that isn't known. With `renews_role` the role is
    set again and a version published, although nothing else changes: the role was deleted and created under the same name, so
    AWS can't decrypt the environment variables of existing versions for it.
    """

    names: Names
    settings: Settings
    code: Code
    tags: Pairs
    strict: bool
    raw: int
    auth: str = PUBLIC
    mode: str = BUFFERED
    statements: tuple[Statement, ...] = PUBLIC_STATEMENTS
    cors: Cors | None = None
    canary: Canary | None = None
    own_role: bool = True
    policies: tuple[str, ...] = ()
    inline: str = ""
    retention_days: int | None = 30
    reserved: int | None = None
    provisioned: int | None = None
    creates_bucket: bool = False
    overflow: Code | None = None
    overflow_summary: str = ""
    keep_versions: int = 10
    identities: tuple[str, ...] = ()
    description: str = ""
    code_changes: str = ""
    renews_role: bool = False
    origins: dict[str, str] = field(default_factory=dict)

    @property
    def has_url(self) -> bool:
        return bool(self.auth)


def access(auth: str) -> str:
    """Return who can call a URL with this AuthType, as in `events.Planned`; "" if there is no URL. Pure."""
    return {"": "", PUBLIC: "public"}.get(auth, "signed")


def desired(config: Config, artifact: Artifact, names: Names) -> Desired:
    """Return what `config` and `artifact` ask for in the account and region of `names`.

    Raises DeployError or UsageError for what AWS would refuse anyway: a zip or an environment that is too large.
    """
    hosting = config.hosting
    overflow = _overflow(config, artifact, names)
    tmp_mb, origins = _tmp(config, artifact)
    _refuse_too_large(artifact)
    return Desired(
        names=names,
        settings=_settings(config, artifact, names, overflow, tmp_mb),
        code=_code(config, artifact, names),
        tags=tuple(sorted({**dict(hosting.tags), TAG_APP: names.app, TAG_MANAGED: "true"}.items())),
        strict=config.app.kind != "handler",
        raw=artifact.raw,
        auth=hosting.auth if config.has_url else "",
        mode=STREAMED if config.stream else BUFFERED,
        statements=PUBLIC_STATEMENTS if hosting.auth == PUBLIC and config.has_url else (),
        cors=Cors(**asdict(hosting.cors)) if hosting.cors and config.has_url else None,
        canary=hosting.canary,
        own_role=not hosting.role,
        policies=_policies(config, names),
        inline=_inline(config, names, overflow),
        retention_days=hosting.log_retention_days,
        reserved=hosting.reserved_concurrency,
        provisioned=hosting.provisioned_concurrency,
        creates_bucket=not hosting.bucket,
        overflow=overflow,
        overflow_summary=artifact.overflow.summary if artifact.overflow else "",
        keep_versions=hosting.keep_versions,
        identities=config.identities,
        description=config.description,
        origins=origins,
    )


def _settings(config: Config, artifact: Artifact, names: Names, overflow: Code | None, tmp_mb: int) -> Settings:
    hosting = config.hosting
    packages = {OVERFLOW: f"s3://{overflow.bucket}/{overflow.key}"} if overflow else {}  # each version keeps its own
    environment = {
        **dict(artifact.environment),
        **packages,
        **_references(config),
        **config.function_environment,
        **_flags(config),
        **_check(config),
    }
    refuse_large_environment(environment)
    return Settings(
        role=hosting.role or names.role_arn,
        runtime=artifact.runtime,
        handler=artifact.handler,
        memory_mb=config.memory_mb,
        timeout_s=config.timeout_s,
        tmp_mb=tmp_mb,
        environment=tuple(sorted(environment.items())),
        layers=hosting.layers,
        subnets=tuple(sorted(hosting.subnets)),
        security_groups=tuple(sorted(hosting.security_groups)),
        mounts=hosting.mounts,
        tracing=hosting.tracing,
        log_format=hosting.log_format,
        snapstart=hosting.snapstart,
    )


def _code(config: Config, artifact: Artifact, names: Names) -> Code:
    """A zip that is too large for a direct upload goes through a bucket."""
    bucket = key = ""
    if artifact.zipped > ZIP_DIRECT_MAX:
        bucket = config.hosting.bucket or names.bucket
        key = upload_key(names, artifact.sha256)
    return Code(artifact.path, artifact.sha256, artifact.zipped, artifact.architecture, bucket, key)


def upload_key(names: Names, sha256: str) -> str:
    """Return the key of a zip, which is named after its content."""
    return f"{names.uploads}{base64.b64decode(sha256).hex()}.zip"


def _overflow(config: Config, artifact: Artifact, names: Names) -> Code | None:
    """The archive is named after its content, so that versions with the same packages share one."""
    overflow = artifact.overflow
    if overflow is None:
        return None
    bucket, key = config.hosting.bucket or names.bucket, f"{names.overflow}{overflow.sha256}.zip"
    return Code(overflow.path, overflow.sha256, overflow.zipped, artifact.architecture, bucket, key)


def _tmp(config: Config, artifact: Artifact) -> tuple[int, dict[str, str]]:
    """Return the MB of /tmp, and the origins of all settings including this one."""
    if artifact.tmp_mb <= config.tmp_mb:
        return config.tmp_mb, dict(config.origins)
    what = "packages that are unpacked" if artifact.overflow else "app's own files, which are copied"
    return artifact.tmp_mb, {**config.origins, "tmp_mb": f"for the {what} there"}


def _policies(config: Config, names: Names) -> tuple[str, ...]:
    """Return the managed policies: for the log, which every function needs, for VPC and X-Ray, and the user's own."""
    needed = [names.basic_policy_arn]
    if config.hosting.subnets:
        needed.append(names.managed_policy_arn("service-role/AWSLambdaVPCAccessExecutionRole"))
    if config.hosting.tracing:
        needed.append(names.managed_policy_arn("AWSXRayDaemonWriteAccess"))
    return tuple(dict.fromkeys((*needed, *config.hosting.policies)))


def _references(config: Config) -> dict[str, str]:
    """Return where the runtime finds each secret, never the secret itself."""
    return {SECRETS: json.dumps(dict(config.secrets), separators=(",", ":"))} if config.secrets else {}


def _mount_statement(access_point: str, names: Names) -> dict[str, object]:
    """Allow the function to mount its file system and to write there, through this access point only."""
    return {
        "Effect": "Allow",
        "Action": ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"],
        "Resource": f"arn:{names.partition}:elasticfilesystem:{names.region}:{names.account}:file-system/*",
        "Condition": {"StringEquals": {"elasticfilesystem:AccessPointArn": access_point}},
    }


def _flags(config: Config) -> dict[str, str]:
    """Return the names of the variables that flags have set, for the next deploy."""
    return {FLAG_VARIABLES: " ".join(config.flag_variables)} if config.flag_variables else {}


def _check(config: Config) -> dict[str, str]:
    """Return how to check the version. A handler that no request of ours suits is only started."""
    paths = config.app.gettable_paths
    path = config.hosting.check_path or ("" if "/" in paths or not paths else paths[0])
    is_uncallable = not config.has_url or (config.app.routes and not paths and not path)
    if config.app.kind == "handler" and is_uncallable:
        return {CHECK: START_ONLY} if config.client == "lambent" else {}
    is_flag = config.origins.get("check_path", "").startswith(CHECK_FLAG)
    return {CHECK: f"{CHECK_FLAG} {path}" if is_flag else path} if path else {}


def _inline(config: Config, names: Names, overflow: Code | None) -> str:
    """Return the user's own permissions, and those for reading secrets and fetching packages."""
    statements = [json.loads(statement) for statement in config.hosting.permissions]
    for _, reference in config.secrets:
        action, arn = permission_to_read(reference, names.partition, names.region, names.account)
        statement = {"Effect": "Allow", "Action": action, "Resource": arn}
        if statement not in statements:
            statements.append(statement)
    statements += [_mount_statement(arn, names) for arn, _ in config.hosting.mounts]
    if overflow:
        packages = f"arn:{names.partition}:s3:::{overflow.bucket}/{names.overflow}*"
        statements.append({"Effect": "Allow", "Action": "s3:GetObject", "Resource": packages})
    return canonical({"Version": "2012-10-17", "Statement": statements}) if statements else ""


def _refuse_too_large(artifact: Artifact) -> None:
    if artifact.raw > UNZIPPED_MAX:
        what = f"the app is {artifact.raw / MIB:.0f} MB unzipped, but Lambda accepts at most {UNZIPPED_MAX // MIB} MB"
        hint = "exclude files with exclude = [...], or use fewer dependencies"
        raise DeployError(what, where=str(artifact.path), hint=hint)


def refuse_large_environment(environment: dict[str, str]) -> None:
    """Raise UsageError for more than Lambda accepts."""
    size = len(json.dumps(environment, separators=(",", ":"), ensure_ascii=False).encode())
    if size > ENV_MAX:
        what = f"the environment variables take {size} bytes of JSON, but Lambda accepts at most {ENV_MAX}"
        raise UsageError(what, where="env", hint="keep large values in a file of the project, or in SSM or S3")
