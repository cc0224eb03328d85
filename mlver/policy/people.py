"""Who is who: people as git names them, `Name <mail>`."""

from __future__ import annotations

from collections.abc import Sequence


def normalise_person(person: str) -> tuple[str, str]:
    """Split `Name <mail>` into a name and a mail address, so that the same person compares equal.

    Letter case does not count in an address.
    """
    name, _, mail = person.rpartition("<")
    return " ".join(name.split()), mail.rstrip("> ").casefold()


def identify_person(person: str) -> str:
    """What makes two of `Name <address>` one person: the address, in small letters, or else the
    name.
    """
    name, mail = normalise_person(person)
    return mail or name


def is_same_person(first: str, second: str) -> bool:
    """Say whether two of `Name <mail>` are one person: by the address, or else by the name."""
    first_name, first_mail = normalise_person(first)
    second_name, second_mail = normalise_person(second)
    if first_mail and second_mail:
        return first_mail == second_mail
    return first_name == second_name


def is_confirmed(author: str, people: Sequence[str]) -> bool:
    """Say whether one of the people that git names is the author that a record names."""
    wanted = normalise_person(author)
    return any(normalise_person(person) == wanted for person in people)
