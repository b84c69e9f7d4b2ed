"""A real S3 server for tests: moto's, in this process, on a loopback port."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from moto.server import ThreadedMotoServer

_numbers = itertools.count()


@contextmanager
def s3_server() -> Iterator[dict[str, str]]:
    """Serve S3 and yield the environment that points boto3 and LanceDB at it."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield {
            "AWS_ENDPOINT_URL_S3": f"http://{host}:{port}",
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": "ap-northeast-2",
            "AWS_REGION": "ap-northeast-2",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
    finally:
        server.stop()


def new_bucket(environment: dict[str, str]) -> str:
    """Make an empty bucket and return its name."""
    import boto3

    name = f"songs-{next(_numbers)}"
    client = boto3.client("s3", endpoint_url=environment["AWS_ENDPOINT_URL_S3"], region_name=environment["AWS_REGION"],
                          aws_access_key_id="testing", aws_secret_access_key="testing")  # fmt: skip
    client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": environment["AWS_REGION"]})
    return name
