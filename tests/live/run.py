#!/usr/bin/env python3
"""Sources that are live: a change in the org is a change in the row, whatever breaks between."""
import datetime
import json
import pathlib
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support_py"))
from programs import Workspace, main  # noqa: E402
from server import Server  # noqa: E402

RECIPE = """
table: people
source:
  salesforce:
    connection: demo
    object: Contact
    fields: [Id, LastName, Title, Account.Name]
    where: "Email != null"
  every: live
columns:
  - name: Shout
    formula: "{{LastName}}.toUpperCase()"
"""
CONTACT = "/services/data/v66.0/sobjects/Contact"


def until(look, what, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        got = look()
        if got:
            return got
        time.sleep(0.02)
    raise AssertionError(f"never: {what}")


class Live:
    """A server with a table that listens; the first sync has ended."""

    def __init__(self, w):
        self.w, self.org = w, w.org
        self.org.control("POST", "/events", {"select": ["Contact"]})
        self.server = Server(w)
        self.ann = self.server.setup()
        self.ann.ok("POST", "/recipes", {"recipe": RECIPE, "connection": "demo"})
        until(self.caught_up, "the first position is stored")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.__exit__()

    def source(self):
        return self.ann.get("/tables/people")["sources"][0]

    def syncs(self):
        return [r for r in self.ann.get("/runs?table=people")["runs"] if r["kind"] == "sync"]

    def caught_up(self):
        """It listens, and a sync has ended since. A change of nothing of ours moves the position."""
        live = self.source()["live"]
        return live and live["state"] == "listening" and any(r["state"] == "done" for r in self.syncs())

    def row(self, record):
        for r in self.ann.get("/tables/people/rows?limit=1000")["rows"]:
            if r["key"] == record:
                return dict(zip(("Id", "LastName", "Title", "Account", "Shout"), r["cells"]))

    def change(self, record, **fields):
        status, body = self.org.call("PATCH", f"{CONTACT}/{record}", fields)
        assert status == 204, (status, body)

    def shows(self, record, **cells):
        return until(lambda: all((self.row(record) or {}).get(k) == v for k, v in cells.items()),
                     f"{record} shows {cells}; it shows {self.row(record)}")


def some(org):
    return [r["Id"] for r in org.query("SELECT Id FROM Contact WHERE Email != null ORDER BY Id LIMIT 5")]


def story_a_change_in_the_org_is_a_change_in_the_row():
    with Workspace(seed="developer-edition") as w, Live(w) as live:
        a, b = some(w.org)[:2]
        syncs = len(live.syncs())
        live.change(a, LastName="Live", Title="Now")
        live.shows(a, LastName="Live", Title="Now", Shout="LIVE")
        status, made = w.org.call("POST", CONTACT, {"LastName": "Fresh", "Email": "fresh@x.example"})
        assert status == 201, made
        live.shows(made["id"], LastName="Fresh", Shout="FRESH")
        live.change(b, Email=None)  # out of the filter
        until(lambda: not live.row(b), "a record that the filter no longer finds is gone")
        assert w.org.call("DELETE", f"{CONTACT}/{made['id']}")[0] == 204
        until(lambda: not live.row(made["id"]), "a deleted record is gone")
        live.change(b, Email="b@x.example")
        until(lambda: live.row(b), "it comes back with the filter")
        assert len(live.syncs()) == syncs, "a sync was needed for what events tell"


def story_what_happened_while_nobody_listened_is_replayed():
    with Workspace(seed="developer-edition") as w, Live(w) as live:
        a, b = some(w.org)[:2]
        live.change(a, LastName="Before")
        live.shows(a, LastName="Before")
        time.sleep(0.5)  # the position follows the row
        live.server.stop(signal.SIGKILL)
        live.change(a, LastName="While")
        live.change(b, Title="Away")
        live.server.start()
        live.shows(a, LastName="While", Shout="WHILE")
        live.shows(b, Title="Away")
        kinds = [r["kind"] for r in live.ann.get("/runs?table=people")["runs"]]
        assert kinds.count("sync") == 1, (kinds, "replaying was enough; there was no gap")


def story_a_position_that_the_org_forgot_means_a_sync():
    with Workspace(seed="developer-edition") as w, Live(w) as live:
        a, b = some(w.org)[:2]
        live.change(a, LastName="Before")
        live.shows(a, LastName="Before")
        time.sleep(0.5)
        live.server.stop(signal.SIGKILL)
        live.change(a, LastName="Missed")
        w.org.control("POST", "/events", {"forget": True})
        live.server.start()
        live.shows(a, LastName="Missed")
        assert len(live.syncs()) == 2, "the gap was made good by a sync"
        live.change(b, Title="After")
        live.shows(b, Title="After")


def story_gaps_and_dropped_listeners_lose_nothing():
    with Workspace(seed="developer-edition") as w, Live(w) as live:
        a, b = some(w.org)[:2]
        w.org.control("POST", "/events", {"disconnect": True})  # before any event: no place to go on from
        live.change(a, LastName="Dropped")
        live.shows(a, LastName="Dropped")
        until(lambda: len(live.syncs()) >= 2, "what may have been missed is made good by a sync")
        live.change(b, Title="Heard")
        live.shows(b, Title="Heard")
        w.org.control("POST", "/events", {"disconnect": True})
        live.change(a, LastName="Dropped twice")
        live.shows(a, LastName="Dropped twice")
        w.org.control("POST", "/events", {"deselect": ["Contact"]})
        live.change(b, Title="Unheard")
        w.org.control("POST", "/events", {"select": ["Contact"]})
        w.org.control("POST", "/events", {"gap": {"object": "Contact", "type": "GAP_UPDATE", "ids": [b]}})
        live.shows(b, Title="Unheard")
        began = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        w.org.control("POST", "/events", {"deselect": ["Contact"]})
        live.change(a, Title="Too many")
        w.org.control("POST", "/events", {"select": ["Contact"]})
        w.org.control("POST", "/events", {"gap": {"object": "Contact", "type": "GAP_OVERFLOW", "ids": []}})
        live.shows(a, Title="Too many")
        # which one does not matter: one that waited already will do, when it began after this
        until(lambda: any(r["state"] == "done" and r["started"] >= began for r in live.syncs()),
              "an overflow names no records: the object is synced")
        live.change(b, Title="Heard again")  # a position to go on from
        live.shows(b, Title="Heard again")
        before = len(live.syncs())
        w.org.control("POST", "/events", {"disconnect": True})
        live.change(a, Title="Still")
        live.shows(a, Title="Still")
        assert len(live.syncs()) == before, "events that can be replayed need no sync"


def story_listening_is_a_use_of_the_connection_and_in_the_audit():
    with Workspace(seed="developer-edition") as w, Live(w):
        w_lines = w.argil("audit", "list", "--limit", "0")
        uses = [json.loads(line["detail"]) for line in w_lines if line["what"] == "connection used" and line["who"] == "live"]
        assert any(u["for"] == "live" and u["table"] == 1 for u in uses), uses
        assert {u["for"] for u in uses} <= {"live", "sync"}, uses


def killed_at(live, point, change):
    """The server dies at this step of a batch of events; the next one starts; what the org says then."""
    live.server.stop(signal.SIGKILL)
    live.server.extra_env = {"ARGIL_CRASH_AT": point}
    live.server.start()
    change()
    code = until(lambda: live.server.process.poll(), f"it dies at {point}")
    assert code == -signal.SIGKILL, code
    live.server.stop()
    live.server.extra_env = {}
    live.server.start()


def story_row_91_killed_at_every_step_of_a_live_batch():
    """K16: before records are read; :2 the second page of 200 Ids; K18: rows stored, position not yet."""
    with Workspace(seed="developer-edition") as w:
        for at in range(0, 240, 200):
            records = [{"attributes": {"type": "Contact"}, "LastName": f"Many {i}", "Email": f"m{i}@x.example"}
                       for i in range(at, min(at + 200, 240))]
            status, made = w.org.call("POST", "/services/data/v66.0/composite/sobjects", {"records": records})
            assert status == 200 and all(r["success"] for r in made), made[:2]
        with Live(w) as live:
            a = some(w.org)[0]
            live.change(a, LastName="First")
            live.shows(a, LastName="First")
            many = [r["Id"] for r in w.org.query("SELECT Id FROM Contact WHERE LastName LIKE 'Many %' ORDER BY Id")]

            def all_of_them(title):
                for at in range(0, len(many), 200):
                    status, done = w.org.call("PATCH", "/services/data/v66.0/composite/sobjects", {"records": [
                        {"attributes": {"type": "Contact"}, "Id": i, "Title": title} for i in many[at:at + 200]]})
                    assert status == 200 and all(r["success"] for r in done), done[:2]
            for number, point in enumerate(("K16:1", "K18:1", "K16:2")):
                title = f"Round {number}"
                killed_at(live, point, lambda: all_of_them(title))

                def everywhere():
                    mine = live.ann.get("/tables/people/rows?limit=1000")["rows"]
                    titles = {r["key"]: r["cells"][2] for r in mine}
                    assert len(titles) == len(mine), "a record is there twice"
                    return all(titles.get(i) == title for i in many)
                until(everywhere, f"all have {title} after a kill at {point}")


def story_an_object_that_is_not_captured_is_said():
    with Workspace(seed="developer-edition") as w, Server(w) as server:
        ann = server.setup()
        ann.ok("POST", "/recipes", {"recipe": RECIPE, "connection": "demo"})
        live = until(lambda: ann.get("/tables/people")["sources"][0]["live"], "a word on listening")
        assert live["state"] == "failed" and live["code"] == "crm.events_off", live
        assert "Change Data Capture" in live["hint"], live
        w.org.control("POST", "/events", {"select": ["Contact"]})
        until(lambda: ann.get("/tables/people")["sources"][0]["live"]["state"] == "listening", "it listens once it may")


def story_live_is_for_objects_alone():
    with Workspace() as w:
        done = w.run("apply", w.recipe("table: x\nsource:\n  csv: { fields: [a] }\n  every: live\n"))
        assert done.returncode != 0 and "objects alone" in done.stderr + done.stdout, (done.stdout, done.stderr)


if __name__ == "__main__":
    sys.exit(main(globals()))
