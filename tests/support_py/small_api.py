"""A quick HTTP API in a process of its own, for columns to ask.

    with SmallApi() as api:      # api.url
        GET /site?slug=X   ->  {"site": "https://X.example"}
        GET /times?slug=X  ->  {"times": how often X was asked for here}
        GET /picky?slug=X  ->  as /site; 400 while told to be picky

A site is made of its request alone, so whoever asks twice gets the same.

    api.hold_after(40)           # forty more answers, then none
    api.wait_held()              # ... until somebody waits for the next one
    api.go_on()                  # what waits, and all to come, is answered
    api.waiting()                # how many wait for an answer now
    api.picky(True)
    api.asked()                  # requests so far
"""
import asyncio
import collections
import select
import subprocess
import sys
import urllib.parse


class SmallApi:
    def __init__(self):
        self.process = subprocess.Popen([sys.executable, __file__], stdout=subprocess.PIPE, stdin=subprocess.PIPE, bufsize=0)
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}"
        self.held = False  # it was said, and nobody has waited for it yet

    def tell(self, words):
        self.process.stdin.write(f"{words}\n".encode())
        while (said := self.process.stdout.readline()) == b"held\n":
            self.held = True
        return int(said)

    def hold_after(self, answers):
        self.tell(f"hold {answers}")
        self.held = False

    def wait_held(self, seconds):
        """False: nobody asked for so many in this time."""
        if not self.held and select.select([self.process.stdout], [], [], seconds)[0]:
            self.held = self.process.stdout.readline() == b"held\n"
        held, self.held = self.held, False
        return held

    def go_on(self):
        self.hold_after(-1)

    def waiting(self):
        return self.tell("waiting")

    def picky(self, on):
        self.tell(f"picky {int(on)}")

    def asked(self):
        return self.tell("asked")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()  # its end is the sign to leave
        self.process.wait()
        self.process.stdout.close()


left = -1  # answers to give before holding back; -1 = no end
held = []  # (transport, answer)
picky = False
asked = collections.Counter()  # by slug


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
            parts = urllib.parse.urlsplit(target)
            slug = urllib.parse.parse_qs(parts.query).get("slug", [""])[0]
            asked[slug] += 1
            status = b"400 Bad Request" if picky and parts.path == "/picky" else b"200 OK"
            body = b'{"times":%d}' % asked[slug] if parts.path == "/times" else b'{"site":"https://%s.example"}' % slug.encode()
            answer(self.transport, b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                   % (status, len(body), body))


def hold(answers):
    global left
    left = answers
    for transport, text in held:
        transport.write(text)
    held.clear()
    return 0


def be_picky(on):
    global picky
    picky = bool(on)
    return 0


TOLD = {"hold": hold, "picky": be_picky, "waiting": lambda _: len(held), "asked": lambda _: asked.total()}


def told(line):
    word, *number = line.split()
    print(TOLD[word](int(number[0]) if number else 0), flush=True)


async def serve():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Talk, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        told(line)


if __name__ == "__main__":
    asyncio.run(serve())
