"""A quick HTTP API in a process of its own, for columns to ask.

    with SmallApi() as api:      # api.url
        GET /site?slug=X  ->  {"site": "https://X.example"}

Each answer is made of its request alone, so whoever asks twice gets the same.
"""
import asyncio
import subprocess
import sys
import urllib.parse


class SmallApi:
    def __init__(self):
        self.process = subprocess.Popen([sys.executable, __file__], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()  # its end is the sign to leave
        self.process.wait()
        self.process.stdout.close()


class Talk(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.waiting = transport, b""

    def data_received(self, data):
        self.waiting += data
        while (end := self.waiting.find(b"\r\n\r\n")) >= 0:
            target = self.waiting[:end].split(b" ", 2)[1].decode()
            self.waiting = self.waiting[end + 4:]
            slug = urllib.parse.parse_qs(urllib.parse.urlsplit(target).query).get("slug", [""])[0]
            body = b'{"site":"https://%s.example"}' % slug.encode()
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                                 % (len(body), body))


async def serve():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Talk, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve())
