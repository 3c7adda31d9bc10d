"""The decision table of sign-ins (one row a symptom): localorg is given the policy
that causes it, what the org then says is handed to `argil doctor`, and the first
thing it names must be that policy's cause and the place to mend it.

Rows that say `pasted` hand over what a person sees (the page Salesforce ended on, or
the answer of the token endpoint); rows that say `looked` let doctor examine the
connection itself. Told by run.py."""
import http.cookiejar
import json
import re
import subprocess
import urllib.error
import urllib.parse
import urllib.request

import demo
from programs import Workspace

ADMIN, SALES = "admin@localorg.example", "sales@localorg.example"
CALLBACK = "http://127.0.0.1:1/callback"  # nobody listens: the address is what counts
SCOPES = "api refresh_token id openid profile"
RFC_CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


class Back(Exception):
    """The org sent the browser back to us."""


class Stage:
    """One org and one workspace for all rows; each row begins with the seed's policies."""

    def __init__(self):
        self.w = Workspace(connect=False)
        self.org, self.ready = self.w.org, self.w.org.ready
        self.w.argil("init")
        (self.w.home / "secret").write_text(self.ready["client_secret"])
        self.connect()

    def connect(self):
        self.w.argil("connect", "demo", "--client-credentials", "--url", self.org.url, "--client-id",
                     self.ready["client_id"], "--client-secret-file", str(self.w.home / "secret"))

    def begin(self):
        for what in ("/policies", "/faults"):
            self.org.control("DELETE", what)
        self.org.control("POST", "/limits", {"daily_max": 100000})
        self.shift(-self.org.control("GET", "/clock")["shift_ms"])

    def shift(self, ms):
        self.org.control("POST", "/clock", {"shift_ms": ms})

    def policies(self, **settings):
        if "app" in settings:
            settings["app"] = {"client_id": self.ready["client_id"], **settings["app"]}
        self.org.control("POST", "/policies", settings)

    # ------------------------------------------------ what a person would see

    def authorize(self, user=SALES, password=None, **changed):
        """The last page of a sign-in in a fresh browser: its address, or its text where that is all."""
        asked = {"response_type": "code", "client_id": self.ready["client_id"], "redirect_uri": CALLBACK,
                 "scope": SCOPES, "code_challenge": RFC_CHALLENGE, "state": "s", **changed}

        class Stop(urllib.request.HTTPRedirectHandler):
            def redirect_request(self, request, fp, code, msg, headers, new):
                if new.startswith(CALLBACK):
                    raise Back(new)
                return super().redirect_request(request, fp, code, msg, headers, new)

        plain = urllib.request.build_opener
        urllib.request.build_opener = lambda *more: plain(Stop, *more)
        try:
            return demo.sign_in_as_a_browser(
                self.org.url + "/services/oauth2/authorize?" + urllib.parse.urlencode(
                    {k: v for k, v in asked.items() if v is not None}),
                user, password or self.ready["password"], http.cookiejar.CookieJar())
        except Back as back:
            return back.args[0]
        except urllib.error.HTTPError as error:
            return error.read().decode()
        finally:
            urllib.request.build_opener = plain

    def code(self):
        return urllib.parse.parse_qs(urllib.parse.urlsplit(self.authorize(ADMIN, code_challenge=None)).query)["code"][0]

    def token(self, headers=None, **form):
        """The token endpoint's answer as text."""
        form = {"client_id": self.ready["client_id"], "client_secret": self.ready["client_secret"], **form}
        data = urllib.parse.urlencode({k: v for k, v in form.items() if v is not None}).encode()
        try:
            request = urllib.request.Request(self.org.url + "/services/oauth2/token", data, headers=headers or {})
            return urllib.request.urlopen(request).read().decode()
        except urllib.error.HTTPError as error:
            return error.read().decode()

    def exchange(self, code):
        return self.token(grant_type="authorization_code", code=code, redirect_uri=CALLBACK)

    def refresh_token(self):
        return json.loads(self.exchange(self.code()))["refresh_token"]

    def jwt(self, user=SALES):
        """A signed assertion's answer; the key is made here."""
        key = self.w.home / "jwt.key"
        if not key.exists():
            subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=a",
                            "-keyout", str(key), "-out", str(key) + ".crt"], check=True, capture_output=True)
        said = self.w.run("connect", "jwt", "--jwt-key-file", str(key), "--username", user, "--url", self.org.url,
                          "--client-id", self.ready["client_id"]).stderr
        return said.split("\n")[0]  # what Salesforce said, without our own advice

    def api(self, path="/services/data/v66.0/limits", authorization=None, **headers):
        request = urllib.request.Request(self.org.url + path, headers={
            "Authorization": authorization or "Bearer " + self.org.token, **headers})
        try:
            return urllib.request.urlopen(request).read().decode()
        except urllib.error.HTTPError as error:
            return f"HTTP {error.code} " + error.read().decode()

    def new_session(self, user=ADMIN):
        return "Bearer " + self.org.control("POST", "/token", {"username": user})["access_token"]

    # --------------------------------------------------- what doctor makes of it

    def pasted(self, text):
        return self.w.argil("doctor", "--error", text)

    def looked(self, *words):
        """What is wrong with the connection: failures first, then warnings."""
        found = self.w.argil("doctor", *(words or ("demo",)), ok=(0, 3))
        return [f for v in ("fail", "warning") for f in found if f["verdict"] == v]

    def looked_anew(self):
        """After its session ended: a connection that must come in again."""
        self.org.control("POST", "/expire", {})
        return self.looked()


def busy(s):
    token = s.refresh_token()
    s.token(grant_type="refresh_token", refresh_token=token)
    return s.token(grant_type="refresh_token", refresh_token=token)


def used_up(s):
    token = s.refresh_token()
    s.shift(7200 * 1000)
    return s.token(grant_type="refresh_token", refresh_token=token)


def twice(s):
    code = s.code()
    s.exchange(code)
    return s.exchange(code)


def other_address(s):
    session = s.new_session()
    s.api(authorization=session, **{"X-Forwarded-For": "192.0.2.1"})
    return s.api(authorization=session, **{"X-Forwarded-For": "192.0.2.2"})


def jwt_with(s, **app):
    s.jwt()
    s.policies(app={"certificate": (s.w.home / "jwt.key.crt").read_text(), **app})
    return s.jwt()


def integration_user(s):
    """Connected by a person's grant; a new sign-in would end on the generic page."""
    line = f"force://{s.ready['client_id']}:{s.ready['client_secret']}:{s.refresh_token()}@{s.org.url[7:]}"
    (s.w.home / "auth").write_text(line)
    s.w.argil("connect", "person", "--sfdx-auth-url-file", str(s.w.home / "auth"))
    s.policies(user={"username": ADMIN, "integration_licence": True})
    return s.looked("person")


def without_refresh(s):
    file = s.w.home / "token"
    file.write_text(s.new_session()[7:])
    s.w.argil("connect", "brief", "--url", s.org.url, "--access-token-file", str(file))
    return s.looked("brief")


CC = dict(grant_type="client_credentials")
# number of the row, what happened, the policies, what is seen, the first cause, where to mend it
ROWS = [
    (1, "the app is not installed", dict(app={"installed": False}),
     lambda s: s.pasted(s.authorize()), "not installed", "Install"),
    (1, "a scope is not on the app", dict(app={"scopes": ["id", "openid"]}),
     lambda s: s.pasted(s.authorize()), "permission that Argil asks for", "Selected OAuth Scopes"),
    (1, "Salesforce's own page says nothing more", dict(org={"transaction_security": "block"}),
     lambda s: s.pasted(s.authorize()), "not installed", "Connected Apps OAuth Usage"),
    (2, "an administrator blocked the app", dict(app={"blocked": True}),
     lambda s: s.pasted(s.authorize()), "blocked", "Unblock"),
    (2, "API Access Control wants it installed", dict(app={"installed": False}, org={"api_access_control": True}),
     lambda s: s.pasted(s.authorize()), "blocked", "API Access Control|Connected Apps OAuth Usage"),
    (3, "only approved users may", dict(app={"permitted_users": "admin", "assigned": []}),
     lambda s: s.pasted(s.authorize()), "approved", "Manage Connected Apps"),
    (4, "the External Client App is not in this org", dict(app={"external": True, "installed": False}),
     lambda s: s.pasted(s.authorize()), "another|not installed", "My Domain"),
    (4, "the External Client App is of another org", dict(app={"external": True, "foreign": True}),
     lambda s: s.pasted(s.authorize()), "another|other", "My Domain|package|Distribution"),
    (5, "the consumer key is mistyped", {},
     lambda s: s.pasted(s.authorize(client_id="3MVG9nobody")), "consumer key", "Manage Consumer Details"),
    (5, "the app was made just now", dict(org={"app_propagation_s": 600}, app={"created_ms": 4102444800000}),
     lambda s: s.pasted(s.authorize()), "consumer key", "ten minutes|Manage Consumer Details"),
    (6, "the callback is not listed", {},
     lambda s: s.pasted(s.authorize(redirect_uri="https://nowhere.example/cb")), "callback address", "Callback URL"),
    (7, "the client sends no challenge", dict(app={"pkce_required": True}),
     lambda s: s.pasted(s.authorize(code_challenge=None)), "PKCE", ""),
    (8, "a code is exchanged twice", {},
     lambda s: s.pasted(twice(s)), "used twice", "again"),
    (9, "the secret is wrong", {},
     lambda s: s.pasted(s.token(**CC, client_secret="wrong")), "secret", "Manage Consumer Details"),
    (9, "the secret was rotated", dict(app={"client_secret": "F" * 64}),
     lambda s: s.looked_anew(), "secret", "Manage Consumer Details"),
    (10, "refresh tokens end when unused", dict(app={"refresh_policy": "inactivity", "refresh_policy_s": 60}),
     lambda s: s.pasted(used_up(s)), "Refresh Token Policy", "Manage Connected|Refresh Token Policy"),
    (11, "two programs renew at once", dict(app={"refresh_busy_ms": 60000}),
     lambda s: s.pasted(busy(s)), "Two programs", "own"),
    (12, "the user was frozen", dict(user={"username": ADMIN, "frozen": True}),
     lambda s: s.looked_anew(), "frozen|froze|inactive", "Unfreeze"),
    (13, "the profile's IP ranges exclude us", dict(user={"username": ADMIN, "ip_restricted": True}),
     lambda s: s.looked_anew(), "Login IP Ranges", "Relax IP restrictions"),
    (13, "the login hours are over", dict(user={"username": ADMIN, "login_hours_closed": True}),
     lambda s: s.looked_anew(), "[Ll]ogin [Hh]ours", "Login Hours"),
    (14, "the password is wrong", {},
     lambda s: s.pasted(s.token(grant_type="password", username=ADMIN, password="wrong")), "not accepted", "login URL"),
    (15, "the user never approved the app", {},
     lambda s: s.pasted(jwt_with(s)), "never approved|approved", "pre-authorized"),
    (16, "the certificate is another one", {},
     lambda s: s.pasted(s.jwt()), "certificate|digital", "digital signatures"),
    (17, "client credentials at the generic host", dict(org={"my_domain": ["acme.my.localorg.example"]}),
     lambda s: s.pasted(s.token(**CC)), "My Domain", "My Domain"),
    (18, "no Run As user", dict(app={"run_as": ""}),
     lambda s: s.looked_anew(), "Run As", "Run As"),
    (18, "the flow is not enabled", dict(app={"client_credentials": False}),
     lambda s: s.looked_anew(), "client credentials|Client Credentials", "Enable Client Credentials Flow"),
    (19, "sessions are locked to the IP", dict(org={"lock_sessions_to_ip": True, "trust_forwarded_for": True}),
     lambda s: s.pasted(other_address(s)), "locked", "Lock sessions"),
    (20, "the profile wants high assurance", dict(user={"username": ADMIN, "high_assurance": True}),
     lambda s: s.looked(), "", "Session Security Level"),
    (21, "the Authorization header is malformed", {},
     lambda s: s.pasted(s.api(authorization="Nonsense x")), "", ""),
    (22, "the user lacks API Enabled", dict(user={"username": ADMIN, "api_enabled": False}),
     lambda s: s.looked(), "API Enabled", "API Enabled"),
    (22, "the edition has no API", dict(org={"api_enabled": False}),
     lambda s: s.looked(), "edition|API", "API"),
    (23, "the day's calls are used up", {},
     lambda s: (s.org.control("POST", "/limits", {"daily_max": 1}), s.looked())[1], "API calls", "rolling 24 hours"),
    (24, "a token that is none", {},
     lambda s: s.pasted(s.api("/services/oauth2/userinfo", "Bearer 00Dxx!gone")), "expired", "Connect again"),
    (25, "the instance has moved", dict(org={"instance_host": "127.0.0.1:9", "moved_answer": "420"}),
     lambda s: s.looked(), "moved", "My Domain"),
    (25, "maintenance", {},
     lambda s: (s.org.control("POST", "/faults", {"path": "/services/data", "effect": "status", "status": 503, "times": 50}),
                s.looked())[1], "Maintenance", "status.salesforce.com"),
    (26, "nobody has signed in yet", {},
     lambda s: s.pasted("our app is missing from Connected Apps OAuth Usage"), "successful sign-in", "Install"),
    (27, "an API-only user in the browser", dict(user={"username": SALES, "api_only": True}),
     lambda s: [f for f in s.pasted(s.authorize()) if "API-only" in f["cause"]], "browser", "--client-credentials"),
    (27, "the connected user got an integration licence", {},
     integration_user, "API-only", "--client-credentials"),
    (28, "no refresh token came", {},
     without_refresh, "refresh_token", "Connect again"),
    (29, "too many sign-ins in an hour", dict(org={"logins_per_hour": 1}),
     lambda s: (s.token(**CC), s.pasted(s.token(**CC)))[1], "3,600", "Wait"),
    (29, "too many sign-ins, seen by the connection", dict(org={"logins_per_hour": 1}),
     lambda s: (s.token(**CC), s.looked_anew())[1], "3,600", "Wait"),
    (30, "the session ends within minutes", dict(org={"session_timeout_s": 600}),
     lambda s: (s.connect(), s.looked())[1], "short timeout", "Session Settings"),
    (31, "the clock of this machine is wrong", {},
     lambda s: (s.shift(900 * 1000), s.looked())[1], "wrong clock", "Set the clock"),
    (19, "the sandbox was refreshed: another org answers there", {},  # the last: nothing is as it was
     lambda s: (s.org.control("POST", "/sandbox-refresh", {}), s.looked())[1], "refreshed", "[Cc]onnect again|argil connect"),
]


def story_each_symptom_leads_doctor_to_its_first_cause():
    s, wrong, told = Stage(), [], set()
    try:
        for row, what, policies, see, cause, fix in ROWS:
            s.begin()
            if policies:
                s.policies(**policies)
            try:
                found = see(s)
            except Exception as error:  # the other rows are told all the same
                wrong.append(f"{row} {what}: {type(error).__name__}: {str(error)[:600]}")
                continue
            first = found[0] if found else {"cause": None, "fix": None, "who": None}
            good = found and first["cause"] and re.search(cause, first["cause"]) and re.search(fix, first["fix"] or "")
            if good and "Setup" in (first["fix"] or ""):
                good = "administrator" in (first["who"] or "")
            if good:
                told.add(row)
            else:
                wrong.append(f"{row} {what}: {first}")
    finally:
        s.w.close()
    assert not wrong, "\n".join(wrong)
    assert told >= set(range(1, 30)), told
