"""Sharing a connection: which one is meant when none is named, who may build with
it, who used it for what, and how it is given up. Told by run.py."""
import getpass
import json
import re
import time
import urllib.parse

from bad_input import Connecting, org_that_gives
from programs import Org, Workspace
from server import Server

ME = getpass.getuser()
TABLE = """
table: {name}
source:
  salesforce: {{ object: Lead, fields: [Id, LastName] }}
columns:
  - name: Write
    salesforce_update:
      object: Lead
      id: "{{{{Id}}}}"
      set: {{ Title: "{{{{LastName}}}}" }}
"""


def refused(done, code, *words):
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    for word in words:
        assert word in done.stderr, (word, done.stderr)


def second(w, name="spare"):
    """Another connection to the same org."""
    w.argil("connect", name, "--url", w.org.url, "--access-token-file", str(w.home / "token"))


def uses(w):
    """(who, what for) of each use that the audit holds, oldest first, and its table's id."""
    with Server(w) as server:
        lines = server.setup("reader@example.com").get("/audit?limit=500")["lines"]
        assert server.admin.get("/audit/check")["lines"] >= len(lines)
    return [(line["who"], line["detail"]["for"], line["detail"].get("table"))
            for line in reversed(lines) if line["what"] == "connection used"]


def story_where_no_connection_is_named_the_default_is_meant():
    with Workspace() as w:
        w.argil("apply", w.recipe(TABLE.format(name="one")))  # the only one there is
        second(w)
        refused(w.run("apply", w.recipe(TABLE.format(name="two"))), 2, "recipe.yaml:4:", "none is the default",
                "argil connection default NAME")
        refused(w.run("connection", "show"), 1, "none is the default")
        assert w.argil("connection", "default") == []
        assert w.run("connection", "default", "spare").returncode == 0
        assert w.argil("connection", "default") == [{"default": "spare"}]
        w.argil("apply", w.recipe(TABLE.format(name="two")))
        tables = {t["name"]: t["connection"] for t in w.argil("table", "list")}
        assert tables == {"one": "demo", "two": "spare"}, tables
        shown = {r["what"]: r["value"] for r in w.argil("connection", "show")}
        assert shown["name"] == "spare" and shown["default"] == "yes", shown
        assert w.argil("doctor", ok=(0, 3))
        assert w.run("connection", "default", "demo").returncode == 0
        assert w.argil("sync", "two")["complete"]
        assert "spare" in w.run("table", "show", "two").stdout, "what is built keeps its connection"
        assert w.run("connection", "default", "--none").returncode == 0
        assert w.argil("connection", "default") == []
        refused(w.run("connection", "default", "nobody"), 1, "nobody")
        assert w.run("connection", "default", "spare").returncode == 0
        assert w.run("connection", "remove", "spare", "--yes").returncode == 0
        assert w.argil("connection", "default") == [], "a connection that is gone is no default"


def story_only_who_is_listed_builds_and_everybody_runs():
    with Workspace() as w:
        w.argil("apply", w.recipe(TABLE.format(name="before")))
        assert w.argil("connection", "access", "demo", "--allow", "ann@acme.example") == [{"may build": "ann@acme.example"}]
        for dry in ((), ("--dry-run",)):
            refused(w.run("apply", w.recipe(TABLE.format(name="after")), *dry), 2, f"{ME} may not build with",
                    "connection.not_a_builder", f"--allow {ME}")
        assert [t["name"] for t in w.argil("table", "list")] == ["before"]
        assert w.argil("sync", "before")["complete"], "what is built runs for everybody"
        assert w.argil("run", "before", "--first", "3", "--yes")["updated"] == 3
        refused(w.run("connection", "access", "demo", "--deny", "ANN@acme.example"), 1, "open to all", "--everyone")
        assert w.argil("connection", "access", "demo", "--allow", ME.upper(), "--deny", "ann@acme.example") == \
            [{"may build": ME.upper()}]
        w.argil("apply", w.recipe(TABLE.format(name="after")))  # letter case does not matter
        assert w.argil("connection", "access", "demo", "--everyone") == []
        shown = {r["what"]: r["value"] for r in w.argil("connection", "show", "demo", "--offline")}
        assert shown["may build with it"] == "everybody who may build", shown


def story_a_name_stays_with_its_org():
    with Workspace() as w, org_that_gives({}) as other:
        before = w.argil("connection", "show", "demo", "--offline")
        c = Connecting(w, url=other.url)
        cookie, asked = c.begin()
        _, _, page = c.ask(f"/callback?code=aPrx.c&state={urllib.parse.quote(asked['state'])}", cookie=cookie)
        for text in (c.end(1), page):
            assert w.org.ready["organization_id"] in text and "00D000000000062EAA" in text, text
            assert "another name" in text, text
        assert any(path.endswith("/revoke") and "canary_refresh" in form for path, form in other.asked)
        assert w.argil("connection", "show", "demo", "--offline") == before
        assert w.argil("connection", "show", "demo")[0]["value"] == "demo", "the first sign-in still works"


def story_each_use_is_in_the_audit():
    with Workspace() as w:
        w.argil("apply", w.recipe(TABLE.format(name="leads")))
        w.argil("sync", "leads")
        w.argil("run", "leads", "--first", "2", "--dry-run")
        w.argil("run", "leads", "--first", "2", "--yes")
        w.argil("connection", "show", "demo", "--objects")
        w.argil("connection", "access", "demo", "--allow", "ann@acme.example")
        assert w.run("apply", w.recipe(TABLE.format(name="other"))).returncode == 2
        said = uses(w)
        assert [(who, what) for who, what, _ in said] == [
            (ME, "building"), (ME, "sync"), (ME, "plan"), (ME, "run"), (ME, "looking"), (ME, "building, refused")], said
        assert {table for _, what, table in said if what in ("building", "sync", "run")} == {1}, said


def settled(person, seconds=60):
    """Waits until every operation of the journal has its end."""
    for _ in range(seconds * 10):
        states = {o["state"] for o in person.ok("GET", "/journal?limit=500")["operations"]}
        if states <= {"done", "rejected", "cancelled"}:
            return
        time.sleep(0.1)
    raise AssertionError(states)


def story_a_connection_with_open_operations_stays_and_names_them():
    with Workspace() as w:
        w.argil("apply", w.recipe(TABLE.format(name="leads")))
        w.argil("sync", "leads")
        assert w.run("run", "leads", "--first", "3", "--yes", env={"ARGIL_CRASH_AT": "K4"}).returncode == -9
        refused(w.run("connection", "remove", "demo"), 5, "--yes")
        done = w.run("connection", "remove", "demo", "--yes")
        refused(done, 1, "3 open operations", "argil journal recover")
        assert len(re.findall(r"operation \d+ is (sending|planned): update Lead 00Q\w{15}", done.stderr)) == 3, done.stderr
        assert w.org.call("GET", "/services/data/v66.0/limits")[0] == 200, "the grant is still there"
        with Server(w) as server:
            ann = server.setup()
            # the server settles them as it starts; once it has, nothing is in the way
            settled(ann)
            ann.ok("DELETE", "/connections/demo")
        assert w.org.call("GET", "/services/data/v66.0/limits")[0] == 401, "revoked at Salesforce"
        assert w.argil("connection", "list") == []


def story_the_callback_url_is_printed_as_the_app_must_list_it():
    with Workspace() as w:
        assert w.run("connection", "callback-url").stdout == "http://127.0.0.1:8461/callback\n"
        assert w.run("connection", "callback-url", "--port", "9000").stdout == "http://127.0.0.1:9000/callback\n"
        told = w.argil("connection", "callback-url")
        assert told == [{"callback_url": "http://127.0.0.1:8461/callback",
                         "scopes": "api refresh_token id openid profile"}], told
        assert w.run("connection", "callback-url", "--port", "70000").returncode == 2


# ----------------------------------------------------------- through a server

def story_a_server_says_the_same():
    with Workspace() as w, Server(w) as server:
        ann = server.setup()
        env = {"ARGIL_DATA": str(w.home / "nowhere"), "ARGIL_URL": server.url,
               "ARGIL_TOKEN": ann.ok("POST", "/tokens", {"name": "x", "scope": "admin"})["text"]}
        ask = lambda *words, **more: w.argil(*words, env=env, **more)  # noqa: E731
        shown = {r["what"]: r["value"] for r in ask("connection", "show")}
        assert shown["profile"] == "System Administrator" and shown["licence"] == "Salesforce", shown
        assert shown["sandbox"] == "no" and int(shown["objects readable"]) > 3, shown
        fields = {f["field"]: f for f in ask("connection", "show", "demo", "--fields", "Lead")}
        assert fields["LastName"]["needed"] == "yes" and fields["Id"]["updatable"] == "no"
        assert {o["object"] for o in ask("connection", "show", "demo", "--objects")} > {"Account", "Lead"}
        assert w.run("connection", "callback-url", env=env).stdout == server.url + "/oauth/callback\n"

        assert w.run("connection", "default", "demo", env=env).returncode == 0
        assert ask("connection", "default") == [{"default": "demo"}]
        assert ann.get("/connections/demo")["is_default"] is True
        assert ask("connection", "access", "demo", "--allow", "bob@acme.example") == [{"may build": "bob@acme.example"}]

        mine = ann.get("/connections/demo")
        assert mine["may_build"] is False, mine
        status, _, answer = ann.call("POST", "/recipes", {"recipe": TABLE.format(name="leads")})
        assert status == 422 and answer["errors"][0]["code"] == "connection.not_a_builder", (status, answer)
        bob = server.user("bob@acme.example", "builder")
        assert bob.get("/connections/demo")["may_build"] is True
        made = bob.ok("POST", "/recipes", {"recipe": TABLE.format(name="leads")})
        assert made["creates"] and bob.get("/tables/leads")["connection"] == "demo"
        draft = {"kind": "salesforce_lookup", "config": {"object": "Lead", "match": {"LastName": "{{LastName}}"},
                                                         "return": ["Id"]}, "row_ids": []}
        status, _, answer = ann.call("POST", "/tables/leads/preview", draft)
        assert status == 422 and "not_a_builder" in json.dumps(answer), (status, answer)
        ann.ok("PUT", "/connections/demo/access", {"builders": []})
        assert ann.call("POST", "/tables/leads/preview", draft)[0] == 200
        who = {(line["who"], line["detail"]["for"]) for line in ann.get("/audit?limit=500")["lines"]
               if line["what"] == "connection used"}
        assert who >= {("ann@example.com", "looking"), ("bob@acme.example", "building"),
                       ("ann@example.com", "building, refused"), ("ann@example.com", "preview")}, who


def story_another_user_takes_over_only_when_that_is_asked_for():
    org = Org()
    app = {"client_id": org.ready["client_id"], "client_secret": org.ready["client_secret"], "login_url": org.url,
           "environment": "local", "grant": "client_credentials"}
    with Workspace(org=org, connect=False) as w:
        w.argil("init")
        with Server(w) as server:
            ann = server.setup()
            ann.ok("POST", "/connections/prod/machine-signin", app)
            ann.ok("POST", "/recipes", {"recipe": TABLE.format(name="leads").replace("[Id, LastName]", "[Id, LastName, Phone]")})
            org.control("POST", "/policies", {"apps": [{"client_id": app["client_id"], "run_as": "sales@localorg.example"}]})
            org.control("POST", "/users", {"username": "sales@localorg.example",
                                           "deny": [{"object": "Lead", "field": "Phone", "access": ["read"]}]})
            status, _, answer = ann.call("POST", "/connections/prod/machine-signin", app)
            assert status == 409 and answer["error"]["code"] == "run.approval_needed", (status, answer)
            assert "signed in as sales@" in answer["error"]["message"], answer
            assert any("Lead.Phone" in e["message"] for e in answer["errors"]), answer
            assert ann.get("/connections/prod")["username"].startswith("admin@"), "nothing was stored"
            ann.ok("POST", "/connections/prod/machine-signin", {**app, "another_user": True})
            assert ann.get("/connections/prod")["username"].startswith("sales@")
            lines = ann.get("/audit?limit=500")["lines"]
            assert [line["detail"].get("user_was") for line in lines if line["what"] == "reconnected"] == \
                ["admin@localorg.example"], lines
    org.stop()
