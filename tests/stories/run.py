#!/usr/bin/env python3
"""Stories: what a person does with the real programs, and what they may rely on."""
import json
import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support_py"))
from programs import ARGIL, LOCALORG, ROOT, Org, Workspace, main  # noqa: E402

FIXTURES = pathlib.Path(os.environ.get("ARGIL_FIXTURES", ROOT.parent / "shared/fixtures"))

LEADS = """
table: leads
source:
  salesforce:
    connection: demo
    object: Lead
    fields: [Id, LastName, Email, Title, Industry]
    where: "IsConverted = false"   # a converted lead cannot be changed
columns:
  - name: Upper
    formula: "{{LastName}}.toUpperCase()"
  - name: Write
    salesforce_update:
      connection: demo
      object: Lead
      id: "{{Id}}"
      set: { Title: "{{Upper}}" }
guard: { may_write: [Lead.Title] }
"""


def refused(w, text):
    """The error lines of a recipe that must be refused, and that nothing was made."""
    done = w.run("apply", w.recipe(text, "bad.yaml"))
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    assert w.argil("table", "list") == [], "a refused recipe made a table"
    return done.stderr


def expect(text, *patterns):
    for pattern in patterns:
        assert re.search(pattern, text), f"/{pattern}/ is not in:\n{text}"


def story_a_recipe_with_mistakes_is_refused_as_a_whole():
    with Workspace() as w:
        said = refused(w, """
table: leads
source:
  salesforce: { connection: demo, object: Lead, fields: [Id, LastNam, Emial] }
  evry: 24h
columns:
  - name: A
    formula: "{{B}} + 1"
  - name: B
    formula: "{{A}} + 1"
  - name: C
    salesforce_updat: {}
  - name: D
    formula: "{{Nope}}"
""")
        expect(said, r"bad\.yaml:4:\d+.*LastNam", r"LastName", r"bad\.yaml:5:3.*evry", r"`every`",
               r"circle", r"salesforce_updat", r"`salesforce_update`", r"no column `Nope`")


def story_wrong_types_and_unknown_objects_are_named():
    with Workspace() as w:
        expect(refused(w, "table: [a]\nsource: 3\n"), r"bad\.yaml:1:8", r"text", r"bad\.yaml:2:9")
        expect(refused(w, """
table: x
source:
  salesforce: { connection: demo, object: Acount, fields: [Id] }
"""), r"bad\.yaml:4", r"Acount", r"Account")
        expect(refused(w, "table: x\nsource:\n\tsalesforce: {}\n"), r"YAML", r"bad\.yaml:3")
        expect(refused(w, """
table: x
source:
  salesforce: { connection: nobody, object: Account, fields: [Id] }
"""), r"nobody", r"bad\.yaml:4")


def story_a_field_the_user_cannot_see_is_told_in_salesforce_terms():
    with Workspace() as w:
        expect(refused(w, """
table: x
source:
  salesforce: { connection: demo, object: Account, fields: [Id, Secret_Field__c] }
"""), r"Secret_Field__c", r"[Ff]ield-[Ll]evel [Ss]ecurity", r"permission set")
        expect(refused(w, """
table: x
source:
  salesforce: { connection: demo, object: Account, fields: [Id] }
columns:
  - name: W
    salesforce_update: { connection: demo, object: Account, id: "{{Id}}", set: { CreatedDate: "2020-01-01T00:00:00Z" } }
"""), r"CreatedDate")


def story_applying_twice_changes_nothing():
    with Workspace() as w:
        first = w.argil("apply", w.recipe(LEADS))
        assert first["created"] and len(first["plan"]) > 3
        again = w.argil("apply", w.recipe(LEADS))
        assert again["plan"] == [] and not again["changed"], again


def story_a_changed_formula_is_computed_again():
    with Workspace() as w:
        recipe = LEADS.split("  - name: Write")[0]
        w.argil("apply", w.recipe(recipe))
        w.argil("sync", "leads")
        rows = w.argil("run", "leads")["cells_computed"]
        assert rows > 100 and w.argil("run", "leads")["cells_computed"] == 0
        plan = w.argil("apply", w.recipe(recipe.replace("toUpperCase", "toLowerCase")))
        assert plan["changed"], plan
        assert w.argil("run", "leads")["cells_computed"] == rows
        exported = [json.loads(line) for line in w.run("export", "leads", "--json").stdout.splitlines()]
        assert all(r["Upper"] == r["LastName"].lower() for r in exported), exported[:2]


def story_import_run_and_run_again():
    with Workspace() as w:
        w.argil("apply", w.recipe(LEADS))
        sync = w.argil("sync", "leads")
        assert sync["complete"] and sync["rows"] == w.org.count("SELECT COUNT() FROM Lead WHERE IsConverted = false"), sync
        denied = w.run("run", "leads")
        assert denied.returncode == 5 and "--yes" in denied.stderr, denied.stderr
        run = w.argil("run", "leads", "--yes", ok=(0, 3))
        assert run["updated"] > 100, run
        for lead in w.org.query("SELECT LastName, Title FROM Lead WHERE IsConverted = false LIMIT 50"):
            assert lead["Title"] == lead["LastName"].upper(), lead
        again = w.argil("sync", "leads")
        assert again["echoes"] > 0 and again["cells_made_due"] == 0, again
        second = w.argil("run", "leads", ok=(0, 3))
        assert second["updated"] == 0 and second["created"] == 0, second
        states = w.journal()
        assert states["done"] == run["updated"], (states, run)


def story_a_change_in_the_org_comes_in_and_goes_through():
    with Workspace() as w:
        w.argil("apply", w.recipe(LEADS))
        w.argil("sync", "leads")
        w.argil("run", "leads", "--yes", ok=(0, 3))
        lead, gone = (r["Id"] for r in w.org.query("SELECT Id FROM Lead WHERE IsConverted = false LIMIT 2"))
        w.argil("sync", "leads")  # our own writes come back first
        w.org.control("POST", "/clock", {"shift_ms": 3600000})
        assert w.org.call("PATCH", f"/services/data/v66.0/sobjects/Lead/{lead}", {"LastName": "Changed"})[0] == 204
        assert w.org.call("DELETE", f"/services/data/v66.0/sobjects/Lead/{gone}")[0] == 204
        sync = w.argil("sync", "leads")
        assert sync["changed"] == 1 and sync["deleted"] == 1 and sync["cells_made_due"] == 1, sync
        run = w.argil("run", "leads", ok=(0, 3))
        assert run["updated"] == 1, run
        assert w.org.query(f"SELECT Title FROM Lead WHERE Id = '{lead}'")[0]["Title"] == "CHANGED"


def story_bad_values_are_refused_row_by_row_and_cost_no_call():
    with Workspace() as w:
        w.argil("apply", w.recipe("""
table: leads
source:
  salesforce: { connection: demo, object: Lead, fields: [Id, LastName, Industry] }
columns:
  - name: Long
    formula: "'x'.repeat({{LastName}}.length % 2 ? 10 : 200)"
  - name: Write
    salesforce_update: { connection: demo, object: Lead, id: "{{Id}}", set: { Title: "{{Long}}" } }
"""))
        w.argil("sync", "leads")
        run = w.argil("run", "leads", "--yes", ok=(3,))
        assert run["refused"] > 50 and run["updated"] > 50, run
        assert any("128" in r["message"] or "long" in r["message"].lower() for r in run["refusals"]), run["refusals"]
        assert run["api_calls"] < 20, run["api_calls"]
        assert not w.org.query("SELECT Id FROM Lead WHERE Title LIKE 'xxxxxxxxxxxxxxxxxxxxxxxxxx%'")
        for value, code in (("not-a-date", "date"), ("2026-02-30", "date")):
            recipe = f"""
table: opps{len(value)}
source:
  salesforce: {{ connection: demo, object: Opportunity, fields: [Id] }}
columns:
  - name: W
    salesforce_update: {{ connection: demo, object: Opportunity, id: "{{{{Id}}}}", set: {{ CloseDate: "{value}", StageName: Nonsense }} }}
"""
            done = w.run("apply", w.recipe(recipe, "r.yaml"))
            if done.returncode == 0:  # a constant may be refused with the recipe already
                w.argil("sync", f"opps{len(value)}")
                run = w.argil("run", f"opps{len(value)}", "--yes", ok=(3,))
                assert run["updated"] == 0 and run["refused"] > 0, (code, run)


def story_an_answer_lost_after_the_write_makes_no_second_record():
    with Workspace() as w:
        before = w.org.count("SELECT COUNT() FROM Lead")
        w.argil("apply", w.example("contacts.yaml"))
        w.argil("sync", "contacts")
        w.org.control("POST", "/faults", {"path": "/composite", "method": "POST", "effect": "drop_after",
                                          "times": 3, "body_has": "Argil_Key__c"})
        for _ in range(6):
            done = w.run("run", "contacts", "--yes", "--json")
            assert done.returncode in (0, 3, 4), done.stderr
            if done.returncode != 4:
                break
        w.org.control("DELETE", "/faults")
        last = w.argil("run", "contacts", "--yes", ok=(0, 3))
        emails = [r["Email"].lower() for r in w.org.query("SELECT Email FROM Lead WHERE Email != null")]
        contacts = {r["Email"].lower() for r in w.org.query("SELECT Email FROM Contact WHERE Email != null")}
        states = w.journal()
        made = w.org.count("SELECT COUNT() FROM Lead") - before
        assert made == states["done"] or made <= states["done"] + states.get("in doubt", 0), (made, states)
        twice = {e for e in emails if emails.count(e) > 1}
        with_before = {e for e in twice if e in contacts}
        assert not [e for e in with_before if emails.count(e) > 2], with_before
        assert last["in_doubt"] == 0, (last, states)


def story_localorg_down_is_an_exit_code_and_nothing_is_lost():
    with Workspace() as w:
        w.argil("apply", w.recipe(LEADS))
        w.argil("sync", "leads")
        w.argil("run", "leads", "--column", "Upper")
        w.org.stop()
        sync = w.run("sync", "leads")
        assert sync.returncode == 4, (sync.returncode, sync.stderr)
        expect(sync.stderr, r"reach|connect|refused")
        run = w.run("run", "leads", "--yes")
        assert run.returncode == 4, (run.returncode, run.stderr)
        assert len(w.run("export", "leads").stdout.splitlines()) > 100


def story_export_protects_spreadsheets_and_keeps_bytes_for_machines():
    with Workspace() as w:
        w.argil("apply", w.recipe("""
table: leads
source:
  salesforce: { connection: demo, object: Lead, fields: [Id, LastName] }
columns:
  - name: Trap
    formula: "'=HYPERLINK(1)'"
"""))
        w.argil("sync", "leads")
        w.argil("run", "leads")
        assert "'=HYPERLINK(1)" in w.run("export", "leads").stdout
        assert ",=HYPERLINK(1)" in w.run("export", "leads", "--raw").stdout
        rows = [json.loads(line) for line in w.run("export", "leads", "--json").stdout.splitlines()]
        assert all(r["Trap"] == "=HYPERLINK(1)" and r["row_key"] == r["Id"] for r in rows)


def story_no_token_is_stored_in_clear_or_said():
    with Workspace() as w:
        secret = "canary-3f9a2c7be1"
        done = subprocess.run([str(ARGIL), "secret", "set", "companies_api"], input=secret, text=True,
                              capture_output=True, env=w.env)
        assert done.returncode == 0, done.stderr
        w.argil("apply", w.recipe("""
table: leads
source:
  salesforce: { connection: demo, object: Lead, fields: [Id, Email], where: "Email != null" }
columns:
  - name: Facts
    http:
      url: "http://127.0.0.1:8460/localorg/enrich/companies?domain=acme.example"
      headers: { Authorization: "Bearer {{secret:companies_api}}" }
"""))
        w.argil("sync", "leads")
        run = w.run("run", "leads", "--first", "3", "--verbose")
        outputs = run.stdout + run.stderr + w.run("export", "leads").stdout + w.run("table", "export", "leads").stdout
        outputs += w.run("journal", "list", "--json").stdout + w.run("runs", "--json").stdout
        files = b"".join(p.read_bytes() for p in (w.home / "data").rglob("*") if p.is_file())
        for canary in (secret, w.org.token, w.org.token.split("!")[1]):
            assert canary not in outputs, "a secret was printed"
            assert canary.encode() not in files, "a secret is stored in clear"


def story_two_argils_on_one_workspace():
    with Workspace() as w:
        w.argil("apply", w.recipe(LEADS))
        w.argil("sync", "leads")
        w.org.control("POST", "/faults", {"path": "/query", "effect": "delay", "delay_ms": 3000, "times": 50})
        first = subprocess.Popen([str(ARGIL), "sync", "leads", "--full"], env=w.env, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE)
        import time
        time.sleep(1)
        second = w.run("run", "leads", "--yes")
        assert second.returncode == 4 and str(first.pid) in second.stderr, (second.returncode, second.stderr)
        assert w.run("table", "list").returncode == 0, "reading goes on"
        first.kill()
        first.communicate()


def story_what_is_not_built_says_so():
    with Workspace(connect=False) as w:
        done = w.run("user")
        assert done.returncode == 2 and "not built yet" in done.stderr
        w.argil("init")
        done = w.run("worker")
        assert done.returncode == 1 and "worker.alone" in done.stderr and "SQLite" in done.stderr, done.stderr
        typo = w.run("snyc")
        assert typo.returncode == 2 and "`sync`" in typo.stderr, typo.stderr
        for command in ("init", "connect", "apply", "sync", "run", "runs", "export", "journal", "secret", "table"):
            done = w.run(command, "--help")
            assert done.returncode == 0 and "Usage: argil " + command in done.stdout
            wide = [line for line in done.stdout.splitlines() if len(line) > 100]
            assert not wide, wide


def story_the_main_job_on_real_input():
    """Describes and sample data of real orgs, where the fixtures are at hand."""
    if not FIXTURES.is_dir():
        print("        (no fixtures here: skipped)")
        return
    with Workspace(connect=False) as home:
        data = home.home / "real.db"
        paths = [FIXTURES / "cumulusci/Account_PersonAccount_describe.json", FIXTURES / "cumulusci/Lead_describe.json",
                 FIXTURES / "grouparoo/Contact_describe_v42.json", FIXTURES / "grouparoo/Account_describe_v42.json",
                 FIXTURES / "developer-edition", FIXTURES / "trailheadapps-dreamhouse", FIXTURES / "npsp/1k"]
        done = subprocess.run([str(LOCALORG), "load", *map(str, paths), "--data", str(data)], text=True,
                              capture_output=True)
        assert done.returncode in (0, 3), done.stdout[-2000:] + done.stderr[-2000:]
        print("        " + " | ".join(done.stdout.strip().splitlines()[-3:]))
        org = Org(data=data, seed="empty")
        try:
            with Workspace(org=org) as w:
                w.argil("apply", w.recipe("""
table: contacts
source:
  salesforce: { connection: demo, object: Contact, fields: [Id, FirstName, LastName, Email, Department, Account.Name] }
columns:
  - name: Full
    formula: "[{{FirstName}}, {{LastName}}].filter(Boolean).join(' ')"
  - name: Write
    salesforce_update: { connection: demo, object: Contact, id: "{{Id}}", set: { Department: "{{Full}}" } }
"""))
                sync = w.argil("sync", "contacts")
                assert sync["complete"] and sync["rows"] > 100, sync
                run = w.argil("run", "contacts", "--yes", ok=(0, 3))
                assert run["updated"] > 100 and run["in_doubt"] == 0, run
                one = org.query("SELECT FirstName, LastName, Department FROM Contact WHERE FirstName != null LIMIT 1")[0]
                assert one["Department"] == f"{one['FirstName']} {one['LastName']}"[:80], one
        finally:
            org.stop()


def story_the_demo_holds_and_a_second_run_changes_nothing():
    with Workspace(connect=False) as w:
        command = [sys.executable, str(ROOT / "tools/demo.py"), "--exit", "--home", str(w.home / "demo")]
        first = subprocess.run(command, text=True, capture_output=True)
        assert first.returncode == 0, first.stdout[-3000:] + first.stderr[-2000:]
        second = subprocess.run(command, text=True, capture_output=True)
        assert second.returncode == 0 and "a second run changed nothing" in second.stdout, second.stdout[-3000:] + second.stderr
        assert "BROKEN" not in second.stdout


if __name__ == "__main__":
    sys.exit(main(globals()))
