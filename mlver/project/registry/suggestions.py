"""What was probably meant by a REF that means nothing here.

Only what does mean a version, or a model, is proposed: no proposal is better than a wrong one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice

from mlver import names
from mlver.errors import MlverError
from mlver.project.registry import selecting
from mlver.project.registry.registry import RecordRegistry
from mlver.selectors import DIGEST_PREFIX, LEAST_DIGITS
from mlver.version import Version, highest_release

# How other tools put a version behind a name: `digits:1.0.0`, `digits#production`, `digits==1.0.0`.
_OTHER_REF = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:==|[:#/=])([^@]+)")
# As git writes one step back and more: `HEAD^`, `HEAD~`, `HEAD~2`.
_BACK = re.compile(r"(?P<word>[^~^]*)(?:(?P<carets>\^+)|~(?P<steps>[0-9]{0,4}))")
_LATEST_WORDS = frozenset({"head", "last", "newest", "latest"})
_SEAL = re.compile(r"([a-z][a-z0-9_]{0,31})\.([0-9]{1,9})")
_PARTIAL = re.compile(r"v?0*([0-9]{1,9})(?:\.0*([0-9]{1,9}))?(?:\.0*([0-9]{1,9})|\.[x*])?")
_DIGITS = re.compile(rf"[0-9a-f]{{{LEAST_DIGITS},64}}")
_SHORTEST_PREFIX = 3
_LONGEST = 200
_MOST_TRIED = 40


def suggest_reference(
    registry: RecordRegistry, text: str | None, model: str | None = None
) -> tuple[str, str] | None:
    """The REF that was given, and the one that was probably meant; None where nobody can tell."""
    if text is None or len(text) > _LONGEST:
        return None

    def resolve(proposal: str) -> object:
        return selecting.resolve_reference(registry, proposal, model)

    return _choose_working(text, _propose_references(registry, text, model), resolve)


def suggest_selector(
    registry: RecordRegistry, model: str, text: str | None
) -> tuple[str, str] | None:
    """The same of a selector without a model."""
    if text is None or len(text) > _LONGEST:
        return None

    def choose(proposal: str) -> object:
        return selecting.choose_version(registry, model, proposal)

    return _choose_working(text, _propose_selectors(registry, model, text), choose)


def suggest_model(registry: RecordRegistry, text: str | None) -> tuple[str, str] | None:
    """The same of a model alone: of `digits@1.0.0` it is `digits`."""
    if text is None or len(text) > _LONGEST:
        return None
    with suppress(MlverError):
        known = registry.list_models()
        name = text.partition("@")[0]
        meant = name if name in known else _find_close(name, known)
        if meant is not None and meant != text:
            return text, meant
    return None


def _choose_working(
    text: str, proposals: Iterator[str], look_up: Callable[[str], object]
) -> tuple[str, str] | None:
    """The first proposal that means something, and is not what was given."""
    # What cannot be read here is told by the error that this adds to.
    with suppress(MlverError):
        for proposal in islice(proposals, _MOST_TRIED):
            if proposal == text:
                continue
            with suppress(MlverError):
                look_up(proposal)
                return text, proposal
    return None


def _propose_references(
    registry: RecordRegistry, text: str, given_model: str | None
) -> Iterator[str]:
    known = registry.list_models()
    typed_model, at, selector = text.partition("@")
    other = None if at else _OTHER_REF.fullmatch(text)
    if other is not None:
        typed_model, selector = other[1], other[2]
    if typed_model in known:
        yield from _propose_of_model(registry, typed_model, selector)
        return
    if not at:
        selector = selector or text
    close_model = _find_close(typed_model, known) if typed_model else None
    if close_model is not None:
        yield from _propose_of_model(registry, close_model, "" if typed_model == text else selector)
    elif (at and typed_model) or other is not None:
        return
    elif given_model is not None or len(known) == 1:
        yield f"@{selector}"
        for proposal in _propose_selectors(registry, given_model or known[0], selector):
            yield f"@{proposal}"
    else:
        # The one of several models in which it means a version.
        meant = [name for name in known if _means_version(registry, name, selector)]
        if len(meant) == 1:
            yield f"{meant[0]}@{selector}"


def _propose_of_model(registry: RecordRegistry, model: str, selector: str) -> Iterator[str]:
    yield f"{model}@{selector}" if selector else model
    for proposal in _propose_selectors(registry, model, selector or names.LATEST):
        yield f"{model}@{proposal}"


def _propose_selectors(registry: RecordRegistry, model: str, text: str) -> Iterator[str]:
    """Selectors that a wrong one may be meant for, the likeliest first."""
    lowered = text.strip().lower()
    yield lowered
    back = _BACK.fullmatch(lowered)
    if back is not None:
        steps = str(len(back["carets"] or "") or back["steps"] or 1)
        word = "" if back["word"] in _LATEST_WORDS else back["word"]
        stages = _propose_stages(registry, model, word)
        for stage in ("",) if not word else (word, *stages):
            # No step back is the stage itself.
            yield f"{stage}~{steps}" if int(steps) else stage or names.LATEST
        return
    if lowered in _LATEST_WORDS:
        yield names.LATEST
    # The tag of a promotion, `digits@production.3`, names the version that it brought.
    seal = _SEAL.fullmatch(lowered)
    if seal is not None:
        with suppress(MlverError):
            yield registry.read_promotion(model, seal[1], int(seal[2]))[0].version
    yield from _propose_stages(registry, model, lowered)
    if _DIGITS.fullmatch(lowered):
        yield f"{DIGEST_PREFIX}{lowered}"
    yield from _propose_versions(registry, model, lowered)


def _propose_stages(registry: RecordRegistry, model: str, word: str) -> Iterator[str]:
    """Stages that a word is the beginning of, or that it is but for a typing error."""
    known = {*registry.read_shown_config().stages, *registry.list_stages(model)}
    if word in known:
        return
    stage = _find_close(word, sorted(known))
    if stage is not None:
        yield stage


def _propose_versions(registry: RecordRegistry, model: str, text: str) -> Iterator[str]:
    """Versions for `1`, `1.x`, `01.2`, `1.2.0+build`, and for a release that is none yet."""
    versions = registry.list_versions(model)
    if text == names.LATEST:
        yield from map(str, versions[:-2:-1])
    core, plus, _ = text.partition("+")
    if plus:
        yield core
    partial = _PARTIAL.fullmatch(core)
    if partial is None:
        return
    wanted = [int(number) for number in partial.groups() if number is not None]
    if len(wanted) > 1:
        yield ".".join(map(str, wanted))
    matching: list[Version] = []
    for version in versions:
        if list(version.to_tuple()[: len(wanted)]) == wanted:
            matching.append(version)
    newest = highest_release(matching) or (matching[-1] if matching else None)
    if newest is not None:
        yield str(newest)


def _means_version(registry: RecordRegistry, model: str, selector: str) -> bool:
    with suppress(MlverError):
        selecting.choose_version(registry, model, selector)
        return True
    return False


def _find_close(word: str, known: list[str]) -> str | None:
    """The one known name that differs by letter case or a typing error, or that begins so."""
    lowered = word.lower()
    same = [name for name in known if name.lower() == lowered]
    if len(same) == 1:
        return same[0]
    if len(word) >= _SHORTEST_PREFIX:
        beginning = [name for name in known if name.startswith(word)]
        if len(beginning) == 1:
            return beginning[0]
    return names.find_similar(word, known)
