"""The hosting settings: how AWS runs the function, checked against AWS's rules before anything is built."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from msgspec.structs import fields

from lambent.config.model import Canary, Cors, Hosting
from lambent.config.parsers import (
    choice_parser,
    list_parser,
    number_parser,
    parse_check_path,
    parse_switch,
    parse_text,
    pattern_parser,
)
from lambent.config.permissions import parse_permissions
from lambent.config.settings import RawSetting, Settings
from lambent.errors import UsageError
from lambent.limits import CORS_MAX_AGE_S, LAYERS_MAX, TAGS_MAX, TMP_MIN_MB

RETENTIONS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
"""The numbers of days that CloudWatch Logs accepts. [PutRetentionPolicy, API reference]"""

_ROLE = r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+"
_POLICY = r"arn:aws[a-z-]*:iam::(aws|\d{12}):policy/[\w+=,.@/-]+"
_LAYER = r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:layer:[A-Za-z0-9_-]+:\d+"
_ACCESS_POINT = r"arn:aws[a-z-]*:elasticfilesystem:[a-z0-9-]+:\d{12}:access-point/fsap-[0-9a-f]{17}"
_MOUNT_PATH = r"/mnt/[A-Za-z0-9_.-]+"
_BUCKET = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
_COUNT_MAX = 1_000_000
_CANARY_MAX_S = 24 * 3600
_VPC_EXAMPLE = '{ subnets = ["subnet-0123456789abcdef0"], security_groups = ["sg-0123456789abcdef0"] }'
_POLICIES_EXAMPLE = '["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"]'
_LAYERS_EXAMPLE = '["arn:aws:lambda:eu-west-1:123456789012:layer:name:1"]'
_AUTH = {"none": "NONE", "public": "NONE", "iam": "AWS_IAM", "aws_iam": "AWS_IAM"}
_FIELDS = {"log_retention": "log_retention_days", "efs": "mounts"}
"""The fields of Hosting whose name is not that of the setting."""


def read_hosting(settings: Settings) -> Hosting:
    """Return the hosting settings. Raises UsageError for what AWS would refuse, and for settings that exclude each other."""
    values = settings.parse(
        {
            "role": pattern_parser(_ROLE, "arn:aws:iam::123456789012:role/my-role"),
            "permissions": parse_permissions,
            "policies": list_parser(_POLICIES_EXAMPLE, "policy ARNs", _POLICY),
            "log_retention": _parse_retention,
            "log_format": choice_parser({"text": "Text", "json": "JSON"}, "text or json", "json"),
            "layers": list_parser(_LAYERS_EXAMPLE, "layer version ARNs", _LAYER),
            "vpc": _parse_vpc,
            "efs": _parse_mounts,
            "tags": _parse_tags,
            "tracing": parse_switch,
            "snapstart": parse_switch,
            "reserved_concurrency": number_parser("executions", 0, _COUNT_MAX),
            "provisioned_concurrency": number_parser("executions", 1, _COUNT_MAX),
            "url": parse_switch,
            "check_path": parse_check_path,
            "auth": choice_parser(_AUTH, "none (anyone may call the URL) or iam (signed requests only)", "iam"),
            "cors": _parse_cors,
            "canary": _parse_canary,
            "bucket": pattern_parser(_BUCKET, "my-bucket"),
            "keep_versions": number_parser("versions", 1, _COUNT_MAX),
        }
    )
    if "vpc" in values:
        values["subnets"], values["security_groups"] = values.pop("vpc")
    hosting = Hosting(**{_FIELDS.get(key, key): value for key, value in values.items()})
    _check_combinations(hosting, settings.raw)
    return hosting


def _check_combinations(hosting: Hosting, raw: Mapping[str, RawSetting]) -> None:
    if hosting.role and (hosting.permissions or hosting.policies):
        key = "permissions" if hosting.permissions else "policies"
        raise raw[key].refuse(f"{key} only apply to a role that lambent creates, and role names one of yours", "[]")
    if hosting.mounts and not hosting.subnets:
        message = "efs needs a VPC: Lambda can only reach EFS from inside one"
        raise UsageError(message, where=raw["efs"].origin, hint=f"vpc = {_VPC_EXAMPLE}")
    if hosting.snapstart and (hosting.provisioned_concurrency or hosting.mounts):
        raise raw["snapstart"].refuse("SnapStart can't be combined with provisioned concurrency or EFS", "false")
    if hosting.snapstart and "tmp" in raw and int(raw["tmp"].value) > TMP_MIN_MB:
        message = f"SnapStart allows {TMP_MIN_MB} MB of /tmp, and tmp asks for {raw['tmp'].value} MB"
        raise raw["snapstart"].refuse(message, "false")
    if hosting.url is False and (key := next((key for key in ("auth", "cors", "check_path") if key in raw), "")):
        raise UsageError(f"{key} is about a URL, and url = false", where=raw[key].origin, hint=f"remove {key}, or url = false")
    if len(hosting.layers) > LAYERS_MAX:
        message = f"a function can have at most {LAYERS_MAX} layers, got {len(hosting.layers)}"
        raise UsageError(message, where=raw["layers"].origin, hint=f"remove {len(hosting.layers) - LAYERS_MAX} of them")


def _parse_retention(setting: RawSetting) -> int | None:
    """Return a number of days, or None for "forever"."""
    if setting.value == "forever":
        return None
    if setting.value not in RETENTIONS or isinstance(setting.value, bool):
        days = ", ".join(map(str, RETENTIONS))
        raise setting.refuse(f'log_retention must be one of {days} days, or "forever", got {setting.value!r}', "30")
    return int(setting.value)


def _parse_canary(setting: RawSetting) -> Canary | None:
    text = parse_text(setting, "10%/5m").strip().lower()
    if text == "none":
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?% ?/ ?(\d+) ?(s|m|h)", text)
    share = float(match[1]) / 100 if match else 0.0
    seconds = int(match[2]) * {"s": 1, "m": 60, "h": 3600}[match[3]] if match else 0
    if not 0 < share < 1 or not 0 < seconds <= _CANARY_MAX_S:
        message = f"canary must be a percentage of the traffic and a duration of at most 24h, or none, got {setting.value}"
        raise setting.refuse(message, "10%/5m")
    return Canary(share, seconds)


def _parse_vpc(setting: RawSetting) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the ids of the subnets and of the security groups."""
    vpc = setting.value
    if not isinstance(vpc, Mapping) or set(vpc) != {"subnets", "security_groups"}:
        raise setting.refuse(f"vpc must have subnets and security_groups, got {vpc!r}", _VPC_EXAMPLE)
    for ids, prefix in ((vpc["subnets"], "subnet-"), (vpc["security_groups"], "sg-")):
        if not (isinstance(ids, list) and ids and all(isinstance(id_, str) and id_.startswith(prefix) for id_ in ids)):
            raise setting.refuse(f"vpc must list ids that start with {prefix}, got {ids!r}", _VPC_EXAMPLE)
    return tuple(vpc["subnets"]), tuple(vpc["security_groups"])


def _parse_mounts(setting: RawSetting) -> tuple[tuple[str, str], ...]:
    """Return pairs of an access point's ARN and a path."""
    example = '{ "/mnt/data" = "arn:aws:elasticfilesystem:eu-west-1:123456789012:access-point/fsap-0123456789abcdef0" }'
    if not isinstance(setting.value, Mapping) or len(setting.value) != 1:
        raise setting.refuse(f"efs must map one path below /mnt to an access point's ARN, got {setting.value!r}", example)
    for path, arn in setting.value.items():
        if not re.fullmatch(_MOUNT_PATH, path) or not re.fullmatch(_ACCESS_POINT, str(arn)):
            raise setting.refuse(f"efs must map a path below /mnt to an access point's ARN, got {path} = {arn}", example)
    return tuple((str(arn), path) for path, arn in setting.value.items())


def _parse_tags(setting: RawSetting) -> tuple[tuple[str, str], ...]:
    tags, example, limit = setting.value, '{ team = "web" }', TAGS_MAX - 4  # lambent sets four of its own
    if not isinstance(tags, Mapping) or not all(isinstance(value, str) for value in tags.values()):
        raise setting.refuse(f"tags must map names to text, got {tags!r}", example)
    for name in tags:
        if name.lower().startswith(("aws:", "lambent:")):
            raise setting.refuse(f"tag names must not start with aws: or lambent:, got {name}", example)
        if len(name) > 128:
            raise setting.refuse(f"a tag name can have at most 128 characters, got {name}", example)
    if len(tags) > limit:
        raise setting.refuse(f"a function can have at most {limit} tags of your own, got {len(tags)}", example)
    return tuple(sorted(tags.items()))


def _parse_cors(setting: RawSetting) -> Cors:
    defaults: dict[str, Any] = {field.name.removesuffix("_s"): field.default for field in fields(Cors)}
    example = '{ origins = ["https://example.com"], methods = ["GET"] }'
    if not isinstance(setting.value, Mapping) or set(setting.value) - defaults.keys():
        raise setting.refuse(f"cors can only have {', '.join(defaults)}, got {setting.value!r}", example)
    options: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in setting.value.items()}
    if any(type(value) is not type(defaults[key]) for key, value in options.items()):
        types = "a number for max_age, true or false for credentials, and lists for everything else"
        raise setting.refuse(f"cors needs {types}, got {setting.value!r}", example)
    cors = Cors(max_age_s=options.pop("max_age", 0), **options)
    if not 0 <= cors.max_age_s <= CORS_MAX_AGE_S:
        message = f"cors max_age must be between 0 and {CORS_MAX_AGE_S} seconds, got {cors.max_age_s}"
        raise setting.refuse(message, "{ max_age = 3600 }")
    return cors
