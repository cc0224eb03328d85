"""Takes out what keeps an amended version whole, and one that others have as it is."""

from __future__ import annotations

from tests.faults.mutate import Mutation

AMENDING_MUTATIONS = (
    Mutation(
        "project.edit.recovery:_complete_edit",
        "withdraw_commit(...)",
        "False",
        "tests",
        "tests/features/registering/test_register_amend.py",
    ),
    Mutation(
        "project.edit.withdrawal:withdraw_commit",
        "last_commit.is_replacement(...)",
        "True",
        "tests",
        "tests/features/registering/test_register_amend.py",
    ),
    Mutation(
        "project.edit.edit:PlannedEdit.commit_files",
        "untags=_1",
        "untags={}",
        "kill",
        "register-amend",
    ),
    Mutation(
        "project.registering.amendable:find_amendable",
        "_refuse_holders(...)",
        "pass",
        "tests",
        "tests/features/registering/test_register_amend.py",
    ),
    Mutation(
        "project.registering.amendable:find_amendable",
        "_refuse_unfinished_work(...)",
        "pass",
        "tests",
        "tests/features/registering/test_register_amend.py",
    ),
    Mutation(
        "project.registering.amendable:_read_seal",
        "_1.seals != _2",
        "False",
        "tests",
        "tests/features/registering/test_register_amend.py",
    ),
    Mutation(
        "project.registering.amend:_measure_named",
        "only=_1",
        "only=None",
        "tests",
        "tests/features/registering/test_register_amend.py",
    ),
)
