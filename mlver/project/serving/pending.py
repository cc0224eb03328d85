"""What a deployment was about to serve, kept until its record is written.

A command that is killed in between leaves it. Where the target serves it by then, the next
deployment records that before it does anything else: what was served is in the records, even where
the stages have moved on. It is believed only where this user's own mlver wrote it, and what it says
is checked against the folder. Another file tells that a proxy is still to be told of new routes.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from mlver.document import codec
from mlver.errors import MlverError
from mlver.project.project import Project
from mlver.records.deployment import DeploymentRecord
from mlver.system import durable, proof
from mlver.system.regular import read_regular

_MOST_BYTES = 16 << 20


def _find_file(project: Project, target: str, suffix: str) -> Path:
    # Directly in this folder, which every command that writes records sweeps.
    return project.state_directory / f"deployment-{target}.{suffix}"


def keep_pending(project: Project, record: DeploymentRecord) -> None:
    """Put a record on the disk of what is about to be served."""
    text = codec.encode_document("deployment", record.to_document()).decode()
    document = {"record": text, "proof": proof.sign_data(text.encode())}
    path = _find_file(project, record.target, "json")
    durable.write_file(path, json.dumps(document).encode())


def read_pending(project: Project, target: str) -> DeploymentRecord | None:
    """Read what a killed command left; None where it left nothing that can be believed."""
    path = _find_file(project, target, "json")
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        document = json.loads(read_regular(path, _MOST_BYTES))
        data = document["record"].encode()
        if proof.is_signed(data, document["proof"], path):
            with suppress(MlverError):
                read = codec.decode_document("deployment", data, str(path))
                record = DeploymentRecord.from_document(read)
                return record if record.target == target else None
    return None


def drop_pending(project: Project, target: str) -> None:
    """Forget it: its record is written, or it never came to be served."""
    path = _find_file(project, target, "json")
    if path.exists():
        durable.remove_file(path)


def keep_reload(project: Project, target: str) -> None:
    """Remember that what the person's command reloads has not heard of the new routes yet."""
    path = _find_file(project, target, "reload")
    durable.write_file(path, b"")


def owes_reload(project: Project, target: str) -> bool:
    return _find_file(project, target, "reload").exists()


def drop_reload(project: Project, target: str) -> None:
    path = _find_file(project, target, "reload")
    if path.exists():
        durable.remove_file(path)
