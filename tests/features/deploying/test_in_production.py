"""A model behind a real proxy: versions and shares change, and no request fails for that."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from tests.cli.conftest import assert_works
from tests.conftest import Repository
from tests.features.deploying.conftest import add_target, promote
from tests.servers.production import (
    Production,
    plan_production,
    reload_command,
    run_production,
)
from tests.servers.reloading import expecting_new_workers
from tests.servers.starting import RunningServer, Servers
from tests.servers.traffic import Answer, ask, ask_until, write_request

PATIENCE = 20.0  # seconds


async def await_body(port: int, body: str) -> Answer:
    """Ask until an answer has this body."""
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while True:
        (answer,) = await ask(port, [write_request()])
        if answer.body == body:
            return answer
        assert asyncio.get_running_loop().time() < deadline, answer
        await asyncio.sleep(0.02)


def test_versions_change_under_load_without_a_failed_request(
    second: Repository, servers: Servers
) -> None:
    production = plan_production(second.path, "digits", "production")
    add_target(second, production.settings)
    assert_works(second, "deploy", production.target)

    async def run_test(port: int, reload: str) -> None:
        await await_body(port, "digits 1.0.0")
        stop = asyncio.Event()
        clients = [asyncio.create_task(ask_until(port, stop)) for _ in range(2)]
        for version in ("1.1.0", "1.0.0", "1.1.0"):
            await asyncio.to_thread(promote, second, version)
            deploying = (second, "deploy", production.target, "--reload", reload)
            await asyncio.to_thread(assert_works, *deploying)
            answer = await await_body(port, f"digits {version}")
            assert answer.versions == (version,)
        stop.set()
        counts = sum([await client for client in clients], Counter())
        assert set(counts) == {"digits 1.0.0", "digits 1.1.0"}

    with run_production(servers, production) as nginx:
        test = run_test(nginx.port, reload_command(production, nginx))
        asyncio.run(asyncio.wait_for(test, 120))


def deploy_and_reload(second: Repository, production: Production, nginx: RunningServer) -> None:
    """Deploy, and wait until nothing answers by the routes before."""
    command = reload_command(production, nginx)
    with expecting_new_workers(nginx):
        assert_works(second, "deploy", production.target, "--reload", command)


def test_a_bad_candidate_answers_its_share_until_it_is_taken_back(
    second: Repository, servers: Servers
) -> None:
    """Every second answer of the candidate is a 503; nothing else fails."""
    production = plan_production(second.path, "digits", "production")
    add_target(second, production.settings)
    second.write("model/faulty.json", '{"every": 2, "status": 503}')
    assert_works(second, "register", "digits", "--bump", "minor", "-m", "A bad one")
    assert_works(second, "deploy", production.target)

    async def run_test(nginx: RunningServer) -> None:
        await await_body(nginx.port, "digits 1.0.0")
        rollout = ("rollout", "digits@1.2.0", "--to", "production", "--share", "50", "-m", "Half")
        assert_works(second, *rollout)
        await asyncio.to_thread(deploy_and_reload, second, production, nginx)
        await await_body(nginx.port, "digits 1.2.0")
        during = await ask(nginx.port, [write_request()] * 400)
        bad = [answer for answer in during if answer.versions == ("1.2.0",)]
        assert len(bad) == pytest.approx(200, abs=50)
        failed = [answer for answer in during if answer.status != 200]
        assert {answer.versions for answer in failed} == {("1.2.0",)}
        assert len(failed) == pytest.approx(len(bad) / 2, abs=1)
        assert_works(second, "rollback", "digits", "--stage", "production", "-m", "503s")
        await asyncio.to_thread(deploy_and_reload, second, production, nginx)
        after = await ask(nginx.port, [write_request()] * 400)
        assert {(answer.status, answer.versions) for answer in after} == {(200, ("1.0.0",))}

    with run_production(servers, production) as nginx:
        asyncio.run(asyncio.wait_for(run_test(nginx), 120))
