"""Another repository: what it says it has, what is fetched from it, and with which secret it is pushed to."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from mlver.errors import MlverError, UsageError, shell_command
from mlver.git.repository import Repository, Tag


@dataclass(frozen=True, slots=True)
class Advertised:
    """`branch` is the default one's short name, `tip` where that stands, `tags` the object behind each tag."""

    branch: str
    tip: str
    tags: Mapping[str, str]


def names(repository: Repository) -> list[str]:
    """The remotes there are."""
    return repository.process.read(["remote"]).decode(errors="replace").splitlines()


def default(repository: Repository) -> str | None:
    """The remote the current branch follows, else `origin`, else the only one; None without any."""
    branch = repository.head().branch
    if branch:
        followed = repository.process.try_read(["config", "--get", f"branch.{branch}.remote"])
        if followed.code == 0 and followed.out != b".\n":  # a branch that follows another one here
            return followed.out.decode().strip()
    there = names(repository)
    return "origin" if "origin" in there else there[0] if len(there) == 1 else None


def chosen(repository: Repository, name: str | None) -> str:
    """The remote of this name, or the default one; raise where there is none."""
    if name is None:
        found = default(repository)
        if found is None:
            raise MlverError("there is no remote to push tags to", hint="git remote add origin URL")
        return found
    known = names(repository)
    if name not in known:
        raise UsageError(
            f"there is no remote `{name}`; there are {', '.join(known) or 'none'}",
            hint="git remote -v",
        )
    return name


def tags(repository: Repository, remote: str) -> dict[str, str]:
    """The tags the other side has, each with its object's id; this asks it, over the network."""
    return _tags(
        _listed(repository, ["--tags", "--refs", "--", remote], f"ask {remote} for its tags")
    )


def advertised(repository: Repository, remote: str) -> Advertised:
    """Ask a remote, over the network; raise MlverError where it names no default branch."""
    args = ["--symref", "--", remote, "HEAD", "refs/tags/*"]
    branch, found = "", {}
    for what, name in _listed(repository, args, f"ask {remote} what it has"):
        if what.startswith("ref: ") and name == "HEAD":
            branch = what.removeprefix("ref: refs/heads/")
        elif not name.endswith("^{}"):
            found[name] = what
    if not branch or "HEAD" not in found:
        raise MlverError(
            f"{remote} does not say which branch is its main one, or that is empty",
            hint=f"{shell_command('git', 'push', remote, 'HEAD')}   (or set its default branch: git symbolic-ref HEAD …)",
        )
    return Advertised(branch, found["HEAD"], _tags((oid, name) for name, oid in found.items()))


def _listed(repository: Repository, args: Sequence[str], doing: str) -> Iterator[tuple[str, str]]:
    """What a remote says it has, over the network: each id with its reference."""
    out = repository.process.write(
        ["ls-remote", "--quiet", *args], doing=doing, hint="git remote -v"
    )
    for line in out.decode(errors="replace").splitlines():
        what, _, name = line.partition("\t")
        yield what, name


def _tags(listed: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {
        name.removeprefix("refs/tags/"): oid
        for oid, name in listed
        if name.startswith("refs/tags/")
    }


def fetch(repository: Repository, remote: str, refs: Sequence[str]) -> None:
    """Fetch what full references or refspecs name: no tag beside them, no reference here that is not told."""
    if refs:
        args = [
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            "--refmap=",
            "--no-recurse-submodules",
        ]
        hint = shell_command("git", "fetch", remote)
        asked = "".join(f"{ref}\n" for ref in refs).encode()
        repository.process.write(
            [*args, "--stdin", "--", remote], stdin=asked, doing=f"fetch from {remote}", hint=hint
        )


def fetch_tag(repository: Repository, remote: str, name: str) -> Tag | None:
    """A tag as a remote has it, whatever this clone calls by its name; None where it has none."""
    ref = f"refs/tags/{name}"
    there = [
        oid
        for oid, found in _listed(repository, ["--", remote, ref], f"ask {remote} for {name}")
        if found == ref
    ]
    if not there:
        return None
    fetch(repository, remote, [ref])
    return repository.tag_objects({name: there[0]}).get(name)


def beyond(repository: Repository, tip: str, commits: Iterable[str]) -> set[str]:
    """Those of `commits` that the history of `tip` does not hold."""
    wanted = set(commits)
    asked = "".join(f"{commit}\n" for commit in (*wanted, f"^{tip}")).encode()
    return wanted & set(
        repository.process.read(["rev-list", "--stdin"], stdin=asked).decode().split()
    )


def secrets(repository: Repository, remote: str) -> frozenset[str]:
    """What git would show a remote to be let in, of what the URL, a header or a credential helper hold."""
    told = repository.process.try_read(["remote", "get-url", "--push", "--", remote])
    url = told.out.decode(errors="replace").strip()
    if not url.startswith(("http://", "https://")):
        return frozenset()
    headers = repository.process.try_read(["config", "--get-urlmatch", "http.extraHeader", url]).out
    found = set(_shown(headers.decode(errors="replace").splitlines()))
    password = urlsplit(url).password
    if password:
        found.add(unquote(password))
    if not found:
        found.update(_helped(repository, url))
    return frozenset(found)


def _shown(headers: Iterable[str]) -> Iterable[str]:
    """The secrets in `Authorization:` headers; basic ones are `user:secret` in base64 (RFC 7617)."""
    for header in headers:
        name, _, value = header.partition(":")
        scheme, _, text = value.strip().partition(" ")
        if name.strip().lower() != "authorization":
            continue
        if scheme.lower() != "basic":
            yield text.strip()
            continue
        try:
            yield base64.b64decode(text).decode(errors="replace").partition(":")[2]
        except binascii.Error:
            continue


def _helped(repository: Repository, url: str) -> Iterable[str]:
    """What a credential helper gives, as it will for the push; nobody is asked for anything."""
    try:
        out = repository.process.write(
            ["-c", "core.askPass=", "credential", "fill"],
            stdin=f"url={url}\n\n".encode(),
            env={"GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": ""},
            doing="ask for a credential",
        )
    except MlverError:
        return
    for line in out.decode(errors="replace").splitlines():
        if line.startswith("password="):
            yield line.removeprefix("password=")
