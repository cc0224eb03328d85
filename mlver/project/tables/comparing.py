"""Two tables opened in one engine, each with its profile."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mlver.content.tables.engine import Engine, open_engine
from mlver.content.tables.exact_ks import measure_exact_ks
from mlver.content.tables.profiling import profile_table
from mlver.content.tables.repeated import measure_repeated
from mlver.content.tables.table import LoadedTable, load_table
from mlver.project.tables.sources import TableSource
from mlver.records.profile import TableProfile


@dataclass(frozen=True, slots=True)
class OpenTables:
    """Two tables; `loaded` are those whose bytes are here, None in place of the others."""

    connection: Engine | None
    loaded: tuple[LoadedTable | None, LoadedTable | None]
    profiles: tuple[TableProfile, TableProfile]

    def measure_exact_ks(self) -> dict[str, float]:
        """Measure the distances of columns value by value; none where bytes are gone."""
        old, new = self.loaded
        if self.connection is None or old is None or new is None:
            return {}
        return measure_exact_ks(self.connection, (old, new), self.profiles)

    def measure_repeated(self, ignored: Collection[str]) -> float | None:
        """Measure the share of the second table's rows that are rows of the first.

        None where bytes are gone. Names, keys and running numbers tell no row from its copy.
        """
        old, new = self.loaded
        if self.connection is None or old is None or new is None:
            return None
        names: set[str] = set()
        for column in self.profiles[0].columns:
            other = self.profiles[1].find_column(column.name)
            is_told = other is not None and not (column.is_identifier or other.is_identifier)
            if is_told and column.name not in ignored:
                names.add(column.name)
        return measure_repeated(self.connection, old, new, names)


@contextmanager
def opening_tables(old: TableSource, new: TableSource, folder: Path) -> Iterator[OpenTables]:
    """Open two tables; raise MlverError for one that cannot be read.

    Where only profiles are left, no engine is needed.
    """
    if old.files is None and new.files is None:
        assert old.profile is not None
        assert new.profile is not None
        yield OpenTables(None, (None, None), (old.profile, new.profile))
        return
    files: list[Path] = []
    for source in (old, new):
        files += source.files.files if source.files is not None else ()
    with open_engine(files, folder / "spilled") as connection:
        before, old_profile = _load_source(connection, old, "old_table")
        after, new_profile = _load_source(connection, new, "new_table")
        yield OpenTables(connection, (before, after), (old_profile, new_profile))


def _load_source(
    connection: Engine, source: TableSource, relation: str
) -> tuple[LoadedTable | None, TableProfile]:
    if source.files is None:
        assert source.profile is not None
        return None, source.profile
    loaded = load_table(connection, source.files, relation)
    return loaded, profile_table(connection, loaded)
