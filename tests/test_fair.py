"""The order in which steps begin, against a model of what the queue promises."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)

from ocrloom.scheduling.fair import BULK, INTERACTIVE, FairQueue, Job, OverBudget, Share

BUDGET = 10


def counts(step):
    """What a step counts in its job's share."""
    return 1.0 if step.cost else 0.125


class Queue(RuleBasedStateMachine):
    """Adds, takes, releases and drops at random, beside a model that is told the same.

    The model knows the waiting steps of each job and, for each pair of shares, how much the one
    got while the other waited: the most that it ever got beyond what is its due.
    """

    shares = Bundle("shares")
    jobs = Bundle("jobs")
    running = Bundle("running")

    @initialize()
    def begin(self):
        self.queue = FairQueue(BUDGET)
        self.waiting = {}  # job: what was added and neither taken nor dropped, in order
        self.used = 0
        self.numbers = itertools.count()
        # How far share x is ahead of a waiting y, in x's weight; counted from the most favourable
        # moment for x since y waits, as the promise holds for any time in which y waits.
        self.ahead = Counter()

    @rule(target=shares, weight=st.sampled_from([INTERACTIVE, 2.0, 3.0, BULK]))
    def make_share(self, weight):
        return Share(weight)

    @rule(target=jobs, share=shares)
    def make_job(self, share):
        job = Job(share)
        self.waiting[job] = []
        return job

    def left(self, share):
        """The jobs of a share that wait, in the order in which they were made."""
        return [job for job, left in self.waiting.items() if job.share is share and left]

    @rule(job=jobs, costs=st.lists(st.integers(0, BUDGET), min_size=1, max_size=4))
    def add(self, job, costs):
        for cost in costs:
            number = next(self.numbers)
            assert self.queue.add(job, number, cost) is not job.stopped
            if not job.stopped:
                self.waiting[job].append((number, cost))

    @rule(job=jobs, excess=st.integers(1, 5))
    def add_what_never_fits(self, job, excess):
        with pytest.raises(OverBudget):
            self.queue.add(job, None, BUDGET + excess)

    @rule(target=running)
    def take(self):
        step = self.queue.take()
        if step is None:
            return multiple()
        assert not step.job.stopped
        assert self.left(step.job.share)[0] is step.job
        assert (step.work, step.cost) == self.waiting[step.job].pop(0)
        self.used += step.cost
        self._count(step)
        return step

    def _count(self, step):
        """Checks the promise that no share gets more than its due while another waits."""
        mine = step.job.share
        got = mine.weight * counts(step)
        others = {job.share for job in self.waiting} - {mine}
        for other in others:
            served = self.ahead[mine, other] + got
            self.ahead[mine, other] = served if self.left(other) else 0.0
            assert self.ahead[mine, other] <= mine.weight + other.weight
            # A share that got something is less behind; one that waits no more owes none.
            behind = self.ahead[other, mine] - got
            self.ahead[other, mine] = max(0.0, behind) if self.left(mine) else 0.0

    @rule(step=consumes(running))
    def release(self, step):
        self.queue.release(step)
        self.used -= step.cost

    @rule(job=jobs)
    def drop(self, job):
        dropped = self.queue.drop(job)
        assert [(step.work, step.cost) for step in dropped] == self.waiting[job]
        assert job.stopped
        self.waiting[job] = []

    @invariant()
    def no_more_than_the_budget_runs(self):
        assert self.queue.used == self.used <= BUDGET

    @invariant()
    def all_that_waits_is_counted(self):
        assert self.queue.waiting == sum(map(len, self.waiting.values()))

    @precondition(lambda self: self.used == 0)
    @rule(target=running)
    def whatever_waits_fits_where_nothing_runs(self):
        step = self.take()
        assert step != multiple() or self.queue.waiting == 0
        return step

    def teardown(self):
        """Everything that is left comes out, each step once."""
        if not hasattr(self, "queue"):
            return
        self.queue.used = self.used = 0
        while self.queue.waiting:
            self.queue.release(step := self.queue.take())
            assert step.work == self.waiting[step.job].pop(0)[0]
        assert self.queue.take() is None
        assert not any(self.waiting.values())


Queue.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
test_the_queue_keeps_its_promises = Queue.TestCase


def fill(queue, steps, weight=INTERACTIVE, cost=1, share=None):
    """A job with so many steps, whose work is the job."""
    job = Job(share or Share(weight))
    for _ in range(steps):
        queue.add(job, job, cost)
    return job


def order(queue, names, limit=1000):
    """The names of the jobs whose steps come, one at a time."""
    found = ""
    while len(found) < limit and (step := queue.take()):
        queue.release(step)
        found += names[step.work]
    return found


def test_jobs_of_one_weight_take_turns():
    queue = FairQueue(BUDGET)
    names = {fill(queue, 3): name for name in "abc"}
    assert order(queue, names) == "abcabcabc"


def test_eight_steps_of_an_interactive_job_go_with_one_of_a_bulk_one():
    queue = FairQueue(BUDGET)
    names = {fill(queue, 40, BULK): "b", fill(queue, 80): "i"}
    found = order(queue, names, limit=90)
    assert abs(found.count("b") - 10) <= 1


def test_a_late_job_has_no_claim_on_what_went_before():
    queue = FairQueue(BUDGET)
    early = fill(queue, 100)
    assert order(queue, {early: "e"}, limit=50) == 50 * "e"
    late = fill(queue, 100)
    assert order(queue, {early: "e", late: "l"}, limit=20).count("l") == 10


def test_a_job_that_comes_back_has_saved_nothing():
    queue = FairQueue(BUDGET)
    idle, busy = fill(queue, 1), fill(queue, 100)
    order(queue, {idle: "i", busy: "b"}, limit=60)
    for _ in range(30):
        queue.add(idle, idle, 1)
    assert order(queue, {idle: "i", busy: "b"}, limit=20).count("i") == 10


@pytest.mark.parametrize("cost", [0, 1])
@pytest.mark.parametrize("weight", [INTERACTIVE, BULK])
def test_no_stream_of_new_jobs_starves_one_that_waits(weight, cost):
    queue = FairQueue(BUDGET)
    waiting = fill(queue, 3, weight)
    for _ in range(1000):
        fill(queue, 1, cost=cost)
        queue.release(queue.take())
    assert not waiting.share._waiting


def test_bulk_jobs_of_one_step_each_leave_the_turns_to_an_interactive_one():
    queue = FairQueue(BUDGET)
    for _ in range(100):
        fill(queue, 1, BULK)
    interactive = fill(queue, 16)
    taken = [queue.take() for _ in range(9)]
    assert sum(step.work is interactive for step in taken) >= 7


def test_the_jobs_of_one_share_take_one_turn_and_the_earlier_ones_go_first():
    queue, share = FairQueue(BUDGET), Share()
    first = Job(share)
    names = {fill(queue, 2, share=share): "2", fill(queue, 2, share=share): "3"}
    names[fill(queue, 6)] = "o"
    for _ in range(2):
        queue.add(first, first, 1)
    names[first] = "1"
    found = order(queue, names)
    assert found.replace("o", "") == "112233"
    assert "oo" not in found[:-1]


def test_nothing_overtakes_a_step_that_does_not_fit_yet():
    queue = FairQueue(BUDGET)
    fill(queue, 1, cost=6)
    running = queue.take()
    large = fill(queue, 1, cost=5)
    small = fill(queue, 1, cost=1)
    assert queue.take() is None
    queue.release(running)
    assert [queue.take().work, queue.take().work] == [large, small]


def test_dropping_the_step_that_does_not_fit_lets_the_next_one_begin():
    queue = FairQueue(BUDGET)
    fill(queue, 1, cost=6)
    queue.take()
    large = fill(queue, 1, cost=5)
    small = fill(queue, 1, cost=1)
    assert len(queue.drop(large)) == 1
    assert queue.take().work is small


def test_a_step_as_large_as_the_budget_begins_alone():
    queue = FairQueue(BUDGET)
    small, large = fill(queue, 1, cost=1), fill(queue, 1, cost=BUDGET)
    step = queue.take()
    assert step.work is small
    assert queue.take() is None
    queue.release(step)
    assert queue.take().work is large
