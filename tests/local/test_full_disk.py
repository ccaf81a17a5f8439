"""A full disk: what was refused is not visible, what was answered survives kill -9, and it goes on when there is space."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.local_service import RUNTIME, Service, zipped
from support.small_disk import SmallDisk, can_mount, small_disk
from support.waiting import eventually

pytestmark = pytest.mark.skipif(not can_mount(), reason="mounting a small disk needs user namespaces")
BIG = "x" * 3000
FULL = r"InsufficientStorageException.*the disk with the state of lambent's local Lambda is full, and nothing was changed"


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallDisk]:
    with small_disk(tmp_path_factory.mktemp("disk") / "state", "4m") as disk:
        for name in ("one", "two"):
            disk.service.function(name)
            disk.service.client("lambda").publish_version(FunctionName=name)
        disk.service.client("s3").create_bucket(Bucket="bucket")
        yield disk


def snapshot(service: Service) -> dict[str, Any]:
    """Return everything that the service shows, without what is new in each response."""
    aws, s3, iam = service.client("lambda"), service.client("s3"), service.client("iam")
    functions = {each["FunctionArn"]: each for each in aws.list_functions(FunctionVersion="ALL")["Functions"]}
    names = {each["FunctionName"] for each in functions.values()}
    return {
        "functions": functions,
        "aliases": {name: aws.list_aliases(FunctionName=name)["Aliases"] for name in names},
        "tags": {name: aws.get_function(FunctionName=name).get("Tags") for name in names},
        "layers": aws.list_layers()["Layers"],
        "roles": [role["RoleName"] for role in iam.list_roles()["Roles"]],
        "objects": {each["Key"]: each["ETag"] for each in s3.list_objects_v2(Bucket="bucket").get("Contents", [])},
    }


def update(service: Service) -> None:
    service.client("lambda").update_function_configuration(FunctionName="one", Environment={"Variables": {"VALUE": BIG}})


def update_code(service: Service) -> None:
    service.client("lambda").update_function_code(FunctionName="one", ZipFile=zipped({"app.py": BIG * 10}), Publish=True)


def create(service: Service) -> None:
    code = {"ZipFile": zipped({"app.py": BIG})}
    service.client("lambda").create_function(
        FunctionName="new", Runtime=RUNTIME, Role=service.role(), Handler="app.h", Code=code, Description="new"
    )


def alias(service: Service) -> None:
    service.client("lambda").create_alias(FunctionName="one", Name="a", FunctionVersion="1", Description="d" * 250)


def tag(service: Service) -> None:
    arn = service.client("lambda").get_function(FunctionName="two")["Configuration"]["FunctionArn"]
    service.client("lambda").tag_resource(Resource=arn, Tags={f"key-{number}": "v" * 250 for number in range(40)})


def layer(service: Service) -> None:
    service.client("lambda").publish_layer_version(LayerName="l", Content={"ZipFile": zipped({"x": BIG})}, Description="d")


def role(service: Service) -> None:
    service.client("iam").create_role(RoleName="refused", AssumeRolePolicyDocument="{}", Description="d" * 900)


def small_object(service: Service) -> None:
    service.client("s3").put_object(Bucket="bucket", Key="small", Body=b"x" * 10_000)


def big_object(service: Service) -> None:
    service.client("s3").put_object(Bucket="bucket", Key="big", Body=b"x" * 100_000)


@pytest.mark.parametrize("change", [update, update_code, create, alias, tag, layer, role, small_object, big_object])
def test_refused_change_is_not_visible_and_the_next_one_survives(disk: SmallDisk, change: Callable[[Service], None]) -> None:
    settled(disk.service)
    before, refusals = snapshot(disk.service), 0
    for space in (0, 4096, 8192):
        disk.leave(space)
        try:
            change(disk.service)
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


def settled(service: Service) -> dict[str, Any]:
    """Return the snapshot once no function is in transition."""
    aws = service.client("lambda")
    eventually(lambda: all(each["LastUpdateStatus"] == "Successful" for each in functions(aws)), what="the end of a transition")
    return snapshot(service)


def functions(aws: Any) -> list[Any]:
    return [aws.get_function_configuration(FunctionName=each["FunctionName"]) for each in aws.list_functions()["Functions"]]


def test_update_that_cant_settle_settles_when_there_is_space(disk: SmallDisk) -> None:
    settled(disk.service)
    disk.leave(0)
    with pytest.raises(ClientError, match=FULL):
        update(disk.service)
    disk.free()
    update(disk.service)
    settled(disk.service)
    aws = disk.service.client("lambda")
    assert aws.get_function_configuration(FunctionName="one")["Environment"]["Variables"] == {"VALUE": BIG}
    assert aws.invoke(FunctionName="one", Payload=b"{}")["StatusCode"] == 200


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
