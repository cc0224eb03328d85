"""Records read back: the same with and without the cache, and never through a symlink."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from mlver.digest import Digest
from mlver.document import codec
from mlver.errors import InvalidDocument, MlverError, UsageError
from mlver.project.project import Project
from mlver.project.registry.registry import RecordRegistry
from mlver.records import layout
from mlver.records.promotion import Action, PromotionRecord
from mlver.system.state import StateDatabase
from mlver.version import parse_version
from tests.conftest import NOW, Repository
from tests.project.helpers import store_version, write_artifact


@pytest.fixture
def registry(project: Project, repository: Repository) -> RecordRegistry:
    """Two versions of `m`, one of `other`; production held by 1.0.0, then 1.1.0."""
    write_artifact(repository, "w", {"a": "1"})
    for number in ("1.0.0", "1.1.0"):
        store_version(project, number, weights="w")
    store_version(project, "0.1.0", model="other", weights="w")
    promote(project, 1, "1.0.0", None)
    promote(project, 2, "1.1.0", "1.0.0")
    return project.cached.registry


def promote(
    project: Project, sequence: int, version: str, previous: str | None, action: Action = "promote"
) -> PromotionRecord:
    record = PromotionRecord(
        model="m",
        stage="production",
        sequence=sequence,
        action=action,
        version=version,
        previous=previous,
        created=NOW,
        author="Kim",
        message="why",
        record=Digest("ab" * 32),
        prior=None,
    )
    where = project.top_folder / layout.promotion_path("m", "production", sequence)
    where.parent.mkdir(parents=True, exist_ok=True)
    where.write_bytes(codec.encode_document("promotion", record.to_document()))
    return record


def test_names_are_listed_in_order_and_strangers_left_out(
    registry: RecordRegistry, repository: Repository
) -> None:
    for name in (
        "10.0.0.yaml",
        "2.0.0-rc.1.yaml",
        "v3.0.0.yaml",
        "1.0.yaml",
        "notes.txt",
        "4.0.0.yml",
        "01.0.0.yaml",
    ):
        repository.write(f"{layout.versions_folder('m')}/{name}", "")
    for name in ("..x", "-x", "a..b", "x.lock", ".hidden", "ünicode"):
        (repository.path / layout.MODELS / name).mkdir()
    for name in ("latest", "Production", "1st"):
        (repository.path / layout.stages_folder("m") / name).mkdir()
    for name in ("1.yaml", "0003.yml", "x0003.yaml"):
        repository.write(f"{layout.stage_folder('m', 'production')}/{name}", "")
    assert registry.list_models() == ["m", "other"]
    assert list(map(str, registry.list_versions("m"))) == ["1.0.0", "1.1.0", "2.0.0-rc.1", "10.0.0"]
    assert registry.list_stages("m") == ["production"]
    assert registry.list_sequences(layout.stage_folder("m", "production")) == [1, 2]
    assert registry.list_versions("nobody") == []


def test_what_a_record_says_does_not_depend_on_the_cache(
    registry: RecordRegistry, tmp_path: Path
) -> None:
    uncached = replace(registry, cache=None)
    cached = replace(registry, cache=StateDatabase(tmp_path / "state.db"))
    for reader in (cached, cached, uncached):
        assert reader.read_config() == registry.read_config()
        assert reader.read_version("m", "1.1.0") == registry.read_version("m", "1.1.0")
        assert reader.read_history("m", "production") == registry.read_history("m", "production")
        assert reader.read_settings("m") is None


def test_a_record_that_changed_is_read_anew(
    registry: RecordRegistry, repository: Repository
) -> None:
    before, _ = registry.read_version("m", "1.0.0")
    path = repository.path / layout.version_path("m", "1.0.0")
    path.write_bytes(path.read_bytes().replace(b"message: why", b"message: another"))
    after, digest = registry.read_version("m", "1.0.0")
    assert (before.message, after.message) == ("why", "another")
    assert (
        digest == registry.read_version_digest("m", "1.0.0") == Digest.of_bytes(path.read_bytes())
    )


def test_a_cached_document_is_not_taken_for_another_kind(
    registry: RecordRegistry, repository: Repository
) -> None:
    """The same bytes, valid as a version, put where a promotion is expected."""
    data = (repository.path / layout.version_path("m", "1.0.0")).read_bytes()
    registry.read_version("m", "1.0.0")
    repository.write(layout.promotion_path("m", "production", 3), data)
    with pytest.raises(InvalidDocument):
        registry.read_promotion("m", "production", 3)


def test_a_cache_that_lies_about_its_digest_is_not_asked(
    registry: RecordRegistry, repository: Repository
) -> None:
    assert registry.cache is not None
    data = (repository.path / layout.version_path("m", "1.0.0")).read_bytes()
    registry.cache.put_document(Digest.of_bytes(data).hex, json.dumps({"schema": "forged"}))
    assert registry.read_version("m", "1.0.0")[0].message == "why"


@pytest.mark.parametrize("kept", ["{}", "[]", "null", '{"schema": 1, "code": []}', "{"])
def test_a_cached_document_that_no_record_can_be_built_from_is_none(
    registry: RecordRegistry, repository: Repository, kept: str
) -> None:
    assert registry.cache is not None
    data = (repository.path / layout.version_path("m", "1.0.0")).read_bytes()
    key = Digest.of_bytes(b"version\0" + data).hex
    registry.cache.put_document(key, kept)
    assert registry.read_version("m", "1.0.0")[0].message == "why"
    assert "why" in (registry.cache.get_document(key) or "")


@pytest.mark.parametrize("is_cached", [True, False])
def test_many_versions_are_read_as_each_alone(
    registry: RecordRegistry, project: Project, repository: Repository, is_cached: bool
) -> None:
    repository.write(layout.version_path("m", "1.2.0"), "schema: mlver/version/2\n")
    linked = repository.path / layout.version_path("m", "1.3.0")
    linked.symlink_to(repository.path / layout.version_path("m", "1.0.0"))
    moved = (repository.path / layout.version_path("m", "1.0.0")).read_text()
    repository.write(layout.version_path("m", "1.4.0"), moved)
    reader = registry if is_cached else project.registry
    numbers = [parse_version(f"1.{minor}.0") for minor in (1, 2, 0, 3, 4, 5)]
    for _ in range(2):
        first, invalid, second, link, displaced, missing = reader.read_versions("m", numbers)
        assert first == reader.read_version("m", "1.1.0")
        assert second == reader.read_version("m", "1.0.0")
        assert isinstance(invalid, InvalidDocument)
        assert "a symlink" in str(link)
        assert "it says that it belongs at" in str(displaced)
        assert "versions/1.5.0.yaml is missing" in str(missing)


def test_more_versions_than_are_read_at_once(registry: RecordRegistry) -> None:
    numbers = [parse_version("1.0.0"), parse_version("1.1.0")] * 601
    versions: list[str] = []
    for outcome in registry.read_versions("m", numbers):
        assert not isinstance(outcome, MlverError)
        versions.append(outcome[0].version)
    assert versions == ["1.0.0", "1.1.0"] * 601


def test_the_promotions_of_a_version(
    registry: RecordRegistry, project: Project, repository: Repository
) -> None:
    promote(project, 3, "1.0.0", "1.1.0", "rollback")
    repository.write(layout.promotion_path("m", "production", 4), "1.0.0 is what this is about")
    assert [record.sequence for _, record in registry.read_promotions_of("m", "1.0.0")] == [1, 3]
    assert [path for path, _ in registry.read_promotions_of("m", "1.1.0")] == [
        layout.promotion_path("m", "production", 2)
    ]


def test_holders(registry: RecordRegistry, project: Project) -> None:
    assert registry.find_holders("m") == {"production": "1.1.0"}
    promote(project, 3, "1.0.0", "1.1.0", "rollback")
    assert registry.find_holders("m") == {"production": "1.0.0"}
    promote(project, 4, "1.0.0", "1.0.0", "retire")
    assert registry.find_holders("m") == {}
    assert registry.find_holder("m", "production") is None
    assert registry.find_holder("m", "staging") is None


def test_what_is_not_there_is_said_with_a_hint(registry: RecordRegistry) -> None:
    with pytest.raises(MlverError, match=r"m has no version 9\.9\.9") as refused:
        registry.read_version("m", parse_version("9.9.9"))
    assert refused.value.hint == "mlver list m"
    assert registry.read_version_digest("m", "9.9.9") is None
    assert registry.read_manifest(Digest("00" * 32)) is None


def test_a_changed_manifest_is_refused(registry: RecordRegistry, repository: Repository) -> None:
    record, _ = registry.read_version("m", "1.0.0")
    manifest = registry.read_manifest(record.weights.digest)
    assert manifest is not None
    assert manifest.entries == ((b"a", Digest.of_bytes(b"1").hex),)
    path = layout.manifest_path(record.weights.digest)
    repository.write(path, (repository.path / path).read_bytes().replace(b"  a", b"  b"))
    with pytest.raises(MlverError, match="no longer hash to its name") as refused:
        registry.read_manifest(record.weights.digest)
    assert refused.value.hint == f"git checkout -- {path}"


@pytest.mark.parametrize(
    "link",
    [
        ".mlver/models/m/versions/1.0.0.yaml",
        ".mlver/models/m/versions",
        ".mlver/models/m",
        ".mlver/models",
        ".mlver",
    ],
)
def test_no_record_is_read_through_a_symlink(
    registry: RecordRegistry, repository: Repository, tmp_path: Path, link: str
) -> None:
    (repository.path / link).rename(tmp_path / "moved")
    (repository.path / link).symlink_to(tmp_path / "moved")
    with pytest.raises(MlverError, match="passes through the symlink"):
        registry.read_version("m", "1.0.0")
    if not link.endswith(".yaml"):
        with pytest.raises(MlverError, match="passes through the symlink"):
            registry.list_versions("m")


def test_a_folder_in_a_records_place_is_refused(
    registry: RecordRegistry, repository: Repository
) -> None:
    (repository.path / layout.version_path("m", "3.0.0")).mkdir()
    with pytest.raises(MlverError, match=r"3\.0\.0\.yaml cannot be read: it is a folder"):
        registry.read_version("m", "3.0.0")


def test_a_record_of_a_newer_format_is_never_half_read(
    registry: RecordRegistry, repository: Repository
) -> None:
    path = repository.path / layout.version_path("m", "1.0.0")
    path.write_bytes(path.read_bytes().replace(b"mlver/version/2", b"mlver/version/3"))
    with pytest.raises(MlverError, match=r"1\.0\.0\.yaml"):
        registry.read_version("m", "1.0.0")


# -- naming a version
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ref", "version"),
    [
        ("m", "1.1.0"),
        ("m@latest", "1.1.0"),
        ("m@1.0.0", "1.0.0"),
        ("m@v1.0.0", "1.0.0"),
        ("m@production", "1.1.0"),
        ("other", "0.1.0"),
    ],
)
def test_what_a_ref_comes_down_to(
    registry: RecordRegistry, project: Project, ref: str, version: str
) -> None:
    assert str(project.resolve_ref(ref).version) == version


REFUSED = {
    "m@9.9.9": "m has no version 9.9.9",
    "m@staging": "no version of m holds staging",
    "m@canary": "`canary` is neither a version nor a stage here; the stages in ",
    "nobody": "there is no model `nobody` here, but m, other",
    "@1.0.0": "there are 2 models here; say which: m, other",
    "m@": "names no version",
    "m@../x": "is neither a version nor a stage",
    "m@1": "is neither a version nor a stage",
}


@pytest.mark.parametrize(("ref", "words"), REFUSED.items(), ids=REFUSED)
def test_what_a_ref_cannot_mean(
    registry: RecordRegistry, project: Project, ref: str, words: str
) -> None:
    with pytest.raises(MlverError) as refused:
        project.resolve_ref(ref)
    assert words in refused.value.message


@pytest.mark.parametrize("selector", ["", "../x", "a@b", "1", "-x", "x\n"])
def test_a_selector_given_alone_is_checked_as_well(
    registry: RecordRegistry, project: Project, selector: str
) -> None:
    with pytest.raises(UsageError):
        project.select_version("m", selector)


def test_a_stage_may_be_called_like_a_short_version(
    project: Project, registry: RecordRegistry
) -> None:
    where = project.top_folder / layout.stages_folder("m")
    (where / "production").rename(where / "v2")
    for path in (where / "v2").iterdir():
        path.write_bytes(path.read_bytes().replace(b"stage: production", b"stage: v2"))
    assert str(project.resolve_ref("m@v2").version) == "1.1.0"


def test_only_pre_releases_are_no_latest(project: Project, repository: Repository) -> None:
    write_artifact(repository, "w", "1")
    store_version(project, "1.0.0-rc.1", weights="w")
    with pytest.raises(
        MlverError, match=r"no release yet, only pre-releases up to 1\.0\.0-rc\.1"
    ) as refused:
        project.resolve_ref("m")
    assert refused.value.hint == "mlver list m"
    assert str(project.resolve_ref("@1.0.0-rc.1").version) == "1.0.0-rc.1"


def test_without_a_registry_or_models_the_hint_begins_one(
    repository: Repository, project: Project
) -> None:
    with pytest.raises(MlverError, match="no model is registered here") as refused:
        project.resolve_ref(None)
    assert (refused.value.hint or "").startswith("mlver register MODEL")
    (repository.path / layout.CONFIG).unlink()
    (repository.path / layout.ATTRIBUTES).unlink()
    (repository.path / layout.ROOT).rmdir()
    with pytest.raises(MlverError, match=r"has no \.mlver/ yet") as refused:
        Project.open_existing(repository.path)
    assert refused.value.hint == "mlver init"
