"""A model that an application serves while its stage moves: loaded beside, and switched at once."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self

from mlver.project.loading.found import ModelSource
from mlver.project.predictions.identity import Loaded, LoadedModel, ServedIdentity
from mlver.project.predictions.prediction import Prediction

if TYPE_CHECKING:
    from mlver.project.predictions.metrics import PredictionMetrics
    from mlver.project.predictions.writing import PredictionLogWriter

_LOGGER = logging.getLogger("mlver.serving")
_MILLISECONDS = 1000
# A version that cannot be loaded is tried again after one poll, then two, four, and so on.
_MOST_PAUSES = 64
OUTCOMES = ("ok", "error")
FeatureChoice = bool | Sequence[str]


@dataclass(slots=True)
class RequestTrace:
    """Which versions answered within one request; `prediction` is one that was begun for it."""

    versions: list[str]
    prediction: Prediction[Any] | None = None


CURRENT_REQUEST: ContextVar[RequestTrace | None] = ContextVar("mlver_request", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModelOptions:
    """What is counted and logged; `poll` is how many seconds lie between two looks at the source.

    `features` says whether the log holds the features of a request, or which of them.
    """

    poll: float | None = None
    outcomes: tuple[str, ...] = OUTCOMES
    metrics: PredictionMetrics | None = None
    log: PredictionLogWriter | None = None
    features: FeatureChoice = False


class ServedModel(Generic[Loaded]):
    """The version that holds a stage, loaded; every method may be called by any thread.

    `fault` says why what should be served now could not be loaded, None where it was. The version
    before goes on being served then. Close it, or use it in a `with` block, to stop looking.
    """

    def __init__(
        self, source: ModelSource, loader: Callable[[Path], Loaded], options: ServedModelOptions
    ) -> None:
        self._source = source
        self._loader = loader
        self._options = options
        self._refreshing = threading.Lock()
        self._closed = threading.Event()
        self._pauses = 0
        self._pauses_left = 0
        self.fault: str | None = None
        self._state = source.read_state()
        self._failed_state: object = None
        self._current = self._load()
        if options.metrics is not None:
            identity = self._current.identity
            options.metrics.begin_model(identity.model, identity.stage)
        self._begin(self._current.identity)
        self._adopting = threading.Lock()
        self._process = os.getpid()
        self._start_polling()

    @property
    def current(self) -> LoadedModel[Loaded]:
        """What is served now. Ask once for each request: the next answer may be another version."""
        return self._current

    @contextmanager
    def predicting(self, request_id: str | None = None) -> Iterator[Prediction[Loaded]]:
        """Make one prediction, which is timed, counted and logged when the block ends.

        An exception that leaves the block is counted as `error` and goes on. Within a request that
        the middleware counts, the prediction is that of the request.
        """
        trace = CURRENT_REQUEST.get()
        begun = None if trace is None else trace.prediction
        if begun is not None and self._is_mine(begun):
            with _noting_errors(begun):
                yield begun
            return
        self._follow_fork()
        prediction = Prediction(self._current)
        if request_id is not None:
            prediction.request_id = request_id
        if trace is not None:
            trace.versions.append(prediction.version)
        started = time.perf_counter()
        try:
            with _noting_errors(prediction):
                yield prediction
        finally:
            self._end_prediction(prediction, time.perf_counter() - started)

    def refresh(self) -> bool:
        """Look at the source once, and serve what it says; say whether that changed.

        What cannot be loaded leaves everything as it is, sets `fault` and is told to the logger
        `mlver.serving`.
        """
        with self._refreshing:
            if self._options.metrics is not None:
                self._options.metrics.drop_left()
            try:
                state = self._source.read_state()
                if state == self._state:
                    self.fault = None
                    return False
                if self._is_pausing(state):
                    return False
                loaded = self._load()
            except Exception as error:  # noqa: BLE001 - the loader is the application's own
                self._keep_serving(error)
                return False
            self._switch(loaded, state)
            return True

    def close(self) -> None:
        """Stop looking at the source, and end the series of the version. Serving goes on."""
        if self._closed.is_set():
            return
        self._closed.set()
        if self._options.metrics is not None:
            self._options.metrics.end_version(self._current.identity)
        if self._options.log is not None:
            self._options.log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _is_mine(self, prediction: Prediction[Any]) -> bool:
        mine, other = self._current.identity, prediction.identity
        return (mine.model, mine.stage, mine.variant) == (other.model, other.stage, other.variant)

    def _load(self) -> LoadedModel[Loaded]:
        found = self._source.find_model()
        return LoadedModel(
            identity=found.identity, weights=found.weights, model=self._loader(found.weights)
        )

    def _is_pausing(self, state: object) -> bool:
        if state != self._failed_state:
            self._failed_state = state
            self._pauses = self._pauses_left = 0
        elif self._pauses_left:
            self._pauses_left -= 1
            return True
        return False

    def _keep_serving(self, error: BaseException) -> None:
        self._pauses = min(2 * self._pauses + 1, _MOST_PAUSES)
        self._pauses_left = self._pauses
        identity = self._current.identity
        words = str(error) or type(error).__name__
        if words != self.fault:
            _LOGGER.warning("%s goes on being served: %s", identity, words)
        self.fault = words
        if self._options.metrics is not None:
            self._options.metrics.count_load_failure(identity.model, identity.stage)

    def _switch(self, loaded: LoadedModel[Loaded], state: object) -> None:
        before = self._current.identity
        # Its series are there before the first prediction, and the old ones after the last.
        self._begin(loaded.identity)
        self._current, self._state = loaded, state
        self.fault, self._failed_state = None, None
        if self._options.metrics is not None:
            self._options.metrics.end_version(before)
        _LOGGER.info("%s is served now, in place of %s", loaded.identity, before.version)

    def _begin(self, identity: ServedIdentity) -> None:
        if self._options.metrics is not None:
            self._options.metrics.begin_version(identity, self._options.outcomes)

    def _end_prediction(self, prediction: Prediction[Loaded], seconds: float) -> None:
        metrics, log = self._options.metrics, self._options.log
        if metrics is not None:
            metrics.count_prediction(prediction.identity, prediction.outcome, seconds)
        if log is None:
            return
        data = self._describe_prediction(prediction, seconds)
        is_written = log.write_event(prediction.request_id, datetime.now(UTC), data)
        if not is_written and metrics is not None:
            metrics.count_log_failure(prediction.identity.model)

    def _describe_prediction(
        self, prediction: Prediction[Loaded], seconds: float
    ) -> dict[str, object]:
        identity = prediction.identity
        data: dict[str, object] = {
            **prediction.labels,
            "model": identity.model,
            "version": identity.version,
            "digest": identity.digest,
            "stage": identity.stage,
            "variant": identity.variant,
            "prediction": prediction.prediction,
            "latency_ms": round(seconds * _MILLISECONDS, 3),
            "outcome": prediction.outcome,
        }
        if prediction.probability is not None:
            data["probability"] = prediction.probability
        wanted = self._options.features
        if prediction.features is not None and wanted is not False:
            chosen = prediction.features
            if wanted is not True:
                chosen = {name: chosen[name] for name in wanted if name in chosen}
            data["features"] = chosen
        return data

    def _start_polling(self) -> None:
        if self._options.poll is None:
            return
        thread = threading.Thread(
            target=self._poll, args=(self._options.poll,), name="mlver-serving", daemon=True
        )
        thread.start()

    def _poll(self, seconds: float) -> None:
        while not self._closed.wait(seconds):
            try:
                self.refresh()
            except BaseException as error:  # noqa: BLE001 - a loader in Rust panics with no Exception
                self._keep_serving(error)

    def _follow_fork(self) -> None:
        """Look at the source in this process too: a worker that was forked has none of the threads.

        Only a process that predicts does so, and not one that was forked to read files.
        """
        if self._process == os.getpid():
            return
        with self._adopting:
            if self._process != os.getpid():
                self._refreshing = threading.Lock()
                self._process = os.getpid()
                self._start_polling()


@contextmanager
def _noting_errors(prediction: Prediction[Any]) -> Iterator[None]:
    try:
        yield
    except BaseException:
        prediction.outcome = "error"
        raise
