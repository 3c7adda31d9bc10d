#!/usr/bin/env python3
"""Every way in, end to end: the real argil against the real localorg.

| source | story | killed at every page |
|---|---|---|
| object, by pages and in bulk | tests/sync/run.py | killed_before_every_page_by_rest, ..._every_batch_by_bulk, at_any_moment_of_a_bulk_import |
| object, live | tests/live/run.py | killed_at_every_step_of_a_live_batch |
| list view | a_list_view_with_its_columns_those_of_parents_too | the same |
| report | a_report_of_25000_rows_whatever_its_form, small_reports_... | the first, at each of its pages |
| SOQL | aggregates_parents_and_children_by_soql | the same |
| HTTP API, another table | an_http_api_by_pages_then_a_table_of_that_table | the same |
| webhook | a_webhook_that_is_killed_has_what_it_said_yes_to | the same |
| CSV | a_csv_of_200_mb_in_flat_memory, ../faults/inputs.py | an_upload_killed_at_any_page_loses_and_doubles_nothing |
| several, one table | tests/engine/test_source_table.c | |
"""
import csv
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support_py"))
import faults  # noqa: E402
import matrix  # noqa: E402
import pulling  # noqa: E402
from programs import ARGIL, Org, Workspace, main  # noqa: E402
from server import Server  # noqa: E402
from pulling import field, hide, killed_at_every_page, org, rows, same, table  # noqa: E402

# --------------------------------------------------------------- schema drift

def story_a_field_that_is_hidden_freezes_alone_and_comes_back_filled():
    with Workspace(seed="developer-edition") as w:
        name = w.org.control("POST", "/schema", {"object": "Account", "fields": [
            {"name": "Tier__c", "label": "Tier", "type": "string", "length": 80}]}) and "Tier__c"
        one = w.org.query("SELECT Id FROM Account LIMIT 1")[0]["Id"]
        path = f"/services/data/v66.0/sobjects/Account/{one}"
        assert w.org.call("PATCH", path, {name: "gold"})[0] == 204
        table(w, "firms", f"salesforce: {{connection: demo, object: Account, fields: [Id, Name, {name}]}}")
        w.org.control("POST", "/schema", {"object": "Account", "fields": [
            {"name": "Later__c", "label": "Later", "type": "string", "length": 80}]})
        report = w.argil("sync", "firms")
        assert "new fields: Later__c" in report["statement"], report["statement"]
        hide(w, name, True)
        assert w.org.call("PATCH", path, {"Name": "Renamed"})[0] == 204
        report = w.argil("sync", "firms")
        assert f"no longer readable, values kept as they were: {name}" in report["statement"], report["statement"]
        held = next(r for r in rows(w, "firms") if r["Id"] == one)
        assert (held["Name"], held[name]) == ("Renamed", "gold"), held
        hide(w, name, False)
        report = w.argil("sync", "firms")
        assert report["complete"] and "no longer readable" not in report["statement"], report["statement"]


def story_row_103_a_parents_field_freezes_alone_and_is_filled_when_it_returns():
    with Workspace(seed="developer-edition") as w:
        w.org.control("POST", "/schema", {"object": "Account", "fields": [field("Tier__c")]})
        one = w.org.query("SELECT Id, AccountId FROM Contact WHERE AccountId != null LIMIT 1")[0]
        firm = f"/services/data/v66.0/sobjects/Account/{one['AccountId']}"
        assert w.org.call("PATCH", firm, {"Tier__c": "gold"})[0] == 204
        table(w, "people", "salesforce: {connection: demo, object: Contact, fields: [Id, LastName, Account.Tier__c, Account.Name]}")

        def held():
            return next(r for r in rows(w, "people") if r["Id"] == one["Id"])
        same(held()["Account.Tier__c"], "gold")
        hide(w, "Tier__c", True)
        w.org.call("PATCH", f"/services/data/v66.0/sobjects/Contact/{one['Id']}", {"LastName": "Renamed"})
        report = w.argil("sync", "people")
        assert report["complete"] and "values kept as they were: Account.Tier__c" in report["statement"], report["statement"]
        same((held()["LastName"], held()["Account.Tier__c"]), ("Renamed", "gold"))
        hide(w, "Tier__c", False)
        assert w.org.call("PATCH", firm, {"Tier__c": "platinum"})[0] == 204
        report = w.argil("sync", "people")
        assert report["complete"] and "no longer readable" not in report["statement"], report["statement"]
        same(held()["Account.Tier__c"], "platinum")


def story_row_101_a_retyped_field_freezes_until_the_recipe_takes_it():
    with Workspace(seed="developer-edition") as w:
        w.org.control("POST", "/schema", {"object": "Account", "fields": [field("Size__c", "double", precision=10, scale=0)]})
        one = w.org.query("SELECT Id FROM Account LIMIT 1")[0]["Id"]
        path = f"/services/data/v66.0/sobjects/Account/{one}"
        assert w.org.call("PATCH", path, {"Size__c": 12})[0] == 204
        recipe = "salesforce: {connection: demo, object: Account, fields: [Id, Name, Size__c]}"
        table(w, "firms", recipe)
        w.org.control("POST", "/schema", {"object": "Account", "fields": [field("Size__c", "boolean")]})
        w.org.call("PATCH", path, {"Name": "Renamed"})
        report = w.argil("sync", "firms")
        assert report["complete"] and "Size__c was double and is boolean" in report["statement"], report["statement"]
        held = next(r for r in rows(w, "firms") if r["Id"] == one)
        same((held["Name"], held["Size__c"]), ("Renamed", "12.0"))
        assert w.org.call("PATCH", path, {"Size__c": True})[0] == 204
        report = table(w, "firms", recipe)
        assert report["complete"] and "apply the recipe again" not in report["statement"], report["statement"]
        same(next(r for r in rows(w, "firms") if r["Id"] == one)["Size__c"], "true")


def story_row_104_an_object_that_is_hidden_stops_its_table_alone_and_keeps_the_rows():
    with Workspace(seed="developer-edition") as w:
        table(w, "firms", "salesforce: {connection: demo, object: Account, fields: [Id, Name]}")
        table(w, "people", "salesforce: {connection: demo, object: Contact, fields: [Id, LastName]}")
        before = rows(w, "firms")
        w.org.control("POST", "/users", {"username": w.org.ready["username"], "deny": [{"object": "Account"}]})
        done = w.run("sync", "firms")
        same(done.returncode, 1)
        assert "Account" in done.stderr and "Permission Set" in done.stderr, done.stderr
        same(rows(w, "firms"), before)
        assert w.argil("sync", "people")["complete"]
        w.org.control("POST", "/users", {"username": w.org.ready["username"], "allow": [{"object": "Account"}]})
        assert w.argil("sync", "firms")["complete"]


# ----------------------------------------------------------------- list views

def story_a_list_view_with_its_columns_those_of_parents_too():
    with Workspace(org=org()) as w:
        view = {"object": "Account", "name": "Energy", "developerName": "Energy", "columns": [
            "Name", "Industry", "Owner.Profile.Name", "AnnualRevenue"],
            "filters": [{"field": "Industry", "operation": "equals", "value": "Energy,Banking"}]}
        w.org.control("POST", "/listviews", view)
        wanted = w.org.query("SELECT Id, Name, Industry, Owner.Profile.Name, AnnualRevenue FROM Account"
                             " WHERE Industry IN ('Energy','Banking')")
        report = table(w, "view", "salesforce: {connection: demo, object: Account, list_view: Energy}")
        assert report["complete"], report["statement"]
        assert 'list view "Energy" of Account' in report["statement"], report["statement"]
        got = {r["Id"]: r for r in rows(w, "view")}
        same(sorted(got), sorted(r["Id"] for r in wanted))
        for r in wanted:
            same(got[r["Id"]]["Owner.Profile.Name"], r["Owner"]["Profile"]["Name"])
            same(got[r["Id"]]["Name"], r["Name"])
        w.argil("apply", w.recipe("table: killed\nsource:\n  salesforce: {connection: demo, object: Account, list_view: Energy}\n", "killed.yaml"))
        assert killed_at_every_page(w, "killed") >= 1
        same(sorted(r["Id"] for r in rows(w, "killed")), sorted(got))
        # only what changed the next time; what left the view is gone, what came in is there
        first, second = wanted[0]["Id"], wanted[1]["Id"]
        w.org.call("PATCH", f"/services/data/v66.0/sobjects/Account/{first}", {"Industry": "Apparel"})
        w.org.call("PATCH", f"/services/data/v66.0/sobjects/Account/{second}", {"Name": "Renamed"})
        again = w.argil("sync", "view")
        assert again["complete"] and not again["full"], again["statement"]
        same((again["changed"], again["deleted"]), (1, 1))
        # the filter is the one that the view has now
        view["filters"][0]["value"] = "Energy"
        w.org.control("POST", "/listviews", view)
        w.argil("sync", "view", "--full")
        same(len(rows(w, "view")), w.org.count("SELECT COUNT() FROM Account WHERE Industry = 'Energy'"))
        # scope mine, and a view that SOQL cannot say
        w.org.control("POST", "/listviews", {"object": "Contact", "name": "My own", "developerName": "My_own",
                                             "columns": ["Name", "Account.Name"], "scope": "mine"})
        mine = table(w, "mine", "salesforce: {connection: demo, object: Contact, list_view: My_own}")
        assert mine["complete"], mine["statement"]


def story_a_list_view_that_is_not_there_is_named():
    with Workspace(org=org()) as w:
        done = w.run("apply", w.recipe("""
table: view
source:
  salesforce:
    connection: demo
    object: Account
    list_view: AlAccounts
"""))
        same(done.returncode, 2)
        assert "recipe.yaml:7:16" in done.stderr and "did you mean `AllAccounts`?" in done.stderr, done.stderr


# -------------------------------------------------------------------- reports

def big_org(count=25000, same_names=9000):
    """Accounts of which many share a name: nothing but their id tells them apart."""
    big = Org(seed="empty")
    with tempfile.TemporaryDirectory() as d:
        with open(f"{d}/Account.csv", "w") as f:
            f.write("Name,Industry,AnnualRevenue,Site\n")
            for i in range(count):
                f.write(f"Firm {i % same_names},{'Energy' if i % 3 else 'Banking'},{i if i % 7 else ''},{i % 5}\n")
        big.control("POST", f"/load?path={d}/Account.csv")
    return big


def put_report(o, name, **more):
    o.control("POST", "/reports", {"name": name, "developerName": name, "reportFormat": "TABULAR",
                                   "reportType": {"type": "AccountList"},
                                   "detailColumns": ["ACCOUNT.NAME", "INDUSTRY", "SALES"], **more})


def story_a_report_of_25000_rows_whatever_its_form():
    big = big_org()
    try:
        put_report(big, "List")
        put_report(big, "Groups", reportFormat="SUMMARY", detailColumns=["ACCOUNT.NAME", "SALES"],
                   groupingsDown=[{"name": "INDUSTRY", "sortOrder": "Asc"}],
                   reportFilters=[{"column": "SALES", "operator": "greaterOrEqual", "value": "20000"}])
        put_report(big, "Limited", sortBy=[{"sortColumn": "SALES", "sortOrder": "Asc"}], topRows={
            "rowLimit": 5000, "direction": "Asc"})
        with Workspace(org=big) as w:
            recipe = ('salesforce: {connection: demo, report: %s, fields: [Account Name, Industry, Annual Revenue, '
                      '"ACCOUNT.NAME:id"]}')
            w.argil("apply", w.recipe(f"table: list\nsource:\n  {recipe % 'List'}\n  unique_by: ACCOUNT.NAME:id\n"))
            kills = killed_at_every_page(w, "list", step=1)
            assert kills >= 24, kills
            got = {r["ACCOUNT.NAME:id"]: r for r in rows(w, "list")}
            same(len(got), 25000)
            same(len(rows(w, "list")), 25000)
            some = w.org.query("SELECT Id, Name, Industry, AnnualRevenue FROM Account WHERE Site = '3' LIMIT 2000")
            for r in some:
                same((got[r["Id"]]["Account Name"], got[r["Id"]]["Industry"]), (r["Name"], r["Industry"]))
                same(got[r["Id"]]["Annual Revenue"], str(int(r["AnnualRevenue"])) if r["AnnualRevenue"] else "")
            groups = table(w, "groups", recipe % "Groups", rules="  unique_by: ACCOUNT.NAME:id\n")
            assert groups["complete"], groups["statement"]
            same(groups["rows"], w.org.count("SELECT COUNT() FROM Account WHERE AnnualRevenue >= 20000"))
            same({r["Industry"] for r in rows(w, "groups")}, {"Energy", "Banking"})
            w.argil("apply", w.recipe(f"table: limited\nsource:\n  {recipe % 'Limited'}\n  unique_by: ACCOUNT.NAME:id\n"))
            done = w.run("sync", "limited")
            same(done.returncode, 1)
            assert "report.cannot_split" in done.stderr and "row limit of its own" in done.stderr, done.stderr
    finally:
        big.stop()


def story_small_reports_tabular_summary_matrix():
    with Workspace(org=org()) as w:
        for name, key in (("Accounts_by_industry", "[Account Name, Annual Revenue]"), ("Leads_without_an_answer", "Lead ID")):
            report = table(w, "r", f"salesforce: {{connection: demo, report: {name}}}", rules=f"  unique_by: {key}\n")
            assert report["remote_count"] > 0, report
            again = w.argil("sync", "r")
            same((again["added"], again["changed"], again["deleted"]), (0, 0, 0))
            assert w.run("table", "delete", "r", "--yes").returncode == 0
        report = table(w, "m", "salesforce: {connection: demo, report: Pipeline by stage and month, fields: "
                               "[Stage, Close Date, Opportunity Name, Amount]}",
                       rules="  unique_by: [Opportunity Name, Close Date, Amount]\n")
        there = {(r["Name"], r["CloseDate"], r["StageName"]) for r in w.org.query(
            "SELECT Name, CloseDate, StageName FROM Opportunity")}
        got = {(r["Opportunity Name"], r["Close Date"], r["Stage"]) for r in rows(w, "m")}
        assert got and got <= there, sorted(got - there)[:3]


def story_a_report_needs_unique_by():
    with Workspace(org=org()) as w:
        done = w.run("apply", w.recipe("table: r\nsource:\n  salesforce: {connection: demo, report: All_Accounts}\n"))
        same(done.returncode, 2)
        assert "needs `unique_by`" in done.stderr, done.stderr
        done = w.run("apply", w.recipe("table: r\nsource:\n  salesforce: {connection: demo, report: Nothing}\n  unique_by: x\n"))
        assert "there is no report `Nothing`" in done.stderr, done.stderr


# ----------------------------------------------------------------------- soql

def story_aggregates_parents_and_children_by_soql():
    with Workspace(org=org()) as w:
        report = table(w, "by_industry", "salesforce: {connection: demo, soql: \"SELECT Industry, COUNT(Id) n,"
                       " MAX(AnnualRevenue) FROM Account GROUP BY Industry\"}", rules="  unique_by: Industry\n")
        assert report["complete"], report["statement"]
        got = {r["Industry"]: r for r in rows(w, "by_industry")}
        for r in w.org.query("SELECT Industry, COUNT(Id) n, MAX(AnnualRevenue) m FROM Account GROUP BY Industry"):
            same(int(got[r["Industry"] or ""]["n"]), r["n"])
            assert float(got[r["Industry"] or ""]["expr0"] or "nan") == r["m"] or r["m"] is None, r
        w.argil("apply", w.recipe("table: c\nsource:\n  salesforce: {connection: demo, soql: \"SELECT Id, Name, "
                                  "Account.Owner.Alias, (SELECT Subject FROM Tasks) FROM Contact\"}\n  unique_by: Id\n"))
        killed_at_every_page(w, "c")
        contacts = rows(w, "c")
        same(len(contacts), w.org.count("SELECT COUNT() FROM Contact"))
        with_tasks = [json.loads(r["Tasks"]) for r in contacts if r["Tasks"]]
        assert with_tasks and all("Subject" in t for tasks in with_tasks for t in tasks)
        owners = {r["Id"]: (r["Account"] or {}).get("Owner", {}).get("Alias") for r in w.org.query(
            "SELECT Id, Account.Owner.Alias FROM Contact")}
        same({r["Id"]: r["Account.Owner.Alias"] or None for r in contacts}, owners)
        # what the query no longer gives is gone
        gone = contacts[0]["Id"]
        w.org.call("DELETE", f"/services/data/v66.0/sobjects/Contact/{gone}")
        again = w.argil("sync", "c")
        same((again["deleted"], again["added"]), (1, 0))
        done = w.run("apply", w.recipe("table: x\nsource:\n  salesforce: {connection: demo, soql: SELECT COUNT() FROM Account}\n  unique_by: Id\n"))
        assert "COUNT() gives no rows" in done.stderr and "recipe.yaml:3:" in done.stderr, done.stderr
        done = w.run("apply", w.recipe("table: x\nsource:\n  salesforce: {connection: demo, soql: \"SELECT Nam FROM Account\"}\n  unique_by: Nam\n"))
        assert "INVALID_FIELD" in done.stderr, done.stderr


# ------------------------------------------------- HTTP APIs, other tables, webhooks

def story_an_http_api_by_pages_then_a_table_of_that_table():
    """The org's own query endpoint is the API: 500 a page, the next page's link in the answer."""
    with Workspace(seed="empty") as w:
        with open(w.home / "Account.csv", "w") as f:
            f.write("Name,Industry\n" + "".join(f"Firm {i},{'Energy' if i % 2 else 'Banking'}\n" for i in range(3300)))
        w.org.control("POST", f"/load?path={w.home}/Account.csv")
        w.org.control("POST", "/faults", {"path": "/query", "effect": "small_pages", "page_size": 500})
        subprocess.run([str(ARGIL), "secret", "set", "api"], input=w.org.token, text=True, check=True, env=w.env, capture_output=True)
        w.argil("apply", w.recipe("""
table: firms
source:
  http:
    url: "%s/services/data/v66.0/query?q=SELECT+Id,Name,Industry+FROM+Account"
    headers: { Authorization: "Bearer {{secret:api}}" }
    rows: records
    fields: [Id, Name, Industry]
    paging: next_link
    next: nextRecordsUrl
    allow_http: true
    allow_private: true
  unique_by: Id
""" % w.org.url))
        assert killed_at_every_page(w, "firms") >= 1
        same({r["Id"]: r["Name"] for r in rows(w, "firms")}, {r["Id"]: r["Name"] for r in w.org.query("SELECT Id, Name FROM Account")})
        same(len(rows(w, "firms")), 3300)
        w.argil("apply", w.recipe("table: banks\nsource:\n  table: { table: firms, fields: [Id, Name], only_if: \"{{Industry}} == 'Banking'\" }\n",
                                  "banks.yaml"))
        assert killed_at_every_page(w, "banks") >= 1
        got = rows(w, "banks")
        same(len({r["Id"] for r in got}), len(got))
        same(len(got), 1650)
        # what left the API leaves both
        one = got[0]["Id"]
        assert w.org.call("DELETE", f"/services/data/v66.0/sobjects/Account/{one}")[0] == 204
        same([w.argil("sync", t)["deleted"] for t in ("firms", "banks")], [1, 1])
        same(len(rows(w, "banks")), 1649)


def story_rows_that_are_done_with_go_by_themselves():
    with Workspace(seed="empty") as w:
        with open(w.home / "people.csv", "w") as f:
            f.write("Email,Status\n" + "".join(f"p{i:02}@x.example,{'bad' if i % 10 == 0 else 'new'}\n" for i in range(40)))
        recipe = """
table: people
source: { csv: { file: %s/people.csv, fields: [Email, Status] }, unique_by: Email }
auto_delete: { when: %%s, keep: %%d }
columns:
  - { name: Done, formula: "{{Status}} == 'bad' ? nothing.at.all : {{Email}}.toUpperCase()" }
""" % w.home
        w.argil("apply", w.recipe(recipe % ("finished", 3)))
        w.argil("sync", "people")
        same(w.argil("table", "tidy", "people", "--dry-run"), {"removed": 0, "merged": 0, "kept": 0, "dry_run": True})
        run = w.argil("run", "people", "--yes", ok=(0, 3, 4))
        same((run["cells_computed"], run["cells_error"], run["rows_tidied"]), (36, 4, 33))  # not the errors, not the newest
        same(sorted(r["Email"] for r in rows(w, "people")), sorted(f"p{i:02}@x.example" for i in (0, 10, 20, 30, 37, 38, 39)))
        # the same file brings none of them back; what is new there comes
        with open(w.home / "people.csv", "a") as f:
            f.write("new@x.example,new\n")
        report = w.argil("sync", "people", "--full")
        same((report["added"], len(rows(w, "people"))), (1, 8))
        # a filter; an error is under nobody's hand and goes
        w.argil("apply", w.recipe(recipe % ("'Status = bad'", 0)))
        same(w.argil("table", "tidy", "people", "--dry-run")["removed"], 4)
        same(w.argil("table", "tidy", "people")["removed"], 4)
        same(len(rows(w, "people")), 4)
        lines = w.argil("audit", "list", "--json")
        assert any("rows tidied" in json.dumps(line) for line in lines), lines[:3]
        # rows of Salesforce live as long as their records
        refused = w.run("apply", w.recipe("table: firms\nsource: { salesforce: { connection: demo, object: Account, fields: [Id, Name] } }\n"
                                          "auto_delete: finished\ncolumns:\n  - { name: N, formula: '{{Name}}' }\n", "firms.yaml"))
        assert "not for rows of Salesforce" in refused.stderr, refused.stderr


def story_a_webhook_that_is_killed_has_what_it_said_yes_to():
    with Workspace(org=org()) as w, Server(w) as server:
        ann = server.setup()
        ann.ok("POST", "/recipes", {"recipe": "table: signups\nsource:\n  webhook: {fields: [email, n]}\n  unique_by: email\n"})
        key = ann.ok("POST", "/tables/signups/sources/source/key")["key"]
        accepted = []

        def flood():
            for i in range(100000):
                try:
                    status = ann.call("POST", "/hooks/signups/source", [{"email": f"p{i}-{k}@x.example", "n": i} for k in range(3)],
                                      headers={"Authorization": "Bearer " + key, "X-Argil-CSRF": None, "Cookie": None})[0]
                except OSError:
                    return
                if status == 202:
                    accepted.extend(f"p{i}-{k}@x.example" for k in range(3))
                elif status not in (429, 503):
                    return
        for _ in range(2):
            posting = threading.Thread(target=flood)
            before = len(accepted)
            posting.start()
            while len(accepted) < before + 30 and posting.is_alive():
                pass
            server.process.kill()
            posting.join()
            server.stop()
            server.start()
        assert len(accepted) >= 60, len(accepted)
        got = [r["email"] for r in rows(w, "signups")]
        same(len(got), len(set(got)))
        assert set(accepted) <= set(got), sorted(set(accepted) - set(got))[:3]


# ------------------------------------------------------------------------ csv



def csv_of(path, megabytes):
    """Long rows: what is not imported is most of it. The number of rows."""
    filler, count = "lorem ipsum dolor sit amet, \"\"consectetur\"\" " * 40, 0
    with open(path, "w") as f:
        f.write("Email,Name,Amount,Notes\n")
        while f.tell() < megabytes << 20:
            f.write("".join(f'p{i}@example.com,"Person, {i}",{i}.50,"{filler}\n{i}"\n' for i in range(count, count + 500)))
            count += 500
    return count


def story_a_csv_of_200_mb_in_flat_memory():
    peaks = {}
    for megabytes in (20, int(os.environ.get("ARGIL_CSV_MB", "200"))):
        with Workspace(org=org()) as w:
            count = csv_of(w.home / "big.csv", megabytes)
            w.argil("apply", w.recipe("table: big\nsource:\n  csv: {file: big.csv, fields: [Email, Name, {Amount: {type: number}}]}\n"
                                      "  unique_by: Email\n"))
            done = subprocess.run([sys.executable, "-c", "import resource,subprocess,sys\n"
                                   "r=subprocess.run(sys.argv[1:])\n"
                                   "print('PEAK',resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss//1024)\n"
                                   "sys.exit(r.returncode)", str(ARGIL), "sync", "big"],
                                  env=w.env, text=True, capture_output=True)
            assert done.returncode == 0, (done.returncode, done.stdout, done.stderr)
            peaks[megabytes] = int(done.stdout.split("PEAK")[1])
            assert f"the file has {count}" in done.stdout, done.stdout
            same(w.argil("table", "list")[0]["rows"].replace(",", ""), str(count))
    small, large = peaks.values()
    assert large < 64 and large < small + 16, peaks  # SQLite's cache fills; ten times the rows must not be ten times the memory
    print(f"        peak memory {small} MB for 20 MB of CSV, {large} MB for the large one")


def wide_row(i, names):
    return {name: f"{name}-{i * (k + 7) % 1009:04d}" for k, name in enumerate(names)}


def story_a_table_of_250_columns_is_read_changed_sorted_and_counted_on():
    names = ["key"] + [f"field {i:03d}" for i in range(1, 249)]
    wanted = [dict(wide_row(i, names), key=f"k{i}") for i in range(400)]
    formula = "{{field 248}}.slice(-4) + {{field 001}}.slice(-4)"

    def write(w):
        with open(w.home / "wide.csv", "w", newline="") as f:
            writer = csv.DictWriter(f, names)
            writer.writeheader()
            writer.writerows(wanted)

    with Workspace(org=org()) as w:
        write(w)
        report = table(w, "wide", f"csv: {{file: wide.csv, fields: {json.dumps(names)}}}", rules="  unique_by: key\n",
                       columns=f'columns:\n  - name: Last\n    formula: "{formula}"\n')
        assert report["complete"] and report["added"] == 400, report
        w.argil("run", "wide")
        wanted[7]["field 248"] = "changed-0000"
        write(w)
        report = w.argil("sync", "wide")
        assert (report["changed"], report["unchanged"]) == (1, 399), report
        w.argil("run", "wide")
        for row in wanted:
            row["Last"] = row["field 248"][-4:] + row["field 001"][-4:]
        got = {r["key"]: {name: r[name] for name in [*names, "Last"]} for r in rows(w, "wide")}
        same(got, {r["key"]: r for r in wanted})
        with Server(w) as server:
            person = server.setup()
            ids = {c["name"]: c["id"] for c in person.get("/tables/wide")["columns"]}
            window = person.get("/tables/wide/window?limit=400&sort=-field%20248,key")
            at = window["columns"].index(ids["key"])
            order = sorted(sorted(wanted, key=lambda r: r["key"]), key=lambda r: r["field 248"], reverse=True)
            same([r["cells"][at] for r in window["rows"]], [r["key"] for r in order])


def story_an_upload_killed_at_any_page_loses_and_doubles_nothing():
    with Workspace(org=org()) as w:
        count = csv_of(w.home / "list.csv", 8)
        w.argil("apply", w.recipe("table: list\nsource:\n  csv: {fields: [Email, Name]}\n  unique_by: Email\n"))
        killed = w.run("source", "upload", "list", str(w.home / "list.csv"), env={"ARGIL_CRASH_AT": "K16:2"})
        assert killed.returncode < 0 or killed.returncode > 128, killed
        killed_at_every_page(w, "list")
        got = rows(w, "list")
        same(len(got), count)
        same(len({r["Email"] for r in got}), count)


# ----------------------------------------------------------------- auto-dedupe

def story_auto_dedupe_keeps_one_row_and_the_sync_says_what_it_merged():
    with Workspace(org=org()) as w:
        (w.home / "a.csv").write_text("id,mail\n1,Ann <ann@x.org>\n2,bob@x.org\n3,ANN@x.org\n4,\n5,\n")
        report = table(w, "people", "csv: {file: a.csv, fields: [id, {mail: {type: email}}]}",
                       rules="  unique_by: id\nauto_dedupe: { by: mail, keep: newest }\n")
        assert report["complete"] and report["merged"] == 1, report
        assert "1 rows were merged into others of the same mail, 1 of the table are" in report["statement"], report["statement"]
        same([r["id"] for r in rows(w, "people")], ["2", "3", "4", "5"])
        listed = w.argil("table", "dedupe", "people")
        same([(r["key"], r["into key"], r["same"], r["now"]) for r in listed], [("1", "3", "ann@x.org", "merged")])
        again = w.argil("sync", "people")
        same((again["added"], again["changed"], again["deleted"], again["merged"]), (0, 0, 0, 0))
        same(w.argil("table", "dedupe", "people", "--restore", listed[0]["row"])["restored"], 1)
        same(len(rows(w, "people")), 5)
        assert "rows merged" in {line["what"] for line in w.argil("audit", "list")}
        done = w.run("apply", w.recipe("table: x\nsource:\n  csv: {file: a.csv}\n  unique_by: id\nauto_dedupe: Mail2\n"))
        same(done.returncode, 2)
        assert "has no column `Mail2`" in done.stderr and "recipe.yaml:5:" in done.stderr, done.stderr


def story_auto_dedupe_over_a_server():
    with Workspace(org=org()) as w, Server(w) as server:
        ann = server.setup()
        ann.ok("POST", "/recipes", {"recipe": "table: signups\nsource:\n  webhook: {fields: [email, n]}\n"
                                              "auto_dedupe: { by: email, as: email }\n"})
        key = ann.ok("POST", "/tables/signups/sources/source/key")["key"]
        def post(many):
            status, _, body = ann.call("POST", "/hooks/signups/source", many, headers={
                "Authorization": "Bearer " + key, "X-Argil-CSRF": None, "Cookie": None})
            assert status == 202, (status, body)
        posting = [threading.Thread(target=post, args=([{"email": f"p{i}@x.org", "n": t} for i in range(50)],)) for t in range(6)]
        for t in posting:
            t.start()
        for t in posting:
            t.join()
        same(ann.get("/tables/signups")["row_count"], 50)
        merged = ann.get("/tables/signups/merged?limit=1000")
        same((merged["merged"], len(merged["rows"])), (250, 250))
        one = merged["rows"][0]["row"]
        same(ann.ok("POST", f"/tables/signups/merged/{one}/restore")["restored"], 1)
        same(ann.get("/tables/signups")["row_count"], 51)
        token = ann.ok("POST", "/tokens", {"name": "x", "scope": "builder"})["text"]
        far = dict(ARGIL_URL=server.url, ARGIL_TOKEN=token, ARGIL_DATA=str(w.home / "nowhere"))
        listed = json.loads(w.run("table", "dedupe", "signups", "--json", env=far).stdout)
        same(len(listed), 250)
        same(json.loads(w.run("table", "dedupe", "signups", "--restore", "all", "--json", env=far).stdout)["restored"], 249)
        same(ann.get("/tables/signups")["row_count"], 300)


# --------------------------------------------------------------- table versions

def story_versions_of_a_table_are_listed_shown_and_restored():
    with Workspace(org=org()) as w:
        (w.home / "a.csv").write_text("id,mail\n1,a@x.org\n2,b@x.org\n")
        one = f"csv: {{file: {w.home}/a.csv, fields: [id, mail]}}"
        table(w, "people", one, rules="  unique_by: id\n", columns='columns:\n  - name: Shout\n    formula: "{{mail}}.toUpperCase()"\n')
        w.run("run", "people")
        w.argil("apply", w.recipe(f"table: people\nsource:\n  {one}\n  unique_by: id\n"))
        assert "Shout" not in rows(w, "people")[0]
        assert w.run("table", "auto-update", "people", "off").returncode == 0
        listed = w.argil("table", "versions", "people")
        same([(r["version"], r["auto-update"]) for r in listed], [("3", "off"), ("2", "on"), ("1", "on")])
        assert "Shout" in w.run("table", "versions", "people", "1").stdout
        dry = w.argil("table", "restore", "people", "1", "--dry-run")
        assert any("Shout" in line for line in dry["plan"]) and not dry["changed"], dry
        assert w.argil("table", "restore", "people", "1")["changed"]
        same([r["Shout"] for r in rows(w, "people")], ["A@X.ORG", "B@X.ORG"])  # the values it had
        listed = w.argil("table", "versions", "people")
        same((listed[0]["version"], listed[0]["what"]), ("4", "version 1 restored"))
        done = w.run("table", "restore", "people", "99")
        same(done.returncode, 1)
        assert "no version 99" in done.stderr, done.stderr
        with Server(w) as server:
            ann = server.setup()
            same([v["number"] for v in ann.get("/tables/people/versions")["versions"]], [4, 3, 2, 1])
            for fields in ("email", "email, n"):
                ann.ok("POST", "/recipes", {"recipe": f"table: signups\nsource:\n  webhook: {{fields: [{fields}]}}\n"})
            assert "n]" not in ann.get("/tables/signups/versions/1")["recipe"]
            token = ann.ok("POST", "/tokens", {"name": "x", "scope": "builder"})["text"]
            far = dict(ARGIL_URL=server.url, ARGIL_TOKEN=token, ARGIL_DATA=str(w.home / "nowhere"))
            same(w.run("table", "versions", "people", "--json", env=far).stdout, w.run("table", "versions", "people", "--json").stdout)
            done = w.run("table", "restore", "signups", "1", env=far)
            assert done.returncode == 0, done.stderr
            newest = ann.get("/tables/signups/versions?limit=1")["versions"][0]
            same((newest["number"], newest["who"], newest["note"]), (3, "ann@example.com", "version 1 restored"))


# --------------------------------------------------------------------- history

def story_history_of_rows_and_cells_here_and_through_a_server():
    with Workspace(org=org()) as w:
        recipe = f"csv: {{file: {w.home}/a.csv, fields: [id, mail]}}"
        (w.home / "a.csv").write_text("id,mail\n1,a@x.org\n2,b@x.org\n")
        table(w, "people", recipe, rules="  unique_by: id\nhistory: 30d\n", columns='columns:\n  - name: Shout\n    formula: "{{mail}}.toUpperCase()"\n')
        (w.home / "a.csv").write_text("id,mail\n1,a@y.org\n2,b@x.org\n")
        w.argil("sync", "people")
        w.run("run", "people")
        one = [(r["what"], r["column"], r["old"], r["new"], r["by"]) for r in w.argil("table", "history", "people", "1")]
        same(one, [("changed", "Shout", None, "A@Y.ORG", "result"), ("changed", "mail", "a@x.org", "a@y.org", "import"),
                   ("added", "", None, None, "import")])
        same(len(w.argil("table", "history", "people", "1", "--column", "mail")), 1)
        with Server(w) as server:
            ann = server.setup()
            answer = ann.get("/tables/people/rows/1/history")
            same((answer["kept_ms"], [line["what"] for line in answer["lines"]]), (30 * 86400000, ["changed", "changed", "added"]))
            token = ann.ok("POST", "/tokens", {"name": "x", "scope": "viewer"})["text"]
            far = dict(ARGIL_URL=server.url, ARGIL_TOKEN=token, ARGIL_DATA=str(w.home / "nowhere"))
            same(w.run("table", "history", "people", "1", "--json", env=far).stdout, w.run("table", "history", "people", "1", "--json").stdout)
        done = w.run("apply", w.recipe(f"table: people\nsource:\n  {recipe}\n  unique_by: id\nhistory: 9000d\n"))
        assert done.returncode == 2 and "up to a year" in done.stderr, done.stderr


# ------------------------------------------------------------------ the matrix

def story_the_matrix_names_tests_that_there_are():
    matrix.check(pathlib.Path(__file__).resolve().parent / "matrix.md", {*range(40, 43), *range(91, 118), 128, 129})


if __name__ == "__main__":
    code = main({**globals(), **vars(faults)}, processes=3)
    if pulling._org:
        pulling._org.stop()
    sys.exit(code)
