"""A mail server that accepts everything and keeps nothing: the least that sending could wait for."""

from __future__ import annotations

import asyncio
import sys

HOST = "127.0.0.1"


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Speak as much SMTP as a client needs to get rid of its mails."""
    writer.write(b"220 sink\r\n")
    while line := await reader.readline():
        command = line[:4].upper()
        if command == b"DATA":
            writer.write(b"354 go on\r\n")
            while (await reader.readline()) not in {b".\r\n", b""}:
                pass
        writer.write(b"221 bye\r\n" if command == b"QUIT" else b"250 ok\r\n")
        if command == b"QUIT":
            break
    await writer.drain()
    writer.close()


async def main() -> None:
    server = await asyncio.start_server(serve, HOST, 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
