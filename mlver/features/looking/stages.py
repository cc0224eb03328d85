"""`mlver stages`: what every stage of every model holds, since when, and by whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from mlver.digest import Digest
from mlver.policy import holdings
from mlver.policy.chain import PromotionChain, SealState, holder_after
from mlver.project.audit.record_authors import find_unconfirmed_paths
from mlver.project.audit.record_history import read_record_history
from mlver.project.project import Project
from mlver.project.registry.last_answers import read_last_answers
from mlver.project.registry.registry import RecordRegistry
from mlver.project.registry.tolerant import TolerantReader
from mlver.project.rollouts.open_shares import OpenShare, list_open_shares
from mlver.project.tags import promotion_seals
from mlver.records import layout
from mlver.records.promotion import PromotionRecord, Result


@dataclass(frozen=True, slots=True, kw_only=True)
class StageHolder:
    """A stage of a model, and the promotion that decides what it holds.

    `version` is None where the stage is empty; all else is None where it was never moved. `since`
    follows the chain: it is never before the promotion before. `unconfirmed`: neither the commit
    nor the seal of the promotion confirms its author. `retired` is why the version is, `rollout`
    the candidate that has a share of the traffic, and `verdict` the last answer about the version.
    """

    model: str
    stage: str
    version: str | None = None
    since: str | None = None
    sequence: int | None = None
    author: str | None = None
    message: str | None = None
    seal: SealState | None = None
    unconfirmed: bool = False
    retired: str | None = None
    rollout: OpenShare | None = None
    verdict: Result | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StagesResult:
    """`read` is when this was read, UTC, from which ages count.

    `models` counts those that were looked at, and `faults` are why some records cannot be read.
    """

    read: str
    models: int
    stages: tuple[StageHolder, ...]
    faults: tuple[str, ...]


def read_stages(
    project: Project, model: str | None = None, *, everything: bool = False
) -> StagesResult:
    """Read what the stages of a model (of all, if None) hold; with `everything`, empty ones too."""
    registry = project.registry
    model_names = registry.list_models() if model is None else [project.resolve_model(model)]
    reader = TolerantReader()
    chains: dict[tuple[str, str], PromotionChain] = {}
    for model_name in model_names:
        for stage in _list_stages(registry, model_name, reader):
            chain = _read_chain(registry, model_name, stage, reader)
            if chain is not None:
                chains[model_name, stage] = chain
    moved = [chain for chain in chains.values() if chain]
    deciding = [chain[-1] for chain in moved]
    states = promotion_seals.read_seal_states(project, deciding)
    unconfirmed = _find_unconfirmed(project, model_names, moved)
    retired = {name: reader.read_retired(registry, name) for name in model_names}
    shares = _read_shares(registry, model_names, reader)
    answers = _read_answers(registry, chains, reader)
    held_stages: list[StageHolder] = []
    for (model_name, stage), chain in chains.items():
        held = _describe_stage(model_name, stage, chain, states, unconfirmed)
        if held.version is not None:
            reason = retired[model_name].get(held.version)
            share = shares.get((model_name, stage))
            verdict = answers.get((model_name, stage))
            held = replace(held, retired=reason, rollout=share, verdict=verdict)
            held_stages.append(held)
        elif everything:
            held_stages.append(held)
    return StagesResult(
        read=project.record_time,
        models=len(model_names),
        stages=tuple(held_stages),
        faults=reader.faults,
    )


def _read_shares(
    registry: RecordRegistry, models: Sequence[str], reader: TolerantReader
) -> dict[tuple[str, str], OpenShare]:
    shares: dict[tuple[str, str], OpenShare] = {}
    for model in models:
        for share in reader.try_reading(list_open_shares, registry, model) or ():
            shares[model, share.stage] = share
    return shares


def _read_answers(
    registry: RecordRegistry,
    chains: Mapping[tuple[str, str], PromotionChain],
    reader: TolerantReader,
) -> dict[tuple[str, str], Result]:
    holders: dict[str, dict[str, str]] = {}
    for (model, stage), chain in chains.items():
        if chain:
            holders.setdefault(model, {})[stage] = chain[-1][0].version
    answers: dict[tuple[str, str], Result] = {}
    for model, held in holders.items():
        found = reader.try_reading(read_last_answers, registry, model, held) or {}
        for stage, answer in found.items():
            answers[model, stage] = answer
    return answers


def _list_stages(registry: RecordRegistry, model: str, reader: TolerantReader) -> Iterator[str]:
    """The stages of the settings, in their order, and others that were moved once."""
    config = reader.try_reading(registry.read_shown_config)
    known = list(config.stages) if config is not None else []
    yield from dict.fromkeys([*known, *registry.list_stages(model)])


def _read_chain(
    registry: RecordRegistry, model: str, stage: str, reader: TolerantReader
) -> PromotionChain | None:
    """The promotions that can be read, oldest first.

    None where the last of them cannot be: then nobody knows what the stage holds.
    """
    sequences = registry.list_sequences(layout.stage_folder(model, stage))
    chain: list[tuple[PromotionRecord, Digest]] = []
    for sequence in sequences:
        promotion = reader.try_reading(registry.read_promotion, model, stage, sequence)
        if promotion is not None:
            chain.append(promotion)
    if sequences and (not chain or chain[-1][0].sequence != sequences[-1]):
        return None
    return chain


def _find_unconfirmed(
    project: Project, models: Sequence[str], chains: Sequence[PromotionChain]
) -> frozenset[str]:
    """Find the promotions whose author nothing confirms, by the paths of their records."""
    if not chains or project.repository.head().commit is None:
        return frozenset()
    history = read_record_history(project.repository, models)
    return find_unconfirmed_paths(project, history, chains)


def _describe_stage(
    model: str,
    stage: str,
    chain: PromotionChain,
    states: Mapping[str, SealState],
    unconfirmed: frozenset[str],
) -> StageHolder:
    if not chain:
        return StageHolder(model=model, stage=stage)
    record, _ = chain[-1]
    return StageHolder(
        model=model,
        stage=stage,
        version=holder_after(record),
        since=holdings.order_times([promotion for promotion, _ in chain])[-1],
        sequence=record.sequence,
        author=record.author,
        message=record.message,
        seal=states.get(record.record_path),
        unconfirmed=record.record_path in unconfirmed,
    )
