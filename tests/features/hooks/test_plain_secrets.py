"""A branch that takes `encrypt` away, so that a secret param comes into git in plain text."""

from __future__ import annotations

from dataclasses import replace

from mlver.document import codec
from mlver.project.project import Project
from mlver.records import layout
from tests.cli.conftest import assert_works
from tests.conftest import Repository


def test_a_branch_that_no_longer_keeps_a_secret(first: Repository) -> None:
    config = first.path / layout.CONFIG
    plain = config.read_text()
    config.write_text(f"{plain}encrypt:\n  params: [lr]\n")
    first.commit("Keep it secret")
    base = first.git("rev-parse", "HEAD")
    config.write_text(plain)
    first.write("params.yaml", "lr: 0.8125\n")
    first.commit("Keep nothing secret")
    assert_works(first, "register", "digits", "--bump", "minor", "-m", "In plain text")
    done = first.mlver("hook", "check", "--from", base, "--to", "HEAD")
    said = " ".join((done.out + done.err).split())
    assert done.code == 1
    assert "1.1.0.yaml holds lr in plain text, which encrypt.params calls secret" in said
    assert "0.8125" not in said


def test_what_was_secret_where_it_landed_is_named_by_verify(first: Repository) -> None:
    """A record by hand, and one that landed before anything was secret."""
    config = first.path / layout.CONFIG
    plain = config.read_text()
    assert_works(first, "verify", "--all")
    config.write_text(f"{plain}encrypt:\n  params: [lr]\n  artifacts: [weights]\n")
    first.commit("Keep it secret")
    assert_works(first, "verify", "--all")
    project = Project.open_existing(first.path)
    record, _ = project.registry.read_version("digits", "1.0.0")
    data = codec.encode_document("version", replace(record, version="1.1.0").to_document())
    first.write(layout.version_path("digits", "1.1.0"), data.decode())
    first.commit("By hand")
    done = first.mlver("verify", "--all")
    said = " ".join(done.out.split())
    assert done.code == 1
    assert "1.1.0.yaml holds lr in plain text, which encrypt.params calls secret" in said
    assert "1.1.0.yaml keeps weights in plain, which encrypt.artifacts calls secret" in said
    assert "1.0.0.yaml holds" not in said
    refused = first.mlver("hook", "check", "--from", "HEAD~1", "--to", "HEAD")
    assert "keeps weights in plain, which encrypt.artifacts calls secret" in refused.out
