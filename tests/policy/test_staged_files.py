"""What the hooks' quick entry and the guard share."""

from __future__ import annotations

import json

from mlver.policy.staged_files import SMALL_FILE_BYTES
from tests.conftest import CHECKOUT


def test_no_guard_can_be_set_below_what_the_quick_entry_looks_at() -> None:
    schema = json.loads((CHECKOUT / "schemas/config.schema.json").read_text())
    guard = schema["$defs"]["guard_section"]["properties"]
    assert guard["max_file_size"]["minimum"] == SMALL_FILE_BYTES
