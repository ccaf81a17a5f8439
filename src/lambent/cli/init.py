"""`lambent init`: a commented [tool.lambent] from what was detected, and a pipeline for GitHub Actions."""

from __future__ import annotations

from pathlib import Path

import click
from msgspec import Struct

from lambent.cli.app_options import pass_app, with_builder
from lambent.cli.confirmation import confirm_overwrite
from lambent.cli.destination_options import with_destination
from lambent.cli.options import app_option, name_option, path_argument, stage_option
from lambent.config.identity import find_repository, github_repository
from lambent.config.starter_table import extend_pyproject, starter_table
from lambent.deployment.desired import desired
from lambent.deployment.github_actions import Pipeline, role_script, workflow
from lambent.deployment.policy import policy
from lambent.errors import UsageError
from lambent.events import Emit, FileWritten, Notice, ignore
from lambent.library.app_source import AppSource, Builder
from lambent.library.deploy import BuiltApp, build_for_destination
from lambent.library.destination import Destination
from lambent.names import Names
from lambent.package.output_file import write
from lambent.ui.reporter import reporter


@click.command("init")
@pass_app
@path_argument
@app_option
@name_option
@stage_option
@with_builder
@click.option("--github", is_flag=True, help="Write a workflow that deploys, and print the script that creates its role.")
@with_destination
def command(app: AppSource, builder: Builder, github: bool, destination: Destination) -> None:
    """Write a commented [tool.lambent] to pyproject.toml, from what was detected.

    PATH is a folder or a Python file. Default: the current folder.

    Not needed to deploy: it is for settings that you want to keep. What is there stays as it is. With --github it also writes
    a workflow for GitHub Actions, which deploys without stored keys, and prints a shell script to stdout that creates the role
    for it, with the least permissions: lambent init --github > role.sh
    """
    with reporter(as_json=False) as emit:
        config = app.load(builder.cache, emit)
        origin = _origin(config.path) if github else None
        extension = extend_pyproject(config.path, starter_table(config))
        if extension is None:
            emit(Notice("pyproject.toml has a [tool.lambent]: not changed"))
        else:
            emit(FileWritten("[tool.lambent]", str(extension.write())))
        if origin is not None:
            _write_pipeline(origin, build_for_destination(app, builder, destination, ignore, ask_live=False), emit)


class _Origin(Struct, frozen=True):
    """The top folder of a repository on GitHub, its name there ("ann/shop"), and the branch."""

    root: Path
    repository: str
    branch: str


def _write_pipeline(origin: _Origin, built: BuiltApp, emit: Emit) -> None:
    config, names = built.config, Names(built.config.name, built.aws.account(), built.aws.region)
    folder = config.path.relative_to(origin.root).as_posix()
    python = config.runtime.removeprefix("python")
    pipeline = Pipeline(names, origin.repository, origin.branch, python, "" if folder == "." else folder, config.stage)
    script = role_script(pipeline, policy(desired(config, built.artifact, names)))
    path = origin.root / ".github" / "workflows" / f"deploy-{names.app}.yml"
    if path.exists():
        confirm_overwrite(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    write(workflow(pipeline), path)
    emit(FileWritten("a workflow", str(path)))
    emit(Notice(f"the script on stdout creates its role, {pipeline.role}: read it, then run it with sh"))
    click.echo(script, nl=False)


def _origin(path: Path) -> _Origin:
    """Return where the repository of an app is on GitHub. Raises UsageError if it isn't there, or is on no branch."""
    root = find_repository(path)
    repository, branch = github_repository(root) if root else ("", "")
    if root is None or not repository:
        hint = "git remote add origin git@github.com:OWNER/REPOSITORY.git"
        raise UsageError("--github needs a repository with a remote on github.com", where=str(path), hint=hint)
    if not branch:
        hint = "git switch main, or another branch that the workflow deploys"
        raise UsageError("--github needs to know the branch, and the repository is on none", where=str(root), hint=hint)
    return _Origin(root, repository, branch)
