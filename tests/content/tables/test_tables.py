"""Tables are read as what they hold, in each format, and profiled exactly."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import numpy
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import stats

from mlver.content.tables.engine import open_engine
from mlver.content.tables.exact_ks import measure_exact_ks
from mlver.content.tables.formats import detect_table
from mlver.content.tables.profiling import profile_table
from mlver.content.tables.row_diff import compare_rows
from mlver.content.tables.table import LoadedTable, TableFiles, load_table
from mlver.digest import Digest
from mlver.errors import UsageError
from mlver.records.profile import ColumnProfile, TableProfile


@contextmanager
def opening(*paths: Path) -> Iterator[tuple[duckdb.DuckDBPyConnection, list[LoadedTable]]]:
    spill = paths[0].parent / "spilled"
    with open_engine(paths, spill) as connection:
        loaded: list[LoadedTable] = []
        for number, path in enumerate(paths):
            found = detect_table([path.name])
            assert found is not None
            loaded.append(
                load_table(connection, TableFiles(path.name, found, (path,)), f"t{number}")
            )
        yield connection, loaded


def profile(path: Path) -> TableProfile:
    with opening(path) as (connection, [table]):
        return profile_table(connection, table)


def profile_text(folder: Path, text: str | bytes, name: str = "x.csv") -> TableProfile:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return profile(path)


def test_a_column_of_each_kind(tmp_path: Path) -> None:
    found = profile_text(
        tmp_path,
        "n,x,t,day,flag\n1,0.5,a,2026-01-01,true\n2,inf,b,2026-01-03,false\n3,,a,,true\n4,2.5,,,\n",
    )
    assert found.rows == 4
    by_name = {column.name: column for column in found.columns}
    assert [column.kind for column in found.columns] == [
        "number",
        "number",
        "category",
        "time",
        "category",
    ]
    number = by_name["x"]
    assert (number.count, number.missing, number.infinite) == (2, 1, 1)
    assert (number.mean, number.variance) == (1.5, 2.0)
    assert (number.quantiles[0], number.quantiles[-1]) == (0.5, 2.5)
    assert by_name["t"].categories == (("a", 2), ("b", 1))
    assert by_name["t"].distinct == 2
    assert by_name["day"].quantiles[0] == 1767225600
    assert by_name["flag"].missing == 1


def test_quantiles_are_values_of_the_column(tmp_path: Path) -> None:
    values = numpy.random.default_rng(1).normal(size=1_000).round(6)
    found = profile_text(tmp_path, "x\n" + "\n".join(map(str, values.tolist())) + "\n")
    (column,) = found.columns
    assert len(column.quantiles) == 256
    assert set(column.quantiles) <= set(values.tolist())
    assert column.quantiles[0] == values.min()
    assert column.quantiles[-1] == values.max()
    assert column.mean == pytest.approx(float(values.mean()), abs=1e-12)
    assert column.variance == pytest.approx(float(values.var(ddof=1)), rel=1e-8)


FORMATS = ("csv", "tsv", "jsonl", "ndjson", "parquet")


@pytest.mark.parametrize("suffix", FORMATS)
def test_each_format_has_the_same_profile(tmp_path: Path, suffix: str) -> None:
    chance = random.Random(3)
    rows = [(n, chance.random(), chance.choice("abc")) for n in range(300)]
    source = tmp_path / "source.csv"
    with source.open("w", newline="") as file:
        csv.writer(file).writerows([("n", "x", "t"), *rows])
    target = tmp_path / f"rows.{suffix}"
    options = {"tsv": " (DELIMITER '\t')", "jsonl": " (FORMAT json)", "ndjson": " (FORMAT json)"}
    duckdb.sql(f"COPY (FROM read_csv('{source}')) TO '{target}'{options.get(suffix, '')}")
    assert profile(target).columns == profile(source).columns


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_that_of_the_first_line(tmp_path: Path, delimiter: str) -> None:
    text = delimiter.join(("a", '"b,c;d"', "e")) + "\n" + delimiter.join("123") + "\n"
    assert [column.name for column in profile_text(tmp_path, text).columns] == ["a", "b,c;d", "e"]


def test_a_late_row_of_another_type_changes_the_column(tmp_path: Path) -> None:
    found = profile_text(tmp_path, "x\n" + "1\n" * 30_000 + "many\n")
    (column,) = found.columns
    assert (column.kind, column.distinct, found.rows) == ("category", 2, 30_001)


def test_keys_are_not_listed(tmp_path: Path) -> None:
    found = profile_text(tmp_path, "mail\n" + "".join(f"k{n}@example.org\n" for n in range(200)))
    (column,) = found.columns
    assert (column.distinct, column.categories, column.is_identifier) == (200, (), True)


def test_nested_values_are_only_counted(tmp_path: Path) -> None:
    found = profile_text(tmp_path, '{"a": [1], "b": {"c": 1}}\n{"a": null}\n', "x.jsonl")
    assert [(c.kind, c.count, c.missing) for c in found.columns] == [("other", 1, 1)] * 2


def test_a_header_alone_has_no_rows(tmp_path: Path) -> None:
    found = profile_text(tmp_path, "a,b\n")
    assert (found.rows, [column.count for column in found.columns]) == (0, [0, 0])


@given(
    st.lists(
        st.one_of(st.none(), st.floats(allow_nan=False), st.sampled_from([0.0, 1.0, 1.5])),
        min_size=1,
        max_size=30,
    )
)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_profile_is_read_as_it_was_written(tmp_path: Path, values: list[float | None]) -> None:
    lines = [f"{n},{'' if value is None else value!r}" for n, value in enumerate(values)]
    found = profile_text(tmp_path, "\n".join(["n,x", *lines]) + "\n")
    digest = Digest.of_bytes(b"x")
    assert TableProfile.parse(found.to_bytes(digest), "x", digest) == found
    assert found.rows == len(values)


def test_ks_is_exact_and_that_of_scipy(tmp_path: Path) -> None:
    chance = numpy.random.default_rng(5)
    samples = [chance.normal(size=3_000).round(2), chance.normal(0.1, 1.2, size=2_000).round(2)]
    paths = []
    for number, sample in enumerate(samples):
        path = tmp_path / f"{number}.csv"
        path.write_text("x\n" + "\n".join(map(str, sample.tolist())) + "\n\n")
        paths.append(path)
    with opening(*paths) as (connection, [old, new]):
        profiles = (profile_table(connection, old), profile_table(connection, new))
        found = measure_exact_ks(connection, (old, new), profiles)
    expected = stats.ks_2samp(*samples, method="asymp").statistic
    assert found == {"x": pytest.approx(float(expected), abs=1e-12)}


def test_a_column_that_is_sorted_has_the_same_quantiles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(4)
    text = "x,y\n" + "".join(f"{chance.random():.3f},{chance.randint(0, 5)}\n" for _ in range(999))
    held = profile_text(tmp_path, text)
    monkeypatch.setattr("mlver.content.tables.profiling._VALUES_AT_ONCE", 998)
    assert profile_text(tmp_path, text) == held


def test_a_table_larger_than_the_memory_is_spilled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlver.content.tables.engine.MEMORY_LIMIT", "40MB")
    monkeypatch.setattr("mlver.content.tables.profiling._VALUES_AT_ONCE", 1_000_000)
    path = tmp_path / "rows.parquet"
    duckdb.sql(f"COPY (SELECT range AS n, random() AS x FROM range(1500000)) TO '{path}'")
    found = profile(path)
    column = found.columns[0]
    assert isinstance(column, ColumnProfile)
    assert (found.rows, column.quantiles[0], column.quantiles[-1]) == (1_500_000, 0, 1_499_999)


def test_long_texts_that_begin_alike_are_different(tmp_path: Path) -> None:
    rows = [f'{{"t": "{"prompt " * 60}{number % 3}"}}' for number in range(30)]
    (column,) = profile_text(tmp_path, "\n".join(rows) + "\n", "x.jsonl").columns
    assert (column.distinct, [count for _, count in column.categories]) == (3, [10, 10, 10])
    assert all(len(text) < 220 for text, _ in column.categories)


def test_a_profile_of_what_overflows_is_read_again(tmp_path: Path) -> None:
    found = profile_text(tmp_path, "x\n-1e200\n1e200\n")
    (column,) = found.columns
    assert column.variance is not None
    assert column.variance > 1e308
    digest = Digest.of_bytes(b"")
    assert TableProfile.parse(found.to_bytes(digest), "p.json", digest) == found


def test_a_type_of_many_letters_is_shortened(tmp_path: Path) -> None:
    wide = ", ".join(f'"a_rather_long_name_{number}": {number}' for number in range(200))
    found = profile_text(tmp_path, f'{{"o": {{{wide}}}}}\n', "x.jsonl")
    digest = Digest.of_bytes(b"")
    assert TableProfile.parse(found.to_bytes(digest), "p.json", digest) == found


def test_keys_that_one_type_cannot_tell_apart_are_refused(tmp_path: Path) -> None:
    """Whole numbers beyond 2^53 beside decimal ones, as pandas writes a column with gaps."""
    (tmp_path / "old.csv").write_text(f"id,v\n{2**60},1\n{2**60 + 1},2\n")
    (tmp_path / "new.csv").write_text(f"id,v\n{2**60}.0,1\n0.5,2\n")
    with (
        opening(tmp_path / "old.csv", tmp_path / "new.csv") as (connection, [old, new]),
        pytest.raises(UsageError, match="1 keys of several rows, read as DOUBLE"),
    ):
        compare_rows(connection, old, new, ["id"])
