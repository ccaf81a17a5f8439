"""The table of operations, during which faults happen."""

from __future__ import annotations

import json

from msgspec.structs import replace

from lambent.config.model import Cors
from support.faults.canary_operations import CANARIES
from support.faults.operation import NEW_CODE, PLAIN, Operation, destroy, destroyed, first, roll_back, update
from support.faults.world import PACKAGES, World, with_hosting

PERMISSIONS = (json.dumps({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::some-bucket/*"}),)
HOSTED = with_hosting(
    PLAIN,
    permissions=PERMISSIONS,
    policies=("arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess",),
    tags=(("team", "shop"),),
    reserved_concurrency=5,
    log_retention_days=7,
)
SETTINGS = replace(PLAIN, memory_mb=256, environment=(("COLOUR", "blue"),))
STREAMED, SIGNED = replace(PLAIN, text="streamed", stream=True), with_hosting(PLAIN, auth="AWS_IAM")
LARGE = replace(PLAIN, s3=True)
WARM = with_hosting(PLAIN, provisioned_concurrency=1)
CORS = with_hosting(PLAIN, cors=Cors(("https://one.example",), ("GET",), ("x-one",), max_age_s=60))
TAGGED = with_hosting(PLAIN, tags=(("team", "shop"), ("old", "1")))
BESIDE = with_hosting(
    replace(PLAIN, overflow="one"), bucket=PACKAGES, keep_versions=1
)  # each update deletes the previous archive
EVERYTHING = with_hosting(
    replace(HOSTED, text="everything", memory_mb=256, environment=(("COLOUR", "blue"),), stream=True),
    provisioned_concurrency=1,
    cors=CORS.hosting.cors,
)

UPDATES = (
    update("update code", PLAIN, NEW_CODE),
    update("update configuration", PLAIN, SETTINGS),
    update("update both", PLAIN, replace(SETTINGS, text="new")),
    update("streaming on", PLAIN, STREAMED),
    update("streaming off", STREAMED, PLAIN),
    update("hosting on", PLAIN, HOSTED),
    update("hosting off", HOSTED, PLAIN),
    update("auth on", PLAIN, SIGNED, may_be_forbidden=True),
    update("auth off", SIGNED, PLAIN, may_be_forbidden=True),
    update("update through S3", PLAIN, replace(LARGE, text="large"), new_bucket=True),
)
HOSTINGS = (
    update("provisioned on", PLAIN, WARM),
    update("provisioned changed", WARM, with_hosting(WARM, provisioned_concurrency=2)),
    update("provisioned off", WARM, PLAIN),
    update("update code of provisioned", WARM, replace(WARM, text="new")),
    update("CORS on", PLAIN, CORS),
    update("CORS changed", CORS, with_hosting(PLAIN, cors=Cors(("*",)))),
    update("CORS off", CORS, PLAIN),
    update("tags changed", TAGGED, with_hosting(PLAIN, tags=(("team", "market"), ("new", "1")))),
    update("everything on", PLAIN, EVERYTHING),
    update("everything off", EVERYTHING, PLAIN),
    replace(
        update("overflow on", PLAIN, BESIDE), prepare=lambda world, app: world.direct.empty_bucket(PACKAGES, f"overflow/{app}/")
    ),
    update("overflow changed", BESIDE, replace(BESIDE, text="new", overflow="two")),
    update("overflow off", BESIDE, with_hosting(PLAIN, keep_versions=2)),
)
ROLLBACKS = (
    roll_back("rollback", replace(SETTINGS, text="new"), PLAIN, "1"),
    roll_back("rollback to streaming", PLAIN, STREAMED, "3"),
    roll_back("rollback from streaming", STREAMED, PLAIN, "1"),
)
FIRST = first("first deploy", HOSTED)
FIRSTS = (
    FIRST,
    first("first deploy through S3", LARGE, new_bucket=True),
    first("first deploy with everything", EVERYTHING),
    first("first deploy with overflow", replace(LARGE, overflow="one"), new_bucket=True),
)
DESTROYS = (
    destroyed("destroy", HOSTED),
    destroyed("destroy with uploads", LARGE),
    destroyed("destroy with overflow", replace(PLAIN, overflow="one")),
    destroyed("destroy with everything", EVERYTHING),
)
STAGE = "-prod"


def _deploy_stage(world: World, app: str) -> None:
    world.deploy(app + STAGE, PLAIN)


def _destroy_stage(world: World, app: str) -> None:
    destroy(world, app + STAGE)


STAGES = (
    Operation(
        "first deploy of a stage",
        PLAIN,
        PLAIN,
        _deploy_stage,
        prepare=lambda world, app: destroy(world, app + STAGE),
        stage_suffix=STAGE,
    ),
    Operation(
        "destroy a stage",
        PLAIN,
        PLAIN,
        _destroy_stage,
        prepare=lambda world, app: world.deploy(app + STAGE, PLAIN),
        stage_suffix=STAGE,
        is_destroy=True,
    ),
)
OPERATIONS = (*FIRSTS, *UPDATES, *HOSTINGS, *CANARIES, *ROLLBACKS, *STAGES, *DESTROYS)
