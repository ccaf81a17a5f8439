"""Where an app was deployed from, as its tags say, so that another project of the same name doesn't take it over. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from lambent.aws.values import Pairs
from lambent.config.identity import FOLDER
from lambent.deployment.desired import Desired
from lambent.deployment.observed import Observed
from lambent.names import TAG_ORIGIN


def origin_of(tags: Pairs) -> str:
    return dict(tags).get(TAG_ORIGIN, "")


def foreign_origin(identities: Iterable[str], observed: Observed) -> str:
    """Return the project that the app's function or role comes from, "" if it is this one or isn't known.

    A role is shared by the apps of this name in all regions.
    """
    own = set(identities)
    tagged = (resource.tags for resource in (observed.latest, observed.role) if resource is not None)
    origins = (origin_of(tags) for tags in tagged)
    return next((origin for origin in origins if origin and own and origin not in own), "")


def with_origin(desired: Desired, observed: Observed) -> Desired:
    """Return what is desired with the tag that stays or becomes: a checkout with another remote doesn't change it."""
    current = origin_of(observed.latest.tags) if observed.latest else ""
    is_remote = current in desired.identities and not current.startswith(FOLDER)
    origin = current if is_remote or not desired.identities else desired.identities[0]
    if not origin:
        return desired
    return replace(desired, tags=tuple(sorted({**dict(desired.tags), TAG_ORIGIN: origin}.items())))
