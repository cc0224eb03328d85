from __future__ import annotations

import json
from typing import get_args

from mlver.document.schema import schema_bytes
from mlver.errors import MlverError
from mlver.findings import Finding, FindingKind


def test_the_schema_lists_the_kinds_there_are() -> None:
    schema = json.loads(schema_bytes("finding"))
    kinds = get_args(FindingKind)
    assert schema["$defs"]["finding"]["properties"]["kind"]["enum"] == list(kinds)
    assert list(kinds) == sorted(set(kinds))


def test_an_error_takes_one_hint_or_several_and_the_findings_behind_it() -> None:
    finding = Finding("tag", "m@v1.0.0", "seals nothing", ("git show m@v1.0.0",))
    assert MlverError("no").hints == ()
    assert MlverError("no", hint="mlver init").hints == ("mlver init",)
    error = MlverError("no", hints=("git fetch", "mlver tag"), findings=[finding])
    assert (error.hints, error.hint) == (("git fetch", "mlver tag"), "git fetch")
    assert error.findings == (finding,)
