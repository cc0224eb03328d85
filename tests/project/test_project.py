"""What a project takes from its surroundings: the time, and the paths a person types."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlver.errors import MlverError, UsageError
from mlver.project.project import Project
from mlver.project.transaction import editing


@pytest.mark.parametrize(
    ("told", "moment"), [("0", "1970-01-01T00:00:00Z"), ("253402300799", "9999-12-31T23:59:59Z")]
)
def test_the_time_can_be_told(
    project: Project, monkeypatch: pytest.MonkeyPatch, told: str, moment: str
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", told)
    assert project.record_time == moment


@pytest.mark.parametrize("told", ["abc", "-1", "1.5", "nan", "253402300800", "9" * 5000, "\u0661"])
def test_a_time_that_is_none_is_refused(
    project: Project, monkeypatch: pytest.MonkeyPatch, told: str
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", told)
    with pytest.raises(UsageError, match="SOURCE_DATE_EPOCH") as refused:
        assert project.record_time
    assert refused.value.hint


@pytest.mark.parametrize("given", ["a\nb", "a" * 5000])
def test_a_path_no_record_can_hold_is_refused_when_it_is_typed(
    project: Project, given: str
) -> None:
    with pytest.raises(UsageError, match="cannot be an artifact path"):
        project.resolve_path(given)


def test_a_folder_of_mlvers_own_that_is_a_symlink_is_refused(
    project: Project, tmp_path: Path
) -> None:
    (tmp_path / "outside").mkdir()
    project.state_directory.rename(tmp_path / "kept")
    (project.repository.common_dir / "mlver").symlink_to(tmp_path / "outside")
    with pytest.raises(MlverError, match="is a symlink"), editing(project, "test"):
        pass
    assert list((tmp_path / "outside").iterdir()) == []
