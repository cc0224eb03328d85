"""A finding: one thing that is wrong, named so that a person, a screen and a program can use it.

Whatever looks (`verify`, `doctor`, the hooks, `diff`, `adopt`, `resolve`, `tag` and `release`)
reports what it found as findings. `schemas/finding.schema.json` lists the same kinds for those who
read `--json`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FindingKind = Literal[
    "artifact",  # a file on its way into git is an artifact, whose bytes mlver keeps
    "author",  # git does not know who is at work
    "chain",  # a stage's promotions are not one unbroken chain
    "clone",  # this clone lacks a part of the history or of the tags
    "conflict",  # two branches claim the same path, or a merge is not settled
    "date",  # a promotion or a retirement whose date cannot be right
    "dropped",  # a record that a merge leaves out
    "gate",  # a promotion's gates are not those of its rule, or cannot have passed
    "git",  # git itself, or the state it is in
    "history",  # a commit changed or deleted a record that had been committed
    "hook",  # a git hook
    "layout",  # files that `mlver init` creates
    "leak",  # a record holds a secret or a private path
    "manifest",  # the list of an artifact's files
    "name",  # a path that is no record's name, or is one with another
    "object",  # stored bytes
    "pickle",  # a pickle where pickles are forbidden
    "policy",  # the rule that judged a promotion, or that was changed for it
    "record",  # a version, promotion, evaluation or approval
    "recovery",  # an operation that was interrupted
    "remote",  # the other repository, or that there is none
    "settings",  # `config.yaml`, or a model's `model.yaml`
    "signature",  # the signature of a tag
    "size",  # a file that is too large for git
    "tag",  # a tag that does not do what its name says
    "unconfirmed",  # something that a record says and that nothing confirms
    "unsealed",  # a record that no tag seals
    "working",  # a working file
]


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with which file or name; `hints` are the commands to type about it."""

    kind: FindingKind
    subject: str
    message: str
    hints: tuple[str, ...] = ()
