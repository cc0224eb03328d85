"""The mutations of what an application serves, counts and logs, and of scores; see
`mutations.py`.
"""

from __future__ import annotations

from tests.faults.mutate import Mutation

_FOLDER = "project.loading.deployed_folder"
_FOLDER_TESTS = "tests/project/loading/test_deployed_folder.py"
_SWITCHING = "project.loading.switching:ServedModel"
_SWITCHING_TESTS = "tests/project/loading/test_switching.py"
_MIDDLEWARE_TESTS = "tests/project/loading/test_middleware.py"
_WRITING = "project.predictions.writing:PredictionLogWriter"
_WRITING_TESTS = "tests/project/predictions/test_writing.py"
_JOINING = "features.scoring.joining"
_SCORE_TESTS = "tests/features/scoring/test_score.py"

SERVING_MUTATIONS = (
    Mutation(f"{_FOLDER}:_prove_file", "digest != _", "False", "tests", _FOLDER_TESTS),
    Mutation(
        f"{_FOLDER}:DeployedFolder._prove_version",
        "_require_only(place, files)",
        "",
        "tests",
        _FOLDER_TESTS,
    ),
    # A link that is followed again for each file leads to two versions.
    Mutation(
        f"{_FOLDER}:DeployedFolder._resolve_link",
        "self.folder / target",
        "self.folder / self.role",
        "tests",
        _FOLDER_TESTS,
    ),
    Mutation(
        f"{_FOLDER}:DeployedFolder._resolve_link",
        "target.is_absolute() or ...",
        "False",
        "tests",
        _FOLDER_TESTS,
    ),
    Mutation(
        f"{_SWITCHING}._switch",
        "self._begin(loaded.identity)",
        "",
        "tests",
        _SWITCHING_TESTS,
    ),
    Mutation(f"{_SWITCHING}.predicting", "self._follow_fork()", "", "tests", _SWITCHING_TESTS),
    Mutation(
        f"{_SWITCHING}._describe_prediction",
        "wanted is not False",
        "True",
        "tests",
        _SWITCHING_TESTS,
    ),
    Mutation(
        "project.loading.middleware:ModelVersionMiddleware._add_version",
        "not trace.versions or _",
        "not trace.versions",
        "tests",
        _MIDDLEWARE_TESTS,
    ),
    Mutation(f"{_WRITING}._append", "self._take_back(...)", "", "tests", _WRITING_TESTS),
    Mutation("project.predictions.writing", "os.O_EXCL", "0", "tests", _WRITING_TESTS),
    Mutation(
        "project.predictions.metrics:PredictionMetrics.begin_version",
        "self._series.predictions.labels(...)",
        "",
        "tests",
        _SWITCHING_TESTS,
    ),
    Mutation(f"{_JOINING}:_encode", 'errors="surrogatepass"', "", "tests", _SCORE_TESTS),
    Mutation(
        "features.scoring.score:_Scoring._find_doubt",
        "scored.joined < _",
        "False",
        "tests",
        _SCORE_TESTS,
    ),
    Mutation(
        "features.scoring.score:_Scoring.score_version",
        "version not in _",
        "False",
        "tests",
        _SCORE_TESTS,
    ),
)
