"""Another repository: what it holds, what is fetched from it, with which secret it is pushed to."""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, unquote_to_bytes, urlsplit

from mlver.errors import MlverError, UsageError, shell_command
from mlver.git.git_tag import GitTag
from mlver.git.gitpython import import_gitpython
from mlver.git.process import GitProcess
from mlver.git.repository import GitRepository
from mlver.records.code_references import CODE_REFERENCES

if TYPE_CHECKING:
    from mlver.git.transfer_progress import TransferReporter


@dataclass(frozen=True, slots=True)
class AdvertisedReferences:
    """`branch` is the default one's short name, `tip` its commit, `tags` the object of each tag.

    `code` are the references that keep code commits, by their full names.
    """

    branch: str
    tip: str
    tags: Mapping[str, str]
    code: Mapping[str, str]


class PublishedReferences(NamedTuple):
    """The tags of a remote, and the references that keep code commits, each with its object's id.

    Tags go by their names, the others by their full names. `branches` are by their short names;
    some of their commits may not be here.
    """

    tags: Mapping[str, str]
    code: Mapping[str, str]
    branches: Mapping[str, str] = MappingProxyType({})

    @property
    def tips(self) -> tuple[str, ...]:
        """The commits of its branches, each of them once."""
        return tuple(dict.fromkeys(self.branches.values()))


def list_remotes(repository: GitRepository) -> list[str]:
    """List the remotes of the repository."""
    names: set[str] = set()
    for _, setting, _ in repository.settings(r"^remote\..+\."):
        name = setting.removeprefix("remote.").rpartition(".")[0]
        # git knows no remote of a name that could be a path
        if not name.startswith("/"):
            names.add(name)
    return sorted(names)


def default_remote(repository: GitRepository) -> str | None:
    """Find the remote the current branch follows, else `origin`, else the only one; or None."""
    branch = repository.head().branch
    if branch:
        followed = repository.find_setting(f"branch.{branch}.remote")
        # `.` stands for a branch that follows another one here
        if followed is not None and followed != ".":
            return followed.strip()
    known = list_remotes(repository)
    if "origin" in known:
        return "origin"
    if len(known) == 1:
        return known[0]
    return None


def choose_remote(repository: GitRepository, name: str | None) -> str:
    """Choose the remote of this name, or the default one; raise where there is none."""
    if name is None:
        remote = default_remote(repository)
        if remote is None:
            raise MlverError("there is no remote to push tags to", hint="git remote add origin URL")
        return remote
    known = list_remotes(repository)
    if name not in known:
        listing = ", ".join(known) or "none"
        raise UsageError(f"there is no remote `{name}`; there are {listing}", hint="git remote -v")
    return name


def leads_home(repository: GitRepository, remote: str) -> bool:
    """Whether a remote, or an address, is this very repository, by whatever path."""
    answer = repository.process.try_read(["ls-remote", "--get-url", "--", remote])
    address = answer.out.decode(errors="surrogateescape").rstrip("\n")
    if address.startswith("file://"):
        address = os.fsdecode(unquote_to_bytes(address.removeprefix("file://")))
    folder = repository.top / address
    if not folder.is_dir():
        return False
    found = GitProcess(folder).try_read(["rev-parse", "--git-common-dir"])
    common_dir = folder / os.fsdecode(found.out.removesuffix(b"\n"))
    return found.code == 0 and common_dir.samefile(repository.common_dir)


def list_remote_tags(repository: GitRepository, remote: str) -> dict[str, str]:
    """Ask the remote, over the network, for its tags, each with its object's id."""
    arguments = ["--tags", "--refs", "--", remote]
    listed = _list_remote(repository, arguments, f"ask {remote} for its tags")
    return _select_tags(listed)


def list_published(repository: GitRepository, remote: str) -> PublishedReferences:
    """Ask the remote, over the network, for its tags, its branches and what keeps code commits."""
    patterns = ["refs/tags/*", "refs/heads/*", f"{CODE_REFERENCES}/*"]
    arguments = ["--refs", "--", remote, *patterns]
    listed = list(_list_remote(repository, arguments, f"ask {remote} for its tags"))
    branches: dict[str, str] = {}
    for object_id, reference in listed:
        if reference.startswith("refs/heads/"):
            branches[reference.removeprefix("refs/heads/")] = object_id
    return PublishedReferences(_select_tags(listed), _select_code(listed), branches)


def list_references_below(repository: GitRepository, remote: str, folder: str) -> dict[str, str]:
    """Ask the remote, over the network, for its references below a folder, each with its id."""
    arguments = ["--refs", "--", remote, f"{folder}/*"]
    listed = _list_remote(repository, arguments, f"ask {remote} what it has below {folder}")
    return {name: object_id for object_id, name in listed}


def list_branches(repository: GitRepository, remote: str) -> dict[str, str]:
    """Ask the remote, over the network, for its branches: their full names, with their commits."""
    arguments = ["--heads", "--refs", "--", remote]
    listed = _list_remote(repository, arguments, f"ask {remote} for its branches")
    return {name: object_id for object_id, name in listed}


def read_remote_state(repository: GitRepository, remote: str) -> AdvertisedReferences:
    """Ask a remote, over the network; raise MlverError where it names no default branch."""
    arguments = ["--symref", "--", remote, "HEAD", "refs/tags/*", f"{CODE_REFERENCES}/*"]
    branch = ""
    references: dict[str, str] = {}
    for value, name in _list_remote(repository, arguments, f"ask {remote} what it has"):
        if value.startswith("ref: ") and name == "HEAD":
            branch = value.removeprefix("ref: refs/heads/")
        elif not name.endswith("^{}"):
            references[name] = value
    if not branch or "HEAD" not in references:
        push = shell_command("git", "push", remote, "HEAD")
        raise MlverError(
            f"{remote} does not say which branch is its main one (its HEAD names none), "
            "or that is empty",
            hint=push,
        )
    listed = [(object_id, name) for name, object_id in references.items()]
    return AdvertisedReferences(
        branch, references["HEAD"], _select_tags(listed), _select_code(listed)
    )


def _list_remote(
    repository: GitRepository, arguments: Sequence[str], doing: str
) -> Iterator[tuple[str, str]]:
    """Ask a remote, over the network, what it has: each id with its reference."""
    import_gitpython()
    from mlver.git import transfer

    listing = transfer.list_references(repository, arguments, doing=doing, hint="git remote -v")
    for line in listing.splitlines():
        value, _, name = line.partition("\t")
        yield value, name


def _select_tags(listed: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Select the object ids of those references that are tags, by the tag's name."""
    selected: dict[str, str] = {}
    for object_id, reference in listed:
        if reference.startswith("refs/tags/"):
            selected[reference.removeprefix("refs/tags/")] = object_id
    return selected


def _select_code(listed: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Select the object ids of those references that keep code commits."""
    selected: dict[str, str] = {}
    for object_id, reference in listed:
        if reference.startswith(f"{CODE_REFERENCES}/"):
            selected[reference] = object_id
    return selected


def push_branch(
    repository: GitRepository,
    remote: str,
    source: str,
    branch: str,
    tags: Sequence[str],
    reporter: TransferReporter | None = None,
) -> None:
    """Push a branch here, by its full name, as a branch there, and tags with it, all or none.

    Nothing is forced.

    Raise GitFailed where the remote refuses one of them.
    """
    import_gitpython()
    from mlver.git import transfer

    refspecs = [f"{source}:refs/heads/{branch}"]
    refspecs += [f"refs/tags/{name}:refs/tags/{name}" for name in tags]
    transfer.push_references(
        repository,
        remote,
        refspecs,
        doing=f"push {branch} to {remote}",
        hint=shell_command("git", "fetch", remote),
        reporter=reporter,
    )


def fetch_refs(
    repository: GitRepository,
    remote: str,
    refs: Sequence[str],
    reporter: TransferReporter | None = None,
    *,
    shallow: bool = False,
    checked: bool = False,
) -> None:
    """Fetch what full references or refspecs name, and no other tag or reference.

    `shallow`: of the commits that come, none before the named ones. `checked`: nothing comes where
    one object is malformed.
    """
    if not refs:
        return
    import_gitpython()
    from mlver.git import transfer

    transfer.fetch_references(
        repository,
        remote,
        refs,
        hint=shell_command("git", "fetch", remote),
        reporter=reporter,
        shallow=shallow,
        checked=checked,
    )


def fetch_tag(repository: GitRepository, remote: str, name: str) -> GitTag | None:
    """Fetch a tag as a remote has it, whatever this clone calls by its name; None without one."""
    reference = f"refs/tags/{name}"
    arguments = ["--", remote, reference]
    listing = _list_remote(repository, arguments, f"ask {remote} for {name}")
    # git lists every reference that ends in this one
    object_ids = _select_tags(listing)
    if name not in object_ids:
        return None
    fetch_refs(repository, remote, [reference])
    return repository.tag_objects({name: object_ids[name]}).get(name)


def commits_beyond(repository: GitRepository, tip: str, commits: Iterable[str]) -> set[str]:
    """Find those of `commits` that the history of `tip` does not hold."""
    wanted = set(commits)
    # by standard input, because a command line holds only so many
    request = "\n".join([*wanted, f"^{tip}", ""])
    listing = repository.process.read(["rev-list", "--stdin"], stdin=request.encode())
    return wanted & set(listing.decode().split())


def push_secrets(repository: GitRepository, remote: str) -> frozenset[str]:
    """Find the secrets git would show a remote: from its URL, a header or a credential helper."""
    answer = repository.process.try_read(["remote", "get-url", "--push", "--", remote])
    url = answer.out.decode(errors="replace").strip()
    if not url.startswith(("http://", "https://")):
        return frozenset()
    arguments = ["config", "--get-urlmatch", "http.extraHeader", url]
    finished = repository.process.try_read(arguments)
    headers = finished.out.decode(errors="replace").splitlines()
    secret_texts = set(_read_headers(headers))
    password = urlsplit(url).password
    if password:
        secret_texts.add(unquote(password))
    if not secret_texts:
        secret_texts.update(_ask_helper(repository, url))
    return frozenset(secret_texts)


def _read_headers(headers: Iterable[str]) -> Iterable[str]:
    """Read the secrets in `Authorization:` headers; basic ones are base64 `user:secret`."""
    for header in headers:
        name, _, value = header.partition(":")
        scheme, _, text = value.strip().partition(" ")
        if name.strip().lower() != "authorization":
            continue
        if scheme.lower() != "basic":
            yield text.strip()
            continue
        try:
            credentials = base64.b64decode(text).decode(errors="replace")
        except binascii.Error:
            continue
        yield credentials.partition(":")[2]


def _ask_helper(repository: GitRepository, url: str) -> Iterable[str]:
    """Ask a credential helper, as git will for the push; no person is asked for anything."""
    try:
        answer = repository.process.write(
            ["-c", "core.askPass=", "credential", "fill"],
            stdin=f"url={url}\n\n".encode(),
            env={"GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": ""},
            doing="ask for a credential",
        )
    except MlverError:
        return
    for line in answer.decode(errors="replace").splitlines():
        if line.startswith("password="):
            yield line.removeprefix("password=")
