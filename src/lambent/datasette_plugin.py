"""The Datasette plugin: `datasette publish lambda`. Datasette imports it at every start, so it imports little of lambent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from datasette import hookimpl
from datasette.publish.common import add_common_publish_arguments_and_options

from lambent.lazy import LazyModule

if TYPE_CHECKING:
    from lambent.cli import datasette_publish
else:
    datasette_publish = LazyModule("lambent.cli.datasette_publish")


@hookimpl
def publish_subcommand(publish: click.Group) -> None:
    @publish.command("lambda")
    @add_common_publish_arguments_and_options
    @click.option("-n", "--name", help="Name of the function. Default: that of the first database.")
    @click.option("--local", "-l", is_flag=True, help="Use the local Lambda on this machine. Needs no AWS account.")
    @click.option("--region", help="AWS region. Default: that of the aws CLI.")
    @click.option("--profile", help="AWS profile. Default: that of the aws CLI.")
    @click.option("--memory", help="Memory: 512MB, 2GB. Default: 1024 (MB).")
    @click.option("--timeout", help="Time a request may take: 30s, 5m. Default: 30 (seconds).")
    @click.option("--auth", help="Who can call the URL: none (anyone, default) or iam (signed requests).")
    @click.option("--show-files", is_flag=True, help="Print the folder that is deployed and what is in it, and deploy nothing.")
    @click.option("-y", "--yes", is_flag=True, help="Create a public URL without asking.")
    @click.pass_context
    def publish_lambda(context: click.Context, /, **values: Any) -> None:
        "Publish databases to Datasette running on AWS Lambda"
        context.exit(datasette_publish.publish(values))
