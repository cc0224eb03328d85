"""The mutations of what rolls back with nobody typing, and of when to train again; see
`mutations.py`.
"""

from __future__ import annotations

from tests.faults.mutate import Mutation

_RECEIVER = "features.watching.receiver"
_RECEIVER_TESTS = "tests/features/watching/test_receiver.py"
_WATCH = "features.watching.watch:StageWatcher"
_CLONE = "features.watching.own_clone"
_WATCH_TESTS = "tests/features/watching/test_watch.py"
_WEBHOOK = "policy.webhook"
_WEBHOOK_TESTS = "tests/policy/test_webhook.py"
_DUE_TESTS = "tests/policy/test_retraining.py"

WATCHING_MUTATIONS = (
    Mutation(
        f"{_RECEIVER}:AlertRequest._judge_request",
        "not self._shows_token()",
        "False",
        "tests",
        _RECEIVER_TESTS,
    ),
    Mutation(
        f"{_RECEIVER}:AlertRequest._read_body",
        "length > _BODY_BYTES",
        "False",
        "tests",
        _RECEIVER_TESTS,
    ),
    # Without it, whoever sends a letter now and then keeps a thread for good.
    Mutation(
        f"{_RECEIVER}:AlertReceiver.service_actions",
        "now > deadline",
        "False",
        "tests",
        _RECEIVER_TESTS,
    ),
    Mutation(f"{_WATCH}._act_on_demand", "not watched", "False", "tests", _WATCH_TESTS),
    Mutation(
        f"{_WATCH}._answer_alerts",
        "answers.append(WebhookAnswer(_TRY_AGAIN, says))",
        "",
        "tests",
        _WATCH_TESTS,
    ),
    # A person's own clone would be moved.
    Mutation(f"{_CLONE}:hold_clone", "not (own / _MARK).is_file()", "False", "tests", _WATCH_TESTS),
    # What was decided before somebody else pushed would stand beside what they did.
    Mutation(
        f"{_CLONE}:_exchange",
        "not own_clones.lacks_commits(repository, there)",
        "True",
        "tests",
        _WATCH_TESTS,
    ),
    Mutation(
        f"{_WEBHOOK}:_find_place",
        "alert.get('status') != 'firing' or ...",
        "False",
        "tests",
        _WEBHOOK_TESTS,
    ),
    Mutation(
        "policy.retraining:conclude_checks",
        "('due', 'unknown')",
        "('due',)",
        "tests",
        _DUE_TESTS,
    ),
)
