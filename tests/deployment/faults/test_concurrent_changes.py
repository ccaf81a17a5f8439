"""Someone else changes the same app at critical moments, by hand or with another deploy."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from lambent import events
from lambent.aws.values import Invoked
from lambent.deployment.context import DeployContext
from lambent.deployment.deploy import deploy
from lambent.deployment.fetch import Response
from lambent.deployment.rollback import rollback
from lambent.errors import DeployError
from support.deploy_cases import HookedAws
from support.faults.operation import PLAIN
from support.faults.operation_table import STREAMED
from support.faults.url_poller import request_once
from support.faults.world import QUICK, World, with_hosting

ONE, TWO, THREE = (replace(PLAIN, text=text) for text in ("one", "two", "three"))


def test_rollback_stops_if_someone_deploys_at_the_same_time(world: World) -> None:
    for spec in (ONE, TWO):
        world.deploy("before", spec, world.direct)

    def meanwhile(call: str, number: int) -> None:
        if call == "move_alias":
            world.deploy("before", THREE, world.direct)

    with pytest.raises(DeployError, match="another deploy of before moved live to version 3"):
        rollback("before", "", DeployContext(HookedAws(world.direct, before=meanwhile), events.ignore, QUICK))
    assert request_once(world.url("before")) == THREE.body


class Fickle(HookedAws):
    """The new version responds once, and fails from then on."""

    def invoke(self, function: str, qualifier: str, payload: bytes) -> Invoked:
        self.calls.append("invoke")
        failed = self.calls.count("invoke") > 1
        return Invoked(b'{"errorType": "ValueError"}' if failed else b'{"statusCode": 200}', "Unhandled" * failed, "")


def test_taking_back_does_not_undo_another_deploy(world: World) -> None:
    world.deploy("taken", ONE, world.direct)

    def fetch(url: str, *_: object) -> Response:
        """The URL fails, and by then another version is behind it."""
        world.deploy("taken", THREE, world.direct)
        return Response(502, b"Internal Server Error")

    app_config, zipped = TWO.config(world.folder, "taken"), TWO.artifact(world.folder)
    with pytest.raises(DeployError) as lost:
        deploy(app_config, zipped, DeployContext(Fickle(world.direct), events.ignore, QUICK, fetch))
    assert "another deploy has moved live" in lost.value.hint
    assert request_once(world.url("taken")) == THREE.body


def test_version_of_a_foreign_alias_is_kept(world: World) -> None:
    spec = with_hosting(ONE, keep_versions=1)
    world.deploy("kept", spec, world.direct)
    world.direct.create_alias("kept", "mine", "1")
    deployed = world.deploy("kept", replace(spec, text="two"), world.direct)
    assert (deployed.version, deployed.changed) == ("2", True)
    assert [each.version for each in world.direct.versions("kept")] == ["1", "2"]
    again = world.deploy("kept", replace(spec, text="two"), world.direct)
    assert again.changed is False


def test_next_rollback_fixes_a_half_switched_mode(world: World) -> None:
    for spec in (STREAMED, ONE):
        world.deploy("half", spec, world.direct)
    world.direct.move_alias("half", "live", "1")  # as a rollback that was killed before it set the URL's mode
    assert request_once(world.url("half"))[0] == 502
    rollback("half", "1", DeployContext(world.direct, events.ignore, QUICK))
    assert request_once(world.url("half")) == STREAMED.body


def test_deleted_bucket_counts_as_empty(world: World) -> None:
    world.direct.empty_bucket("deleted-meanwhile", "uploads/")  # raises nothing
    assert not world.direct.bucket("deleted-meanwhile")
