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
            allow_http: true, allow_private: true }}
    {rule}
  - name: Twice
    formula: "{{{{Asked}}}} * 2"
"""


class Table:
    """What a rule is told on: a table of its own, and the server that it is on."""

    def __init__(self, stage, name, auto=False, rule="", table="", path="times", at_once=8):
        self.stage, self.name, self.path = stage, name, path
        self.file = stage.w.home / f"{name}.csv"
        self.rows(SLUGS)
        part = "times" if path == "times" else "site"
        text = RECIPE.format(name=name, file=self.file, auto=str(auto).lower(), table=table, rule=rule, path=path,
                             part=part, api=stage.api.url, at_once=at_once)
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


RULES = [
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
    return wrong
