"""Who may sign, as a commit of the branch whose settings judge has it; no other file counts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from mlver.errors import MlverError
from mlver.git.detached_seals import DetachedSeal, SealChecker, SealSignature, parse_seal
from mlver.git.process import GitProcess
from mlver.git.repository import GitRepository
from mlver.git.signatures import names_signers, signature_checker
from mlver.policy.allowed_signers import find_openpgp, select_valid
from mlver.policy.approvals import UNSIGNED, ApprovalSignature
from mlver.policy.people import identify_person
from mlver.project.history.policies import find_judging_branch, read_settings

_MOST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class AllowedSigners:
    """A file of allowed signers; `source` is what people call the branch that it is of.

    `data` is empty where the branch has no such file: then nobody may sign.
    """

    source: str
    data: bytes


def read_judging_signers(repository: GitRepository) -> AllowedSigners:
    """Read the signers of the branch whose settings judge; HEAD's where there is no such branch."""
    reference = find_judging_branch(repository) or "HEAD"
    source = reference.removeprefix("refs/heads/").removeprefix("refs/remotes/")
    return AllowedSigners(source, read_signers(repository, reference))


def read_signers(repository: GitRepository, commit: str) -> bytes:
    """Read the file of allowed signers that a commit's settings name."""
    path = read_settings(repository, [commit])[commit].signers_path
    (data,) = repository.whole_blobs([f"{commit}:{path}"])
    return b"" if data is None or len(data) > _MOST_BYTES else data


@contextmanager
def open_tag_checker(repository: GitRepository) -> Iterator[GitProcess]:
    """Open what checks the signatures of tags.

    Where git is not told whose SSH keys it knows, these are the signers of the branch whose
    settings judge; none where those cannot be read.
    """
    signers = b""
    if not names_signers(repository):
        with suppress(MlverError):
            signers = read_judging_signers(repository).data
    if not signers:
        yield signature_checker(repository)
        return
    with open_key_checker(repository, signers) as checker:
        yield checker


@contextmanager
def open_key_checker(repository: GitRepository, signers: bytes) -> Iterator[GitProcess]:
    """Open what checks the signatures of tags by the SSH keys of a file of allowed signers."""
    with TemporaryDirectory(prefix="mlver-", ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "allowed_signers"
        path.write_bytes(signers)
        yield signature_checker(repository, path)


@dataclass(frozen=True, slots=True)
class SignatureJudge:
    """Judges detached seals by a file of allowed signers."""

    checker: SealChecker
    signers: AllowedSigners

    def judge(
        self, person: str, sealed: str, seal: bytes | None, at: int | None
    ) -> ApprovalSignature:
        """Judge the seal of a record by `person`, whose digest is `sealed`.

        The key has to be valid `at` a time, in seconds since 1970; None where nobody can tell.
        """
        if seal is None:
            return UNSIGNED
        return self._judge_parsed(parse_seal(seal), person, sealed, at)

    def judge_tag(self, sealed: str, tag: bytes, at: int | None) -> ApprovalSignature:
        """Judge a tag that seals a record, by whom it says that made it."""
        if b"\n-----BEGIN " not in tag:
            return UNSIGNED
        parsed = parse_seal(tag, "commit")
        person = "" if parsed is None else parsed.tagger
        return self._judge_parsed(parsed, person, sealed, at)

    def _judge_parsed(
        self, parsed: DetachedSeal | None, person: str, sealed: str, at: int | None
    ) -> ApprovalSignature:
        if parsed is None:
            return ApprovalSignature(kind="false", words="has a seal that is none")
        if parsed.tag.seals != sealed:
            return ApprovalSignature(kind="false", words="has a seal of another record")
        allowed = self.signers.data
        if at is not None:
            allowed = select_valid(allowed, at)
        signature = self.checker.check(parsed, allowed)
        return self._compare(person, signature, at, is_openpgp=parsed.is_openpgp)

    def _lists_openpgp(self, person: str) -> bool:
        """Say whether the file names any OpenPGP or X.509 key of a person."""
        listed = find_openpgp(self.signers.data).values()
        return any(identify_person(one) == identify_person(person) for one in listed)

    def _compare(
        self, person: str, signature: SealSignature, at: int | None, *, is_openpgp: bool
    ) -> ApprovalSignature:
        principal = signature.principal
        if signature.unknown and (not is_openpgp or self._lists_openpgp(person)):
            return ApprovalSignature(
                kind="unknown", words="is signed in a way that nothing here can check"
            )
        if not signature.holds and not signature.keys and not signature.unknown:
            return ApprovalSignature(kind="false", words="has a signature that does not hold")
        if is_openpgp:
            listed = find_openpgp(self.signers.data)
            known = [listed[key] for key in signature.keys if key in listed]
            is_over = signature.expired is not None and (at is None or at >= signature.expired)
            principal = known[0] if known and not is_over else None
        if principal is None:
            words = (
                f"is signed by a key that is not one of {self.signers.source}'s allowed signers,"
                " or was over when it landed"
            )
            return ApprovalSignature(kind="unlisted", words=words)
        if identify_person(principal) != identify_person(person):
            return ApprovalSignature(kind="false", words=f"is signed by {principal}")
        return ApprovalSignature(kind="good", signer=f"{principal} {signature.keys[0]}")
