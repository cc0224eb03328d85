"""A model behind a real proxy: versions change under load, and no request fails."""

from __future__ import annotations

import asyncio
from collections import Counter

from tests.cli.conftest import assert_works
from tests.conftest import Repository
from tests.features.deploying.conftest import add_target, promote
from tests.servers.production import plan_production, reload_command, run_production
from tests.servers.starting import Servers
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
