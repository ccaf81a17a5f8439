"""How AWS is to host the function: every setting of `Hosting`, checked by AWS's rules before anything is built."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from msgspec.structs import fields

from lambent.config import permissions
from lambent.config.model import Canary, Cors, Hosting
from lambent.config.settings import HOSTING, Given, Settings
from lambent.limits import LAYERS_MAX, TAGS_MAX, TMP_MIN_MB

RETENTIONS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
"""Days that CloudWatch Logs takes. [PutRetentionPolicy, API reference]"""

_ROLE = r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+"
_POLICY = r"arn:aws[a-z-]*:iam::(aws|\d{12}):policy/[\w+=,.@/-]+"
_LAYER = r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:layer:[A-Za-z0-9_-]+:\d+"
_MOUNT = r"arn:aws[a-z-]*:elasticfilesystem:[a-z0-9-]+:\d{12}:access-point/fsap-[0-9a-f]{17}"
_MOUNTED_AT = r"/mnt/[A-Za-z0-9_.-]+"
_BUCKET = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
_MOST = 1_000_000
_CANARY_MAX_S = 24 * 3600

_DEFAULT = Hosting()


def hosting(settings: Settings, origins: dict[str, str]) -> Hosting:
    """Raises UsageError for what AWS would refuse, or what does not go together."""
    for key in HOSTING:
        given = settings.given.get(key)
        origins[key] = given.origin if given else "default"
    subnets, groups = _vpc(settings)
    found = Hosting(
        role=_one(settings, "role", _ROLE, "arn:aws:iam::123456789012:role/my-role"),
        permissions=permissions.statements(settings.given["permissions"]) if "permissions" in settings.given else (),
        policies=_arns(settings, "policies", _POLICY, '["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"]'),
        log_retention_days=_retention(settings),
        log_format=_format(settings),
        layers=_arns(settings, "layers", _LAYER, '["arn:aws:lambda:eu-west-1:123456789012:layer:name:1"]'),
        subnets=subnets,
        security_groups=groups,
        mounts=_mounts(settings),
        tags=_tags(settings),
        tracing=_is_on(settings, "tracing"),
        snapstart=_is_on(settings, "snapstart"),
        reserved_concurrency=_count(settings, "reserved_concurrency", 0),
        provisioned_concurrency=_count(settings, "provisioned_concurrency", 1),
        auth=_auth(settings),
        cors=_cors(settings),
        canary=_canary(settings),
        bucket=_one(settings, "bucket", _BUCKET, "my-bucket"),
        keep_versions=_count(settings, "keep_versions", 1) or _DEFAULT.keep_versions,
    )
    _refuse_together(found, settings)
    return found


def _refuse_together(found: Hosting, settings: Settings) -> None:
    given = settings.given
    if found.role and (found.permissions or found.policies):
        key = "permissions" if found.permissions else "policies"
        raise given[key].refuse(f"{key} are for a role that lambent makes, and role names one of yours", "[]")
    if found.mounts and not found.subnets:
        raise given["efs"].refuse(
            "EFS is reached through a VPC only", 'vpc = { subnets = ["subnet-…"], security_groups = ["sg-…"] }'
        )
    if found.snapstart and (found.provisioned_concurrency or found.mounts):
        raise given["snapstart"].refuse("SnapStart goes neither with provisioned concurrency nor with EFS", "false")
    if found.snapstart and "tmp" in given and int(given["tmp"].value) > TMP_MIN_MB:
        raise given["snapstart"].refuse(f"SnapStart takes no more than {TMP_MIN_MB} MB of /tmp, and tmp asks for more", "false")
    if len(found.layers) > LAYERS_MAX:
        raise given["layers"].refuse(f"a function has at most {LAYERS_MAX} layers, got {len(found.layers)}", "[]")


def _one(settings: Settings, key: str, pattern: str, example: str) -> str:
    given = settings.text(key)
    if given is not None and not re.fullmatch(pattern, given.value):
        raise given.refuse(f"{key} is not of the form {example}: {given.value}", example)
    return given.value if given else ""


def _arns(settings: Settings, key: str, pattern: str, example: str) -> tuple[str, ...]:
    given = settings.texts(key, example, "ARNs")
    for arn in given.value if given else ():
        if not re.fullmatch(pattern, arn):
            raise given.refuse(f"{key} takes ARNs, got {arn}", example)  # type: ignore[union-attr]
    return tuple(given.value) if given else ()


def _is_on(settings: Settings, key: str) -> bool:
    given = settings.switch(key)
    return bool(given and given.value)


def _count(settings: Settings, key: str, low: int) -> int | None:
    given = settings.number(key, "executions" if "concurrency" in key else "versions", low, _MOST)
    return int(given.value) if given else None


def _retention(settings: Settings) -> int | None:
    given = settings.given.get("log_retention")
    if given is None:
        return _DEFAULT.log_retention_days
    if given.value == "forever":
        return None
    if given.value not in RETENTIONS or isinstance(given.value, bool):
        days = ", ".join(map(str, RETENTIONS))
        raise given.refuse(f'log_retention is one of {days} days, or "forever"; got {given.value!r}', "30")
    return int(given.value)


def _format(settings: Settings) -> Literal["Text", "JSON"]:
    given = settings.text("log_format")
    if given is None:
        return _DEFAULT.log_format
    known: dict[str, Literal["Text", "JSON"]] = {"text": "Text", "json": "JSON"}
    if given.value.lower() not in known:
        raise given.refuse(f"log_format is text or json, got {given.value}", "json")
    return known[given.value.lower()]


def _auth(settings: Settings) -> Literal["NONE", "AWS_IAM"]:
    given = settings.text("auth")
    if given is None:
        return _DEFAULT.auth
    known: dict[str, Literal["NONE", "AWS_IAM"]] = {"none": "NONE", "public": "NONE", "iam": "AWS_IAM", "aws_iam": "AWS_IAM"}
    if given.value.lower() not in known:
        raise given.refuse(f"auth is none (anyone may call the URL) or iam (signed requests only), got {given.value}", "iam")
    return known[given.value.lower()]


def _canary(settings: Settings) -> Canary | None:
    given = settings.text("canary")
    if given is None or given.value.lower() == "none":
        return None
    said = re.fullmatch(r"(\d+(?:\.\d+)?) ?% ?/ ?(\d+) ?(s|m|h)", given.value.strip())
    share = float(said[1]) / 100 if said else 0.0
    seconds = int(said[2]) * {"s": 1, "m": 60, "h": 3600}[said[3]] if said else 0
    if not 0 < share < 1 or not 0 < seconds <= _CANARY_MAX_S:
        what = f"canary is a share of the traffic and for how long (at most 24h), or none; got {given.value}"
        raise given.refuse(what, "10%/5m")
    return Canary(share, seconds)


def _vpc(settings: Settings) -> tuple[tuple[str, ...], tuple[str, ...]]:
    given = settings.given.get("vpc")
    if given is None:
        return (), ()
    example = '{ subnets = ["subnet-0123456789abcdef0"], security_groups = ["sg-0123456789abcdef0"] }'
    if not isinstance(given.value, Mapping) or set(given.value) != {"subnets", "security_groups"}:
        raise given.refuse(f"vpc names subnets and security_groups, got {given.value!r}", example)
    subnets, groups = given.value["subnets"], given.value["security_groups"]
    for found, begin in ((subnets, "subnet-"), (groups, "sg-")):
        if (
            not isinstance(found, list)
            or not found
            or not all(isinstance(each, str) and each.startswith(begin) for each in found)
        ):
            raise given.refuse(f"vpc takes ids that begin with {begin}, got {found!r}", example)
    return tuple(subnets), tuple(groups)


def _mounts(settings: Settings) -> tuple[tuple[str, str], ...]:
    given = settings.given.get("efs")
    if given is None:
        return ()
    example = '{ "/mnt/data" = "arn:aws:elasticfilesystem:eu-west-1:123456789012:access-point/fsap-0123456789abcdef0" }'
    if not isinstance(given.value, Mapping) or len(given.value) != 1:
        raise given.refuse(f"efs maps one path below /mnt to an access point's ARN, got {given.value!r}", example)
    for path, arn in given.value.items():
        if not re.fullmatch(_MOUNTED_AT, path) or not re.fullmatch(_MOUNT, str(arn)):
            raise given.refuse(f"efs maps a path below /mnt to an access point's ARN, got {path} = {arn}", example)
    return tuple((str(arn), path) for path, arn in given.value.items())


def _tags(settings: Settings) -> tuple[tuple[str, str], ...]:
    given = settings.given.get("tags")
    if given is None:
        return ()
    if not isinstance(given.value, Mapping) or not all(isinstance(value, str) for value in given.value.values()):
        raise given.refuse(f"tags map names to texts, got {given.value!r}", '{ team = "web" }')
    wrong = [key for key in given.value if key.lower().startswith(("aws:", "lambent:")) or len(key) > 128]
    if wrong or len(given.value) > TAGS_MAX - 2:
        what = f"not a tag of yours: {wrong[0]}" if wrong else f"at most {TAGS_MAX - 2} tags, got {len(given.value)}"
        raise given.refuse(what, '{ team = "web" }')
    return tuple(sorted(given.value.items()))


def _cors(settings: Settings) -> Cors | None:
    given = settings.given.get("cors")
    if given is None:
        return None
    kinds: dict[str, Any] = {each.name: each.default for each in fields(Cors)} | {"max_age": 0}
    del kinds["max_age_s"]
    example = '{ origins = ["https://example.com"], methods = ["GET"] }'
    if not isinstance(given.value, Mapping) or set(given.value) - kinds.keys():
        raise given.refuse(f"cors takes {', '.join(kinds)}, got {given.value!r}", example)
    said = {key: tuple(value) if isinstance(value, list) else value for key, value in given.value.items()}
    if any(type(value) is not type(kinds[key]) for key, value in said.items()):
        raise given.refuse(
            f"cors takes lists, credentials = true or false, and max_age in seconds; got {given.value!r}", example
        )
    return _cors_of(said, given)


def _cors_of(said: dict[str, Any], given: Given) -> Cors:
    cors = Cors(**{("max_age_s" if key == "max_age" else key): value for key, value in said.items()})
    if not 0 <= cors.max_age_s <= 86400:
        raise given.refuse(f"cors max_age is 0 to 86400 seconds, got {cors.max_age_s}", "{ max_age = 3600 }")
    return cors
