"""Targets that do not serve yet what the stages say."""

from __future__ import annotations

from tests.faults.ground import WorkPlace
from tests.faults.preparations import make_weights, prepare_staged, prepare_two_versions

# In `oracle_of_remotes.LATER`: what a killed deployment leaves there, the next one removes.
FOLDER = "serving"
_SETTINGS = f"""\
deploy:
  host:
    layout: directories
    path: {FOLDER}
    stages: {{stable: production, canary: canary}}
    keep: 1
"""
_MANIFESTS = f"""\
deploy:
  host:
    layout: kubernetes
    path: {FOLDER}
    stages: {{stable: production}}
    options: {{base: acme/server, image: acme/m}}
"""
DEPLOY = ("deploy", "host", "-m", "Tonight")


def _add_target(place: WorkPlace, target: str = _SETTINGS) -> None:
    settings = place.path / ".mlver/config.yaml"
    text = settings.read_text().replace("stages:\n", "stages:\n  canary: {}\n", 1)
    place.write(".mlver/config.yaml", text + target)
    place.git("commit", "--quiet", "-m", "Add a target", ".mlver/config.yaml")


def prepare_target(place: WorkPlace) -> None:
    """A target to which nothing was deployed, with a version in production."""
    prepare_staged(place)
    _add_target(place)


def prepare_moved(place: WorkPlace) -> None:
    """A target that serves 1.1.0, and tries it besides: production has moved to 1.2.0 since, the
    canary's stage is empty, and 1.0.0 is too old to be kept.
    """
    prepare_two_versions(place)
    _add_target(place)
    place.mlver("promote", "m@1.0.0", "--to", "production", "-m", "Good")
    place.mlver("deploy", "host")
    place.mlver("promote", "m@1.1.0", "--to", "canary", "-m", "Try it")
    place.mlver("promote", "m@1.1.0", "--to", "production", "-m", "Better")
    place.mlver("deploy", "host")
    place.write("model.bin", make_weights(3))
    place.mlver("register", "m", "--version", "1.2.0", "-m", "Third")
    place.mlver("promote", "m@1.2.0", "--to", "production", "-m", "Best")
    place.mlver("retire", "m", "--stage", "canary", "-m", "Tried")


def prepare_spoilt(place: WorkPlace) -> None:
    """A target in which a file was changed, one is missing, and one was put in."""
    prepare_target(place)
    place.mlver("deploy", "host")
    stable = (place.path / FOLDER / "stable").resolve()
    (stable / "model.bin").write_bytes(b"other weights")
    (stable / "mlver.json").unlink()
    (stable / "extra.bin").write_bytes(b"more")


def prepare_manifests(place: WorkPlace) -> None:
    """A target of several files beside the versions, whose stage has moved since."""
    prepare_two_versions(place)
    _add_target(place, _MANIFESTS)
    place.mlver("promote", "m@1.0.0", "--to", "production", "-m", "Good")
    place.mlver("deploy", "host")
    place.mlver("promote", "m@1.1.0", "--to", "production", "-m", "Better")
