"""Changes of each kind that a full or broken disk may refuse, and everything that the service shows of them."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import Any

from support.local_service import RUNTIME, TRUST, Service, zipped
from support.waiting import eventually

BIG = "x" * 3000
Change = Callable[[Service, int], object]
"""Makes a change that the service has not seen with this number yet."""


def prepare(service: Service) -> None:
    """Create what the changes need."""
    for name in ("one", "two"):
        service.function(name)
        service.client("lambda").publish_version(FunctionName=name)
    service.client("s3").create_bucket(Bucket="bucket")
    service.client("logs").create_log_group(logGroupName="group")
    service.client("logs").create_log_stream(logGroupName="group", logStreamName="stream")


def snapshot(service: Service) -> dict[str, Any]:
    """Return everything that the service shows, without what is new in each response."""
    aws, s3, iam, logs = (service.client(name) for name in ("lambda", "s3", "iam", "logs"))
    functions = {each["FunctionArn"]: each for each in listed(aws, "list_functions", FunctionVersion="ALL")}
    names = {each["FunctionName"] for each in functions.values()}
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket="bucket").get("Contents", [])]
    groups = [group["logGroupName"] for group in listed(logs, "describe_log_groups")]
    return {
        "functions": functions,
        "aliases": {name: aws.list_aliases(FunctionName=name)["Aliases"] for name in names},
        "tags": {name: aws.get_function(FunctionName=name).get("Tags") for name in names},
        "layers": aws.list_layers()["Layers"],
        "roles": [role["RoleName"] for role in listed(iam, "list_roles")],
        "objects": {key: hashlib.sha256(s3.get_object(Bucket="bucket", Key=key)["Body"].read()).hexdigest() for key in keys},
        "events": {group: logs.filter_log_events(logGroupName=group)["events"] for group in groups},
    }


def listed(client: Any, operation: str, **parameters: str) -> list[Any]:
    """Return all items that an operation lists, on however many pages."""
    (items,) = client.get_paginator(operation).paginate(**parameters).build_full_result().values()
    return list(items)


def settled(service: Service) -> dict[str, Any]:
    """Return the snapshot once no function is in transition."""
    aws = service.client("lambda")
    eventually(lambda: set(update_statuses(aws)) == {"Successful"}, what="the end of all transitions")
    return snapshot(service)


def update_statuses(aws: Any) -> list[str]:
    """Return the LastUpdateStatus of all functions. A new one has none at first."""
    names = [each["FunctionName"] for each in listed(aws, "list_functions")]
    return [aws.get_function_configuration(FunctionName=name).get("LastUpdateStatus", "") for name in names]


def update(service: Service, number: int) -> None:
    variables = {"VALUE": f"{BIG}{number}"}
    service.client("lambda").update_function_configuration(FunctionName="one", Environment={"Variables": variables})


def update_code(service: Service, number: int) -> None:
    code = zipped({"app.py": f"{BIG * 10}{number}"})
    service.client("lambda").update_function_code(FunctionName="one", ZipFile=code, Publish=True)


def create(service: Service, number: int) -> None:
    name, code = f"new-{number}", {"ZipFile": zipped({"app.py": f"{BIG}{number}"})}
    service.client("lambda").create_function(
        FunctionName=name, Runtime=RUNTIME, Role=service.role(), Handler="app.h", Code=code, Description="new"
    )


def alias(service: Service, number: int) -> None:
    service.client("lambda").create_alias(FunctionName="one", Name=f"a{number}", FunctionVersion="1", Description="d" * 250)


def tag(service: Service, number: int) -> None:
    arn = service.client("lambda").get_function(FunctionName="two")["Configuration"]["FunctionArn"]
    service.client("lambda").tag_resource(Resource=arn, Tags={f"key-{each}": f"{'v' * 250}{number}" for each in range(40)})


def layer(service: Service, number: int) -> None:
    content = {"ZipFile": zipped({"x": f"{BIG}{number}"})}
    service.client("lambda").publish_layer_version(LayerName="l", Content=content, Description="d")


def role(service: Service, number: int) -> None:
    service.client("iam").create_role(RoleName=f"role-{number}", AssumeRolePolicyDocument=TRUST, Description="d" * 900)


def small_object(service: Service, number: int) -> None:
    service.client("s3").put_object(Bucket="bucket", Key="small", Body=f"{BIG}{number}".encode())


def big_object(service: Service, number: int) -> None:
    service.client("s3").put_object(Bucket="bucket", Key="big", Body=f"{BIG * 30}{number}".encode())


def log_group(service: Service, number: int) -> None:
    service.client("logs").create_log_group(logGroupName=f"group-{number}")


def delete_function(service: Service, number: int) -> None:
    service.client("lambda").delete_function(FunctionName=f"new-{number}")


def delete_object(service: Service, number: int) -> None:
    service.client("s3").delete_object(Bucket="bucket", Key="big")


def add_events(service: Service, number: int) -> None:
    logs, group = service.client("logs"), f"group-{number}"
    logs.create_log_group(logGroupName=group)
    for stream in ("one", "two"):
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
        event = {"timestamp": int(time.time() * 1000), "message": f"{BIG}{number}"}
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[event])


def delete_stream(service: Service, number: int) -> None:
    service.client("logs").delete_log_stream(logGroupName=f"group-{number}", logStreamName="one")


def delete_group(service: Service, number: int) -> None:
    service.client("logs").delete_log_group(logGroupName=f"group-{number}")


def log_events(service: Service, number: int) -> None:
    event = {"timestamp": int(time.time() * 1000), "message": f"{BIG}{number}"}
    service.client("logs").put_log_events(logGroupName="group", logStreamName="stream", logEvents=[event])


CHANGES: tuple[Change, ...] = (
    update, update_code, create, alias, tag, layer, role, small_object, big_object, log_group, log_events,
)  # fmt: skip

DELETIONS: dict[Change, Change] = {
    delete_function: create, delete_object: big_object, delete_stream: add_events, delete_group: add_events,
}  # fmt: skip
"""Changes, and what must be there before."""
