"""A table as people look at it: windows by sort and filter, counts, kept views."""
import json

from programs import Workspace
from server import Server

SIZE = 7


class Stage:
    def __enter__(self):
        self.workspace = Workspace()
        self.workspace.argil("apply", str(self.recipe()))
        self.workspace.argil("sync", "leads")
        self.server = Server(self.workspace)
        self.ann = self.server.setup()
        return self

    def recipe(self):
        path = self.workspace.home / "leads.yaml"
        path.write_text("table: leads\nsource:\n  salesforce:\n    connection: demo"
                        "\n    object: Lead\n    fields: [Id, LastName, Company, NumberOfEmployees]\ncolumns:\n"
                        "  - {name: Loud, formula: '({{Company}} || \"\").toUpperCase()'}\n")
        return path

    def window(self, **query):
        return self.ann.get("/tables/leads/window?" + "&".join(f"{k}={quote(v)}" for k, v in query.items()))

    def __exit__(self, *_):
        self.server.__exit__()
        self.workspace.close()


def quote(value):
    from urllib.parse import quote as percent
    return percent(str(value), safe="")


def names(stage):
    columns = stage.ann.get("/tables/leads")["columns"]
    return {column["name"]: column["id"] for column in columns}


def text(cell):
    return cell["v"] if isinstance(cell, dict) else cell


def values(stage, window, name):
    at = window["columns"].index(names(stage)[name])
    return [text(row["cells"][at]) for row in window["rows"]]


def story_windows_by_number_and_by_anchor_agree():
    with Stage() as stage:
        for sort in ("", "Company", "-Company, LastName"):
            whole = stage.window(limit=1000, **({"sort": sort} if sort else {}))
            ids = [row["id"] for row in whole["rows"]]
            assert len(ids) == whole["total"] > 3 * SIZE, whole["total"]
            got, behind = [], None
            while True:
                query = {"limit": SIZE} | ({"sort": sort} if sort else {}) | ({"behind": behind} if behind else {})
                page = stage.window(**query)
                got += [row["id"] for row in page["rows"]]
                behind = page["last"]
                if len(page["rows"]) < SIZE:
                    break
            assert got == ids, sort
            for at in (0, 1, 50, len(ids) - 3):
                page = stage.window(limit=SIZE, at=at, **({"sort": sort} if sort else {}))
                assert [row["id"] for row in page["rows"]] == ids[at:at + SIZE], (sort, at)


def story_a_sort_makes_its_index_once():
    with Stage() as stage:
        assert stage.window(sort="Company")["indexed"] is False
        assert stage.ann.ok("POST", "/tables/leads/sorts", {"sort": "Company"})["made"] is True
        assert stage.window(sort="Company")["indexed"] is True
        assert stage.ann.ok("POST", "/tables/leads/sorts", {"sort": "Company"})["made"] is False


def story_filter_search_and_count_agree():
    with Stage() as stage:
        every = stage.window(limit=1000)
        companies = values(stage, every, "Company")
        part = companies[0][:4]
        hits = [one for one in companies if one and part.lower() in one.lower()]
        filtered = stage.window(limit=1000, filter=json.dumps({"column": "Company", "is": "contains", "value": part}))
        assert sorted(values(stage, filtered, "Company")) == sorted(hits)
        count = stage.ann.get("/tables/leads/count?filter=" + quote(f"Company ~ {part}"))
        assert count == {"count": len(hits), "next": None}, count
        search = stage.window(limit=1000, search=companies[0])
        assert companies[0] in values(stage, search, "Company") and len(search["rows"]) < len(companies)
        due = stage.window(limit=1000, filter=json.dumps({"column": "Loud", "state": ["due"]}))
        assert len(due["rows"]) == len(companies)
        assert all(isinstance(row["cells"][-1], dict) and row["cells"][-1]["s"] == "due" for row in due["rows"])


def story_mistakes_are_told():
    with Stage() as stage:
        for query, status in (("filter=" + quote('{"column": "Nope", "is": "empty"}'), 422), ("filter=" + quote("{"), 422),
                              ("sort=Nope", 422), ("view=Nope", 404), ("at=-1", 400), ("limit=0", 400), ("behind=zz", 422)):
            got, _, body = stage.ann.call("GET", "/tables/leads/window?" + query)
            assert got in (status, 400) and body["error"]["message"], (query, got, body)


def story_a_view_is_kept_used_and_forgotten():
    with Stage() as stage:
        config = {"filter": {"column": "NumberOfEmployees", "is": "at least", "value": 100},
                  "sorts": [{"column": "LastName", "descending": True}], "hidden": ["Id"]}
        kept = stage.ann.ok("PUT", "/tables/leads/views/Large", {"config": config})["views"]
        assert [view["name"] for view in kept] == ["Large"] and kept[0]["config"]["hidden"] == ["Id"], kept
        window = stage.window(limit=1000, view="Large")
        assert window["rows"] and all(float(one) >= 100 for one in values(stage, window, "NumberOfEmployees"))
        shown = [one.lower() for one in values(stage, window, "LastName")]
        assert shown[0] >= shown[-1]
        status, _, body = stage.ann.call("PUT", "/tables/leads/views/Bad", {"config": {"hidden": ["Nope"]}})
        assert status == 422, (status, body)
        assert stage.ann.call("DELETE", "/tables/leads/views/Large")[0] == 204
        assert stage.ann.get("/tables/leads/views")["views"] == []
        assert stage.ann.call("DELETE", "/tables/leads/views/Large")[0] == 404


def story_the_first_rows_of_a_source_are_seen_before_there_is_a_table():
    with Workspace() as w, Server(w) as server:
        ann = server.setup()

        def ask(kind, **config):
            status, _, body = ann.call("POST", "/connections/demo/source-preview",
                                       {"kind": kind, "config": {"connection": "demo", **config}})
            return status, body

        status, found = ask("salesforce_object", object="Contact", fields=["Id", "LastName", {"Boss": "Account.Name"}],
                            where="Email != null")
        assert status == 200, found
        assert [c["name"] for c in found["columns"]] == ["Id", "LastName", "Account.Name"], found["columns"]
        assert len(found["rows"]) == 20 and all(len(row) == 3 and row[0].startswith("003") for row in found["rows"])
        status, all_of_it = ask("salesforce_object", object="Contact", fields="all")
        assert status == 200 and len(all_of_it["columns"]) > 20, all_of_it
        status, found = ask("salesforce_soql", soql="SELECT Industry, COUNT(Id) n FROM Account GROUP BY Industry")
        assert status == 200 and [c["name"] for c in found["columns"]] == ["Industry", "n"] and found["rows"], found
        status, found = ask("salesforce_object", object="Contact", fields=["Id"], where="LastName = 'nobody at all'")
        assert status == 200 and found["rows"] == [], found
        for where, kind, config in (("fields", "salesforce_object", {"object": "Contact", "fields": ["Id", "LastNam"]}),
                                    ("where", "salesforce_object", {"object": "Contact", "fields": ["Id"], "where": "LastName ="}),
                                    (None, "salesforce_object", {}), ("soql", "salesforce_soql", {"soql": "SELECT"}),
                                    ("connection", "salesforce_object", {"connection": "other", "object": "Contact", "fields": ["Id"]})):
            status, found = ask(kind, **config)
            assert status == 422 and found["errors"][0].get("where") == where, (where, status, found)
        status, found = ask("webhook", fields=["Email"])
        assert status == 422 and "before the table is made" in found["error"]["message"], found
        assert ann.get("/tables") == {"tables": []} and ann.get("/runs")["runs"] == [], "nothing was stored"
