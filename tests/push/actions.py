"""Each action of a column on an org where triggers, validation and duplicate rules are in force, and
how it decides which record is meant. The table of which story proves which action is in run.py."""
import json
import tempfile

from given import ORG, Workspace, as_json, cells, create, rows, table, why

API = "/services/data/v66.0"


def one(w, name, column):
    return as_json(cells(w, name, column)[0])


def record(obj, id, *fields):
    return ORG.query(f"SELECT {', '.join(fields)} FROM {obj} WHERE Id = '{id}'")[0]


# ------------------------------------------------------------------ which record is meant


def story_of_several_the_oldest_the_newest_or_the_one_a_rule_says():
    for n, employees in enumerate((10, 500, 40)):
        create("Lead", LastName=f"Several {n}", Company="Several", Email="several@actions.example", NumberOfEmployees=employees)
    contact = create("Contact", LastName="Several", Email="several@actions.example")
    lookup = """
  - name: {name}
    salesforce_lookup:
      connection: demo
      object: Lead
      match: {{ Email: "{{{{Email}}}}" }}
      return: [LastName, NumberOfEmployees]
      if_several: {policy}
"""
    with Workspace(org=ORG) as w:
        table(w, "several", lookup.format(name="Old", policy="oldest") + lookup.format(name="New", policy="newest")
              + lookup.format(name="Big", policy='rule\n      rule: "{{match.NumberOfEmployees}}"')
              + lookup.format(name="None", policy="refuse"), where=f"Id = '{contact}'")
        run = w.argil("run", "several", ok=(3,))
        assert one(w, "several", "Old")["LastName"] == "Several 0"
        assert one(w, "several", "New")["LastName"] == "Several 2"
        assert one(w, "several", "Big")["LastName"] == "Several 1"
        assert run["refused"] == 1 and cells(w, "several", "None") == [None], run


def story_contains_is_asked_for_and_takes_signs_as_they_are():
    create("Account", Name="Contains 50%_off Ltd")
    create("Account", Name="Contains 50 percent Ltd")
    contact = create("Contact", LastName="50%_off", Email="contains@actions.example")
    with Workspace(org=ORG) as w:
        table(w, "part", """
  - name: Part
    salesforce_lookup: { connection: demo, object: Account, match: { Name: "{{LastName}}" }, compare: contains, return: [Name] }
  - name: Whole
    salesforce_lookup: { connection: demo, object: Account, match: { Name: "{{LastName}}" } }
""", where=f"Id = '{contact}'")
        w.argil("run", "part")
        assert one(w, "part", "Part")["Name"] == "Contains 50%_off Ltd"
        assert cells(w, "part", "Whole") == [None]


def story_phone_numbers_and_addresses_are_the_same_in_every_spelling():
    create("Lead", LastName="Phone", Company="Phone", Phone="+49 (30) 1234-5678", Email="Spelled@Actions.Example")
    contact = create("Contact", LastName="Spelled", Phone="030 12345678", Email="spelled@actions.example")
    with Workspace(org=ORG) as w:
        table(w, "spelled", """
  - name: By phone
    salesforce_lookup: { connection: demo, object: Lead, match: { Phone: "{{Phone}}" }, normalise: { Phone: phone }, return: [LastName] }
  - name: By mail
    salesforce_lookup: { connection: demo, object: Lead, match: { Email: " {{Email}} " }, normalise: { Email: email }, return: [LastName] }
""", where=f"Id = '{contact}'")
        w.argil("run", "spelled")
        assert one(w, "spelled", "By phone")["LastName"] == one(w, "spelled", "By mail")["LastName"] == "Phone"


def story_a_dependent_picklist_takes_what_its_controlling_field_allows():
    def choices(*values):
        return [{"value": v, "label": v, "active": True, "defaultValue": False, **({"validFor": bits} if bits else {})} for v, bits in values]

    may = {"createable": True, "updateable": True, "nillable": True, "filterable": True, "length": 255, "type": "picklist"}
    ORG.control("POST", "/schema", {"object": "Lead", "fields": [
        {"name": "Region__c", "label": "Region", **may, "picklistValues": choices(("North", None), ("South", None))},
        {"name": "City__c", "label": "City", **may, "dependentPicklist": True, "controllerName": "Region__c",
         "picklistValues": choices(("Oslo", "gAAA"), ("Rome", "QAAA"), ("Any", "wAAA"))}]})
    leads = {name: create("Lead", LastName=name, Company="Pairs", **fields) for name, fields in {
        "fits": {"Region__c": "South"}, "not": {"Region__c": "North"}, "open": {}}.items()}
    update = """
  - name: Write
    salesforce_update: { connection: demo, object: Lead, id: "{{Id}}", set: { City__c: "{{Want}}" }%s }
"""
    want = """
  - name: Want
    formula: "'rome'"
"""
    with Workspace(org=ORG) as w:
        table(w, "pairs", want + update % "", fields="Id, LastName", obj="Lead", where="Company = 'Pairs'")
        run = w.argil("run", "pairs", "--yes", ok=(3,))
        assert run["updated"] == 1 and run["refused"] == 2, run
        assert 'City cannot be "Rome" while Region is "North"' in why(run) and "It allows: Oslo, Any" in why(run), why(run)
        held = {name: record("Lead", id, "City__c")["City__c"] for name, id in leads.items()}
        assert held == {"fits": "Rome", "not": None, "open": None}, held
        table(w, "empty", want + update % "", fields="Id, LastName", obj="Lead", where="Company = 'Pairs' AND LastName = 'open'")
        run = w.argil("run", "empty", "--yes", ok=(3,))
        assert "while Region is empty" in why(run) and "Write Region__c, too" in why(run), why(run)
        # the controlling value of the same write counts, and the user may go without
        table(w, "both", """
  - name: Write
    salesforce_update: { connection: demo, object: Lead, id: "{{Id}}", set: { Region__c: "South", City__c: "Rome" } }
""", fields="Id, LastName", obj="Lead", where="Company = 'Pairs' AND LastName = 'open'")
        assert w.argil("run", "both", "--yes")["updated"] == 1
        table(w, "free", want + update % ", dependent_picklists: allow", fields="Id, LastName", obj="Lead",
              where="Company = 'Pairs' AND LastName = 'not'")
        assert w.argil("run", "free", "--yes")["updated"] == 1
        assert record("Lead", leads["not"], "Region__c", "City__c")["City__c"] == "Rome"
        table(w, "made", """
  - name: Make
    salesforce_create: { connection: demo, object: Lead, set: { LastName: "Made {{LastName}}", Company: "Pairs", Region__c: "North", City__c: "Rome" },
                         unless_found: { LastName: "Made {{LastName}}" } }
""", fields="Id, LastName", obj="Lead", where="Company = 'Pairs' AND LastName = 'not'")
        made = w.argil("run", "made", "--yes", ok=(3,))
        assert made["created"] == 0 and "refused.dependent_picklist" in str(made), made


def story_record_types_and_queues_go_by_name():
    ORG.control("POST", "/schema", {"object": "Case", "fields": [
        {"name": "RecordTypeId", "label": "Record Type ID", "type": "reference", "referenceTo": ["RecordType"], "length": 18,
         "relationshipName": "RecordType", "createable": True, "updateable": True, "nillable": True, "filterable": True}]})
    case = ORG.get(f"{API}/sobjects/Case/describe")
    case["recordTypeInfos"].append({"active": True, "available": True, "defaultRecordTypeMapping": False, "master": False,
                                    "developerName": "Push_Support", "name": "Push support", "recordTypeId": "012000000000Pu1AAE"})
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(case, file)
        file.flush()
        ORG.control("POST", f"/load?path={file.name}")
    kind = next(t for t in ORG.get(f"{API}/sobjects/Case/describe")["recordTypeInfos"] if t["developerName"] == "Push_Support")
    contact = create("Contact", LastName="Typed", Email="typed@actions.example")
    queue = create("Group", Name="Push queue", DeveloperName="Push_Queue", Type="Queue")
    with Workspace(org=ORG) as w:
        table(w, "typed", """
  - name: By label
    salesforce_create: { connection: demo, object: Case, set: { Subject: "typed label", RecordTypeId: "push SUPPORT" } }
  - name: By name
    salesforce_create: { connection: demo, object: Case, set: { Subject: "typed name", RecordTypeId: "push_support" } }
  - name: Wrong
    salesforce_create: { connection: demo, object: Case, set: { Subject: "typed wrong", RecordTypeId: "No such type" } }
  - name: Queued
    salesforce_create: { connection: demo, object: Case, set: { Subject: "queued by label", OwnerId: "push QUEUE" } }
  - name: Queued by name
    salesforce_create: { connection: demo, object: Case, set: { Subject: "queued by name", OwnerId: push_queue } }
""", where=f"Id = '{contact}'")
        run = w.argil("run", "typed", "--yes", ok=(3,))
        made = ORG.query("SELECT RecordTypeId FROM Case WHERE Subject LIKE 'typed %'")
        assert [m["RecordTypeId"] for m in made] == [kind["recordTypeId"]] * 2, (made, run)
        assert "No such type" in why(run) and "RecordTypeId" in why(run), run
        table(w, "nobody", """
  - name: Nobody
    salesforce_create: { connection: demo, object: Case, set: { Subject: "queued wrong", OwnerId: "No such queue" } }
""", where=f"Id = '{contact}'")
        run = w.argil("run", "nobody", "--yes", ok=(3,))
        assert run["refused"] == 1 and "No such queue" in why(run) and "Case.OwnerId" in why(run), run
        assert [c["OwnerId"] for c in ORG.query("SELECT OwnerId FROM Case WHERE Subject LIKE 'queued %'")] == [queue] * 2


# ------------------------------------------------------------------ changing


def story_an_update_by_another_field_never_creates():
    lead = create("Lead", LastName="Other", Company="Other", Email="other@actions.example")
    ids = [create("Contact", LastName="Other", Email="other@actions.example"), create("Contact", LastName="Nobody", Email="nobody@actions.example")]
    before = ORG.count("SELECT COUNT() FROM Lead")
    with Workspace(org=ORG) as w:
        table(w, "other", """
  - name: Write
    salesforce_update: { connection: demo, object: Lead, match: { Email: "{{Email}}" }, set: { Title: "by mail", Industry: banking }, overwrite: { Industry: if_blank } }
""", where=f"Id IN ('{ids[0]}', '{ids[1]}')")
        run = w.argil("run", "other", "--yes", ok=(3,))
        assert run["updated"] == 1 and run["refused"] == 1 and "never creates" in why(run), run
        assert ORG.count("SELECT COUNT() FROM Lead") == before
        assert record("Lead", lead, "Title", "Industry")["Industry"] == "Banking", "the picklist's own spelling"


def story_validation_stops_updates_upserts_and_conversions_with_field_and_fix():
    ORG.control("POST", "/rules", {"name": "Actions_VR", "object": "Lead", "when": "Title = 'Forbidden here'",
                                   "message": "This title is not used here.", "field": "Title"})
    lead = create("Lead", LastName="Ruled", Company="Ruled", Email="ruled@actions.example")
    contact = create("Contact", LastName="Ruled", Email="ruled@actions.example", Title="Forbidden here")
    try:
        with Workspace(org=ORG) as w:
            table(w, "ruled", """
  - name: Update
    salesforce_update: { connection: demo, object: Lead, match: { Email: "{{Email}}" }, set: { Title: "{{Title}}" } }
  - name: Upsert
    salesforce_upsert: { connection: demo, object: Lead, match: { Email: "{{Email}}" }, set: { Email: "{{Email}}", Title: "{{Title}}" } }
""", fields="Id, Email, Title", where=f"Id = '{contact}'")
            run = w.argil("run", "ruled", "--yes", ok=(3,))
            assert run["rejected"] == 2 and "This title is not used here." in why(run) and "Title" in why(run), run
            assert record("Lead", lead, "Title")["Title"] is None
    finally:
        ORG.control("POST", "/rules", {"name": "Actions_VR", "object": "Lead", "active": False, "when": "Title = 'x'",
                                       "message": "-", "fields": ["Title"]})


def story_an_update_says_which_field_somebody_else_changed():
    contact = create("Contact", LastName="Raced", Email="raced@actions.example", Title="old")
    with Workspace(org=ORG) as w:
        table(w, "raced", """
  - name: Write
    salesforce_update: { connection: demo, object: Contact, id: "{{Id}}", set: { Title: "ours" } }
""", where=f"Id = '{contact}'")
        w.run("run", "raced", "--yes", env={"ARGIL_CRASH_AT": "K3"})
        ORG.control("POST", "/clock", {"shift_s": 2})  # a condition knows whole seconds only
        ORG.call("PATCH", f"{API}/sobjects/Contact/{contact}", {"Title": "theirs"})
        run = w.argil("run", "raced", "--yes", ok=(3, 4))
        assert "theirs" in why(run) and "ours" in why(run), run
        assert record("Contact", contact, "Title")["Title"] == "theirs"


# ------------------------------------------------------------------ converting leads


CONVERT = """
  - name: Convert
    type: json
    salesforce_convert: { connection: demo, match: { Email: "{{Email}}" }, duplicate_rule_override: true %s }
"""


def story_a_lead_is_converted_once():
    lead = create("Lead", LastName="Convert", Company="Convert Ltd", Email="convert@actions.example")
    contact = create("Contact", LastName="Row", Email="convert@actions.example")
    with Workspace(org=ORG) as w:
        table(w, "convert", CONVERT % ', opportunity: "Deal of {{LastName}}"', where=f"Id = '{contact}'")
        shown = {r["what"]: r["value"] for r in w.argil("column", "show", "convert", "Convert")}
        assert shown["mode"] == "keyed", shown
        plan = w.argil("run", "convert", "--dry-run")
        assert plan["planned"] == 1 and not record("Lead", lead, "IsConverted")["IsConverted"], plan
        run = w.argil("run", "convert", "--yes", "--rows", "all")
        assert run["converted"] == 1, run
        became = record("Lead", lead, "IsConverted", "ConvertedContactId", "ConvertedAccountId", "ConvertedOpportunityId")
        cell = one(w, "convert", "Convert")
        assert became["IsConverted"] and cell == {"id": lead, "contactId": became["ConvertedContactId"],
                                                   "accountId": became["ConvertedAccountId"],
                                                   "opportunityId": became["ConvertedOpportunityId"]}, (became, cell)
        assert record("Opportunity", cell["opportunityId"], "Name")["Name"] == "Deal of Row"
        run = w.argil("run", "convert", "--yes", "--rows", "all")
        assert run["converted"] == 0 and run["unchanged"] == 1, run
        assert w.journal()["done"] == 1
        undone = w.argil("undo", str(w.argil("runs", "convert")[-1]["run"]), ok=(0, 1, 3))
        assert record("Lead", lead, "IsConverted")["IsConverted"], undone


def story_a_conversion_whose_answer_is_lost_is_looked_at():
    for n, effect in enumerate(("drop_before", "drop_after", "cut")):
        lead = create("Lead", LastName=f"Lost {n}", Company=f"Lost {n} Ltd", Email=f"lost{n}@actions.example")
        contact = create("Contact", LastName="Row", Email=f"lost{n}@actions.example")
        ORG.control("POST", "/faults", {"name": "lost", "path": "/services/Soap/u", "method": "POST", "effect": effect, "times": 1})
        try:
            with Workspace(org=ORG) as w:
                table(w, "lost", CONVERT % "", where=f"Id = '{contact}'")
                w.argil("run", "lost", "--yes", ok=(0, 3, 4))
                w.argil("run", "lost", "--yes", ok=(0, 3, 4))
                became = record("Lead", lead, "IsConverted", "ConvertedContactId")
                assert became["IsConverted"] and w.journal()["done"] == 1, (effect, became, w.journal())
                assert one(w, "lost", "Convert")["contactId"] == became["ConvertedContactId"], effect
        finally:
            ORG.control("DELETE", "/faults?name=lost")
        assert ORG.count(f"SELECT COUNT() FROM Account WHERE Name = 'Lost {n} Ltd'") == 1, effect


def story_a_conversion_that_the_org_refuses_says_why():
    lead = create("Lead", LastName="Refused", Company="Refused", Email="refused@actions.example")
    contact = create("Contact", LastName="Row", Email="refused@actions.example")
    with Workspace(org=ORG) as w:
        table(w, "refused", """
  - name: Convert
    salesforce_convert: { connection: demo, match: { Email: "{{Email}}" }, account: "001000000000000AAA" }
  - name: Twice
    salesforce_convert: { connection: demo, match: { Email: "{{Email}}" } }
""", where=f"Id = '{contact}'")
        run = w.argil("run", "refused", "--yes", ok=(3,))
        # no such account; and a contact with this address is there, which a duplicate rule of the org minds
        assert run["rejected"] == 2 and "Use one of these records?" in why(run), run
        assert not record("Lead", lead, "IsConverted")["IsConverted"]
        bad = w.run("apply", w.recipe("""
table: bad
source: { salesforce: { connection: demo, object: Contact, fields: [Id, Email] } }
columns:
  - name: Convert
    salesforce_convert: { connection: demo, id: "{{Id}}", contact: "{{Id}}" }
"""))
        assert bad.returncode == 2 and "account" in bad.stderr, bad.stderr
        table(w, "status", """
  - name: Convert
    salesforce_convert: { connection: demo, match: { Email: "{{Email}}" }, status: Nonsense }
""", where=f"Id = '{contact}'")
        wrong = w.run("run", "status", "--yes")
        assert "Nonsense" in wrong.stdout + wrong.stderr, wrong.stdout + wrong.stderr
