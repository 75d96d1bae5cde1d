"""A wire to S3 as one feels it from afar: answers take their time, and bandwidth ends.

It passes bytes on as they come and does not understand them, but for where a request
begins and an answer begins. It simulates: a real network also loses packets, starts
slowly, and has a different mood each minute.
"""

import asyncio
import threading
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

ANSWER_S = 0.030
PUT_ANSWER_S = 0.100
BITS_PER_S = 1_000_000_000
PIECE = 256 * 1024
METHODS = (b"GET ", b"PUT ", b"POST ", b"HEAD ", b"DELETE ")
INTERIM = b"HTTP/1.1 100"


def in_words() -> str:
    """Return what is simulated, for a report."""
    return (
        f"Simulated by a proxy: {ANSWER_S * 1000:.0f} ms before the first byte of an answer, "
        f"{PUT_ANSWER_S * 1000:.0f} ms if it is to a PUT, {BITS_PER_S / 1e9:g} Gbit/s in each "
        "direction for all connections together; no packets are lost, and nothing is encrypted."
    )


class SlowLink:
    """Runs while its `with` block does, in a thread of its own.

    Args:
        behind: Address of the server.
        bits_per_s: What all connections together may carry, in each direction.
    """

    def __init__(self, behind: str, bits_per_s: float = BITS_PER_S) -> None:
        host, _, port = urlsplit(behind).netloc.partition(":")
        self._behind = host, int(port)
        self._up, self._down = Wire(bits_per_s / 8), Wire(bits_per_s / 8)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._open: dict[Any, tuple[asyncio.StreamWriter, ...]] = {}
        self.endpoint = ""

    def __enter__(self) -> Self:
        self._thread.start()
        started = asyncio.start_server(self._serve, "127.0.0.1", 0, limit=PIECE)
        self._server = asyncio.run_coroutine_threadsafe(started, self._loop).result()
        port = self._server.sockets[0].getsockname()[1]
        self.endpoint = f"http://127.0.0.1:{port}"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _close(self) -> None:
        self._server.close()
        for writers in self._open.values():
            for writer in writers:
                writer.transport.abort()
        await asyncio.gather(*self._open)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, ahead = await asyncio.open_connection(*self._behind, limit=PIECE)
        task = asyncio.current_task()
        self._open[task] = (writer, ahead)
        turn = Turn()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._upward(reader, ahead, turn))
                group.create_task(self._downward(behind, writer, turn))
        except* OSError:
            pass  # one of the two went first; the other learns it by our closing
        finally:
            for each in self._open.pop(task):
                each.close()

    async def _upward(
        self, client: asyncio.StreamReader, server: asyncio.StreamWriter, turn: "Turn"
    ) -> None:
        while data := await client.read(PIECE):
            turn.asked(data)
            await self._up.carry(len(data))
            server.write(data)
            await server.drain()
        server.write_eof()

    async def _downward(
        self, server: asyncio.StreamReader, client: asyncio.StreamWriter, turn: "Turn"
    ) -> None:
        while data := await server.read(PIECE):
            await asyncio.sleep(turn.answered(data))
            await self._down.carry(len(data))
            client.write(data)
            await client.drain()
        client.write_eof()


class Turn:
    """Whose turn it is to speak on one connection."""

    def __init__(self) -> None:
        self._delay = 0.0
        self._answering = True

    def asked(self, data: bytes) -> None:
        """Take note of what the client sent."""
        if self._answering and data.startswith(METHODS):
            self._answering = False
            self._delay = PUT_ANSWER_S if data.startswith(b"PUT ") else ANSWER_S

    def answered(self, data: bytes) -> float:
        """Return the seconds that what the server sent has to wait."""
        if self._answering or data.startswith(INTERIM):
            return 0.0
        self._answering = True
        return self._delay


class Wire:
    """Carries so many bytes a second, and not more, for all who share it."""

    def __init__(self, bytes_per_s: float) -> None:
        self._bytes_per_s = bytes_per_s
        self._free_at = 0.0

    async def carry(self, size: int) -> None:
        """Return when the last of ``size`` bytes has gone through."""
        now = asyncio.get_running_loop().time()
        self._free_at = max(self._free_at, now) + size / self._bytes_per_s
        # What takes less than the clock's grain is made up for by the next piece.
        if (wait := self._free_at - now) > 0.002:
            await asyncio.sleep(wait)
