"""Passes TCP connections on and keeps every byte back for a time: `delay_proxy.py SECONDS FRONT:BACK ...`, ports of the loopback address."""

import asyncio
import socket
import sys


async def carry(reader, writer, delay):
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
        await asyncio.gather(carry(reader, up_writer, delay), carry(up_reader, writer, delay))

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
