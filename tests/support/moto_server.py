"""moto's server, a second implementation of AWS's API."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from lambent.aws.values import Pairs
from lambent.deploy.fetch import Response


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
        from moto.core.config import default_user_config
        from moto.server import ThreadedMotoServer

        patch.setitem(default_user_config["lambda"], "use_docker", False)
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        yield f"http://127.0.0.1:{server.get_host_and_port()[1]}"
        server.stop()


def answering(url: str, within_s: float, headers: Pairs) -> Response:
    return Response(200, b"hello")
