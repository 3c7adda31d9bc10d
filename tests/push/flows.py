"""Each action on an org whose record-triggered flows change what is saved, refuse it, or rewrite the key: what the cell, the
journal and `why` say then. Validation and duplicate rules are in run.py and actions.py."""
import contextlib

from given import ORG, Workspace, as_json, cells, create, rows, table, why


def rule(name, **more):
    ORG.control("POST", "/rules", {"name": name, **more})


@contextlib.contextmanager
def flows(*rules):
    """In force as long as the story runs: other stories use the same objects."""
    for one in rules:
        rule(**one)
    try:
        yield
    finally:
        for one in rules:
            rule(**{**one, "active": False})


def one(w, name, column, row=0):
    return as_json(cells(w, name, column)[row])


def said(w, record, field):
    return w.run("why", record, field).stdout


def story_flows_change_what_was_written_and_why_says_so():
    contact = create("Contact", LastName="Flowing", Email="flowing@flows.example", Title="plain", Department="Flow co")
    with flows(dict(name="Flow_blank", object="Lead", flow="before_save", formula="ISBLANK(Description)", set={"Description": "by flow"}),
               dict(name="Flow_title", object="Lead", flow="after_save", formula="Title = 'plain'", set={"Title": "Flowed"}),
               dict(name="Flow_upper", object="Lead", flow="before_save", set={"Company": {"formula": "UPPER(Company)"}})), \
            Workspace(org=ORG) as w:
        setting = 'LastName: "{{LastName}}", Company: "{{Department}}", Email: "{{Email}}", Title: "{{Title}}"'
        table(w, "flowing", f"""
  - name: Lead
    salesforce_create: {{ connection: demo, object: Lead, set: {{ {setting} }}, unless_found: {{ Email: "{{{{Email}}}}" }} }}
""", fields="Id, LastName, Email, Title, Department", where=f"Id = '{contact}'")
        run = w.argil("run", "flowing", "--yes")
        lead = one(w, "flowing", "Lead")["id"]
        held = ORG.query(f"SELECT Company, Title, Description FROM Lead WHERE Id = '{lead}'")[0]
        assert run["created"] == 1 and (held["Company"], held["Title"], held["Description"]) == ("FLOW CO", "Flowed", "by flow"), held
        assert w.journal()["done"] == 1
        assert '"plain"' in said(w, lead, "Title") and 'Title is "Flowed" now, which is not what Argil wrote last' in said(w, lead, "Title")
        assert "Nothing in this workspace ever wrote" in said(w, lead, "Description")
        assert w.argil("run", "flowing", "--yes", "--rows", "all")["created"] == 0
        # an update and a guarded upsert that the flow turns again: one write for each time somebody asks, never by itself
        table(w, "again", f"""
  - name: Update
    salesforce_update: {{ connection: demo, object: Lead, match: {{ Email: "{{{{Email}}}}" }}, set: {{ Title: "{{{{Title}}}}" }} }}
  - name: Upsert
    salesforce_upsert: {{ connection: demo, object: Lead, match: {{ Email: "{{{{Email}}}}" }}, set: {{ {setting} }} }}
""", fields="Id, LastName, Email, Title, Department", where=f"Id = '{contact}'")
        run = w.argil("run", "again", "--yes")
        assert run["updated"] + run["upserted"] == 2 and run["created"] == 0, run
        assert ORG.query(f"SELECT Title FROM Lead WHERE Id = '{lead}'")[0]["Title"] == "Flowed"
        for _ in range(2):
            w.argil("sync", "again")
            run = w.argil("run", "again", "--yes")
            assert run["updated"] + run["upserted"] == 0, run
        # taking back: what the flow made of it is not ours to undo, and that is said
        undone = w.argil("undo", str(run_of(w, "again")), ok=(0, 3))
        assert ORG.query(f"SELECT Title FROM Lead WHERE Id = '{lead}'")[0]["Title"] == "Flowed", undone
        assert ORG.count("SELECT COUNT() FROM Lead WHERE Email = 'flowing@flows.example'") == 1


def run_of(w, name):
    return next(r["run"] for r in reversed(w.argil("runs", name)) if r["kind"] == "run")


def story_flows_refuse_each_action_with_text_field_and_fix():
    ORG.control("POST", "/schema", {"object": "Account", "fields": [
        {"name": "Flow_Parent__c", "label": "Flow parent", "type": "string", "length": 40, "externalId": True, "idLookup": True, "unique": True}]})
    create("Account", Name="Flow parent", Flow_Parent__c="F1")
    campaign = create("Campaign", Name="Flow spring", IsActive=True)
    hot = create("Lead", LastName="Hot", Company="Hot", Email="hot@flows.example", Rating="Hot")
    contact = create("Contact", LastName="Refused", Email="hot@flows.example", Title="Forbidden")
    forbidden = dict(object="Lead", flow="before_save", formula="Title = 'Forbidden'", error="The flow says no.", error_field="Title")
    actions = {
        "create": ('salesforce_create: { connection: demo, object: Lead, duplicate_rule_override: true, set: { LastName: x, Company: x, Title: "{{Title}}" } }',
                   "The flow says no.", "Title"),
        "update": ('salesforce_update: { connection: demo, object: Lead, match: { Email: "{{Email}}" }, set: { Title: "{{Title}}" } }',
                   "The flow says no.", "Title"),
        "upsert": ('salesforce_upsert: { connection: demo, object: Lead, match: { Email: "{{Email}}" }, set: { Email: "{{Email}}", Title: "{{Title}}" } }',
                   "The flow says no.", "Title"),
        "delete": ('salesforce_delete: { connection: demo, object: Lead, match: { Email: "{{Email}}" } }', "Hot leads stay.", ""),
        "convert": ('salesforce_convert: { connection: demo, match: { Email: "{{Email}}" }, duplicate_rule_override: true }', "Nobody comes in today.", ""),
        "campaign": ('salesforce_campaign: { connection: demo, campaign: Flow spring, member: "{{Id}}" }', "No members today.", ""),
        "associate": ('salesforce_create: { connection: demo, object: Opportunity, set: { Name: Flow deal, StageName: Prospecting, CloseDate: 2030-01-05, '
                      'Account.Flow_Parent__c: F1 } }', "This parent takes no deals.", "AccountId"),
    }
    with flows(dict(name="Flow_no", **forbidden),
               dict(name="Flow_keep", object="Lead", flow="before_save", on=["delete"], when="Rating = 'Hot'", error="Hot leads stay."),
               dict(name="Flow_in", object="Contact", flow="before_save", on=["create"], when="LastName = 'Hot'", error="Nobody comes in today."),
               dict(name="Flow_member", object="CampaignMember", flow="before_save", error="No members today."),
               dict(name="Flow_deal", object="Opportunity", flow="after_save", on=["create"], when="Account.Name = 'Flow parent'",
                    error="This parent takes no deals.", error_field="AccountId")), Workspace(org=ORG) as w:
        for name, (action, text, field) in actions.items():
            table(w, name, f"  - name: Act\n    {action}\n", fields="Id, LastName, Email, Title", where=f"Id = '{contact}'",
                  guard="guard: { may_delete: [Lead] }" if name == "delete" else "")
            run = w.argil("run", name, "--yes", ok=(3,))
            told = why(run)
            assert run["rejected"] == 1 and text in told and field in told, (name, run)
            assert "refused the record; the message is its own." in told and "Change the values as the message asks" in told, (name, told)
            assert cells(w, name, "Act") == [None], (name, cells(w, name, "Act"))
            again = w.argil("run", name, "--yes", ok=(0, 3))
            assert again["rejected"] == 0, (name, "sent again by itself", again)
        states = w.journal()
        assert states["rejected"] == states["total accepted"] == len(actions), states
        there = ORG.query(f"SELECT Title, IsConverted FROM Lead WHERE Id = '{hot}'")
        assert (there[0]["Title"], there[0]["IsConverted"]) == (None, False), there
        assert not ORG.query(f"SELECT Id FROM CampaignMember WHERE CampaignId = '{campaign}'")
        assert not ORG.query("SELECT Id FROM Opportunity WHERE Name = 'Flow deal'")


def story_a_flow_that_fails_refuses_and_is_not_in_doubt():
    """Its own error, not the flow's: an after-save flow whose write another rule refuses."""
    account = create("Account", Name="Flow target")
    contact = create("Contact", LastName="Failing", Email="failing@flows.example", AccountId=account)
    with flows(dict(name="Flow_vr", object="Account", when="Site = 'from below'", message="Not from below.", field="Site"),
               dict(name="Flow_up", object="Contact", flow="after_save", target="Account", when="Title = 'up'", set={"Site": "from below"})), \
            Workspace(org=ORG) as w:
        table(w, "failing", """
  - name: Act
    salesforce_update: { connection: demo, object: Contact, id: "{{Id}}", set: { Title: up } }
""", fields="Id, LastName", where=f"Id = '{contact}'")
        run = w.argil("run", "failing", "--yes", ok=(3,))
        assert run["rejected"] == 1 and run["in_doubt"] == 0, run
        assert "Flow_up" in why(run) and "Not from below." in why(run) and "maintains the flows of Contact" in why(run), run
        assert ORG.query(f"SELECT Title FROM Contact WHERE Id = '{contact}'")[0]["Title"] is None


def story_a_flow_that_rewrites_the_key_makes_no_second_record():
    ORG.control("POST", "/schema", {"object": "Account", "fields": [
        {"name": "Flow_Key__c", "label": "Flow key", "type": "string", "length": 40, "externalId": True, "idLookup": True, "unique": True}]})
    contact = create("Contact", LastName="Keyed", Email="keyed@flows.example", Department="ab-1")
    with flows(dict(name="Flow_key", object="Account", flow="before_save", formula="NOT(ISBLANK(Flow_Key__c))",
                    set={"Flow_Key__c": {"formula": "UPPER(Flow_Key__c)"}})), Workspace(org=ORG) as w:
        table(w, "keyed", """
  - name: Firm
    salesforce_upsert: { connection: demo, object: Account, external_id: Flow_Key__c, set: { Flow_Key__c: "{{Department}}", Name: "Keyed firm" } }
""", fields="Id, LastName, Department", where=f"Id = '{contact}'")
        for effect in ("drop_after", "cut"):  # the answer is lost after the org has the record, its key rewritten
            ORG.control("POST", "/faults", {"name": "keyed", "path": "/composite", "method": "POST", "effect": effect, "times": 1})
            try:
                for _ in range(3):
                    run = w.argil("run", "keyed", "--yes", "--rows", "all", ok=(0, 3, 4))
            finally:
                ORG.control("DELETE", "/faults?name=keyed")
            made = ORG.query("SELECT Id, Flow_Key__c FROM Account WHERE Name = 'Keyed firm'")
            assert [m["Flow_Key__c"] for m in made] == ["AB-1"], (effect, made, run)
            assert one(w, "keyed", "Firm")["id"] == made[0]["Id"], (effect, rows(w, "keyed"))
        states = w.journal()
        assert states["done"] == states["total accepted"], states
