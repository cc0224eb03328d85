"""The mutations about links out of the work tree that are followed; see `mutations.py`."""

from __future__ import annotations

from tests.faults.mutate import Mutation

LINK_MUTATIONS = (
    Mutation(
        "project.artifacts.following:find_followed",
        "link.agreement not in agreed",
        "False",
        "tests",
        "tests/features/registering/test_register_follow.py",
    ),
    Mutation(
        "project.artifacts.following:find_followed",
        "refuse_reserved(...)",
        "None",
        "tests",
        "tests/features/registering/test_register_follow.py",
    ),
    Mutation(
        "project.artifacts.agreed_links:read_agreed",
        "not proof.is_signed(...)",
        "False",
        "tests",
        "tests/features/registering/test_register_follow.py",
    ),
    Mutation(
        "project.artifacts.agreed_links:read_agreed",
        'document["clone"] != _1',
        "False",
        "tests",
        "tests/features/registering/test_register_follow.py",
    ),
    Mutation(
        "project.artifacts.agreed_links:AgreedLink.bind_link",
        "os.path.realpath(top)",
        '""',
        "tests",
        "tests/features/registering/test_register_follow.py",
    ),
    Mutation(
        "project.artifacts.following:OutsideLink.open_folder",
        "_identify_folder(_1) != _2",
        "False",
        "tests",
        "tests/project/artifacts/test_following.py",
    ),
    # -- what `.mlverignore` leaves out
    Mutation(
        "project.artifacts.file_plan:_measure_files",
        "measuring.measure_replaced(_1, _2, _3, _4, _5)",
        "measuring.measure_replaced(_1, _2, _3, _4)",
        "tests",
        "tests/project/artifacts/test_ignoring.py",
    ),
    Mutation(
        "project.artifacts.file_plan:plan_files",
        "_.require_way(...)",
        "pass",
        "tests",
        "tests/project/artifacts/test_ignoring.py",
    ),
    Mutation(
        "project.artifacts.ignoring:IgnoredFiles.leaves_out",
        "self._is_pinned(_)",
        "False",
        "tests",
        "tests/project/artifacts/test_ignoring.py",
    ),
)
