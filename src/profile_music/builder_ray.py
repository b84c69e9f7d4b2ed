"""Shards and indexes as Ray jobs, on this machine or on a cluster (extra: ray).

Every node needs this package with the extra, of the same version; songs and finished rows travel through Ray. Lost
workers' shards are made again by Ray; what this process has received stays on its disk.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Iterator
from typing import Any

from profile_music.builder_lance import Shard, ShardMaker
from profile_music.errors import CatalogNotWrittenError, DependencyMissingError
from profile_music.index.lance_rows import SongRows
from profile_music.index.lance_writer import build_indexes

_PENDING_A_CORE = 2
_CONNECT_TIMEOUT_S = 5.0


class RayJobs:
    """A connection to a Ray cluster; use as a context manager."""

    def __init__(self, maker: ShardMaker, address: str | None = None) -> None:
        """Connect.

        Args:
            maker: What makes rows.
            address: A cluster's address (`auto`, `host:6379`, `ray://host:10001`); one is started here where None.

        Raises:
            DependencyMissingError: The extra is not installed.
            CatalogNotWrittenError: No cluster answers at the address.
        """
        # Ray reports usage to its makers unless told otherwise.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            import ray
        except ImportError as error:
            raise DependencyMissingError(extra="ray") from error
        self._ray = ray
        self._maker = maker
        here = {} if address else {"include_dashboard": False}
        if address and address not in ("auto", "local"):
            _check_reachable(address)
        try:
            ray.init(address=address, log_to_driver=False, logging_level="ERROR", **here)
        except (ConnectionError, ValueError, RuntimeError, SystemExit) as error:  # Ray ends the process by itself
            raise CatalogNotWrittenError(reason=f"Ray: {error}") from error

    def __enter__(self) -> RayJobs:
        """Return the jobs."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the cluster; one that was started here ends."""
        self._ray.shutdown()

    def run(self, shards: Iterable[Shard]) -> Iterator[tuple[str, SongRows]]:
        """Make shards on all cores of the cluster, and yield them as they are done (a `ShardRunner`)."""
        ray = self._ray
        job = ray.remote(num_cpus=1, max_retries=5)(ShardMaker.rows)
        most = _PENDING_A_CORE * max(1, int(ray.cluster_resources().get("CPU", 1)))
        pending: dict[Any, str] = {}
        for name, songs in shards:
            pending[job.remote(self._maker, songs)] = name
            if len(pending) >= most:
                yield self._one(pending)
        while pending:
            yield self._one(pending)

    def build_indexes(self, location: str) -> None:
        """Build the indexes of a catalogue's tables as one job; those in a folder are built where the folder is."""
        ray = self._ray
        job = ray.remote(num_cpus=1)(build_indexes)
        if not location.startswith("s3://"):
            from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

            here = ray.get_runtime_context().get_node_id()
            job = job.options(scheduling_strategy=NodeAffinitySchedulingStrategy(here, soft=False))
        self._got(job.remote(location))

    def _one(self, pending: dict[Any, str]) -> tuple[str, SongRows]:
        done = self._ray.wait(list(pending), num_returns=1)[0][0]
        return pending.pop(done), self._got(done)

    def _got(self, reference: Any) -> Any:
        try:
            return self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            cause = getattr(error, "cause", None) or error
            raise CatalogNotWrittenError(reason=f"Ray: {str(cause).splitlines()[-1][:300]}") from error


def _check_reachable(address: str) -> None:
    """Knock at a cluster's door: Ray itself tries for ten minutes and then ends the process.

    Raises:
        CatalogNotWrittenError: Nobody listens there.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_TIMEOUT_S).close()
    except (OSError, ValueError, OverflowError) as error:
        raise CatalogNotWrittenError(reason=f"Ray: {address}: {error}") from error
