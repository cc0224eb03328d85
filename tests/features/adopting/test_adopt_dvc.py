"""What DVC keeps, adopted: folders, pipelines, its settings, and pointers that lie."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from tests.cli.conftest import assert_works
from tests.cli.results import read_document
from tests.conftest import Repository
from tests.features.adopting.foreign import cached, left, md5, pointer, sha256, tagged


def test_directories_and_pipelines_of_dvc(repository: Repository) -> None:
    """A folder's list of files, a file inside it, a lock file, and a cache as DVC 2 kept it."""
    repository.write(".gitignore", "/data\n/out\n/old.bin\n/.dvc/cache\n")
    listed = [{"md5": cached(repository, name), "relpath": f"{name}.csv"} for name in ("a", "b")]
    folder = cached(repository, json.dumps(listed), ".dir")
    repository.write(
        "data.dvc", f"outs:\n- md5: {folder}\n  size: 2\n  nfiles: 2\n  hash: md5\n  path: data\n"
    )
    repository.write(
        "dvc.lock",
        "schema: '2.0'\nstages:\n  train:\n    cmd: train\n    outs:\n"
        "    - path: out/w.bin\n      hash: md5\n"
        f"      md5: {cached(repository, 'w')}\n      size: 1\n",
    )
    name = md5("old")
    repository.write(f".dvc/cache/{name[:2]}/{name[2:]}", "old")
    repository.write("old.bin.dvc", pointer("old.bin", "old", version=2))
    repository.commit()
    tagged(repository, "v1.0.0")
    assert_works(repository, "init")
    words = ("--data", "train=data", "--data", "golden=data/b.csv", "--data", "old=old.bin")
    assert_works(repository, "adopt", "m", "--weights", "out/w.bin", *words)
    record = read_document(repository.mlver("show", "m", "--json"), "show")["record"]
    assert record["weights"]["digest"] == sha256("w")
    assert {name: one["digest"] for name, one in record["data"].items()} == {
        "train": sha256(f"{sha256('a')[7:]}  a.csv\n{sha256('b')[7:]}  b.csv\n"),
        "golden": sha256("b"),
        "old": sha256("old"),
    }


@pytest.mark.parametrize(
    "evil",
    ["../../outside", "/etc/passwd", "a/../../outside", ".git/config", "x\\u0000y", "\\ud800"],
)
def test_hostile_pointers_lead_nowhere(repository: Repository, tmp_path: Path, evil: str) -> None:
    (tmp_path / "outside").write_text("secret")
    listed = f'[{{"md5": "{md5("secret")}", "relpath": "{evil}"}}]'
    repository.write(
        "data.dvc", f"outs:\n- md5: {cached(repository, listed, '.dir')}\n  path: data\n"
    )
    repository.write("dvc.yaml", f'artifacts:\n  m:\n    path: "{evil}"\n')
    cached(repository, "secret")
    repository.commit()
    tagged(repository, "m@v1.0.0")
    assert_works(repository, "init")
    for words in (("adopt", "m", "--weights", "data"), ("adopt",)):
        assert left(repository.mlver(*words, "--json")).keys() == {"m@v1.0.0"}
    assert repository.git("status", "--porcelain") == "?? .mlver/"


CACHES = [
    ("config", "[core]\n    remote = shared\n[cache]\n    dir = {cache}\n    type = symlink\n"),
    ("config.local", "[cache]\n    dir = {cache}\n"),
    ("config", "['remote \"x\"']\n    dir = nowhere\n[cache]\ndir = '{relative}'\n"),
    ("symlink", ""),
    ("person", "[cache]\n    dir = {cache}\n"),
]


@pytest.mark.parametrize(("place", "text"), CACHES)
@pytest.mark.parametrize("layout", ["files/md5/", ""])
def test_dvcs_configured_cache_is_read(
    repository: Repository,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    text: str,
    layout: str,
) -> None:
    cache = tmp_path / "shared" / "cache"
    name = md5("weights")
    kept = cache / layout / name[:2] / name[2:]
    kept.parent.mkdir(parents=True)
    kept.write_text("weights")
    repository.write("m.bin.dvc", pointer("m.bin", "weights"))
    repository.write(".gitignore", "/m.bin\n/.dvc/cache\n")
    repository.commit()
    tagged(repository, "v1.0.0")
    assert_works(repository, "init")
    adopt = ("adopt", "m", "--weights", "m.bin")
    assert repository.mlver(*adopt).code == 1
    settings = text.format(cache=cache, relative=os.path.relpath(cache, repository.path / ".dvc"))
    if place == "symlink":
        (repository.path / ".dvc").mkdir()
        (repository.path / ".dvc/cache").symlink_to(cache)
    elif place == "person":
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
        (tmp_path / "config/dvc").mkdir(parents=True)
        (tmp_path / "config/dvc/config").write_text(settings)
        (repository.path / ".dvc").mkdir()
    else:
        repository.write(f".dvc/{place}", settings)
    assert "kept by dvc" in assert_works(repository, *adopt)
    assert assert_works(repository, "verify", "--all").startswith("All is well")
    kept.write_text("damaged")
    assert repository.mlver("verify", "--all").code == 1


_LONG = b"a" * ((1 << 20) - 1)
# a file of Windows, and how DVC before version 3 reads it before it takes the MD5
TEXTS = {
    "text": (b"a,b\r\n1,2\r\n", b"a,b\n1,2\n"),
    "mostly text": (b"\xff" * 3 + b"1234\r\n7", b"\xff" * 3 + b"1234\n7"),
    "binary": (b"\xff" * 4 + b"123\r\n6", None),
    "with a zero byte": (b"\0 and text\r\n", None),
    "across chunks": (_LONG + b"\r\nb\r\n", _LONG + b"\r\nb\n"),
}


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize("layout", ["", "files/md5/"])
def test_a_text_file_has_the_name_that_an_older_dvc_gave_it_in_its_layout_alone(
    repository: Repository, kind: str, layout: str
) -> None:
    data, as_unix = TEXTS[kind]
    name = hashlib.md5(as_unix or data.replace(b"\r\n", b"\n"), usedforsecurity=False).hexdigest()
    repository.write("m.csv.dvc", f"outs:\n- md5: {name}\n  size: {len(data)}\n  path: m.csv\n")
    kept = repository.write(f".dvc/cache/{layout}{name[:2]}/{name[2:]}", data)
    repository.write(".gitignore", "/m.csv\n/.dvc/cache\n")
    repository.commit()
    tagged(repository, "v1.0.0")
    assert_works(repository, "init")
    done = repository.mlver("adopt", "m", "--weights", "m.csv")
    if as_unix is not None and not layout:
        assert done.code == 0, done.err
        assert assert_works(repository, "verify", "--all").startswith("All is well")
        record = read_document(repository.mlver("show", "m", "--json"), "show")["record"]
        assert record["weights"]["digest"] == f"sha256:{hashlib.sha256(data).hexdigest()}"
    else:
        assert f"DVC's copy of m.csv is damaged ({kept})" in done.out
        assert "rm -f" not in done.out


@pytest.mark.parametrize(
    "text",
    [b"\xff\xfe[cache]\ndir = x\n", b"[cache]\ndir = \0\n", b"[cache]\ndir = ~nobody-here/x\n"],
)
def test_settings_of_dvc_that_cannot_be_read_are_passed_over(
    repository: Repository, text: bytes
) -> None:
    repository.write("m.bin.dvc", pointer("m.bin", "weights"))
    cached(repository, "weights")
    repository.write(".dvc/config", text)
    os.mkfifo(repository.path / ".dvc/config.local")
    repository.write(".gitignore", "/m.bin\n/.dvc\n")
    repository.commit()
    tagged(repository, "v1.0.0")
    assert_works(repository, "init")
    assert "kept by dvc" in assert_works(repository, "adopt", "m", "--weights", "m.bin")
