"""Pictures of pages: whose turn it is, and what becomes of those whose callers have left."""

from __future__ import annotations

import asyncio
import threading

import pytest

pytest.importorskip("fastapi")

from starlette.exceptions import HTTPException
from starlette.requests import Request

from ocrloom.errors import OcrServiceBusy
from ocrloom.service import pictures
from ocrloom.service.keys import Caller
from ocrloom.service.pictures import page_image

ONE, OTHER = Caller(owner="one"), Caller(owner="other")
MADE = (b"picture", "image/png")


class Visit:
    """Somebody who asks for a picture, and may leave."""

    def __init__(self, number, caller=ONE):
        self._gone = asyncio.Event()
        self._told = False
        request = Request({"type": "http", "headers": []}, self._receive)
        self.answer = asyncio.ensure_future(
            page_image(None, number, 100, caller=caller, request=request)
        )

    async def leave(self):
        self._gone.set()
        with pytest.raises(HTTPException) as caught:
            await self.answer
        assert caught.value.status_code == 499

    async def _receive(self):
        if not self._told:
            self._told = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}


@pytest.fixture
def making(monkeypatch):
    """The numbers of pages whose pictures were begun, which go on until this is ended."""

    class Making(list):
        begun, ended = threading.Event(), threading.Event()

    found = Making()

    def make(image, number, width):
        found.append(number)
        if len(found) == 2:
            found.begun.set()
        found.ended.wait(30)
        return MADE

    monkeypatch.setattr(pictures, "_page_image", make)
    yield found
    found.ended.set()


def test_nothing_is_made_for_callers_who_left_before_their_turn(making):
    async def go():
        visits = [Visit(number) for number in range(6)]
        assert await asyncio.to_thread(making.begun.wait, 10)
        for visit in visits[1:5]:
            await visit.leave()
        making.ended.set()
        assert [await visits[0].answer, await visits[5].answer] == [MADE, MADE]

    asyncio.run(go())
    assert making == [0, 1, 5]
    assert not pictures._waiting


def test_one_caller_keeps_no_other_waiting_for_all_of_its_own(making):
    async def go():
        visits = [Visit(number) for number in range(32)]
        await asyncio.sleep(0)
        with pytest.raises(OcrServiceBusy, match="32"):
            await Visit(99).answer
        other = Visit(32, OTHER)
        await visits.pop().leave()
        visits.append(Visit(33))
        making.ended.set()
        assert set(await asyncio.gather(*(each.answer for each in [*visits, other]))) == {MADE}

    asyncio.run(go())
    assert 99 not in making
    assert not pictures._waiting
