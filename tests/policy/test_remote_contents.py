"""Which blobs hold what is needed, and which of the others may be deleted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from mlver.policy.remote_contents import (
    RecipeUses,
    RemoteContents,
    find_needed_blobs,
    find_needed_digests,
    is_settled,
    order_deletion,
    select_deletable,
    spare_shared,
)

SINCE = datetime(2026, 1, 1, tzinfo=UTC)
BEFORE = SINCE - timedelta(days=1)
A, B, C, P, Q = (letter * 64 for letter in "abcde")


def key(folder: str, digest: str) -> str:
    return f"{folder}/{digest[:2]}/{digest}"


def contents_of(
    *keys: str,
    packs: dict[str, frozenset[str]] | None = None,
    recipes: dict[str, RecipeUses] | None = None,
) -> RemoteContents:
    stored = dict.fromkeys(keys, BEFORE)
    return RemoteContents(stored, dict.fromkeys(keys, 1), packs or {}, recipes or {})


def uses(*parts: str, bases: tuple[str, ...] = ()) -> RecipeUses:
    return RecipeUses(frozenset(parts), frozenset(bases))


def test_a_recipe_keeps_its_parts_and_their_bases_to_the_last() -> None:
    recipes = {A: uses(P, bases=(B,)), B: uses(Q)}
    keys = [key("recipes", A), key("recipes", B), key("parts", P), key("parts", Q)]
    contents = contents_of(*keys, key("objects", C), recipes=recipes)
    assert find_needed_blobs(contents, {A}) == set(keys)
    assert find_needed_blobs(contents, {B}) == {key("recipes", B), key("parts", Q)}


def test_a_recipe_that_leads_to_itself_ends() -> None:
    recipes = {A: uses(P, bases=(B,)), B: uses(Q, bases=(A,))}
    assert find_needed_digests(contents_of(recipes=recipes), {A}) == {A, B, P, Q}


def test_a_pack_is_kept_whole() -> None:
    pack = (f"packs/{P}.pack", f"packs/{P}.idx")
    contents = contents_of(*pack, packs={P: frozenset({A, B})})
    assert find_needed_blobs(contents, {B}) == set(pack)
    assert find_needed_blobs(contents, {C}) == set()


def test_what_is_no_content_is_never_touched() -> None:
    contents = contents_of("pins/x.json", "else.txt", key("objects", A))
    assert contents.blobs == {key("objects", A)}
    condemned = ["pins/x.json", "else.txt", key("objects", A)]
    assert select_deletable(condemned, SINCE, contents, set()) == [key("objects", A)]


def test_what_was_stored_again_stays() -> None:
    wanted = key("objects", A)
    for stored, expected in ((BEFORE, [wanted]), (SINCE, []), (SINCE + timedelta(1), [])):
        contents = RemoteContents({wanted: stored}, {wanted: 1})
        assert select_deletable([wanted], SINCE, contents, set()) == expected
        assert select_deletable([wanted], SINCE, contents, {wanted}) == []


def test_a_push_under_way_spares_what_it_may_be_made_of() -> None:
    whole = contents_of(
        key("recipes", A), key("parts", P), f"packs/{Q}.pack", f"packs/{Q}.idx",
        packs={Q: frozenset({B})}, recipes={A: uses(P)},
    )  # fmt: skip
    assert is_settled(whole, {A, B})
    assert not is_settled(whole, {C})
    assert not is_settled(whole, {A}, frozenset({key("parts", P)}))
    assert not is_settled(whole, {A}, frozenset({key("recipes", A)}))
    assert not is_settled(whole, {B}, frozenset({f"packs/{Q}.idx"}))
    assert is_settled(contents_of(key("objects", C)), {C})
    assert spare_shared(whole.blobs) == {key("recipes", A)}


def test_what_leads_to_bytes_goes_first() -> None:
    keys = [key("parts", P), f"packs/{Q}.pack", f"packs/{Q}.idx", key("recipes", A)]
    assert set(order_deletion(keys)[:2]) == {f"packs/{Q}.idx", key("recipes", A)}


digests = st.sampled_from((A, B, C, P, Q))


@given(
    st.dictionaries(digests, st.builds(RecipeUses, st.frozensets(digests), st.frozensets(digests))),
    st.sets(digests),
    st.sets(digests),
)
def test_more_that_is_needed_keeps_as_much_or_more(
    recipes: dict[str, RecipeUses], needed: set[str], more: set[str]
) -> None:
    keys = [key(folder, digest) for folder in ("objects", "parts") for digest in (A, B, C, P, Q)]
    contents = contents_of(*keys, recipes=recipes)
    kept = find_needed_blobs(contents, needed)
    assert kept <= find_needed_blobs(contents, needed | more)
    for digest in needed:
        assert key("objects", digest) in kept
        for part in recipes[digest].parts if digest in recipes else ():
            assert key("parts", part) in kept
