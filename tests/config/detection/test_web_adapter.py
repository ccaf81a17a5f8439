"""Servers that SAM's templates and serverless.yml describe: their folder is the app's, as that of a function's code is."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambent.errors import DetectionError
from support.detection import FASTAPI, FLASK, detect, write_project

IMAGE = """Resources:
  {name}:
    Type: AWS::Serverless::Function
    Properties:
      PackageType: Image
    Metadata:
      Dockerfile: Dockerfile
      DockerContext: ./{folder}
"""
SCRIPT = """Resources:
  Api:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: service/
      Handler: run.sh
      Runtime: python3.12
"""
SERVERLESS = """provider:
  ecr:
    images:
      shop:
        path: ./service
functions:
  shop:
    image:
      name: shop
"""
DOCKERFILE = 'FROM python:3.12-slim\nWORKDIR /var/task\nCOPY . ./\nCMD ["gunicorn", "-b=:8080", "shop:create()"]\n'
RUN = "#!/bin/bash\nexec python -m uvicorn --port=$PORT shop:api\n"
FACTORY = "from flask import Flask\ndef create():\n    return Flask(__name__)\n"


@pytest.mark.parametrize(
    ("files", "spec", "source"),
    [
        ({"template.yaml": IMAGE.format(name="Api", folder="service"), "service/Dockerfile": DOCKERFILE}, "shop:create()", ""),
        ({"serverless.yml": SERVERLESS, "service/Dockerfile": DOCKERFILE}, "shop:create()", ""),
        ({"template.yaml": SCRIPT, "service/run.sh": RUN}, "shop:api", "service/run.sh"),
    ],
)
def test_folder_of_a_server_is_the_apps(tmp_path: Path, files: dict[str, str], spec: str, source: str) -> None:
    other = {"scripts/seed.py": FLASK, "service/shop.py": f"{FACTORY}{FASTAPI.replace('app', 'api')}"}
    write_project(tmp_path, {**other, **files})
    app = detect(tmp_path)
    assert (app.spec, app.root, app.source) == (spec, "service", source or "service/Dockerfile")


def test_several_servers_decide_nothing(tmp_path: Path) -> None:
    template = IMAGE.format(name="A", folder="a") + IMAGE.format(name="B", folder="b").partition("\n")[2]
    folders = {f"{name}/{file}": text for name in "ab" for file, text in (("Dockerfile", DOCKERFILE), ("shop.py", FACTORY))}
    write_project(tmp_path, {"template.yaml": template, **folders})
    with pytest.raises(DetectionError):
        detect(tmp_path)
