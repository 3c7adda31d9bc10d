#!/usr/bin/env python3
"""What can be done to an org, end to end: argil's own program against localorg, with
validation and duplicate rules in force. One org for all stories; each has its own table.

Which story proves which action (here, in actions.py, flows.py, guarding.py, or in tests/bulk for Bulk jobs):

| action | story |
|---|---|
| lookup, normalised, fallback keys in order | looks_up_by_normalised_keys_with_fallbacks, phone_numbers_and_addresses_... |
| lookup, any number of results; contains; free SOQL | a_free_query_quotes_..., contains_is_asked_for_... |
| several matches: oldest, newest, rule, refuse; ask | of_several_the_oldest_..., several_matches_are_settled_by_a_person |
| create, unless_found | created_records_go_only_when_asked_..., bulk: rows_with_one_key_become_one_record |
| create, duplicate rule and its override, validation | rules_of_the_org_refuse_with_field_rule_and_fix |
| local checks before any call | values_that_do_not_fit_cost_no_call |
| update by Id, by another field, overwrite, conflicts | an_update_by_another_field_never_creates, an_update_says_which_field_... |
| update and upsert under validation | validation_stops_updates_upserts_and_conversions_... |
| upsert by External ID (signs as they are) | bulk: upserts_by_key_and_deletes; owners_record_parents_go_by_name (the key) |
| guarded upsert by any fields, two tables racing | two_tables_push_the_same_people_and_make_each_once |
| delete behind a guard | deleting_wants_the_guard |
| convert lead, once, refused, answer lost | a_lead_is_converted_once, a_conversion_... |
| add to campaign | a_campaign_takes_leads_and_contacts_once |
| parent by External ID, owner by e-mail, picklists | owners_record_parents_go_by_name |
| dependent picklists | a_dependent_picklist_takes_what_its_controlling_field_allows |
| record type by name | record_types_and_queues_go_by_name |
| round-robin owner | owners_take_turns |
| all of them under flows that change, refuse, fail, rewrite the key | flows_change_..., flows_refuse_each_action_..., a_flow_that_... |
"""
import getpass
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import actions  # noqa: E402
import flows  # noqa: E402
import guarding  # noqa: E402
from given import ORG, Workspace, as_json, cells, create, first_contacts, rows, table, why  # noqa: E402, F401
from programs import main  # noqa: E402


# ------------------------------------------------------------------- looking up


def story_looks_up_by_normalised_keys_with_fallbacks():
    acme = create("Account", Name="Normal Acme", Website="https://www.normal-acme.example/en/")
    create("Account", Name="Other", Website="normal-acme.example.evil.example")
    contact = create("Contact", LastName="Norm", Email="norm@normal-acme.example")
    with Workspace(org=ORG) as w:
        table(w, "people", """
  - name: Account
    salesforce_lookup:
      connection: demo
      object: Account
      match_any: [{ AccountNumber: "{{Email}}" }, { Website: "{{Email}}" }]
      normalise: { Website: domain }
      return: [Id, Name]
""", where=f"Id = '{contact}'")
        w.argil("run", "people")
        found = as_json(cells(w, "people", "Account")[0])
        assert found["id"] == acme and found["Name"] == "Normal Acme", found


def story_a_free_query_quotes_what_a_row_holds():
    create("Contact", LastName="O'Dell \\ 50%_", Email="odell@q.example")
    with Workspace(org=ORG) as w:
        table(w, "people", """
  - name: Same
    salesforce_lookup:
      connection: demo
      soql: "SELECT Id, LastName FROM Contact WHERE LastName = {{LastName}} AND LastName LIKE '%{{LastName}}'"
      all: true
  - name: Wrong
    salesforce_lookup: { connection: demo, soql: "SELECT Id FROM Contact WHERE Nothing = {{LastName}}" }
""", where="Email = 'odell@q.example'")
        run = w.argil("run", "people", ok=(3,))
        assert [r["LastName"] for r in as_json(cells(w, "people", "Same")[0])] == ["O'Dell \\ 50%_"]
        assert "Nothing" in why(run), run


def story_several_matches_are_settled_by_a_person():
    first = create("Lead", LastName="Twin", Company="Twin Ltd", Email="twin@twins.example")
    second = create("Lead", LastName="Twin", Company="Twin Inc", Email="twin@twins.example")
    contact = create("Contact", LastName="Twin", Email="twin@twins.example")
    with Workspace(org=ORG) as w:
        table(w, "people", """
  - name: Change
    salesforce_update:
      connection: demo
      object: Lead
      match: { Email: "{{Email}}" }
      set: { Title: Chosen }
      if_several: ask
""", where=f"Id = '{contact}'")
        run = w.argil("run", "people", "--yes", ok=(3,))
        assert first in why(run) and second in why(run), run
        w.argil("column", "choose", "people", "Change", contact, second)
        assert w.argil("run", "people", "--yes")["updated"] == 1
        titles = {r["Id"]: r["Title"] for r in ORG.query("SELECT Id, Title FROM Lead WHERE Email = 'twin@twins.example'")}
        assert titles == {first: None, second: "Chosen"}, titles


# ---------------------------------------------------------------------- writing


def story_two_tables_push_the_same_people_and_make_each_once():
    """C7: by any fields, mixed case, some twice in a table, both tables at once."""
    people = first_contacts(40)
    before = ORG.count("SELECT COUNT() FROM Lead")
    with Workspace(org=ORG) as w:
        ids = ", ".join(f"'{c['Id']}'" for c in people)
        for name, case in (("a", "toUpperCase"), ("b", "toLowerCase")):
            table(w, name, f"""
  - name: Mail
    formula: "('guarded.' + {{{{Email}}}}.replace(/[0-9]/g, '')).{case}()"
  - name: Push
    salesforce_upsert:
      connection: demo
      object: Lead
      match: {{ Email: "{{{{Mail}}}}", LastName: Guarded }}
      set: {{ Email: "{{{{Mail}}}}", LastName: Guarded, Company: "{name}" }}
      if_several: refuse
""", where=f"Id IN ({ids})")
        distinct = None
        for name in ("a", "b"):
            w.argil("run", name, "--yes")
            mails = {m.lower() for m in cells(w, name, "Mail")}
            distinct = mails if distinct is None else distinct
            assert mails == distinct
        made = ORG.query("SELECT Email, Company FROM Lead WHERE LastName = 'Guarded'")
        assert len(made) == len(distinct), (len(made), len(distinct))
        assert {r["Company"] for r in made} == {"b"}, "the second table changed what the first made"
        assert ORG.count("SELECT COUNT() FROM Lead") == before + len(distinct)


def story_owners_record_parents_go_by_name():
    user = ORG.query("SELECT Id, Email, Name FROM User WHERE IsActive = true ORDER BY Id")[0]
    ORG.control("POST", "/schema", {"object": "Account", "fields": [
        {"name": "Push_Key__c", "label": "Push key", "type": "string", "length": 40, "externalId": True,
         "idLookup": True, "unique": True}]})
    parent = create("Account", Name="Parent", Push_Key__c="P/1 ?&")
    contact = create("Contact", LastName="Named", Email="named@names.example")
    with Workspace(org=ORG) as w:
        table(w, "people", f"""
  - name: Opp
    salesforce_create:
      connection: demo
      object: Opportunity
      set:
        Name: "For {{{{LastName}}}}"
        StageName: prospecting
        CloseDate: 2030/1/5
        OwnerId: "{user['Email'].upper()}"
        Account.Push_Key__c: "P/1 ?&"
""", where=f"Id = '{contact}'")
        run = w.argil("run", "people", "--yes")
        opp = ORG.query("SELECT AccountId, OwnerId, StageName, CloseDate FROM Opportunity WHERE Name = 'For Named'")[0]
        assert (opp["AccountId"], opp["OwnerId"]) == (parent, user["Id"]), opp
        assert (opp["StageName"], opp["CloseDate"]) == ("Prospecting", "2030-01-05"), opp
        repaired = {r["field"]: r for r in run["repairs"]}
        assert run["repaired"] == 3 and repaired["Opportunity.CloseDate"]["given"] == "2030/1/5", run["repairs"]
        w.argil("run", "people", "--yes", "--rows", "all")
        assert ORG.count("SELECT COUNT() FROM Opportunity WHERE Name = 'For Named'") == 1


def story_owners_take_turns():
    people = first_contacts(7)
    users = ORG.query("SELECT Id, Username FROM User WHERE IsActive = true ORDER BY Id LIMIT 2")
    with Workspace(org=ORG) as w:
        ids = ", ".join(f"'{c['Id']}'" for c in people)
        table(w, "people", f"""
  - name: Lead
    salesforce_create:
      connection: demo
      object: Lead
      set: {{ LastName: Turns, Company: "{{{{Id}}}}" }}
      owners: ["{users[0]['Username']}", {users[1]['Id']}]
""", where=f"Id IN ({ids})")
        w.argil("run", "people", "--yes", "--first", "3")
        w.argil("run", "people", "--yes")
        owned = [r["OwnerId"] for r in ORG.query("SELECT OwnerId FROM Lead WHERE LastName = 'Turns'")]
        assert sorted(owned.count(u["Id"]) for u in users) == [3, 4], owned


def story_rules_of_the_org_refuse_with_field_rule_and_fix():
    ORG.control("POST", "/rules", {"name": "Push_DR", "object": "Lead", "fields": ["Email"], "action": "alert",
                                   "message": "Use one of these records?"})
    ORG.control("POST", "/rules", {"name": "Push_VR", "object": "Lead", "when": "Title = 'Forbidden'",
                                   "message": "This title is not used here.", "field": "Title"})
    there = create("Lead", LastName="There", Company="There", Email="there@rules.example")
    same = create("Contact", LastName="Same", Email="there@rules.example")
    bad = create("Contact", LastName="Bad", Email="bad@rules.example", Title="Forbidden")
    fine = create("Contact", LastName="Fine", Email="fine@rules.example", Title="Good")
    try:
        with Workspace(org=ORG) as w:
            column = """
  - name: Lead
    salesforce_create:
      connection: demo
      object: Lead
      set: {{ LastName: "{{{{LastName}}}}", Company: Rules, Email: "{{{{Email}}}}", Title: "{{{{Title}}}}" }}
      duplicate_rule_override: {}
"""
            where = f"Id IN ('{same}', '{bad}', '{fine}')"
            table(w, "people", column.format("false"), fields="Id, LastName, Email, Title", where=where)
            run = w.argil("run", "people", "--yes", ok=(3,))
            assert run["created"] == 1 and run["rejected"] == 2, run
            assert there in why(run), "the duplicate rule's record is named: " + why(run)
            assert "This title is not used here." in why(run) and "Title" in why(run), run
            table(w, "people", column.format("true"), fields="Id, LastName, Email, Title", where=where)
            run = w.argil("run", "people", "--yes", ok=(3,))  # another recipe: all of them are due
            assert run["created"] == 1 and run["rejected"] == 1, run
    finally:
        for name in ("Push_DR", "Push_VR"):
            ORG.control("POST", "/rules", {"name": name, "object": "Lead", "active": False, "fields": ["Email"],
                                           **({"when": "Title = 'x'", "message": "-"} if "VR" in name else {})})


def story_values_that_do_not_fit_cost_no_call():
    contact = create("Contact", LastName="Misfit", Email="misfit@fit.example")
    bad = {
        "LastName: \"" + "x" * 81 + "\"": ("LastName", "80"),
        "Email: not-an-address": ("Email", "e-mail"),
        "OwnerId: nobody@fit.example": ("OwnerId", "user"),
        "AnnualRevenue: \"1,234\"": ("AnnualRevenue", "number"),
        "NumberOfEmployees: 1.5": ("NumberOfEmployees", "Round"),
        "HasOptedOutOfEmail: perhaps": ("HasOptedOutOfEmail", "true"),
    }
    with Workspace(org=ORG) as w:
        for n, (setting, (field, word)) in enumerate(bad.items()):
            key = setting.split(":")[0]
            rest = {"LastName": "LastName: Fit, ", "Company": ""}
            settings = ("" if key == "LastName" else rest["LastName"]) + "Company: Fit, " + setting
            table(w, f"t{n}", f"""
  - name: Lead
    salesforce_create: {{ connection: demo, object: Lead, set: {{ {settings} }} }}
""", where=f"Id = '{contact}'")
            before = ORG.count("SELECT COUNT() FROM Lead")
            run = w.argil("run", f"t{n}", "--yes", ok=(3,))
            assert run["refused"] == 1 and run["created"] == 0, (setting, run)
            assert field in why(run) and word in why(run), (setting, why(run))
            assert ORG.count("SELECT COUNT() FROM Lead") == before


def story_a_campaign_takes_leads_and_contacts_once():
    campaign = create("Campaign", Name="Push spring", IsActive=True)
    for n, label in enumerate(("Sent", "Came")):
        ORG.call("POST", "/services/data/v66.0/sobjects/CampaignMemberStatus",
                 {"CampaignId": campaign, "Label": label, "SortOrder": n + 10})
    lead = create("Lead", LastName="Member", Company="Member", Email="lead@members.example")
    contact = create("Contact", LastName="Member", Email="contact@members.example")
    other = create("Contact", LastName="Member", Email="lead@members.example")
    with Workspace(org=ORG) as w:
        table(w, "people", """
  - name: Lead
    salesforce_lookup: { connection: demo, object: Lead, match: { Email: "{{Email}}" } }
  - name: Person
    formula: "{{Lead}} ? {{Lead.id}} : {{Id}}"
  - name: Member
    salesforce_campaign: { connection: demo, campaign: Push spring, member: "{{Person}}", status: came }
""", where=f"Id IN ('{contact}', '{other}')")
        run = w.argil("run", "people", "--yes")
        assert run["created"] == 2, run
        members = ORG.query(f"SELECT LeadId, ContactId, Status FROM CampaignMember WHERE CampaignId = '{campaign}'")
        assert {(m["LeadId"], m["ContactId"]) for m in members} == {(lead, None), (None, contact)}, members
        assert {m["Status"] for m in members} == {"Came"}, members
        run = w.argil("run", "people", "--yes", "--rows", "all")
        assert run["created"] == 0 and run["unchanged"] == 2, run


def story_deleting_wants_the_guard():
    lead = create("Lead", LastName="Gone", Company="Gone", Email="gone@gone.example")
    contact = create("Contact", LastName="Gone", Email="gone@gone.example")
    column = """
  - name: Delete
    salesforce_delete: { connection: demo, object: Lead, match: { Email: "{{Email}}" } }
"""
    with Workspace(org=ORG) as w:
        recipe = f"""
table: people
source:
  salesforce: {{ connection: demo, object: Contact, fields: [Id, Email], where: "Id = '{contact}'" }}
columns:{column}"""
        refused = w.run("apply", w.recipe(recipe))
        assert refused.returncode == 2 and "may_delete" in refused.stderr, refused.stderr
        w.argil("apply", w.recipe(recipe + "guard: { may_delete: [Lead] }\n"))
        w.argil("sync", "people")
        assert w.argil("run", "people", "--yes")["deleted"] == 1
        assert ORG.count(f"SELECT COUNT() FROM Lead WHERE Id = '{lead}'") == 0
        done = w.argil("journal", "list")[0]
        card = w.argil("journal", "show", str(done["op"]))
        assert card["before"]["Company"] == "Gone", card


# ---------------------------------------------------------------------- in doubt


def story_a_lost_answer_without_a_key_is_a_card_with_four_answers():
    contact = create("Contact", LastName="Doubt", Email="doubt@doubt.example")
    with Workspace(org=ORG) as w:
        table(w, "people", """
  - name: Task
    salesforce_create: { connection: demo, object: Task, set: { Subject: "In doubt {{Id}}", WhoId: "{{Id}}" } }
""", where=f"Id = '{contact}'")
        ORG.control("POST", "/faults", {"name": "lost", "path": "/sobjects/Task", "method": "POST",
                                        "effect": "drop_before", "times": 1})
        try:
            w.argil("run", "people", "--yes", ok=(3, 4))
        finally:
            ORG.control("DELETE", "/faults?name=lost")
        doubts = w.argil("journal", "doubts", ok=(3,))
        assert len(doubts) == 1, doubts
        op = str(doubts[0]["op"])
        card = w.argil("journal", "show", op, "--look")
        assert card["state"] == "in doubt" and card["row_key"] == contact and card["candidates"] == [], card
        assert "no answer came" in card["how_far"], card
        nothing = w.run("journal", "resolve", op, "--this-is", contact)
        assert nothing.returncode == 1 and "Task" in nothing.stderr, nothing.stderr
        w.argil("journal", "resolve", op, "--later", "2h")
        assert w.argil("journal", "doubts") == []
        many = w.run("journal", "resolve", "--all", "--give-up", "--count", "7")
        assert many.returncode == 5, many.stderr
        w.argil("journal", "resolve", op, "--send-again")
        assert w.argil("run", "people")["created"] == 1
        assert ORG.count(f"SELECT COUNT() FROM Task WHERE WhoId = '{contact}'") == 1
        assert w.journal()["done"] == 1


def story_a_column_says_what_it_promises():
    with Workspace(org=ORG) as w:
        table(w, "people", """
  - name: Lead
    salesforce_create: { connection: demo, object: Lead, set: { LastName: "{{LastName}}", Company: P } }
  - name: Task
    salesforce_create: { connection: demo, object: Task, set: { Subject: "x" } }
""", where="Email = 'nobody@nowhere.example'")
        lead = {r["what"]: r["value"] for r in w.argil("column", "show", "people", "Lead")}
        task = {r["what"]: r["value"] for r in w.argil("column", "show", "people", "Task")}
        assert lead["mode"] == "sealed" and lead["guarded by"] == "Argil_Key__c", lead
        assert task["mode"] in ("findable", "ticketed"), task
        assert "connection seal demo Task" in task["to have a better one"], task
        kinds = {r["kind"] for r in w.argil("column", "kinds")}
        assert {"salesforce_delete", "salesforce_campaign"} <= kinds


# ------------------------------------------------------------ taking back, asking why


def undo(w, run, *words, ok=(0, 3)):
    """What was told, line by line, as (what, record, field, why)."""
    lines = w.argil("undo", str(run), *words, ok=ok) or []
    return {(line["record"], line["field"]): line["what"] for line in lines}


def story_a_run_is_taken_back_field_by_field():
    ids = [create("Contact", LastName=f"Undo {n}", Email=f"undo{n}@x.example", Title=f"was {n}") for n in range(4)]
    with Workspace(org=ORG) as w:
        table(w, "undone", """
  - name: Write
    salesforce_update: { connection: demo, object: Contact, id: "{{Id}}", set: { Title: "by Argil", Department: "Argil" } }
""", where="LastName LIKE 'Undo %'")
        run = w.argil("run", "undone", "--yes")
        assert run["updated"] == 4, run
        ORG.call("PATCH", f"/services/data/v66.0/sobjects/Contact/{ids[1]}", {"Title": "by hand"})
        ORG.call("PATCH", f"/services/data/v66.0/sobjects/Contact/{ids[2]}", {"Title": "was 2"})
        ORG.call("DELETE", f"/services/data/v66.0/sobjects/Contact/{ids[3]}")
        before = ORG.calls_used()
        told = undo(w, run["run"], "--dry-run")
        assert ORG.calls_used() - before < 10
        assert told[(ids[0], "Title")] == "restore" and told[(ids[0], "Department")] == "restore", told
        assert told[(ids[1], "Title")] == "changed since" and told[(ids[1], "Department")] == "restore", told
        assert told[(ids[2], "Title")] == "already so" and told[(ids[3], None)] == "gone", told
        held = {r["Id"]: (r["Title"], r["Department"]) for r in ORG.query(
            "SELECT Id, Title, Department FROM Contact WHERE LastName LIKE 'Undo %'")}
        assert held[ids[0]] == ("by Argil", "Argil"), "a dry run wrote"

        assert undo(w, run["run"]) == told
        held = {r["Id"]: (r["Title"], r["Department"]) for r in ORG.query(
            "SELECT Id, Title, Department FROM Contact WHERE LastName LIKE 'Undo %'")}
        assert held == {ids[0]: ("was 0", None), ids[1]: ("by hand", None), ids[2]: ("was 2", None)}, held
        again = w.argil("run", "undone", "--yes", ok=(0, 3))
        assert again["updated"] == 0, "what was taken back was written again"
        w.argil("sync", "undone")
        again = w.argil("run", "undone", "--yes", ok=(0, 3))
        assert again["updated"] == 0, "the undo coming back made the column due"

        kinds = [(r["run"], r["kind"]) for r in w.argil("runs", "undone")]
        undone = next(run for run, kind in kinds if kind == "undo")
        told = undo(w, undone)
        assert told[(ids[0], "Title")] == "restore", told
        held = ORG.query(f"SELECT Title, Department FROM Contact WHERE Id = '{ids[0]}'")[0]
        assert (held["Title"], held["Department"]) == ("by Argil", "Argil"), "an undo can be undone"

        answer = w.run("why", ids[0], "title")
        assert answer.returncode == 0 and "it holds what the newest write" in answer.stdout, answer.stdout + answer.stderr
        writes = w.argil("why", ids[0], "Title")
        assert [x["what"].split()[0] for x in writes] == ["undo", "undo", "update"], writes
        assert writes[2]["before"] == '"was 0"' and writes[2]["wrote"] == '"by Argil"', writes
        assert writes[2]["column"] == "undone.Write" and writes[2]["who"] == getpass.getuser(), writes
        said = w.run("why", ids[1], "Title").stdout
        assert "was changed since" in said and "by hand" in said, said
        assert "ever wrote" in w.run("why", ids[0], "Phone").stdout
        assert w.run("why", "nonsense", "Title").returncode == 1
        wrote = [json.loads(line) for line in w.run("audit", "writes", "--since", "1h").stdout.splitlines()]
        first = next(x for x in wrote if x["record"] == ids[0])
        assert first["before"] == {"Title": "was 0", "Department": None} and first["written"]["Title"] == "by Argil", first
        assert w.run("audit", "writes", "--since", "soon").returncode == 2
        assert w.argil("audit", "verify")["holds"] and any(x["what"] == "undo" for x in w.argil("audit", "list"))
        nothing = w.run("undo", "999999")
        assert nothing.returncode == 1 and "no run 999999" in nothing.stderr, nothing.stderr
        w.argil("journal", "check")


def story_created_records_go_only_when_asked_and_untouched():
    for n in range(3):
        create("Contact", LastName=f"Made {n}", Email=f"made{n}@x.example")
    with Workspace(org=ORG) as w:
        table(w, "made", """
  - name: New lead
    type: json
    salesforce_create:
      connection: demo
      object: Lead
      set: { LastName: "{{LastName}}", Company: "Made Ltd", Email: "{{Email}}" }
      unless_found: { Email: "{{Email}}" }
""", where="LastName LIKE 'Made %'")
        run = w.argil("run", "made", "--yes")
        assert run["created"] == 3, run
        leads = {r["LastName"]: r["Id"] for r in ORG.query("SELECT Id, LastName FROM Lead WHERE Company = 'Made Ltd'")}
        ORG.call("PATCH", f"/services/data/v66.0/sobjects/Lead/{leads['Made 1']}", {"Company": "Made by hand"})
        assert set(undo(w, run["run"]).values()) == {"kept"}
        told = undo(w, run["run"], "--delete-created")
        assert told[(leads["Made 0"], None)] == "delete" and told[(leads["Made 1"], None)] == "changed since", told
        left = [r["LastName"] for r in ORG.query("SELECT LastName FROM Lead WHERE LastName LIKE 'Made %'")]
        assert left == ["Made 1"], left
        assert w.argil("run", "made", "--yes", ok=(0, 3))["created"] == 0
        again = w.argil("run", "made", "--yes", "--rows", "skipped", ok=(0, 3))
        assert again["created"] == 2, ("asked for by name, they are made again", again)
        w.argil("journal", "check")


def story_the_switch_stops_every_write():
    create("Contact", LastName="Switch", Email="switch@x.example")
    with Workspace(org=ORG) as w:
        table(w, "switched", """
  - name: Write
    salesforce_update: { connection: demo, object: Contact, id: "{{Id}}", set: { Title: "let go" } }
""", where="LastName = 'Switch'")
        w.run("sending", "stop", "--reason", "INC-7")
        state = w.argil("sending", "status", ok=(3,))
        assert state == {"stopped": True, "reason": "INC-7"}, state
        run = w.argil("run", "switched", "--yes", ok=(4,))
        assert run["updated"] == 0 and "sending is stopped" in why(run), run
        assert ORG.query("SELECT Title FROM Contact WHERE LastName = 'Switch'")[0]["Title"] is None
        w.run("sending", "resume")
        assert w.argil("run", "switched")["updated"] == 1
        w.argil("journal", "check")


# ------------------------------------------------------------------ field contract


def contract(w, text, *words, ok=(0,)):
    return w.argil("contract", "apply", w.recipe(text, "contract.yaml"), *words, ok=ok)


def story_a_contract_lets_nothing_pass_that_it_does_not_list():
    ids = [create("Contact", LastName=f"Contract {n}", Email=f"contract{n}@x.example", Title="" if n else "held",
                  Department="d", HasOptedOutOfEmail=n == 3) for n in range(4)]
    with Workspace(org=ORG) as w:
        table(w, "ruled", """
  - name: Write
    salesforce_update: { connection: demo, object: Contact, id: "{{Id}}", set: { Title: "by Argil" } }
  - name: Later
    salesforce_update: { connection: demo, object: Contact, id: "{{Id}}", set: { AssistantName: "Ann" } }
""", where="LastName LIKE 'Contract %'")
        mistakes = w.run("contract", "apply", w.recipe("""
connection: demo
defualt: deny
fields:
  - { field: Contact.Titel }
  - { field: Contact.Title, rule: if_blnk, when: nobody }
  - { field: Industry }
""", "bad.yaml"))
        assert mistakes.returncode == 2, mistakes.stderr
        for said in ('"default"', '"if_blank"', 'no guard "nobody"', "Object.Field"):
            assert said in mistakes.stderr, (said, mistakes.stderr)
        unknown = w.run("contract", "apply", w.recipe("connection: demo\nfields:\n  - { field: Contact.Titel }\n  - { field: Contact.Title, when: odd }\nguards: { odd: \"Nonsense = 1\" }\n", "bad.yaml"))
        assert unknown.returncode == 2 and "Contact.Title?" in unknown.stderr and "Nonsense" in unknown.stderr, unknown.stderr
        assert w.argil("contract", "history", "demo") == []

        contract(w, "connection: demo\nfields: []\n")
        run = w.run("run", "ruled", "--yes")
        assert run.returncode == 1 and "contract.denied" in run.stderr and "Contact.Title" in run.stderr, run.stderr
        changed = contract(w, """
connection: demo
fields:
  - { field: Contact.Title, rule: if_blank, when: contactable, ticket: OPS-1 }
  - { field: Contact.AssistantName, status: pending, ticket: OPS-2 }
  - { field: Contact.Fax, direction: read, sensitivity: personal }
guards: { contactable: "HasOptedOutOfEmail = false" }
""", "--ticket", "OPS-1")
        assert [c["field"] for c in changed] == ["Contact.Title", "Contact.AssistantName", "Contact.Fax"], changed
        run = w.argil("run", "ruled", "--yes", "--column", "Write", ok=(0, 3))
        assert run["updated"] == 2 and run["refused"] == 1, run
        assert "rule is if_blank" in why(run) and 'guard "contactable"' in why(run), run
        titles = {r["Id"]: r["Title"] for r in ORG.query("SELECT Id, Title FROM Contact WHERE LastName LIKE 'Contract %'")}
        assert titles == {ids[0]: "held", ids[1]: "by Argil", ids[2]: "by Argil", ids[3]: None}, titles
        later = w.run("run", "ruled", "--yes", "--column", "Later")
        assert later.returncode == 1 and "contract.pending" in later.stderr, later.stderr

        report = {u["field"]: u for u in w.argil("contract", "report", "demo")}
        assert report["Contact.Title"]["verdict"] == "written" and report["Contact.Title"]["written by"] == "ruled.Write", report
        assert report["Contact.AssistantName"]["verdict"] == "pending" and report["Contact.Fax"]["verdict"] == "read only", report
        versions = w.argil("contract", "history", "demo")
        assert [v["version"] for v in versions] == ["2", "1"] and versions[0]["ticket"] == "OPS-1", versions

        sheet = w.run("contract", "export", "demo").stdout
        assert sheet.splitlines()[0] == "field,direction,status,rule,when,ticket,sensitivity,note,newer_than,sources", sheet
        (w.home / "contract.csv").write_text(sheet.replace("AssistantName,write,pending", "AssistantName,write,active"))
        w.argil("contract", "import", "demo", str(w.home / "contract.csv"))
        assert w.argil("run", "ruled", "--yes", "--column", "Later")["updated"] == 4
        assert 'contactable: "HasOptedOutOfEmail = false"' in w.run("contract", "show", "demo").stdout
        w.argil("journal", "check")


def story_a_contract_holds_at_the_last_step_before_the_wire():
    create("Contact", LastName="Lastly", Email="lastly@x.example")
    with Workspace(org=ORG) as w:
        table(w, "lastly", """
  - name: Write
    salesforce_update: { connection: demo, object: Contact, id: "{{Id}}", set: { Title: "slipped by" } }
""", where="LastName = 'Lastly'")
        w.run("sending", "stop")
        w.argil("run", "lastly", "--yes", ok=(4,))  # planned, not sent
        w.run("sending", "resume")
        contract(w, "connection: demo\nfields:\n  - { field: Lead.* }\n")
        held = w.run("run", "lastly")
        assert "contract" in held.stdout + held.stderr
        assert ORG.query("SELECT Title FROM Contact WHERE LastName = 'Lastly'")[0]["Title"] is None
        assert w.journal()["planned"] == 1
        contract(w, "connection: demo\nfields:\n  - { field: Contact.Title }\n")
        w.run("journal", "recover")
        assert ORG.query("SELECT Title FROM Contact WHERE LastName = 'Lastly'")[0]["Title"] == "slipped by"


def story_ours_and_once_know_what_was_written():
    theirs = create("Contact", LastName="Ours theirs", Email="ours1@x.example", Title="theirs", Department="old")
    ours = create("Contact", LastName="Ours ours", Email="ours2@x.example")
    with Workspace(org=ORG) as w:
        def recipe(title, department):
            return f"""
  - name: Write
    salesforce_update: {{ connection: demo, object: Contact, id: "{{{{Id}}}}", set: {{ Title: "{title}", Department: "{department}" }} }}
"""
        contract(w, "connection: demo\nfields:\n  - { field: Contact.Title, rule: if_ours }\n  - { field: Contact.Department, rule: set_once }\n")
        table(w, "ours", recipe("one", "one"), where="LastName LIKE 'Ours %'")
        w.argil("run", "ours", "--yes", ok=(0, 3))
        table(w, "ours", recipe("two", "two"), where="LastName LIKE 'Ours %'")
        w.argil("run", "ours", "--yes", "--rows", "all", ok=(0, 3))
        held = {r["Id"]: (r["Title"], r["Department"]) for r in ORG.query("SELECT Id, Title, Department FROM Contact WHERE LastName LIKE 'Ours %'")}
        assert held == {theirs: ("theirs", "old"), ours: ("two", "one")}, held
        ORG.call("PATCH", f"/services/data/v66.0/sobjects/Contact/{ours}", {"Title": "by hand", "Department": ""})
        table(w, "ours", recipe("three", "three"), where="LastName LIKE 'Ours %'")
        w.argil("run", "ours", "--yes", "--rows", "all", ok=(0, 3))
        held = ORG.query(f"SELECT Title, Department FROM Contact WHERE Id = '{ours}'")[0]
        assert (held["Title"], held["Department"]) == ("by hand", None), "if_ours and set_once wrote over a person's value"


# ------------------------------------------------------------ plan, approve, apply


def story_a_plan_is_what_is_applied_and_nothing_else():
    ids = [create("Contact", LastName=f"Planned {n}", Email=f"planned{n}@x.example", Title=f"old {n}") for n in range(5)]
    with Workspace(org=ORG) as w:
        table(w, "planned", """
  - name: Write
    salesforce_update: { connection: demo, object: Contact, id: "{{Id}}", set: { Title: "{{LastName}}!", Birthdate: "{{Department}}" } }
""", where="LastName LIKE 'Planned %'", fields="Id, LastName, Email, Department")
        ORG.call("PATCH", f"/services/data/v66.0/sobjects/Contact/{ids[4]}", {"Department": "no date"})
        w.argil("sync", "planned")
        made = w.argil("run", "planned", "--plan")
        assert made["planned"] == 4 and made["blocked"] == 1, made
        plan = str(made["plan"])
        lines = {x["row"]: x for x in w.argil("plan", "show", plan)}
        assert lines[ids[0]]["change"] == 'Title: "old 0" -> "Planned 0!"', lines
        assert lines[ids[4]]["state"] == "blocked" and "Birthdate" in lines[ids[4]]["why"], lines
        assert not [r for r in ORG.query("SELECT Title FROM Contact WHERE LastName LIKE 'Planned %'") if "!" in (r["Title"] or "")]

        early = w.run("plan", "apply", plan)
        assert early.returncode == 1 and "not approved" in early.stderr, early.stderr
        assert w.run("plan", "reject", plan, "--row", ids[1]).returncode == 1, "a rejection wants its reason"
        w.argil("plan", "reject", plan, "--row", ids[1], "--reason", "a partner")
        bad = w.run("plan", "edit", plan, "--row", ids[2], "--set", '{"Title": "' + "x" * 200 + '"}')
        assert bad.returncode == 1 and "refused.too_long" in bad.stderr, bad.stderr
        assert w.run("plan", "edit", plan, "--row", ids[2], "--set", '{"Phone": "1"}').returncode == 1
        w.argil("plan", "edit", plan, "--row", ids[2], "--set", '{"Title": "CFO"}')
        w.argil("plan", "approve", plan)
        late = w.run("plan", "edit", plan, "--row", ids[2], "--set", '{"Title": "CEO"}')
        assert late.returncode == 1 and "does not wait" in late.stderr, late.stderr
        ORG.call("PATCH", f"/services/data/v66.0/sobjects/Contact/{ids[3]}", {"Title": "by hand"})
        create("Contact", LastName="Planned 9", Email="planned9@x.example")
        w.argil("sync", "planned")

        run = w.argil("plan", "apply", plan, ok=(0, 3))
        titles = {r["LastName"]: r["Title"] for r in ORG.query("SELECT LastName, Title FROM Contact WHERE LastName LIKE 'Planned %'")}
        assert titles == {"Planned 0": "Planned 0!", "Planned 1": "old 1", "Planned 2": "CFO", "Planned 3": "by hand",
                          "Planned 4": "old 4", "Planned 9": None}, titles
        assert run["updated"] == 2 and "changed since the plan" in why(run) and "does not know this write" in why(run), run
        again = w.run("plan", "apply", plan)
        assert again.returncode == 1 and "applied already" in again.stderr, again.stderr
        listed = w.argil("plan", "list")
        assert [p["state"] for p in listed] == ["applied"] and listed[0]["decided by"], listed
        w.argil("journal", "check")


def story_a_contract_wants_a_plan_above_its_number():
    for n in range(3):
        create("Contact", LastName=f"Threshold {n}", Email=f"threshold{n}@x.example")
    with Workspace(org=ORG) as w:
        table(w, "threshold", """
  - name: Write
    salesforce_update: { connection: demo, object: Contact, id: "{{Id}}", set: { Title: "over" } }
""", where="LastName LIKE 'Threshold %'")
        contract(w, "connection: demo\napprove_above: 2\nfields:\n  - { field: Contact.Title }\n")
        stopped = w.run("run", "threshold", "--yes")
        assert stopped.returncode == 5 and "--plan" in stopped.stderr, stopped.stderr
        plan = str(w.argil("run", "threshold", "--plan")["plan"])
        w.argil("plan", "approve", plan)
        assert w.argil("plan", "apply", plan)["updated"] == 3
        rejected = str(w.argil("run", "threshold", "--plan", "--rows", "all")["plan"])
        w.argil("plan", "reject", rejected, "--reason", "not today")
        assert w.run("plan", "apply", rejected).returncode == 1


if __name__ == "__main__":
    stories = dict(globals())
    for module in (actions, flows, guarding):
        stories.update({name: value for name, value in vars(module).items() if name.startswith("story_")})
    code = main(stories, processes=3)
    ORG.stop()
    sys.exit(code)
