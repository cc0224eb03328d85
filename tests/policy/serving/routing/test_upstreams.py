from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.policy.serving.routing.upstreams import Upstream, parse_upstream

# Letters that mean nothing to nginx, HAProxy, Envoy and YAML inside a word.
_HARMLESS = re.compile(r"[A-Za-z0-9._:/\[\]-]+", re.ASCII)


@pytest.mark.parametrize(
    ("text", "upstream"),
    [
        ("127.0.0.1:9001", Upstream(host="127.0.0.1", port=9001)),
        ("localhost:1", Upstream(host="localhost", port=1)),
        ("digits-1-2-0.models.svc:65535", Upstream(host="digits-1-2-0.models.svc", port=65535)),
        ("model_server:80", Upstream(host="model_server", port=80)),
        ("[::1]:9001", Upstream(host="::1", port=9001)),
        ("[::ffff:127.0.0.1]:80", Upstream(host="::ffff:127.0.0.1", port=80)),
        ("unix:/run/digits/stable.sock", Upstream(socket="/run/digits/stable.sock")),
    ],
)
def test_an_address_is_read(text: str, upstream: Upstream) -> None:
    assert parse_upstream(text) == upstream


@pytest.mark.parametrize(
    "text",
    [
        "",
        "localhost",
        "localhost:",
        ":80",
        "localhost:0",
        "localhost:65536",
        "localhost:80\n",
        "localhost:٨٠",
        "::1:80",
        "[::1]",
        "[localhost]:80",
        "[fe80::1%eth0]:80",
        "256.0.0.1:80",
        "10.1:80",
        "-a:80",
        "a-:80",
        "a..b:80",
        "a.:80",
        "user@host:80",
        "http://host:80",
        "host:80/path",
        "host:80; server evil:80",
        "host:80 backup",
        "$host:80",
        "${HOME}:80",
        "unix:",
        "unix:run/a",
        "unix:/",
        "unix:/a/",
        "unix:/a//b",
        "unix:/a/../b",
        "unix:/a b",
        "unix:/a;",
        "unix:/a:/b",
        "unix:/" + "a" * 97,
        ("a" * 64) + ":80",
        ".".join(["a" * 60] * 5) + ":80",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    assert parse_upstream(text) is None


@given(st.text() | st.from_regex(r"(\S{1,9}|unix:/.{1,9}):[0-9]{1,6}.{0,9}"))
def test_no_address_has_a_letter_with_a_meaning(text: str) -> None:
    upstream = parse_upstream(text)
    if upstream is not None:
        written = upstream.authority if upstream.socket is None else upstream.socket
        assert _HARMLESS.fullmatch(written)
        assert text == (written if upstream.socket is None else f"unix:{written}")


def test_only_an_ip_address_needs_no_look_up() -> None:
    assert Upstream(host="::1", port=1).is_numeric
    assert Upstream(host="127.0.0.1", port=1).is_numeric
    assert not Upstream(host="localhost", port=1).is_numeric
