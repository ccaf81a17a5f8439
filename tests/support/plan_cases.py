"""Plans as a table: what exists, what should exist, and the steps in between."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from lambent.aws.values import Alias, Function, LogGroup, Provisioned, Role, Statement, Url
from lambent.config.model import App, Canary, Config
from lambent.deployment.desired import PUBLIC_STATEMENTS, Desired, desired
from lambent.deployment.observed import Observed
from lambent.names import Names
from lambent.package.artifact import Artifact

NAMES = Names("hello", "123456789012", "eu-west-1")
CONFIG = Config(Path("/p"), "hello", App("main", "app", "asgi"), "python3.13", origins={"runtime": "newest supported"})
ARTIFACT = Artifact(Path("/p/a.zip"), "new=", 2_000_000, 6_000_000, 90, "python3.13", "x86_64", "main.app", (("WRAP", "w"),))
DESIRED = desired(CONFIG, ARTIFACT, NAMES)
TAGS = DESIRED.tags
ROLE = Role(NAMES.role, NAMES.role_arn, trusts_lambda=True, tags=TAGS)
LATEST = Function("hello", "$LATEST", DESIRED.settings, "new=", "x86_64", revision="r1", tags=TAGS)
LIVE = replace(LATEST, version="3")
UP_TO_DATE = Observed(
    role=ROLE,
    attached=(NAMES.basic_policy_arn,),
    latest=LATEST,
    alias=Alias("live", "3", "a1"),
    live=LIVE,
    statements=PUBLIC_STATEMENTS,
    url=Url("https://x.lambda-url.eu-west-1.on.aws/", "NONE"),
    log_group=LogGroup(NAMES.log_group, 30),
    versions=("1", "2", "3"),
)
OLD = replace(LATEST, sha256="old=")
OLD_LIVE = replace(LIVE, sha256="old=")
SMALL = replace(DESIRED.settings, memory_mb=128)
STREAMING = replace(
    DESIRED,
    mode="RESPONSE_STREAM",
    settings=replace(DESIRED.settings, environment=(("LAMBENT_RESPONSE", "stream"), *DESIRED.settings.environment)),
    origins={"stream": "--stream"},
)
STREAMED = replace(
    UP_TO_DATE,
    latest=replace(LATEST, settings=STREAMING.settings),
    live=replace(LIVE, settings=STREAMING.settings),
    url=Url("https://x.lambda-url.eu-west-1.on.aws/", "NONE", "RESPONSE_STREAM"),
)
SIGNED = replace(DESIRED, auth="AWS_IAM", statements=())
WITHOUT_URL = replace(DESIRED, auth="", statements=())
WORKER = desired(
    replace(CONFIG, app=App("main", "handler", "handler", trigger="sqs")), replace(ARTIFACT, environment=()), NAMES
)
PRIVATE = replace(UP_TO_DATE, url=Url("https://x.lambda-url.eu-west-1.on.aws/", "AWS_IAM"), statements=())
WITH_CANARY = replace(DESIRED, canary=Canary(0.1, 300), origins={"canary": "--canary"})
SPLIT_ALIAS = Alias("live", "3", "a1", (("4", 0.1),))
PROVISIONED = replace(DESIRED, provisioned=2)
CANARY_RELEASE = "PublishVersion CheckVersion RunCanary PointAlias"
RELEASE = "PublishVersion CheckVersion PointAlias"
FIRST_RELEASE = "PublishVersion CreateAlias CreateUrl CheckVersion PointAlias"
UNCHECKED = Alias("live", "3", "a1", description="lambent: version 3, not checked yet")
CLOSED = Url("https://x.lambda-url.eu-west-1.on.aws/", "AWS_IAM")
SECOND_ID = (replace(PUBLIC_STATEMENTS[0], sid=f"{PUBLIC_STATEMENTS[0].sid}2"),)
CHANGED_STATEMENT = Statement(PUBLIC_STATEMENTS[0].sid, "lambda:InvokeFunctionUrl", "*", url_auth="AWS_IAM")


class Case(Struct, frozen=True):
    name: str
    observed: Observed
    steps: str
    desired: Desired = DESIRED


CASES = (
    Case("nothing to do", UP_TO_DATE, "CheckUrl"),
    Case(
        "first",
        Observed(),
        f"CreateRole AttachPolicy CreateLogGroup SetRetention CreateFunction {FIRST_RELEASE} Grant Grant UpdateUrl CheckUrl",
    ),
    Case(
        "role left over",
        Observed(role=ROLE),
        f"AttachPolicy CreateLogGroup SetRetention CreateFunction {FIRST_RELEASE} Grant Grant UpdateUrl CheckUrl",
    ),
    Case("new code", replace(UP_TO_DATE, latest=OLD, live=OLD_LIVE), f"UpdateCode {RELEASE} CheckUrl"),
    Case(
        "new configuration",
        replace(UP_TO_DATE, latest=replace(LATEST, settings=SMALL), live=replace(LIVE, settings=SMALL)),
        f"UpdateSettings {RELEASE} CheckUrl",
    ),
    Case(
        "both",
        replace(UP_TO_DATE, latest=replace(OLD, settings=SMALL), live=replace(OLD_LIVE, settings=SMALL)),
        f"UpdateCode UpdateSettings {RELEASE} CheckUrl",
    ),
    Case(
        "same zip, other machine",
        replace(UP_TO_DATE, latest=replace(LATEST, architecture="arm64"), live=replace(LIVE, architecture="arm64")),
        f"UpdateCode {RELEASE} CheckUrl",
    ),
    Case("the last check failed", replace(UP_TO_DATE, live=OLD_LIVE), f"{RELEASE} CheckUrl"),
    Case(
        "the first check failed",
        replace(UP_TO_DATE, alias=None, live=None, statements=(), url=None),
        f"{FIRST_RELEASE} Grant Grant UpdateUrl CheckUrl",
    ),
    Case(
        "the first check failed, once its URL existed",
        replace(UP_TO_DATE, alias=None, unchecked=UNCHECKED, live=None, statements=(), url=CLOSED),
        f"{RELEASE} Grant Grant UpdateUrl CheckUrl",
    ),
    Case(
        "alias deleted by hand, with an open URL",
        replace(UP_TO_DATE, alias=None, live=None),
        "PublishVersion CheckVersion CreateAlias PointAlias CheckUrl",
    ),
    Case(
        "interrupted between the alias and its URL",
        replace(UP_TO_DATE, alias=None, unchecked=UNCHECKED, live=None, statements=(), url=None),
        "PublishVersion CreateUrl CheckVersion PointAlias Grant Grant UpdateUrl CheckUrl",
    ),
    Case(
        "interrupted before the URL was opened",
        replace(UP_TO_DATE, url=CLOSED),
        "CheckVersion UpdateUrl CheckUrl",
    ),
    Case(
        "first, signed",
        Observed(role=ROLE, attached=(NAMES.basic_policy_arn,), log_group=LogGroup(NAMES.log_group, 30)),
        f"CreateFunction {FIRST_RELEASE} CheckUrl",
        SIGNED,
    ),
    Case(
        "streaming begins, and the URL is missing",
        replace(UP_TO_DATE, url=None),
        "UpdateSettings PublishVersion CreateUrl CheckVersion PointAlias UpdateUrl UpdateUrl CheckUrl",
        STREAMING,
    ),
    Case("back to the live version after a failed one", replace(UP_TO_DATE, latest=OLD), "CheckUrl"),
    Case("interrupted before the URL", replace(UP_TO_DATE, url=None), "CreateUrl CheckVersion UpdateUrl CheckUrl"),
    Case(
        "interrupted between the permissions",
        replace(UP_TO_DATE, statements=PUBLIC_STATEMENTS[:1], url=None),
        "CreateUrl CheckVersion Grant UpdateUrl CheckUrl",
    ),
    Case("one-statement URL of before October 2025", replace(UP_TO_DATE, statements=PUBLIC_STATEMENTS[:1]), "Grant CheckUrl"),
    Case(
        "a statement changed by hand",
        replace(UP_TO_DATE, statements=(CHANGED_STATEMENT, PUBLIC_STATEMENTS[1])),
        "Grant Revoke CheckUrl",
    ),
    Case(
        "interrupted between the right one and the wrong one",
        replace(UP_TO_DATE, statements=(CHANGED_STATEMENT, *SECOND_ID, PUBLIC_STATEMENTS[1])),
        "Revoke CheckUrl",
    ),
    Case("a statement under its second id", replace(UP_TO_DATE, statements=(*SECOND_ID, PUBLIC_STATEMENTS[1])), "CheckUrl"),
    Case(
        "closed with both ids there",
        replace(PRIVATE, statements=(CHANGED_STATEMENT, *SECOND_ID)),
        "Revoke Revoke CheckUrl",
        SIGNED,
    ),
    Case("URL closed by hand", replace(UP_TO_DATE, url=CLOSED), "CheckVersion UpdateUrl CheckUrl"),
    Case(
        "first, streamed",
        Observed(),
        f"CreateRole AttachPolicy CreateLogGroup SetRetention CreateFunction {FIRST_RELEASE} Grant Grant UpdateUrl CheckUrl",
        STREAMING,
    ),
    Case("streaming begins: the URL last", UP_TO_DATE, f"UpdateSettings {RELEASE} UpdateUrl CheckUrl", STREAMING),
    Case("streaming ends: the URL first", STREAMED, "UpdateSettings PublishVersion CheckVersion UpdateUrl PointAlias CheckUrl"),
    Case("streamed already", STREAMED, "CheckUrl", STREAMING),
    Case(
        "new code, streamed as before",
        replace(STREAMED, live=OLD_LIVE, latest=OLD),
        f"UpdateCode UpdateSettings {RELEASE} CheckUrl",
        STREAMING,
    ),
    Case(
        "interrupted before the URL was told to stream", replace(STREAMED, url=UP_TO_DATE.url), "UpdateUrl CheckUrl", STREAMING
    ),
    Case(
        "mode and authorisation changed by hand",
        replace(UP_TO_DATE, url=Url("https://x/", "AWS_IAM", "RESPONSE_STREAM")),
        "CheckVersion UpdateUrl UpdateUrl CheckUrl",
    ),
    Case("closed: before the new version is behind it", UP_TO_DATE, "UpdateUrl Revoke Revoke CheckUrl", SIGNED),
    Case(
        "closed with new code",
        replace(UP_TO_DATE, latest=OLD, live=OLD_LIVE),
        "UpdateCode PublishVersion CheckVersion UpdateUrl PointAlias Revoke Revoke CheckUrl",
        SIGNED,
    ),
    Case("interrupted once it was closed", replace(PRIVATE, statements=PUBLIC_STATEMENTS), "Revoke Revoke CheckUrl", SIGNED),
    Case("closed already", PRIVATE, "CheckUrl", SIGNED),
    Case(
        "opened: once the new version is behind it",
        replace(PRIVATE, latest=OLD, live=OLD_LIVE),
        f"UpdateCode {RELEASE} Grant Grant UpdateUrl CheckUrl",
    ),
    Case("canary", replace(UP_TO_DATE, latest=OLD, live=OLD_LIVE), f"UpdateCode {CANARY_RELEASE} CheckUrl", WITH_CANARY),
    Case("canary, and nothing new", UP_TO_DATE, "CheckUrl", WITH_CANARY),
    Case(
        "canary interrupted, again",
        replace(UP_TO_DATE, live=OLD_LIVE, alias=SPLIT_ALIAS),
        f"{CANARY_RELEASE} CheckUrl",
        WITH_CANARY,
    ),
    Case("canary interrupted, and the old version is deployed", replace(UP_TO_DATE, alias=SPLIT_ALIAS), "PointAlias CheckUrl"),
    Case(
        "canary, but no URL yet",
        replace(UP_TO_DATE, live=OLD_LIVE, url=None),
        "PublishVersion CreateUrl CheckVersion PointAlias UpdateUrl CheckUrl",
        WITH_CANARY,
    ),
    Case(
        "closed, with a canary",
        replace(UP_TO_DATE, live=OLD_LIVE),
        "PublishVersion CheckVersion UpdateUrl RunCanary PointAlias Revoke Revoke CheckUrl",
        replace(SIGNED, canary=Canary(0.1, 300)),
    ),
    Case("kept warm", replace(UP_TO_DATE, provisioned=Provisioned(2)), "CheckUrl", PROVISIONED),
    Case(
        "kept warm, and a new version",
        replace(UP_TO_DATE, live=OLD_LIVE, provisioned=Provisioned(2)),
        f"{RELEASE} AwaitProvisioned CheckUrl",
        PROVISIONED,
    ),
    Case(
        "first, without a URL",
        Observed(role=ROLE, attached=(NAMES.basic_policy_arn,), log_group=LogGroup(NAMES.log_group, 30)),
        "CreateFunction PublishVersion CreateAlias CheckVersion PointAlias",
        WORKER,
    ),
    Case(
        "first, without a URL, under AWS's client",
        Observed(role=ROLE, attached=(NAMES.basic_policy_arn,), log_group=LogGroup(NAMES.log_group, 30)),
        "CreateFunction PublishVersion CreateAlias PointAlias",
        replace(WORKER, settings=replace(WORKER.settings, environment=())),
    ),
    Case("the URL goes", UP_TO_DATE, "RemoveUrl Revoke Revoke", WITHOUT_URL),
    Case("interrupted once the URL was gone", replace(UP_TO_DATE, url=None), "Revoke Revoke", WITHOUT_URL),
    Case("without a URL, and nothing to do", replace(UP_TO_DATE, url=None, statements=()), "", WITHOUT_URL),
    Case(
        "new code, without a URL",
        replace(UP_TO_DATE, url=None, statements=(), latest=OLD, live=OLD_LIVE),
        f"UpdateCode {RELEASE}",
        WITHOUT_URL,
    ),
    Case(
        "canary, without a URL",
        replace(UP_TO_DATE, url=None, statements=(), latest=OLD, live=OLD_LIVE),
        f"UpdateCode {CANARY_RELEASE}",
        replace(WITHOUT_URL, canary=Canary(0.1, 300)),
    ),
    Case("policy detached by hand", replace(UP_TO_DATE, attached=()), "AttachPolicy CheckUrl"),
    Case("trust changed by hand", replace(UP_TO_DATE, role=replace(ROLE, trusts_lambda=False)), "TrustLambda CheckUrl"),
    Case("role deleted by hand", replace(UP_TO_DATE, role=None, attached=()), "CreateRole AttachPolicy CheckUrl"),
    Case(
        "the last update failed",
        replace(UP_TO_DATE, latest=replace(LATEST, update="Failed"), live=OLD_LIVE),
        f"UpdateCode UpdateSettings {RELEASE} CheckUrl",
    ),
)
