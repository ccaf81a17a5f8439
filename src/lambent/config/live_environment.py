"""What flags of earlier deploys have set: `--env` stays until `--unset-env` or the configuration says otherwise.

Each version of the function has their names in a variable of its own, so that a variable of the configuration, which goes when
it is removed there, isn't taken for one of them. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches

from msgspec.structs import replace

from lambent.config.model import Config
from lambent.config.sourced import DEFAULT
from lambent.errors import UsageError
from lambent.events import Warned
from lambent.names import BOOTSTRAP, EXEC_WRAPPER

FLAG_VARIABLES = "LAMBENT_FLAG_VARIABLES"
"""The variable with the names, separated by spaces."""
SECRETS = "LAMBENT_SECRETS"
"""The variable with the references to secrets, as JSON: see `runtime/secrets.py`."""

CHECK = "LAMBENT_CHECK"
"""The variable that says how to check a version: the path to request, or START_ONLY."""
START_ONLY = "start"
CHECK_FLAG = "--check-path"
"""It precedes a path that was passed as this flag: unlike one of the configuration, later deploys keep it."""

_BY_LAMBENT = ("LAMBENT_", EXEC_WRAPPER)


def is_set_by_user(name: str, flagged: Collection[str]) -> bool:
    """Return whether a function has a variable from its user: lambent sets others for its runtime.

    `flagged` are those that flags or `lambent env` have set.
    """
    return name in flagged or not name.startswith(_BY_LAMBENT)


def user_variables(live: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a function has from its user: also an exec wrapper, which lambent's client has moved."""
    flagged = live.get(FLAG_VARIABLES, "").split()
    variables = {name: value for name, value in live.items() if is_set_by_user(name, flagged) and name != EXEC_WRAPPER}
    wrapper = user_wrapper(live)
    return {**variables, EXEC_WRAPPER: wrapper} if wrapper else variables


def user_wrapper(live: Mapping[str, str]) -> str:
    """Return the exec wrapper of a function's user, "" if there is none but lambent's."""
    wrapper = live.get("LAMBENT_EXEC_WRAPPER") or live.get(EXEC_WRAPPER, BOOTSTRAP)
    return "" if wrapper == BOOTSTRAP else wrapper


def keep_live_variables(config: Config, live: Mapping[str, str]) -> Config:
    """Return the configuration with those variables of the `live` version that flags have set and nothing sets now."""
    configured = {*dict(config.environment), *dict(config.secrets), *config.unset_variables}
    own, flagged = user_variables(live), live.get(FLAG_VARIABLES, "").split()
    inherited = {name: own[name] for name in flagged if name in own and name not in configured}
    if not inherited:
        return config
    return config.with_variables(inherited, dict.fromkeys(inherited, "--env of an earlier deploy"), inherited)


def warn_of_unknown(config: Config, live: Mapping[str, str], read: Collection[str]) -> Iterator[Warned]:
    """Yield a warning for each name of `--unset-env` that isn't set in the `live` version and that the app doesn't read."""
    for name in config.unset_variables:
        if name not in live and name not in read:
            close = get_close_matches(name, (each for each in live if is_set_by_user(each, ())), 1)
            yield Warned(f"--unset-env {name} removes nothing: {name} isn't set", f"--unset-env {close[0]}" if close else "")


def keep_check_path(config: Config, live: Mapping[str, str]) -> Config:
    """Return the configuration with the path of the check that a flag of an earlier deploy has named, unless it names one."""
    flag, _, path = live.get(CHECK, "").partition(" ")
    if flag != CHECK_FLAG or config.origins.get("check_path", DEFAULT) != DEFAULT or not config.has_url:
        return config
    origins = {**config.origins, "check_path": f"{CHECK_FLAG} of an earlier deploy"}
    return replace(config, hosting=replace(config.hosting, check_path=path), origins=origins)


def refuse_unset_of_set(config: Config) -> None:
    """Raise UsageError if `--unset-env` names a variable that something sets."""
    for name in config.unset_variables:
        if name in dict(config.environment) or name in dict(config.secrets):
            origin = config.origins.get(f"env.{name}", "env")
            raise UsageError(f"{name} is set by {origin}", where="--unset-env", hint=f"remove {name} there")
