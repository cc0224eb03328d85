from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from mlver.digest import Digest
from mlver.policy.chain import (
    PromotionSeal,
    RecordSeal,
    SignatureState,
    judge_history,
    judge_promotion_seals,
    judge_seal,
)
from mlver.records.promotion import Action, PromotionRecord
from mlver.records.tags import version_tag_name

RECORD, OTHER = Digest("ab" * 32), Digest("cd" * 32)
WHOLE = RecordSeal(annotated=True, sealed=RECORD, committed=RECORD)

SEALS: dict[str, tuple[Digest, RecordSeal | None, list[tuple[str, str]]]] = {
    "whole": (RECORD, WHOLE, []),
    "no tag": (RECORD, None, [("unsealed", "no tag seals this record")]),
    "a lightweight tag": (
        RECORD,
        replace(WHOLE, annotated=False),
        [("tag", "is a lightweight tag")],
    ),
    "a tag that names no record": (
        RECORD,
        replace(WHOLE, sealed=None),
        [("tag", "no Mlver-Record line")],
    ),
    "a commit without the record": (
        RECORD,
        replace(WHOLE, committed=None),
        [("tag", "a commit that does not hold the record")],
    ),
    "a commit with another record": (
        RECORD,
        replace(WHOLE, committed=OTHER),
        [("tag", "a commit that holds another record")],
    ),
    "an edited record": (OTHER, WHOLE, [("record", "was edited after its tag sealed it")]),
    "a tag that was made for another record": (
        RECORD,
        RecordSeal(annotated=True, sealed=OTHER, committed=RECORD),
        [
            ("tag", "a commit that holds another record"),
            ("record", "was edited after its tag sealed it"),
        ],
    ),
}


@pytest.mark.parametrize(("record", "seal", "expected"), SEALS.values(), ids=SEALS)
def test_each_way_a_seal_can_be_broken(
    record: Digest, seal: RecordSeal | None, expected: list[tuple[str, str]]
) -> None:
    found = judge_seal("m", "1.0.0", record, seal)
    assert [link.kind for link in found] == [kind for kind, _ in expected]
    for link, (kind, words) in zip(found, expected, strict=True):
        assert words in link.message
        assert link.subject == ("m 1.0.0" if kind == "record" else "m@v1.0.0")
        assert link.hints


def test_a_tag_reads_as_model_and_version() -> None:
    assert version_tag_name("translate.kr-en", "1.2.0-rc.1") == "translate.kr-en@v1.2.0-rc.1"


def test_a_tag_with_a_hostile_name_can_be_pasted() -> None:
    """No model may be called that, but a tag may; what is told of it is pasted into a shell."""
    model = "$(touch${IFS}PWN)"
    for seal in (
        replace(WHOLE, annotated=False),
        replace(WHOLE, sealed=None),
        WHOLE,
    ):
        (broken,) = judge_seal(model, "1.0.0", OTHER, seal)
        assert "'$(touch${IFS}PWN)@v1.0.0'" in broken.hints[0]


# -- a stage's history
# -----------------------------------------------------------------------------------------------

RECORDS = {version: Digest.of_bytes(version.encode()) for version in "abc"}
Chain = list[tuple[PromotionRecord, Digest]]


def link(sequence: int, action: Action, version: str, previous: str | None) -> PromotionRecord:
    return PromotionRecord(
        model="m",
        stage="production",
        sequence=sequence,
        action=action,
        version=version,
        previous=previous,
        created="",
        author="",
        message="",
        record=RECORDS[version],
        prior=None,
    )


def chained(links: list[PromotionRecord]) -> Chain:
    """The links with their `prior` filled in; a record's digest is of all it says."""
    chain: Chain = []
    for record in links:
        made = replace(record, prior=chain[-1][1] if chain else None)
        chain.append((made, Digest.of_bytes(repr(made).encode())))
    return chain


@pytest.fixture
def chain() -> Chain:
    return chained(
        [
            link(1, "promote", "a", None),
            link(2, "promote", "b", "a"),
            link(3, "rollback", "a", "b"),
            link(4, "retire", "a", "a"),
            link(5, "promote", "c", None),
        ]
    )


def broken(chain: Chain, records: dict[str, Digest] = RECORDS) -> list[str]:
    found = judge_history("production", chain, records)
    assert {one.kind for one in found} <= {"chain"}
    return [f"{one.subject} {one.message}" for one in found]


def test_a_whole_history_has_no_broken_link(chain: Chain) -> None:
    for length in range(len(chain) + 1):
        assert broken(chain[:length]) == []


def edit(at: int, **changes: object) -> Callable[[Chain], Chain]:
    """One record edited, its own digest with it, as whoever edits the file would have it."""

    def edited(chain: Chain) -> Chain:
        record = replace(chain[at][0], **changes)  # type: ignore[arg-type]
        return [*chain[:at], (record, Digest.of_bytes(repr(record).encode())), *chain[at + 1 :]]

    return edited


TAMPERED: dict[str, tuple[Callable[[Chain], Chain], list[str]]] = {
    "the first is missing": (lambda chain: chain[1:], ["production 0001 is missing"]),
    "one in the middle is missing": (
        lambda chain: chain[:2] + chain[3:],
        ["production 0003 is missing"],
    ),
    "two are swapped": (
        lambda chain: [chain[0], chain[2], chain[1], *chain[3:]],
        ["production 0002 is missing"],
    ),
    "a message was edited": (
        edit(1, message="another reason"),
        ["production/0003 does not follow from 0002, which was changed or replaced"],
    ),
    "the first does not begin": (
        edit(0, prior=OTHER),
        [
            "production/0001 does not follow from a record before the first, "
            "which was changed or replaced",
            "production/0002 does not follow from 0001, which was changed or replaced",
        ],
    ),
    "the last names another before it": (
        edit(4, prior=OTHER),
        ["production/0005 does not follow from 0004, which was changed or replaced"],
    ),
    "the holder before is another": (
        edit(4, previous="b"),
        ["production/0005 says b held before; it was None"],
    ),
    "the holder before is left out": (
        lambda chain: edit(1, previous=None)(chain[:2]),
        ["production/0002 says nothing held before; it was a"],
    ),
    "a record without seals after one with a seal": (
        edit(4, format=1),
        [
            "production/0005 is of a format without seals, and follows a promotion that has to be"
            " sealed"
        ],
    ),
    "a version without a record": (
        edit(4, version="z"),
        ["production/0005 names z, which has no record"],
    ),
    "a version whose record is another": (
        edit(4, record=OTHER),
        ["production/0005 was given for another record of c than the one here"],
    ),
}


@pytest.mark.parametrize(("tamper", "expected"), TAMPERED.values(), ids=TAMPERED)
def test_each_way_a_history_can_be_broken(
    chain: Chain, tamper: Callable[[Chain], Chain], expected: list[str]
) -> None:
    assert broken(tamper(chain)) == expected


def test_a_record_that_is_gone_is_missed_by_every_promotion_of_it(chain: Chain) -> None:
    records = {version: digest for version, digest in RECORDS.items() if version != "a"}
    assert broken(chain, records) == [
        f"production/{number:04d} names a, which has no record" for number in (1, 3, 4)
    ]


def test_a_history_may_begin_before_seals(chain: Chain) -> None:
    older = [replace(record, format=1) for record, _ in chain[:3]]
    newer = [record for record, _ in chain[3:]]
    assert broken(chained([*older, *newer])) == []


# -- the seals of a stage's promotions
# -----------------------------------------------------------------------------------------------


def seal_all(chain: Chain, signature: SignatureState = "unsigned") -> dict[int, PromotionSeal]:
    """The seal of each promotion, as it has to be."""
    seals = {}
    for record, digest in chain:
        seal = RecordSeal(annotated=True, sealed=digest, committed=digest)
        seals[record.sequence] = PromotionSeal(seal, signature)
    return seals


def test_a_sealed_chain_has_nothing_to_be_said_of(chain: Chain) -> None:
    judged = judge_promotion_seals(chain, seal_all(chain), signed=False)
    assert (judged.broken, judged.unsealed) == ((), ())
    assert set(judged.states.values()) == {"sealed"}


def test_the_newest_without_seals_wait_for_them_and_one_before_a_seal_is_missing(
    chain: Chain,
) -> None:
    seals = seal_all(chain)
    for sequence in (2, 4, 5):
        del seals[sequence]
    judged = judge_promotion_seals(chain, seals, signed=False)
    assert [(entry.kind, entry.subject) for entry in judged.broken] == [("chain", "m@production.2")]
    assert [entry.subject for entry in judged.unsealed] == ["m@production.4", "m@production.5"]
    assert judged.states == {
        1: "sealed",
        2: "unsealed",
        3: "sealed",
        4: "unsealed",
        5: "unsealed",
    }


def test_a_tag_that_seals_nothing_makes_no_earlier_seal_a_missing_one(chain: Chain) -> None:
    planted = PromotionSeal(RecordSeal(annotated=False, sealed=None, committed=None))
    judged = judge_promotion_seals(chain, {5: planted}, signed=False)
    assert [entry.subject for entry in judged.broken] == ["m@production.5"]
    assert len(judged.unsealed) == 4
    assert set(judged.states.values()) == {"unsealed"}


def test_what_is_older_than_seals_lacks_none_and_is_judged_where_it_has_one(chain: Chain) -> None:
    older = [(replace(record, format=1), digest) for record, digest in chain]
    judged = judge_promotion_seals(older, {}, signed=True)
    assert (judged.broken, judged.unsealed) == ((), ())
    assert set(judged.states.values()) == {"before seals"}
    other = PromotionSeal(RecordSeal(annotated=True, sealed=OTHER, committed=OTHER))
    judged = judge_promotion_seals(older, {5: other}, signed=True)
    assert [entry.kind for entry in judged.broken] == ["record"]
    # a seal of an old record tells nothing about the records before it
    judged = judge_promotion_seals(older, {5: seal_all(chain)[5]}, signed=True)
    assert (judged.broken, judged.states[5], judged.states[4]) == ((), "sealed", "before seals")


@pytest.mark.parametrize(
    ("signature", "signed", "expected"),
    [
        ("good", True, []),
        ("unsigned", False, []),
        ("unsigned", True, ["is not signed, and the settings ask for that"]),
        ("bad", False, ["is signed, and the signature is not of what it says now"]),
    ],
)
def test_the_signatures_of_promotion_seals_are_held_to_the_settings(
    chain: Chain, signature: SignatureState, signed: bool, expected: list[str]
) -> None:
    judged = judge_promotion_seals(chain[:1], seal_all(chain[:1], signature), signed=signed)
    assert [entry.message for entry in judged.broken] == expected
    assert judged.states[1] == ("unsealed" if expected else "sealed")
