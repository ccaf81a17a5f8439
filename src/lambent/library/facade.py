"""The functions of `import lambent`: the stages of a deploy, as the commands run them.

None of them prints or exits the process: what happens goes to `emit`, and errors are LambentErrors.
"""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from lambent.config.load import Flags
from lambent.config.model import App
from lambent.deployment.deploy import prepare
from lambent.deployment.plan import Plan
from lambent.errors import UsageError
from lambent.events import Deployed, Emit, ignore
from lambent.library.app_source import AppSource, Builder
from lambent.library.build_attempts import build_app
from lambent.library.datasette_options import DatasetteOptions
from lambent.library.default_folders import default_cache
from lambent.library.deploy import DeployOptions, build_for_destination, deploy_app
from lambent.library.destination import Destination, located
from lambent.library.local_lambda import LocalLambda
from lambent.package.artifact import Artifact
from lambent.package.build_context import BuildOptions


class Account(Struct, frozen=True):
    """An AWS account in a region: a destination. None takes the app's setting, then that of the aws CLI."""

    region: str | None = None
    profile: str | None = None

    @property
    def destination(self) -> Destination:
        return Destination(False, self.region, self.profile, Path(), None)


def find_app(
    path: str | Path = ".", flags: Flags | None = None, *, emit: Emit = ignore, datasette: DatasetteOptions | None = None
) -> App:
    """Return the app of a project folder, a Python file or a SQLite database. Nothing of it is imported.

    `datasette` says how a database is served.

    Raises DetectionError if there is none or more than one, UsageError for an invalid setting.
    """
    return _source(path, flags, datasette).load(default_cache(), emit).app


def build(
    path: str | Path = ".", flags: Flags | None = None, *, emit: Emit = ignore, datasette: DatasetteOptions | None = None
) -> Artifact:
    """Build the zip of an app in the cache, for AWS Lambda, and return it. The same input gives the same bytes.

    Raises PackagingError, and what `find_app` raises.
    """
    builder = _builder()
    config = builder.choose_runtime(_source(path, flags, datasette).load(builder.cache, emit), emit)
    return build_app(config, builder, emit)[1]


def plan(
    path: str | Path = ".",
    destination: LocalLambda | Account | None = None,
    flags: Flags | None = None,
    *,
    emit: Emit = ignore,
    datasette: DatasetteOptions | None = None,
) -> Plan:
    """Return what `deploy` would change, by default in AWS. Builds the app, and changes nothing.

    Raises AwsError if AWS can't be asked, DeployError if the name belongs to something else, and what `build` raises.
    """
    target = (destination or Account()).destination
    with located(target.local):
        built = build_for_destination(_source(path, flags, datasette), _builder(), target, emit)
        return prepare(built.config, built.artifact, built.aws)


def deploy(
    path: str | Path = ".",
    destination: LocalLambda | Account | None = None,
    flags: Flags | None = None,
    *,
    emit: Emit = ignore,
    smoke_test: bool = True,
    datasette: DatasetteOptions | None = None,
) -> Deployed:
    """Build an app, deploy it, by default to AWS, and return its URL and version once it answers.

    A URL that anyone can call has to be allowed in AWS: by the setting `auth = "none"`, or `Flags(auth="none")`.
    `smoke_test` starts the app once on this machine before it is uploaded to AWS.
    Raises DeployError if the app fails (what was live stays so), UnconfirmedError if the URL gave no response, UsageError for a
    URL that isn't allowed or an app of another project, and what `plan` raises.
    """
    target = (destination or Account()).destination
    with located(target.local):
        options = DeployOptions(_refuse_public, smoke_test=smoke_test)
        return deploy_app(_source(path, flags, datasette), _builder(), target, emit, options).deployed


def _refuse_public(plan: Plan) -> None:
    raise UsageError(
        f"this deploy creates a public URL for {plan.names.app}",
        where=plan.location,
        hint='Flags(auth="none") allows it; with Flags(auth="iam") it answers only signed requests',
    )


def _source(path: str | Path, flags: Flags | None, datasette: DatasetteOptions | None) -> AppSource:
    return AppSource(Path(path), flags or Flags(), datasette or DatasetteOptions())


def _builder() -> Builder:
    return Builder(default_cache(), BuildOptions())
