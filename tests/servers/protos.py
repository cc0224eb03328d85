"""TensorFlow Serving's own messages, which judge the settings that are written for it.

They come without TensorFlow, so that only the messages of settings can be had.
"""

from __future__ import annotations

import sys
from functools import cache
from importlib import import_module
from typing import Any

import pytest

from tests.servers.install import NotInstallable, install_programs

MESSAGES = "tensorflow_serving.config.model_server_config_pb2"


def load_text_format() -> Any:
    """The module of protocol buffers that reads and writes text; skips loudly without it."""
    _add_packages()
    return import_module("google.protobuf.text_format")


def load_server_config() -> Any:
    """The class ModelServerConfig; skips loudly without it."""
    _add_packages()
    return import_module(MESSAGES).ModelServerConfig


def parse_server_config(text: str) -> Any:
    """The message of a `models.config`; a key that it does not know is an error."""
    return load_text_format().Parse(text, load_server_config()())


@cache
def _add_packages() -> None:
    try:
        folder = str(install_programs("data", "tensorflow-serving"))
    except NotInstallable as error:
        pytest.skip(f"NOT TESTED: TensorFlow Serving's messages cannot be installed: {error}")
    if folder not in sys.path:
        sys.path.append(folder)
