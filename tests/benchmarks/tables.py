"""Tables: a large CSV profiled, and two compared by a key, beside the SQL that somebody writes.

That SQL asks the same engine, with the same memory and threads, for the same answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks import material
from tests.benchmarks.harness import Bench, Command, Row
from tests.benchmarks.workload import MIB, workload

# Ten columns; 66 bytes a row.
_ROWS = 3_600_000
_MOST_MEMORY = 600 * MIB
_MAKE = """\
import sys, duckdb
rows, changed, target = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
duckdb.execute("SET threads = 1")
duckdb.execute(f'''COPY (
    SELECT i AS id, hash(i) % 90 + 10 AS age, round(hash(i + 1) % 1000000 / 7.0, 2) AS income,
    hash(i + 2) % 1000 / 1000.0 AS score, hash(i + 3) % 50000 AS area,
    round(hash(i + 4) % 100000 / 31.0, 3) + (i % 100 = {changed})::INT AS amount,
    hash(i + 5) % 7 AS visits, 'city' || (hash(i + 6) % 40) AS city,
    'plan' || (hash(i + 7) % 5) AS plan, DATE '2026-01-01' + (hash(i + 8) % 365)::INT AS joined
    FROM range({changed} * 1000, {rows} + {changed} * 1000) AS rows(i)
    ) TO '{target}' (HEADER)''')
"""
# Both sides begin like this.
_SQL = """\
import sys, tempfile, duckdb
spill = tempfile.mkdtemp(dir=".")
engine = duckdb.connect(config={
    "memory_limit": "400MB", "threads": 2, "temp_directory": spill,
    "preserve_insertion_order": False,
})
def load(name, file):
    engine.execute(f"CREATE TEMP TABLE {name} AS FROM read_csv($file)", {"file": file})
load("old", sys.argv[1])
"""
_PROFILE = """\
numbers = ["id", "age", "income", "score", "area", "amount", "visits", "epoch(joined::TIMESTAMP)"]
levels = [place / 255 for place in range(256)]
def profile(name):
    for column in numbers:
        engine.execute(
            f"SELECT count({column}), avg({column}), var_samp({column}),"
            f" quantile_disc({column}::DOUBLE, $levels) FROM {name}", {"levels": levels}
        ).fetchall()
    for column in ("city", "plan"):
        engine.execute(
            f"SELECT {column}, count(*) AS n FROM {name} GROUP BY ALL ORDER BY n DESC LIMIT 50"
        ).fetchall()
profile("old")
"""
_COMPARE = """\
load("new", sys.argv[2])
names = ["age", "income", "score", "area", "amount", "visits", "city", "plan", "joined"]
differ = [f"o.{name} IS DISTINCT FROM n.{name}" for name in names]
cells = ", ".join(f"count(*) FILTER (o.id = n.id AND {test})" for test in differ)
engine.execute(
    "SELECT count(*) FILTER (o.id IS NULL), count(*) FILTER (n.id IS NULL),"
    f" count(*) FILTER (o.id = n.id AND ({' OR '.join(differ)})), {cells}"
    " FROM old AS o FULL JOIN new AS n ON o.id = n.id"
).fetchall()
for table in ("old", "new"):
    engine.execute(f"SELECT count(*), count(DISTINCT id) FROM {table}").fetchall()
"""
# The same by what `register` and `drift` call.
_OURS = """\
import sys
from pathlib import Path
from mlver.content.tables.engine import open_engine
from mlver.content.tables.profiling import profile_table
from mlver.content.tables.table import TableFiles, load_table
file = Path(sys.argv[1])
with open_engine([file], Path("spilled")) as connection:
    profile_table(connection, load_table(connection, TableFiles("old", "csv", (file,)), "old"))
"""


@workload("tables")
def tables(bench: Bench) -> Iterator[Row]:
    """One table of 240 MB profiled, and two compared by a key; and what memory that takes."""
    rows = 200_000 if bench.quick else _ROWS
    program = bench.install_checkout("insight", "dev") / "python"
    with bench.scratch() as directory:
        top = material.project(bench, directory / "repository")
        old, new = directory / "old.csv", top / "rows.csv"
        bench.run([program, "-c", _MAKE, str(rows), "0", old], top)
        ours = Command([program, "-c", _OURS, old], directory)
        theirs = Command([program, "-c", _SQL + _PROFILE, old], directory)
        profiled = bench.race(lambda _: ours, lambda _: theirs, 3)
        yield Row.of_race("profile of a table", "SQL by hand", profiled, 1.5)
        yield Row.of_memory("peak RSS, profile", profiled, "SQL by hand", most=_MOST_MEMORY)
        yield from _compare(bench, program, rows, (old, new))


def _compare(bench: Bench, program: Path, rows: int, files: tuple[Path, Path]) -> Iterator[Row]:
    """`diff --data --key` of two versions, whose tables share all but 1,000 keys.

    The SQL gives the same answers: the rows, and a profile of either table.
    """
    old, new = files
    top = new.parent
    (top / "model.bin").write_bytes(b"weights")
    register: list[str | Path] = [program, "-m", "mlver", "register", material.MODEL]
    register += ["--weights", "model.bin", "--data", "rows=rows.csv", "-m", "Rows"]
    new.write_bytes(old.read_bytes())
    bench.run([*register, "--version", "1.0.0"], top)
    bench.run([program, "-c", _MAKE, str(rows), "1", new], top)
    bench.run([*register, "--version", "1.1.0"], top)
    first, second = (f"{material.MODEL}@{number}" for number in ("1.0.0", "1.1.0"))
    argv: list[str | Path] = [program, "-m", "mlver", "diff", first, second]
    ours = Command([*argv, "--data", "rows", "--key", "id"], top)
    same = _SQL + _PROFILE + _COMPARE + 'profile("new")\n'
    theirs = Command([program, "-c", same, old, new], top.parent)
    race = bench.race(lambda _: ours, lambda _: theirs, 3)
    yield Row.of_race("diff --data --key", "SQL by hand", race, 2)
    yield Row.of_memory("peak RSS, diff --data", race, "SQL by hand", most=_MOST_MEMORY)
    # `diff --data` tells means, quantiles and categories as well, whoever asks for rows alone.
    rows_alone = Command([program, "-c", _SQL + _COMPARE, old, new], top.parent)
    race = bench.race(lambda _: ours, lambda _: rows_alone, 3)
    yield Row.of_race("diff --data --key", "SQL by hand, rows alone", race)
