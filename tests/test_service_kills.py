"""Servers that are killed without a warning: nothing that was accepted is lost or read twice."""

from __future__ import annotations

import random
import time
from contextlib import ExitStack

import pytest
from senders import Senders, check
from serving import running

MOMENTS = (0.1, 1.4)  # seconds after a server is ready at which it is killed


def kill_and_check(where, spool, note, opened, *, servers, kills):
    """Kills servers in turn, each at a random moment, and begins others in their places."""
    chance = random.Random(7)
    with ExitStack() as last:
        with Senders(note) as senders:
            alive = [
                last.enter_context(running(library=where, spool=spool)) for _ in range(servers)
            ]
            for turn in range(kills):
                senders.urls = [server.url for server in alive]
                time.sleep(chance.uniform(*MOMENTS))
                alive[turn % servers].kill()
                alive[turn % servers] = last.enter_context(running(library=where, spool=spool))
            senders.urls = [server.url for server in alive]
        return check(alive[0], senders, opened(writes=False))


@pytest.mark.timeout(240)
@pytest.mark.parametrize("where", ["sqlite"], indirect=True)
def test_a_server_may_be_killed_at_any_moment(where, tmp_path, note, opened):
    events = kill_and_check(where, tmp_path / "spool", note, opened, servers=1, kills=20)
    assert events["requeued"] >= 5


@pytest.mark.timeout(240)
@pytest.mark.parametrize("where", ["postgresql"], indirect=True)
def test_one_of_two_servers_may_be_killed_at_any_moment(where, tmp_path, note, opened):
    kill_and_check(where, tmp_path / "spool", note, opened, servers=2, kills=4)
