"""Passes TCP connections on and keeps every byte back for a time: `delay_proxy.py SECONDS FRONT:BACK ...`, ports of the loopback address.

When a connection has ended, a line says how often the client spoke after the server had spoken: its round trips, whatever the load was.
"""

import asyncio
import socket
import sys


class Turns:
    """Who spoke last, and how often it was the client's turn."""

    def __init__(self):
        self.server_spoke, self.count = True, 0

    def client(self):
        self.count += self.server_spoke
        self.server_spoke = False

    def server(self):
        self.server_spoke = True


async def carry(reader, writer, delay, spoke):
    """One direction: what is read now is written `delay` later, in order."""
    queue = asyncio.Queue()
    loop = asyncio.get_running_loop()

    async def write():
        while True:
            due, data = await queue.get()
            await asyncio.sleep(max(0, due - loop.time()))
            if not data:
                return writer.close()
            writer.write(data)
            await writer.drain()

    task = asyncio.create_task(write())
    try:
        while data := await reader.read(256 * 1024):
            spoke()
            queue.put_nowait((loop.time() + delay, data))
    except ConnectionError:
        pass
    queue.put_nowait((loop.time() + delay, b""))
    try:
        await task
    except ConnectionError:
        pass


async def serve(front, back, delay):
    async def connected(reader, writer):
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", back)
        for one in (writer, up_writer):
            one.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        turns = Turns()
        await asyncio.gather(carry(reader, up_writer, delay, turns.client), carry(up_reader, writer, delay, turns.server))
        print(turns.count, flush=True)

    return await asyncio.start_server(connected, "127.0.0.1", front)


async def main():
    delay = float(sys.argv[1])
    servers = [await serve(*map(int, pair.split(":")), delay) for pair in sys.argv[2:]]
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
