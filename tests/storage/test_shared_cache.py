"""A cache that several users share gives right bytes, or none."""

from __future__ import annotations

import io
import os
import shutil
import tempfile
import traceback
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import pytest

from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.storage.local import LocalStore
from mlver.storage.shared_cache import BroughtContents, SharedCache

LARGE = bytes(range(256)) * (6 << 10)
CONTENTS = (b"", b"small", LARGE)
GROUP, FIRST, SECOND = 47_000, 47_001, 47_002
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: two users at once need root")


@pytest.fixture
def local(tmp_path: Path) -> LocalStore:
    return LocalStore.open_in(tmp_path / "local")


@pytest.fixture
def cache(tmp_path: Path) -> SharedCache:
    return SharedCache(tmp_path / "cache", 0o755)


def fill_store(store: LocalStore, contents: Collection[bytes] = CONTENTS) -> list[Digest]:
    with store.open_deposit() as deposit:
        return [deposit.put_object(io.BytesIO(content)) for content in contents]


def bring_into(cache: SharedCache, folder: Path, digests: Collection[Digest]) -> BroughtContents:
    """Bring contents into a new store, which is then whole; what came."""
    store = LocalStore.open_in(folder)
    with store.open_deposit() as deposit:
        result = cache.bring_contents(digests, deposit)
    assert list(store.verify_objects()) == []
    assert set(store.list_objects()) == result.brought
    return result


def locate(cache: SharedCache, digest: Digest) -> Path:
    return cache.directory / "objects" / digest.hex[:2] / digest.hex[2:]


def test_what_one_checkout_adds_another_gets(
    cache: SharedCache, local: LocalStore, tmp_path: Path
) -> None:
    digests = fill_store(local)
    assert cache.add_contents(local, digests) == 3
    assert cache.add_contents(local, digests) == 0
    assert cache.find_present([*digests, Digest("0" * 64)]) == set(digests)
    assert bring_into(cache, tmp_path / "other", digests).brought == set(digests)
    assert os.listdir(cache.directory / "tmp") == []


def test_a_cache_that_is_not_there_has_nothing(cache: SharedCache, tmp_path: Path) -> None:
    wanted = [Digest("0" * 64)]
    assert cache.find_present(wanted) == set()
    assert bring_into(cache, tmp_path / "other", wanted) == BroughtContents(frozenset(), ())
    assert not cache.directory.exists()


def test_large_contents_of_ones_own_take_no_room(
    cache: SharedCache, local: LocalStore, tmp_path: Path
) -> None:
    (digest,) = fill_store(local, [LARGE])
    cache.add_contents(local, [digest])
    bring_into(cache, tmp_path / "other", [digest])
    files = [local.loose.path_of(digest.hex), locate(cache, digest)]
    files.append(LocalStore.open_in(tmp_path / "other").loose.path_of(digest.hex))
    assert len({path.stat().st_ino for path in files}) == 1


@pytest.mark.parametrize("content", [b"small", LARGE])
@pytest.mark.parametrize("mode", [0o444, 0o664])
def test_damaged_contents_are_set_aside(
    content: bytes, mode: int, cache: SharedCache, local: LocalStore, tmp_path: Path
) -> None:
    (digest,) = fill_store(local, [content])
    cache.add_contents(local, [digest])
    path = locate(cache, digest)
    path.unlink()
    path.write_bytes(content[:-1] + b"!")
    path.chmod(mode)
    assert bring_into(cache, tmp_path / "other", [digest]) == (frozenset(), (digest,))
    assert not path.exists()
    assert cache.count_damaged() == 1
    assert cache.add_contents(local, [digest]) == 1
    assert bring_into(cache, tmp_path / "third", [digest]).brought == {digest}


@pytest.mark.parametrize("kind", ["symlink", "fifo", "folder"])
def test_what_is_no_file_is_never_waited_for(
    kind: str, cache: SharedCache, local: LocalStore, tmp_path: Path
) -> None:
    (digest,) = fill_store(local, [b"small"])
    cache.add_contents(local, [digest])
    path = locate(cache, digest)
    (tmp_path / "outside").write_bytes(b"small")
    path.unlink()
    if kind == "symlink":
        path.symlink_to(tmp_path / "outside")
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.mkdir()
    assert bring_into(cache, tmp_path / "other", [digest]) == (frozenset(), (digest,))


@pytest.mark.parametrize("name", ["objects", "tmp", "objects/xx"])
def test_nothing_is_written_through_a_symlink(
    name: str, cache: SharedCache, local: LocalStore, tmp_path: Path
) -> None:
    (digest,) = fill_store(local, [b"small"])
    outside = tmp_path / "outside"
    outside.mkdir()
    link = cache.directory / name.replace("xx", digest.hex[:2])
    link.parent.mkdir(parents=True)
    link.symlink_to(outside)
    with pytest.raises(MlverError, match="adding to the shared cache"):
        cache.add_contents(local, [digest])
    assert os.listdir(outside) == []
    assert bring_into(cache, tmp_path / "other", [digest]).brought == frozenset()


def test_a_damaged_object_is_not_added(cache: SharedCache, local: LocalStore) -> None:
    (digest,) = fill_store(local, [LARGE])
    path = local.loose.path_of(digest.hex)
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.write(b"evil")
    with pytest.raises(MlverError, match="damaged"):
        cache.add_contents(local, [digest])
    assert cache.find_present([digest]) == set()
    assert os.listdir(cache.directory / "tmp") == []


def test_what_a_killed_process_left_goes_after_a_day(cache: SharedCache, local: LocalStore) -> None:
    digests = fill_store(local)
    cache.add_contents(local, digests[:1])
    old, new = (cache.directory / "tmp" / f".mlver-tmp-{name}" for name in ("old", "new"))
    old.touch()
    new.touch()
    os.utime(old, (0, 0))
    cache.add_contents(local, digests)
    assert os.listdir(cache.directory / "tmp") == [new.name]


# -- two users


@pytest.fixture
def ground() -> Iterator[Path]:
    """A folder that other users reach, which those of tests are not."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


def run_as(user: int, work: Callable[[], None]) -> int:
    """Start a process of another user, who is in the group as well; its id."""
    process = os.fork()
    if process:
        return process
    code = 1
    try:
        os.setgroups([GROUP])
        os.setgid(user)
        os.setuid(user)
        os.umask(0o022)
        work()
        code = 0
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
    finally:
        os._exit(code)


def wait_for(*processes: int) -> None:
    for process in processes:
        assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0


@needs_root
def test_two_users_fill_one_cache_at_once(ground: Path) -> None:
    """Each adds contents that the other adds as well, and gets all of them."""
    top = ground / "cache"
    top.mkdir()
    os.chown(top, 0, GROUP)
    top.chmod(0o2770)
    cache = SharedCache(top, 0o700)
    contents = [b"content %d" % number for number in range(400)]
    contents += [LARGE + b"%d" % number for number in range(6)]
    digests = [Digest.of_bytes(content) for content in contents]

    def work_in(name: str, mine: list[bytes]) -> Callable[[], None]:
        def work() -> None:
            store = LocalStore.open_in(ground / name)
            cache.add_contents(store, fill_store(store, mine))

        return work

    first = run_as(FIRST, work_in("first", contents[:300] + contents[-4:]))
    second = run_as(SECOND, work_in("second", contents[100:]))
    wait_for(first, second)
    assert cache.find_present(digests) == set(digests)
    assert os.listdir(top / "tmp") == []
    for path in top.rglob("*"):
        state = path.stat()
        if path.is_dir():
            assert (state.st_gid, state.st_mode & 0o7777) == (GROUP, 0o2770)
        elif state.st_nlink == 1:
            assert (state.st_gid, state.st_mode & 0o7777) == (GROUP, 0o440)
        else:
            # It is an object of somebody's store as well.
            assert state.st_mode & 0o7777 == 0o444

    def bring_all() -> None:
        result = bring_into(cache, ground / "third", digests)
        assert result.brought == set(digests)
        store = LocalStore.open_in(ground / "third")
        for path in store.objects.rglob("*"):
            # Another user could change a file of theirs after it was hashed.
            assert path.stat().st_uid == SECOND

    wait_for(run_as(SECOND, bring_all))


@needs_root
def test_a_reader_uses_a_cache_of_others(ground: Path) -> None:
    cache = SharedCache(ground / "cache", 0o755)
    store = LocalStore.open_in(ground / "own")
    digests = fill_store(store)
    cache.add_contents(store, digests)
    evil = locate(cache, digests[1])
    evil.unlink()
    evil.write_bytes(b"evil")
    before = sorted(path.name for path in cache.directory.rglob("*"))

    def work() -> None:
        result = bring_into(cache, ground / "readers", digests)
        assert result == (frozenset({digests[0], digests[2]}), (digests[1],))
        other = LocalStore.open_in(ground / "readers")
        assert cache.add_contents(other, fill_store(other, [b"new"])) == 0

    wait_for(run_as(FIRST, work))
    assert sorted(path.name for path in cache.directory.rglob("*")) == before


@needs_root
def test_a_cache_that_nobody_else_may_enter_is_no_error(ground: Path) -> None:
    cache = SharedCache(ground / "cache", 0o700)
    store = LocalStore.open_in(ground / "own")
    digests = fill_store(store)
    cache.add_contents(store, digests)

    def work() -> None:
        assert bring_into(cache, ground / "other", digests).brought == frozenset()
        assert cache.add_contents(LocalStore.open_in(ground / "other"), digests) == 0

    wait_for(run_as(FIRST, work))
