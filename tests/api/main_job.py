"""From a recipe to written records, through the API alone."""
from programs import Workspace
from server import Server

RECIPE = """
table: people
source:
  salesforce:
    connection: demo
    object: Contact
    fields: [Id, FirstName, LastName, Email, Description]
    where: "Email != null"
columns:
  - name: Greeting
    formula: "'Dear ' + {{FirstName}} + ' ' + {{LastName}}"
  - name: Write back
    salesforce_update:
      connection: demo
      object: Contact
      id: "{{Id}}"
      set: { Description: "{{Greeting}}" }
"""


def story_a_table_is_made_filled_computed_and_written_back():
    with Workspace() as w, Server(w) as server:
        ann = server.setup()
        assert ann.get("/tables") == {"tables": []}
        dry = ann.ok("POST", "/recipes", {"recipe": RECIPE, "dry_run": True, "connection": "demo"})
        assert dry["creates"] and not dry["applied"] and ann.get("/tables")["tables"] == []
        made = ann.ok("POST", "/recipes", {"recipe": RECIPE, "connection": "demo"})
        assert made["applied"] and made["table"] == "people", made
        with ann.events() as events:
            hello = events.next("hello")
            assert hello["boot"]
            sync = ann.ok("POST", "/tables/people/syncs", {})
            assert sync["state"] in ("queued", "running") and sync["who"] == "ann@example.com", sync
            ended = ann.wait_for_run(sync["id"])
            assert ended["state"] == "done", ended
            events.next("rows", lambda data: data["table_id"] == sync["table_id"])
            table = ann.get("/tables/people")
            assert table["row_count"] == w.org.count("SELECT COUNT() FROM Contact WHERE Email != null")

            refused = ann.wait_for_run(ann.ok("POST", "/tables/people/runs", {})["id"])
            assert refused["state"] == "stopped" and "for the first time" in refused["error"], refused
            run = ann.ok("POST", "/tables/people/runs", {"approve": True, "first": 20})
            ended = ann.wait_for_run(run["id"])
            assert ended["state"] == "done" and ended["report"]["updated"] == 20, ended
            events.next("run", lambda data: data["run_id"] == run["id"])
            events.next("journal")

        window = ann.get("/tables/people/rows?limit=3")
        names = [c["name"] for c in table["columns"]]
        greeting, write = names.index("Greeting"), names.index("Write back")
        row = window["rows"][0]
        assert row["cells"][greeting].startswith("Dear "), row
        assert window["next"] == window["rows"][-1]["id"] and window["total"] == table["row_count"]
        after = ann.get(f"/tables/people/rows?limit=3&after={window['next']}")
        assert after["rows"][0]["id"] > window["next"]
        last = ann.get("/tables/people/rows?ids=25")["rows"][0]
        assert last["cells"][write]["s"] == "due", last
        cell = ann.get(f"/tables/people/rows/{row['id']}/cells/{table['columns'][-1]['id']}")
        assert cell["operation"]["state"] == "done" and cell["inputs"], cell
        assert w.org.query(f"SELECT Description FROM Contact WHERE Id = '{row['key']}'")[0]["Description"] == \
            row["cells"][greeting]
        assert ann.get("/journal/counts")["states"]["done"] == 20
        listed = ann.get("/journal?state=done&limit=5")
        assert len(listed["operations"]) == 5 and listed["next"]
        assert ann.get("/tables/people/recipe")["recipe"] == RECIPE
        states = ann.get("/tables/people/states")
        assert states["waiting"] == table["row_count"] - 20, states


def story_a_refused_recipe_names_each_mistake_with_its_line():
    with Workspace() as w, Server(w) as server:
        ann = server.setup()
        status, _, body = ann.call("POST", "/recipes", {"recipe": RECIPE.replace("LastName, ", "LastNam, "),
                                                        "connection": "demo"})
        assert status == 422 and body["error"]["code"] == "recipe.refused", (status, body)
        assert any("LastNam" in e["message"] and e["where"].startswith("recipe:7:") for e in body["errors"]), body
        assert ann.get("/tables")["tables"] == []


def story_rows_that_are_picked_run_alone():
    with Workspace() as w, Server(w) as server:
        ann = server.setup()
        ann.ok("POST", "/recipes", {"recipe": RECIPE, "connection": "demo"})
        ann.wait_for_run(ann.ok("POST", "/tables/people/syncs", {})["id"])
        run = ann.wait_for_run(ann.ok("POST", "/tables/people/runs",
                                      {"column": "Greeting", "row_ids": [9, 3, 5]})["id"])
        assert run["state"] == "done" and run["report"]["computed"] == 3, run
        rows = ann.get("/tables/people/rows?limit=6")["rows"]
        greetings = [r["cells"][5] for r in rows]
        assert isinstance(greetings[2], str) and isinstance(greetings[4], str), greetings
        assert greetings[0]["s"] == greetings[3]["s"] == "due", greetings
