"""Another repository: what it says it has, what is fetched from it, and with which secret it is pushed to."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from mlver.errors import MlverError, UsageError, command
from mlver.git import changes
from mlver.git.repository import Repository, Tag


@dataclass(frozen=True, slots=True)
class Advertised:
    """`branch` is the default one's short name, `tip` where that stands, `tags` the object behind each tag."""

    branch: str
    tip: str
    tags: Mapping[str, str]


def chosen(repository: Repository, name: str | None) -> str:
    """The remote of this name, or the default one; raise where there is none."""
    if name is None:
        found = changes.default_remote(repository)
        if found is None:
            raise MlverError("there is no remote to push tags to", hint="git remote add origin URL")
        return found
    known = repository.process.read(["remote"]).decode(errors="replace").splitlines()
    if name not in known:
        raise UsageError(f"there is no remote `{name}`; there are {', '.join(known) or 'none'}", hint="git remote -v")
    return name


def advertised(repository: Repository, remote: str) -> Advertised:
    """Ask a remote, over the network; raise MlverError where it names no default branch."""
    args = ["ls-remote", "--quiet", "--symref", "--", remote, "HEAD", "refs/tags/*"]
    out = repository.process.write(args, doing=f"ask {remote} what it has", hint="git remote -v")
    branch, found = "", {}
    for line in out.decode(errors="replace").splitlines():
        what, _, name = line.partition("\t")
        if what.startswith("ref: ") and name == "HEAD":
            branch = what.removeprefix("ref: refs/heads/")
        elif not name.endswith("^{}"):
            found[name] = what
    if not branch or "HEAD" not in found:
        raise MlverError(
            f"{remote} does not say which branch is its main one, or that is empty",
            hint=f"{command('git', 'push', remote, 'HEAD')}   (or set its default branch: git symbolic-ref HEAD …)",
        )
    tags = {name.removeprefix("refs/tags/"): oid for name, oid in found.items() if name.startswith("refs/tags/")}
    return Advertised(branch, found["HEAD"], tags)


def fetch(repository: Repository, remote: str, refs: Sequence[str]) -> None:
    """Fetch what full references or refspecs name: no tag beside them, no reference here that is not told."""
    if refs:
        args = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--refmap=", "--no-recurse-submodules"]
        hint = command("git", "fetch", remote)
        asked = "".join(f"{ref}\n" for ref in refs).encode()
        repository.process.write([*args, "--stdin", "--", remote], stdin=asked, doing=f"fetch from {remote}", hint=hint)


def fetch_tag(repository: Repository, remote: str, name: str) -> Tag | None:
    """A tag as a remote has it, whatever this clone calls by its name; None where it has none."""
    ref = f"refs/tags/{name}"
    out = repository.process.write(["ls-remote", "--quiet", "--", remote, ref], doing=f"ask {remote} for {name}")
    lines = [line.split("\t") for line in out.decode(errors="replace").splitlines()]
    there = [oid for oid, found in lines if found == ref]
    if not there:
        return None
    fetch(repository, remote, [ref])
    return repository.tag_objects({name: there[0]}).get(name)


def beyond(repository: Repository, tip: str, commits: Iterable[str]) -> set[str]:
    """Those of `commits` that the history of `tip` does not hold."""
    wanted = set(commits)
    asked = "".join(f"{commit}\n" for commit in (*wanted, f"^{tip}")).encode()
    return wanted & set(repository.process.read(["rev-list", "--stdin"], stdin=asked).decode().split())


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
