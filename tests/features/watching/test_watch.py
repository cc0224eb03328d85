"""Alerts and verdicts: one rollback for each reason, published, or tried again."""

from __future__ import annotations

import fcntl
import json
import resource
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from mlver.digest import Digest
from mlver.features.watching.inbox import Delivery
from mlver.features.watching.own_clone import find_watch_folder, hold_clone
from mlver.policy.webhook import parse_webhook
from mlver.project.project import Project
from tests.cli.conftest import assert_works
from tests.conftest import Repository
from tests.features.monitoring.prediction_logs import write_log
from tests.features.watching.conftest import WatchedTeam
from tests.policy.made_alerts import SECOND
from tests.policy.test_webhook import dump, make_alert
from tests.teams import Team, write_model

BACK = ["1.0.0", "1.1.0", "1.0.0"]


def test_an_alert_rolls_back_once_and_the_forge_has_it(watched: WatchedTeam) -> None:
    body = dump(make_alert())
    answer = watched.send(body)
    assert (answer.status, answer.says) == (
        200,
        "production went from digits 1.1.0 back to 1.0.0",
    )
    assert watched.list_holders() == BACK
    assert "digits@production.3" in Repository(watched.team.forge).git("tag")
    kept = find_watch_folder(watched.watcher.clone) / "evidence" / Digest.of_bytes(body).hex
    assert kept.read_bytes() == body
    # sent again, with other words, resolved: nothing more
    for again in (body, dump(make_alert(), receiver="other"), dump(status="resolved")):
        assert watched.send(again).status == 200
    assert watched.list_holders() == BACK
    assert_works(watched.clone, "verify", "--all")
    assert watched.tell_kinds() == ["rolled back", "unchanged", "unchanged"]


def test_a_late_alert_about_a_version_that_is_gone_changes_nothing(watched: WatchedTeam) -> None:
    answer = watched.send(dump(make_alert(version="1.0.0")))
    assert answer.status == 200
    assert answer.says == "nothing changed: digits 1.1.0 holds production, not 1.0.0"
    assert watched.list_holders() == ["1.0.0", "1.1.0"]


def test_models_and_stages_that_nobody_named_are_left_alone(watched: WatchedTeam) -> None:
    assert watched.send(dump(make_alert(model="letters"))).status == 403
    assert watched.send(dump(make_alert(stage="staging"))).status == 200
    watched.watcher.request = replace(watched.watcher.request, stages=("staging",))
    assert watched.send(dump(make_alert())).status == 403
    assert watched.list_holders() == ["1.0.0", "1.1.0"]


def test_what_settings_take_back_is_no_longer_done(watched: WatchedTeam) -> None:
    settings = watched.ann.path / ".mlver/config.yaml"
    settings.write_text(settings.read_text().partition("auto_rollback:")[0])
    watched.ann.commit("Roll nothing back")
    watched.ann.git("push", "--quiet")
    assert watched.send(dump(make_alert())).status == 403


def test_a_stage_that_is_no_stage_of_ours_means_what_is_watched(watched: WatchedTeam) -> None:
    """Exporters call the role `canary`, which need not be a stage that is watched."""
    assert watched.send(dump(make_alert(stage="blue"))).status == 200
    assert watched.list_holders() == BACK


def test_a_push_that_fails_is_tried_again_until_it_is_through(watched: WatchedTeam) -> None:
    hook = watched.team.forge / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho no room >&2\nexit 1\n")
    hook.chmod(0o755)
    for _ in range(2):
        answer = watched.send(dump(make_alert()))
        assert answer.status == 503
        assert "no room" in answer.says
    assert watched.list_holders() == ["1.0.0", "1.1.0"]
    hook.unlink()
    assert watched.send(dump(make_alert())).status == 200
    assert watched.list_holders() == BACK


@contextmanager
def taking_no_byte() -> Iterator[None]:
    """Let no file of this process grow: whatever is written to is refused."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


def test_what_the_system_refuses_ends_no_watch(watched: WatchedTeam, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text(write_log(200, bad=60))
    watched.watcher.request = replace(watched.watcher.request, predictions=str(log))
    with taking_no_byte():
        watched.watcher.look()
        answer = watched.send(dump(make_alert()))
    assert (answer.status, watched.tell_kinds()) == (503, ["failed", "failed"])
    assert watched.list_holders() == ["1.0.0", "1.1.0"]
    watched.watcher.look()
    assert watched.list_holders() == BACK


def test_what_landed_before_a_crash_is_published_in_the_next_round(watched: WatchedTeam) -> None:
    words = ("rollback", "digits", "--stage", "production", "-m", "Killed")
    assert watched.clone.mlver(*words).code == 0
    watched.watcher.look()
    assert watched.list_holders() == BACK
    assert watched.tell_kinds()[0] == "published"


def test_a_lost_race_is_judged_again_by_what_the_winner_did(watched: WatchedTeam) -> None:
    """What was decided here before somebody else pushed is left behind, seal and all."""
    words = ("rollback", "digits", "--stage", "production", "-m", "Worse")
    assert watched.clone.mlver(*words).code == 0
    assert_works(watched.ann, *words)
    watched.ann.git("push", "--quiet", "origin", "main", "digits@production.3")
    answer = watched.send(dump(make_alert()))
    assert answer.says == "nothing changed: digits 1.0.0 holds production, not 1.1.0"
    assert watched.list_holders() == BACK
    assert watched.clone.git("rev-parse", "HEAD") == watched.ann.git("rev-parse", "HEAD")
    tag = "digits@production.3"
    assert watched.clone.git("rev-parse", tag) == watched.ann.git("rev-parse", tag)
    assert_works(watched.clone, "verify", "--all")


def test_a_race_that_settles_nothing_ends_in_a_rollback(watched: WatchedTeam) -> None:
    words = ("rollback", "digits", "--stage", "production", "-m", "Lost")
    assert watched.clone.mlver(*words).code == 0
    watched.ann.write("notes.txt", "something else\n")
    watched.ann.commit("Something else")
    watched.ann.git("push", "--quiet")
    assert watched.send(dump(make_alert())).status == 200
    assert watched.list_holders() == BACK


def test_another_writer_in_the_clone_means_later(watched: WatchedTeam) -> None:
    watched.watcher.clone = replace(watched.watcher.clone, wait=0.1)
    with (watched.clone.path / ".git/mlver/lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert watched.send(dump(make_alert())).status == 503
    assert watched.send(dump(make_alert())).status == 200


def test_a_group_that_was_cut_is_acted_on_and_asked_for_again(watched: WatchedTeam) -> None:
    answer = watched.send(dump(make_alert(), truncatedAlerts=2))
    assert (answer.status, "max_alerts" in answer.says) == (503, True)
    assert watched.list_holders() == BACK


def test_two_versions_in_one_group_are_two_reasons(watched: WatchedTeam) -> None:
    body = dump(make_alert("a1", version="1.0.0"), make_alert("b2", SECOND))
    assert watched.send(body).status == 200
    assert watched.list_holders() == BACK


def test_a_verdict_that_fails_rolls_back_and_one_that_knows_nothing_holds(
    watched: WatchedTeam, tmp_path: Path
) -> None:
    log = tmp_path / "log.jsonl"
    watched.watcher.request = replace(watched.watcher.request, predictions=str(log))
    log.write_text("")
    watched.watcher.look()
    watched.watcher.look()
    assert watched.tell_kinds() == ["judged"]
    assert watched.list_holders() == ["1.0.0", "1.1.0"]
    log.write_text(write_log(200, bad=60))
    watched.watcher.look()
    assert watched.tell_kinds() == ["judged", "judged", "rolled back"]
    assert watched.list_holders() == BACK
    record = (watched.clone.path / ".mlver/models/digits/stages/production/0003.yaml").read_text()
    verdict = watched.clone.path / ".mlver/models/digits/verdicts/production/0001.yaml"
    assert f'because: "{Digest.of_bytes(verdict.read_bytes())}"' in record
    assert 'message: "watch: verdict 1: ' in record
    watched.watcher.look()
    assert watched.list_holders() == BACK


def test_a_dry_run_changes_nothing(watched: WatchedTeam) -> None:
    watched.watcher.request = replace(watched.watcher.request, dry_run=True)
    head = watched.clone.git("rev-parse", "HEAD")
    watched.watcher.look()
    answer = watched.send(dump(make_alert()))
    assert answer.says == "production would go from digits 1.1.0 back to 1.0.0"
    assert watched.clone.git("rev-parse", "HEAD") == head
    assert watched.list_holders() == ["1.0.0", "1.1.0"]


def test_what_a_rollback_needs_is_here_before_it_is_urgent(watched: WatchedTeam) -> None:
    watched.watcher.look()
    watched.team.bucket.rename(watched.team.bucket.with_name("gone"))
    assert watched.send(dump(make_alert())).status == 200
    assert watched.list_holders() == BACK


def test_a_stage_with_no_way_back_is_told_once(watched: WatchedTeam) -> None:
    assert watched.send(dump(make_alert())).status == 200
    watched.watcher.look()
    watched.watcher.look()
    assert watched.tell_kinds() == ["rolled back", "no way back"]
    assert "nothing to go back to" in watched.events[-1].says


def test_a_target_follows_and_its_record_is_published(watched: WatchedTeam, tmp_path: Path) -> None:
    settings = watched.ann.path / ".mlver/config.yaml"
    target = f"{{layout: directories, path: {tmp_path / 'served'}, stages: {{stable: production}}}}"
    settings.write_text(f"{settings.read_text()}deploy:\n  host: {target}\n")
    watched.ann.commit("Serve it")
    watched.ann.git("push", "--quiet")
    watched.watcher.request = replace(
        watched.watcher.request, targets=("host",), reload="touch reloaded", confirmed=True
    )
    watched.watcher.look()
    assert read_served(tmp_path) == "1.1.0"
    assert watched.send(dump(make_alert())).status == 200
    assert read_served(tmp_path) == "1.0.0"
    assert watched.tell_kinds() == ["deployed", "rolled back", "deployed"]
    assert (watched.clone.path / "reloaded").exists()
    listed = Repository(watched.team.forge).git("ls-tree", "-r", "--name-only", "main")
    assert ".mlver/deployments/host/0002.yaml" in listed.splitlines()
    watched.watcher.look()
    assert watched.tell_kinds()[3:] == ["no way back"]


def test_who_agreed_to_a_folder_agreed_to_no_later_one(
    watched: WatchedTeam, tmp_path: Path
) -> None:
    """Whoever can push settings is not to choose where on this machine files are written."""
    settings = watched.ann.path / ".mlver/config.yaml"
    text = settings.read_text()
    watched.watcher.request = replace(watched.watcher.request, targets=("host",), confirmed=True)
    for folder in ("served", "elsewhere"):
        watched.ann.git("pull", "--quiet", "--ff-only")
        place = f"path: {tmp_path / folder}, stages: {{stable: production}}"
        settings.write_text(f"{text}deploy:\n  host: {{layout: directories, {place}}}\n")
        watched.ann.commit("Serve it")
        watched.ann.git("push", "--quiet")
        watched.watcher.look()
    assert watched.tell_kinds() == ["deployed", "failed"]
    assert "lies outside of the repository" in watched.events[-1].says
    assert (tmp_path / "served/stable").exists()
    assert not (tmp_path / "elsewhere").exists()


def test_a_candidate_loses_its_share_and_the_stage_stays(watched: WatchedTeam) -> None:
    write_model(watched.ann, "third")
    assert_works(watched.ann, "register", "digits", "--bump", "minor", "-m", "third")
    words = ("rollout", "digits@1.2.0", "--to", "production", "--share", "10", "-m", "A tenth")
    assert_works(watched.ann, *words, "--force")
    assert watched.ann.mlver("push").code == 0
    answer = watched.send(dump(make_alert(version="1.2.0")))
    assert answer == (200, "digits 1.2.0 lost its share of production")
    assert watched.send(dump(make_alert(version="1.2.0"))).status == 200
    assert watched.list_holders() == ["1.0.0", "1.1.0"]
    forge = Repository(watched.team.forge)
    folder = ".mlver/models/digits/rollouts/production"
    assert "action: withdraw" in forge.git("show", f"main:{folder}/0002.yaml")
    assert len(forge.git("ls-tree", "--name-only", f"main:{folder}").split()) == 2


def test_a_share_of_users_is_no_share_of_the_requests(watched: WatchedTeam, tmp_path: Path) -> None:
    """Few users may send most of the requests, and their version is judged all the same."""
    write_model(watched.ann, "third")
    assert_works(watched.ann, "register", "digits", "--bump", "minor", "-m", "third")
    words = ("rollout", "digits@1.2.0", "--to", "production", "--share", "10", "-m", "A tenth")
    sticky = ("--strategy", "ab", "--header", "X-User-Id")
    assert_works(watched.ann, *words, *sticky, "--force")
    assert watched.ann.mlver("push").code == 0
    log = tmp_path / "log.jsonl"
    served = write_log(200, bad=60, ratio=1).replace("1.1.0", "1.2.0").replace("1.0.0", "1.1.0")
    log.write_text(served)
    watched.watcher.request = replace(watched.watcher.request, predictions=str(log))
    watched.watcher.look()
    assert watched.tell_kinds() == ["judged", "rolled back"]
    assert watched.events[-1].says == "digits 1.2.0 lost its share of production"


def read_served(place: Path) -> str:
    document = json.loads((place / "served/stable/mlver.json").read_text())
    assert isinstance(document["version"], str)
    return document["version"]


def test_only_a_clone_of_its_own_is_worked_in(served: Team, tmp_path: Path) -> None:
    words = ("watch", "digits", "--stage", "production", "--once")
    done = served.ann.mlver(*words, "--clone", ".")
    assert (done.code, "was not made by mlver watch" in done.err) == (3, True)
    assert_works(served.ann, *words, "--clone", str(tmp_path / "own"))
    project = Project.open_existing(served.ann.path)
    with hold_clone(project, str(tmp_path / "own")):
        done = served.ann.mlver(*words, "--clone", str(tmp_path / "own"))
        assert (done.code, "another mlver" in done.err) == (3, True)
    # a half that a killed one left is made again
    half = tmp_path / ".two.half"
    (half / ".git").mkdir(parents=True)
    assert_works(served.ann, *words, "--clone", str(tmp_path / "two"))
    assert not half.exists()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--stage", "nowhere"), 2),
        (("--stage", "production", "--listen", "1"), 2),
        (("--stage", "production", "--every", "nan"), 2),
        (("--stage", "production", "--every", "inf"), 2),
        (("--stage", "production", "--listen", "0.0.0.0:1", "--token-file", "t"), 2),
        (("--stage", "production", "--listen", "0", "--token-file", "missing"), 3),
        (("--stage", "production", "--prometheus", "http://x", "--predictions", "y"), 2),
    ],
)
def test_a_wrong_command_line_is_named(served: Team, words: tuple[str, ...], code: int) -> None:
    done = served.ann.mlver("watch", "digits", *words)
    assert (done.code, done.out) == (code, "")
    assert done.err.startswith("error: ")


def test_a_model_that_is_not_listed_is_not_watched(served: Team) -> None:
    settings = served.ann.path / ".mlver/config.yaml"
    settings.write_text(
        settings.read_text().replace("  digits:\n    stages: [production]", "  [x]")
    )
    done = served.ann.mlver("watch", "digits", "--stage", "production")
    assert done.code == 3
    assert "does not name digits" in done.err


def test_the_hint_of_a_model_that_is_not_listed_lists_it(served: Team) -> None:
    settings = served.ann.path / ".mlver/config.yaml"
    settings.write_text(settings.read_text().partition("auto_rollback:")[0])
    done = served.ann.mlver("watch", "digits", "--stage", "production")
    hint = done.err.partition("hint: mlver ")[2]
    assert served.ann.mlver(*shlex.split(hint)).code == 0
    assert "auto_rollback:\n  digits:\n    stages:\n      - production\n" in settings.read_text()


def test_a_process_listens_tells_lines_and_ends_on_a_signal(served: Team, tmp_path: Path) -> None:
    """The whole of it, as somebody starts it."""
    (tmp_path / "token").write_text("0123456789abcdef\n")
    words = ["-m", "mlver", "-C", str(served.ann.path), "watch", "--stage", "production", "--json"]
    words += ["--listen", "0", "--token-file", str(tmp_path / "token"), "--every", "600"]
    words += ["--clone", str(tmp_path / "own")]
    with subprocess.Popen(
        [sys.executable, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            send_and_stop(process)
        finally:
            process.kill()


def send_and_stop(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert process.stderr is not None
    started = json.loads(process.stdout.readline())
    port = started["says"].rpartition(" ")[2]
    send = ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-d", "@-"]
    send += ["-H", "Authorization: Bearer 0123456789abcdef", f"http://127.0.0.1:{port}/"]
    done = subprocess.run(send, input=dump(make_alert()), capture_output=True, check=True)
    assert done.stdout == b"200"
    assert json.loads(process.stdout.readline())["event"] == "rolled back"
    process.terminate()
    told = [json.loads(line)["event"] for line in process.stdout]
    # The first round may have come to the stage after the alert did.
    assert told in (["stopped"], ["no way back", "stopped"])
    assert process.wait(10) == 0
    assert "Traceback" not in process.stderr.read()


def test_a_commit_that_takes_the_records_away_ends_nothing(watched: WatchedTeam) -> None:
    """Whoever made it takes it back, and what is watched then goes on being watched."""
    watched.ann.git("rm", "-r", "--quiet", ".mlver")
    watched.ann.git("commit", "--quiet", "--no-verify", "-m", "Gone")
    watched.ann.git("push", "--quiet", "--no-verify")
    for _ in range(2):
        watched.watcher.look()
        answer = watched.send(dump(make_alert()))
        assert (answer.status, "is missing" in answer.says) == (503, True)
    assert set(watched.tell_kinds()) == {"failed"}
    watched.ann.git("revert", "--no-edit", "HEAD")
    watched.ann.git("push", "--quiet", "--no-verify")
    assert watched.send(dump(make_alert())).status == 200
    assert watched.list_holders() == BACK


def test_what_was_taken_back_at_the_remote_is_not_pushed_again(watched: WatchedTeam) -> None:
    """Somebody rewrote the branch there, and that counts; a reason that still holds is acted on."""
    assert watched.send(dump(make_alert())).status == 200
    forge = Repository(watched.team.forge)
    before = watched.ann.git("rev-parse", "HEAD")
    watched.ann.git("push", "--quiet", "--force", "--no-verify", "origin", "main")
    watched.watcher.look()
    assert forge.git("rev-parse", "main") == before
    assert watched.clone.git("rev-parse", "HEAD") == before
    assert "published" not in watched.tell_kinds()


def test_a_group_of_many_alerts_is_a_short_message(watched: WatchedTeam) -> None:
    alerts = [make_alert(f"{number:x}", alertname=f"Slow{number}") for number in range(1000)]
    assert watched.send(dump(*alerts)).status == 200
    message = watched.clone.git("log", "-1", "--format=%B", "--", ".mlver/models/digits/stages")
    assert "watch: Slow0, Slow1, " in message
    assert "and 992 more" in message
    assert "Slow9" not in message


def test_the_locks_of_a_git_that_was_killed_hold_nothing_up(watched: WatchedTeam) -> None:
    """The clone is nobody else's, so that nobody else would remove them."""
    watched.ann.write("notes.txt", "something else\n")
    watched.ann.commit("Something else")
    watched.ann.git("push", "--quiet")
    locks = ("index", "HEAD", "refs/heads/main", "refs/remotes/origin/main", "packed-refs")
    for name in locks:
        (watched.clone.path / f".git/{name}.lock").touch()
    assert watched.send(dump(make_alert())).status == 200
    assert watched.list_holders() == BACK


def test_files_that_a_power_cut_took_are_there_again(watched: WatchedTeam) -> None:
    """Git does not wait for the disk when it writes the files of a commit."""
    (watched.clone.path / ".mlver/config.yaml").write_text("")
    watched.watcher.look()
    assert watched.send(dump(make_alert())).status == 200
    assert watched.list_holders() == BACK
    assert "failed" not in watched.tell_kinds()


def promote_again(watched: WatchedTeam) -> None:
    watched.ann.git("pull", "--quiet")
    watched.ann.git("fetch", "--quiet", "--tags")
    words = ("promote", "digits@1.1.0", "--to", "production", "-m", "Repaired", "--force")
    assert_works(watched.ann, *words)
    assert watched.ann.mlver("push", "--yes").code == 0


def test_alerts_that_were_acted_on_one_by_one_are_together_no_news(watched: WatchedTeam) -> None:
    """The version came back, and what was sent about it before comes late, as one group."""
    first, second = make_alert("a1"), make_alert("b2", SECOND)
    for alert in (first, second):
        assert watched.send(dump(alert)).status == 200
        promote_again(watched)
    answer = watched.send(dump(first, second))
    assert "this alert was acted on already: see production/0005" in answer.says
    assert watched.list_holders()[-1] == "1.1.0"


def test_a_large_group_that_comes_again_is_no_news(watched: WatchedTeam) -> None:
    alerts = [make_alert(f"{number:x}") for number in range(200)]
    assert watched.send(dump(*alerts)).status == 200
    promote_again(watched)
    answer = watched.send(dump(*alerts, receiver="other"))
    assert "this alert was acted on already: see production/0003" in answer.says


def test_an_alert_does_not_wait_for_all_stages_to_be_judged(watched: WatchedTeam) -> None:
    """Each may take a minute, where a server does not answer."""
    delivery = Delivery(parse_webhook(dump(make_alert())))
    assert watched.watcher.inbox.offer(delivery)
    watched.watcher.look()
    assert delivery.reply.result(0).status == 200
    assert watched.list_holders() == BACK
