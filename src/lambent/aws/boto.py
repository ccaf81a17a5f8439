"""`Aws` through botocore, which only this folder imports."""

from __future__ import annotations

import os

import botocore.exceptions as foreign
import botocore.session

from lambent.aws.client import no_credentials, translated
from lambent.aws.functions import BotoFunctions
from lambent.aws.interface import Aws
from lambent.aws.logs import BotoLogs
from lambent.aws.refusals import LOCAL
from lambent.aws.roles import BotoRoles
from lambent.aws.storage import BotoStorage
from lambent.aws.traffic import BotoTraffic
from lambent.errors import AwsError

# Where botocore looks: (key in the file, environment, default, conversion). As for the aws CLI v2, AWS_REGION counts.
_VARIABLES = {"region": ("region", ["AWS_REGION", "AWS_DEFAULT_REGION"], None, None)}
_ISOLATED = _VARIABLES | {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}


class BotoAws(BotoRoles, BotoFunctions, BotoTraffic, BotoLogs, BotoStorage):
    """Implements `Aws`."""


def connect(
    region: str | None,
    *,
    endpoint_url: str | None = None,
    profile: str | None = None,
    keys: tuple[str, str] | None = None,
) -> Aws:
    """One account in one region. `region` None takes the user's configured one; `endpoint_url` None is the real AWS; `keys`
    (access key id, secret) None is the user's own chain of credentials; with keys, the user's profiles and AWS configuration
    files are not read at all, so that a broken one does not matter. Makes no call yet.

    Raises AwsError if the profile, the region or the credentials are missing.
    """
    session = botocore.session.Session(session_vars=_VARIABLES if keys is None else _ISOLATED, profile=profile)
    if keys is not None:
        session.set_credentials(*keys)
    try:
        chosen = region or session.get_config_variable("region")
        found = session.get_credentials()
    except foreign.BotoCoreError as error:
        raise translated(error, "configuration", endpoint_url, profile=profile or "") from error
    if found is None:
        raise no_credentials(session.get_config_variable("profile") or "")
    if not chosen:
        raise AwsError("no AWS region is chosen", hint=f"--region us-east-1, or aws configure; {LOCAL}")
    return BotoAws(session, chosen, endpoint_url)
