"""A full disk: what was refused is not visible, what was answered survives kill -9, and it goes on when there is space."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from support.small_disk import SmallDisk, can_mount, small_disk
from support.state_changes import BIG, Change, big_object, create, prepare, settled, snapshot, update

pytestmark = pytest.mark.skipif(not can_mount(), reason="mounting a small disk needs user namespaces")
FULL = r"InsufficientStorageException.*the state of lambent's local Lambda is full or can't be written, and nothing was changed"


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallDisk]:
    with small_disk(tmp_path_factory.mktemp("disk") / "state", "4m") as disk:
        prepare(disk.service)
        yield disk


@pytest.mark.parametrize("change", [update, create, big_object])
def test_refused_change_is_not_visible_and_the_next_one_survives(disk: SmallDisk, change: Change) -> None:
    settled(disk.service)
    before, refusals = snapshot(disk.service), 0
    for space in (0, 4096, 8192):
        disk.leave(space)
        try:
            change(disk.service, space)
        except ClientError as error:
            refusals += 1
            assert error.response["Error"]["Code"] == "InsufficientStorageException"
            assert snapshot(disk.service) == before
            disk.free()
        else:
            disk.free()
            before = settled(disk.service)
            break
    assert refusals > 0
    number = sum(1 for _ in before["roles"])
    disk.service.client("iam").create_role(RoleName=f"r{number}", AssumeRolePolicyDocument="{}")
    disk.service.client("lambda").put_function_concurrency(FunctionName="two", ReservedConcurrentExecutions=number)
    after = settled(disk.service)
    disk.kill_and_start()
    assert snapshot(disk.service) == after
    assert f"r{number}" in after["roles"]


def test_update_that_cant_settle_settles_when_there_is_space(disk: SmallDisk) -> None:
    settled(disk.service)
    disk.leave(0)
    with pytest.raises(ClientError, match=FULL):
        update(disk.service, 0)
    disk.free()
    update(disk.service, 0)
    settled(disk.service)
    aws = disk.service.client("lambda")
    assert aws.get_function_configuration(FunctionName="one")["Environment"]["Variables"] == {"VALUE": f"{BIG}0"}
    assert aws.invoke(FunctionName="one", Payload=b"{}")["StatusCode"] == 200


def test_deletions_work_on_a_full_disk(disk: SmallDisk) -> None:
    create(disk.service, 1)
    big_object(disk.service, 1)
    settled(disk.service)
    disk.leave(0)
    disk.service.client("lambda").delete_function(FunctionName="new-1")
    disk.service.client("s3").delete_object(Bucket="bucket", Key="big")
    disk.free()
    after = settled(disk.service)
    disk.kill_and_start()
    assert snapshot(disk.service) == after and "big" not in after["objects"]


def test_service_starts_on_a_full_disk_or_says_why_not(disk: SmallDisk) -> None:
    before = settled(disk.service)
    disk.leave(0)
    try:
        disk.kill_and_start()
    except AssertionError as error:
        assert "No space left" in str(error) or "disk is full" in str(error)
        disk.free()
        disk.start()
    else:
        disk.free()
    assert snapshot(disk.service) == before
