"""People decide through the API: plans, undo, the field contract, doubts; and why."""
import time

from programs import Workspace
from server import Server

WRITER = """
table: people
source:
  salesforce:
    connection: demo
    object: Contact
    fields: [Id, LastName, Title, Department]
    where: "Email != null"
auto_update: false
columns:
  - name: Write
    salesforce_update:
      connection: demo
      object: Contact
      id: "{{Id}}"
      set: { Department: "{{LastName}}!" }
"""
MAKER = """
table: tasks
source:
  salesforce:
    connection: demo
    object: Contact
    fields: [Id, LastName]
auto_update: false
columns:
  - name: Task
    salesforce_create:
      connection: demo
      object: Task
      set: { Subject: "Call {{LastName}}", WhoId: "{{Id}}" }
"""
CONTRACT = """connection: demo
fields:
  - { field: Contact.Department, rule: always, ticket: OPS-1 }
  - { field: Contact.Title, status: pending }
"""


class Table:
    """A server with the table, read, nothing run."""

    def __init__(self, recipe, name):
        self.recipe, self.name = recipe, name

    def __enter__(self):
        self.w = Workspace()
        self.server = Server(self.w)
        ann = self.ann = self.server.setup()
        ann.ok("POST", "/recipes", {"recipe": self.recipe, "connection": "demo"})
        ann.wait_for_run(ann.ok("POST", f"/tables/{self.name}/syncs", {})["id"])
        return self

    def run(self, **order):
        return self.ann.wait_for_run(self.ann.ok("POST", f"/tables/{self.name}/runs", order)["id"])

    def plan(self, **order):
        return plan_of(self.ann, self.ann.ok("POST", f"/tables/{self.name}/plans", order))

    def __exit__(self, *_):
        self.server.__exit__()
        self.w.close()


def plan_of(person, run):
    """The plan of a dry run, once it is made."""
    person.wait_for_run(run["id"])
    while (plan := person.get(f"/runs/{run['id']}/plan"))["state"] == "being made":
        time.sleep(0.02)
    return plan


def story_a_plan_is_edited_approved_and_applied_as_it_stands():
    with Table(WRITER, "people") as t:
        ann, org = t.ann, t.w.org
        plan = t.plan(first=4)
        assert plan["state"] == "waiting" and plan["writes"] == 4 and plan["who"] == "ann@example.com", plan
        writes = ann.get(f"/plans/{plan['id']}/writes?limit=3")
        rest = ann.get(f"/plans/{plan['id']}/writes?limit=3&after={writes['next']}")
        lines = writes["writes"] + rest["writes"]
        assert len(lines) == 4 and rest["next"] is None, (writes, rest)
        one, two, three, four = lines
        assert one["kind"] == "update" and one["set"]["Department"].endswith("!") and one["before"], one

        def decide(line, **body):
            return ann.call("PUT", f"/plans/{plan['id']}/writes/{line['column_id']}/{line['row_id']}", body)

        assert decide(one, deed="edit", set={"Department": "Mine"})[0] == 200
        assert decide(two, deed="reject", reason="a partner")[2]["rejected"] == 1
        assert decide(three, deed="reject", reason="not sure")[0] == 200
        assert decide(three, deed="restore")[2]["rejected"] == 1
        assert decide(two, deed="reject")[0] == 422, "a rejection gives its reason"
        assert decide(two, deed="edit")[0] == 422 and decide(two, deed="restore", set={"a": 1})[0] == 422
        assert decide(one, deed="edit", set={"Fax": "1"})[0] == 422, "an edit adds no field"
        status, _, body = ann.call("POST", f"/plans/{plan['id']}/apply")
        assert status == 409 and body["error"]["hint"], body
        t.w.org.call("PATCH", f"/services/data/v66.0/sobjects/Contact/{four['target']}", {"Department": "Theirs"})
        assert ann.ok("POST", f"/plans/{plan['id']}/decision", {"approve": True})["decided_by"] == "ann@example.com"
        run = ann.wait_for_run(ann.ok("POST", f"/plans/{plan['id']}/apply")["id"])
        assert run["state"] == "done" and run["report"]["updated"] == 2, run
        after = ann.get(f"/plans/{plan['id']}")
        assert after["state"] == "applied" and after["applied_run"] == run["id"], after
        now = {r["Id"]: r["Department"] for r in org.query("SELECT Id, Department FROM Contact WHERE Email != null")}
        assert now[one["target"]] == "Mine" and now[four["target"]] == "Theirs", "what changed since is held back"
        assert now[three["target"]] == three["set"]["Department"] and now[two["target"]] != two["set"]["Department"]
        assert ann.call("POST", f"/plans/{plan['id']}/apply")[0] == 409, "once"
        assert ann.call("POST", f"/plans/{plan['id']}/decision", {"approve": True})[0] == 409


def story_a_plan_is_rejected_with_a_reason_and_listed():
    with Table(WRITER, "people") as t:
        ann = t.ann
        plan = t.plan(first=2)
        assert ann.call("POST", f"/plans/{plan['id']}/decision", {"approve": False})[0] == 422
        out = ann.ok("POST", f"/plans/{plan['id']}/decision", {"approve": False, "reason": "not now"})
        assert out["state"] == "rejected" and out["reason"] == "not now", out
        second = t.plan(first=1)
        assert [p["id"] for p in ann.get("/plans?state=waiting&table=people")["plans"]] == [second["id"]]
        assert ann.get("/plans?limit=1")["more"] and not ann.get("/plans")["more"]
        assert ann.call("GET", f"/plans/{plan['id']}/writes?after=x")[0] == 422
        server_is_new = [e for e in ann.get("/audit")["lines"] if e["what"].startswith("plan ")]
        assert server_is_new and server_is_new[0]["what"] == "plan rejected", server_is_new


def story_a_run_is_undone_and_the_undo_is_a_run():
    with Table(WRITER, "people") as t:
        ann, org = t.ann, t.w.org
        before = {r["Id"]: r["Department"] for r in org.query("SELECT Id, Department FROM Contact")}
        run = t.run(approve=True, first=5)
        assert run["report"]["updated"] == 5, run
        wrote = [o["record_id"] for o in ann.get(f"/journal?run_id={run['id']}")["operations"]]
        org.call("PATCH", f"/services/data/v66.0/sobjects/Contact/{wrote[0]}", {"Department": "Theirs"})
        look = ann.get(f"/runs/{run['id']}/undo?limit=2")
        assert look["records"] == 5 and look["more"] and len(look["lines"]) == 2, look
        assert look["counts"] == {"restore": 4, "changed since": 1}, look
        undo = ann.wait_for_run(ann.ok("POST", f"/runs/{run['id']}/undo", {})["id"])
        assert undo["kind"] == "undo" and undo["state"] == "done" and undo["scope"]["undoes"] == run["id"], undo
        now = {r["Id"]: r["Department"] for r in org.query("SELECT Id, Department FROM Contact")}
        assert now[wrote[0]] == "Theirs" and all(now[i] == before[i] for i in wrote[1:])
        assert ann.get("/runs?kind=undo")["runs"][0]["id"] == undo["id"]
        assert ann.call("POST", "/runs/1/undo", {})[0] == 409, "a sync wrote nothing"
        why = ann.get(f"/records/{wrote[1]}/why?field=Department&ask=true")
        assert [w["run_kind"] for w in why["writes"]] == ["undo", "run"] and why["verdict"] == "ours", why
        theirs = ann.get(f"/records/{wrote[0]}/why?field=Department&ask=true")
        assert theirs["verdict"] == "changed" and theirs["now"] == "Theirs" and theirs["modified_by"], theirs
        assert ann.get(f"/records/{wrote[0]}/why")["verdict"] == "not asked"
        eve = t.server.user("eve", "viewer")
        assert eve.call("GET", f"/records/{wrote[0]}/why?ask=true")[0] == 403
        assert eve.call("GET", f"/records/{wrote[0]}/why")[0] == 200


def story_the_field_contract_is_read_changed_and_enforced():
    with Table(WRITER, "people") as t:
        ann = t.ann
        address = "/connections/demo/contract"
        status, _, body = ann.call("GET", address)
        assert status == 404 and body["error"]["hint"], body
        assert ann.get(address + "/versions") == {"versions": []}
        dry = ann.ok("PUT", address, {"text": CONTRACT, "dry_run": True})
        assert dry["version"] is None and {c["field"] for c in dry["changes"]} >= {"Contact.Department"}, dry
        assert ann.call("GET", address)[0] == 404
        made = ann.ok("PUT", address, {"text": CONTRACT, "ticket": "OPS-1", "note": "first"})
        assert made["version"] == 1, made
        now = ann.get(address)
        assert now["default"] == "deny" and now["ticket"] == "OPS-1" and now["who"] == "ann@example.com", now
        assert [(f["field"], f["status"]) for f in now["fields"]] == [("Contact.Department", "active"),
                                                                     ("Contact.Title", "pending")], now
        status, _, body = ann.call("PUT", address, {"text": CONTRACT.replace("Department", "Departmnt")})
        assert status == 422 and body["errors"], body
        status, _, body = ann.call("PUT", address, {"text": CONTRACT.replace("demo", "other")})
        assert status == 422, body
        assert ann.call("PUT", address, {})[0] == 422
        status, headers, sheet = ann.call("GET", address + ".csv")
        assert status == 200 and "csv" in headers["Content-Type"] and "Contact.Department" in sheet, sheet
        sheet = sheet.replace("Contact.Department,write,active,always", "Contact.Department,write,active,never")
        assert ann.ok("PUT", address, {"csv": sheet, "note": "by sheet"})["version"] == 2
        assert ann.get(address)["fields"][0]["rule"] == "never" and ann.get(address + "?version=1")["fields"][0]["rule"] == "always"
        assert [v["version"] for v in ann.get(address + "/versions")["versions"]] == [2, 1]
        report = {u["field"]: u for u in ann.get(address + "/report")["uses"]}
        assert report["Contact.Department"]["writers"] == "people.Write", report
        run = t.run(approve=True, first=3)
        assert run["state"] == "failed" and "its rule is never" in run["error"], run


def story_a_write_in_doubt_is_looked_at_put_off_and_settled():
    with Table(MAKER, "tasks") as t:
        ann, org = t.ann, t.w.org
        org.control("POST", "/faults", {"name": "lost", "method": "POST", "path": "/sobjects/Task",
                                        "effect": "drop_before", "times": 1})
        t.run(approve=True, first=1)
        org.control("DELETE", "/faults")
        ops = ann.get("/journal?state=in+doubt")["operations"]
        assert len(ops) == 1, ann.get("/journal")
        address = f"/journal/{ops[0]['id']}"
        card = ann.get(address + "/card?look=true")
        assert card["table"] == "tasks" and card["column"] == "Task" and "no answer" in card["how_far"], card
        assert card["candidates"] == [] and card["looked"], card
        _, made = org.call("POST", "/services/data/v66.0/sobjects/Task", ops[0]["values"])
        found = ann.get(address + "/card?look=true")["candidates"]
        assert [c["id"] for c in found] == [made["id"]] and found[0]["url"].startswith(org.url), found
        later = ann.ok("POST", address + "/verdict", {"verdict": "ask_later", "minutes": 60})
        assert later["state"] == "in doubt" and later["not_before"], later
        assert ann.call("POST", address + "/verdict", {"verdict": "this_is_it"})[0] == 422
        done = ann.ok("POST", address + "/verdict", {"verdict": "this_is_it", "record_id": made["id"]})
        assert done["state"] == "done" and done["record_id"] == made["id"], done
        assert ann.call("POST", address + "/verdict", {"verdict": "give_up"})[0] == 409
