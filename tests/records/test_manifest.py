from __future__ import annotations

import hashlib
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.digest import Digest
from mlver.errors import InvalidDocument
from mlver.records import manifest as module
from mlver.records.manifest import (
    FAULTS_SHOWN,
    Listing,
    Manifest,
    ManifestComparison,
    ManifestEntry,
    compare_manifests,
    format_line,
    format_lines,
    read_paths,
)

ONE, TWO, THREE = ("1" * 64, "2" * 64, "3" * 64)
ODD_NAMES = [
    b"plain",
    b"with space",
    b"-dash",
    b"new\nline",
    b"back\\slash",
    b"\\n",
    b"\xff\xfe",
    b" lead",
    b"*star",
    b"sub/a-b",
    b"sub/a/c",
    b"sub/a0",
    b"carriage\rreturn",
    "ünïcode".encode(),
]

components = (
    st.binary(min_size=1, max_size=6)
    .map(lambda name: name.replace(b"/", b"x").replace(b"\0", b"y"))
    .filter(lambda name: name not in (b".", b"..") and name.lower() != b".git")
)
digests = st.sampled_from([ONE, TWO, THREE])


@st.composite
def manifests(draw: st.DrawFn) -> Manifest:
    found = draw(
        st.dictionaries(
            st.lists(components, min_size=1, max_size=3).map(b"/".join), digests, min_size=1
        )
    )
    return Manifest.from_entries(
        (path, digest)
        for path, digest in found.items()
        if not any(other.startswith(path + b"/") for other in found)
    )


def test_sha256sum_agrees(tmp_path: Path) -> None:
    entries: list[ManifestEntry] = []
    for number, name in enumerate(ODD_NAMES):
        path = tmp_path / name.decode(errors="surrogateescape")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"%d" % number)
        entries.append((name, hashlib.sha256(b"%d" % number).hexdigest()))
    manifest = Manifest.from_entries(entries)
    run = subprocess.run(
        ["sha256sum", "--check", "--strict", "--quiet"],
        input=manifest.to_bytes(),
        cwd=tmp_path,
        check=False,
    )
    assert run.returncode == 0
    assert Manifest.parse(manifest.to_bytes(), "m") == manifest
    assert manifest.digest.hex == hashlib.sha256(manifest.to_bytes()).hexdigest()


@given(manifests())
def test_many_lines_at_once_are_the_lines_one_by_one(manifest: Manifest) -> None:
    paths = [path for path, _ in manifest.entries]
    digests = [bytes.fromhex(hexadecimal) for _, hexadecimal in manifest.entries]
    assert format_lines(paths, digests) == manifest.to_bytes()
    with pytest.raises(ValueError, match="zip"):
        format_lines(paths, digests[1:])


@given(manifests())
def test_parsing_gives_back_what_was_encoded(manifest: Manifest) -> None:
    assert Manifest.parse(manifest.to_bytes(), "m") == manifest


@given(manifests(), st.data())
def test_what_parses_encodes_to_the_same_bytes(manifest: Manifest, data: st.DataObject) -> None:
    text = bytearray(manifest.to_bytes())
    place = data.draw(st.integers(0, len(text) - 1))
    text[place] = data.draw(st.integers(0, 255))
    with suppress(InvalidDocument):
        assert Manifest.parse(bytes(text), "m").to_bytes() == text


_parts = [
    b"a",
    b"b",
    b"a-b",
    b"..",
    b".",
    b".git",
    b".Git",
    b".gitx",
    b".a",
    b"...",
    b"",
    b"\xff",
    b"\\",
    b" ",
]
_names = st.lists(st.sampled_from([*_parts, "é".encode()]))
_texts = st.lists(
    st.builds(b"/".join, _names).map(lambda path: format_line(path, ONE)), min_size=1, max_size=4
)


@given(_texts.map(sorted) | _texts, st.data())
def test_what_is_taken_at_a_glance_would_be_taken_at_a_closer_look(
    texts: list[bytes], data: st.DataObject
) -> None:
    text = bytearray(b"".join(texts))
    if data.draw(st.booleans()):
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(
            st.sampled_from(b"./\\\n\0a0 \xe2")
        )
    with mock.patch.object(module, "_is_plain", return_value=False):
        try:
            closer = Manifest.parse(bytes(text), "m").entries
        except InvalidDocument:
            closer = None
    if closer is not None:
        assert tuple(Listing.of_manifest(bytes(text), "m")) == closer
    assert closer is not None or not module._is_plain(bytes(text))


def test_names_of_all_languages_are_taken_at_a_glance() -> None:
    paths = sorted(
        name.encode()
        for name in (
            "a b/ö.bin",
            "данные/x",
            "数据/1",
            "r.git/y",
            ".cache/x",
            ".gitattributes",
            "~",
            "(1)",
        )
    )
    text = b"".join(format_line(path, ONE) for path in paths)
    assert module._is_plain(text)
    assert tuple(Listing(text)) == Manifest.from_entries((path, ONE) for path in paths).entries


@pytest.mark.parametrize(
    "paths", [("a", "a/b"), ("a", "a-b", "a/c"), ("a", "a-b", "a-b/c"), ("d/a", "d/a-b/c", "d/a/e")]
)
def test_a_file_that_is_also_a_folder_is_not_taken_at_a_glance(paths: tuple[str, ...]) -> None:
    text = b"".join(format_line(path.encode(), ONE) for path in paths)
    assert not module._is_plain(text)
    with pytest.raises(InvalidDocument, match="also a directory"):
        Listing.of_manifest(text, "m")


def test_a_listing_gives_the_pairs_again_and_again() -> None:
    pairs = ((b"a\nb", ONE), (b"b\\c", ONE), (b"c/d", ONE))
    listing = Listing.of(pairs)
    assert tuple(listing) == tuple(listing) == pairs
    assert len(listing) == 3
    assert tuple(Listing.of_file(Digest(ONE))) == ((b"", ONE),)


def test_a_manifest_that_only_looks_right_from_afar_is_refused_soon() -> None:
    """A search for what may follow would begin anew at each of its bytes."""
    text = (b"a" * 64 + b"  ") * 40_000 + b"\0\n"
    began = time.process_time()
    with pytest.raises(InvalidDocument):
        Manifest.parse(text, "m")
    assert time.process_time() - began < 20


@pytest.mark.parametrize(
    "name", [".git", ".g\u200cit", "\u200c.git", "\ufeff.GIT", "a/\u206f.git/x"]
)
def test_no_name_of_gits_folder_passes_at_a_glance(name: str) -> None:
    with pytest.raises(InvalidDocument, match="not valid"):
        Manifest.parse(format_line(name.encode(), ONE), "m")


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        (b"/etc/passwd", "absolute"),
        (b"../x", "`..`"),
        (b"a/../b", "`..`"),
        (b"./a", "`.`"),
        (b"a//b", "empty"),
        (b"a/", "empty"),
        (b".git/hooks/x", ".git"),
        (b"a/.GIT", ".git"),
        (b"a\0b", "NUL"),
    ],
)
def test_a_path_that_leads_elsewhere_is_refused(path: bytes, fault: str) -> None:
    with pytest.raises(InvalidDocument, match="where is not valid") as caught:
        Manifest.parse(format_line(path, ONE), "where")
    assert fault in caught.value.faults[0]
    assert caught.value.faults[0].startswith("line 1: ")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b"", "no file"),
        (format_line(b"a", ONE)[:-1], "no end"),
        (format_line(b"a", "A" * 64), "64 lower-case"),
        (b"\n", "64 lower"),
        (format_line(b"a", ONE).replace(b"  ", b" *"), "64 lower"),
        (format_line(b"b", ONE) + format_line(b"a", ONE), "out of order"),
        (format_line(b"a", ONE) * 2, "twice"),
        (b"\\" + format_line(b"a", ONE), "not escaped"),
        (ONE.encode() + b"  a\\\\b\n", "escaped"),
        (b"\\" + ONE.encode() + b"  a\\rb\n", "not escaped"),
        (b"\\" + ONE.encode() + b"  a\\\n", "not escaped"),
        (
            format_line(b"a", ONE) + format_line(b"a-b", ONE) + format_line(b"a/c", ONE),
            "also a directory",
        ),
        (format_line(b"a", ONE) + b"\n", "64"),
    ],
)
def test_what_is_not_canonical_is_refused(text: bytes, fault: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        Manifest.parse(text, "m")
    assert fault in "\n".join(caught.value.faults)


def test_all_faults_are_reported_up_to_a_screenful() -> None:
    text = (
        format_line(b"../a", ONE) + format_line(b"b", ONE) + b"rubbish\n" + format_line(b"a", ONE)
    )
    with pytest.raises(InvalidDocument) as caught:
        Manifest.parse(text, "m")
    assert [fault.split(":")[0] for fault in caught.value.faults] == ["line 1", "line 3", "line 4"]
    with pytest.raises(InvalidDocument) as caught:
        Manifest.parse(b"rubbish\n" * 50, "m")
    assert len(caught.value.faults) == FAULTS_SHOWN + 1
    assert caught.value.faults[-1] == "and 30 more"


def test_control_characters_of_a_hostile_name_stay_out_of_the_message() -> None:
    with pytest.raises(InvalidDocument) as caught:
        Manifest.parse(format_line(b"../\x1b[2J\n", ONE), "m")
    assert "\x1b" not in str(caught.value)


def test_compare_names_what_became_of_each_file() -> None:
    old = Manifest.from_entries(
        [(b"same", ONE), (b"edited", ONE), (b"gone", TWO), (b"moved", THREE)]
    )
    new = Manifest.from_entries(
        [(b"same", ONE), (b"edited", TWO), (b"here", THREE), (b"extra", ONE)]
    )
    assert compare_manifests(old, new) == ManifestComparison(
        (b"extra",), (b"gone",), (b"edited",), ((b"moved", b"here"),)
    )
    assert not compare_manifests(old, old)


def test_copies_pair_by_name_first_and_then_in_order() -> None:
    old = Manifest.from_entries([(b"a/1", ONE), (b"a/2", ONE), (b"a/3", ONE)])
    new = Manifest.from_entries([(b"b/2", ONE), (b"b/8", ONE), (b"b/9", ONE), (b"c", ONE)])
    found = compare_manifests(old, new)
    assert found.renamed == ((b"a/1", b"b/8"), (b"a/2", b"b/2"), (b"a/3", b"b/9"))
    assert (found.added, found.removed) == ((b"c",), ())


@given(manifests())
def test_the_paths_of_a_manifest_made_here_are_read_one_by_one(manifest: Manifest) -> None:
    assert list(read_paths(manifest.to_bytes())) == [path for path, _ in manifest.entries]


@given(manifests(), manifests())
def test_a_comparison_accounts_for_every_path_once(old: Manifest, new: Manifest) -> None:
    found = compare_manifests(old, new)
    before, after = dict(old.entries), dict(new.entries)
    assert {*found.removed, *(a for a, _ in found.renamed)} == before.keys() - after.keys()
    assert {*found.added, *(b for _, b in found.renamed)} == after.keys() - before.keys()
    assert set(found.changed) == {p for p in before.keys() & after.keys() if before[p] != after[p]}
    assert all(before[a] == after[b] for a, b in found.renamed)
