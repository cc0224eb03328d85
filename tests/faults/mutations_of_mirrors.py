"""The mutations of GTO's tags beside the records; see `mutations.py`."""

from __future__ import annotations

from tests.faults.mutate import Mutation

MIRROR_MUTATIONS = (
    Mutation(
        "project.transaction:_recover_and_sweep",
        "_mirror_recovered(...)",
        "",
        "kill",
        "promote-mirrored",
    ),
    Mutation(
        "features.adopting.source:read_tag_claims",
        "gto_tags.read_mirrored(_) is None",
        "True",
        "tests",
        "tests/features/adopting/test_adopt.py",
    ),
    Mutation(
        "project.tags.gto_mirror:_find_version_commit",
        "len(_) > 1",
        "False",
        "tests",
        "tests/project/tags/test_gto_mirror.py",
    ),
    Mutation(
        "project.tags.stage_tags:_find_mirrored",
        "tag.commit not in given",
        "False",
        "tests",
        "tests/project/tags/test_foreign_mirrors.py",
    ),
    Mutation(
        "project.tags.gto_mirror:make_planned",
        "MlverError",
        "ZeroDivisionError",
        "tests",
        "tests/project/tags/test_foreign_mirrors.py",
    ),
)
