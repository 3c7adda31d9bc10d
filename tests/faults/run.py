#!/usr/bin/env python3
"""Rows of the fault matrix (matrix.md beside this file) that want the real programs and
fit no other suite: descriptors that run out, records that go while they are written, a
key field that is taken away, a button pressed twenty times. One org for all stories."""
import json
import pathlib
import resource
import subprocess
import sys
import threading
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/support_py"))
import inputs  # noqa: E402
import matrix  # noqa: E402
from given import ORG, create  # noqa: E402
from programs import ARGIL, Workspace, main  # noqa: E402
from server import Server  # noqa: E402

LEADS = """
table: people
source:
  salesforce:
    connection: demo
    object: Contact
    fields: [Id, LastName, Email, Account.Name]
    where: "Email LIKE 'an%'"
columns:
  - name: New lead
    type: json
    salesforce_create:
      connection: demo
      object: Lead
      set: { LastName: "{{LastName}}", Company: "{{Account.Name}}", Email: "{{Email}}" }
      unless_found: { Email: "{{Email}}" }
"""


def update(name, obj, where, field="Description"):
    return f"""
table: {name}
source:
  salesforce: {{ connection: demo, object: {obj}, fields: [Id, LastName], where: "{where}" }}
columns:
  - name: Note
    salesforce_update: {{ connection: demo, object: {obj}, id: "{{{{Id}}}}", set: {{ {field}: "seen {{{{LastName}}}}" }} }}
"""


ACCOUNT = create("Account", Name="Row Ltd")


def leads_of(contacts):
    mails = ",".join("'" + c["Email"] + "'" for c in contacts)
    return [r["Email"].lower() for r in ORG.query(f"SELECT Email FROM Lead WHERE Email IN ({mails})")]


def soap(action):
    body = f"""<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"
 xmlns:urn="urn:partner.soap.sforce.com" xmlns:s="urn:sobject.partner.soap.sforce.com"><soapenv:Header><urn:SessionHeader>
<urn:sessionId>{ORG.token}</urn:sessionId></urn:SessionHeader></soapenv:Header><soapenv:Body>{action}</soapenv:Body></soapenv:Envelope>"""
    request = urllib.request.Request(ORG.url + "/services/Soap/u/64.0", data=body.encode(), method="POST",
                                     headers={"Content-Type": "text/xml", "SOAPAction": '""'})
    answer = urllib.request.urlopen(request).read().decode()
    assert "<success>true</success>" in answer, answer


def refused(run):
    return " | ".join(r["code"] + " " + r["message"] for r in run["refusals"])


# ------------------------------------------------------------ the process


def story_row_24_descriptors_that_run_out_lose_nothing():
    contacts = ORG.query("SELECT Id, Email FROM Contact WHERE Email LIKE 'an%'")
    with Workspace(org=ORG) as w:
        w.argil("apply", w.recipe(LEADS))
        w.argil("sync", "people")
        ended = set()
        for most in range(3, 40):
            done = subprocess.run([str(ARGIL), "run", "people", "--yes"], env=w.env, text=True, capture_output=True,
                                  preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (most, most)), timeout=120)
            assert done.returncode in (0, 1, 3, 4, 5, 127), (most, done.returncode, done.stderr)
            assert done.returncode in (0, 3) or (done.stdout + done.stderr).strip(), f"{most} descriptors: no word of it"
            ended.add(done.returncode)
            last = (most, done.returncode, done.stdout[-300:], done.stderr[-300:])
        assert 0 in ended and len(ended) > 1, (ended, last)
        last = w.run("run", "people", "--yes", "--rows", "all")  # what found no descriptor for a socket waits for its next attempt
        assert last.returncode in (0, 3), last
        assert sorted(leads_of(contacts)) == sorted({c["Email"].lower() for c in contacts})
        states = w.journal()
        assert states["done"] == states["total accepted"], states


def story_row_23_memory_that_runs_out_ends_the_process_and_loses_nothing():
    """argil ends at once when memory runs out: what is on disk then is what any kill leaves."""
    for i in range(30):
        create("Contact", LastName=f"Small {i}", Email=f"small{i}@row23.example", AccountId=ACCOUNT)
    with Workspace(org=ORG) as w:
        w.argil("apply", w.recipe(LEADS.replace("'an%'", "'%row23%'")))
        w.argil("sync", "people")
        ended = {}
        for most in range(100, 160):  # quarters of a megabyte
            done = subprocess.run([str(ARGIL), "run", "people", "--yes"], env=w.env, text=True, capture_output=True,
                                  preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (most << 18, most << 18)), timeout=120)
            ended.setdefault(done.returncode, []).append(most)
            assert done.returncode in (0, 3) or (done.stdout + done.stderr).strip(), f"{most}: left with {done.returncode}, no word of it"
        # 127: the loader had no room; 70: we had none; never by a signal
        assert 0 in ended and len(ended) > 1 and set(ended) <= {0, 1, 3, 4, 70, 127}, ended
        last = w.run("run", "people", "--yes", "--rows", "all")  # look-ups that failed too often wait for a person
        assert last.returncode in (0, 3), last
        states = w.journal()
        assert states["done"] == states["total accepted"] == 30, states
    assert ORG.count("SELECT COUNT() FROM Lead WHERE Email LIKE '%row23%'") == 30


def story_row_127_a_button_pressed_twenty_times_writes_once():
    for i in range(12):
        create("Contact", LastName=f"Press {i}", Email=f"press{i}@row127.example", AccountId=ACCOUNT)
    with Workspace(org=ORG) as w:
        w.argil("apply", w.recipe(LEADS.replace("'an%'", "'%row127%'")))
        with Server(w) as server:
            ann = server.setup()
            ann.wait_for_run(ann.ok("POST", "/tables/people/syncs", {})["id"])
            answers = []
            threads = [threading.Thread(target=lambda: answers.append(ann.call("POST", "/tables/people/runs", {"approve": True})))
                       for _ in range(20)]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
            assert len(answers) == 20 and {a[0] for a in answers} <= {202, 409, 429}, answers
            for status, _, body in answers:
                if status == 202:
                    ann.wait_for_run(body["id"])
            counts = ann.get("/journal/counts")["states"]
            assert counts == {"done": 12}, counts
    assert ORG.count("SELECT COUNT() FROM Lead WHERE Email LIKE '%row127%'") == 12


# ------------------------------------------------------------ the record


def story_row_75_a_record_deleted_before_its_update_is_told():
    gone = create("Contact", LastName="Gone", Email="gone@row75.example")
    with Workspace(org=ORG) as w:
        w.argil("apply", w.recipe(update("gone", "Contact", "Email = 'gone@row75.example'")))
        w.argil("sync", "gone")
        assert ORG.call("DELETE", f"/services/data/v66.0/sobjects/Contact/{gone}")[0] == 204
        said = refused(w.argil("run", "gone", "--yes", ok=(3,)))
        assert "refused.deleted" in said and "recycle bin" in said, said
        assert w.journal()["total accepted"] == 0


def story_row_76_a_record_merged_before_its_update_is_told():
    kept = create("Contact", LastName="Kept", Email="kept@row76.example")
    lost = create("Contact", LastName="Lost", Email="lost@row76.example")
    with Workspace(org=ORG) as w:
        w.argil("apply", w.recipe(update("merged", "Contact", "Email = 'lost@row76.example'")))
        w.argil("sync", "merged")
        soap(f"""<urn:merge><urn:request><urn:masterRecord><s:type>Contact</s:type><s:Id>{kept}</s:Id></urn:masterRecord>
<urn:recordToMergeIds>{lost}</urn:recordToMergeIds></urn:request></urn:merge>""")
        said = refused(w.argil("run", "merged", "--yes", ok=(3,)))
        assert "refused.merged" in said and kept in said, said
    assert ORG.query(f"SELECT Description FROM Contact WHERE Id = '{kept}'")[0]["Description"] is None


def story_row_77_a_lead_converted_before_its_update_is_told():
    lead = create("Lead", LastName="Conv", Company="Conv Ltd", Email="conv@row77.example")
    with Workspace(org=ORG) as w:
        w.argil("apply", w.recipe(update("converted", "Lead", "Email = 'conv@row77.example'", "Title")))
        w.argil("sync", "converted")
        soap(f"""<urn:convertLead><urn:leadConverts><urn:convertedStatus>Closed - Converted</urn:convertedStatus>
<urn:leadId>{lead}</urn:leadId><urn:doNotCreateOpportunity>true</urn:doNotCreateOpportunity></urn:leadConverts></urn:convertLead>""")
        said = refused(w.argil("run", "converted", "--yes", ok=(3,)))
        contact = ORG.query(f"SELECT ConvertedContactId FROM Lead WHERE Id = '{lead}'")[0]["ConvertedContactId"]
        assert "refused.converted" in said and contact in said, said
        assert w.journal()["total accepted"] == 0


def story_row_71_results_in_another_order_find_their_rows():
    for i in range(20):
        create("Contact", LastName=f"Order {i:02d}", Email=f"order{i:02d}@row71.example", AccountId=ACCOUNT)
    with Workspace(org=ORG) as w:
        w.argil("apply", w.recipe(LEADS.replace("'an%'", "'%row71%'").replace("object: Lead\n", "object: Lead\n      transport: bulk\n")))
        w.argil("sync", "people")
        ORG.control("POST", "/faults", {"name": "order", "path": "/successfulResults", "effect": "shuffle", "times": 100})
        try:
            run = w.argil("run", "people", "--yes")
            assert run["created"] == 20 and run["sent_bulk"] == 20, run
            hits = [f["hits"] for f in ORG.control("GET", "/faults")]
            assert hits and hits[0] > 0, "the results came in order"
        finally:
            ORG.control("DELETE", "/faults")
        leads = {r["Id"]: r["Email"] for r in ORG.query("SELECT Id, Email FROM Lead WHERE Email LIKE '%row71%'")}
        assert len(leads) == 20
        for line in w.run("export", "people", "--json").stdout.splitlines():
            row = json.loads(line)
            made = row["New lead"] if isinstance(row["New lead"], dict) else json.loads(row["New lead"])
            assert leads[made["id"]] == row["Email"], (row, leads[made["id"]])


# ------------------------------------------------------------ the field


def story_row_65_a_key_field_that_may_not_be_written_any_more_stops_creates():
    with Workspace() as w:
        w.argil("apply", w.recipe(LEADS.replace("'an%'", "'al%'")))
        w.argil("sync", "people")
        w.argil("run", "people", "--yes", "--first", "2")
        before = w.org.count("SELECT COUNT() FROM Lead")
        w.org.control("POST", "/users", {"username": w.org.ready["username"], "deny": [
            {"object": "Lead", "field": "Argil_Key__c", "access": ["create", "update"]}]})
        done = w.run("run", "people")
        assert done.returncode == 5, done
        assert "findable now; they were sealed when it was approved" in done.stderr, done.stderr
        assert w.org.count("SELECT COUNT() FROM Lead") == before


# ------------------------------------------------------------ the recipe


def story_row_119_a_column_with_open_operations_stays():
    recipe = """
table: tasks
source:
  salesforce: { connection: demo, object: Contact, fields: [Id, LastName], where: "Email LIKE 'al%'" }
columns:
  - name: Task
    salesforce_create: { connection: demo, object: Task, set: { Subject: "Call {{LastName}}" } }
"""
    with Workspace() as w:
        w.argil("apply", w.recipe(recipe))
        w.argil("sync", "tasks")
        w.org.control("POST", "/faults", {"name": "lost", "method": "POST", "path": "/composite", "effect": "drop_after", "times": 1})
        w.argil("run", "tasks", "--yes", ok=(3,))
        open_ops = w.argil("journal", "list", "--state", "in-doubt")
        assert open_ops
        done = w.run("apply", w.recipe(recipe[:recipe.index("columns:")]))
        assert done.returncode == 1 and "not settled" in done.stderr and "journal resolve" in done.stderr, done
        assert [c["column"] for c in w.argil("table", "show", "tasks")][-1] == "Task"


def story_the_matrix_names_tests_that_there_are():
    matrix.check(pathlib.Path(__file__).resolve().parent / "matrix.md",
                 {*range(1, 40), *range(43, 91), *range(118, 128), 130})


def story_bad_inputs_name_tests_that_there_are():
    wanted = {"T": 11, "S": 3, "N": 4, "D": 3, "I": 2, "C": 3, "F": 9, "O": 3, "H": 7, "P": 5}
    matrix.check(pathlib.Path(__file__).resolve().parent / "inputs.md",
                 {f"{letter}{n}" for letter, count in wanted.items() for n in range(1, count + 1)})


if __name__ == "__main__":
    code = main({**globals(), **vars(inputs)}, processes=3)
    ORG.stop()
    sys.exit(code)
