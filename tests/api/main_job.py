"""From a recipe to written records, through the API alone."""
import signal

import deciding
from programs import Workspace
from server import Person, Server, bare

RECIPE = """
table: people
source:
  salesforce:
    connection: demo
    object: Contact
    fields: [Id, FirstName, LastName, Email, Description]
    where: "Email != null"
columns:
  - name: Greeting
    formula: "'Dear ' + {{FirstName}} + ' ' + {{LastName}}"
  - name: Write back
    salesforce_update:
      connection: demo
      object: Contact
      id: "{{Id}}"
      set: { Description: "{{Greeting}}" }
"""


def story_a_table_is_made_filled_computed_and_written_back():
    with Workspace() as w, Server(w) as server:
        ann = server.setup()
        assert ann.get("/tables") == {"tables": []}
        dry = ann.ok("POST", "/recipes", {"recipe": RECIPE, "dry_run": True, "connection": "demo"})
        assert dry["creates"] and not dry["applied"] and ann.get("/tables")["tables"] == []
        made = ann.ok("POST", "/recipes", {"recipe": RECIPE, "connection": "demo"})
        assert made["applied"] and made["table"] == "people", made
        with ann.events() as events:
            hello = events.next("hello")
            assert hello["boot"]
            sync = ann.ok("POST", "/tables/people/syncs", {})
            assert sync["state"] in ("queued", "running") and sync["who"] == "ann@example.com", sync
            ended = ann.wait_for_run(sync["id"])
            assert ended["state"] == "done", ended
            events.next("rows", lambda data: data["table_id"] == sync["table_id"])
            table = ann.get("/tables/people")
            assert table["row_count"] == w.org.count("SELECT COUNT() FROM Contact WHERE Email != null")

            refused = ann.wait_for_run(ann.ok("POST", "/tables/people/runs", {})["id"])
            assert refused["state"] == "stopped" and "for the first time" in refused["error"], refused
            run = ann.ok("POST", "/tables/people/runs", {"approve": True, "first": 20})
            ended = ann.wait_for_run(run["id"])
            assert ended["state"] == "done" and ended["report"]["updated"] == 20, ended
            events.next("run", lambda data: data["run_id"] == run["id"])
            events.next("journal")

        window = ann.get("/tables/people/rows?limit=3")
        names = [c["name"] for c in table["columns"]]
        greeting, write = names.index("Greeting"), names.index("Write back")
        row = window["rows"][0]
        assert row["cells"][greeting].startswith("Dear "), row
        assert window["next"] == window["rows"][-1]["id"] and window["total"] == table["row_count"]
        after = ann.get(f"/tables/people/rows?limit=3&after={window['next']}")
        assert after["rows"][0]["id"] > window["next"]
        last = ann.get("/tables/people/rows?ids=25")["rows"][0]
        assert last["cells"][write]["s"] == "due", last
        cell = ann.get(f"/tables/people/rows/{row['id']}/cells/{table['columns'][-1]['id']}")
        assert cell["operation"]["state"] == "done" and cell["inputs"], cell
        assert w.org.query(f"SELECT Description FROM Contact WHERE Id = '{row['key']}'")[0]["Description"] == \
            row["cells"][greeting]
        assert ann.get("/journal/counts")["states"]["done"] == 20
        listed = ann.get("/journal?state=done&limit=5")
        assert len(listed["operations"]) == 5 and listed["next"]
        assert ann.get("/tables/people/recipe")["recipe"] == RECIPE
        states = ann.get("/tables/people/states")
        assert states["waiting"] == table["row_count"] - 20, states


def story_a_refused_recipe_names_each_mistake_with_its_line():
    with Workspace() as w, Server(w) as server:
        ann = server.setup()
        status, _, body = ann.call("POST", "/recipes", {"recipe": RECIPE.replace("LastName, ", "LastNam, "),
                                                        "connection": "demo"})
        assert status == 422 and body["error"]["code"] == "recipe.refused", (status, body)
        assert any("LastNam" in e["message"] and e["where"].startswith("recipe:7:") for e in body["errors"]), body
        assert ann.get("/tables")["tables"] == []


def story_a_runner_runs_and_a_builder_approves():
    with Workspace() as w, Server(w) as server:
        ann = server.setup()
        ann.ok("POST", "/recipes", {"recipe": RECIPE, "connection": "demo"})
        bob = server.user("bob", "runner")
        bob.wait_for_run(bob.ok("POST", "/tables/people/syncs", {})["id"])
        for body in ({"approve": True}, {"force_new": True}):
            status, _, answer = bob.call("POST", "/tables/people/runs", body)
            assert status == 403 and answer["error"]["code"] == "auth.role", answer
        assert bob.wait_for_run(bob.ok("POST", "/tables/people/runs", {"first": 2})["id"])["state"] == "stopped"
        ann.wait_for_run(ann.ok("POST", "/tables/people/runs", {"first": 2, "approve": True})["id"])
        run = bob.wait_for_run(bob.ok("POST", "/tables/people/runs", {"first": 4})["id"])
        assert run["state"] == "done" and run["report"]["updated"] == 2 and run["who"] == "bob", run


def story_rows_that_are_picked_run_alone():
    with Workspace() as w, Server(w) as server:
        ann = server.setup()
        ann.ok("POST", "/recipes", {"recipe": RECIPE, "connection": "demo"})
        ann.ok("PUT", "/tables/people/auto-update", {"on": False})  # else the sync runs what it made due
        ann.wait_for_run(ann.ok("POST", "/tables/people/syncs", {})["id"])
        run = ann.wait_for_run(ann.ok("POST", "/tables/people/runs",
                                      {"column": "Greeting", "row_ids": [9, 3, 5]})["id"])
        assert run["state"] == "done" and run["report"]["computed"] == 3, run
        rows = ann.get("/tables/people/rows?limit=6")["rows"]
        greetings = [r["cells"][5] for r in rows]
        assert isinstance(greetings[2], str) and isinstance(greetings[4], str), greetings
        assert greetings[0] is None and greetings[3] is None, greetings


def story_a_plan_says_what_would_be_written_and_writes_nothing():
    with Workspace() as w, Server(w) as server:
        ann = server.setup()
        ann.ok("POST", "/recipes", {"recipe": RECIPE, "connection": "demo"})
        ann.wait_for_run(ann.ok("POST", "/tables/people/syncs", {})["id"])
        run = ann.wait_for_run(ann.ok("POST", "/tables/people/plans", {"first": 8})["id"])
        assert run["state"] == "done", run
        plan = deciding.plan_of(ann, run)
        assert plan["writes"] == 8 and plan["state"] == "waiting", plan
        write = ann.get(f"/plans/{plan['id']}/writes")["writes"][0]
        assert write["kind"] == "update" and write["set"]["Description"].startswith("Dear "), write
        assert "Description" in write["before"] and write["target"] == write["row_key"], write
        assert ann.get("/journal/counts")["total"] == 0
        whole = ann.wait_for_run(ann.ok("POST", "/tables/people/plans", {})["id"])
        assert deciding.plan_of(ann, whole)["writes"] == 1788
        status, _, body = ann.call("GET", "/runs/1/plan")
        assert status == 404 and body["error"]["hint"], body


def story_a_column_is_shown_before_it_is_there():
    with Workspace() as w, Server(w) as server:
        ann = server.setup()
        ann.ok("POST", "/recipes", {"recipe": RECIPE, "connection": "demo"})
        ann.wait_for_run(ann.ok("POST", "/tables/people/syncs", {})["id"])

        def preview(kind, config, **more):
            return ann.call("POST", "/tables/people/preview",
                            {"kind": kind, "config": config, "row_ids": [1, 2, 3, 99999], **more})

        status, _, body = preview("formula", {"formula": "{{LastName}}.length"}, type="number")
        assert status == 200 and len(body["rows"]) == 3 and body["rows"][0]["value"].isdigit(), body
        status, _, body = preview("salesforce_lookup", {"connection": "demo", "object": "Lead",
                                                        "match": {"Email": "{{Email}}"}, "return": ["Id"]})
        assert status == 200 and body["calls"] >= 1 and {r["state"] for r in body["rows"]} <= {"ok", "no result"}, body
        status, _, body = preview("salesforce_update", {"connection": "demo", "object": "Contact", "id": "{{Id}}",
                                                        "set": {"Title": "Boss"}})
        assert status == 200 and body["rows"][0]["write"]["set"] == {"Title": "Boss"}, body
        assert ann.get("/journal/counts")["total"] == 0
        status, _, body = preview("salesforce_update", {"connection": "demo", "object": "Contact", "id": "{{Id}}",
                                                        "set": {"Titel": "Boss"}})
        assert status == 422 and body["errors"][0]["where"] == "set/Titel" and "Title" in body["errors"][0]["hint"], body
        status, _, body = preview("formula", {"formula": "1 +"})
        assert status == 422 and body["errors"][0]["where"] == "formula", body
        status, _, body = preview("formla", {})
        assert status == 422 and "formula" in body["error"]["hint"], body
        kinds = {k["name"] for k in ann.get("/column-kinds")["kinds"]}
        assert {"formula", "salesforce_lookup", "http"} <= kinds
        sources = {k["name"]: k for k in ann.get("/source-kinds")["kinds"]}
        assert {o["name"] for o in sources["salesforce_object"]["options"]} >= {"object", "where"}
        due = ann.get("/schedules")["schedules"]
        assert due[0]["table"] == "people" and due[0]["every"] and due[0]["next"], due


CSV = """
table: leads
source:
  csv: { fields: [Email, Name, Zip] }
  unique_by: [Email]
columns:
  - name: Length
    formula: "{{Name}}.length"
"""


HOOK = """
table: signups
source:
  webhook:
    fields: [email, {company.name: Company}]
    rate_limit: 3/h
  unique_by: [email]
columns:
  - name: Length
    formula: "{{email}}.length"
"""


def story_a_webhook_takes_rows_that_are_on_disk_when_it_says_so():
    with bare() as w, Server(w) as server:
        ann = server.setup()
        ann.ok("POST", "/recipes", {"recipe": HOOK})
        listed = ann.get("/tables/signups")["sources"]
        assert [s["kind"] for s in listed] == ["webhook"] and listed[0]["row_count"] == 0, listed
        stranger = Person(server)
        hook = "/hooks/signups/" + listed[0]["name"]

        def send(body, key):
            return stranger.call("POST", hook, body, headers={"Authorization": "Bearer " + key})

        assert send({"email": "a@x"}, "none yet")[0] == 401
        made = ann.ok("POST", f"/tables/signups/sources/{listed[0]['name']}/key")
        key = made["key"]
        assert made["path"] == "/api/v1" + hook, made
        missing = stranger.call("POST", "/hooks/nothing/here", {}, headers={"Authorization": "Bearer " + key})
        wrong = send({"email": "a@x"}, key[:-1] + ("A" if key[-1] != "A" else "B"))
        assert wrong[0] == missing[0] == 401 and wrong[2]["error"]["message"] == missing[2]["error"]["message"], \
            "a stranger can tell which webhooks there are"
        status, _, got = send([{"email": "a@x", "company": {"name": "Acme"}}, {"email": "bb@x"}], key)
        assert status == 202 and got == {"rows": 2, "added": 2, "changed": 0}, got
        server.stop(signal.SIGKILL)
        server.start()
        rows = ann.get("/tables/signups/rows")["rows"]
        assert [r["cells"][:2] for r in rows] == [["a@x", "Acme"], ["bb@x", None]], rows
        status, _, got = send([{"email": "c@x"}, 7], key)
        assert status == 422 and got["error"]["code"] == "webhook.shape", got
        assert send({"email": "ccc@x"}, key)[0] == 202
        for run in ann.get("/runs?table=signups")["runs"]:
            assert ann.wait_for_run(run["id"])["state"] in ("done", "interrupted"), run
        assert [r["cells"][2] for r in ann.get("/tables/signups/rows")["rows"]] == ["3", "4", "5"], \
            "the formula did not run by itself"
        assert send({"email": "d@x"}, key)[0] == 202
        status, headers, got = send({"email": "e@x"}, key)
        assert status == 429 and int(headers["Retry-After"]) > 60, (status, got)
        assert len(ann.get("/tables/signups/rows")["rows"]) == 4
        assert key not in server.said(), "the key is in the log"


def story_a_file_comes_in_pieces_and_becomes_rows():
    with bare() as w, Server(w) as server:
        ann = server.setup()
        ann.ok("POST", "/recipes", {"recipe": CSV})
        lines = ["Email,Name,Zip"] + [f'p{i}@x.example,"Person, {i}",{i:05}' for i in range(5000)]
        data = "\r\n".join(lines + ["broken@x.example,too,many,values", ""]).encode()
        up = ann.ok("POST", "/uploads", {"name": "../../etc/leads.csv"})
        octets = {"Content-Type": "application/octet-stream"}
        pieces = [data[:10], data[10:100001], data[100001:]]
        at = 0
        for piece in pieces:
            status, _, got = ann.call("PUT", f"/uploads/{up['id']}?at={at}", raw=piece, headers=octets)
            at += len(piece)
            assert status == 200 and got["received"] == at, got
            status, _, got = ann.call("PUT", f"/uploads/{up['id']}?at={at - len(piece)}", raw=piece, headers=octets)
            assert status == 409 and str(at) in got["error"]["message"], got
        eve = server.user("eve", "runner")
        assert eve.call("GET", f"/uploads/{up['id']}")[0] == 404
        assert eve.call("POST", "/tables/leads/uploads", {"upload": up["id"]})[0] == 404
        run = ann.wait_for_run(ann.ok("POST", "/tables/leads/uploads", {"upload": up["id"]})["id"])
        assert run["state"] == "done", run
        rows = ann.get("/tables/leads/rows?limit=2")["rows"]
        assert rows[0]["cells"][:3] == ["p0@x.example", "Person, 0", "00000"], rows
        assert ann.get("/tables/leads")["row_count"] >= 5000, run
        rejects = ann.get("/tables/leads/sources/source/rejects")["rejects"]
        assert len(rejects) == 1 and rejects[0]["message"], rejects
        assert ann.call("GET", f"/uploads/{up['id']}")[0] == 404
        assert not list((w.home / "data" / "incoming").iterdir()), "what was uploaded lies around"
        for i in range(8):
            last = ann.ok("POST", "/uploads", {"name": "x"})
        assert ann.call("POST", "/uploads", {"name": "x"})[0] == 429
        ann.ok("DELETE", f"/uploads/{last['id']}")
        assert ann.call("PUT", f"/uploads/{last['id']}?at=0", raw=b"x", headers=octets)[0] == 404
