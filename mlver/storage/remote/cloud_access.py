"""Where a bucket is, and what opens it: its address, its settings and the person's surroundings.

Secrets come from the environment and from the files that the providers' own tools write, never from
the settings. What is found nowhere here, obstore looks for itself: roles of the machine, tokens of
a pod, the credentials of `gcloud`.
"""

from __future__ import annotations

import configparser
import os
import re
import shutil
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

from mlver.errors import MlverError, UsageError, printable_name, refusal_error, shell_command
from mlver.storage.remote.blobs import BlobAddress
from mlver.system.timings import Timings

Config = dict[str, Any]

_BUCKET = re.compile(r"[A-Za-z0-9$][A-Za-z0-9._-]{1,221}", re.ASCII)
# `abfss://container@account.dfs.core.windows.net/prefix`, as Azure's own tools have it.
_AZURE_AUTHORITY = re.compile(
    r"([A-Za-z0-9$][A-Za-z0-9-]*)@([a-z0-9]+)\.(?:dfs|blob)\.(core\.[a-z.]+)", re.ASCII
)
_PUBLIC_AZURE = "core.windows.net"
_OPTIONS = {"s3": ("endpoint", "region"), "gs": ("endpoint",), "az": ("endpoint",)}
_KINDS = {"s3": "s3", "gs": "gs", "az": "az", "azure": "az", "abfs": "az", "abfss": "az"}
_S3_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
_ENDPOINTS = {
    "s3": _S3_ENDPOINTS,
    "gs": ("GOOGLE_BASE_URL",),
    "az": ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"),
}
# Any of these says that keys come from elsewhere than from a file of profiles.
_S3_SOURCES = ("AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_SKIP_SIGNATURE")
_SIGNED_WITH = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
# What a profile says where its keys come from a program or a service.
_INDIRECT = ("role_arn", "sso_session", "sso_start_url", "credential_process")
_PROFILE_KEYS = {
    "aws_access_key_id": "access_key_id",
    "aws_secret_access_key": "secret_access_key",
    "aws_session_token": "session_token",
    "region": "region",
    "endpoint_url": "endpoint",
}
_CONNECTION_KEYS = {
    "AccountName": "account_name",
    "AccountKey": "account_key",
    "SharedAccessSignature": "sas_key",
    "BlobEndpoint": "endpoint",
}


class CloudPlace(NamedTuple):
    """A bucket, or a container of Azure, and the folder in it that is ours.

    `kind` is `s3`, `gs` or `az`. `account` is Azure's, empty where the environment says it.
    """

    kind: str
    bucket: str
    prefix: str
    address: str
    endpoint: str = ""
    region: str = ""
    account: str = ""


def parse_place(address: BlobAddress) -> CloudPlace:
    """Read an address. Raise UsageError for one that names no bucket, and for unknown options."""
    kind = _KINDS[address.scheme]
    _check_options(address, _OPTIONS[kind])
    shown = printable_name(address.text)
    authority, _, prefix = address.rest.partition("/")
    prefix = prefix.rstrip("/")
    endpoint = address.options.get("endpoint", "")
    match = _AZURE_AUTHORITY.fullmatch(authority) if kind == "az" else None
    bucket, account = (match[1], match[2]) if match else (authority, "")
    if match and match[3] != _PUBLIC_AZURE and not endpoint:
        endpoint = f"https://{account}.blob.{match[3]}"
    if _BUCKET.fullmatch(bucket) is None:
        raise UsageError(f"{shown} names no bucket; an address is {address.scheme}://BUCKET/FOLDER")
    if _has_strange_part(prefix):
        raise UsageError(
            f"the folder of {shown} has an empty part, a dot, a query, a fragment or a control"
            f" character in it; an address is {address.scheme}://BUCKET/FOLDER"
        )
    plain = f"{address.scheme}://{authority}/{prefix}".rstrip("/")
    region = address.options.get("region", "")
    return CloudPlace(kind, bucket, prefix, plain, endpoint, region, account)


def _check_options(address: BlobAddress, known: tuple[str, ...]) -> None:
    for name in address.options:
        if name not in known:
            raise UsageError(
                f"{printable_name(address.text)} has no setting `{printable_name(name)}`;"
                f" it may have: {', '.join(known)}"
            )
    endpoint = address.options.get("endpoint")
    if endpoint is not None and re.fullmatch(r"https?://[^/?#@\s]+(/[^?#@\s]*)?", endpoint) is None:
        raise UsageError(
            f"{printable_name(endpoint)} is no endpoint; it is the address of a server, such as"
            " https://s3.example.org"
        )


def _has_strange_part(prefix: str) -> bool:
    parts = prefix.split("/") if prefix else []
    return any(part in ("", ".", "..") for part in parts) or not re.fullmatch(
        r"[^\x00-\x1f\x7f-\x9f?#\\\ud800-\udfff]*", prefix
    )


def configure_client(place: CloudPlace, endpoint: str | None, timings: Timings) -> Config:
    """How to speak HTTP. Without encryption only where the endpoint says so itself.

    `endpoint` is what a file of profiles says; settings and environment come before it.
    """
    client: Config = {
        "connect_timeout": timedelta(seconds=timings.connect),
        "read_timeout": timedelta(seconds=timings.silence),
        "timeout": timedelta(seconds=timings.whole_call),
    }
    if find_endpoint(place, endpoint).lower().startswith("http://"):
        client["allow_http"] = True
    bundle = os.environ.get("AWS_CA_BUNDLE") if place.kind == "s3" else None
    if bundle:
        try:
            client["root_certificate"] = Path(bundle).read_bytes()
        except OSError as error:
            raise refusal_error("reading the certificates of AWS_CA_BUNDLE", error) from error
    return client


def find_endpoint(place: CloudPlace, otherwise: str | None = None) -> str:
    """The endpoint that is spoken to; empty for the provider's own."""
    names = _ENDPOINTS[place.kind]
    return place.endpoint or _first_set(names) or otherwise or ""


def configure_s3(place: CloudPlace) -> Config:
    """What S3 needs besides what obstore reads from the environment itself.

    A profile is read where AWS_PROFILE names it; without keys in the environment, `default` is.
    `needs_boto3` in the result: only boto3 can get the keys of this profile.
    """
    _check_secrets(_SIGNED_WITH)
    config: Config = {}
    if not _first_set(_S3_SOURCES):
        config = _read_profile()
    if place.endpoint or _first_set(_S3_ENDPOINTS):
        config.pop("endpoint", None)
    if _first_set(("AWS_REGION", "AWS_DEFAULT_REGION")):
        config.pop("region", None)
    given: Config = {"endpoint": place.endpoint, "region": place.region}
    return config | _drop_unset(given)


def _read_profile() -> Config:
    """The part of `~/.aws/config` and `~/.aws/credentials` that this profile has."""
    wanted = os.environ.get("AWS_PROFILE") or "default"
    folder = Path.home() / ".aws"
    config_file = Path(os.environ.get("AWS_CONFIG_FILE") or folder / "config")
    secrets_file = Path(os.environ.get("AWS_SHARED_CREDENTIALS_FILE") or folder / "credentials")
    section = "default" if wanted == "default" else f"profile {wanted}"
    says = _read_section(config_file, section) or {}
    secrets = _read_section(secrets_file, wanted)
    if secrets is None and not says and "AWS_PROFILE" in os.environ:
        raise MlverError(
            f"there is no profile {printable_name(wanted)}, which AWS_PROFILE names,"
            f" in {secrets_file} or {config_file}",
            hint=shell_command("aws", "configure", "list-profiles"),
        )
    says = {**says, **(secrets or {})}
    config: Config = {}
    for name, option in _PROFILE_KEYS.items():
        if name in says:
            config[option] = says[name]
    if "access_key_id" not in config and any(name in says for name in _INDIRECT):
        config["needs_boto3"] = wanted
    return config


def _read_section(path: Path, section: str) -> Mapping[str, str] | None:
    parser = configparser.RawConfigParser(default_section="\0")
    try:
        parser.read_string(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise refusal_error("reading a profile", error, outcome="") from error
    except (configparser.Error, UnicodeDecodeError) as error:
        # The text of these errors quotes lines, which may hold secrets.
        raise MlverError(
            f"{path} cannot be read as a file of profiles; correct it, or set"
            " AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
            hint=shell_command("aws", "configure", "list"),
        ) from error
    return dict(parser[section]) if parser.has_section(section) else None


def configure_gcs(place: CloudPlace) -> Config:
    """What Google's storage needs besides what obstore reads itself."""
    _check_secrets(("GOOGLE_BEARER_TOKEN",))
    return _drop_unset({"base_url": place.endpoint})


def configure_azure(place: CloudPlace) -> Config:
    """What Azure's storage needs besides what obstore reads itself.

    AZURE_STORAGE_CONNECTION_STRING counts, as for Azure's own tools. Where nothing names
    credentials, and `az` is installed, its login is used.
    """
    _check_secrets(("AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_SAS_KEY", "AZURE_STORAGE_TOKEN"))
    config: Config = {}
    for pair in os.environ.get("AZURE_STORAGE_CONNECTION_STRING", "").split(";"):
        name, _, value = pair.strip().partition("=")
        if name in _CONNECTION_KEYS:
            config[_CONNECTION_KEYS[name]] = value
    if not config and not _names_azure_credentials() and shutil.which("az"):
        config["use_azure_cli"] = True
    return config | _drop_unset({"account_name": place.account, "endpoint": place.endpoint})


def _names_azure_credentials() -> bool:
    for name in os.environ:
        if name.startswith("AZURE_") and name.endswith(
            ("_KEY", "_TOKEN", "_SECRET", "_FILE", "_ENDPOINT", "_SKIP_SIGNATURE", "_EMULATOR")
        ):
            return True
    return False


def _check_secrets(names: tuple[str, ...]) -> None:
    """Raise MlverError for a secret that cannot be sent, such as one with its newline."""
    for name in names:
        value = os.environ.get(name, "")
        if re.search(r"[^\x21-\x7e]", value):
            raise MlverError(
                f"{name} has a blank, a newline or another character in it that no key has;"
                " set it again without"
            )


def _first_set(names: tuple[str, ...]) -> str:
    """The first of these variables of the environment that is set to something."""
    return next(filter(None, map(os.environ.get, names)), "")


def _drop_unset(config: Config) -> Config:
    return {name: value for name, value in config.items() if value}
