"""The URL of an app, also of one that lambent didn't deploy."""

from __future__ import annotations

from lambent.aws.interface import Aws
from lambent.aws.values import Url
from lambent.errors import DeployError, NotDeployedError
from lambent.names import ALIAS


def find_url(aws: Aws, app: str) -> Url:
    """Return the URL of the alias `live`, or that of $LATEST. Raises DeployError if there is none."""
    url = aws.url(app, ALIAS) or aws.url(app, "")
    if url is not None:
        return url
    if aws.function(app) is None:
        raise NotDeployedError(app, "is not deployed", aws.account(), aws.region)
    hint = "lambent invoke calls it without one; lambent deploy creates one"
    raise DeployError(f"{app} has no URL", where=f"function {app}", hint=hint)
