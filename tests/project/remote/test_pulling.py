"""Pull, and what commands fetch by themselves."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import mlver
from mlver.errors import MlverError
from mlver.storage.local.deposit import ObjectDeposit
from mlver.system import durable, lock
from tests.conftest import Repository
from tests.teams import Team, add_remote, read_json, write_model


@pytest.fixture
def pushed(team: Team) -> Team:
    assert team.ann.mlver("push").code == 0
    return team


@pytest.fixture
def ben(pushed: Team) -> Repository:
    return pushed.clone("ben")


def count_objects(repository: Repository) -> int:
    folder = repository.path / ".git" / "mlver"
    return sum(
        path.is_file() for name in ("objects", "packs") for path in (folder / name).rglob("*")
    )


def test_what_is_in_use_comes_and_every_byte_is_right(ben: Repository, pushed: Team) -> None:
    pulled = read_json(ben, "pull")
    assert pulled["versions"] == ["digits@1.0.0"]
    assert (pulled["needed"], pulled["absent"], pulled["lacking"]) == (3, 3, [])
    assert pulled["arrivals"][0]["objects"] == 3
    assert ben.mlver("checkout", "digits", "--offline").code == 0
    original = pushed.ann.path / "model"
    for path in original.rglob("*.*"):
        assert (ben.path / "model" / path.relative_to(original)).read_bytes() == path.read_bytes()
    again = read_json(ben, "pull")
    assert (again["absent"], again["arrivals"]) == (0, [])


def test_others_may_write_while_bytes_move(
    ben: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What arrived has no name yet when another command holds the lock and sweeps leftovers."""
    commit = vars(ObjectDeposit)["_commit_objects"]
    codes: list[int] = []

    def write_before(deposit: ObjectDeposit) -> None:
        if not codes:
            codes.append(-1)
            write_model(ben, "second")
            register = ("register", "digits", "--bump", "minor", "-m", "Meanwhile")
            codes[0] = ben.mlver("--wait", "0", *register).code
        commit(deposit)

    monkeypatch.setattr(ObjectDeposit, "_commit_objects", write_before)
    assert ben.mlver("pull", "digits@1.0.0").code == 0
    assert codes == [0]
    assert ben.mlver("verify", "--all", "--offline").code == 0
    assert not list((ben.path / ".git/mlver/tmp").iterdir())


def test_what_arrives_is_named_by_who_holds_the_lock(
    ben: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = durable.claim_name
    state = ben.path / ".git/mlver"
    named: list[str] = []

    def claim_locked(source: Path, target: Path) -> None:
        if target.is_relative_to(state):
            named.append(target.name)
            refused = pytest.raises(MlverError, match="another mlver is writing here")
            with refused, lock.hold_lock(state, 0):
                pass
        claim(source, target)

    monkeypatch.setattr(durable, "claim_name", claim_locked)
    assert ben.mlver("pull").code == 0
    assert len(named) >= 2


def test_one_artifact_alone_and_its_seal_come_to_a_shallow_clone(pushed: Team) -> None:
    ann = pushed.ann
    ann.write("data/rows.csv", "1,2\n")
    write_model(ann, "second")
    register = ("register", "digits", "--data", "train=data", "--bump", "minor", "-m", "second")
    assert ann.mlver(*register).code == 0
    assert ann.mlver("promote", "digits", "--to", "production", "--force", "-m", "go").code == 0
    ann.write("later.txt", "later")
    ann.commit()
    assert ann.mlver("push").code == 0
    shallow = pushed.clone("shallow", "--depth=1", "--no-tags")
    pulled = read_json(shallow, "pull", "digits@production", "--only", "weights")
    assert pulled["versions"] == ["digits@1.1.0"]
    assert pulled["arrivals"][0]["objects"] == 3
    assert sorted(pulled["seals"]) == ["digits@production.1", "digits@v1.1.0"]
    assert shallow.git("rev-parse", "--is-shallow-repository") == "true"
    target = pushed.place / "out"
    assert (
        shallow.mlver(
            "checkout", "digits@production", "--to", str(target), "--only", "weights", "--offline"
        ).code
        == 0
    )


def test_wrong_bytes_are_not_taken_and_another_remote_is_asked(
    ben: Repository, pushed: Team
) -> None:
    (key,) = [key for key in pushed.list_blobs() if key.startswith("objects/")]
    damaged = pushed.bucket / key
    damaged.chmod(0o600)
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")
    pulled = read_json(ben, "pull")
    assert [fault["digest"] for fault in pulled["arrivals"][0]["wrong"]] == [
        f"sha256:{key.rpartition('/')[2]}"
    ]
    assert not pulled["ok"]
    assert pulled["lacking"][0]["subject"] == "digits 1.0.0 weights"
    backup = pushed.place / "backup"
    shutil.copytree(pushed.bucket, backup)
    (backup / key).write_bytes((pushed.ann.path / "model/layers/one.bin").read_bytes())
    add_remote(ben, "backup", backup)
    pulled = read_json(ben, "pull", "--yes")
    assert pulled["ok"]
    assert [arrival["objects"] for arrival in pulled["arrivals"]] == [0, 1]


def test_whoever_has_the_bytes_can_repair_a_remote(ben: Repository, pushed: Team) -> None:
    (key,) = [key for key in pushed.list_blobs() if key.startswith("objects/")]
    damaged = pushed.bucket / key
    damaged.chmod(0o600)
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")
    (lacking,) = read_json(ben, "pull")["lacking"]
    assert "not whole at" in lacking["message"]
    assert lacking["hints"] == ["mlver push --verify"]
    # The sizes are right, so that the listing looks well.
    assert read_json(pushed.ann, "push")["sent"][0]["objects"] == 0
    repaired = pushed.ann.mlver("push", "--verify")
    assert "1 were damaged" in repaired.out
    (sent,) = read_json(pushed.ann, "push", "--verify")["sent"]
    assert (sent["objects"], sent["repaired"], sent["present"]) == (0, 0, 3)
    assert read_json(ben, "pull")["ok"]


def test_a_remote_nobody_confirmed_is_shown_and_not_used(
    ben: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "nobody"))
    refused = ben.mlver("pull")
    assert refused.code == 3
    assert "nobody on this machine has confirmed" in refused.err
    assert "hint: mlver remote show store --yes" in refused.err
    assert count_objects(ben) == 0
    checkout = ben.mlver("checkout", "digits")
    assert checkout.code == 3
    assert "mlver remote show store --yes" in checkout.err
    assert ben.mlver("pull", "--yes").code == 0
    assert ben.mlver("checkout", "digits").code == 0


@pytest.mark.parametrize(
    "command",
    [
        ("checkout", "digits"),
        ("verify", "digits", "--require-bytes"),
        ("promote", "digits", "--to", "staging", "-m", "go"),
    ],
    ids=lambda command: command[0],
)
def test_commands_fetch_what_they_need_and_say_so(
    ben: Repository, command: tuple[str, ...]
) -> None:
    offline = ben.mlver(*command, "--offline")
    assert offline.code != 0
    assert "3 objects are not here, and --offline asks no remote for them" in offline.err
    done = ben.mlver(*command)
    assert done.code == 0, done.err
    assert "fetched 3 objects" in done.err
    assert "fetched" not in ben.mlver("verify", "digits").err


def test_a_rollback_fetches_what_it_goes_back_to(ben: Repository, pushed: Team) -> None:
    ann = pushed.ann
    promote = ("--to", "production", "--force", "-m", "go")
    assert ann.mlver("promote", "digits@1.0.0", *promote).code == 0
    write_model(ann, "second")
    assert ann.mlver("register", "digits", "--bump", "minor", "-m", "second").code == 0
    assert ann.mlver("promote", "digits@1.1.0", *promote).code == 0
    assert ann.mlver("push").code == 0
    ben.git("pull", "--quiet")
    done = ben.mlver("rollback", "digits", "--stage", "production", "--checkout", "-m", "back")
    assert done.code == 0, done.err
    assert (ben.path / "model/config.txt").read_text() == "first"


def test_python_gets_the_weights_of_a_fresh_clone(ben: Repository) -> None:
    model = mlver.open(ben.path).resolve("digits")
    assert (model.path / "config.txt").read_text() == "first"


def test_a_fresh_clone_says_in_one_line_what_is_missing(ben: Repository) -> None:
    verified = ben.mlver("verify", "--all")
    assert verified.code == 0
    assert "objects 0 of 3 here; mlver pull brings what is in use from a remote" in verified.out
    assert "hint: mlver pull digits@1.0.0" in ben.mlver("status").out


def test_pull_refuses_what_says_two_things(ben: Repository) -> None:
    assert ben.mlver("pull", "digits", "--all").code == 2
    assert ben.mlver("pull", "--only", "nonsense").code == 2
    unknown = ben.mlver("pull", "--remote", "stroe")
    assert unknown.code == 2
    assert "there is no remote `stroe`" in unknown.err


def test_a_dry_run_brings_nothing(ben: Repository) -> None:
    pulled = read_json(ben, "pull", "--dry-run")
    assert (pulled["needed"], pulled["absent"], pulled["arrivals"]) == (3, 3, [])
    assert count_objects(ben) == 0


def test_what_others_could_not_get_is_told(pushed: Team) -> None:
    ann = pushed.ann
    assert read_json(ann, "status", "--remote")["unshared"] == []
    assert "sharing" in ann.mlver("doctor").out
    write_model(ann, "second")
    assert ann.mlver("register", "digits", "--bump", "minor", "-m", "second").code == 0
    told = read_json(ann, "status", "--remote")["unshared"]
    assert [(finding["kind"], finding["subject"]) for finding in told] == [
        ("object", "digits 1.1.0 weights"),
        ("record", ".mlver/models/digits/versions/1.1.0.yaml"),
    ]
    assert told[0]["hints"] == ["mlver push"]
    doctor = ann.mlver("doctor").out
    assert "digits 1.1.0 weights" in doctor
    assert "are on no remote, so others cannot get them" in doctor
    assert read_json(ann, "push")["ok"]
    assert read_json(ann, "status", "--remote")["unshared"] == []
    assert "was not asked" in ann.mlver("--offline", "doctor").out
