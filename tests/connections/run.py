#!/usr/bin/env python3
"""Stories of connections: every way in, why one fails and who must click, what
one can see, the smallest permission set, and a vault with a new key."""
import http.server
import json
import os
import pathlib
import re
import subprocess
import sys
import threading
import urllib.parse
import urllib.request
import xml.etree.ElementTree as xml

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support_py"), str(HERE.parent.parent / "tools")]
import bad_input  # noqa: E402
import canary  # noqa: E402
import demo  # noqa: E402
import sharing  # noqa: E402
import symptoms  # noqa: E402
from programs import Workspace, main  # noqa: E402

ADMIN = "admin@localorg.example"
SALES = "sales@localorg.example"


def expect(text, *patterns):
    for pattern in patterns:
        assert re.search(pattern, text), f"/{pattern}/ is not in:\n{text}"


def no_secret(done, *secrets):
    for secret in secrets:
        assert secret not in done.stdout + done.stderr, "a secret was printed:\n" + done.stdout + done.stderr
    assert not re.search(r"00D\w{12}!|5Aep\w|PRIVATE KEY", done.stdout + done.stderr), done.stdout + done.stderr


def browser_tokens(org):
    """Tokens of the demo app, had through login and consent page as a person would."""
    came = []

    class Callback(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            came.append(urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Callback)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    back = f"http://127.0.0.1:{server.server_port}/callback"
    asked = urllib.parse.urlencode({"response_type": "code", "client_id": org.ready["client_id"],
                                    "redirect_uri": back, "scope": "api refresh_token id openid profile"})
    demo.sign_in_as_a_browser(org.url + "/services/oauth2/authorize?" + asked, ADMIN, org.ready["password"])
    server.shutdown()
    form = urllib.parse.urlencode({"grant_type": "authorization_code", "code": came[0]["code"][0],
                                   "client_id": org.ready["client_id"], "redirect_uri": back,
                                   "client_secret": org.ready["client_secret"]}).encode()
    return json.load(urllib.request.urlopen(org.url + "/services/oauth2/token", form))


class Bare(Workspace):
    """A workspace with an org and no connection yet."""

    def __init__(self, **options):
        super().__init__(connect=False, **options)
        self.argil("init")

    def secret_file(self, text, name="secret"):
        path = self.home / name
        path.write_text(text)
        return str(path)

    def app(self, **settings):
        """Changes the demo app's policies."""
        self.org.control("POST", "/policies", {"apps": [{"client_id": self.org.ready["client_id"], **settings}]})

    def user(self, name, **settings):
        self.org.control("POST", "/policies", {"users": [{"username": name, **settings}]})

    def org_policy(self, **settings):
        self.org.control("POST", "/policies", {"org": settings})

    def client_credentials(self, name="demo", secret=None):
        return self.run("connect", name, "--client-credentials", "--url", self.org.url, "--client-id",
                        self.org.ready["client_id"], "--client-secret-file",
                        self.secret_file(secret or self.org.ready["client_secret"]))

    def key_pair(self):
        key, certificate = str(self.home / "jwt.key"), self.home / "jwt.crt"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                        "/CN=argil", "-keyout", key, "-out", str(certificate)], check=True, capture_output=True)
        return key, certificate.read_text()

    def jwt(self, key, username=ADMIN, name="demo"):
        return self.run("connect", name, "--jwt-key-file", key, "--username", username, "--url", self.org.url,
                        "--client-id", self.org.ready["client_id"])

    def sfdx(self, name="demo"):
        """Connects with a refresh token, as the sf program would hand it over."""
        ready = self.org.ready
        line = f"force://{ready['client_id']}:{ready['client_secret']}:{self.refresh_token()}@{self.org.url[7:]}"
        done = self.run("connect", name, "--sfdx-auth-url-file", self.secret_file(line, "auth"))
        assert done.returncode == 0, done.stderr
        return done

    def asked(self, path):
        """Requests to a path that the org has seen since they were last forgotten."""
        return self.org.control("GET", f"/requests?path={path}")["requests"]

    def status(self, name="demo"):
        return {r["what"]: r["value"] for r in self.argil("connection", "show", name, "--offline")}["status"]

    def refresh_token(self):
        """A refresh token of the demo app, had through the browser's pages."""
        return browser_tokens(self.org)["refresh_token"]


def connected(done, w, *secrets):
    assert done.returncode == 0, done.stderr
    no_secret(done, w.org.ready["client_secret"], *secrets)
    shown = {r["what"]: r["value"] for r in w.argil("connection", "show", "demo")}
    assert shown["organization"] == w.org.ready["organization_id"], shown
    return shown


LEADS = """
table: leads
source:
  salesforce: { connection: demo, object: Lead, fields: [Id, LastName, Email, Owner.Name] }
columns:
  - name: Write
    salesforce_update:
      connection: demo
      object: Lead
      id: "{{Id}}"
      set: { Title: "{{LastName}}" }
"""


# ------------------------------------------------------------- ways in

def story_client_credentials_connect_and_renew_themselves():
    with Bare() as w:
        connected(w.client_credentials(), w)
        w.org.control("POST", "/expire", {})
        w.argil("apply", w.recipe(LEADS))
        assert w.argil("sync", "leads")["complete"]


def story_a_jwt_connects_and_renews_itself():
    with Bare() as w:
        key, certificate = w.key_pair()
        w.app(certificate=certificate, permitted_users="admin", assigned=[ADMIN])
        connected(w.jwt(key), w)
        w.org.control("POST", "/expire", {})
        w.argil("apply", w.recipe(LEADS))
        assert w.argil("sync", "leads")["complete"]


def story_a_wrong_key_is_told_from_a_wrong_user():
    with Bare() as w:
        key, certificate = w.key_pair()
        done = w.jwt(w.secret_file("not a key", "bad.key"))
        assert done.returncode == 1
        expect(done.stderr, "private key cannot be used", "openssl req")
        w.app(certificate=certificate)
        done = w.jwt(key)
        expect(done.stderr, "approved", "Permitted Users", "pre-authorized")
        w.app(permitted_users="admin", assigned=[SALES])
        done = w.jwt(key)
        expect(done.stderr, "not admin approved", "Manage Connected Apps")
        (w.home / "other").mkdir()
        subprocess.run(["openssl", "genrsa", "-out", str(w.home / "other.key"), "2048"], check=True,
                       capture_output=True)
        w.app(assigned=[ADMIN])
        done = w.jwt(str(w.home / "other.key"))
        expect(done.stderr, "invalid assertion", "digital signatures")
        no_secret(done)


def story_an_sfdx_auth_url_connects():
    with Bare() as w:
        refresh = w.refresh_token()
        host = w.org.url.split("//")[1]
        line = f"force://{w.org.ready['client_id']}:{w.org.ready['client_secret']}:{refresh}@{host}"
        done = w.run("connect", "demo", "--sfdx-auth-url-file", w.secret_file(line))
        connected(done, w, refresh)
        done = w.run("connect", "again", "--sfdx-auth-url-file",
                     w.secret_file(json.dumps({"status": 0, "result": {"sfdxAuthUrl": line}})))
        assert done.returncode == 0, done.stderr
        done = w.run("connect", "bad", "--sfdx-auth-url-file", w.secret_file("force://x"))
        assert done.returncode == 1
        expect(done.stderr, "sf org display")


def story_each_provoked_refusal_names_its_setup_page():
    refusals = [
        (dict(client_credentials=False), "Enable Client Credentials Flow"),
        (dict(run_as=""), "Run As"),
        (dict(scopes=["refresh_token"]), "Selected OAuth Scopes"),
        (dict(permitted_users="admin", assigned=[]), "Manage Connected Apps"),
    ]
    for settings, words in refusals:
        with Bare() as w:
            w.app(**settings)
            done = w.client_credentials()
            assert done.returncode != 0, settings
            expect(done.stderr, words, r"code: sf\.")
            no_secret(done, w.org.ready["client_secret"])
    with Bare() as w:
        expect(w.client_credentials(secret="wrong").stderr, "Manage Consumer Details")
        w.user(ADMIN, ip_restricted=True)
        expect(w.client_credentials().stderr, "Relax IP restrictions")
        w.user(ADMIN, ip_restricted=False, login_hours_closed=True)
        expect(w.client_credentials().stderr, "Login Hours")


def story_the_generic_host_and_two_ways_at_once_are_refused_before_a_call():
    with Bare() as w:
        done = w.run("connect", "demo", "--client-credentials", "--url", "https://login.salesforce.com",
                     "--client-id", "x", "--client-secret-file", w.secret_file("y"))
        expect(done.stderr, "My Domain")
        done = w.run("connect", "demo", "--client-credentials", "--jwt-key-file", "x", "--url", "y")
        assert done.returncode == 2
        done = w.run("connect", "demo", "--client-credentials", "--client-id", "x")
        assert done.returncode == 2
        expect(done.stderr, "My Domain")


def story_a_browser_refusal_is_explained_with_its_setup_page():
    for settings, words in [(dict(blocked=True), "Connected Apps OAuth Usage"),
                            (dict(permitted_users="admin", assigned=[]), "Manage Connected Apps")]:
        with Bare() as w:
            w.app(**settings)
            browser = w.home / "browser"
            browser.write_text(f"#!/bin/sh\nexec {sys.executable} {demo.__file__} --sign-in \"$1\" {ADMIN}\n")
            browser.chmod(0o755)
            done = w.run("connect", "demo", "--url", w.org.url, "--client-id", w.org.ready["client_id"],
                         env={"BROWSER": str(browser), "ARGIL_CLIENT_SECRET": w.org.ready["client_secret"],
                              "ARGIL_DEMO_PASSWORD": w.org.ready["password"]}, timeout=60)
            assert done.returncode == 1, done.stderr
            expect(done.stderr, words, r"Salesforce refused the sign-in")


# ------------------------------------------------------------- what it sees

def story_show_tells_user_profile_licence_and_what_may_be_done():
    with Bare() as w:
        shown = connected(w.client_credentials(), w)
        assert shown["profile"] == "System Administrator" and shown["licence"] == "Salesforce", shown
        assert shown["OAuth user"] == ADMIN and shown["sandbox"] == "no", shown
        assert shown["scopes not granted"] == "none" and shown["permission sets"] == "none", shown
        assert int(shown["objects readable"]) >= int(shown["objects creatable"]) > 3, shown
        objects = {o["object"]: o for o in w.argil("connection", "show", "demo", "--objects")}
        assert objects["Account"]["readable"] == "yes"
        fields = {f["field"]: f for f in w.argil("connection", "show", "demo", "--fields", "Lead")}
        assert fields["LastName"]["needed"] == "yes" and fields["Id"]["updatable"] == "no", fields["Id"]
        assert {r["what"] for r in w.argil("connection", "show", "demo", "--offline")} >= {"scopes", "status"}


# ------------------------------------------------------------- token life

def story_a_revoked_grant_waits_for_a_person_and_keeps_the_work():
    with Bare() as w:
        w.sfdx()
        w.argil("apply", w.recipe(LEADS))
        w.argil("sync", "leads")
        w.org.control("POST", "/revoke", {})
        w.org.control("DELETE", "/requests")
        done = w.run("run", "leads", "--yes")
        assert done.returncode == 5, (done.returncode, done.stderr)
        expect(done.stderr, "must be connected again", "argil connect|Connect again")
        assert w.status() == "reconnect needed"
        assert w.run("sync", "leads").returncode == 5
        assert len(w.asked("/oauth2/token")) == 1, "a refused grant is not asked for again and again"
        found = failures(w, "demo")
        assert found[0]["check"] == "token", found
        w.sfdx()
        assert w.status() == "connected"
        report = w.argil("run", "leads", "--yes", ok=(0, 3))
        assert report["updated"] > 0, report


def story_a_renewal_that_dies_with_its_new_token_never_shows_the_old_one_again():
    with Bare() as w:
        w.sfdx()
        w.app(rotation=True)
        w.argil("apply", w.recipe(LEADS))
        w.org.control("POST", "/expire", {})
        w.org.control("DELETE", "/requests")
        assert w.run("sync", "leads", env={"ARGIL_CRASH_AT": "K15"}).returncode == -9
        tokens = w.org.control("GET", "/stats")["refresh_tokens"]
        done = w.run("sync", "leads")
        assert done.returncode == 5, done.stderr
        expect(done.stderr, "answer to an earlier renewal was lost", "argil connect demo")
        assert len(w.asked("/oauth2/token")) == 1 and len(w.asked("/oauth2/introspect")) == 1
        assert w.org.control("GET", "/stats")["refresh_tokens"] == tokens, "our own doing ended the grant"


def story_commands_in_many_processes_renew_once():
    with Bare() as w:
        w.sfdx()
        w.app(rotation=True)
        w.org.control("POST", "/expire", {})
        w.org.control("DELETE", "/requests")

        def show():
            while (done := w.run("connection", "show", "demo", "--objects")).returncode == 4:
                pass  # one process at a time has the workspace
            ends.append(done)

        ends, threads = [], [threading.Thread(target=show) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert all(done.returncode == 0 for done in ends), [done.stderr for done in ends]
        assert len(w.asked("/oauth2/token")) == 1


def story_a_session_not_fit_for_the_api_keeps_the_work():
    with Bare() as w:
        w.sfdx()
        w.argil("apply", w.recipe(LEADS))
        w.argil("sync", "leads")
        w.user(ADMIN, high_assurance=True)
        w.org.control("DELETE", "/requests")
        done = w.run("run", "leads", "--yes")
        assert done.returncode == 5, (done.returncode, done.stderr)
        assert not w.asked("/oauth2/token"), "a new token would meet the same wall"
        w.user(ADMIN, high_assurance=False)
        assert w.argil("run", "leads", "--yes", ok=(0, 3))["updated"] > 0


def story_describes_outlive_the_process_and_are_asked_for_if_changed():
    with Bare() as w:
        w.sfdx()
        w.org.control("POST", "/clock", {"shift_s": 30})  # what was settled before counts
        w.argil("apply", w.recipe(LEADS))

        def statuses():
            w.org.control("DELETE", "/requests")
            w.argil("connection", "show", "demo", "--fields", "Lead")
            return [r["status"] for r in w.asked("/sobjects/Lead/describe")]

        assert statuses() == [304], "another process asks only whether it has changed"
        w.user(SALES, frozen=False)
        w.org.control("POST", "/users", {"username": ADMIN, "deny": [{"object": "Lead", "field": "Phone"}]})
        assert statuses() == [200], "permissions are a change, too"
        names = {f["field"] for f in w.argil("connection", "show", "demo", "--fields", "Lead")}
        assert "Phone" not in names and "Email" in names


# ------------------------------------------------------------- doctor

def findings(w, *words, code=(0, 3)):
    return w.argil("doctor", *words, ok=code)


def failures(w, *words):
    return [f for f in findings(w, *words) if f["verdict"] == "fail"]


def story_doctor_passes_a_good_connection():
    with Bare() as w:
        assert w.client_credentials().returncode == 0
        w.argil("apply", w.recipe(LEADS))
        found = findings(w, "demo", code=(0,))
        passed = {f["check"] for f in found if f["verdict"] == "pass"}
        assert passed >= {"address", "network", "clock", "sign-in service", "app", "token", "user", "app installed",
                          "scopes", "renewal", "REST API", "daily calls", "session policy", "environment",
                          "licence", "objects"}, found
        done = w.run("doctor", "demo")
        assert done.returncode == 0, done.stdout + done.stderr
        no_secret(done, w.org.ready["client_secret"])
        w.org.control("POST", "/expire", {})
        assert any("renewed" in f["evidence"] for f in findings(w, "demo", code=(0,)))


def story_doctor_names_what_is_wrong():
    wrong = [
        (lambda w: w.user(ADMIN, api_enabled=False), "REST API", "API Enabled"),
        (lambda w: w.user(ADMIN, high_assurance=True), "REST API", "Session Security Level"),
        (lambda w: w.org.control("POST", "/limits", {"daily_max": 1}), "daily calls", "24 hours|Limit"),
        (lambda w: (w.app(client_credentials=False), w.org.control("POST", "/expire", {})), "token",
         "Enable Client Credentials Flow"),
        (lambda w: (w.user(ADMIN, ip_restricted=True), w.org.control("POST", "/expire", {})), "token",
         "Relax IP restrictions"),
        (lambda w: (w.app(client_secret="F" * 64), w.org.control("POST", "/expire", {})), "token",
         "Manage Consumer Details"),
    ]
    for provoke, check, words in wrong:
        with Bare() as w:
            assert w.client_credentials().returncode == 0
            provoke(w)
            found = failures(w, "demo")
            assert found and found[0]["check"] == check, (check, found)
            expect(" ".join(str(v) for v in found[0].values()), words)
            if "Setup" in (found[0]["fix"] or ""):
                expect(found[0]["who"], "administrator")


def story_doctor_finds_a_field_and_an_object_that_a_table_lacks():
    with Bare() as w:
        assert w.client_credentials().returncode == 0
        w.argil("apply", w.recipe(LEADS))
        w.app(run_as=SALES)
        w.org.control("POST", "/users", {"username": SALES, "deny": [{"object": "Lead", "field": "Email", "access": ["read"]}]})
        w.org.control("POST", "/expire", {})
        found = failures(w, "demo")
        assert any("Lead.Email" in f["evidence"] and "Field Permissions" in f["fix"] for f in found), found


def story_doctor_looks_at_an_address():
    with Bare() as w:
        assert findings(w, w.org.url, code=(0,))[0]["check"] == "address"
        found = failures(w, w.org.url, "--client-id", "3MVG9nobody")
        assert found[0]["check"] == "app" and "Manage Consumer Details" in found[0]["fix"], found
        found = failures(w, "http://127.0.0.1:1")
        assert found[0]["check"] == "network", found
        found = failures(w, "https://acme.lightning.force.com")
        assert "My Domain" in found[0]["fix"], found
        found = failures(w, "https://evil.example")
        assert found[0]["check"] == "address", found


def story_doctor_explains_a_pasted_error():
    with Bare() as w:
        page = "https://acme.my.salesforce.com/setup/secur/RemoteAccessErrorPage.apexp?error=invalid_client" \
               "&error_description=app+must+be+installed+into+org&state=s3cr3tstate"
        done = w.run("doctor", page)
        expect(done.stdout, "Install beside the app", "Approve Uninstalled")
        assert "s3cr3tstate" not in done.stdout
        ranked = w.argil("doctor", "--error", "OAUTH_APPROVAL_ERROR_GENERIC : An unexpected error has occured")
        assert len(ranked) == 5 and "installed" in ranked[0]["cause"] and ranked[0]["who"], ranked
        assert "Connected Apps OAuth Usage" in ranked[0]["fix"]
        assert w.argil("doctor", "--error", '[{"errorCode":"INVALID_FIELD","message":"No such column"}]')
        assert w.run("doctor", "--error", "my cat is ill").returncode == 1


# ------------------------------------------------------------- permission set

NS = "{http://soap.sforce.com/2006/04/metadata}"


def permset(text):
    root = xml.fromstring(text)
    assert root.tag == NS + "PermissionSet"
    order = [c.tag[len(NS):] for c in root]
    assert order == sorted(order), order
    fields = {f.find(NS + "field").text: f.find(NS + "editable").text == "true"
              for f in root.iter(NS + "fieldPermissions")}
    objects = {o.find(NS + "object").text: {c.tag[len(NS):] for c in o if c.text == "true"}
               for o in root.iter(NS + "objectPermissions")}
    return fields, objects


def story_the_permission_set_is_minimal_and_deployable():
    with Workspace() as w:
        assert w.run("apply", w.example("accounts.yaml"), w.example("contacts.yaml")).returncode == 0
        done = w.run("permset", "accounts")
        assert done.returncode == 0, done.stderr
        fields, objects = permset(done.stdout)
        assert objects == {"Account": {"allowRead", "allowEdit"}}, objects
        assert fields == {"Account.Website": False, "Account.BillingAddress": False, "Account.Industry": True,
                          "Account.NumberOfEmployees": True, "Account.Description": True}, fields
        fields, objects = permset(w.run("permset", "contacts").stdout)
        assert objects == {"Contact": {"allowRead"}, "Account": {"allowRead"},
                           "Lead": {"allowRead", "allowCreate"}}, objects
        assert fields["Lead.Email"] and not fields["Contact.Email"] and "Lead.LastName" not in fields, fields
        assert "Account.Name" not in fields and "Contact.Id" not in fields
        whole = permset(w.run("permset").stdout)
        assert whole[1]["Account"] == {"allowRead", "allowEdit"}
        done = w.run("permset", "accounts", "--output", str(w.home / "app"), "--label", "Argil & friends <1>")
        assert done.returncode == 0, done.stderr
        file = w.home / "app/permissionsets/Argil_friends_1.permissionset-meta.xml"
        assert xml.parse(file).getroot().find(NS + "label").text == "Argil & friends <1>"
        assert w.run("permset", "nothing").returncode == 1


# ------------------------------------------------------------- vault

def story_a_rotated_vault_keeps_connections_and_the_old_key_is_useless():
    with Bare() as w:
        assert w.client_credentials().returncode == 0
        subprocess.run([str(w.run("vault", "where").args[0]), "secret", "set", "clearbit"], input="s3cr3tvalue\n",
                       text=True, env=w.env, check=True, capture_output=True)
        key = pathlib.Path(w.run("vault", "where").stdout.strip())
        old = key.read_bytes()
        done = w.run("vault", "rotate")
        assert done.returncode == 0, done.stderr
        no_secret(done, w.org.ready["client_secret"], old.decode().strip())
        assert key.read_bytes() != old and key.stat().st_mode & 0o777 == 0o600
        assert not pathlib.Path(str(key) + ".next").exists()
        w.org.control("POST", "/expire", {})
        assert findings(w, "demo", code=(0,))
        new = key.read_bytes()
        key.write_bytes(old)
        done = w.run("doctor", "demo")
        expect(done.stdout + done.stderr, "does not open")
        key.write_bytes(new)
        assert w.argil("vault", "rotate") == {"sealed": 2}


def story_a_rotation_that_dies_anywhere_loses_nothing():
    for point in ("V1", "V2", "V3"):
        with Bare() as w:
            assert w.client_credentials().returncode == 0
            assert w.run("vault", "rotate", env={"ARGIL_CRASH_AT": point}).returncode == -9
            assert findings(w, "demo", code=(0,)), point
            assert w.argil("vault", "rotate") == {"sealed": 1}
            assert findings(w, "demo", code=(0,)), point
            key = w.run("vault", "where").stdout.strip()
            assert not os.path.exists(key + ".next")


if __name__ == "__main__":
    sys.exit(main({**globals(), **vars(bad_input), **vars(sharing), **vars(symptoms), **vars(canary)}, processes=3))
