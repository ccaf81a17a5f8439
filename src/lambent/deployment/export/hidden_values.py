"""Environment variables whose values a template doesn't show: those of a .env file, and what looks like a secret. Pure.

The person who applies the template enters them. Values that the function reads from AWS by reference aren't here anyway.
"""

from __future__ import annotations

import re

from lambent.deployment.desired import Desired
from lambent.deployment.secret_values import is_secret

_INTERNAL = re.compile("LAMBENT_|AWS_LAMBDA_")
_FILE = re.compile(r"\(.*env[_-]file", re.IGNORECASE)
"""The origin of a value from a .env file: ".env (pyproject.toml [tool.lambent] env_file)"."""


def hidden_names(desired: Desired) -> tuple[str, ...]:
    """Return the names of these variables."""
    return tuple(
        name
        for name, value in desired.settings.environment
        if not _INTERNAL.match(name) and (_FILE.search(desired.origins.get(f"env.{name}", "")) or is_secret(name, value))
    )


def cloudformation_parameters(desired: Desired) -> dict[str, str]:
    """Map each of these variables to its parameter. CloudFormation allows only letters and digits in a name."""
    parameters: dict[str, str] = {}
    for name in hidden_names(desired):
        parameter = "Env" + "".join(part.capitalize() for part in name.split("_"))
        while parameter in parameters.values():
            parameter += "X"
        parameters[name] = parameter
    return parameters


def terraform_variables(desired: Desired) -> dict[str, str]:
    """Map each of these variables to its variable in Terraform's sense, whose names are case-sensitive."""
    return {name: f"env_{name}" for name in hidden_names(desired)}
