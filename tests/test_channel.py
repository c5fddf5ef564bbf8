"""Items from threads to plain readers and to event loops: each once, in order, none lost."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from steps import LONG, until

from ocrloom.scheduling.channel import Channel, Closed


def drain(channel):
    """All that a blocking reader gets."""
    found = []
    while True:
        try:
            found.append(channel.get())
        except Closed:
            return found


async def adrain(channel):
    """All that a reader in an event loop gets."""
    found = []
    while True:
        try:
            found.append(await channel.aget())
        except Closed:
            return found


def fill(channel, items):
    for item in items:
        channel.put(item)
    channel.close()


def drain_in_a_loop(channel):
    return asyncio.run(adrain(channel))


both = pytest.mark.parametrize("read", [drain, drain_in_a_loop], ids=["blocking", "in a loop"])


@both
def test_items_come_in_order_and_then_the_end(read):
    channel = Channel()
    fill(channel, range(100))
    assert read(channel) == list(range(100))
    assert read(channel) == []


@both
def test_a_reader_waits_for_what_comes_from_a_thread(read):
    channel = Channel()
    thread = threading.Timer(0.02, fill, (channel, range(100)))
    thread.start()
    assert read(channel) == list(range(100))
    thread.join(LONG)


@both
def test_the_latest_item_is_kept_where_that_is_asked_for(read):
    channel = Channel(latest=True)
    fill(channel, range(100))
    assert read(channel) == [99]


@both
def test_what_is_put_after_the_close_is_dropped(read):
    channel = Channel()
    fill(channel, [1])
    channel.put(2)
    channel.close()
    assert read(channel) == [1]


@both
def test_closing_ends_all_that_wait(read):
    channel, ends = Channel(), []
    threads = [threading.Thread(target=lambda: ends.append(read(channel))) for _ in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(0.05)
    channel.close()
    for thread in threads:
        thread.join(LONG)
    assert ends == [[], [], []]


def test_several_readers_in_one_loop_share_the_items():
    channel = Channel()

    async def main():
        readers = [asyncio.create_task(adrain(channel)) for _ in range(4)]
        await asyncio.sleep(0)
        await asyncio.to_thread(fill, channel, range(200))
        return await asyncio.gather(*readers)

    found = asyncio.run(main())
    assert sorted(item for items in found for item in items) == list(range(200))
    assert all(items == sorted(items) for items in found)


def test_a_cancelled_reader_loses_nothing():
    channel = Channel()

    async def main():
        await asyncio.sleep(0)
        found = []
        for turn in range(200):
            reader = asyncio.create_task(channel.aget())
            for _ in range(turn % 3):
                await asyncio.sleep(0)
            channel.put(turn)
            for _ in range(turn % 4):
                await asyncio.sleep(0)
            reader.cancel()
            try:
                found.append(await reader)
            except asyncio.CancelledError:
                found.append(await channel.aget())
        return found

    assert asyncio.run(main()) == list(range(200))
    assert channel._loops == []


def test_a_wait_that_times_out_loses_nothing():
    channel = Channel()

    async def main():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(channel.aget(), 0.01)
        channel.put(7)
        return await asyncio.wait_for(channel.aget(), LONG)

    assert asyncio.run(main()) == 7


def test_a_loop_that_was_closed_does_no_harm():
    channel = Channel()
    loop = asyncio.new_event_loop()
    waiting = channel.aget()
    loop.call_soon(loop.stop)
    task = loop.create_task(waiting)
    loop.run_forever()
    loop.close()
    channel.put(7)
    assert channel.get() == 7
    channel.close()
    # The task can never end; nor is it worth a word.
    task._log_destroy_pending = False
    waiting.close()
    assert channel._loops == []


def test_blocking_and_waiting_readers_side_by_side():
    channel, found = Channel(), []
    threads = [
        threading.Thread(target=lambda read=read: found.extend(read(channel)))
        for read in (drain, drain_in_a_loop, drain, drain_in_a_loop)
    ]
    for thread in threads:
        thread.start()
    fill(channel, range(400))
    for thread in threads:
        thread.join(LONG)
    assert sorted(found) == list(range(400))


@settings(deadline=None, max_examples=30)
@given(
    counts=st.lists(st.integers(0, 30), min_size=1, max_size=4),
    readers=st.lists(st.sampled_from([drain, drain_in_a_loop]), min_size=1, max_size=3),
)
def test_many_producers_and_readers(counts, readers):
    channel, found = Channel(), []

    def produce(producer, count):
        for number in range(count):
            channel.put((producer, number))

    reading = [
        threading.Thread(target=lambda read=read: found.append(read(channel))) for read in readers
    ]
    producing = [threading.Thread(target=produce, args=pair) for pair in enumerate(counts)]
    for thread in (*reading, *producing):
        thread.start()
    for thread in producing:
        thread.join(LONG)
    channel.close()
    for thread in reading:
        thread.join(LONG)
    everything = [(producer, n) for producer, count in enumerate(counts) for n in range(count)]
    assert sorted(item for items in found for item in items) == everything
    for items in found:
        for producer in range(len(counts)):
            mine = [number for who, number in items if who == producer]
            assert mine == sorted(mine)


def test_a_blocking_reader_gets_items_one_by_one():
    channel, found = Channel(), []
    thread = threading.Thread(target=lambda: found.extend(drain(channel)))
    thread.start()
    for number in range(5):
        channel.put(number)
        assert until(lambda: not channel._items)
    channel.close()
    thread.join(LONG)
    assert found == list(range(5))
