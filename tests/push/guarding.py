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
