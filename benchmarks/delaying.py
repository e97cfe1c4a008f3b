"""A TCP proxy that delays what it passes on by as many seconds as a file says at that moment.

    python -m benchmarks.delaying PORT HOST TARGET FILE

Order is kept: what arrives during a delay waits behind it. A negative delay passes nothing on,
until the file says another one.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from pathlib import Path

SECONDS_BETWEEN_LOOKS = 0.05
BYTES = 65_536


def delay_in(path: Path) -> float:
    try:
        return float(path.read_text() or 0)
    except (OSError, ValueError):
        return 0.0


async def pass_on(source: asyncio.StreamReader, target: asyncio.StreamWriter, path: Path) -> None:
    with suppress(OSError):
        while part := await source.read(BYTES):
            while (delay := delay_in(path)) < 0:  # noqa: ASYNC110 - another process writes it
                await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
            await asyncio.sleep(delay)
            target.write(part)
            await target.drain()
    target.close()


async def serve(port: int, host: str, target: int, path: Path) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection(host, target)
        except OSError:
            writer.close()
            return
        await asyncio.gather(pass_on(reader, back, path), pass_on(there, writer, path))

    server = await asyncio.start_server(connected, "127.0.0.1", port)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), Path(sys.argv[4])))
