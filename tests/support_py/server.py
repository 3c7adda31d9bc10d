"""`argil serve` for tests: a server on a workspace, and people who talk to it.

    with Workspace() as w, Server(w) as server:
        ann = server.setup()                      # the first account, an admin
        ann.get("/tables")                        # parsed JSON; the status is checked
        ann.call("POST", "/tables/x/runs", {})    # (status, headers, body)
        bob = server.user("bob", "runner")
        with ann.events() as events: events.next("rows")
"""
import http.client
import json
import os
import signal
import socket
import subprocess
import threading
import time

from programs import ARGIL, Workspace

API = "/api/v1"
PASSWORD = "correct horse battery"


class NoOrg:
    """For a workspace that talks to nobody."""
    url, token = "", ""

    def stop(self):
        pass


def bare():
    """A workspace without connections; no org is started."""
    workspace = Workspace(org=NoOrg(), connect=False)
    workspace.argil("init")
    return workspace


class Server:
    """argil serve as a child process on a workspace's data directory."""

    def __init__(self, workspace, *more, env=None):
        self.workspace, self.more, self.extra_env = workspace, more, env or {}
        self.log = open(workspace.home / "serve.log", "ab")
        self.start()

    def start(self, port=0):
        self.process = subprocess.Popen(
            [str(ARGIL), "serve", "--json", "--log-requests", "--listen", f"127.0.0.1:{port}", *self.more],
            stdout=subprocess.PIPE, stderr=self.log, text=True, env=dict(self.workspace.env, **self.extra_env))
        line = self.process.stdout.readline()
        assert line, "argil serve did not start:\n" + self.said()[-2000:]
        self.ready = json.loads(line)
        self.url = self.ready["url"]
        self.port = self.ready["port"]
        self.setup_url = self.ready["setup_url"]

    def said(self):
        return (self.workspace.home / "serve.log").read_text()

    def setup(self, login="ann@example.com"):
        person = Person(self)
        status, _, body = person.call("POST", "/setup", {
            "code": self.setup_url.split("#")[1], "login": login, "name": "Ann", "password": PASSWORD})
        assert status == 201, (status, body)
        person.csrf = body["csrf"]
        self.admin = person
        return person

    def user(self, login, role):
        """A new user with this role, signed in."""
        status, _, made = self.admin.call("POST", "/users", {"login": login, "role": role})
        assert status == 201, (status, made)
        person = Person(self)
        status, _, body = person.call("POST", "/link", {"code": made["link"].split("#")[1], "password": PASSWORD})
        assert status == 201, (status, body)
        person.csrf = body["csrf"]
        person.id = made["user"]["id"]
        return person

    def raw(self, data, timeout=30):
        """Bytes to the server as they are; what it answers until it closes or is silent."""
        with socket.create_connection(("127.0.0.1", self.port), timeout) as s:
            got = b""
            try:
                s.sendall(data)
            except (BrokenPipeError, ConnectionResetError):
                pass  # answered, or closed, before all of it was said
            try:
                while piece := s.recv(65536):
                    got += piece
            except (TimeoutError, ConnectionResetError):
                pass
        return got

    def stop(self, how=signal.SIGTERM, patience=60):
        if self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(patience)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError("argil serve did not stop in time")
        self.process.stdout.close()
        return self.process.returncode

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.stop()
        finally:
            self.log.close()


class Person:
    """Somebody with a cookie jar of one cookie, or with a token, or with nothing."""

    def __init__(self, server, token=None):
        self.server, self.token = server, token
        self.cookie = self.csrf = None

    def call(self, method, path, body=None, headers=None, raw=None):
        """(status, headers, body: parsed JSON, or text)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=120)
        send = {"Host": f"127.0.0.1:{self.server.port}"}
        if body is not None:
            send["Content-Type"] = "application/json"
            raw = json.dumps(body).encode()
        if self.token:
            send["Authorization"] = "Bearer " + self.token
        if self.cookie:
            send["Cookie"] = self.cookie
        if self.csrf and method not in ("GET", "HEAD"):
            send["X-Argil-CSRF"] = self.csrf
        send.update(headers or {})
        send = {k: v for k, v in send.items() if v is not None}
        try:
            connection.request(method, path if path.startswith(("/api", "/health", "/ready", "/metrics", "/oauth"))
                               or path == "/" else API + path, raw, send)
            answer = connection.getresponse()
            text = answer.read()
            cookie = answer.getheader("Set-Cookie")
            if cookie:
                self.cookie = cookie.split(";")[0]
            kind = answer.getheader("Content-Type") or ""
            return answer.status, answer.headers, json.loads(text) if "json" in kind and text else text.decode()
        finally:
            connection.close()

    def ok(self, method, path, body=None, wanted=(200, 201, 202, 204)):
        status, _, answer = self.call(method, path, body)
        assert status in wanted, (method, path, status, answer)
        return answer

    def get(self, path):
        return self.ok("GET", path)

    def sign_in(self, login, password=PASSWORD):
        status, _, body = self.call("POST", "/session", {"login": login, "password": password})
        assert status == 201, (status, body)
        self.csrf = body["csrf"]
        return self

    def wait_for_run(self, run_id, seconds=120):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            run = self.get(f"/runs/{run_id}")
            if run["state"] not in ("queued", "running"):
                return run
            time.sleep(0.05)
        raise AssertionError(f"run {run_id} did not end: {run}")

    def events(self, last_id=None):
        return Events(self, last_id)


class Events:
    """An event stream, read on a thread."""

    def __init__(self, person, last_id=None):
        self.connection = http.client.HTTPConnection("127.0.0.1", person.server.port, timeout=300)
        headers = {"Accept": "text/event-stream"}
        if person.cookie:
            headers["Cookie"] = person.cookie
        if person.token:
            headers["Authorization"] = "Bearer " + person.token
        if last_id:
            headers["Last-Event-ID"] = last_id
        self.connection.request("GET", API + "/events", headers=headers)
        self.answer = self.connection.getresponse()
        assert self.answer.status == 200, (self.answer.status, self.answer.read())
        self.seen, self.last_id, self.ended = [], last_id, False
        self.lock = threading.Condition()
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        event = {}
        try:
            for line in self.answer:
                line = line.decode().rstrip("\n")
                if line:
                    key, _, value = line.partition(": ")
                    event[key] = value
                elif "event" in event:
                    with self.lock:
                        self.seen.append((event["event"], json.loads(event["data"]), event.get("id")))
                        self.last_id = event.get("id", self.last_id)
                        self.lock.notify_all()
                    event = {}
                else:
                    event = {}
        except (OSError, ValueError, http.client.HTTPException, AttributeError):
            pass
        with self.lock:
            self.ended = True
            self.lock.notify_all()

    def next(self, kind, fits=lambda data: True, seconds=30):
        """Waits for an event of a kind, among those seen already too; gives its data."""
        end = time.monotonic() + seconds
        at = 0
        with self.lock:
            while True:
                while at < len(self.seen):
                    name, data, _ = self.seen[at]
                    at += 1
                    if name == kind and fits(data):
                        return data
                left = end - time.monotonic()
                assert left > 0 and not self.ended, f"no event {kind} came; seen: {self.seen[-20:]}"
                self.lock.wait(left)

    def wait_end(self, seconds=30):
        self.thread.join(seconds)
        assert self.ended, "the stream is still open"

    def close(self):
        if self.connection.sock:
            self.connection.sock.shutdown(socket.SHUT_RDWR)
        self.connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.close()
        except OSError:
            pass
