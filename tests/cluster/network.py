"""Hosts of a small network on this machine: network namespaces on one bridge.

    net = Network()
    host = net.host("w1")            # an address of its own, its own loopback
    with host: subprocess.Popen(...)  # sockets and children belong to that host
    host.cut(); host.mend()           # its link to the others
"""
import asyncio
import contextlib
import ctypes
import os
import subprocess
import threading

CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


def ip(*words):
    subprocess.run(["ip", *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def why_not():
    """Why there can be no network namespaces here, or None."""
    if os.geteuid() != 0:
        return "only root may make network namespaces"
    name = f"argil-try-{os.getpid()}"
    try:
        ip("netns", "add", name)
        ip("netns", "del", name)
    except (subprocess.CalledProcessError, FileNotFoundError) as problem:
        return f"network namespaces cannot be made here: {getattr(problem, 'stderr', b'') or problem}"
    return None


def enter(path):
    fd = os.open(path, os.O_RDONLY)
    try:
        if libc.setns(fd, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
    finally:
        os.close(fd)


class Host:
    def __init__(self, network, name, number):
        self.name, self.space = name, f"{network.prefix}-{name}"
        self.address, self.link = f"10.77.0.{number}", f"{network.prefix}v{number}"
        self.before = []  # where the thread came from, each time it entered
        ip("netns", "add", self.space)
        ip("-n", network.switch, "link", "add", self.link, "type", "veth", "peer", "name", "eth0", "netns", self.space)
        ip("-n", network.switch, "link", "set", self.link, "master", "br0", "up")
        ip("-n", self.space, "addr", "add", f"{self.address}/24", "dev", "eth0")
        ip("-n", self.space, "link", "set", "lo", "up")
        ip("-n", self.space, "link", "set", "eth0", "up")
        self.switch = network.switch

    def __enter__(self):
        self.before.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY))
        enter(f"/var/run/netns/{self.space}")
        return self

    def __exit__(self, *_):
        before = self.before.pop()
        libc.setns(before, CLONE_NEWNET)
        os.close(before)

    def cut(self):
        ip("-n", self.switch, "link", "set", self.link, "down")

    def mend(self):
        ip("-n", self.switch, "link", "set", self.link, "up")

    def forward(self, listen, port, to):
        """TCP from listen:port on this host to to:port, as long as the process lives."""
        ready = threading.Event()
        threading.Thread(target=self._forward, args=(listen, port, to, ready), daemon=True).start()
        assert ready.wait(10), f"no forwarder on {self.name}"

    def _forward(self, listen, port, to, ready):
        enter(f"/var/run/netns/{self.space}")  # this thread stays there

        async def pump(reader, writer):
            with contextlib.suppress(OSError, asyncio.CancelledError):
                while data := await reader.read(65536):
                    writer.write(data)
                    await writer.drain()
            with contextlib.suppress(OSError):
                writer.close()

        async def met(reader, writer):
            try:
                there = await asyncio.wait_for(asyncio.open_connection(to, port), 5)
            except (OSError, asyncio.TimeoutError):
                writer.close()
                return
            await asyncio.gather(pump(reader, there[1]), pump(there[0], writer))

        async def main():
            server = await asyncio.start_server(met, listen, port)
            ready.set()
            await server.serve_forever()

        asyncio.run(main())


class Network:
    def __init__(self):
        self.prefix = f"ag{os.getpid() % 100000}"
        self.switch, self.hosts = f"{self.prefix}-switch", {}
        ip("netns", "add", self.switch)
        ip("-n", self.switch, "link", "add", "br0", "type", "bridge")
        ip("-n", self.switch, "link", "set", "br0", "up")

    def host(self, name):
        self.hosts[name] = Host(self, name, len(self.hosts) + 2)
        return self.hosts[name]

    def close(self):
        for space in [self.switch, *(host.space for host in self.hosts.values())]:
            subprocess.run(["ip", "netns", "del", space], check=False, stderr=subprocess.DEVNULL)
