"""A deploy from end to end: find the app, build it, deploy it, and try again where the app turns out to need something else."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from lambent import calendar, interpreters
from lambent.aws.interface import Aws
from lambent.aws.values import Settings
from lambent.config.advice import advise
from lambent.config.live_environment import keep_check_path, keep_live_variables, warn_of_unknown
from lambent.config.model import Config
from lambent.config.own_writes import find_own_write
from lambent.config.python_runtime import keep_live
from lambent.config.variables.automatic import set_automatically
from lambent.config.variables.missing_settings import refuse_missing_settings, use_named_settings, use_settings_of_manage
from lambent.config.variables.refusal import MissingVariable
from lambent.config.variables.unset import find_unset
from lambent.deployment import writable
from lambent.deployment.context import DeployContext
from lambent.deployment.deploy import allow, deploy, refuse_move
from lambent.deployment.observed import deployed_name, has_passed_check, live_settings
from lambent.deployment.plan import Plan
from lambent.events import Deployed, Emit, Notice, Warned, without_repeats
from lambent.library.app_source import AppSource, Builder
from lambent.library.build_attempts import build_and_use, build_app, check_requirements
from lambent.library.destination import Destination
from lambent.library.local_config import adapt_to_local
from lambent.library.missing_page import hint_for_no_page
from lambent.library.refused_start import Ask, refuse_start
from lambent.library.smoke_test import smoke_test_once
from lambent.library.version_description import describe_version
from lambent.package.artifact import Artifact


class DeployOptions(Struct, frozen=True):
    """The options of one deploy.

    `smoke_test` starts the app once on this machine before it is uploaded to AWS. `confirm_public` is called before a URL in
    AWS becomes public that the app's settings don't make public explicitly, `confirm_move` before the app is taken over from
    another project. Both raise to stop the deploy. `ask` returns the values of variables that the app lacks; it is None if
    there is no one to ask.
    """

    confirm_public: Callable[[Plan], None]
    confirm_move: Callable[[Plan], None] = refuse_move
    smoke_test: bool = True
    ask: Callable[[Sequence[MissingVariable], Emit], Mapping[str, str]] | None = None


class BuiltApp(Struct, frozen=True):
    """An app that is built for its destination, and the API of that destination."""

    config: Config
    artifact: Artifact
    aws: Aws


class DeployedBuild(Struct, frozen=True):
    """What was deployed, which may have an older runtime than was asked for, and how that ended."""

    config: Config
    artifact: Artifact
    deployed: Deployed


def deploy_app(app: AppSource, builder: Builder, destination: Destination, emit: Emit, options: DeployOptions) -> DeployedBuild:
    """Build an app and deploy it. Raises as `build` and `deploy` do."""
    emit = without_repeats(emit)
    config, destination, account = load_for_destination(app, builder, destination, emit, ask=_ask_with(options, emit))
    config = replace(config, description=describe_version(config.folder))
    confirm = allow if destination.local or _is_explicit(config) else _once(options.confirm_public)

    def deploy_artifact(config: Config, artifact: Artifact) -> Deployed:
        if options.smoke_test and not destination.local:  # the local Lambda starts it anyway, to check the new version
            artifact = smoke_test_once(config, artifact, builder.cache, emit)
        aws = account or destination.connect(emit)
        hint = partial(hint_for_no_page, config, artifact)
        context = DeployContext(aws, destination.describe(emit), hint_for_no_page=hint)
        return deploy(config, artifact, context, confirm_public=confirm, confirm_move=options.confirm_move)

    return DeployedBuild(*build_and_use(config, builder, emit, deploy_artifact))


def _ask_with(options: DeployOptions, emit: Emit) -> Ask | None:
    ask = options.ask
    return None if ask is None else lambda missing: ask(missing, emit)


def build_for_destination(
    app: AppSource, builder: Builder, destination: Destination, emit: Emit, *, ask_live: bool = True
) -> BuiltApp:
    """Build an app as `deploy_app` does, for a plan. Raises as `load_for_destination` and `build` do."""
    emit = without_repeats(emit)
    config, destination, account = load_for_destination(app, builder, destination, emit, ask_live=ask_live)
    config = replace(config, description=describe_version(config.folder))
    return BuiltApp(*build_app(config, builder, emit), account or destination.connect(emit))


def load_for_destination(
    app: AppSource, builder: Builder, destination: Destination, emit: Emit, *, ask_live: bool = True, ask: Ask | None = None
) -> tuple[Config, Destination, Aws | None]:
    """Return the app's configuration as its destination supports it, and the destination as the configuration completes it.

    Variables that an earlier --env has set stay. The runtime is the one that is live, if `ask_live` and it still fits. The
    API of the destination is None if it isn't running yet. Warns about a runtime that AWS is about to drop, about settings
    that the local Lambda doesn't support, and about what the app's own files show. Raises UsageError if variables are missing
    without which the app can't start.
    """
    rules_date = destination.rules_date
    config = app.load(builder.cache, emit, rules_date, destination.machine)
    if destination.macos:
        config = replace(config, macos=destination.macos)
        emit(Notice("the packages are those for this Mac; lambent deploy to AWS uploads Amazon Linux's"))
    destination = destination.with_defaults(config.region, config.profile)
    account = destination.connect(emit) if destination.exists else None  # missing credentials are reported before the build
    live: Settings | None = None
    if account is not None:
        config = replace(config, name=deployed_name(account, config.name, config.former_name, config.identities))
        live = live_settings(account, config.name, config.identities) if ask_live else None
        config = _keep_what_is_live(config, live, account) if live is not None else config
    refuse_missing_settings(config)
    config = use_named_settings(config, emit)
    config = use_settings_of_manage(config, emit) if destination.local else config
    reads = find_unset(config)
    if ask_live:
        for warning in warn_of_unknown(config, dict(live.environment) if live else {}, {read.name for read in reads}):
            emit(warning)
    config, unset, lines = set_automatically(config, reads, local=destination.local)
    config, unset = refuse_start(config, unset, partial(check_requirements, builder=builder), ask)
    for line in lines:
        emit(line)
    config = builder.choose_runtime(config, emit)
    if notice := calendar.deprecation_notice(config.runtime, rules_date):
        emit(Warned(notice, _newer_runtime(config, destination)))
    for event in advise(config, unset):
        emit(event)
    config = _run_where_it_writes(config, emit)
    return adapt_to_local(config, emit) if destination.local else config, destination, account


def _keep_what_is_live(config: Config, live: Settings, account: Aws) -> Config:
    """Return the configuration with what earlier flags have set, and with the live runtime if that version has passed."""
    environment = dict(live.environment)
    config = keep_check_path(keep_live_variables(config, environment), environment)
    is_kept = config.candidates.runtimes and has_passed_check(account, config.name)
    return keep_live(config, live.runtime) if is_kept else config


def _run_where_it_writes(config: Config, emit: Emit) -> Config:
    """Return the configuration that runs a web app from a copy in /tmp if its code writes next to itself."""
    if config.writable is not None or config.app.kind == "handler" or config.client != "lambent":
        return config
    write = find_own_write(config)
    if write is None:
        return config
    emit(writable.warning(f"{write.path} ({write.location})"))
    return replace(config, writable=True, origins={**config.origins, "writable": write.location})


def _newer_runtime(config: Config, destination: Destination) -> str:
    """Return what to try instead of a runtime that AWS is about to drop: nothing if it is the newest that fits."""
    candidates, on = config.candidates, destination.rules_date
    if candidates.runtimes and config.origins["runtime"] not in (candidates.named_by, candidates.origin_of(candidates.live)):
        return ""
    for runtime in calendar.accepted_runtimes(on):
        is_usable = destination.machine.installed == "any" or interpreters.find(runtime.python, os.environ) is not None
        if is_usable and runtime.name not in dict(candidates.excluded) and runtime.name != config.runtime:
            return f"--runtime {runtime.name}"
    return ""


def _is_explicit(config: Config) -> bool:
    """Whether the user set `auth`, by a flag or in a file."""
    return config.origins.get("auth", "default") != "default"


def _once(confirm: Callable[[Plan], None]) -> Callable[[Plan], None]:
    """Return a confirmation that isn't asked again after a yes: a deploy may start over, with an older runtime."""
    confirmed: list[Plan] = []

    def confirm_once(plan: Plan) -> None:
        if not confirmed:
            confirm(plan)
            confirmed.append(plan)

    return confirm_once
