"""What the authorisations of data allow on a day."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.digest import Digest
from mlver.policy.authorisation import is_ended_by, judge_standing, list_live_purposes
from mlver.records.authorisation import AuthorisationAction, AuthorisationRecord

TODAY = "2026-06-15T12:00:00Z"


def make_record(
    action: AuthorisationAction, *purposes: str, until: str | None = None
) -> AuthorisationRecord:
    return AuthorisationRecord(
        data=Digest("7" * 64),
        sequence=1,
        action=action,
        created="2026-01-01T00:00:00Z",
        author="Kim <kim@example.org>",
        message="why",
        basis="contract",
        purposes=purposes,
        until=until,
        prior=None,
    )


FOR_TRAINING = make_record("grant", "training")
ENDED = make_record("grant", "training", until="2026-06-14")
LAST_DAY = make_record("grant", "training", until="2026-06-15")
ALL_BACK = make_record("withdraw")
TRAINING_BACK = make_record("withdraw", "training")
OTHER_BACK = make_record("withdraw", "evaluation")

CHAINS = [
    ((), "none"),
    ((make_record("grant", "evaluation"),), "none"),
    ((FOR_TRAINING,), "live"),
    ((LAST_DAY,), "live"),
    ((ENDED,), "ended"),
    ((FOR_TRAINING, ENDED), "live"),
    ((ENDED, FOR_TRAINING), "live"),
    ((FOR_TRAINING, ALL_BACK), "withdrawn"),
    ((FOR_TRAINING, TRAINING_BACK), "withdrawn"),
    ((FOR_TRAINING, OTHER_BACK), "live"),
    ((ALL_BACK,), "withdrawn"),
    ((FOR_TRAINING, ALL_BACK, FOR_TRAINING), "live"),
    ((FOR_TRAINING, ALL_BACK, ENDED), "ended"),
    ((ENDED, ALL_BACK), "withdrawn"),
]


@pytest.mark.parametrize(("chain", "standing"), CHAINS)
def test_the_last_word_counts(chain: Sequence[AuthorisationRecord], standing: str) -> None:
    found = judge_standing(chain, "training", TODAY)
    assert found.standing == standing
    assert (found.record is None) == (standing == "none")


RECORDS = st.sampled_from([FOR_TRAINING, ENDED, LAST_DAY, ALL_BACK, TRAINING_BACK, OTHER_BACK])


@given(st.lists(RECORDS, max_size=6))
def test_a_withdrawal_at_the_end_always_shuts(chain: list[AuthorisationRecord]) -> None:
    assert judge_standing([*chain, ALL_BACK], "training", TODAY).standing == "withdrawn"
    assert list_live_purposes([*chain, ALL_BACK], TODAY) == []


@given(st.lists(RECORDS, max_size=6))
def test_time_alone_never_opens(chain: list[AuthorisationRecord]) -> None:
    later = judge_standing(chain, "training", "2030-01-01").standing
    if later == "live":
        assert judge_standing(chain, "training", TODAY).standing == "live"


def test_a_withdrawal_ends_a_grant_of_one_of_its_purposes() -> None:
    both = make_record("grant", "evaluation", "training")
    assert is_ended_by(both, ALL_BACK)
    assert is_ended_by(both, OTHER_BACK)
    assert not is_ended_by(FOR_TRAINING, OTHER_BACK)
    assert not is_ended_by(ALL_BACK, ALL_BACK)
    assert not is_ended_by(both, FOR_TRAINING)
