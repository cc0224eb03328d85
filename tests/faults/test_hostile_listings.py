"""Data at an address, in a repository made by somebody who means harm."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

from mlver.records.listing import HashedObject, PrefixListing
from tests.conftest import Repository
from tests.faults.hostile import READING, WRITING, check_all_commands

_HEX = hashlib.sha256(b"one").hexdigest()
_COMMANDS = (("status",), ("diff", "m@2.0.0"), ("verify", "--all"), ("doctor",), *WRITING[1:3])


def _write_listing(victim: Repository, data: bytes) -> str:
    """Put a listing where its bytes hash to its name; its digest."""
    name = hashlib.sha256(data).hexdigest()
    victim.write(f".mlver/listings/{name}.json", data)
    return f"sha256:{name}"


def _forge_data(victim: Repository, url: str, listing: str, manifest: bytes) -> None:
    """A third version whose data set is said to lie at an address."""
    digest = hashlib.sha256(manifest).hexdigest()
    victim.write(f".mlver/manifests/{digest}.sha256", manifest)
    text = (victim.path / ".mlver/models/m/versions/1.1.0.yaml").read_text()
    text = text.replace('version: "1.1.0"', 'version: "2.0.0"')
    lines = (
        f"path: {json.dumps(url)}",
        f'digest: "sha256:{digest}"',
        "size: 3",
        "files: 1",
        "stored: false",
        f'listing: "{listing}"',
    )
    data = "data:\n  train:\n" + "".join(f"    {line}\n" for line in lines)
    text = re.sub(r"data:\n(?:  .*\n)+", lambda _: data, text)
    victim.write(".mlver/models/m/versions/2.0.0.yaml", text)
    settings = victim.path / ".mlver/models/m/model.yaml"
    known = settings.read_text()
    assert "path: data\n" in known
    settings.write_text(known.replace("path: data\n", f"path: {json.dumps(url)}\n"))
    victim.commit()
    victim.mlver("tag")


def _make_listing(url: str, key: str = "a") -> bytes:
    return PrefixListing(url, (HashedObject(key, 3, _HEX),)).to_bytes()


_GOOD = _make_listing("file:///nowhere/at/all").decode()
_LISTINGS = {
    "brackets": "[" * 200_000,
    "digits": _GOOD.replace('"size": 3', '"size": ' + "9" * 9_000),
    "above": _GOOD.replace('"a"', '"../evil"'),
    "git": _GOOD.replace('"a"', '".git/hooks/post-commit"'),
    "absolute": _GOOD.replace('"a"', '"/tmp/evil"'),
    "control": _GOOD.replace('"a"', '"\\u001b[2J\\n::add-mask::"'),
    "surrogate": _GOOD.replace('"a"', '"\\ud800"'),
    "another address": _make_listing("file:///etc").decode(),
    "another key": _make_listing("file:///nowhere/at/all", "b").decode(),
    "another object": _GOOD.replace(_HEX, "ab" * 32),
    "another size": _GOOD.replace('"size": 3', '"size": 4'),
    "nothing": "",
    "nul": "\0",
    "newer": _GOOD.replace("listing/1", "listing/2"),
}


@pytest.mark.parametrize("name", _LISTINGS)
def test_a_hostile_listing_is_damage(victim: Repository, outside: Path, name: str) -> None:
    listing = _write_listing(victim, _LISTINGS[name].encode())
    _forge_data(victim, "file:///nowhere/at/all", listing, f"{_HEX}  a\n".encode())
    check_all_commands(victim, outside, _COMMANDS)
    done = victim.mlver("verify", "m@2.0.0")
    assert done.code == 1
    assert f".mlver/listings/{listing[7:]}.json" in done.out


@pytest.mark.parametrize(
    "url",
    [
        "file:///../../outside",
        "s3://../../outside",
        "../outside",
        "s3://bucket/\x1b[2J",
        "ext::sh -c evil",
        "ssh://-oProxyCommand=evil/a",
        "https://user:secret@example.org/a",
        "data",
    ],
)
def test_a_hostile_address_is_refused(victim: Repository, outside: Path, url: str) -> None:
    listing = _write_listing(victim, _GOOD.encode())
    _forge_data(victim, url, listing, f"{_HEX}  a\n".encode())
    check_all_commands(victim, outside, _COMMANDS)
    assert victim.mlver("verify", "--all").code == 1


def test_a_listing_behind_a_symlink_is_not_read(victim: Repository, outside: Path) -> None:
    data = _make_listing("file:///nowhere/at/all")
    listing = _write_listing(victim, data)
    path = victim.path / f".mlver/listings/{listing[7:]}.json"
    path.unlink()
    (outside / "listing.json").write_bytes(data)
    path.symlink_to(outside / "listing.json")
    _forge_data(victim, "file:///nowhere/at/all", listing, f"{_HEX}  a\n".encode())
    check_all_commands(victim, outside, _COMMANDS)
    assert victim.mlver("verify", "--all").code == 1


def test_an_address_that_only_the_repository_names_is_not_read(
    victim: Repository, outside: Path
) -> None:
    url = outside.as_uri()
    listing = _write_listing(victim, _make_listing(url))
    _forge_data(victim, url, listing, f"{_HEX}  a\n".encode())
    check_all_commands(victim, outside, READING)
    done = victim.mlver("register", "m", "--bump", "minor", "-m", "Why", "--allow-dirty")
    assert (done.code, "nobody has typed that here yet" in done.err) == (3, True)
