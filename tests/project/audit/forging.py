"""A repository in which people promote, and in which promotions are forged by hand."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from mlver.document import codec
from mlver.policy.promotion_dates import count_seconds
from mlver.project.audit import promotions
from mlver.project.audit.chains import check_chains
from mlver.project.audit.promotions import PromotionReport
from mlver.project.project import Project
from mlver.project.stages.promote import promote_version
from mlver.records import layout
from mlver.records.promotion import PromotionRecord
from mlver.records.version import VersionRecord
from tests.conftest import NOW, Repository
from tests.project.helpers import initialise_project, new_repository, register_one, write_artifact

AFTER = "    after: [staging]\n"
WITHOUT_AFTER = ("  production:\n" + AFTER, "  production:\n")
SECOND = layout.promotion_path("m", "production", 2)


@dataclass(frozen=True, slots=True)
class Town:
    """A repository with people in it; the clock is where they say it is."""

    repository: Repository
    clock: pytest.MonkeyPatch

    @property
    def project(self) -> Project:
        return Project.open_existing(self.repository.path)

    def enter(self, name: str, *, day: int, second: int = 0) -> None:
        """Let everything be done by somebody from now on, so many days after `NOW`."""
        seconds = count_seconds(NOW) + day * 86_400 + second
        moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
        for role in ("AUTHOR", "COMMITTER"):
            self.clock.setenv(f"GIT_{role}_NAME", name)
            self.clock.setenv(f"GIT_{role}_EMAIL", f"{name.lower()}@example.org")
            self.clock.setenv(f"GIT_{role}_DATE", moment.strftime("%Y-%m-%dT%H:%M:%SZ"))
        self.clock.setenv("SOURCE_DATE_EPOCH", str(seconds))

    def edit_rule(self, old: str, new: str, message: str = "Change the rule") -> str:
        """Change the settings, and commit that; return the commit."""
        path = self.repository.path / layout.CONFIG
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))
        return self.repository.commit(message)

    def weaken_rule(self) -> str:
        """Let production take what never was in staging."""
        return self.edit_rule(*WITHOUT_AFTER)

    def restore_rule(self) -> str:
        return self.edit_rule("  production:\n", "  production:\n" + AFTER)

    def promote(self, version: str, stage: str, *, force: bool = False) -> None:
        result = promote_version(
            self.project, f"m@{version}", to=stage, message="ready", force=force
        )
        assert result.outcome == "promoted"

    def judge(self) -> PromotionReport:
        """Judge all promotions again, as `verify --all` does."""
        project = self.project
        chains = [chain.promotions for chain in check_chains(project, "m")]
        versions: list[VersionRecord] = []
        for number in project.registry.list_versions("m"):
            record, _ = project.registry.read_version("m", number)
            versions.append(record)
        return promotions.judge_promotions(project, chains, versions)

    def name_findings(self) -> list[tuple[str, str]]:
        """Judge all promotions again; return the kind and message of each finding."""
        return [(finding.kind, finding.message) for finding in self.judge().findings]

    def read_last(self, stage: str = "production") -> PromotionRecord:
        record, _ = self.project.registry.read_history("m", stage)[-1]
        return record

    def rewrite_last(self, **claims: Any) -> PromotionRecord:
        """Let the last commit's promotion to production make these claims instead, unsealed."""
        record = self.read_last()
        self.repository.git("tag", "--delete", f"m@production.{record.sequence}")
        self.repository.git("reset", "--quiet", "--soft", "HEAD~1")
        forged = replace(record, **claims)
        assert forged != record
        data = codec.encode_document("promotion", forged.to_document())
        self.repository.write(record.record_path, data)
        self.repository.commit("Promote it")
        return forged

    def force_through(self, version: str) -> PromotionRecord:
        """Promote a version past its gates, in a record that says that all of them had passed."""
        self.promote(version, "production", force=True)
        gates = [replace(gate, result="pass") for gate in self.read_last().gates]
        return self.rewrite_last(forced=False, gates=tuple(gates))

    def check_range(self, base: str) -> tuple[int, str]:
        """Run `hook check` over all commits since `base`."""
        done = self.repository.mlver("hook", "check", "--from", base, "--to", "HEAD")
        return done.code, " ".join((done.out + done.err).split())

    def write_forgery(self, **claims: Any) -> PromotionRecord:
        """Write, as the next promotion, what the last one says but for these claims."""
        project = self.project
        last, digest = project.registry.read_history("m", "production")[-1]
        version = claims.get("version", last.version)
        version_digest = project.registry.read_version_digest("m", version)
        assert version_digest is not None
        record = replace(
            last,
            sequence=last.sequence + 1,
            previous=last.version,
            prior=digest,
            record=version_digest,
            **claims,
        )
        data = codec.encode_document("promotion", record.to_document())
        self.repository.write(record.record_path, data)
        return record


def build_town(folder: Path) -> Path:
    """Two versions; the first went to staging and then to production, which asks for that."""
    repository = new_repository(folder / "town")
    project = initialise_project(repository)
    repository.write(".gitignore", "w\n")
    config = repository.path / layout.CONFIG
    text = config.read_text()
    config.write_text(text.replace(WITHOUT_AFTER[1], WITHOUT_AFTER[0]))
    repository.commit()
    for number in ("1.0.0", "1.1.0"):
        write_artifact(repository, "w", {"a": number})
        register_one(project, version=number)
    promote_version(project, "m@1.0.0", to="staging", message="try it")
    promote_version(project, "m@1.0.0", to="production", message="first")
    repository.pack()
    return repository.path
