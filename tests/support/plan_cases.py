"""Plans as a table: what is there, what should be, and the steps between."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from lambent.aws.values import Alias, Function, LogGroup, Provisioned, Role, Statement, Url
from lambent.config.model import App, Canary, Config
from lambent.deploy.desired import PUBLIC_STATEMENTS, Desired, desired
from lambent.deploy.observed import Observed
from lambent.names import Names
from lambent.package.artifact import Artifact

NAMES = Names("hello", "123456789012", "eu-west-1")


CONFIG = Config(Path("/p"), "hello", App("main", "app", "asgi"), "python3.13", origins={"runtime": "newest supported"})


ARTIFACT = Artifact(Path("/p/a.zip"), "new=", 2_000_000, 6_000_000, 90, "python3.13", "x86_64", "main.app", (("WRAP", "w"),))


WANTED = desired(CONFIG, ARTIFACT, NAMES)


TAGS = WANTED.tags


ROLE = Role(NAMES.role, NAMES.role_arn, trusts_lambda=True, tags=TAGS)


LATEST = Function("hello", "$LATEST", WANTED.settings, "new=", "x86_64", revision="r1", tags=TAGS)


LIVE = replace(LATEST, version="3")


DONE = Observed(
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


SMALL = replace(WANTED.settings, memory_mb=128)


STREAMING = replace(
    WANTED,
    mode="RESPONSE_STREAM",
    settings=replace(WANTED.settings, environment=(("LAMBENT_RESPONSE", "stream"), *WANTED.settings.environment)),
    origins={"stream": "--stream"},
)


STREAMED = replace(
    DONE,
    latest=replace(LATEST, settings=STREAMING.settings),
    live=replace(LIVE, settings=STREAMING.settings),
    url=Url("https://x.lambda-url.eu-west-1.on.aws/", "NONE", "RESPONSE_STREAM"),
)


SIGNED = replace(WANTED, auth="AWS_IAM", statements=())


CLOSED = replace(DONE, url=Url("https://x.lambda-url.eu-west-1.on.aws/", "AWS_IAM"), statements=())


WITH_CANARY = replace(WANTED, canary=Canary(0.1, 300), origins={"canary": "--canary"})


SHARED = Alias("live", "3", "a1", (("4", 0.1),))


WARM = replace(WANTED, provisioned=2)


TRIED = "PublishVersion CheckVersion RunCanary PointAlias"


RELEASE = "PublishVersion CheckVersion PointAlias"


SECOND = (replace(PUBLIC_STATEMENTS[0], sid=f"{PUBLIC_STATEMENTS[0].sid}2"),)


STRANGE = Statement(PUBLIC_STATEMENTS[0].sid, "lambda:InvokeFunctionUrl", "*", url_auth="AWS_IAM")


class Case(Struct, frozen=True):
    name: str
    observed: Observed
    steps: str
    desired: Desired = WANTED


CASES = (
    Case("nothing to do", DONE, "CheckUrl"),
    Case(
        "first",
        Observed(),
        f"CreateRole AttachPolicy CreateLogGroup SetRetention CreateFunction {RELEASE} Grant Grant CreateUrl CheckUrl",
    ),
    Case(
        "role left over",
        Observed(role=ROLE),
        f"AttachPolicy CreateLogGroup SetRetention CreateFunction {RELEASE} Grant Grant CreateUrl CheckUrl",
    ),
    Case("new code", replace(DONE, latest=OLD, live=OLD_LIVE), f"UpdateCode {RELEASE} CheckUrl"),
    Case(
        "new configuration",
        replace(DONE, latest=replace(LATEST, settings=SMALL), live=replace(LIVE, settings=SMALL)),
        f"UpdateSettings {RELEASE} CheckUrl",
    ),
    Case(
        "both",
        replace(DONE, latest=replace(OLD, settings=SMALL), live=replace(OLD_LIVE, settings=SMALL)),
        f"UpdateCode UpdateSettings {RELEASE} CheckUrl",
    ),
    Case(
        "same zip, other machine",
        replace(DONE, latest=replace(LATEST, architecture="arm64"), live=replace(LIVE, architecture="arm64")),
        f"UpdateCode {RELEASE} CheckUrl",
    ),
    Case("the last check failed", replace(DONE, live=OLD_LIVE), f"{RELEASE} CheckUrl"),
    Case(
        "the first check failed",
        replace(DONE, alias=None, live=None, statements=(), url=None),
        f"{RELEASE} Grant Grant CreateUrl CheckUrl",
    ),
    Case("back to the live version after a failed one", replace(DONE, latest=OLD), "CheckUrl"),
    Case("broken off before the URL", replace(DONE, url=None), "CreateUrl CheckUrl"),
    Case(
        "broken off between the permissions",
        replace(DONE, statements=PUBLIC_STATEMENTS[:1], url=None),
        "Grant CreateUrl CheckUrl",
    ),
    Case("one-statement URL of before October 2025", replace(DONE, statements=PUBLIC_STATEMENTS[:1]), "Grant CheckUrl"),
    Case("a statement changed by hand", replace(DONE, statements=(STRANGE, PUBLIC_STATEMENTS[1])), "Grant Revoke CheckUrl"),
    Case(
        "broken off between the right one and the wrong one",
        replace(DONE, statements=(STRANGE, *SECOND, PUBLIC_STATEMENTS[1])),
        "Revoke CheckUrl",
    ),
    Case("a statement under its second id", replace(DONE, statements=(*SECOND, PUBLIC_STATEMENTS[1])), "CheckUrl"),
    Case("closed with both ids there", replace(CLOSED, statements=(STRANGE, *SECOND)), "Revoke Revoke CheckUrl", SIGNED),
    Case("URL closed by hand", replace(DONE, url=Url("https://x/", "AWS_IAM")), "UpdateUrl CheckUrl"),
    Case(
        "first, streamed",
        Observed(),
        f"CreateRole AttachPolicy CreateLogGroup SetRetention CreateFunction {RELEASE} Grant Grant CreateUrl CheckUrl",
        STREAMING,
    ),
    Case("streaming begins: the URL last", DONE, f"UpdateSettings {RELEASE} UpdateUrl CheckUrl", STREAMING),
    Case("streaming ends: the URL first", STREAMED, "UpdateSettings PublishVersion CheckVersion UpdateUrl PointAlias CheckUrl"),
    Case("streamed already", STREAMED, "CheckUrl", STREAMING),
    Case(
        "new code, streamed as before",
        replace(STREAMED, live=OLD_LIVE, latest=OLD),
        f"UpdateCode UpdateSettings {RELEASE} CheckUrl",
        STREAMING,
    ),
    Case("broken off before the URL was told to stream", replace(STREAMED, url=DONE.url), "UpdateUrl CheckUrl", STREAMING),
    Case(
        "mode and authorisation changed by hand",
        replace(DONE, url=Url("https://x/", "AWS_IAM", "RESPONSE_STREAM")),
        "UpdateUrl UpdateUrl CheckUrl",
    ),
    Case("closed: before the new version is behind it", DONE, "UpdateUrl Revoke Revoke CheckUrl", SIGNED),
    Case(
        "closed with new code",
        replace(DONE, latest=OLD, live=OLD_LIVE),
        "UpdateCode PublishVersion CheckVersion UpdateUrl PointAlias Revoke Revoke CheckUrl",
        SIGNED,
    ),
    Case("broken off once it was closed", replace(CLOSED, statements=PUBLIC_STATEMENTS), "Revoke Revoke CheckUrl", SIGNED),
    Case("closed already", CLOSED, "CheckUrl", SIGNED),
    Case(
        "opened: once the new version is behind it",
        replace(CLOSED, latest=OLD, live=OLD_LIVE),
        f"UpdateCode {RELEASE} Grant Grant UpdateUrl CheckUrl",
    ),
    Case("canary", replace(DONE, latest=OLD, live=OLD_LIVE), f"UpdateCode {TRIED} CheckUrl", WITH_CANARY),
    Case("canary, and nothing new", DONE, "CheckUrl", WITH_CANARY),
    Case("canary broken off, again", replace(DONE, live=OLD_LIVE, alias=SHARED), f"{TRIED} CheckUrl", WITH_CANARY),
    Case("canary broken off, and the old one is wanted", replace(DONE, alias=SHARED), "PointAlias CheckUrl"),
    Case("canary, but no URL yet", replace(DONE, live=OLD_LIVE, url=None), f"{RELEASE} CreateUrl CheckUrl", WITH_CANARY),
    Case(
        "closed, with a canary",
        replace(DONE, live=OLD_LIVE),
        "PublishVersion CheckVersion UpdateUrl RunCanary PointAlias Revoke Revoke CheckUrl",
        replace(SIGNED, canary=Canary(0.1, 300)),
    ),
    Case("kept warm", replace(DONE, provisioned=Provisioned(2)), "CheckUrl", WARM),
    Case(
        "kept warm, and a new version",
        replace(DONE, live=OLD_LIVE, provisioned=Provisioned(2)),
        f"{RELEASE} AwaitProvisioned CheckUrl",
        WARM,
    ),
    Case("policy detached by hand", replace(DONE, attached=()), "AttachPolicy CheckUrl"),
    Case("trust changed by hand", replace(DONE, role=replace(ROLE, trusts_lambda=False)), "TrustLambda CheckUrl"),
    Case("role deleted by hand", replace(DONE, role=None, attached=()), "CreateRole AttachPolicy CheckUrl"),
    Case(
        "the last update failed",
        replace(DONE, latest=replace(LATEST, update="Failed"), live=OLD_LIVE),
        f"UpdateCode UpdateSettings {RELEASE} CheckUrl",
    ),
)
