"""Seals that are kept as files: signed tag objects which no reference of the repository names.

A commit's signature is lost where a forge squashes or rebases; such a file is not. It is made and
checked in an empty repository of its own, so that nothing of it lands in the person's one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from mlver.git.git_tag import GitTag
from mlver.git.process import GitFailed, GitProcess
from mlver.git.repository import GitRepository

# A signature of some kilobytes is usual.
LONGEST_SEAL = 65_536
# Who signs, and with what, as the person's git is configured.
_SIGNING = re.compile(
    r"^(?:(?:user|author|committer)\.(?:name|email)|user\.signingkey|gpg\.format"
    r"|gpg\.(?:.*\.)?program|gpg\.ssh\.defaultkeycommand)$"
)
_KEYS = r"^(?:user\.signingkey|gpg\.ssh\.defaultkeycommand)$"
_HEADER = re.compile(
    rb"object ([0-9a-f]{40}|[0-9a-f]{64})\ntype (blob|commit)\ntag [^\n]+\n"
    rb"tagger ([^\n]+) \d+ [+-]\d{4}\n"
)
# What ssh-keygen says of a signature, whether a principal matched or not: its exit code decides.
_SSH_SIGNER = re.compile(rb'^\w+ "[^"\n]*" signature for (.+) with \S+ key (\S+)\r?$', re.MULTILINE)
_SSH_KEY = re.compile(rb"^\w+ .*signature .*with \S+ key (\S+)\r?$", re.MULTILINE)
_BAD = re.compile(
    rb"^(?:\[GNUPG:\] BADSIG |Signature verification failed|Could(?: not|n't) verify signature)",
    re.MULTILINE,
)
# GnuPG's doc/DETAILS: the last word is the fingerprint of the primary key.
_VALID = re.compile(rb"^\[GNUPG:\] VALIDSIG ([0-9A-F]+) .*?([0-9A-F]{40,64})\r?$", re.MULTILINE)
_REFUSED = re.compile(rb"^\[GNUPG:\] (?:BADSIG|ERRSIG|EXPSIG|REVKEYSIG) ", re.MULTILINE)
_EXPIRED = re.compile(rb"^\[GNUPG:\] EXPKEYSIG ", re.MULTILINE)
_EXPIRY = re.compile(rb"^\[GNUPG:\] KEYEXPIRED (\d+)", re.MULTILINE)
_NAME = "seal"
_SIGN = "sign the record"
_LOOK = "git config --show-origin --get-regexp '^(user|gpg)[.]'"


@dataclass(frozen=True, slots=True, kw_only=True)
class SealSignature:
    """What git says of a seal's signature.

    `holds` where the key made it, and it was not revoked; that says nothing of whose key it is.
    `principal` is whom the file of allowed signers names (SSH), None where nobody is. `keys` are
    the fingerprints of the key, and of the one it belongs to. `expired` is when an OpenPGP key
    ended, in seconds since 1970. `unknown`: it could not be checked here.
    """

    holds: bool
    principal: str | None = None
    keys: tuple[str, ...] = ()
    expired: int | None = None
    unknown: bool = False


@dataclass(frozen=True, slots=True)
class DetachedSeal:
    """A tag object that was kept as a file.

    `tagger` is who made it: Name <address>. `width` is how many digits the names of objects have.
    """

    tag: GitTag
    tagger: str
    data: bytes
    width: int

    @property
    def is_openpgp(self) -> bool:
        return "-----BEGIN SSH SIGNATURE-----" not in self.tag.message


def can_sign(repository: GitRepository) -> bool:
    """Say whether the person's git has a key, or is told to sign every tag."""
    return bool(repository.settings(_KEYS)) or _signs_tags(repository)


def _signs_tags(repository: GitRepository) -> bool:
    from mlver.git.signatures import signs_tags

    return signs_tags(repository)


def sign_blob(repository: GitRepository, data: bytes, message: str) -> bytes:
    """Make a signed tag object on a blob with these bytes; return it as git stores it.

    The person's git signs, as it is configured. Raise GitFailed where it does not.
    """
    settings: list[str] = []
    for _, name, value in repository.settings(_SIGNING.pattern):
        settings += ["-c", f"{name}={value}"]
    settings += ["-c", "core.hooksPath=/dev/null"]
    process = repository.process
    width = len(process.read(["hash-object", "-t", "blob", "--stdin"]).strip())
    with TemporaryDirectory(prefix="mlver-", ignore_cleanup_errors=True) as folder:
        _make_empty(Path(folder), width)
        variables = {"GIT_DIR": folder}
        storing = ["hash-object", "-w", "--no-filters", "--stdin"]
        blob = process.write(storing, stdin=data, env=variables, doing=_SIGN).decode().strip()
        signing = [*settings, "tag", "-s", "--cleanup=whitespace", "-F", "-", _NAME, blob]
        process.write(signing, stdin=message.encode(), env=variables, doing=_SIGN, hint=_LOOK)
        reading = ["cat-file", "tag", f"refs/tags/{_NAME}"]
        seal = process.write(reading, env=variables, doing=_SIGN)
    # git 2.39 makes a tag without a signature where ssh-keygen cannot read the key.
    if parse_seal(seal) is None:
        raise GitFailed(_SIGN, "the tag that git made bears no signature", hint=_LOOK)
    return seal


def parse_seal(data: bytes, kind: Literal["blob", "commit"] = "blob") -> DetachedSeal | None:
    """Parse a signed tag object on an object of this kind; None for anything that is none."""
    header = _HEADER.match(data)
    if len(data) > LONGEST_SEAL or header is None or header[2] != kind.encode():
        return None
    body = data[header.end() :]
    if not body.startswith(b"\n"):
        return None
    message = body[1:].decode(errors="replace")
    tag = GitTag(_NAME, "", annotated=True, commit=None, message=message)
    if not tag.is_signed:
        return None
    return DetachedSeal(tag, header[3].decode(errors="replace"), data, len(header[1]))


@contextmanager
def open_checker() -> Iterator[SealChecker]:
    """Open what checks seals; nothing that a repository says counts in it."""
    with TemporaryDirectory(prefix="mlver-", ignore_cleanup_errors=True) as folder:
        yield SealChecker(Path(folder))


@dataclass(frozen=True, slots=True)
class SealChecker:
    """Checks seals in a folder of its own, with the programs that the person's own git names."""

    folder: Path

    def check(self, seal: DetachedSeal, signers: bytes) -> SealSignature:
        """Check the signature of a seal; `signers` is a file of allowed signers (ssh-keygen(1))."""
        width = seal.width
        place = self.folder / str(width)
        if not place.is_dir():
            place.mkdir()
            _make_empty(place, width)
        allowed = self.folder / "allowed_signers"
        allowed.write_bytes(signers)
        process = GitProcess(place)
        here = ["--git-dir=.", "-c", f"gpg.ssh.allowedSignersFile={allowed}"]
        stored = process.try_read(
            [*here, "hash-object", "-t", "tag", "-w", "--no-filters", "--stdin"], stdin=seal.data
        )
        if stored.code != 0:
            return SealSignature(holds=False)
        object_id = stored.out.decode().strip()
        finished = process.try_read([*here, "verify-tag", "--raw", object_id])
        answer = finished.out + finished.err
        if seal.is_openpgp:
            return _read_openpgp(answer)
        return _read_ssh(answer, code=finished.code)


def _read_ssh(answer: bytes, *, code: int) -> SealSignature:
    if code == 0:
        signer = _SSH_SIGNER.search(answer)
        if signer is not None:
            principal, key = (part.decode(errors="replace") for part in signer.groups())
            return SealSignature(holds=True, principal=principal, keys=(key,))
    keys = tuple(key.decode(errors="replace") for key in _SSH_KEY.findall(answer)[:1])
    is_unknown = not keys and not _BAD.search(answer)
    return SealSignature(holds=False, keys=keys, unknown=is_unknown)


def _read_openpgp(answer: bytes) -> SealSignature:
    valid = _VALID.findall(answer)
    # Of two signatures, nobody knows which one counts.
    if len(valid) != 1 or _REFUSED.search(answer):
        return SealSignature(holds=False, unknown=not _BAD.search(answer))
    expired = None
    if _EXPIRED.search(answer):
        expired = min(map(int, _EXPIRY.findall(answer)), default=0)
    keys = tuple(dict.fromkeys(key.decode() for key in valid[0]))
    return SealSignature(holds=True, keys=keys, expired=expired)


def _make_empty(folder: Path, width: int) -> None:
    """Make an empty repository with object names of so many digits."""
    for name in ("objects", "refs"):
        (folder / name).mkdir()
    (folder / "HEAD").write_text("ref: refs/heads/none\n")
    lines = ["[core]", "\trepositoryformatversion = 0", "\tbare = true"]
    if width == 64:
        lines[1] = "\trepositoryformatversion = 1"
        lines += ["[extensions]", "\tobjectformat = sha256"]
    (folder / "config").write_text("\n".join([*lines, ""]))
