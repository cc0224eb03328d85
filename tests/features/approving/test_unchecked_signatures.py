"""Seals whose signature nothing here can check: they open no gate, and nobody is silent of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mlver.records import layout
from tests.cli.conftest import assert_works
from tests.features.approving.conftest import Team
from tests.features.approving.forging import forge
from tests.features.approving.test_judged_again import branch_off, check
from tests.signature_blocks import build_ssh, encode_text, write_block

SEAL = layout.seal_path(layout.approval_path("digits", "1.1.0", "production", 2))
# Built as signatures are, though nobody made them; git asks gpgsm about the last.
OPENPGP = write_block("PGP SIGNATURE", f"\n{encode_text(bytes([0x88, 12, 4]) + bytes(11))}")
BLOCKS = (
    write_block("SSH SIGNATURE", encode_text(build_ssh())),
    OPENPGP,
    write_block("SIGNED MESSAGE", encode_text(b"0\x0b" + bytes.fromhex("06092a864886f70d010702"))),
)


def replace_signature(team: Team, block: str) -> None:
    """Put a signature that is none into Leo's seal, and commit that with his approval."""
    path = team.repository.path / SEAL
    text, _, _ = path.read_text().partition("-----BEGIN ")
    path.write_text(text + block)
    team.repository.git("commit", "--quiet", "--amend", "--all", "--no-edit")


@pytest.fixture
def approve_falsely(team: Team) -> Callable[[str], Team]:
    """Ana's approval holds, and Leo's bears a signature that is none."""
    team.configure(signed=True)

    def approve(block: str) -> Team:
        team.approve("ana")
        team.approve("leo")
        replace_signature(team, block)
        return team

    return approve


@pytest.mark.parametrize("block", BLOCKS, ids=["ssh", "openpgp", "x509"])
def test_who_has_no_such_key_has_signed_nothing(
    approve_falsely: Callable[[str], Team], block: str
) -> None:
    team = approve_falsely(block)
    forge(team, 1, 2, signed="leo@example.org SHA256:forged")
    done = team.repository.mlver("verify", "--all")
    assert done.code == 1
    said = " ".join(done.out.split())
    assert "has 1 of 2 approvals that its rule asks for; that of leo@example.org" in said


def test_a_key_that_is_listed_and_not_here_is_told(team: Team) -> None:
    team.configure(signed=True)
    lines = [key.allow() for key in team.keys.values()]
    team.allow(*lines, f"# openpgp: leo@example.org {'AB' * 20}\n")
    base = branch_off(team)
    team.approve("ana")
    team.approve("leo")
    replace_signature(team, OPENPGP)
    forge(team, 1, 2, signed="leo@example.org SHA256:forged")
    done = team.repository.mlver("verify", "--all")
    assert "is signed in a way that nothing here can check" in " ".join(done.out.split())
    audited = team.repository.mlver("audit", "--stage", "production", "--strict")
    assert audited.code == 1
    code, said = check(team.repository, base, "review")
    assert code == 1
    assert "that of leo@example.org is signed in a way that nothing here can check" in said


def test_a_sound_team_is_right(team: Team) -> None:
    team.configure(signed=True)
    team.approve("ana")
    team.approve("leo")
    assert team.promote().code == 0
    assert_works(team.repository, "verify", "--all")
