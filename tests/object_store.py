"""An object store on loopback that speaks S3, in a thread of the tests' own process."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager

import httpx
import pytest

__all__ = ["BUCKET", "Store", "object_store"]

BUCKET = "scans"


class Store:
    """A store that runs, with one bucket."""

    def __init__(self, endpoint):
        self.endpoint = endpoint
        self.environment = {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "tests",
            "AWS_SECRET_ACCESS_KEY": "tests",
            "AWS_DEFAULT_REGION": "us-east-1",
            # No file of this machine's user, and no question to a server that is not there.
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "FSSPEC_CONFIG_DIR": os.devnull,
        }

    def location(self, name):
        return f"s3://{BUCKET}/{name}"

    def put(self, name, data):
        """Stores an object; its location."""
        import fsspec

        location = self.location(name)
        fsspec.filesystem("s3").pipe_file(location, data)
        return location

    def get(self, name):
        import fsspec

        return fsspec.filesystem("s3").cat_file(self.location(name))

    def remove(self, name):
        import fsspec

        fsspec.filesystem("s3").rm_file(self.location(name))

    def names(self, folder=""):
        """The names of all objects below a folder."""
        import fsspec

        system = fsspec.filesystem("s3")
        system.invalidate_cache()
        found = system.find(self.location(folder))
        return sorted(name.removeprefix(f"{BUCKET}/") for name in found)


@contextmanager
def object_store():
    """Starts a store and ends it; within, this process and those it starts are told of it.

    Clusters must be started within, or their processes know nothing of the store.
    """
    server_module = pytest.importorskip("moto.server", reason="needs moto[server]")
    pytest.importorskip("s3fs", reason="needs s3fs")
    # It tells of each request.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        address, port = server.get_host_and_port()
        store = Store(f"http://{address}:{port}")
        with pytest.MonkeyPatch.context() as patch:
            for name, value in store.environment.items():
                patch.setenv(name, value)
            patch.delenv("AWS_PROFILE", raising=False)
            # What other stores of this process had is still there.
            httpx.post(f"{store.endpoint}/moto-api/reset").raise_for_status()
            _make_bucket()
            try:
                yield store
            finally:
                _forget()
    finally:
        server.stop()


def _make_bucket():
    import fsspec

    _forget()
    fsspec.filesystem("s3").mkdir(BUCKET)


def _forget():
    """Lets go of sessions with stores of other tests, which are gone."""
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
