"""What keeps writes in check: key fields, canary batches, locks, quiet hours, the contract's rules."""
from given import ORG, Workspace, as_json, cells, create, first_contacts, rows, table, why  # noqa: F401


# ------------------------------------------------------------------ sealing an object


def story_an_object_is_sealed_by_one_command():
    contact = create("Contact", LastName="Sealing", Email="sealing@seal.example")
    column = """
  - name: Case
    salesforce_create: { connection: demo, object: Case, set: { Subject: "For {{LastName}}" } }
"""
    with Workspace(org=ORG) as w:
        table(w, "people", column, where=f"Id = '{contact}'")
        shown = {r["what"]: r["value"] for r in w.argil("column", "show", "people", "Case")}
        assert shown["mode"] == "findable" and "connection seal demo Case" in shown["to have a better one"], shown
        dry = w.argil("connection", "seal", "demo", "Case", "--dry-run")
        assert not dry["sealed"] and len(dry["steps"]) == 4 and "Case.Argil_Key__c" in dry["steps"][0], dry
        assert "Argil_Key__c" not in str(ORG.get("/services/data/v66.0/sobjects/Case/describe")), "a dry run made it"
        made = w.argil("connection", "seal", "demo", "Case")
        assert made["sealed"] and not made["clicks"], made
        field = next(f for f in ORG.get("/services/data/v66.0/sobjects/Case/describe")["fields"] if f["name"] == "Argil_Key__c")
        assert field["unique"] and field["externalId"] and field["caseSensitive"] and field["length"] == 36, field
        shown = {r["what"]: r["value"] for r in w.argil("column", "show", "people", "Case")}
        assert shown["mode"] == "sealed" and shown["guarded by"] == "Argil_Key__c", shown
        assert w.argil("run", "people", "--yes")["created"] == 1
        assert ORG.query("SELECT Argil_Key__c FROM Case WHERE Subject = 'For Sealing'")[0]["Argil_Key__c"]
        again = w.argil("connection", "seal", "demo", "Case")
        assert again["there"] and not again["steps"], again
        assert any(line["what"] == "object sealed" for line in w.argil("audit", "list"))
        task = w.run("connection", "seal", "demo", "Task")
        assert task.returncode == 1 and "Activity" in task.stderr, task.stderr


def story_who_may_not_make_fields_is_told_the_clicks():
    who = next(u for u in ORG.query("SELECT Id, Username, Profile.Name FROM User WHERE IsActive = true")
               if u["Profile"]["Name"] != "System Administrator")
    token = ORG.control("POST", "/token", {"username": who["Username"]})["access_token"]
    with Workspace(org=ORG, connect=False) as w:
        w.argil("init")
        w.connect(token)
        told = w.argil("connection", "seal", "demo", "Opportunity", ok=(3,))
        assert not told["sealed"] and told["why"], told
        assert any("External ID" in c for c in told["clicks"]), told
        assert "Argil_Key__c" not in str(ORG.get("/services/data/v66.0/sobjects/Opportunity/describe"))


# ------------------------------------------------------------------ canary batches


def many(tag, count, **more):
    for at in range(0, count, 200):
        status, body = ORG.call("POST", "/services/data/v66.0/composite/sobjects", {"allOrNone": True, "records": [
            {"attributes": {"type": "Contact"}, "LastName": f"{tag} {n:03d}", "Email": f"{tag.lower()}{n}@guard.example", **more}
            for n in range(at, min(count, at + 200))]}, {"Sforce-Duplicate-Rule-Header": "allowSave=true"})
        assert status == 200 and all(r["success"] for r in body), body


def written(tag, title):
    return ORG.count(f"SELECT COUNT() FROM Contact WHERE LastName LIKE '{tag} %' AND Title = '{title}'")


WRITE = """
  - name: Write
    salesforce_update: { connection: demo, object: Contact, id: "{{Id}}", set: { Title: "%s" } }
"""


def story_the_first_rows_of_a_large_run_go_and_the_rest_waits():
    many("Canary", 30)
    with Workspace(org=ORG) as w:
        table(w, "large", WRITE % "sung", where="LastName LIKE 'Canary %'", guard="guard: { canary: { rows: 5, above: 20 } }")
        run = w.argil("run", "large", "--yes", ok=(4,))
        assert run["updated"] == 5 and run["paused"] and "argil gate approve" in why(run), run
        assert written("Canary", "sung") == 5
        run = w.argil("run", "large", "--yes", ok=(4,))
        assert run["updated"] == 0 and written("Canary", "sung") == 5, "waiting, nothing more goes"
        gate = w.argil("gate", "list")[0]
        assert (gate["table"], gate["column"], gate["kind"], gate["state"]) == ("large", "Write", "canary", "waiting"), gate
        w.argil("gate", "stop", "large", "Write")
        assert w.argil("run", "large", "--yes", ok=(4,))["updated"] == 0
        w.argil("gate", "approve", "large", "Write")
        w.run("run", "large", "--yes", env={"ARGIL_CRASH_AT": "K3"})
        run = w.argil("run", "large", "--yes")
        assert run["updated"] == 25 and written("Canary", "sung") == 30, run
        assert w.argil("gate", "list") == [], "an approval ends with the run it was for"
        nothing = w.run("gate", "approve", "large", "Write")
        assert nothing.returncode == 1 and "no canary batch" in nothing.stderr, nothing.stderr
        table(w, "small", WRITE % "small", where="LastName LIKE 'Canary 00%'", guard="guard: { canary: { rows: 5, above: 20 } }")
        assert w.argil("run", "small", "--yes")["updated"] == 10, "a small run needs no canary"
        assert {"canary approved", "canary stopped"} <= {line["what"] for line in w.argil("audit", "list")}


# ------------------------------------------------------------------ a table built on a Test Env


def story_a_table_built_on_a_test_env_is_locked_for_other_orgs():
    many("Locked", 2)
    with Workspace(org=ORG) as w:
        sandbox = ORG  # the same org, which says for a while that it is a sandbox
        sandbox.control("POST", "/policies", {"org": {"sandbox": True}})
        try:
            file = w.home / "token"
            w.argil("connect", "try", "--url", ORG.url, "--sandbox", "--access-token-file", str(file))
            column = (WRITE % "tried").replace("demo", "try")
            w.argil("apply", w.recipe(f"""
table: built
source: {{ salesforce: {{ connection: try, object: Contact, fields: [Id, LastName], where: "LastName LIKE 'Locked %'" }} }}
columns:
{column}
"""))
            w.argil("sync", "built")
            assert w.argil("run", "built", "--yes")["updated"] == 2
        finally:
            sandbox.control("POST", "/policies", {"org": {"sandbox": False}})
        w.argil("apply", w.recipe(f"""
table: built
source: {{ salesforce: {{ connection: demo, object: Contact, fields: [Id, LastName], where: "LastName LIKE 'Locked %'" }} }}
columns:
{WRITE % "for real"}
"""))
        w.argil("sync", "built")
        locked = w.run("run", "built", "--yes", "--rows", "all")
        assert locked.returncode != 0 and "built on a Test Env" in locked.stderr and "gate unlock built demo" in locked.stderr, locked.stderr
        assert written("Locked", "for real") == 0
        assert w.argil("run", "built", "--dry-run", "--rows", "all")["planned"] == 2, "looking is free"
        w.argil("gate", "unlock", "built", "demo")
        assert w.argil("run", "built", "--yes", "--rows", "all")["updated"] == 2
        assert written("Locked", "for real") == 2


# ------------------------------------------------------------------ quiet hours


def story_nothing_goes_by_itself_in_quiet_hours_but_a_persons_click():
    import datetime
    many("Quiet", 3)
    now = datetime.datetime.now(datetime.timezone.utc)
    window = f'{{ from: "{(now - datetime.timedelta(hours=2)):%H:%M}", to: "{(now + datetime.timedelta(hours=2)):%H:%M}", zone: UTC }}'
    with Workspace(org=ORG) as w:
        table(w, "quiet", WRITE % "asked", where="LastName LIKE 'Quiet %'", guard=f"guard: {{ quiet_hours: {window} }}")
        run = w.argil("run", "quiet", "--yes", "--scheduled", ok=(4,))
        assert run["updated"] == 0 and run["paused"] and "quiet hours until" in why(run), run
        assert written("Quiet", "asked") == 0
        run = w.argil("run", "quiet", "--yes")
        assert run["updated"] == 3 and "because a person asked" in why(run), run
        bad = w.run("apply", w.recipe("""
table: bad
source: { salesforce: { connection: demo, object: Contact, fields: [Id] } }
columns:
  - { name: One, formula: "1" }
guard: { quiet_hours: { from: "25:00", to: "6", zone: Mars/Olympus, days: [someday] }, canary: none }
"""))
        assert bad.returncode == 2 and "quiet hours want" in bad.stderr and "`days`" in bad.stderr and "`canary`" in bad.stderr, bad.stderr


# ------------------------------------------------------------------ the contract's further rules


def contract(w, text, *words, ok=(0,)):
    return w.run("contract", "apply", w.recipe(text, "contract.yaml"), *words) if ok is None else w.argil(
        "contract", "apply", w.recipe(text, "contract.yaml"), *words, ok=ok)


def held(obj, id, *fields):
    return tuple(ORG.query(f"SELECT {', '.join(fields)} FROM {obj} WHERE Id = '{id}'")[0][f] for f in fields)


def story_a_newer_value_goes_over_an_older_one_only():
    ORG.control("POST", "/schema", {"object": "Contact", "fields": [
        {"name": "Title_Seen__c", "label": "Title seen", "type": "date"}]})
    old = create("Contact", LastName="Newer old", Email="newer1@guard.example", Title="old", Title_Seen__c="2024-01-01")
    new = create("Contact", LastName="Newer new", Email="newer2@guard.example", Title="new", Title_Seen__c="2031-01-01")
    none = create("Contact", LastName="Newer none", Email="newer3@guard.example", Title="never seen")
    blank = create("Contact", LastName="Newer blank", Email="newer4@guard.example", Title_Seen__c="2031-01-01")
    with Workspace(org=ORG) as w:
        contract(w, """
connection: demo
fields:
  - { field: Contact.Title, rule: if_newer, newer_than: Title_Seen__c }
  - { field: Contact.Department, rule: if_newer }
""")
        table(w, "newer", """
  - name: Seen
    formula: "'2025-06-01'"
  - name: Write
    salesforce_update:
      connection: demo
      object: Contact
      id: "{{Id}}"
      as_of: "{{Seen}}"
      set: { Title: "found" }
""", where="LastName LIKE 'Newer %'")
        run = w.argil("run", "newer", "--yes", ok=(0, 3))
        titles = {i: held("Contact", i, "Title")[0] for i in (old, new, none, blank)}
        assert titles == {old: "found", new: "new", none: "found", blank: "found"}, (titles, run)
        assert "the contract's rule is if_newer" in why(run), run
        # without newer_than the record's last change counts, which is today: a value of last year is older
        ORG.call("PATCH", f"/services/data/v66.0/sobjects/Contact/{old}", {"Department": "theirs"})
        table(w, "changed", """
  - name: Write
    salesforce_update: { connection: demo, object: Contact, id: "{{Id}}", as_of: "2025-06-01", set: { Department: "ours" } }
""", where=f"Id = '{old}'")
        w.argil("run", "changed", "--yes", ok=(0, 3))
        assert held("Contact", old, "Department") == ("theirs",)
        sheet = w.run("contract", "export", "demo").stdout
        assert "newer_than" in sheet and "Title_Seen__c" in sheet, sheet
        file = w.recipe(sheet, "sheet.csv")
        again = w.run("contract", "import", "demo", file)
        assert again.returncode == 0, again.stdout + again.stderr
        assert w.run("contract", "export", "demo").stdout == sheet, "a sheet goes out and in unchanged"
        bad = contract(w, "connection: demo\nfields:\n  - { field: Contact.Title, rule: if_newer, newer_than: Email }\n", ok=None)
        assert bad.returncode == 2 and "no date field" in bad.stderr, bad.stderr


def story_ranked_sources_write_over_what_is_ranked_no_better():
    ids = [create("Contact", LastName=f"Ranked {n}", Email=f"ranked{n}@guard.example") for n in range(4)]
    ORG.call("PATCH", f"/services/data/v66.0/sobjects/Contact/{ids[3]}", {"Title": "by hand"})
    column = """
  - name: Write
    salesforce_update: { connection: demo, object: Contact, id: "{{Id}}", source: %s, set: { Title: "from %s" } }
"""
    with Workspace(org=ORG) as w:
        contract(w, "connection: demo\nfields:\n  - { field: Contact.Title, rule: ranked, sources: [registry, enricher, guess] }\n")

        def write(name, source, only):
            table(w, name, column % (source, source), where=f"Id = '{only}'")
            w.argil("run", name, "--yes", "--rows", "all", ok=(0, 3))
            return held("Contact", only, "Title")[0]

        assert write("a", "enricher", ids[0]) == "from enricher", "over a blank"
        assert write("b", "guess", ids[0]) == "from enricher", "a worse source leaves it"
        assert write("c", "registry", ids[0]) == "from registry", "a better one writes over it"
        assert write("d", "enricher", ids[0]) == "from registry"
        assert write("e", "unheard", ids[0]) == "from registry", "a source without a rank writes over nothing"
        assert write("f", "registry", ids[3]) == "by hand", "a person's value stands unless people are ranked"
        contract(w, "connection: demo\nfields:\n  - { field: Contact.Title, rule: ranked, sources: [registry, person, enricher] }\n")
        assert write("g", "enricher", ids[3]) == "by hand"
        assert write("h", "registry", ids[3]) == "from registry"
        sheet = w.run("contract", "export", "demo").stdout
        assert '"registry, person, enricher"' in sheet, sheet
        bad = contract(w, "connection: demo\nfields:\n  - { field: Contact.Title, rule: ranked }\n  - { field: Contact.Email, sources: [a, a] }\n", ok=None)
        assert bad.returncode == 2 and "wants sources" in bad.stderr and "twice" in bad.stderr, bad.stderr


# ------------------------------------------------------------------ who may


def story_the_access_list_holds_for_contract_permission_set_and_why():
    contact = create("Contact", LastName="Listed", Email="listed@guard.example")
    with Workspace(org=ORG) as w:
        table(w, "listed", WRITE % "listed", where=f"Id = '{contact}'")
        w.argil("run", "listed", "--yes")
        w.argil("connection", "access", "demo", "--allow", "somebody.else")
        for words in (("contract", "apply", w.recipe("connection: demo\ndefault: allow\n", "c.yaml")),
                      ("permset", "listed"), ("connection", "seal", "demo", "Case")):
            refused = w.run(*words)
            assert refused.returncode == 1 and "may not build with" in refused.stderr, (words, refused.stderr)
        asked = w.run("why", contact, "Title")
        assert asked.returncode == 0 and "update" in asked.stdout and "The org was not asked" in asked.stdout, asked.stdout


def story_a_plan_knows_the_run_that_applied_it():
    create("Contact", LastName="Planned", Email="planned@guard.example")
    with Workspace(org=ORG) as w:
        table(w, "planned", WRITE % "planned", where="LastName = 'Planned'")
        plan = str(w.argil("run", "planned", "--plan")["plan"])
        w.argil("plan", "approve", plan)
        run = w.argil("plan", "apply", plan)
        assert [p["run"] for p in w.argil("plan", "list")] == [str(run["run"])], w.argil("plan", "list")
