"""A bad version at a tenth of the traffic is found, taken back and gone, with nobody typing."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.conftest import Repository
from tests.e2e.incident import Incident, Traffic, run_incident
from tests.policy.test_webhook import dump, make_alert
from tests.servers.starting import Servers

_CEILING_S = 60.0
# More often than watch tries within one answer.
_REFUSING = """\
#!/bin/sh
echo push >> {pushes}
test $(wc -l < {pushes}) -gt 4 && exit 0
echo no room >&2
exit 1
"""


@pytest.fixture
def _real_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is measured in production has a clock that goes."""
    for name in ("SOURCE_DATE_EPOCH", "GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("MLVER_TRUST_REMOTES", "all")


def refuse_pushes(incident: Incident) -> None:
    """Let the forge refuse the next pushes."""
    hook = incident.team.forge / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(_REFUSING.format(pushes=incident.team.place / "pushes"))
    hook.chmod(0o755)


@pytest.mark.usefixtures("_real_clock")
def test_a_bad_release_is_over_before_anybody_is_awake(servers: Servers, tmp_path: Path) -> None:
    with run_incident(servers, tmp_path) as incident:
        watch, traffic = incident.watch, Traffic()
        incident.release()
        watch.wait_for("deployed")
        # Silence holds: nobody asks anything yet, so nobody knows anything.
        time.sleep(2)
        assert set(watch.list_kinds()) == {"started", "no way back", "deployed"}
        refuse_pushes(incident)
        begun = time.monotonic()
        with traffic.flow(incident.nginx.port):
            # The first answer is 503, as the push fails; Alertmanager sends the alert again.
            failed = watch.wait_for("failed")
            assert {event["status"] for _, event in watch.events} >= {503}
            over = watch.wait_for("deployed", 2)
            time.sleep(1)
        assert begun < failed < over < begun + _CEILING_S
        assert watch.list_kinds().count("rolled back") <= 1
        check_traffic(traffic, over)
        check_records(incident)
        check_repeats(incident)
        assert (incident.production.root / "serving/stable/mlver.json").exists()
        assert not (incident.production.root / "serving/canary").exists()


def check_traffic(traffic: Traffic, over: float) -> None:
    """No request failed but those that the bad version answered wrongly, and it is gone."""
    kinds = set(traffic.counts)
    assert kinds == {"1.0.0 200", "1.1.0 200", "1.1.0 500"}, traffic.counts
    assert traffic.last["1.1.0"] < over + 0.5 < traffic.last["1.0.0"]
    share = sum(traffic.counts[kind] for kind in ("1.1.0 200", "1.1.0 500"))
    assert 0 < share < 0.2 * traffic.counts.total()


def check_records(incident: Incident) -> None:
    """The forge has the rollout's end, with the alert as its reason, and what was deployed."""
    forge = Repository(incident.team.forge)
    end = forge.git("show", "main:.mlver/models/digits/rollouts/production/0002.yaml")
    assert "action: withdraw" in end
    assert "Mlver-Alert: " in end
    listed = forge.git("ls-tree", "--name-only", "main:.mlver/deployments/production-host")
    assert listed.split() == ["0001.yaml", "0002.yaml", "0003.yaml"]
    clone = Repository(incident.production.root)
    done = clone.mlver("verify", "--all")
    assert done.code == 0, done


def check_repeats(incident: Incident) -> None:
    """What comes again, or late, changes nothing."""
    before = Repository(incident.team.forge).git("rev-parse", "main")
    for body in (*incident.evidence, dump(make_alert(version="0.9.0")), dump(status="resolved")):
        assert incident.send(body) == 200
    assert incident.send(dump(make_alert(model="letters"))) == 403
    assert Repository(incident.team.forge).git("rev-parse", "main") == before
