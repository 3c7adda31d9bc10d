"""Every rule by which cells are run, end to end: a row each, with its table.

One workspace, one HTTP API, one server for all of them. Each rule has a table of its own of six
rows, of which it may change the recipe; what it does is asked of the server, as the web app does.
The column `Asked` holds how often the API was asked for that row: who computes again can be seen.
"""
import sqlite3

from server import Server, bare
from small_api import SmallApi
from waiting import until

SLUGS = ["a", "b", "c", "d", "e", "f"]
RECIPE = """
table: {name}
source:
  csv: {{ file: {file}, fields: [Id, Slug, Size] }}
  unique_by: Id
auto_update: {auto}
{table}
columns:
  - name: Asked
    type: number
    http: {{ url: "{api}/{path}", query: {{ slug: "{name}-{{{{Slug}}}}" }}, path: {part}, concurrency: {at_once},
            {http} allow_http: true, allow_private: true }}
    {rule}
  - name: Twice
    formula: "{{{{Asked}}}} * 2"
"""


class Table:
    """What a rule is told on: a table of its own, and the server that it is on."""

    def __init__(self, stage, name, auto=False, rule="", table="", path="times", at_once=8, http=""):
        self.stage, self.name, self.path = stage, name, path
        self.file = stage.w.home / f"{name}.csv"
        self.rows(SLUGS)
        part = "times" if path == "times" else "site"
        text = RECIPE.format(name=name, file=self.file, auto=str(auto).lower(), table=table, rule=rule, path=path,
                             part=part, api=stage.api.url, at_once=at_once, http=http and http + ",")
        if path != "times":
            text = text.replace("type: number", "type: text").replace("{{Asked}} * 2", "{{Asked}} + '!'")
        stage.w.argil("apply", stage.w.recipe(text))
        stage.w.argil("sync", name)

    def rows(self, slugs, sizes=()):
        lines = [f"{number},{slug},{sizes[number] if sizes else 1}" for number, slug in enumerate(slugs)]
        self.file.write_text("Id,Slug,Size\n" + "\n".join(lines) + "\n")

    @property
    def ann(self):
        return self.stage.ann

    def order(self, **body):
        return self.ann.ok("POST", f"/tables/{self.name}/runs", body)["id"]

    def run(self, **body):
        done = self.ann.wait_for_run(self.order(**body))
        assert done["state"] == "done", done
        return done["report"]

    def sync(self):
        done = self.ann.wait_for_run(self.ann.ok("POST", f"/tables/{self.name}/syncs", {})["id"])
        assert done["state"] == "done", done

    def states(self, column="Asked"):
        ids = {c["id"]: c["name"] for c in self.ann.get(f"/tables/{self.name}")["columns"]}
        return next(c["states"] for c in self.ann.get(f"/tables/{self.name}/states")["columns"] if ids[c["column_id"]] == column)

    def asked(self):
        """How often each row was asked for, as its cell says; None = it is empty."""
        return [None if one is None else int(one) for one in self.cells("Asked")]

    def cells(self, column):
        columns = self.ann.get(f"/tables/{self.name}")["columns"]
        page = self.ann.get(f"/tables/{self.name}/rows")
        at = page["columns"].index(next(c["id"] for c in columns if c["name"] == column))
        cells = [row["cells"][at] for row in page["rows"]]
        return [cell.get("v") if isinstance(cell, dict) else cell for cell in cells]


class Stage:
    """The tables of all rules, made before the server starts, and the server."""

    def __init__(self, w, api):
        self.w, self.api = w, api
        self.tables = {rule.__name__: Table(self, rule.__name__, **how) for rule, how in RULES}
        assert w.run("schedule", "run-due", "--json").stdout == ""  # the times of all are stored; none is due

    def missed(self, table):
        """Two days of `table`'s schedule pass while nobody is there."""
        store = sqlite3.connect(self.w.home / "data/workspace.db")
        changed = store.execute("UPDATE column_schedules SET next_ms = next_ms - 172800000 WHERE table_id ="
                                " (SELECT id FROM tables WHERE name = ?)", (table,))
        assert changed.rowcount == 1, table
        store.commit()
        store.close()


# ---------------------------------------------------------------------- rules


def schedule(t):
    """The server finds at its start what was missed: it runs once, over all rows, and what reads it follows."""
    runs = lambda: [r for r in t.ann.get(f"/runs?table={t.name}")["runs"] if r["cause"] == "schedule" and r["kind"] == "run"]  # noqa: E731
    until("the readers have followed", lambda: t.states("Twice") == {"ok": 6})
    assert t.asked() == [1] * 6 and t.cells("Twice") == ["2"] * 6, (t.asked(), t.cells("Twice"))
    assert len(runs()) == 1 and runs()[0]["scope"] == {"column": "Asked", "rows": "all"}, runs()
    listed = lambda: next(s for s in t.ann.get("/schedules")["schedules"] if s["table"] == t.name and s["column"])  # noqa: E731
    before = listed()
    assert before["missed"] >= 47 and before["last"] and before["skipped"] == 0 and before["rows"] == "all", before
    assert before["run_id"] == runs()[0]["id"] and before["source"] is None, before
    t.run(column="Asked", rows="all")  # run now does not move it
    assert t.asked() == [2] * 6 and listed() == before, (t.asked(), listed(), before)
    t.rows(SLUGS[:5] + ["new"])
    t.sync()  # the column has no auto-update: a change alone does not run it
    until("nothing is under way", lambda: not any(r["state"] in ("queued", "running") for r in t.ann.get(f"/runs?table={t.name}")["runs"]))
    assert t.asked() == [2] * 6 and t.states() == {"ok": 5, "out of date": 1}, (t.asked(), t.states())


def one_cell(t):
    t.run(column="Asked", row_ids=[2])
    assert t.asked() == [None, 1, None, None, None, None] and t.cells("Twice") == [None] * 6, t.asked()


def selection(t):
    t.run(row_ids=[5, 1, 3])  # of every column
    assert t.asked() == [1, None, 1, None, 1, None] and t.cells("Twice") == ["2", None, "2", None, "2", None], t.asked()


def first_n(t):
    t.run(column="Asked", first=2)
    assert t.asked() == [1, 1] + [None] * 4, t.asked()
    t.run(column="Asked", first=3)  # the first two have their results
    assert t.asked() == [1, 1, 1] + [None] * 3, t.asked()


def empty_only(t):
    t.run(column="Asked", row_ids=[1, 2, 3])
    t.rows(["new"] + SLUGS[1:])
    t.sync()
    assert t.states() == {"out of date": 1, "ok": 2, "due": 3} or t.states() == {"out of date": 1, "ok": 2, "empty": 3}, t.states()
    t.run(column="Asked", rows="empty")  # what has a result stays, out of date or not
    assert t.asked() == [1] * 6 and t.states() == {"out of date": 1, "ok": 5}, (t.asked(), t.states())


def errored_only(t):
    t.stage.api.picky(True)
    t.run(column="Asked", row_ids=[1, 2])
    t.stage.api.picky(False)
    assert t.states()["error"] == 2, t.states()
    t.run(column="Asked", row_ids=[3])
    before = t.stage.api.asked()
    t.run(column="Asked", rows="due")  # what failed waits for a person
    assert t.states() == {"error": 2, "ok": 4} and t.stage.api.asked() == before + 3, t.states()
    t.rows(SLUGS[:5] + ["new"])
    t.sync()  # one more is out of date now
    t.run(column="Asked", rows="errors")
    assert t.states() == {"ok": 5, "out of date": 1} and t.stage.api.asked() == before + 5, (t.states(), t.stage.api.asked() - before)


def everything(t):
    t.run()
    assert t.asked() == [1] * 6 and t.cells("Twice") == ["2"] * 6, t.asked()
    t.run()  # nothing is due any more
    assert t.asked() == [1] * 6, t.asked()


def force(t):
    t.run()
    t.run(rows="all")
    assert t.asked() == [2] * 6 and t.cells("Twice") == ["4"] * 6, (t.asked(), t.cells("Twice"))
    t.run(column="Asked", rows="all", row_ids=[6])
    assert t.asked() == [2] * 5 + [3], t.asked()


def stop(t):
    t.stage.api.hold_after(2)
    run = t.order(column="Asked")
    until("the third request waits", lambda: t.stage.api.wait_held(0.05))
    t.ann.ok("POST", f"/runs/{run}/stop")
    t.stage.api.go_on()
    ended = t.ann.wait_for_run(run)
    assert ended["state"] == "stopped" and "stopped" in ended["error"], ended
    assert t.asked() == [1, 1, 1, None, None, None], t.asked()  # what was under way has its answer
    t.run(column="Asked")
    assert t.asked() == [1] * 6, t.asked()


def delay(t):
    report = t.run(column="Asked")
    assert report["http_requests"] == 0 and t.asked() == [None] * 6 and t.states() == {"due": 6}, report


def keep_existing_results(t):
    t.run()
    t.rows(["new"] + SLUGS[1:] + ["seventh"])
    t.sync()  # one row changed, one is new
    until("the new row ran by itself", lambda: t.states("Twice").get("ok") == 7)
    assert t.states() == {"out of date": 1, "ok": 6} and t.asked() == [1] * 7, (t.states(), t.asked())


def required_inputs(t):
    t.rows(SLUGS, sizes=[1, "", 1, "", 1, 1])
    t.sync()
    t.run(column="Asked")
    assert t.asked() == [1, None, 1, None, 1, 1] and t.states() == {"ok": 4, "waiting": 2}, (t.asked(), t.states())
    t.rows(SLUGS)
    t.sync()
    t.run(column="Asked")
    assert t.asked() == [1] * 6, t.asked()


def concurrency(t):
    t.stage.api.hold_after(0)
    run = t.order(column="Asked")
    until("three wait at once", lambda: t.stage.api.waiting() == 3)
    assert t.ann.get(f"/runs/{run}")["state"] == "running" and t.stage.api.waiting() == 3  # and never a fourth
    t.stage.api.go_on()
    assert t.ann.wait_for_run(run)["state"] == "done" and t.asked() == [1] * 6, t.asked()


def progress_within_a_batch(t):
    """All six rows are one batch; its counts move all the same."""
    t.stage.api.hold_after(3)
    run = t.order(column="Asked")
    until("the fourth request waits", lambda: t.stage.api.wait_held(0.05))
    at = t.ann.get(f"/runs/{run}")["progress"]
    assert at["what"] == "Asked" and 0 < at["done"] <= 3 and at["total"] == 6, at
    t.stage.api.go_on()
    assert t.ann.wait_for_run(run)["state"] == "done" and t.asked() == [1] * 6, t.asked()


def cached_unless_asked_anew(t):
    t.run(column="Asked")
    t.run(column="Asked", rows="all")
    assert t.asked() == [1] * 6, t.asked()
    t.run(column="Asked", rows="all", fresh=True)
    assert t.asked() == [2] * 6, t.asked()
    t.run(column="Asked", rows="all")  # what was heard then is kept
    assert t.asked() == [2] * 6, t.asked()


def equal_puts_go_one_each(t):
    t.rows(["same"] * 6)
    t.sync()
    t.run(column="Asked")
    assert sorted(t.asked()) == [1, 2, 3, 4, 5, 6], t.asked()


def equal_gets_share_one(t):
    t.rows(["same"] * 6)
    t.sync()
    t.run(column="Asked")
    assert t.asked() == [1] * 6, t.asked()


RULES = [
    (one_cell, {}),
    (selection, {}),
    (first_n, {}),
    (empty_only, {}),
    (errored_only, {"path": "picky"}),
    (everything, {}),
    (force, {}),
    (stop, {"at_once": 1}),
    (delay, {"rule": "delay: 1h"}),
    (keep_existing_results, {"auto": True, "table": "keep_results: true"}),
    (required_inputs, {"rule": "required: [Size]"}),
    (concurrency, {"at_once": 3}),
    (progress_within_a_batch, {"at_once": 1}),
    (cached_unless_asked_anew, {"http": "cache: 7d"}),
    (equal_puts_go_one_each, {"http": "method: PUT"}),
    (equal_gets_share_one, {}),
    (schedule, {"auto": True, "rule": "schedule: 1h\n    auto_update: false"}),
]


def follow():
    """Every rule; those that do not hold, with what was wrong."""
    wrong = []
    with bare() as w, SmallApi() as api:
        stage = Stage(w, api)
        stage.missed("schedule")
        with Server(w) as server:
            stage.ann = server.setup()
            for rule, _ in RULES:
                try:
                    rule(stage.tables[rule.__name__])
                except Exception as error:  # the others are tried all the same
                    wrong.append(f"{rule.__name__}: {type(error).__name__} {error}")
                    api.go_on()
                    api.picky(False)
    return wrong
