"""What should be there: pure, from the configuration and the built zip."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from lambent.aws.interface import BUFFERED, STREAMED, Code, Pairs, Settings, Statement
from lambent.config.model import Config
from lambent.errors import DeployError, UsageError
from lambent.limits import ENV_MAX, MIB, UNZIPPED_MAX, ZIP_DIRECT_MAX
from lambent.names import INVOKE_STATEMENT, TAG_APP, TAG_MANAGED, URL_STATEMENT, Names
from lambent.package.artifact import Artifact

PUBLIC = "NONE"

PUBLIC_STATEMENTS = (
    Statement(URL_STATEMENT, "lambda:InvokeFunctionUrl", "*", url_auth=PUBLIC),
    Statement(INVOKE_STATEMENT, "lambda:InvokeFunction", "*", via_url=True),
)
"""Both are needed since October 2025: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html."""


@dataclass(frozen=True)
class Desired:
    """One app as it should be in one account and region. `strict` says that an answer of 5xx means it does not work.

    `origins` maps a field of `Config` to where its value came from, for the plan's lines.
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
    origins: dict[str, str] = field(default_factory=dict, compare=False)


def desired(config: Config, artifact: Artifact, names: Names) -> Desired:
    """What `config` and `artifact` ask for in the account and region of `names`.

    Raises DeployError or UsageError for what AWS would refuse anyway: a zip or an environment that is too large.
    """
    environment = tuple(sorted({**dict(artifact.environment), **dict(config.environment)}.items()))
    _refuse_too_large(artifact)
    _refuse_large_environment(environment)
    settings = Settings(
        role=names.role_arn,
        runtime=artifact.runtime,
        handler=artifact.handler,
        memory_mb=config.memory_mb,
        timeout_s=config.timeout_s,
        tmp_mb=config.tmp_mb,
        environment=environment,
    )
    return Desired(
        names=names,
        settings=settings,
        code=Code(artifact.path, artifact.sha256, artifact.zipped, artifact.architecture),
        tags=((TAG_APP, names.app), (TAG_MANAGED, "true")),
        strict=config.app.kind != "handler",
        raw=artifact.raw,
        mode=STREAMED if config.stream else BUFFERED,
        origins=config.origins,
    )


def _refuse_too_large(artifact: Artifact) -> None:
    where = str(artifact.path)
    if artifact.raw > UNZIPPED_MAX:
        what = f"the app is {artifact.raw / MIB:.0f} MB unzipped, and Lambda takes at most {UNZIPPED_MAX // MIB} MB"
        raise DeployError(what, where=where, hint="leave files out with exclude = [...], or use fewer dependencies")
    if artifact.zipped > ZIP_DIRECT_MAX:
        what = f"the zip is {artifact.zipped / MIB:.0f} MB, and a direct upload takes at most {ZIP_DIRECT_MAX // MIB} MB"
        raise DeployError(what, where=where, hint="leave files out with exclude = [...]; uploads through S3 are not built yet")


def _refuse_large_environment(environment: Pairs) -> None:
    size = len(json.dumps(dict(environment), separators=(",", ":"), ensure_ascii=False).encode())
    if size > ENV_MAX:
        hint = "keep large values in a file of the project, or in SSM or S3"
        raise UsageError(f"the environment is {size} bytes of JSON, and Lambda takes at most {ENV_MAX}", where="env", hint=hint)
