"""Passes TCP connections on over one narrow line: `uplink_proxy.py MEGABYTES_A_SECOND COUNTER FRONT:BACK ...`. What all clients together send goes
no faster than that (0 does not limit it); the bytes are written to the file COUNTER. Answers are not limited."""

import asyncio
import sys
from pathlib import Path

CHUNK = 64 * 1024


class Uplink:
    """One line for all: whoever sends waits until it is free."""

    def __init__(self, rate, counter):
        self.rate, self.counter = rate, Path(counter)
        self.sent, self.free_at = 0, 0.0

    def told(self):
        """Replaced, so that whoever reads it sees a whole number."""
        new = self.counter.with_suffix(".new")
        new.write_text(str(self.sent))
        new.replace(self.counter)

    async def send(self, data):
        self.sent += len(data)
        self.told()
        if self.rate:
            now = asyncio.get_running_loop().time()
            self.free_at = max(self.free_at, now) + len(data) / self.rate
            # Timers are coarse: short waits are left to add up.
            if self.free_at - now > 0.02:
                await asyncio.sleep(self.free_at - now)


async def carry(reader, writer, uplink=None):
    try:
        while data := await reader.read(CHUNK):
            if uplink:
                await uplink.send(data)
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def main():
    uplink = Uplink(float(sys.argv[1]) * 1e6, sys.argv[2])

    async def serve(front, back):
        async def connected(reader, writer):
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", back)
            await asyncio.gather(carry(reader, up_writer, uplink), carry(up_reader, writer))

        return await asyncio.start_server(connected, "127.0.0.1", front)

    servers = [await serve(*map(int, pair.split(":"))) for pair in sys.argv[3:]]
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
