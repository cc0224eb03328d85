"""Remotes that two branches named are merged name by name, and key by key."""

from __future__ import annotations

from mlver.document import codec
from mlver.features.merging.settings_merge import merge_settings

PATH = ".mlver/config.yaml"
HEAD = "schema: mlver/config/1\n"
NEAR = "  near:\n    url: /mnt/store\n"
FAR = "  far:\n    url: s3://models\n"


def merge(base: str, ours: str, theirs: str) -> tuple[dict[str, object], list[str]]:
    texts = [f"{HEAD}{text}".encode() for text in (base, ours, theirs)]
    merged, clashes = merge_settings(PATH, *texts)
    document = codec.decode_document("config", merged, PATH)
    return document.get("remotes", {}), clashes


def test_each_side_adds_a_remote() -> None:
    remotes, clashes = merge("", f"remotes:\n{NEAR}", f"remotes:\n{FAR}")
    assert remotes == {"near": {"url": "/mnt/store"}, "far": {"url": "s3://models"}}
    assert clashes == []
    # Ours stays the default.
    assert list(remotes) == ["near", "far"]


def test_each_side_changes_another_key() -> None:
    base = f"remotes:\n{FAR}"
    remotes, clashes = merge(
        base,
        f"{base}    region: eu-central-1\n",
        base.replace("models", "others"),
    )
    assert remotes == {"far": {"url": "s3://others", "region": "eu-central-1"}}
    assert clashes == []


def test_two_addresses_of_one_name_clash() -> None:
    base = f"remotes:\n{FAR}"
    remotes, clashes = merge(base, base.replace("models", "ours"), base.replace("models", "theirs"))
    assert remotes == {"far": {"url": "s3://ours"}}
    assert clashes == ["remotes.far.url"]
