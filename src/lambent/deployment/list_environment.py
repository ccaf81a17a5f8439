"""The environment variables of what is live, and where each comes from."""

from __future__ import annotations

import json
from collections.abc import Mapping

from lambent import status_events
from lambent.aws.interface import Aws
from lambent.config.live_environment import FLAG_VARIABLES, SECRETS, user_variables
from lambent.deployment.secret_values import HIDDEN, is_secret
from lambent.errors import NotDeployedError
from lambent.names import ALIAS

BY_COMMAND = "lambent env set or --env"


def list_environment(
    aws: Aws, app: str, location: str, configured: Mapping[str, tuple[str, str]], *, show_secrets: bool
) -> status_events.EnvironmentListed:
    """Return the variables of the live version, or of $LATEST if lambent didn't deploy the function.

    `configured` are those of the project here: value and origin, "" if it isn't here. Raises DeployError.
    """
    function = aws.function(app, ALIAS) or aws.function(app)
    if function is None:
        raise NotDeployedError(app, "is not deployed", aws.account(), aws.region)
    variables = describe_environment(dict(function.settings.environment), configured, show_secrets=show_secrets)
    return status_events.EnvironmentListed(app, location, function.version, variables)


def describe_environment(
    live: Mapping[str, str], configured: Mapping[str, tuple[str, str]], *, show_secrets: bool
) -> tuple[status_events.Variable, ...]:
    """Return the user's own variables, secrets masked, by name. Pure."""
    references: dict[str, str] = json.loads(live.get(SECRETS, "{}"))
    flagged = set(live.get(FLAG_VARIABLES, "").split())
    own = user_variables(live)
    rows = []
    for name in sorted({*own, *references, *configured}):
        value, is_live = references.get(name, own.get(name, "")), name in own or name in references
        file_value, origin = configured.get(name, ("", ""))
        if name in flagged and name not in configured:
            origin = BY_COMMAND
        elif not is_live:
            value, origin = file_value, f"{origin}: not deployed yet"
        elif origin and value != file_value:
            origin = (
                f"{BY_COMMAND}; the next deploy sets it to that of {origin}" if name in flagged else f"{origin}: changed since"
            )
        is_masked = not show_secrets and name not in references and is_secret(name, value)
        rows.append(status_events.Variable(name, HIDDEN if is_masked else value, origin or "an earlier deploy, or by hand"))
    return tuple(rows)
