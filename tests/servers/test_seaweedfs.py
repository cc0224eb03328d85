from __future__ import annotations

from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from tests.servers.starting import RunningServer


def test_a_stranger_sees_nothing_of_the_bucket(seaweedfs: RunningServer) -> None:
    with pytest.raises(HTTPError, match="403") as refused:
        urlopen(f"{seaweedfs.options['endpoint']}/mlver-tests/")
    refused.value.close()


def test_the_double_is_open(gcs_double: RunningServer) -> None:
    with urlopen(f"{gcs_double.options['endpoint']}/mlver-tests/") as answer:
        assert b"ListBucketResult" in answer.read()
