"""Bad input to a sign-in: what comes to the callback address, and what comes back
from a token endpoint. Each is refused with a clear page or error, nothing is
stored, and no secret is said. Told by run.py."""
import base64
import http.client
import http.server
import json
import re
import subprocess
import threading
import urllib.parse

from programs import ARGIL, Workspace

JAR = re.compile(r"(argil_signin_\d+=[\w-]+)")


class Connecting:
    """`argil connect` while it waits, and requests to its listener."""

    def __init__(self, w, *words, url=None):
        self.w = w
        self.process = subprocess.Popen(
            [str(ARGIL), "connect", "demo", "--url", url or w.org.url, "--client-id", w.org.ready["client_id"],
             "--no-browser", *words], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=dict(w.env, ARGIL_CLIENT_SECRET=w.org.ready["client_secret"]))
        while not (found := re.search(r"http://127\.0\.0\.1:(\d+)/$", self.process.stderr.readline().strip())):
            pass
        self.port = int(found.group(1))

    def ask(self, path, method="GET", cookie=None, body=None, **headers):
        """(status, headers, text) of one request."""
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        sent = {k.replace("_", "-"): v for k, v in headers.items()}
        if cookie:
            sent["Cookie"] = cookie
        link.request(method, path, body=body, headers=sent)
        answer = link.getresponse()
        text = answer.read().decode()
        link.close()
        return answer.status, dict(answer.getheaders()), text

    def begin(self):
        """Opens the start page: (cookie, parameters of Salesforce's page)."""
        _, headers, _ = self.ask("/")
        cookie = JAR.search(headers["Set-Cookie"]).group(1)
        _, headers, _ = self.ask("/go", cookie=cookie)
        return cookie, dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(headers["Location"]).query))

    def still_waits(self):
        return self.process.poll() is None

    def end(self, code=None):
        if code is None:
            self.process.terminate()
        out, err = self.process.communicate(timeout=120)
        assert code is None or self.process.returncode == code, (self.process.returncode, err)
        return out + err


class Fake:
    """A token endpoint that answers what it is told, and counts."""

    def __init__(self, status=200, body=b"", kind="application/json", answer=None):
        fake = self
        self.asked = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                form = self.rfile.read(int(self.headers["Content-Length"])).decode()
                fake.asked.append((self.path, form))
                out = answer(self.path, form) if answer else body
                self.reply(status, kind, out)

            def do_GET(self):
                fake.asked.append((self.path, ""))
                out = answer(self.path, "") if answer else b"{}"
                self.reply(200, "application/json", out)

            def reply(self, status, kind, out):
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(out)))
                self.end_headers()
                try:
                    self.wfile.write(out)
                except OSError:
                    pass  # it hung up on too much

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *_: None  # who hangs up on too much is right
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def nothing_stored(w):
    assert w.argil("connection", "list") == []


def fresh():
    w = Workspace(connect=False)
    w.argil("init")
    return w


# ------------------------------------------------------ to the callback

def story_callbacks_that_are_not_ours_change_nothing():
    with fresh() as w:
        c = Connecting(w)
        cookie, asked = c.begin()
        good = urllib.parse.quote(asked["state"])
        cases = [
            ("/callback?code=x", cookie, 400, "does not belong"),                      # no state
            ("/callback?code=x&state=" + "A" * 43, cookie, 400, "does not belong"),    # a wrong one
            ("/callback?code=x&state=" + good[:-1], cookie, 400, "does not belong"),
            (f"/callback?code=x&state={good}", None, 403, "did not start"),            # no session
            (f"/callback?code=x&state={good}", cookie[:-1] + "_", 403, "did not start"),
            (f"/callback?code=x&state={good}&state={good}", cookie, 400, "not one that Salesforce gives"),
            (f"/callback?code=x&code=y&state={good}", cookie, 400, "not one that Salesforce gives"),
            (f"/callback?code={'x' * 5000}&state={good}", cookie, 400, "not one that Salesforce gives"),
        ]
        for path, jar, status, words in cases:
            got, headers, text = c.ask(path, cookie=jar)
            assert got == status and words in text, (path[:80], got, text[-400:])
            assert "nothing was stored" in text and headers["Cache-Control"] == "no-store"
            assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert c.still_waits()
        said = c.end()
        assert asked["state"] not in said and cookie.split("=")[1] not in said, said
        nothing_stored(w)


def story_other_sites_and_other_names_are_not_heard():
    with fresh() as w:
        c = Connecting(w)
        cookie, asked = c.begin()
        path = f"/callback?code=x&state={urllib.parse.quote(asked['state'])}"
        assert c.ask(path, cookie=cookie, Origin="https://evil.example")[0] == 403
        assert c.ask(path, cookie=cookie, Origin="null")[0] == 403
        assert c.ask(path, cookie=cookie, Host="evil.example")[0] == 421
        assert c.ask(path, cookie=cookie, Host=f"localhost:{c.port}")[0] == 421
        assert c.ask("/go")[1]["Location"] == "/", "Salesforce's page is for the browser that started"
        assert c.ask("/explain", method="POST", body="text=x", Origin="https://evil.example")[0] == 403
        assert c.ask("/callback", method="POST", cookie=cookie, body="")[0] == 405
        assert c.ask("/%2e%2e/etc/passwd")[0] == 404
        assert c.ask("/explain", method="POST", body="x" * 100000)[0] == 413
        got, _, text = c.ask("/explain", method="POST", body="text=" + urllib.parse.quote("<script>alert(1)</script>"))
        assert got == 200 and "<script>" not in text
        assert c.still_waits()
        c.end()
        nothing_stored(w)


def story_an_answer_counts_once():
    gate = threading.Event()

    def slow(path, form):
        gate.wait(60)
        return b'{"error":"invalid_grant","error_description":"expired authorization code"}'

    with fresh() as w, Fake(400, answer=slow) as org:
        c = Connecting(w, url=org.url)
        cookie, asked = c.begin()
        path = f"/callback?code=aPrx.one&state={urllib.parse.quote(asked['state'])}"
        first = threading.Thread(target=lambda: c.ask(path, cookie=cookie))
        first.start()
        while not org.asked:  # the first is being exchanged
            pass
        status, _, text = c.ask(path, cookie=cookie)
        assert status == 409 and "answered already" in text, (status, text)
        status, _, _ = c.ask(path.replace("aPrx.one", "aPrx.two"), cookie=cookie)
        assert status == 409, status
        gate.set()
        first.join()
        c.end(1)
        assert len(org.asked) == 1
        nothing_stored(w)


def story_a_code_is_exchanged_once():
    with fresh() as w, Fake(400, b'{"error":"invalid_grant","error_description":"expired authorization code"}') as org:
        c = Connecting(w, url=org.url)
        cookie, asked = c.begin()
        path = f"/callback?code=aPrx.used&state={urllib.parse.quote(asked['state'])}"
        status, _, text = c.ask(path, cookie=cookie)
        assert status == 200 and "used twice" in text, text
        said = c.end(1)
        assert len(org.asked) == 1 and "aPrx.used" not in said + text
        nothing_stored(w)


def story_nobody_comes_back():
    with fresh() as w:
        said = Connecting(w, "--wait", "1").end(1)
        assert "nobody finished the sign-in" in said and "OAUTH_APPROVAL_ERROR_GENERIC" in said
        assert "doctor --error" in said, said
        nothing_stored(w)


# --------------------------------------------- from a token endpoint

def answered(w, fake, words, code, *secrets):
    c = Connecting(w, url=fake.url)
    cookie, asked = c.begin()
    _, _, text = c.ask(f"/callback?code=aPrx.c&state={urllib.parse.quote(asked['state'])}", cookie=cookie)
    said = c.end(code)
    for word in words:
        assert word in said, (word, said)
    for secret in secrets + (w.org.ready["client_secret"], "aPrx.c"):
        assert secret not in said + text, "a secret was said:\n" + said + text
    nothing_stored(w)


def story_token_answers_that_are_none():
    with fresh() as w:
        for fake, words, code in [
            (Fake(200, b"x" * (3 << 20)), ["few kilobytes"], 1),
            (Fake(200, b"<html><body>Log in</body></html>", "text/html"), ["a page instead of a token"], 4),
            (Fake(503, b"<html>maintenance</html>", "text/html"), ["a page instead of a token"], 4),
            (Fake(200, b"{not json"), ["no explanation"], 4),
            (Fake(200, b'{"token_type":"Bearer"}'), ["no explanation"], 4),
            (Fake(200, b'[["' + b'[' * 5000), ["no explanation"], 4),
        ]:
            with fake:
                answered(w, fake, words, code)


def grant(fake_url, **more):
    """A good token answer, but for what is given."""
    return {"access_token": "00D_canary_access", "refresh_token": "5Aep_canary_refresh", "token_type": "Bearer",
            "scope": "api refresh_token id openid profile", "instance_url": fake_url,
            "id": fake_url + "/id/00D000000000062EAA/005000000000001AAA", **more}


def org_that_gives(more, identity=None, organization="00D000000000062EAA"):
    def answer(path, form):
        if path.endswith("/token"):
            return json.dumps(grant(fake.url, **more)).encode()
        if path.startswith("/id/00D"):
            return json.dumps(identity or {"user_id": "005000000000001AAA", "username": "ann@acme.example",
                                           "organization_id": "00D000000000062EAA"}).encode()
        if path == "/services/data/":
            return b'[{"version":"66.0"}]'
        if "/query" in path:
            return json.dumps({"totalSize": 1, "done": True, "records": [
                {"Id": organization, "Name": "Other", "IsSandbox": False}]}).encode()
        return b"{}"

    fake = Fake(answer=answer)
    return fake


def story_tokens_for_another_org_or_another_place_are_given_back():
    forged = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (
        {"alg": "RS256"}, {"iss": "https://evil.example", "aud": "x", "nonce": "y"})) + ".c2ln"
    cases = [
        (org_that_gives({"instance_url": "https://evil.example"}), "not a Salesforce host"),
        (org_that_gives({"instance_url": "https://acme.my.salesforce.com"}), "its instance is"),
        (org_that_gives({"id": "https://evil.example/id/00D000000000062EAA/005000000000001AAA"}),
         "not a Salesforce host"),
        (org_that_gives({}, organization="00D000000000099EAA"), "but the instance serves org"),
        (org_that_gives({"id_token": forged}), "id_token does not belong"),
        (org_that_gives({"scope": "id"}), "did not grant"),
    ]
    with fresh() as w:
        for fake, words in cases:
            with fake:
                answered(w, fake, [words], 1, "00D_canary_access", "5Aep_canary_refresh")
                assert any(path.endswith("/revoke") and "canary_refresh" in form for path, form in fake.asked), words


def story_hosts_that_are_not_salesforces_get_nothing():
    with fresh() as w:
        env = {"ARGIL_INSECURE_HOST": "", "ARGIL_CLIENT_SECRET": "s"}
        for url, more, words in [
            ("https://evil.example", [], "not a Salesforce host"),
            ("https://login.salesforce.com.evil.example", [], "not a Salesforce host"),
            ("https://salesforce.com@evil.example/", [], "user name"),
            ("http://login.salesforce.com", [], "by https"),
            ("https://169.254.169.254", [], "not a Salesforce host"),
            ("https://acme.lightning.force.com", [], "serves pages for people"),
            ("https://test.salesforce.com", ["--sandbox"], "sandbox's own address"),
            (w.org.url, [], "--insecure-host 127.0.0.1"),
            (w.org.url, ["--insecure-host", "localhost"], "--insecure-host 127.0.0.1"),
            ("https://evil.example", ["--insecure-host", "evil.example"], "not a Salesforce host"),
            (w.org.url, ["--insecure-host", "10.0.0.1"], "no loopback address"),
        ]:
            done = w.run("connect", "demo", "--url", url, "--client-id", "k", "--no-browser", "--port", "0", "--wait", "1", *more, env=env)
            assert done.returncode == 1 and words in done.stderr, (url, done.returncode, done.stderr)
        nothing_stored(w)
        done = w.run("connect", "demo", "--url", w.org.url, "--insecure-host", "127.0.0.1", "--client-id",
                     w.org.ready["client_id"], "--client-credentials",
                     env=dict(env, ARGIL_CLIENT_SECRET=w.org.ready["client_secret"]))
        assert done.returncode == 0, done.stderr
