"""Signing in to an org through the server, as a browser would, and what must not work."""
import http.cookiejar
import json
import subprocess
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request

from programs import ROOT, Org, Workspace
from server import Person, Server, bare

sys.path.insert(0, str(ROOT / "tools"))
import demo  # noqa: E402


class Anything:
    def __eq__(self, _):
        return True


ANYTHING = Anything()


def app_for(org, server):
    """The org's connected app takes our callback."""
    return {"client_id": org.ready["client_id"], "client_secret": org.ready["client_secret"],
            "login_url": org.url, "environment": "local"}


def through_the_pages(url, org, person, user=None):
    """Login and consent pages; the address the org sends the browser back to, unvisited."""
    class Stop(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, request, fp, code, msg, headers, new):
            if "/oauth/callback" in new:
                raise Back(new)
            return super().redirect_request(request, fp, code, msg, headers, new)

    class Back(Exception):
        pass

    jar = http.cookiejar.CookieJar()
    plain = urllib.request.build_opener
    urllib.request.build_opener = lambda *more: plain(Stop, *more)
    try:
        demo.sign_in_as_a_browser(url, user or org.ready["username"], org.ready["password"])
    except Back as back:
        return back.args[0]
    finally:
        urllib.request.build_opener = plain
        jar.clear()
    raise AssertionError("the org did not send the browser back")


def path_of(url):
    parts = urllib.parse.urlsplit(url)
    return parts.path + "?" + parts.query


def signed_in(answer):
    """A plain page says so, or the web app's page is shown, which asks how it ended."""
    status, headers, page = answer
    return status == 200 and "Signed in" in page or \
        status == 303 and headers["Location"].endswith("?signin=connected")


def story_an_org_is_connected_through_its_own_pages():
    org = Org()
    with bare() as w, Server(w) as server:
        ann = server.setup()
        assert ann.get("/callback-url")["callback_url"] == server.url + "/oauth/callback"
        begun = ann.ok("POST", "/connections/prod/signin", app_for(org, server))
        assert ann.get("/connections/prod/signin")["state"] == "waiting"
        assert org.ready["client_secret"] not in begun["url"] and "code_challenge" in begun["url"]
        back = path_of(through_the_pages(begun["url"], org, ann))
        eve = server.user("eve", "admin")
        for other in (Person(server), eve):
            status, _, page = other.call("GET", back)
            assert status == 400 and "does not belong" in page, (status, page)
        with ann.events() as events:
            assert signed_in(ann.call("GET", back))
            events.next("connection")
        made = ann.get("/connections/prod")
        assert made["username"] == org.ready["username"] and made["environment"] == "local", made
        assert ann.get("/connections/prod/signin")["state"] == "connected"
        status, _, page = ann.call("GET", back)
        assert status == 400, "a state worked twice"
        assert ann.get("/connections/prod/identity")["limit_max"]
        fields = ann.get("/connections/prod/objects/Contact/fields")["fields"]
        assert [f for f in fields if f["name"] == "LastName"][0]["required"]
        assert "Account" in {o["name"] for o in ann.get("/connections/prod/objects")["objects"]}

        again = ann.ok("POST", "/connections/prod/signin", {"environment": "local"})
        assert signed_in(ann.call("GET", path_of(through_the_pages(again["url"], org, ann)))), "reconnecting in place takes the app that is there"
        assert len(ann.get("/connections")["connections"]) == 1
        said = server.said()
        assert org.ready["client_secret"] not in said and "code=" not in said
    org.stop()


def story_what_the_org_or_the_person_refuses_is_told():
    org = Org()
    with bare() as w, Server(w) as server:
        ann = server.setup()
        begun = ann.ok("POST", "/connections/prod/signin", app_for(org, server))
        state = urllib.parse.parse_qs(urllib.parse.urlsplit(begun["url"]).query)["state"][0]
        for wrong in ("", "?state=guess&code=x", "?code=x", "?error=access_denied"):
            assert ann.call("GET", "/oauth/callback" + wrong)[0] == 400
        assert ann.get("/connections/prod/signin")["state"] == "waiting"
        status, _, _ = ann.call("GET", f"/oauth/callback?state={state}&error=OAUTH_APP_BLOCKED&error_description=no")
        told = ann.get("/connections/prod/signin")
        assert told["state"] == "failed" and told["problem"]["hint"] and "OAUTH_APP_BLOCKED" in told["problem"]["message"], told
        assert ann.get("/connections")["connections"] == []

        begun = ann.ok("POST", "/connections/prod/signin", {**app_for(org, server), "environment": "production"})
        ann.call("GET", path_of(through_the_pages(begun["url"], org, ann)))
        told = ann.get("/connections/prod/signin")
        assert told["problem"]["code"] == "connect.wrong_environment", told
        assert ann.get("/connections")["connections"] == []
        for body in ({"environment": "local"}, {**app_for(org, server), "login_url": "https://evil.example"},
                     {**app_for(org, server), "login_url": "http://login.salesforce.com"},
                     {**app_for(org, server), "login_url": "https://login.salesforce.com.evil.example"}):
            status, _, answer = ann.call("POST", "/connections/prod/signin", body)
            assert status == 422, (body, status, answer)
        for name in ("a%2fb", "a%20b", "x" * 101, "%3cscript%3e"):
            assert ann.call("POST", f"/connections/{name}/signin", app_for(org, server))[0] == 422, name
    org.stop()


def story_another_user_in_the_browser_is_told_of_first():
    org = Org()
    with bare() as w, Server(w) as server:
        ann = server.setup()

        def sign_in(user, **more):
            begun = ann.ok("POST", "/connections/prod/signin", {**app_for(org, server), **more})
            ann.call("GET", path_of(through_the_pages(begun["url"], org, ann, user)))
            return ann.get("/connections/prod/signin")

        assert sign_in("admin@localorg.example") == {"state": "connected", "since": ANYTHING, "problem": None, "lacks": []}
        ann.ok("POST", "/recipes", {"recipe": "table: leads\nsource:\n  salesforce: { object: Lead, fields: [Id, Phone] }\n"})
        org.control("POST", "/users", {"username": "sales@localorg.example",
                                       "deny": [{"object": "Lead", "field": "Phone", "access": ["read"]}]})
        told = sign_in("sales@localorg.example")
        assert told["state"] == "failed" and told["problem"]["code"] == "run.approval_needed", told
        assert any("Lead.Phone" in f["evidence"] and f["fix"] for f in told["lacks"]), told
        assert ann.get("/connections/prod")["username"] == "admin@localorg.example"
        grants = org.control("GET", "/stats")["refresh_tokens"]
        assert grants == 1, "the grant that was not taken is given back"
        assert sign_in("sales@localorg.example", another_user=True)["state"] == "connected"
        assert ann.get("/connections/prod")["username"] == "sales@localorg.example"
        assert org.control("GET", "/stats")["refresh_tokens"] == 1, "the one that was replaced goes"
    org.stop()


def story_thirty_requests_at_once_renew_once():
    org = Org()
    with bare() as w, Server(w) as server:
        ann = server.setup()
        ann.ok("POST", "/connections/prod/machine-signin", {"grant": "client_credentials", **app_for(org, server)})
        org.control("POST", "/expire", {})
        org.control("DELETE", "/requests")
        got, threads = [], []

        def ask(path):
            while (status := ann.call("GET", path)[0]) == 429:
                pass  # one person may have so many at once
            got.append(status)

        for path in ("/connections/prod/identity", "/connections/prod/objects", "/connections/prod/objects/Lead/fields") * 10:
            threads.append(threading.Thread(target=ask, args=(path,)))
            threads[-1].start()
        for thread in threads:
            thread.join()
        assert got == [200] * 30, got
        renewals = org.control("GET", "/requests?path=/oauth2/token")["requests"]
        assert len(renewals) == 1, renewals
    org.stop()


def refresh_token(org):
    """As another program of the same app has it."""
    back = "http://127.0.0.1:1/oauth/callback"
    asked = urllib.parse.urlencode({"response_type": "code", "client_id": org.ready["client_id"], "redirect_uri": back,
                                    "scope": "api refresh_token id openid profile"})
    came = through_the_pages(org.url + "/services/oauth2/authorize?" + asked, org, None)
    form = {"grant_type": "authorization_code", "code": urllib.parse.parse_qs(urllib.parse.urlsplit(came).query)["code"][0],
            "client_id": org.ready["client_id"], "client_secret": org.ready["client_secret"], "redirect_uri": back}
    answer = urllib.request.urlopen(org.url + "/services/oauth2/token", urllib.parse.urlencode(form).encode())
    return json.load(answer)["refresh_token"]


def story_a_server_connects_without_a_browser():
    org = Org()
    with bare() as w, Server(w) as server:
        ann = server.setup()
        key, app = w.home / "jwt.key", app_for(org, server)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=argil",
                        "-keyout", str(key), "-out", str(key) + ".crt"], check=True, capture_output=True)
        token = refresh_token(org)
        ways = {"client_credentials": {}, "refresh_token": {"refresh_token": token},
                "jwt": {"private_key": key.read_text(), "username": org.ready["username"]}}
        org.control("POST", "/policies", {"apps": [{"client_id": app["client_id"], "permitted_users": "admin",
                                                    "assigned": [org.ready["username"]],
                                                    "certificate": open(str(key) + ".crt").read()}]})
        for grant, more in ways.items():
            made = ann.ok("POST", f"/connections/{grant}/machine-signin", {"grant": grant, **app, **more})
            assert made["username"] == org.ready["username"] and made["environment"] == "local", made
            org.control("POST", "/expire", {})
            assert ann.get(f"/connections/{grant}/identity")["profile"] == "System Administrator", grant
        for grant, more in (("client_credentials", {"client_secret": "wrong"}), ("jwt", {}),
                            ("jwt", {"private_key": "none", "username": "x"}), ("refresh_token", {"refresh_token": "5Aepgone"})):
            status, _, answer = ann.call("POST", "/connections/bad/machine-signin", {"grant": grant, **app, **more})
            assert 400 <= status < 600 and status != 500 and answer["error"]["message"], (grant, more, status, answer)
        assert [c["name"] for c in ann.get("/connections")["connections"]] == sorted(ways)
        said = server.said()
        for secret in (token, app["client_secret"], key.read_text().split("\n")[3]):
            assert secret not in said
    org.stop()


def story_connections_say_who_may_build_and_what_they_may_spend():
    with Workspace() as w, Server(w) as server:
        ann = server.setup()
        assert ann.get("/connections/demo/access") == {"builders": []}
        assert ann.ok("PUT", "/connections/demo/access", {"builders": ["bob", "ann@example.com"]})["builders"]
        assert ann.ok("PATCH", "/connections/demo", {"daily_call_budget": 500})["daily_call_budget"] == 500
        assert ann.ok("PATCH", "/connections/demo", {"daily_call_budget": None})["daily_call_budget"] is None
        assert ann.call("PATCH", "/connections/nope", {})[0] == 404
        status, _, answer = ann.call("GET", "/connections/demo/objects/Accunt/fields")
        assert status == 404 and "Account" in answer["error"]["hint"], answer
        findings = ann.ok("POST", "/connections/demo/doctor")["findings"]
        assert findings and {f["verdict"] for f in findings} <= {"pass", "warning", "fail", "unknown"}


def story_a_connection_is_given_up_with_its_grant():
    with Workspace() as w, Server(w) as server:
        ann = server.setup()
        ann.ok("DELETE", "/connections/demo")
        assert ann.get("/connections") == {"connections": []}
        assert w.org.call("GET", "/services/data/v66.0/limits")[0] == 401, "the grant was not revoked"


