"""A catalogue in a bucket: Amazon S3, or any store that speaks its protocol (extra: s3).

Region, credentials and endpoint come from boto3's own places (environment, profile, the role of the machine);
`AWS_ENDPOINT_URL_S3` names another store, such as MinIO.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from profile_music.errors import (
    CatalogChangedError,
    CatalogMissingError,
    CatalogUnreachableError,
    DependencyMissingError,
    InputError,
)
from profile_music.index.manifest import FILES_DIR, MANIFEST_NAME
from profile_music.index.storage import CHUNK_BYTES, StoredFile, StoredManifest

_DELETE_AT_ONCE = 1000
_CONNECT_TIMEOUT_S = 5
_READ_TIMEOUT_S = 30


def split_s3_url(url: str) -> tuple[str, str]:
    """Return bucket and prefix (without slashes at its ends) of `s3://bucket/prefix`.

    Raises:
        InputError: Not such an address.
    """
    scheme, _, rest = url.partition("://")
    bucket, _, prefix = rest.partition("/")
    if scheme != "s3" or not bucket:
        raise InputError(reason="s3://BUCKET/PREFIX")
    return bucket, prefix.strip("/")


class S3Store:
    """A catalogue under a prefix of a bucket. Thread-safe."""

    def __init__(self, url: str, client: Any = None) -> None:
        """Use `s3://bucket/prefix`; `client` is a boto3 S3 client, made where None.

        Raises:
            DependencyMissingError: boto3 is not installed.
        """
        self._bucket, prefix = split_s3_url(url)
        self._prefix = f"{prefix}/" if prefix else ""
        self.client = client or _make_client(self.location)

    @property
    def location(self) -> str:
        """The address."""
        return f"s3://{self._bucket}/{self._prefix}"

    def read_manifest(self, unless_etag: str = "") -> StoredManifest | None:
        """Return the current manifest (see `CatalogStore`)."""
        condition = {"IfNoneMatch": unless_etag} if unless_etag else {}
        try:
            with self._translated():
                answer = self.client.get_object(Bucket=self._bucket, Key=self._prefix + MANIFEST_NAME, **condition)
                return StoredManifest(answer["Body"].read().decode("utf-8"), answer["ETag"])
        except _NotModified:
            return None
        except FileNotFoundError as error:
            raise CatalogMissingError(path=self.location) from error

    def write_manifest(self, text: str, replaces_etag: str | None) -> str:
        """Replace the manifest (see `CatalogStore`), by S3's conditional write."""
        condition = {"IfMatch": replaces_etag} if replaces_etag else {"IfNoneMatch": "*"}
        try:
            with self._translated():
                answer = self.client.put_object(
                    Bucket=self._bucket, Key=self._prefix + MANIFEST_NAME, Body=text.encode("utf-8"),
                    ContentType="application/json", CacheControl="no-cache", **condition,
                )  # fmt: skip
        except (_ConditionFailed, FileNotFoundError) as error:
            raise CatalogChangedError(location=self.location) from error
        etag: str = answer["ETag"]
        return etag

    def chunks(self, path: str) -> Iterator[bytes]:
        """Iterate over a content file's bytes."""
        with self._translated():
            answer = self.client.get_object(Bucket=self._bucket, Key=self._prefix + path)
            yield from answer["Body"].iter_chunks(CHUNK_BYTES)

    def upload(self, source: Path, path: str) -> None:
        """Upload a file, large ones in parts; S3 checks what arrives."""
        with self._translated():
            self.client.upload_file(str(source), self._bucket, self._prefix + path)

    def files(self) -> Mapping[str, StoredFile]:
        """Return all content files by path."""
        found: dict[str, StoredFile] = {}
        with self._translated():
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=f"{self._prefix}{FILES_DIR}/"
            )
            for page in pages:
                for row in page.get("Contents", ()):
                    path = row["Key"].removeprefix(self._prefix)
                    found[path] = StoredFile(int(row["Size"]), row["LastModified"].timestamp())
        return found

    def delete(self, paths: Collection[str]) -> None:
        """Remove content files."""
        keys = [{"Key": self._prefix + path} for path in paths]
        with self._translated():
            for begin in range(0, len(keys), _DELETE_AT_ONCE):
                part = keys[begin : begin + _DELETE_AT_ONCE]
                self.client.delete_objects(Bucket=self._bucket, Delete={"Objects": part, "Quiet": True})

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn boto3's errors into ours: what is absent, what did not match, and everything else."""
        from boto3.exceptions import Boto3Error
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            raise self._known(code) from error
        except (BotoCoreError, Boto3Error) as error:
            raise CatalogUnreachableError(location=self.location, reason=type(error).__name__) from error

    def _known(self, code: str) -> Exception:
        if code in ("304", "NotModified"):
            return _NotModified()
        if code in ("412", "PreconditionFailed", "409", "ConditionalRequestConflict"):
            return _ConditionFailed()
        if code in ("404", "NoSuchKey"):
            return FileNotFoundError(self.location)
        return CatalogUnreachableError(location=self.location, reason=code)


def make_bucket(url: str) -> None:
    """Make the bucket of an address in the client's region; one that is there already is no error.

    Raises:
        CatalogUnreachableError: The store refuses.
    """
    store = S3Store(url)
    bucket, _ = split_s3_url(url)
    region = store.client.meta.region_name
    place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    try:
        with store._translated():
            store.client.create_bucket(Bucket=bucket, **place)
    except CatalogUnreachableError as error:
        if error.details["reason"] != "BucketAlreadyOwnedByYou":
            raise


class _NotModified(Exception):
    pass


class _ConditionFailed(Exception):
    pass


def _make_client(location: str) -> Any:
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
    except ImportError as error:
        raise DependencyMissingError(extra="s3") from error
    config = Config(
        connect_timeout=_CONNECT_TIMEOUT_S,
        read_timeout=_READ_TIMEOUT_S,
        retries={"mode": "standard", "max_attempts": 4},
    )
    try:
        return boto3.client("s3", config=config)
    except (BotoCoreError, ValueError) as error:
        raise CatalogUnreachableError(location=location, reason=type(error).__name__) from error
