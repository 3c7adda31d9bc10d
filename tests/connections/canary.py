"""Secrets planted in every place that takes one, then a day's work, good and bad, with
everything said as loudly as it can be: none of them may turn up in what is printed,
logged, exported, answered, stored, asked for by address, or left behind by a crash.
Told by run.py."""
import base64
import json
import os
import resource
import signal
import subprocess
import urllib.parse

from bad_input import Connecting, Fake
from programs import ARGIL, Workspace
from server import PASSWORD, Person, Server
from symptoms import Stage

SECRET = "CANARYc0ffee" + "5e" * 26  # the app's consumer secret
API_KEY = "canary-key-3f9a2c7be1"       # of another service, for an HTTP column
TABLE = """
table: leads
source:
  salesforce: {{ connection: {name}, object: Lead, fields: [Id, LastName, Email], where: "Email != null" }}
columns:
  - name: Facts
    http:
      url: "{url}/localorg/enrich/companies?domain=acme.example"
      headers: {{ Authorization: "Bearer {{{{secret:companies_api}}}}" }}
  - name: Write
    salesforce_update: {{ connection: {name}, object: Lead, id: "{{{{Id}}}}", set: {{ Title: "{{{{LastName}}}}" }} }}
"""


class Watch:
    """What must not be seen, and where it is looked for."""

    def __init__(self):
        self.canaries, self.seen = {}, []

    def plant(self, what, text):
        self.canaries[what] = text
        return text

    def look(self, where, data):
        self.seen.append((where, data if isinstance(data, bytes) else str(data).encode()))

    def forms(self, text):
        raw = text.encode()
        yield raw
        yield urllib.parse.quote(text, safe="").encode()
        yield base64.b64encode(raw)[:-4]

    def check(self):
        assert len(self.canaries) >= 9 and len(self.seen) >= 12
        found = [f"{what} in {where}" for where, data in self.seen for what, text in self.canaries.items()
                 if any(form in data for form in self.forms(text))]
        assert not found, "\n".join(sorted(set(found)))


def say(watch, w, *words, stdin=None, env=None):
    done = subprocess.run([str(ARGIL), *words, "--verbose"], input=stdin, text=True, capture_output=True,
                          env=dict(w.env, **(env or {})), timeout=300)
    watch.look("argil " + " ".join(words[:2]), done.stdout + done.stderr)
    return done


def work_here(watch, s):
    """Every way in, work, and each way to fail, on the command line."""
    w, url, key = s.w, s.org.url, s.ready["client_id"]
    secret = str(w.home / "secret")
    (w.home / "secret").write_text(SECRET)
    s.policies(app={"client_secret": SECRET})
    s.ready["client_secret"] = SECRET
    refresh = watch.plant("refresh token", s.refresh_token())
    (w.home / "auth").write_text(f"force://{key}:{SECRET}:{refresh}@{url[7:]}")
    assert say(watch, w, "connect", "prod", "--sfdx-auth-url-file", str(w.home / "auth")).returncode == 0
    assert say(watch, w, "connect", "machine", "--client-credentials", "--url", url, "--client-id", key,
               "--client-secret-file", secret).returncode == 0
    s.jwt()
    pem = (w.home / "jwt.key").read_text()
    watch.plant("private key", pem.split("\n")[3])
    s.policies(app={"certificate": (w.home / "jwt.key.crt").read_text(), "permitted_users": "admin",
                    "assigned": ["admin@localorg.example"]})
    assert say(watch, w, "connect", "signed", "--jwt-key-file", str(w.home / "jwt.key"), "--username",
               "admin@localorg.example", "--url", url, "--client-id", key).returncode == 0
    assert say(watch, w, "secret", "set", "companies_api", stdin=API_KEY).returncode == 0
    assert say(watch, w, "apply", w.recipe(TABLE.format(name="prod", url=url))).returncode == 0
    s.org.control("POST", "/expire", {})
    for words in (("sync", "leads"), ("run", "leads", "--first", "3", "--yes"), ("doctor", "prod"), ("doctor", "machine"),
                  ("connection", "show", "prod"), ("connection", "list", "--json"), ("export", "leads"),
                  ("table", "export", "leads"), ("journal", "list", "--json"), ("runs", "--json"), ("permset", "leads"),
                  ("secret", "list"), ("vault", "rotate"), ("column", "kinds")):
        say(watch, w, *words)
    (w.home / "wrong").write_text(watch.plant("wrong secret", SECRET[::-1]))
    say(watch, w, "connect", "bad", "--client-credentials", "--url", url, "--client-id", key, "--client-secret-file",
        str(w.home / "wrong"))
    for fault in ({"effect": "html"}, {"effect": "status", "status": 503}, {"effect": "drop_after"}):
        s.org.control("POST", "/faults", {"path": "/oauth2/token", "times": 1, **fault})
        s.org.control("POST", "/expire", {})
        say(watch, w, "sync", "leads")
        s.org.control("DELETE", "/faults")
    s.org.control("POST", "/revoke", {})
    say(watch, w, "sync", "leads")
    say(watch, w, "doctor", "prod")


def parrot(watch, w):
    """A token endpoint that repeats what it was told."""
    def answer(path, form):
        given = urllib.parse.parse_qs(form)
        return json.dumps({"error": "invalid_client", "error_description": "no such secret: " + " ".join(
            v[0] for k, v in given.items() if k in ("client_secret", "code", "code_verifier"))}).encode()

    with Fake(400, answer=answer) as fake:
        c = Connecting(w, url=fake.url)
        cookie, asked = c.begin()
        watch.plant("state", asked["state"])
        watch.plant("sign-in cookie", cookie.split("=")[1])
        code = watch.plant("code", "aPrxCANARYcode123456")
        _, _, page = c.ask(f"/callback?code={code}&state={urllib.parse.quote(asked['state'])}", cookie=cookie)
        watch.look("the page of a refused sign-in", page)
        watch.look("argil connect", c.end(1))


def work_there(watch, s):
    """The same through a server; then it crashes with all of it in memory."""
    folder = s.w.home / "crash"
    folder.mkdir()

    def cores_allowed():
        resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)
        os.chdir(folder)

    server = Server.__new__(Server)
    server.workspace, server.more, server.extra_env = s.w, (), {}
    server.log = open(s.w.home / "serve.log", "ab")
    plain, subprocess.Popen = subprocess.Popen, lambda *a, **k: plain(*a, preexec_fn=cores_allowed, **k)
    try:
        server.start()
    finally:
        subprocess.Popen = plain
    watch.plant("set-up code", server.setup_url.split("#")[1])
    ann = server.setup()
    watch.plant("session cookie", ann.cookie.split("=", 1)[1])
    watch.plant("password", PASSWORD)
    watch.plant("API token", ann.ok("POST", "/tokens", {"name": "x", "scope": "admin"})["text"])
    app = {"client_id": s.ready["client_id"], "client_secret": SECRET, "login_url": s.org.url, "environment": "local"}
    answers = [ann.call("POST", "/connections/there/signin", app),
               ann.call("POST", "/connections/there/machine-signin", {"grant": "client_credentials", **app}),
               ann.call("POST", "/connections/bad/machine-signin",
                        {"grant": "client_credentials", **app, "client_secret": watch.canaries["wrong secret"]}),
               ann.call("PUT", "/secrets/another", {"value": API_KEY}),
               ann.call("POST", "/session", {"login": "ann@example.com", "password": PASSWORD + "!"}),
               Person(server, watch.canaries["API token"][:-1] + "x").call("GET", "/session")]
    for path in ("/connections", "/connections/there", "/connections/there/identity", "/audit?limit=500", "/secrets",
                 "/tables", "/journal", "/runs", "/callback-url"):
        answers.append(ann.call("GET", path))
    answers.append(ann.call("POST", "/connections/there/doctor"))
    for status, headers, body in answers:
        watch.look("an answer of the server", json.dumps([status, str(headers), body]))
    assert ann.get("/connections/there")["status"] == "connected"
    command = open(f"/proc/{server.process.pid}/cmdline", "rb").read()
    watch.look("the command line", command)
    server.process.send_signal(signal.SIGABRT)
    server.process.wait(30)
    server.process.stdout.close()
    server.log.close()
    assert server.process.returncode == -signal.SIGABRT
    for core in folder.iterdir():
        watch.look("a core", core.read_bytes())
    watch.look("the server's log", server.said())


def story_planted_secrets_turn_up_nowhere():
    s, watch = Stage(), Watch()
    try:
        watch.plant("consumer secret", SECRET)
        watch.plant("API key", API_KEY)
        work_here(watch, s)
        parrot(watch, s.w)
        work_there(watch, s)
        for token in {t for t in (s.org.token, s.org.token.split("!")[1])}:
            watch.plant("access token " + token[:4], token)
        for file in (s.w.home / "data").rglob("*"):
            if file.is_file():
                watch.look("the file " + file.name, file.read_bytes())
        watch.look("addresses that the org was asked for", json.dumps(
            [r["path"] + str(r.get("query")) for r in s.org.control("GET", "/requests")["requests"]]))
        watch.check()
    finally:
        s.w.close()
