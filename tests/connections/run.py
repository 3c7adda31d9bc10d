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
sys.path[:0] = [str(HERE.parent / "support_py"), str(HERE.parent.parent / "tools")]
import demo  # noqa: E402
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
        self.org.control("POST", "/policies", {"users": {name: settings}})

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


if __name__ == "__main__":
    sys.exit(main(globals()))
