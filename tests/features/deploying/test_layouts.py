"""Each layout from the command line: deployed, switched, looked at, and deployed again."""

from __future__ import annotations

import http.server
import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from mlver.project.project import Project
from tests.cli.conftest import assert_refused, assert_works
from tests.cli.results import read_document
from tests.conftest import Repository
from tests.features.deploying.conftest import add_target, list_all, promote
from tests.policy.serving.label_server import LabelServer
from tests.project.artifacts.helpers import lose_object

OLD, NEW = 10_000_000_099, 10_001_000_099
OPTIONS = {
    "tensorflow-serving": {},
    "triton": {"backend": "python"},
    "kserve": {"format": "onnx", "storage": "pvc://models/serving"},
    "bentoml": {},
    "kubernetes": {"base": "acme/server:3", "image": "acme/digits"},
    "compose": {"base": "acme/server:3"},
}
# The folder of the weights of 1.1.0, the file that says what has a role, and what it says of 1.1.0.
PLACES = {
    "tensorflow-serving": (f"models/digits/{NEW}", "models.config", f'"stable" value: {NEW}'),
    "triton": (f"models/digits/{NEW}", "models/digits/config.pbtxt", f"[ {NEW} ]"),
    "kserve": (
        "models/digits/1.1.0",
        "inferenceservice.yaml",
        "pvc://models/serving/models/digits/1.1.0",
    ),
    "bentoml": ("models/digits/1.1.0", "models/digits/latest", "1.1.0"),
    "kubernetes": ("digits-1-1-0/model", "roles.yaml", "digits-1-1-0"),
    "compose": ("digits-1-1-0/model", "compose.yaml", "stable: digits-1-1-0"),
}


def use_layout(
    repository: Repository,
    layout: str,
    options: Mapping[str, object] | None = None,
    *,
    canary: str | None = None,
) -> Path:
    """Give `host` a layout, and the stage of a canary; the folder of the target."""
    stages = {"stable": "production"} | ({"canary": canary} if canary else {})
    settings = {
        "layout": layout,
        "path": "serving",
        "stages": stages,
        "options": {**OPTIONS[layout], **(options or {})},
    }
    add_target(repository, yaml.safe_dump({"deploy": {"host": settings}}))
    return repository.path / "serving"


@pytest.mark.parametrize("layout", OPTIONS)
def test_a_layout_is_deployed_switched_and_rolled_back(second: Repository, layout: str) -> None:
    folder = use_layout(second, layout)
    place, file, said = PLACES[layout]
    assert_works(second, "deploy", "host")
    first = (folder / file).read_text()
    assert said not in first
    assert_works(second, "deploy", "host", "--check")
    promote(second, "1.1.0")
    assert second.mlver("deploy", "host", "--check").code == 1
    assert (folder / file).read_text() == first
    # Where the server has to load something first, that has happened by the second time.
    if second.mlver("deploy", "host").code:
        assert_works(second, "deploy", "host")
    assert said in (folder / file).read_text()
    weights = (folder / place / "weights.safetensors").read_text()
    assert weights == "weights of run 2\n" * 1000
    before = list_all(folder)
    again = read_document(second.mlver("deploy", "host", "--json"), "deploy")
    assert (again["changed"], again["changes"]) == (False, [])
    assert list_all(folder) == before
    assert_works(second, "rollback", "digits", "--stage", "production", "-m", "Worse")
    assert_works(second, "deploy", "host")
    assert said not in (folder / file).read_text()
    assert second.git("status", "--porcelain") == ""


@pytest.mark.parametrize("layout", ["bentoml", "kubernetes", "triton"])
def test_a_foreign_file_goes_and_the_files_of_a_layout_stay(
    second: Repository, layout: str
) -> None:
    folder = use_layout(second, layout)
    assert_works(second, "deploy", "host")
    before = list_all(folder)
    (weights,) = folder.rglob("weights.safetensors")
    weights.with_name("foreign").write_text("foreign")
    for path in (weights, folder / PLACES[layout][1]):
        path.write_text("changed")
    assert second.mlver("deploy", "host", "--check").code == 1
    assert_works(second, "deploy", "host")
    assert list_all(folder) == before


def test_what_served_before_stays_until_the_next_move(second: Repository) -> None:
    folder = use_layout(second, "kubernetes")
    assert_works(second, "deploy", "host")
    promote(second, "1.1.0")
    result = read_document(second.mlver("deploy", "host", "--json"), "deploy")
    assert [kept["version"] for kept in result["kept"]] == ["1.0.0"]
    versions = (folder / "versions.yaml").read_text()
    assert "name: digits-1-0-0\n" in versions
    assert_works(second, "deploy", "host", "--check")
    assert_works(second, "rollback", "digits", "--stage", "production", "-m", "Worse")
    assert_works(second, "deploy", "host")
    assert (folder / "versions.yaml").read_text() == versions


def test_going_back_is_not_held_up_by_the_bytes_of_what_served(second: Repository) -> None:
    folder = use_layout(second, "kubernetes")
    assert_works(second, "deploy", "host")
    promote(second, "1.1.0")
    assert_works(second, "deploy", "host")
    weights = folder / "digits-1-1-0/model/weights.safetensors"
    lose_object(Project.open_existing(second.path), weights.read_bytes())
    weights.write_text("damaged")
    assert_works(second, "rollback", "digits", "--stage", "production", "-m", "Worse")
    result = read_document(second.mlver("deploy", "host", "--json"), "deploy")
    assert (result["roles"]["stable"]["version"], result["kept"]) == ("1.0.0", [])
    assert "digits-1-1-0" not in (folder / "versions.yaml").read_text()


@contextmanager
def run_label_server(config: Path) -> Iterator[tuple[LabelServer, str]]:
    """A double of TensorFlow Serving that reads its file at each request; its address."""
    labels = LabelServer(delay=3, allows_unavailable=True)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.path == "/v1/models/digits"
            labels.tick()
            labels.reload(config.read_text())
            body = json.dumps(labels.describe_status()).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield labels, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_labels_move_once_the_server_has_loaded_the_version(second: Repository) -> None:
    folder = use_layout(second, "tensorflow-serving")
    assert_works(second, "deploy", "host")
    with run_label_server(folder / "models.config") as (server, address):
        server.reload((folder / "models.config").read_text())
        for _ in range(server.delay):
            server.tick()
        promote(second, "1.1.0")
        assert_works(second, "deploy", "host", "--wait", address)
        assert server.labels == {"stable": OLD}
        assert server.available == {OLD, NEW}
        server.reload((folder / "models.config").read_text())
        assert server.labels == {"stable": NEW}
    # Everything is loaded, so that going back asks nobody.
    assert_works(second, "rollback", "digits", "--stage", "production", "-m", "Worse")
    assert_works(second, "deploy", "host")
    server.reload((folder / "models.config").read_text())
    assert server.labels == {"stable": OLD}


@pytest.mark.parametrize("address", ["http://[::1", "127.0.0.1:8501", "http://", "file:///etc/x"])
def test_what_is_no_address_of_a_server_is_refused_before_anything(
    second: Repository, address: str
) -> None:
    folder = use_layout(second, "tensorflow-serving")
    done = second.mlver("deploy", "host", "--wait", address)
    assert (done.code, "--wait takes an address such as" in done.err) == (2, True), done
    assert not folder.exists()


def test_the_share_of_an_open_rollout_stands_in_the_files(second: Repository) -> None:
    folder = use_layout(second, "kserve")
    candidate = ("rollout", "digits@1.1.0", "--to", "production", "--force", "-m", "Try")
    for share in (10, 100):
        assert_works(second, *candidate, "--share", str(share))
        assert_works(second, "deploy", "host")
        document = yaml.safe_load((folder / "inferenceservice.yaml").read_text())
        (canary,) = document["spec"]["canary"]
        assert canary["trafficPercent"] == share
        assert (folder / "models/digits/1.1.0/weights.safetensors").exists()
    assert_works(second, *candidate, "--share", "0.5")
    assert "whole percents" in assert_refused(second, "deploy", "host")
    assert_works(second, *candidate, "--share", "0")
    assert_works(second, "deploy", "host")
    text = (folder / "inferenceservice.yaml").read_text()
    assert "canary" not in text
    assert "models/digits/1.0.0" in text


def test_a_candidate_has_a_label_of_its_own_and_loses_it(second: Repository) -> None:
    folder = use_layout(second, "tensorflow-serving", canary="staging")
    assert_works(second, "deploy", "host")
    config = folder / "models.config"
    assert "canary" not in config.read_text()
    promote(second, "1.1.0", "staging")
    assert "has not moved" in assert_refused(second, "deploy", "host")
    assert_works(second, "deploy", "host")
    assert f'"canary" value: {NEW}' in config.read_text()
    assert f'"stable" value: {OLD}' in config.read_text()
    assert_works(second, "retire", "digits", "--stage", "staging", "-m", "Tried")
    assert_works(second, "deploy", "host")
    assert "canary" not in config.read_text()


def test_without_an_address_labels_stay_and_the_next_deployment_moves_them(
    second: Repository,
) -> None:
    folder = use_layout(second, "tensorflow-serving")
    assert_works(second, "deploy", "host")
    promote(second, "1.1.0")
    said = assert_refused(second, "deploy", "host")
    assert "what leads to them has not moved" in said
    text = (folder / "models.config").read_text()
    assert f"versions: {NEW}" in text
    assert f'"stable" value: {OLD}' in text
    assert second.mlver("deploy", "host", "--check").code == 1
    assert_works(second, "deploy", "host")
    assert f'"stable" value: {NEW}' in (folder / "models.config").read_text()


def test_a_config_of_the_users_own_is_taken_from_the_repository(second: Repository) -> None:
    own = second.path / "triton" / "config.pbtxt"
    own.parent.mkdir()
    own.write_text('# ours\nbackend: "python"\n')
    second.git("add", "triton")
    folder = use_layout(second, "triton", {"config": "triton/config.pbtxt", "backend": "ignored"})
    assert_works(second, "deploy", "host")
    text = (folder / PLACES["triton"][1]).read_text()
    assert text.startswith('# ours\nbackend: "python"\n')
    assert f"[ {OLD} ]" in text
    own.unlink()
    said = assert_refused(second, "deploy", "host")
    assert "triton/config.pbtxt, the option `config` of host, cannot be read" in said
    own.symlink_to("/etc/passwd")
    assert_refused(second, "deploy", "host")


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", ".git/config", ".mlver/config.yaml"])
def test_no_file_elsewhere_is_read_for_a_config(second: Repository, path: str) -> None:
    use_layout(second, "triton", {"config": path})
    assert_refused(second, "deploy", "host", code=2)


@pytest.mark.parametrize(
    ("layout", "options", "said"),
    [
        ("kubernetes", {"port": "80 90"}, "the option `port` of the layout kubernetes cannot be"),
        ("kubernetes", {"base": "a\u2028b"}, "base"),
        ("compose", {"bases": "acme/server"}, "has no option `bases`; did you mean `base`?"),
        ("bentoml", {"port": 80}, "the layout bentoml has no option `port`"),
    ],
)
def test_options_that_a_layout_does_not_take_are_refused(
    second: Repository, layout: str, options: dict[str, object], said: str
) -> None:
    use_layout(second, layout, options)
    assert said in assert_refused(second, "deploy", "host")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff", "is not UTF-8 text"),
        (b"x" * ((1 << 20) + 1), "too many for settings"),
        (b"a: 1\nb {", "the config.pbtxt of digits, line 2: a bracket is not closed"),
        (b"a " + b"{" * 100_000, "nested too deeply"),
        (b"a: '\x1b[2J\n'", "line 1: a string has no end"),
        (None, "cannot be read: it is a FIFO"),
    ],
)
def test_a_config_that_is_none_is_refused(
    second: Repository, content: bytes | None, said: str
) -> None:
    use_layout(second, "triton", {"config": "config.pbtxt"})
    if content is None:
        os.mkfifo(second.path / "config.pbtxt")
    else:
        (second.path / "config.pbtxt").write_bytes(content)
    assert said in assert_refused(second, "deploy", "host")
    assert not (second.path / "serving/models").exists()
