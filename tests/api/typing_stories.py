"""What people type into cells: checked, kept with its history, and what reads it runs."""
from deciding import Table

TYPED = """
table: people
source:
  salesforce:
    connection: demo
    object: Contact
    fields: [Id, LastName]
columns:
  - { name: Note, input: {} }
  - { name: Score, type: number, input: {} }
  - { name: Stage, input: { choices: [New, Won] } }
  - { name: Loud, formula: "{{Note}}.toUpperCase()" }
"""


def story_cells_are_typed_with_their_history():
    with Table(TYPED, "people") as t:
        ann = t.ann
        bob = t.server.user("bob", "runner")
        column = {c["name"]: c["id"] for c in ann.get("/tables/people")["columns"]}
        assert {c["name"] for c in ann.get("/tables/people")["columns"] if c["typed"]} == {"Note", "Score", "Stage"}

        def put(who, *cells, **more):
            cells = [{"row_id": row, "column_id": column[name], "value": value, **seen} for row, name, value, seen in cells]
            return who.call("PUT", "/tables/people/cells", {"cells": cells, **more})

        status, _, body = put(ann, (1, "Note", "hello", {}), (2, "Score", " 12.50 ", {}), (3, "Stage", "Won", {}))
        assert status == 200 and body == {"saved": 3, "same": 0, "unfit": [], "crossed": []}, body
        cells = ann.get("/tables/people/rows?limit=3")
        at = {name: cells["columns"].index(column[name]) for name in column}
        assert cells["rows"][1]["cells"][at["Score"]] == "12.50" and cells["rows"][2]["cells"][at["Stage"]] == "Won", cells
        assert ann.get("/tables/people/rows/1/cells/%d" % column["Note"])["cell"]["value"] == "hello"

        # what does not fit: nothing is stored, or it alone is left out
        bad = ((1, "Note", "later", {}), (1, "Score", "many", {}), (1, "Stage", "Lost", {}))
        status, _, body = put(ann, *bad)
        assert status == 422 and [e["where"] for e in body["errors"]] == ["cells/1", "cells/2"], body
        assert put(ann, *bad, dry_run=True)[2]["saved"] == 0
        status, _, body = put(ann, *bad, leave_unfit=True)
        assert status == 200 and body["saved"] == 1 and len(body["unfit"]) == 2, body

        # the last writer wins, and is told of whom it overwrote
        assert put(bob, (1, "Note", "bob's", {"seen": "later"}))[2]["crossed"] == []
        crossed = put(ann, (1, "Note", "ann's", {"seen": "later"}))[2]["crossed"]
        assert [(c["value"], c["who"]) for c in crossed] == [("bob's", "bob")], crossed
        assert put(ann, (1, "Note", "ann's", {"seen": "x"}))[2] == {"saved": 0, "same": 1, "unfit": [], "crossed": []}
        history = ann.get("/tables/people/rows/1/cells/%d/edits" % column["Note"])["edits"]
        assert [(e["who"], e["old"], e["new"]) for e in history] == [
            ("ann@example.com", "bob's", "ann's"), ("bob", "later", "bob's"), ("ann@example.com", "hello", "later"),
            ("ann@example.com", None, "hello")], history

        # what reads it ran by itself, because the table's auto-update is on
        with ann.events() as events:
            put(ann, (2, "Note", "loud", {}))
            events.next("run")
            while ann.get("/tables/people/rows?limit=2")["rows"][1]["cells"][at["Loud"]] != "LOUD":
                events.next("rows")

        # where it may not be typed
        status, _, body = put(ann, (1, "Loud", "x", {}))
        assert status == 422 and "computed" in body["error"]["message"], body
        assert put(ann, (1, "LastName", "x", {}))[0] == 422 and put(ann, (99999, "Note", "x", {}))[0] == 404
        assert put(t.server.user("eve", "viewer"), (1, "Note", "x", {}))[0] == 403
        status, _, body = ann.call("POST", "/tables/people/runs", {"column": "Note"})
        assert status == 404, body
        status, _, body = ann.call("POST", "/recipes", {"recipe": TYPED.replace("{ name: Note, input: {} }", "{ name: Note, input: {}, only_run_if: \"true\" }"), "connection": "demo"})
        assert status == 422 and "does not run" in str(body), body
