#!/usr/bin/env python3
"""Stories of looking at a table: filters, sorts, views, export."""
import csv
import io
import json
import pathlib
import sys
import unicodedata

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support_py"))
from programs import Workspace, main  # noqa: E402

ACCOUNTS = """
table: accounts
source:
  salesforce:
    connection: demo
    object: Account
    fields: [Id, Name, Industry, NumberOfEmployees, AnnualRevenue, CreatedDate]
"""


def folded(text):
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c)).lower()


class Looking(Workspace):
    def __enter__(self):
        super().__enter__()
        self.argil("apply", self.recipe(ACCOUNTS))
        self.argil("sync", "accounts")
        self.all = self.exported()
        return self

    def exported(self, *options):
        return [json.loads(line) for line in self.run("export", "accounts", "--json", *options).stdout.splitlines()]


def story_filters_pass_what_python_would_pass():
    with Looking() as w:
        cases = [
            (["-f", "NumberOfEmployees >= 1000"], lambda r: (r["NumberOfEmployees"] or -1) >= 1000),
            (["-f", "Industry = banking"], lambda r: r["Industry"] == "Banking"),
            (["-f", "Industry is empty"], lambda r: r["Industry"] is None),
            (["-f", "Industry is not empty", "-f", "NumberOfEmployees < 50"],
             lambda r: r["Industry"] and r["NumberOfEmployees"] is not None and r["NumberOfEmployees"] < 50),
            (["--search", "STEEL"], lambda r: any("steel" in str(v).lower() for v in r.values() if v)),
            (["-f", '{"any": [{"column": "Industry", "is": "one of", "value": ["Energy", "Banking"]}, '
              '{"not": {"column": "Name", "is": "contains", "value": "a"}}]}'],
             lambda r: r["Industry"] in ("Energy", "Banking") or "a" not in folded(r["Name"])),
        ]
        for options, passes in cases:
            wanted = [r["row_key"] for r in w.all if passes(r)]
            got = [r["row_key"] for r in w.exported(*options)]
            assert got == wanted and 0 < len(got) < len(w.all), (options, len(got), len(wanted))


def story_sorts_are_by_the_columns_kind():
    with Looking() as w:
        got = [r["NumberOfEmployees"] for r in w.exported("--sort", "-NumberOfEmployees")]
        numbers = [n for n in got if n is not None]
        assert numbers == sorted(numbers, reverse=True) and len(got) == len(w.all)
        assert all(n is None for n in got[len(numbers):])  # empty ones come last
        rows = w.exported("--sort", "Industry, -AnnualRevenue")
        keys = [((r["Industry"] or "").lower(), -(r["AnnualRevenue"] or 0)) for r in rows]
        assert keys == sorted(keys)
        shown = w.argil("rows", "accounts", "--sort", "-NumberOfEmployees", "--from", "101", "--limit", "5")
        assert [r["NumberOfEmployees"] for r in shown["rows"]] == [str(n) for n in got[100:105]], shown
        assert shown["from"] == 100 and shown["total"] == len(w.all)


def story_views_are_kept_and_changed():
    with Looking() as w:
        w.run("view", "save", "accounts", "Banks", "-f", "Industry = Banking", "--sort=-NumberOfEmployees", "--hide", "CreatedDate")
        w.run("view", "save", "accounts", "Large banks", "--view", "Banks", "-f", "NumberOfEmployees > 1000")
        listed = {v["view"]: json.loads(v["shows"]) for v in w.argil("view", "list", "accounts")}
        assert listed["Banks"]["hidden"] == ["CreatedDate"] and set(listed) == {"Banks", "Large banks"}, listed
        banks, large = w.exported("--view", "banks"), w.exported("--view", "Large banks")
        assert banks and all(r["Industry"] == "Banking" and "CreatedDate" not in r for r in banks)
        assert large == [r for r in banks if (r["NumberOfEmployees"] or 0) > 1000] and len(large) < len(banks)
        # a renamed column keeps the view whole
        w.argil("apply", w.recipe(ACCOUNTS.replace("Industry,", "{Industry: Branch},")))
        shows = {v["view"]: v["shows"] for v in w.argil("view", "list", "accounts")}
        assert "Branch" in shows["Banks"] or "broken" in shows["Banks"], shows
        assert w.run("view", "delete", "accounts", "Banks").returncode == 0
        refused = w.run("rows", "accounts", "--view", "Lage banks")
        assert refused.returncode == 1 and "Large banks" in refused.stderr, refused.stderr


def story_mistakes_are_named():
    with Looking() as w:
        for options, said in ((["-f", "Industri = x"], "Industri"), (["-f", "NumberOfEmployees > many"], "is no number"),
                              (["--sort", "Industri"], "Industry"), (["-f", '{"all": [{"column": "Name"}]}'], '"is" says how')):
            done = w.run("rows", "accounts", *options)
            assert done.returncode == 1 and said in done.stderr and not done.stdout, (options, done.stderr)


def story_a_spreadsheet_gets_no_formulas():
    with Workspace() as w:
        evil = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "\t=1", " =1", "\uff1d1+1", "=HYPERLINK(\"http://x\")", "plain", "a=b"]
        for name in evil:
            assert w.org.call("POST", "/services/data/v66.0/sobjects/Account", {"Name": "x", "Description": name})[0] == 201
        w.argil("apply", w.recipe("""
table: evil
source:
  salesforce: { connection: demo, object: Account, fields: [Id, {Description: "=Danger"}, AnnualRevenue], where: "Name = 'x'" }
"""))
        w.argil("sync", "evil")
        rows = list(csv.reader(io.StringIO(w.run("export", "evil").stdout)))
        assert rows[0] == ["row_key", "Id", "'=Danger", "AnnualRevenue"], rows[0]
        cells = {r[2] for r in rows[1:]}
        assert {"plain", "a=b"} <= cells and all(c[0] == "'" for c in cells - {"plain", "a=b"}), cells
        raw = list(csv.reader(io.StringIO(w.run("export", "evil", "--raw").stdout)))
        assert {r[2] for r in raw[1:]} >= {"=1+1", "-2+3", "@SUM(1)"}, raw
        path = w.home / "out.csv"
        assert "raw" in w.run("export", "evil", "--raw", "-o", str(path)).stderr


if __name__ == "__main__":
    sys.exit(main(globals()))
