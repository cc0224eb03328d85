from __future__ import annotations

from dataclasses import replace

from mlver.policy.serving.roles import keep_former, list_versions
from mlver.policy.serving.served import ServedTarget
from tests.policy.serving.served_targets import make_target


def list_kept(target: ServedTarget) -> list[str]:
    return [str(version.version) for version in target.kept]


def test_what_served_before_stays_until_the_roles_move_again() -> None:
    first = make_target("1.0.0")
    assert keep_former(None, first) == first
    second = keep_former(first, make_target("1.1.0"))
    assert list_kept(second) == ["1.0.0"]
    assert keep_former(second, make_target("1.1.0")) == second
    third = keep_former(second, make_target("1.2.0"))
    assert list_kept(third) == ["1.1.0"]


def test_going_back_keeps_what_was_left() -> None:
    second = keep_former(make_target("1.0.0"), make_target("1.1.0"))
    assert list_kept(keep_former(second, make_target("1.0.0"))) == ["1.1.0"]


def test_another_share_or_another_record_of_the_stage_moves_no_role() -> None:
    former = keep_former(make_target("1.0.0"), make_target("1.1.0"))
    assert former.stable is not None
    again = replace(make_target("1.1.0"), stable=replace(former.stable, sequence=9))
    assert list_kept(keep_former(former, again)) == ["1.0.0"]


def test_a_version_is_listed_once() -> None:
    target = make_target("1.1.0", "1.1.0", kept=("1.0.0", "1.1.0"))
    assert [str(version.version) for version in list_versions(target)] == ["1.0.0", "1.1.0"]
    former = make_target("1.0.0", "1.2.0")
    kept = keep_former(former, make_target("1.2.0", kept=("0.9.0",)))
    assert list_kept(kept) == ["0.9.0", "1.0.0"]
