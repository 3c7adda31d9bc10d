"""Coming in, staying in, being kept out; and what tries to come in sideways."""
import http.client
import json
import socket
import ssl
import subprocess
import time

from server import PASSWORD, Person, Server, bare


def expect(answer, status, code=None):
    assert answer[0] == status and (code is None or answer[2]["error"]["code"] == code), answer
    return answer[2]


# ------------------------------------------------------------------ setup

def story_a_fresh_server_is_claimed_only_with_the_printed_link():
    with bare() as w, Server(w) as server:
        eve = Person(server)
        assert eve.get("/setup") == {"needed": True}
        body = {"login": "eve", "password": PASSWORD}
        expect(eve.call("POST", "/setup", {**body, "code": "guess"}), 422, "people.link")
        expect(eve.call("GET", "/tables"), 401, "auth.needed")
        code = server.setup_url.split("#")[1]
        expect(eve.call("POST", "/setup", {**body, "code": code, "password": "short"}), 422)
        ann = server.setup()
        assert ann.get("/session")["person"]["role"] == "admin"
        assert eve.get("/setup") == {"needed": False}
        expect(eve.call("POST", "/setup", {**body, "code": code}), 409)
        server.stop()
        server.start()
        assert server.setup_url is None
        assert code not in server.said()


# --------------------------------------------------------------- sessions

def story_a_session_ends_when_it_is_ended():
    with bare() as w, Server(w) as server:
        ann = server.setup()
        here, there = Person(server).sign_in("ANN@example.com"), Person(server).sign_in("ann@example.com")
        listed = here.get("/sessions")["sessions"]
        assert len(listed) == 3 and [s["own"] for s in listed].count(True) == 1, listed
        here.ok("DELETE", f"/sessions/{[s for s in listed if s['own']][0]['id']}")
        expect(here.call("GET", "/tables"), 401, "auth.needed")
        there.ok("DELETE", "/sessions")
        expect(ann.call("GET", "/tables"), 401)
        there.ok("DELETE", "/session")
        assert there.cookie.endswith("=")
        expect(there.call("GET", "/tables"), 401)


def story_only_ones_own_sessions_and_tokens_can_be_ended():
    with bare() as w, Server(w) as server:
        ann = server.setup()
        bob = server.user("bob", "builder")
        anns = ann.get("/sessions")["sessions"][0]["id"]
        expect(bob.call("DELETE", f"/sessions/{anns}"), 404)
        token = ann.ok("POST", "/tokens", {"name": "x", "scope": "admin"})["token"]["id"]
        expect(bob.call("DELETE", f"/tokens/{token}"), 404)
        bobs = bob.get("/sessions")["sessions"][0]["id"]
        ann.ok("DELETE", f"/sessions/{bobs}")
        expect(bob.call("GET", "/tables"), 401)


def story_a_new_password_ends_the_other_sessions():
    with bare() as w, Server(w) as server:
        ann = server.setup()
        other = Person(server).sign_in("ann@example.com")
        change = {"password": PASSWORD, "new_password": "another long password"}
        expect(ann.call("POST", "/account/password", {**change, "password": "wrong"}), 403, "auth.password")
        expect(ann.call("POST", "/account/password", {**change, "new_password": "short"}), 422)
        ann.ok("POST", "/account/password", change)
        expect(other.call("GET", "/tables"), 401)
        assert ann.get("/tables")
        expect(Person(server).call("POST", "/session", {"login": "ann@example.com", "password": PASSWORD}), 401)
        Person(server).sign_in("ann@example.com", "another long password")


def story_a_change_of_role_counts_at_once():
    with bare() as w, Server(w) as server:
        ann = server.setup()
        bob = server.user("bob", "builder")
        token = Person(server, bob.ok("POST", "/tokens", {"name": "x", "scope": "builder"})["text"])
        assert token.get("/secrets") and bob.get("/secrets")
        ann.ok("PATCH", f"/users/{bob.id}", {"role": "viewer"})
        expect(bob.call("GET", "/secrets"), 401)
        expect(token.call("GET", "/secrets"), 403, "auth.role")
        ann.ok("PATCH", f"/users/{bob.id}", {"disabled": True})
        expect(token.call("GET", "/tables"), 401)
        expect(Person(server).call("POST", "/session", {"login": "bob", "password": PASSWORD}), 401, "auth.wrong")
        expect(ann.call("PATCH", "/users/1", {"role": "viewer"}), 409, "people.last_admin")
        expect(ann.call("DELETE", "/users/1"), 409, "people.last_admin")


def story_a_link_works_once():
    with bare() as w, Server(w) as server:
        ann = server.setup()
        made = ann.ok("POST", "/users", {"login": "bob", "role": "viewer"})
        code = made["link"].split("#")[1]
        assert made["user"]["invited"] and made["link"].startswith(server.url + "/link#")
        assert Person(server).call("POST", "/link", {"code": code, "password": PASSWORD})[0] == 201
        expect(Person(server).call("POST", "/link", {"code": code, "password": PASSWORD}), 422, "people.link")
        assert not [u for u in ann.get("/users")["users"] if u["login"] == "bob"][0]["invited"]
        expect(ann.call("POST", "/users", {"login": "BOB", "role": "viewer"}), 409, "people.login_taken")
        assert code not in server.said() and made["link"] not in server.said()


def story_guessing_is_slowed_down_and_tells_nothing():
    with bare() as w, Server(w) as server:
        server.setup()
        eve = Person(server)
        answers = {}
        for login in ("no such person", "ann@example.com"):
            for _ in range(5):
                answers[login] = expect(eve.call("POST", "/session", {"login": login, "password": "guess"}), 401)
        assert answers["ann@example.com"] == answers["no such person"]
        status, headers, body = eve.call("POST", "/session", {"login": "ann@example.com", "password": PASSWORD})
        assert status == 429 and int(headers["Retry-After"]) >= 1 and body["error"]["code"] == "auth.slow", body
        time.sleep(int(headers["Retry-After"]) + 0.2)
        eve.sign_in("ann@example.com")


def story_what_is_delicate_wants_a_fresh_password():
    with bare() as w, Server(w) as server:
        ann = server.setup()
        until = ann.get("/session")["proved_until"]
        proved = ann.ok("POST", "/session/proof", {"password": PASSWORD})
        assert proved["proved_until"] >= until
        expect(ann.call("POST", "/session/proof", {"password": "wrong"}), 403, "auth.password")


# ---------------------------------------------------------------- cookies

def story_the_cookie_is_for_this_server_alone():
    with bare() as w:
        with Server(w) as server:
            status, headers, _ = Person(server).call("POST", "/setup", {
                "code": server.setup_url.split("#")[1], "login": "ann", "password": PASSWORD})
            cookie = headers["Set-Cookie"]
            assert status == 201 and cookie.startswith("argil=") and "Secure" not in cookie
            assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Path=/" in cookie and "Domain" not in cookie
        with Server(w, "--public-url", "https://argil.example.com", "--behind-proxy") as server:
            ann = Person(server)
            public = {"Host": "argil.example.com", "Origin": "https://argil.example.com",
                      "X-Forwarded-For": "203.0.113.9, 198.51.100.7"}
            status, headers, body = ann.call("POST", "/session", {"login": "ann", "password": PASSWORD}, headers=public)
            cookie = headers["Set-Cookie"]
            assert status == 201 and cookie.startswith("__Host-argil=") and "Secure" in cookie, (status, body, cookie)
            assert headers["Strict-Transport-Security"]
            status, _, listed = ann.call("GET", "/sessions", headers=public)
            assert listed["sessions"][0]["peer"] == "198.51.100.7", listed


def story_two_cookies_at_once_are_no_cookie():
    with bare() as w, Server(w) as server:
        ann = server.setup()
        for cookie in (ann.cookie + "; argil=x", "argil=x; " + ann.cookie, "argil=" + "x" * 43, "argil="):
            expect(ann.call("GET", "/tables", headers={"Cookie": cookie}), 401)
        assert ann.call("GET", "/tables", headers={"Cookie": "other=1; " + ann.cookie + "; more=2"})[0] == 200
        assert ann.call("GET", "/tables", headers={"Cookie": "xargil=1; " + ann.cookie})[0] == 200


def story_a_wrong_token_is_refused_even_beside_a_good_cookie():
    with bare() as w, Server(w) as server:
        ann = server.setup()
        for value in ("Bearer argil_nope", "Bearer ", "Basic YTpi", "Bearer nope"):
            expect(ann.call("GET", "/tables", headers={"Authorization": value}), 401)
        text = ann.ok("POST", "/tokens", {"name": "x", "scope": "viewer", "days": 1})
        assert text["token"]["expires"] and text["text"].startswith(text["token"]["hint"])
        robot = Person(server, text["text"])
        assert robot.get("/tables")
        ann.ok("DELETE", f"/tokens/{text['token']['id']}")
        expect(robot.call("GET", "/tables"), 401)
        assert text["text"] not in server.said()


# ------------------------------------------------------------------- hosts

def story_a_host_name_that_is_not_ours_is_not_answered():
    with bare() as w, Server(w) as server:
        ann = server.setup()
        port = server.port
        for host in ("evil.example", f"evil.example:{port}", f"127.0.0.1:{port}.evil.example", "127.0.0.1",
                     f"127.0.0.1:{port}@evil.example", f"[::1]:{port + 1}", "localhost", f"127.0.0.2:{port}"):
            status, _, body = ann.call("GET", "/tables", headers={"Host": host})
            assert status == 421, (host, status, body)
        for host in (f"127.0.0.1:{port}", f"localhost:{port}", f"LOCALHOST:{port}", f"[::1]:{port}"):
            assert ann.call("GET", "/tables", headers={"Host": host})[0] == 200, host
        for raw in (b"GET /api/v1/setup HTTP/1.1\r\nConnection: close\r\n\r\n",
                    f"GET /api/v1/setup HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nHost: evil\r\nConnection: close\r\n\r\n".encode()):
            got = server.raw(raw)
            assert got.startswith(b"HTTP/1.1 4"), got[:200]


# ------------------------------------------------------------------- shapes

def story_requests_that_two_readers_could_take_for_two_are_refused():
    with bare() as w, Server(w) as server:
        head = f"POST /api/v1/session HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nContent-Type: application/json\r\n"
        inner = f"DELETE /api/v1/users/1 HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n"
        for more in (f"Content-Length: 2\r\nContent-Length: {2 + len(inner)}\r\n\r\n{{}}{inner}",
                     f"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{inner}",
                     f"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n{inner}",
                     f"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{inner}",
                     f"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n{inner}",
                     f"Content-Length: 0x2\r\n\r\n{{}}{inner}",
                     f"Content-Length: 2, 2\r\n\r\n{{}}{inner}"):
            got = server.raw((head + more).encode(), timeout=5)
            assert not got or got.startswith(b"HTTP/1.1 400"), (more, got[:200])
            assert b" 401 " not in got and b" 2" not in got.split(b"\r\n")[0], (more, got[:500])


def story_heads_and_addresses_that_are_too_large_are_refused():
    with bare() as w, Server(w) as server:
        host = f"Host: 127.0.0.1:{server.port}\r\nConnection: close\r\n"
        many = "".join(f"X-{i}: {i}\r\n" for i in range(100000))
        got = server.raw(f"GET /healthz HTTP/1.1\r\n{host}{many}\r\n".encode())
        assert not got or got.startswith(b"HTTP/1.1 4"), got[:100]
        for length in (9 * 1024, 64 * 1024, 1024 * 1024):
            got = server.raw(f"GET /{'a' * length} HTTP/1.1\r\n{host}\r\n".encode())
            assert not got or got.startswith(b"HTTP/1.1 4"), (length, got[:100])
        assert Person(server).get("/healthz") == {"status": "up"}


def story_paths_lead_nowhere_but_to_routes():
    with bare() as w, Server(w) as server:
        ann = server.setup()
        for path in ("/../etc/passwd", "/..%2f..%2fetc/passwd", "/assets/../../data/workspace.db",
                     "/assets/..%2f..%2fworkspace.db", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd",
                     "/api/v1/../../healthz", "/api/v1//tables", "/api/v1/tables/", "/api/v1/tables/..",
                     "/api/v1/tables/%2e%2e", "/api/v1/tables/%00", "/api/v1/tables/%ff", "/api/v1/tables/%",
                     "/api/v1/tables/a%2fb", "/api/v1/runs/-1", "/api/v1/runs/1e3", "/api/v1/runs/99999999999999999999"):
            got = server.raw(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nCookie: {ann.cookie}\r\n"
                             "Connection: close\r\n\r\n".encode())
            assert got.startswith(b"HTTP/1.1 404"), (path, got[:300])
            assert b"root:" not in got and b"SQLite" not in got


def story_every_answer_protects_the_page():
    with bare() as w, Server(w) as server:
        ann = server.setup()
        for path in ("/", "/api/v1/", "/api/v1/tables", "/api/v1/nothing", "/nothing.js", "/healthz"):
            _, headers, _ = ann.call("GET", path)
            policy = headers["Content-Security-Policy"]
            assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy, (path, policy)
            assert "unsafe" not in policy and "http" not in policy
            assert headers["X-Content-Type-Options"] == "nosniff" and headers["Referrer-Policy"] == "no-referrer"
            assert not headers.get("Access-Control-Allow-Origin")
        _, headers, _ = ann.call("GET", "/api/v1/tables")
        assert headers["Cache-Control"] == "no-store"


def story_nothing_secret_is_logged():
    with bare() as w, Server(w) as server:
        ann = server.setup()
        made = ann.ok("POST", "/tokens", {"name": "x", "scope": "admin"})
        ann.ok("PUT", "/secrets/api", {"value": "very-secret-value"})
        Person(server, made["text"]).get("/runs")
        ann.call("POST", "/session", {"login": "ann@example.com", "password": "a-wrong-password"})
        said = server.said()
        for secret in (PASSWORD, made["text"], "very-secret-value", "a-wrong-password", ann.cookie, ann.csrf,
                       server.setup_url.split("#")[1]):
            assert secret not in said
        assert "PUT /api/v1/secrets/{secret} 204" in said, said[-1500:]


def story_slow_and_greedy_clients_do_not_keep_others_out():
    """Half-sent requests, held open, beside a person who works."""
    with bare() as w, Server(w) as server:
        ann = server.setup()
        held = []
        for i in range(150):
            s = socket.create_connection(("127.0.0.1", server.port))
            s.sendall(b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"[: 20 + i % 40])
            held.append(s)
        for _ in range(5):
            assert ann.get("/tables") == {"tables": []}
        for s in held:
            s.close()


def story_an_open_address_wants_tls():
    with bare() as w:
        for words in (("--listen", "0.0.0.0:0"), ("--listen", "0.0.0.0:0", "--behind-proxy"),
                      ("--listen", "0.0.0.0:0", "--public-url", "https://x.example"),
                      ("--listen", "nonsense"), ("--listen", "127.0.0.1:99999"), ("--listen", ":8470"),
                      ("--public-url", "ftp://x"), ("--public-url", "https://x/y"),
                      ("--tls-cert", "/nowhere"), ("--tls-cert", "/nowhere", "--tls-key", "/nowhere")):
            done = w.run("serve", *(("--listen", "127.0.0.1:0") if "--listen" not in words else ()), *words, timeout=20)
            assert done.returncode in (1, 2) and "argil" in done.stderr + "argil", (words, done)
            assert done.stderr.strip(), words


# --------------------------------------------------------------------- TLS

def story_https_is_served_and_nothing_else_on_that_port():
    with bare() as w:
        key, cert = str(w.home / "key.pem"), str(w.home / "cert.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=127.0.0.1",
                        "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        with Server(w, "--tls-cert", cert, "--tls-key", key) as server:
            assert server.url.startswith("https://127.0.0.1:"), server.url
            trust = ssl.create_default_context(cafile=cert)
            connection = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=30, context=trust)
            body = json.dumps({"code": server.setup_url.split("#")[1], "login": "ann", "password": PASSWORD})
            connection.request("POST", "/api/v1/setup", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            made = json.loads(answer.read())
            assert answer.status == 201 and made["person"]["role"] == "admin", made
            cookie = answer.getheader("Set-Cookie")
            assert cookie.startswith("__Host-argil=") and "Secure" in cookie and answer.getheader(
                "Strict-Transport-Security")
            assert connection.sock.version() in ("TLSv1.3", "TLSv1.2")
            connection.request("GET", "/api/v1/events", headers={"Cookie": cookie.split(";")[0]})
            assert b"hello" in connection.getresponse().read1(400)
            connection.close()
            got = server.raw(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", timeout=5)
            assert b"200" not in got
            old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
            old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
            try:
                http.client.HTTPSConnection("127.0.0.1", server.port, timeout=10, context=old).connect()
                raise AssertionError("TLS 1.1 was taken")
            except (ssl.SSLError, OSError):
                pass
        assert open(key).read().split("\n")[1] not in server.said()


def story_every_answer_says_how_long_it_took_and_the_metrics_sum_them_up():
    with bare() as w, Server(w) as server:
        ann = server.setup()
        for _ in range(5):
            _, headers, _ = ann.call("GET", "/tables")
            assert headers["Server-Timing"].startswith("app;dur="), headers
        _, headers, _ = ann.call("GET", "/tables/nothing")
        assert "Server-Timing" in headers, headers
        _, _, text = ann.call("GET", "/metrics")
        count = {name: float(value) for name, value in (line.rsplit(" ", 1) for line in text.splitlines() if line[:1] != "#")}
        buckets = [value for name, value in count.items() if name.startswith("argil_request_seconds_bucket")]
        assert len(buckets) == 12 and buckets == sorted(buckets), buckets
        assert buckets[-1] == count["argil_request_seconds_count"] == count["argil_requests_total"] >= 7, count
        assert count["argil_request_seconds_sum"] >= 0
