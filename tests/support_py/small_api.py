"""A quick HTTP API in a process of its own, for columns to ask.

    with SmallApi() as api:      # api.url
        GET /site?slug=X  ->  {"site": "https://X.example"}

Each answer is made of its request alone, so whoever asks twice gets the same.

    api.hold_after(40)           # forty more answers, then none
    api.wait_held()              # ... until somebody waits for the next one
    api.go_on()                  # what waits, and all to come, is answered
"""
import asyncio
import select
import subprocess
import sys
import urllib.parse


class SmallApi:
    def __init__(self):
        self.process = subprocess.Popen([sys.executable, __file__], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}"

    def hold_after(self, answers):
        print(answers, file=self.process.stdin, flush=True)
        assert self.process.stdout.readline() == "set\n"

    def wait_held(self, seconds):
        """False: nobody asked for so many in this time."""
        return bool(select.select([self.process.stdout], [], [], seconds)[0]) and self.process.stdout.readline() == "held\n"

    def go_on(self):
        self.hold_after(-1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()  # its end is the sign to leave
        self.process.wait()
        self.process.stdout.close()


left = -1  # answers to give before holding back; -1 = no end
held = []  # (transport, answer)


def answer(transport, text):
    global left
    if left == 0:
        if not held:
            print("held", flush=True)
        held.append((transport, text))
        return
    left -= left > 0
    transport.write(text)


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
            answer(self.transport, b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                   % (len(body), body))


def told(line):
    global left
    left = int(line)
    for transport, text in held:
        transport.write(text)
    held.clear()
    print("set", flush=True)


async def serve():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Talk, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        told(line)


if __name__ == "__main__":
    asyncio.run(serve())
