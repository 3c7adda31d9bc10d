#!/usr/bin/env python3
"""Stories of columns with the real programs: every kind, the graph, auto-update, kills."""
import json
import os
import pathlib
import sqlite3
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support_py"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import rules  # noqa: E402
from kills import killed  # noqa: E402
from programs import Workspace, main  # noqa: E402
from server import Person, Server, bare  # noqa: E402
from small_api import SmallApi  # noqa: E402
from waiting import until  # noqa: E402


def rows_of(w, table):
    return [json.loads(line) for line in w.run("export", table, "--json").stdout.splitlines()]


def states_of(person, table):
    """What the cells of each of its columns are, in the order of the recipe."""
    return [c["states"] for c in person.get(f"/tables/{table}/states")["columns"]]


def given_tables(w, api):
    """`people` feeds `tags`, and looks in `firms`."""
    (w.home / "firms.csv").write_text("Firm,City\nAcme,Rome\nBolt,Bern\n")
    (w.home / "people.csv").write_text('Id,First,Last,Firm,Tags\n1,Ann,Lee,Acme,"[""a"",""b""]"\n2,Bo,,Bolt,[]\n3,Cy,Fox,Corn,"[""c""]"\n')
    scripts = w.home / "data" / "scripts"
    scripts.mkdir()
    (scripts / "shout").write_text("#!/bin/sh\nsed -E 's/.*\"id\":([0-9]+).*\"name\":\"([^\"]*)\".*/{\"id\":\\1,\"value\":\"\\2!\"}/'\n")
    os.chmod(scripts / "shout", 0o700)
    w.argil("apply", w.recipe(f"table: firms\nsource:\n  csv: {{ file: {w.home}/firms.csv, fields: [Firm, City] }}\n"))
    w.argil("sync", "firms")
    w.argil("apply", w.recipe("table: tags\nsource:\n  sent: { fields: [Tag, Person] }\ncolumns:\n"
                              "  - name: Loud\n    formula: \"{{Tag}}.toUpperCase()\"\n"))
    w.argil("apply", w.recipe(f"""
table: people
source:
  csv: {{ file: {w.home}/people.csv, fields: [Id, First, Last, Firm, {{Tags: {{type: json}}}}] }}
  unique_by: Id
columns:
  - name: Full name
    merge: "{{{{First}}}} {{{{Last}}}}"
  - name: Firm row
    lookup_rows: {{ table: firms, match: {{ Firm: "{{{{Firm}}}}" }}, ignore_case: true }}
  - name: City
    extract: "{{{{Firm row.City}}}}"
  - name: Site
    waterfall:
      steps:
        - name: API
          http: {{ url: "{api.url}/site", query: {{ slug: "{{{{Firm}}}}" }}, path: site, allow_http: true, allow_private: true }}
          accept: "{{{{answer}}}}.includes('Acme')"
        - formula: "'https://' + {{{{Firm}}}}.toLowerCase() + '.test'"
  - name: Shout
    type: text
    script: {{ run: shout, input: {{ name: "{{{{Full name}}}}" }} }}
  - name: To tags
    send_rows: {{ table: tags, list: "{{{{Tags}}}}", set: {{ Tag: "{{{{item}}}}", Person: "{{{{Full name}}}}" }} }}
"""))


def story_every_kind_does_its_work_and_feeds_the_next():
    with bare() as w, SmallApi() as api:
        given_tables(w, api)
        kinds = {k["kind"] for k in w.argil("column", "kinds")}
        assert {"merge", "extract", "lookup_rows", "waterfall", "send_rows", "script"} <= kinds, kinds
        w.argil("sync", "people")
        report = w.argil("run", "people")
        assert report["rows_sent"] == 3 and report["http_requests"] == 3, report
        ann, bo, cy = rows_of(w, "people")
        assert [r["Full name"] for r in (ann, bo, cy)] == ["Ann Lee", "Bo", "Cy Fox"]
        assert [r["City"] for r in (ann, bo, cy)] == ["Rome", "Bern", None]
        assert ann["Site"] == {"by": "API", "value": "https://Acme.example"}, ann
        assert bo["Site"] == {"by": "step 2", "value": "https://bolt.test"}, bo
        assert ann["Shout"] == "Ann Lee!" and ann["To tags"] == {"table": "tags", "rows": 2}, ann
        w.argil("run", "tags")
        assert [(r["Loud"], r["Person"]) for r in rows_of(w, "tags")] == [("A", "Ann Lee"), ("B", "Ann Lee"), ("C", "Cy Fox")]
        # a change goes all the way; what did not change is not computed again
        (w.home / "people.csv").write_text('Id,First,Last,Firm,Tags\n1,Eve,Lee,Acme,"[""a"",""b""]"\n2,Bo,,Bolt,[]\n3,Cy,Fox,Corn,"[""c""]"\n')
        w.argil("sync", "people")
        report = w.argil("run", "people")
        assert report["rows_sent"] == 2 and report["http_requests"] == 0, report
        assert rows_of(w, "people")[0]["Shout"] == "Eve Lee!"
        assert [r["Person"] for r in rows_of(w, "tags")] == ["Eve Lee", "Eve Lee", "Cy Fox"]


def story_on_a_server_rows_that_are_sent_run_by_themselves():
    with bare() as w, SmallApi() as api:
        given_tables(w, api)
        w.argil("sync", "people")
        with Server(w) as server:
            ann = server.setup()
            with ann.events() as events:
                run = ann.wait_for_run(ann.ok("POST", "/tables/people/runs", {})["id"])
                assert run["state"] == "done" and run["report"]["rows_sent"] == 3, run
                tags = next(t["id"] for t in ann.get("/tables")["tables"] if t["name"] == "tags")
                while states_of(ann, "tags")[-1].get("ok") != 3:
                    events.next("run", lambda data: data["table_id"] == tags)
                    events.seen.clear()
            table = ann.get("/tables/people")
            ids = {c["name"]: c["id"] for c in table["columns"]}
            site = ann.get(f"/tables/people/rows/1/cells/{ids['Site']}")["cost"]
            assert site["run_id"] == run["id"] and site["calls"] == 1 and site["attempts"] == 1 and site["duration_ms"] >= 0, site
            assert ann.get(f"/tables/people/rows/1/cells/{ids['Full name']}")["cost"] is None
            graph = {c["column"]: c for c in ann.get("/tables/people/graph")["columns"]}
            assert graph["To tags"]["sends_to"] == "tags" and graph["Firm row"]["looks_in"] == "firms", graph


def story_the_graph_says_who_reads_whom():
    with bare() as w, SmallApi() as api:
        given_tables(w, api)
        graph = w.argil("table", "graph", "people")
        level = {c["column"]: c["level"] for c in graph["columns"]}
        assert level == {"Id": 0, "First": 0, "Last": 0, "Firm": 0, "Tags": 0, "Full name": 1, "Firm row": 1, "Site": 1,
                         "City": 2, "Shout": 2, "To tags": 2}, level
        text = w.run("table", "graph", "people").stdout
        assert "City       extract  <- Firm row" in text and "=> table tags" in text, text
        dot = w.run("table", "graph", "people", "--dot").stdout
        assert dot.startswith('digraph "people" {') and '"Firm row" -> "City";' in dot and '"table firms" -> "Firm row"' in dot, dot
        circle = w.recipe("table: x\nsource: { csv: { file: %s/firms.csv, fields: [Firm] } }\ncolumns:\n"
                          "  - { name: A, merge: '{{B}}' }\n  - { name: B, merge: '{{A}}' }\n" % w.home)
        done = w.run("apply", circle)
        assert done.returncode == 2 and "feed each other in a circle" in done.stderr, done.stderr


def story_switching_auto_update_on_lists_what_came_and_asks():
    with bare() as w, SmallApi() as api:
        given_tables(w, api)
        w.argil("table", "auto-update", "people", "off")
        w.argil("sync", "people")
        left = w.run("table", "auto-update", "people", "on")  # nobody to ask: left
        assert left.returncode == 0 and "What has come meanwhile waits:" in left.stdout, left.stdout
        assert "Full name                      3 cells" in left.stdout and "It is left as it is" in left.stdout, left.stdout
        assert rows_of(w, "people")[0]["Full name"] is None
        w.run("table", "auto-update", "people", "off")
        ran = w.run("table", "auto-update", "people", "on", "--run-waiting")
        assert ran.returncode == 0 and "cells computed" in ran.stdout, (ran.stdout, ran.stderr)
        assert rows_of(w, "people")[0]["Full name"] == "Ann Lee"
        again = w.run("table", "auto-update", "people", "on")
        assert "waits" not in again.stdout, again.stdout


WRITES = """
table: people
source:
  salesforce: { connection: demo, object: Contact, fields: [Id, LastName], where: "Email LIKE 'an%'" }
columns:
  - name: Note
    salesforce_update: { connection: demo, object: Contact, id: "{{Id}}", set: { Description: "seen {{LastName}}" } }
  - name: After
    formula: "{{Note.id}}"
"""


def story_operations_that_were_left_are_sent_when_the_org_is_back():
    with Workspace(scale=1) as w:
        w.argil("apply", w.recipe(WRITES))
        w.argil("sync", "people")
        w.argil("sending", "stop")
        planned = w.argil("run", "people", "--yes", ok=(0, 4))["retrying"]
        assert planned > 3 and w.journal()["planned"] == planned, w.journal()
        w.org.control("POST", "/faults", {"name": "gone", "path": "/services/data", "effect": "drop_before"})
        w.argil("sending", "resume")
        with Server(w) as server:
            ann = server.setup()
            until("a try without an org", lambda: "reaching Salesforce" in server.said())
            assert w.journal()["planned"] == planned
            w.org.control("DELETE", "/faults")
            until("all written", lambda: w.journal()["done"] == planned)
            until("what waited for it", lambda: states_of(ann, "people")[-1].get("ok") == planned)


DELAYED = """
table: firms
source:
  csv: {{ file: {file}, fields: [Firm] }}
columns:
  - name: Name
    formula: "{{{{Firm}}}}.trim()"
    delay: 1h
auto_update: true
"""


def an_hour_passes(w):
    """Every time that the workspace keeps for the table moves an hour back."""
    store = sqlite3.connect(w.home / "data/workspace.db")
    store.execute("UPDATE s1 SET changed = changed - 3600000")
    assert store.execute("UPDATE laters SET at_ms = at_ms - 3600000").rowcount == 1
    store.commit()
    store.close()


def story_what_a_delay_leaves_runs_by_itself_also_after_a_restart():
    with bare() as w:
        (w.home / "firms.csv").write_text("Firm\nAcme\nBolt\n")
        w.argil("apply", w.recipe(DELAYED.format(file=w.home / "firms.csv")))
        w.argil("sync", "firms")
        left = w.argil("run", "firms")
        assert left["cells_delayed"] == 2 and left["cells_computed"] == 0, left
        with Server(w) as server:  # too early: it looks when it starts, and leaves them
            assert states_of(server.setup(), "firms")[-1] == {"due": 2}, states_of(server.admin, "firms")
        an_hour_passes(w)
        with Server(w) as server:
            bob = Person(server).sign_in("ann@example.com")
            until("computed", lambda: states_of(bob, "firms")[-1].get("ok") == 2)
            runs = [r for r in bob.get("/runs?table=firms")["runs"] if r["kind"] == "run"]
            assert runs[0]["cause"] == "auto-update", runs


PICKY = """
table: picky
source:
  csv: {{ file: {file}, fields: [Slug] }}
  unique_by: Slug
auto_update: false
columns:
  - name: Site
    type: url
    http: {{ url: "{api}/picky", query: {{ slug: "{{{{Slug}}}}" }}, path: site, concurrency: 1, allow_http: true, allow_private: true }}
"""


def story_a_run_over_what_failed_that_is_cut_leaves_it_due():
    slugs = [f"s{n}" for n in range(8)]
    with SmallApi() as api, bare() as w:
        (w.home / "picky.csv").write_text("Slug\n" + "\n".join(slugs) + "\n")
        w.argil("apply", w.recipe(PICKY.format(file=w.home / "picky.csv", api=api.url)))
        w.argil("sync", "picky")
        api.picky(True)
        w.argil("run", "picky", ok=(0, 3, 4))
        api.picky(False)
        before = api.asked()
        with Server(w) as server:
            ann = server.setup()
            assert states_of(ann, "picky")[0].get("error") == 8, states_of(ann, "picky")
            api.hold_after(3)
            run = ann.ok("POST", "/tables/picky/runs", {"rows": "errors"})["id"]
            until("the fourth is asked for", lambda: api.wait_held(0.05))
            server.process.kill()
            server.process.wait()
        api.go_on()
        with Server(w) as server:
            ann = Person(server).sign_in("ann@example.com")
            cut = ann.wait_for_run(run)
            assert cut["state"] == "interrupted" and cut["scope"]["rows"] == "errors", cut
            assert states_of(ann, "picky")[0].get("due") == 8, states_of(ann, "picky")  # nothing says that it failed, and waits no more
            assert ann.wait_for_run(ann.ok("POST", "/tables/picky/runs", {})["id"])["state"] == "done"
            assert states_of(ann, "picky")[0].get("ok") == 8, states_of(ann, "picky")
        asked = api.asked() - before
        assert 8 <= asked <= 12, asked  # all that failed; what was asked in the batch that was cut, perhaps twice


def story_every_rule_of_running_holds():
    wrong = rules.follow()
    assert not wrong, "\n        ".join(wrong)


def story_killed_again_and_again_it_ends_right():
    hits, rows = killed(1, 6, 7, exchange=50)
    assert rows >= 1000 and hits == 6, (hits, rows)


if __name__ == "__main__":
    sys.exit(main(dict(globals())))
