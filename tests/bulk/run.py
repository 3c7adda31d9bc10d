#!/usr/bin/env python3
"""Writes that travel as Bulk jobs, end to end: what they carry, what becomes of each row, and
that a kill, a lost answer or a job that stops neither doubles nor loses one."""
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/support_py"))
from programs import Org, Workspace, main  # noqa: E402

ORG = Org(scale=1)
API = "/services/data/v66.0"


def create_many(obj, records):
    """Ids of new records, 200 a call."""
    ids = []
    for at in range(0, len(records), 200):
        status, body = ORG.call("POST", API + "/composite/sobjects", {"allOrNone": True, "records": [
            {"attributes": {"type": obj}, **r} for r in records[at:at + 200]]},
            {"Sforce-Duplicate-Rule-Header": "allowSave=true"})
        assert status == 200 and all(r["success"] for r in body), body
        ids += [r["id"] for r in body]
    return ids


def people(tag, count, **more):
    return create_many("Contact", [{"LastName": f"{tag} {n:03d}", "Email": f"{tag.lower()}{n}@bulk.example", **more}
                                   for n in range(count)])


def rows(w, table):
    return [json.loads(line) for line in w.run("export", table, "--json").stdout.splitlines()]


def as_json(value):
    return json.loads(value) if isinstance(value, str) and value[:1] in "[{" else value


def table(w, name, tag, columns, fields="Id, LastName, Email, Title, Description, Department", guard="", ok=(0,), where=None):
    done = w.argil("apply", w.recipe(f"""
table: {name}
source:
  salesforce: {{ connection: demo, object: Contact, fields: [{fields}], where: "{where or f"LastName LIKE '{tag} %'"}" }}
columns:
{columns}
{guard}
""", name + ".yaml"), ok=ok)
    if ok == (0,):
        w.argil("sync", name)
    return done


LEADS = """
  - name: New lead
    type: json
    salesforce_create:
      connection: demo
      object: Lead
      transport: bulk
      set: { LastName: "{{LastName}}", Company: "{{Department}}", Email: "{{Email}}", Description: "{{Description}}" }
"""
# nothing that tells two of them apart, and no key field: only the job can say what became of each
TASKS = """
  - name: Task
    type: json
    salesforce_create:
      connection: demo
      object: Task
      transport: bulk
      set: { Subject: "%s", Description: "the same for all" }
"""


def jobs():
    return ORG.get(API + "/jobs/ingest")["records"]


def waiting():
    return {j["id"] for j in jobs() if j["state"] in ("Open", "UploadComplete", "InProgress")}


def settled(w, total):
    counts = w.journal()
    assert counts["done"] == total == counts["total accepted"], counts


def run_to_the_end(w, name, times=6, **more):
    """Runs until nothing is left to do; the last report."""
    for _ in range(times):
        run = w.argil("run", name, "--yes", ok=(0, 3, 4, 5), **more)
        if not any(w.journal().get(s) for s in ("planned", "sending", "retry safe", "unknown", "reconciling")):
            return run
    raise AssertionError(("never ends", w.journal()))


# ------------------------------------------------------------------ what is carried


def story_values_arrive_as_they_are():
    odd = {0: 'quote " and, comma', 1: "two\nlines", 2: " space around ", 3: "Zoë 漢字 😀", 4: "null", 5: "#N/A",
           6: "carriage\r\nreturn", 7: "'; DROP"}
    ids = people("Values", 40, Department="Dept")
    for n, text in odd.items():
        ORG.call("PATCH", f"{API}/sobjects/Contact/{ids[n]}", {"Description": text})
    with Workspace(org=ORG) as w:
        table(w, "values", "Values", LEADS)
        before = len(jobs())
        run = w.argil("run", "values", "--yes")
        # one value would clear its field in a Bulk job, one would lose its carriage return: those rows go beside it
        assert run["created"] == 40 and run["sent_bulk"] == 38 and run["bulk_jobs"] == 1, run
        assert run["sent_collections"] + run["sent_single"] == 2, run
        assert len(jobs()) == before + 1
        leads = {r["Id"]: r for r in ORG.query("SELECT Id, LastName, Email, Description FROM Lead WHERE LastName LIKE 'Values %'")}
        held = {r["Id"]: r["Description"] for r in ORG.query("SELECT Id, Description FROM Contact WHERE LastName LIKE 'Values %'")}
        assert len(leads) == 40
        for row in rows(w, "values"):
            lead = leads[as_json(row["New lead"])["id"]]
            assert lead["LastName"] == row["LastName"], ("the results went to other rows", row, lead)
            assert lead["Description"] == held[row["Id"]], (lead, held[row["Id"]])
        again = w.argil("run", "values", "--yes", "--rows", "all")
        assert again["created"] == 0 and again["unchanged"] == 40, again
        settled(w, 40)


def story_changes_clear_keep_and_compare():
    ids = people("Change", 30, Title="old", Department="D")
    with Workspace(org=ORG) as w:
        table(w, "change", "Change", """
  - name: New title
    formula: "{{LastName}} == 'Change 003' ? '' : 'new ' + {{LastName}}"
  - name: Write
    salesforce_update:
      connection: demo
      object: Contact
      id: "{{Id}}"
      transport: bulk
      ignore_blank_values: false
      set: { Title: "{{New title}}", Department: null }
""")
        run = w.argil("run", "change", "--yes")
        assert run["updated"] == 30 and run["sent_bulk"] == 30, run
        held = {r["LastName"]: r for r in ORG.query("SELECT LastName, Title, Department FROM Contact WHERE LastName LIKE 'Change %'")}
        assert held["Change 003"]["Title"] is None, held["Change 003"]
        assert held["Change 004"]["Title"] == "new Change 004"
        assert {r["Department"] for r in held.values()} == {None}
        undone = w.argil("undo", str(run["run"]), ok=(0, 3))
        assert sum(line["what"] == "restore" for line in undone) == 60, undone[:5]
        assert ORG.count("SELECT COUNT() FROM Contact WHERE LastName LIKE 'Change %' AND Title = 'old' AND Department = 'D'") == 30
        assert ids


def meanwhile(tag):
    ids = people(tag, 12, Title="old")
    with Workspace(org=ORG) as w:
        table(w, "meanwhile", tag, """
  - name: Write
    salesforce_update: { connection: demo, object: Contact, id: "{{Id}}", transport: bulk, set: { Title: ours } }
""")
        # planned and then killed; somebody changes one record before the next run sends
        w.run("run", "meanwhile", "--yes", env={"ARGIL_CRASH_AT": "K3"})
        assert w.journal()["planned"] == 12, w.journal()
        ORG.call("PATCH", f"{API}/sobjects/Contact/{ids[5]}", {"Title": "theirs"})
        run = w.argil("run", "meanwhile", "--yes", ok=(0, 3))
        assert run["sent_bulk"] == 11 and run["updated"] == 11 and run["in_doubt"] == 1, run
        assert ORG.query(f"SELECT Title FROM Contact WHERE Id = '{ids[5]}'")[0]["Title"] == "theirs"


def story_what_changed_meanwhile_goes_by_itself():
    meanwhile("Meanwhile")
    ORG.control("POST", "/clock", {"freeze": True})  # all of it in one second: the stamps are equal
    try:
        meanwhile("Instant")
    finally:
        ORG.control("POST", "/clock", {"freeze": False})


def story_upserts_by_key_and_deletes():
    ORG.control("POST", "/schema", {"object": "Lead", "fields": [
        {"name": "Bulk_Key__c", "label": "Bulk key", "type": "string", "length": 40, "externalId": True,
         "idLookup": True, "unique": True}]})
    people("Upsert", 25)
    create_many("Lead", [{"LastName": "there", "Company": "C", "Bulk_Key__c": f"UPSERT{n}@BULK.EXAMPLE"} for n in range(5)])
    with Workspace(org=ORG) as w:
        table(w, "upsert", "Upsert", """
  - name: Push
    salesforce_upsert:
      connection: demo
      object: Lead
      external_id: Bulk_Key__c
      transport: bulk
      set: { Bulk_Key__c: "{{Email}}", LastName: "{{LastName}}", Company: Upserted }
""")
        run = w.argil("run", "upsert", "--yes")
        assert run["sent_bulk"] == 25, run
        made = ORG.query("SELECT Bulk_Key__c, LastName FROM Lead WHERE Company = 'Upserted'")
        assert len(made) == 25 and ORG.count("SELECT COUNT() FROM Lead WHERE Bulk_Key__c LIKE 'upsert%'") == 25
        table(w, "gone", "Upsert", """
  - name: Delete
    salesforce_delete: { connection: demo, object: Lead, match: { Bulk_Key__c: "{{Email}}" }, transport: bulk }
""", guard="guard: { may_delete: [Lead] }")
        run = w.argil("run", "gone", "--yes")
        assert run["deleted"] == 25 and run["sent_bulk"] == 25, run
        assert ORG.count("SELECT COUNT() FROM Lead WHERE Company = 'Upserted'") == 0


def story_rows_with_one_key_become_one_record():
    create_many("Contact", [{"LastName": f"Fold {n:03d}", "Email": f"fold{n % 10}@bulk.example"} for n in range(30)])
    with Workspace(org=ORG) as w:
        table(w, "fold", "Fold", """
  - name: Lead
    type: json
    salesforce_create:
      connection: demo
      object: Lead
      transport: bulk
      set: { LastName: Folded, Company: "C", Email: "{{Email}}" }
      unless_found: { Email: "{{Email}}" }
""")
        run = w.argil("run", "fold", "--yes")
        assert run["created"] == 10 and run["adopted"] == 20, run
        assert ORG.count("SELECT COUNT() FROM Lead WHERE LastName = 'Folded'") == 10


# ------------------------------------------------------------------ the choice


def story_the_way_is_chosen_by_cost_and_told():
    people("Choice", 20, Department="D")
    with Workspace(org=ORG) as w:
        table(w, "choice", "Choice", LEADS.replace("      transport: bulk\n", ""))
        plan = w.argil("run", "choice", "--dry-run")
        assert plan["sent_collections"] == 20 and plan["sent_bulk"] == 0 and plan["write_calls"] == 1, plan
        forced = w.recipe((w.home / "choice.yaml").read_text().replace("object: Lead", "object: Lead\n      transport: bulk"), "f.yaml")
        w.argil("apply", forced)
        plan = w.argil("run", "choice", "--dry-run")
        assert plan["sent_bulk"] == 20 and plan["write_calls"] > 1, plan
        said = w.run("run", "choice", "--yes").stdout
        assert "Bulk" in said, said


def story_on_either_side_of_its_price_the_way_is_chosen_by_itself():
    """A thousand records go in a call; a job costs some calls whatever it holds, and pays from there on."""
    count = 28100
    with Workspace(org=ORG) as w:
        (w.home / "price.csv").write_text("Name\n" + "".join(f"Price {n}\n" for n in range(count)))
        w.argil("apply", w.recipe("""
table: price
source: { csv: { file: price.csv, fields: [Name] } }
columns:
  - name: Lead
    salesforce_create: { connection: demo, object: Lead, set: { LastName: "{{Name}}", Company: Price } }
"""))
        w.argil("sync", "price")
        few = w.argil("run", "price", "--dry-run", "--first", "28000")
        many = w.argil("run", "price", "--dry-run")
        assert (few["sent_collections"], few["sent_bulk"], few["write_calls"]) == (28000, 0, 28), few
        assert (many["sent_collections"], many["sent_bulk"]) == (0, count) and many["write_calls"] * 2 < count / 1000, many
        before = len(jobs())
        run = w.argil("run", "price", "--yes")
        assert (run["created"], run["sent_collections"], run["sent_bulk"], len(jobs())) == (count, 0, count, before + 1), run
        assert ORG.count("SELECT COUNT() FROM Lead WHERE Company = 'Price'") == count
        settled(w, count)


def story_jobs_of_few_bytes_give_each_row_its_own_result():
    ids = people("Bytes", 40, Department="D")
    for n in range(0, 40, 5):
        ORG.call("PATCH", f"{API}/sobjects/Contact/{ids[n]}", {"Description": "long " * 300})
    ORG.call("PATCH", f"{API}/sobjects/Contact/{ids[7]}", {"Title": "Bad"})
    ORG.control("POST", "/rules", {"name": "Bytes_VR", "object": "Lead", "when": "Title = 'Bad'", "message": "Not this one.", "field": "Title"})
    try:
        with Workspace(org=ORG) as w:
            table(w, "bytes", "Bytes", LEADS.replace('Email: "{{Email}}"', 'Email: "{{Email}}", Title: "{{Title}}"'))
            run = w.argil("run", "bytes", "--yes", ok=(3,), env={"ARGIL_BULK_BYTES": "3000"})
            # 8 rows of 1,500 bytes and 32 short ones: one that is larger than a job may be goes in a job of its own
            assert run["created"] == 39 and run["rejected"] == 1 and run["sent_bulk"] == 40 and run["bulk_jobs"] >= 5, run
            leads = {r["Id"]: r for r in ORG.query("SELECT Id, LastName, Email, Description FROM Lead WHERE LastName LIKE 'Bytes %'")}
            assert len(leads) == 39
            for row in rows(w, "bytes"):
                made = as_json(row["New lead"])
                if row["Title"] == "Bad":
                    assert made is None, row
                else:
                    lead = leads.pop(made["id"])
                    assert (lead["LastName"], lead["Email"]) == (row["LastName"], row["Email"].lower()), (lead, row)
            assert not leads
    finally:
        ORG.control("POST", "/rules", {"name": "Bytes_VR", "object": "Lead", "active": False, "when": "Title = 'x'", "message": "-", "field": "Title"})


def story_what_a_job_cannot_do_goes_another_way_or_is_refused():
    people("Cannot", 8, Department="D")
    with Workspace(org=ORG) as w:
        refused = w.run("apply", w.recipe(f"""
table: cannot
source: {{ salesforce: {{ connection: demo, object: Contact, fields: [Id, LastName], where: "LastName LIKE 'Cannot %'" }} }}
columns:
  - name: New lead
    salesforce_create:
      connection: demo
      object: Lead
      transport: bulk
      duplicate_rule_override: true
      set: {{ LastName: "{{{{LastName}}}}", Company: C }}
"""))
        assert refused.returncode == 2 and "duplicate rule" in refused.stderr, refused.stderr
        ORG.control("POST", "/limits", {"bulk_daily_batches": 0})
        try:
            table(w, "cannot", "Cannot", LEADS + TASKS % "Cannot")
            run = w.argil("run", "cannot", "--yes", ok=(4,))
            assert "daily limit" in " ".join(r["message"] for r in run["refusals"]), run
            # the quota is used up: leads have another way, tasks without a key wait for the next day's job
            assert ORG.count("SELECT COUNT() FROM Lead WHERE LastName LIKE 'Cannot %'") == 8, run
            assert ORG.count("SELECT COUNT() FROM Task WHERE Subject = 'Cannot'") == 0
        finally:
            ORG.control("POST", "/limits", {"bulk_daily_batches": 15000})
        run_to_the_end(w, "cannot")
        assert ORG.count("SELECT COUNT() FROM Task WHERE Subject = 'Cannot'") == 8


def story_rules_of_the_org_hold_in_bulk():
    ORG.control("POST", "/rules", {"name": "Bulk_DR", "object": "Lead", "fields": ["Email"], "action": "alert",
                                   "message": "Use one of these records?"})
    ORG.control("POST", "/rules", {"name": "Bulk_VR", "object": "Lead", "when": "Description = 'Forbidden'",
                                   "message": "This text: is not used here.", "field": "Description"})
    ids = people("Rules", 10, Department="D")
    create_many("Lead", [{"LastName": "there", "Company": "C", "Email": "rules1@bulk.example"}])
    ORG.call("PATCH", f"{API}/sobjects/Contact/{ids[2]}", {"Description": "Forbidden"})
    try:
        with Workspace(org=ORG) as w:
            table(w, "rules", "Rules", LEADS)
            run = run_to_the_end(w, "rules")
            said = " | ".join(r["message"] for r in run["refusals"])
            assert run["created"] == 8 and run["rejected"] == 2, run
            assert "This text: is not used here." in said and "Description" in said, said
            assert "Use one of these records?" in said, said
    finally:
        for name in ("Bulk_DR", "Bulk_VR"):
            ORG.control("POST", "/rules", {"name": name, "object": "Lead", "active": False, "fields": ["Email"],
                                           **({"when": "Title = 'x'", "message": "-"} if "VR" in name else {})})


def story_assignment_rules_run_as_they_do_for_single_records():
    users = ORG.query("SELECT Id FROM User WHERE IsActive = true ORDER BY Id LIMIT 3")
    people("Assigned", 6, Department="assigned")
    ORG.control("POST", "/rules", {"name": "Bulk assignment", "object": "Lead", "assignment": [
        {"when": "Company = 'assigned'", "owner": users[-1]["Id"]}]})
    try:
        with Workspace(org=ORG) as w:
            table(w, "assigned", "Assigned", LEADS)
            assert w.argil("run", "assigned", "--yes")["sent_bulk"] == 6
            table(w, "kept", "Assigned", LEADS.replace("{{Email}}", "x{{Email}}").replace("transport: bulk", "transport: bulk\n      auto_assign: off"))
            assert w.argil("run", "kept", "--yes")["sent_bulk"] == 6
            owners = [r["OwnerId"] for r in ORG.query("SELECT OwnerId FROM Lead WHERE Company = 'assigned'")]
            assert owners.count(users[-1]["Id"]) == 6 and len(owners) == 12, (owners, users)
    finally:
        ORG.control("POST", "/rules", {"name": "Bulk assignment", "object": "Lead", "active": False, "assignment": [
            {"when": "Company = 'assigned'", "owner": users[-1]["Id"]}]})


# ------------------------------------------------------------------ ticketed


def story_without_a_key_the_job_is_the_proof():
    people("Ticket", 12)
    with Workspace(org=ORG) as w:
        table(w, "ticket", "Ticket", TASKS % "Ticketed")
        shown = {r["what"]: r["value"] for r in w.argil("column", "show", "ticket", "Task")}
        assert shown["mode"] == "ticketed", shown
        run = w.argil("run", "ticket", "--yes")
        assert run["created"] == 12 and run["sent_bulk"] == 12, run
        ids = {as_json(r["Task"])["id"] for r in rows(w, "ticket")}
        assert len(ids) == 12, "each record belongs to one row"
        assert ids == {r["Id"] for r in ORG.query("SELECT Id FROM Task WHERE Subject = 'Ticketed'")}


# ------------------------------------------------------------------ killed anywhere


def story_a_kill_at_any_point_neither_doubles_nor_loses():
    people("Kill", 25, Department="D")
    points = ["K3", "B1", "B2", "B3:2", "B4", "B5", "B6", "B6:4"]
    for n, point in enumerate(points):
        open_before = waiting()
        with Workspace(org=ORG) as w:
            table(w, "kill", "Kill", (LEADS.replace('"{{Department}}"', f'"kill {n}"').replace("{{Email}}", f"{n}.{{{{Email}}}}") + TASKS % f"kill {n}"))
            small = {"ARGIL_BULK_ROWS": "10"}
            killed = w.run("run", "kill", "--yes", env={**small, "ARGIL_CRASH_AT": point})
            assert killed.returncode not in (0, 3), (point, killed.stdout)
            run_to_the_end(w, "kill", env=small)
            leads = ORG.query(f"SELECT LastName FROM Lead WHERE Company = 'kill {n}'")
            assert sorted(r["LastName"] for r in leads) == sorted(r["LastName"] for r in rows(w, "kill")), (point, len(leads))
            tasks = ORG.count(f"SELECT COUNT() FROM Task WHERE Subject = 'kill {n}'")
            assert tasks == 25, (point, tasks)
            settled(w, 50)
            assert len({as_json(r["Task"])["id"] for r in rows(w, "kill")}) == 25, point
        # what was made and never begun is given up by the next life; but for a job whose id no disk
        # has (K3, B1): it holds no row, and cannot be told from another program's of the same user
        left = waiting() - open_before
        assert len(left) == (point in ("K3", "B1")), (point, left)


def story_a_lost_answer_at_any_step_neither_doubles_nor_loses():
    people("Lost", 6, Department="D")
    steps = [("POST", "/jobs/ingest"), ("PUT", "/batches"), ("PATCH", "/jobs/ingest/"), ("GET", "/jobs/ingest/750"),
             ("GET", "/successfulResults"), ("GET", "/failedResults"), ("GET", "/unprocessedrecords")]
    n = 0
    for method, path in steps:
        for effect in ("drop_before", "drop_after", "cut"):
            n += 1
            ORG.control("POST", "/faults", {"name": "lost", "path": path, "method": method, "effect": effect, "times": 1})
            try:
                with Workspace(org=ORG) as w:
                    table(w, "lost", "Lost", TASKS % f"lost {n}")
                    run_to_the_end(w, "lost")
                    made = ORG.count(f"SELECT COUNT() FROM Task WHERE Subject = 'lost {n}'")
                    assert made == 6, (method, path, effect, made)
                    settled(w, 6)
            finally:
                ORG.control("DELETE", "/faults?name=lost")


def story_a_job_that_stops_half_way_says_which_rows():
    people("Half", 450, Department="D")
    ORG.control("POST", "/policies", {"org": {"bulk_fail_after": 200}})
    try:
        with Workspace(org=ORG) as w:
            table(w, "half", "Half", LEADS.replace('"{{Department}}"', "half"))
            run = run_to_the_end(w, "half", times=10)
            assert ORG.count("SELECT COUNT() FROM Lead WHERE Company = 'half'") == 450, run
            settled(w, 450)
        for point in ("B4", "B5"):  # the next life finds a job that has failed, and nothing but the job tells its rows
            with Workspace(org=ORG) as w:
                table(w, "proof", "Half", TASKS % f"half {point}")
                w.run("run", "proof", "--yes", env={"ARGIL_CRASH_AT": point})
                run_to_the_end(w, "proof", times=10)
                made = ORG.count(f"SELECT COUNT() FROM Task WHERE Subject = 'half {point}'")
                assert made == 450, (point, made)
                settled(w, 450)
    finally:
        ORG.control("POST", "/policies", {"org": {"bulk_fail_after": 0}})


def story_a_job_that_somebody_ends_is_settled_or_told():
    people("Ended", 10)
    for n, end in enumerate(("abort", "delete")):
        with Workspace(org=ORG) as w:
            table(w, "ended", "Ended", TASKS % f"ended {n}")
            known = {j["id"] for j in jobs()}
            w.run("run", "ended", "--yes", env={"ARGIL_CRASH_AT": "B3"})
            job = next(j for j in jobs() if j["id"] not in known)
            if end == "abort":
                status, body = ORG.call("PATCH", f"{API}/jobs/ingest/{job['id']}", {"state": "Aborted"})
                assert status == 200, body
                run_to_the_end(w, "ended")
                assert ORG.count(f"SELECT COUNT() FROM Task WHERE Subject = 'ended {n}'") == 10
                settled(w, 10)
                continue
            ORG.call("PATCH", f"{API}/jobs/ingest/{job['id']}", {"state": "UploadComplete"})
            while ORG.get(f"{API}/jobs/ingest/{job['id']}")["state"] not in ("JobComplete", "Failed"):
                pass
            status, body = ORG.call("DELETE", f"{API}/jobs/ingest/{job['id']}")
            assert status == 204, body
            w.argil("run", "ended", "--yes", ok=(0, 3, 4))
            counts = w.journal()
            assert counts["in doubt"] == 10 and ORG.count(f"SELECT COUNT() FROM Task WHERE Subject = 'ended {n}'") == 10, counts


def story_a_job_that_takes_its_time_is_asked_again():
    people("Slow", 5)
    ORG.control("POST", "/policies", {"org": {"bulk_polls": 3}})
    try:
        with Workspace(org=ORG) as w:
            table(w, "slow", "Slow", TASKS % "slow")
            w.run("run", "slow", "--yes", env={"ARGIL_CRASH_AT": "B4"})
            run_to_the_end(w, "slow", times=8)
            for job in jobs():  # the org works on whether argil asks or not
                for _ in range(5):
                    ORG.get(f"{API}/jobs/ingest/{job['id']}")
            assert ORG.count("SELECT COUNT() FROM Task WHERE Subject = 'slow'") == 5
            settled(w, 5)
    finally:
        ORG.control("POST", "/policies", {"org": {"bulk_polls": 0}})


if __name__ == "__main__":
    sys.exit(main(globals(), processes=3))
