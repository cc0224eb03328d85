"""The receiver lets in only who shows the token, and nothing that is sent holds it up."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import pytest

from mlver.errors import MlverError, UsageError
from mlver.features.watching.inbox import Inbox, WebhookAnswer
from mlver.features.watching.receiver import (
    AlertReceiver,
    ReceiverLimits,
    open_receiver,
    parse_listen,
)
from mlver.features.watching.token_file import read_token
from tests.conftest import Repository
from tests.policy.test_webhook import dump, make_alert

TOKEN = b"0123456789abcdef"
QUICK = ReceiverLimits(requests=6, reading=0.6, answering=0.5)
NARROW = ReceiverLimits(requests=2, reading=0.6, answering=0.5)


@contextmanager
def serving(limits: ReceiverLimits = QUICK, room: int = 8) -> Iterator[AlertReceiver]:
    receiver = open_receiver(("127.0.0.1", 0), TOKEN, Inbox(room), limits)
    thread = threading.Thread(target=receiver.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.shutdown()
        receiver.server_close()


@contextmanager
def answering(receiver: AlertReceiver, answer: WebhookAnswer) -> Iterator[list[int]]:
    """Stand in for the loop: answer whatever is handed over, and count its demands."""
    seen: list[int] = []
    ended = threading.Event()

    def loop() -> None:
        while not ended.is_set():
            delivery = receiver.inbox.take(0.05)
            if delivery is not None:
                seen.append(len(delivery.alerts.demands))
                delivery.answer(*answer)

    thread = threading.Thread(target=loop, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


def find_address(receiver: AlertReceiver) -> tuple[str, int]:
    host, port = receiver.server_address[:2]
    return str(host), int(port)


def send(
    receiver: AlertReceiver,
    body: bytes | str = "",
    *,
    method: str = "POST",
    path: str = "/alerts",
    **headers: str,
) -> tuple[int, str]:
    given = {"Authorization": f"Bearer {TOKEN.decode()}", **headers}
    with closing(http.client.HTTPConnection(*find_address(receiver), timeout=10)) as connection:
        connection.request(method, path, body, {key.replace("_", "-"): given[key] for key in given})
        response = connection.getresponse()
        return response.status, response.read().decode()


def test_what_the_loop_says_is_the_answer() -> None:
    with serving() as receiver:
        for answer in (WebhookAnswer(200, "done"), WebhookAnswer(503, "locked\nagain")):
            with answering(receiver, answer) as seen:
                status, said = send(receiver, dump(make_alert()))
            assert (status, said) == (answer.status, answer.says.replace("\n", "\\n") + "\n")
            assert seen == [1]


@pytest.mark.parametrize("shown", ["", "Bearer", "Bearer wrong", "Basic 0123456789abcdef", "é"])
def test_a_stranger_is_told_nothing_and_reaches_nothing(shown: str) -> None:
    with serving() as receiver, answering(receiver, WebhookAnswer(200, "done")) as seen:
        status, said = send(receiver, dump(make_alert()), Authorization=shown)
        assert (status, seen) == (401, [])
        assert TOKEN.decode() not in said


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", {}, 400),
        (b"{}", {}, 400),
        (b"[" * 50_000, {}, 400),
        (dump(make_alert(model=None)), {}, 400),
        (b"x", {"Content_Length": "-1"}, 400),
        (b"x", {"Content_Length": "9" * 30}, 400),
        (b"x", {"Content_Length": str(1 << 21)}, 413),
        (b"x", {"Content_Length": "9"}, 400),
        (b"1\r\n{\r\n0\r\n\r\n", {"Transfer_Encoding": "chunked"}, 411),
    ],
)
def test_nonsense_is_refused_by_its_status(
    body: bytes, headers: dict[str, str], status: int
) -> None:
    with serving() as receiver, answering(receiver, WebhookAnswer(200, "done")) as seen:
        try:
            assert send(receiver, body, **headers)[0] == status
        except (ConnectionError, http.client.HTTPException):
            # one that promises more than it sends is cut off
            assert headers == {"Content_Length": "9"}
        assert seen == []
        wait_for_place(receiver)


def test_other_paths_and_methods_are_not_there() -> None:
    with serving() as receiver:
        assert send(receiver, method="GET", path="/healthy") == (200, "watching\n")
        assert send(receiver, method="GET", path="/etc/passwd")[0] == 404
        assert send(receiver, dump(make_alert()), path="/other")[0] == 404
        assert send(receiver, method="DELETE")[0] == 501


def test_what_takes_too_long_or_waits_too_deep_comes_again() -> None:
    with serving(room=1) as receiver:
        status, said = send(receiver, dump(make_alert()))
        assert (status, said) == (503, "it takes longer than expected\n")
        # the loop took nothing yet, so there is no room
        assert send(receiver, dump(make_alert()))[0] == 503
        abandoned = receiver.inbox.take(0)
        assert abandoned is not None
        assert abandoned.reply.cancelled()
        abandoned.answer(200, "nobody hears this")


def test_no_wait_is_so_long_that_a_signal_is_missed() -> None:
    """A signal that comes just before the wait ends none: it is seen when that is over."""
    before = time.monotonic()
    assert Inbox().take(8) is None
    assert time.monotonic() - before < 4


def test_those_who_dawdle_take_no_place_for_long() -> None:
    """Two places, both held by connections that send a letter now and then."""
    with (
        serving(NARROW) as receiver,
        answering(receiver, WebhookAnswer(200, "done")),
        ExitStack() as stack,
    ):
        slow: list[socket.socket] = []
        for _ in range(2):
            connection = socket.create_connection(find_address(receiver))
            slow.append(stack.enter_context(connection))
            connection.sendall(b"POST /alerts HTTP/1.1\r\nAuth")
        time.sleep(0.2)
        assert not is_let_in(receiver)
        deadline = time.monotonic() + 5
        while not is_let_in(receiver):
            assert time.monotonic() < deadline, "the places were never given back"
            for connection in slow:
                with suppress(OSError):
                    connection.send(b"o")
            time.sleep(0.1)


def wait_for_place(receiver: AlertReceiver) -> None:
    """Ask until there is a place: those of who went before are given back in their own time."""
    deadline = time.monotonic() + 10
    while not is_let_in(receiver):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_let_in(receiver: AlertReceiver) -> bool:
    with suppress(ConnectionError, http.client.HTTPException):
        return send(receiver, dump(make_alert()))[0] == 200
    return False


def test_bytes_that_are_no_http_end_nothing() -> None:
    with serving() as receiver, answering(receiver, WebhookAnswer(200, "done")):
        for data in (b"\x16\x03\x01\x02", b"GET\r\n\r\n", b"\r\n" * 100, b"A" * 70_000 + b"\r\n"):
            with socket.create_connection(find_address(receiver)) as connection:
                connection.sendall(data)
        wait_for_place(receiver)


def test_only_this_machine_is_listened_to_unless_told_otherwise() -> None:
    assert parse_listen("9409", is_public=False) == ("127.0.0.1", 9409)
    assert parse_listen("[::1]:9409", is_public=False) == ("::1", 9409)
    assert parse_listen("0.0.0.0:9409", is_public=True) == ("0.0.0.0", 9409)
    for text in ("0.0.0.0:9409", "[::]:9409", "example.org:9409", "x", "127.0.0.1:99999", ":"):
        with pytest.raises(UsageError):
            parse_listen(text, is_public=False)


def test_a_port_that_is_taken_is_named() -> None:
    with serving() as receiver, pytest.raises(MlverError, match=r"listening on 127\.0\.0\.1"):
        open_receiver(find_address(receiver), TOKEN, Inbox(), QUICK)


def test_a_token_is_a_file_of_nobody_else(repository: Repository, tmp_path: Path) -> None:
    own = tmp_path / "token"
    own.write_bytes(TOKEN + b"\n")
    assert read_token(tmp_path, "token") == TOKEN
    inside = repository.write("token", TOKEN)
    (tmp_path / "link").symlink_to(inside)
    (tmp_path / "short").write_text("secret")
    (tmp_path / "two").write_text("0123456789\n0123456789\n")
    for name in ("short", "two", "missing", ".", str(inside), "link"):
        with pytest.raises(MlverError):
            read_token(tmp_path, name)


def test_a_document_of_the_real_thing_is_understood() -> None:
    """The words that Alertmanager 0.25 sent on a test machine."""
    alert = make_alert("4b789136909e78f5", "2026-11-28T16:06:27.695Z")
    document = json.loads(dump(alert))
    document |= {"receiver": "mlver", "groupLabels": {}, "groupKey": '{}:{alertname="Errors"}'}
    with serving() as receiver, answering(receiver, WebhookAnswer(200, "done")) as seen:
        assert send(receiver, json.dumps(document))[0] == 200
        assert seen == [1]
