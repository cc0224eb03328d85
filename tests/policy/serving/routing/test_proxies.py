"""Routes by real proxies: who answers, who is asked, and what a reload costs."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mlver.policy.serving.rendering import RenderedFiles
from mlver.policy.serving.served import ServedTarget, Strategy
from tests.policy.serving.routing.targets import FILES, NAME, make_target, render_routes
from tests.servers.envoy import await_routes, mark_routes, start_envoy
from tests.servers.haproxy import ask_haproxy, reload_haproxy, start_haproxy
from tests.servers.nginx_routes import reload_nginx, start_routing_nginx
from tests.servers.reloading import write_routes
from tests.servers.starting import RunningServer, Servers, find_ports
from tests.servers.traffic import (
    Answer,
    Application,
    ask,
    ask_until,
    run_applications,
    write_request,
)

# How many requests tell a share apart from one that is two points off: four standard deviations of
# what is drawn by chance. HAProxy takes turns.
ENOUGH = {0: 300, 10: 4_000, 50: 10_000, 100: 300}
ENOUGH_IN_TURN = dict.fromkeys(ENOUGH, 300)
PATIENCE = 10.0  # seconds
USER = "X-User-Id"


@dataclass(frozen=True, slots=True)
class Proxy:
    """A running proxy of one kind, the folder of its routes, and the ports of both versions."""

    kind: str
    server: RunningServer
    folder: Path
    ports: tuple[int, int]

    @property
    def port(self) -> int:
        return self.server.port

    async def apply(self, strategy: Strategy, percent: float, header: str | None = None) -> None:
        """Write the routes of a rollout, and wait until they are in force.

        What a proxy still has to answer by the old ones is answered meanwhile.
        """
        target = make_target(strategy, percent, header=header)
        files = render_for(self.kind, target, self.ports)
        await asyncio.to_thread(RELOADERS[self.kind], self, files)

    def make_applications(self) -> tuple[Application, Application]:
        return Application("stable", self.ports[0]), Application("canary", self.ports[1])


def render_for(kind: str, target: ServedTarget, ports: tuple[int, int]) -> RenderedFiles:
    stable, canary = (f"127.0.0.1:{port}" for port in ports)
    return render_routes(kind, target, {"stable": stable, "canary": canary})


def _reload_by_signal(
    reload: Callable[[RunningServer], None], proxy: Proxy, files: RenderedFiles
) -> None:
    write_routes(proxy.folder, files)
    reload(proxy.server)


def _reload_envoy(proxy: Proxy, files: RenderedFiles) -> None:
    routes = files[FILES["envoy"]]
    assert isinstance(routes, dict)
    marked, generation = mark_routes(routes)
    write_routes(proxy.folder, {**files, FILES["envoy"]: marked})
    await_routes(proxy.server, generation)


RELOADERS: dict[str, Callable[[Proxy, RenderedFiles], None]] = {
    "nginx": partial(_reload_by_signal, reload_nginx),
    "haproxy": partial(_reload_by_signal, reload_haproxy),
    "envoy": _reload_envoy,
}
STARTERS: dict[str, Callable[[Path, Path], RunningServer]] = {
    "nginx": start_routing_nginx,
    "haproxy": partial(start_haproxy, target=NAME),
    "envoy": partial(start_envoy, target=NAME),
}


@pytest.fixture(scope="module", params=list(STARTERS))
def proxy(request: pytest.FixtureRequest, servers: Servers) -> Iterator[Proxy]:
    """Each process that runs tests has its own, because a test changes its routes."""
    kind: str = request.param
    one, other = find_ports(2)
    with tempfile.TemporaryDirectory(prefix="routes-") as folder:
        root = Path(folder)
        write_routes(root, render_for(kind, make_target("canary", 0), (one, other)))
        name = f"{kind}-routes-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
        server = servers.share_server(name, lambda at: STARTERS[kind](at, root / FILES[kind]))
        yield Proxy(kind, server, root, (one, other))
        server.stop_server()


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 60))


def make_users(count: int) -> list[bytes]:
    return [write_request(fields={USER: f"user-{number}"}) for number in range(count)]


def count_bodies(answers: list[Answer]) -> Counter[str]:
    assert {answer.status for answer in answers} == {200}
    return Counter(answer.body for answer in answers)


@pytest.mark.parametrize("percent", ENOUGH)
def test_a_canary_gets_its_share(proxy: Proxy, percent: int) -> None:
    async def run_test() -> None:
        stable, canary = proxy.make_applications()
        await proxy.apply("canary", percent)
        async with run_applications(stable, canary):
            count = (ENOUGH_IN_TURN if proxy.kind == "haproxy" else ENOUGH)[percent]
            answers = await ask(proxy.port, [write_request()] * count)
        answered = count_bodies(answers)
        if percent in {0, 100}:
            assert answered["canary"] == count * percent // 100
        assert answered["canary"] / count == pytest.approx(percent / 100, abs=0.02)
        assert len(canary.requests) == answered["canary"]
        assert len(stable.requests) == answered["stable"]
        said = {(answer.body, answer.versions) for answer in answers}
        assert said <= {("stable", ("1.1.0",)), ("canary", ("1.2.0",))}

    run(run_test())


def test_blue_green_switches_everything(proxy: Proxy) -> None:
    async def run_test() -> None:
        async with run_applications(*proxy.make_applications()):
            for percent, name in ((100, "canary"), (0, "stable"), (100, "canary")):
                await proxy.apply("blue-green", percent)
                answers = await ask(proxy.port, [write_request()] * 100)
                assert count_bodies(answers) == {name: 100}

    run(run_test())


def test_a_user_keeps_the_version(proxy: Proxy) -> None:
    async def run_test() -> None:
        users = make_users(400)
        async with run_applications(*proxy.make_applications()):
            await proxy.apply("ab", 10, USER)
            tenth = [answer.body for answer in await ask(proxy.port, users)]
            for _ in range(2):
                assert [answer.body for answer in await ask(proxy.port, users)] == tenth
            await proxy.apply("ab", 50, USER)
            half = [answer.body for answer in await ask(proxy.port, users)]
        # As fine as so many users can be: five standard deviations.
        assert tenth.count("canary") == pytest.approx(40, abs=30)
        assert half.count("canary") == pytest.approx(200, abs=50)
        # Who had the canary still has it.
        kept = [after for before, after in zip(tenth, half, strict=True) if before == "canary"]
        assert set(kept) == {"canary"}

    run(run_test())


def test_a_request_without_a_user_is_assigned_by_chance(proxy: Proxy) -> None:
    async def run_test() -> None:
        async with run_applications(*proxy.make_applications()):
            await proxy.apply("ab", 50, USER)
            for request in (write_request(), write_request(fields={USER: ""})):
                answered = count_bodies(await ask(proxy.port, [request] * 400))
                assert answered["canary"] == pytest.approx(200, abs=50)

    run(run_test())


@pytest.mark.parametrize("percent", [0, 100])
def test_all_users_have_one_version_at_either_end(proxy: Proxy, percent: int) -> None:
    async def run_test() -> None:
        async with run_applications(*proxy.make_applications()):
            await proxy.apply("ab", percent, USER)
            answered = count_bodies(await ask(proxy.port, [*make_users(200), write_request()]))
        assert set(answered) == {"canary" if percent else "stable"}

    run(run_test())


@asynccontextmanager
async def reach_count(application: Application, count: int) -> AsyncIterator[None]:
    """Wait at the end until an application was asked so often: copies come later than answers."""
    yield
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while len(application.requests) < count:
        assert asyncio.get_running_loop().time() < deadline, len(application.requests)
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("proxy", ["nginx", "envoy"], indirect=True)
@pytest.mark.parametrize("status", [200, 500])
def test_a_shadow_sees_everything_and_answers_nothing(proxy: Proxy, status: int) -> None:
    async def run_test() -> None:
        stable, canary = proxy.make_applications()
        canary.status = status
        await proxy.apply("shadow", 0)
        requests = [write_request(f"/predict?n={n}", f"body {n}".encode()) for n in range(300)]
        async with run_applications(stable, canary), reach_count(canary, len(requests)):
            answers = await ask(proxy.port, requests)
        assert count_bodies(answers) == {"stable": len(requests)}
        assert {answer.versions for answer in answers} == {("1.1.0",)}
        seen = {(request.path, request.body) for request in canary.requests}
        assert seen == {(request.path, request.body) for request in stable.requests}
        assert len(seen) == len(canary.requests) == len(requests)

    run(run_test())


@pytest.mark.parametrize("proxy", ["nginx", "envoy"], indirect=True)
def test_a_shadow_that_hangs_keeps_no_answer_back(proxy: Proxy) -> None:
    async def run_test() -> None:
        stable, canary = proxy.make_applications()
        canary.hangs = True
        await proxy.apply("shadow", 0)
        async with run_applications(stable, canary), reach_count(canary, 50):
            asking = [ask(proxy.port, [write_request()]) for _ in range(50)]
            answers = [answer for (answer,) in await asyncio.gather(*asking)]
            # No copy is answered, nor given up yet.
            assert count_bodies(answers) == {"stable": 50}

    run(run_test())


def test_what_an_application_says_of_its_version_stays(proxy: Proxy) -> None:
    async def run_test() -> None:
        stable, canary = proxy.make_applications()
        stable.version = "1.0.9"
        await proxy.apply("canary", 50)
        async with run_applications(stable, canary):
            answers = await ask(proxy.port, [write_request()] * 100)
        said = {(answer.body, answer.versions) for answer in answers}
        assert said == {("stable", ("1.0.9",)), ("canary", ("1.2.0",))}

    run(run_test())


def test_a_reload_under_load_fails_no_request(proxy: Proxy) -> None:
    async def run_test() -> None:
        stop = asyncio.Event()
        async with run_applications(*proxy.make_applications()):
            clients = [asyncio.create_task(ask_until(proxy.port, stop)) for _ in range(4)]
            for percent in (0, 10, 50, 100, 0):
                await proxy.apply("canary", percent)
                await asyncio.sleep(0.1)
            # Nothing that is asked from here on may reach the canary.
            answers = await ask(proxy.port, [write_request()] * 200)
            stop.set()
            counts = sum([await client for client in clients], Counter())
        assert count_bodies(answers) == {"stable": 200}
        assert set(counts) == {"stable", "canary"}

    run(run_test())


@pytest.mark.parametrize("proxy", ["haproxy"], indirect=True)
def test_weights_of_haproxy_change_over_its_socket(proxy: Proxy) -> None:
    async def run_test() -> None:
        await proxy.apply("canary", 10)
        async with run_applications(*proxy.make_applications()):
            assert not ask_haproxy(proxy.server, f"set server {NAME}/canary weight 0")
            answered = count_bodies(await ask(proxy.port, [write_request()] * 100))
        assert answered == {"stable": 100}

    run(run_test())
