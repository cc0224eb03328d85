"""A branch that takes `encrypt` away, so that a secret param comes into git in plain text."""

from __future__ import annotations

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
