"""What counts as a secret or a private path, and that no leak is ever repeated."""

from __future__ import annotations

import pytest

from mlver.policy.leaks import find_document_leaks, find_leaks

# Put together here, so that no scanner takes this file for a leak.
SECRETS = {
    "an AWS access key": "AKIA" + "Q3EGRIVSDSOWKX7P",
    "a GitHub token": "ghp_" + "a1B2" * 9,
    "a GitLab token": "glpat-" + "a1B2" * 5,
    "a Slack token": "xoxb-" + "1234567890-abc",
    "a private key": "-----BEGIN OPENSSH " + "PRIVATE KEY-----",
    "a Google API key": "AIza" + "a1B2c3D" * 5,
    "an OpenAI key": "sk-" + "proj-a1B2c3D4e5F6g7H8",
    "a Hugging Face token": "hf_" + "a1B2c3" * 6,
    "a password in an address": "https://kim:" + "hunter2@example.org/data",
}
PATHS = (
    "/home/kim/data",
    "file:///home/kim/x",
    "--data=/Users/kim/x",
    "/root/train.py",
    r"C:\Users\kim",
    r"C:\\Users\\kim",
)
PLAIN = (
    *(
        "https://example.org/home/kim",
        "/homes/x",
        "data/home/x",
        "/home",
        "chroot/root/x",
        "Kim <kim@example.org>",
    ),
    *(
        "https://kim@example.org",
        "https://kim:$TOKEN@example.org",
        "https://u:<password>@h",
        "sk-learn",
        "task-force-one",
    ),
    *(
        "sha256:" + "ab" * 32,
        "hf_hub",
        "AKIA",
        "ghp_short",
        "BEGIN PUBLIC KEY",
        "http://host:80/a@b",
    ),
)


@pytest.mark.parametrize(("kind", "secret"), SECRETS.items(), ids=SECRETS)
def test_a_secret_is_told_by_its_kind_and_never_repeated(kind: str, secret: str) -> None:
    assert find_leaks(f"train --with {secret} now") == [kind]
    told = list(find_document_leaks({"params": {"url": [1, f"x {secret}"]}, secret: True}))
    assert told == [("params.url[1]", kind), ("a key", kind)]
    assert secret not in str(told)


@pytest.mark.parametrize("path", PATHS)
def test_a_private_path_is_told(path: str) -> None:
    assert find_leaks(path) == find_leaks(f"x {path} y") == ["a private path"]


@pytest.mark.parametrize("text", PLAIN)
def test_what_only_looks_like_one_passes(text: str) -> None:
    assert find_leaks(text) == []


def test_below_a_secret_key_the_path_hides_it() -> None:
    assert list(find_document_leaks({SECRETS["a GitHub token"]: {"path": "/home/kim"}})) == [
        ("a key", "a GitHub token"),
        ("….path", "a private path"),
    ]


@pytest.mark.parametrize(
    "text",
    ["-----BEGIN " * 20_000, "://a:" * 50_000, "sk-" * 100_000, "/home" * 100_000],
    ids=lambda text: text[:6],
)
def test_no_text_takes_long(text: str) -> None:
    assert len(find_leaks(text)) <= 1
