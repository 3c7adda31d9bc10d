"""Bad inputs, end to end: what files, senders, recipes and orgs hold, and what must come of it.
inputs.md beside this file names the test of every item."""
import csv
import gzip
import io
import json
import resource
import subprocess

from given import ORG, create
from programs import ARGIL, Workspace
from server import Person, Server, bare

# ------------------------------------------------------------------ text

TEXTS = [
    "plain", " spaces around ", "   ", "lone\rreturn", "line\nfeed", "both\r\nof them", "\u2028line\u2029paragraph", "tab\there",
    "\ufeffmark inside", "cafe\u0301", "caf\u00e9", "zero\u200dwidth\u200bjoined", "\u202eright to left", "\U0001F469\U0001F3FD\u200d\U0001F692",
    "x" * 255, "x" * 256, "y" * 32768, "z" * 131072, "e" * 79 + "\u00e9", '"', '""', "'", "\\", "\\'", "a%b", "a_b", "trailing\\",
    "</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>", "javascript:alert(1)", "data:text/html,<b>x</b>",
    "<svg onload=alert(1)>", "=1+1", "+1", "-1", "@SUM(A1)", "\t=1+1", "\r=1+1", '=HYPERLINK("http://evil.example";"x")', "\uff1d1+1",
    "'=1+1", "''", "null", "NULL", "None", "N/A", "#N/A", "true", "undefined", "NaN", "O'Dell", "' OR Name != '", "--", ":bind",
    "\u2018curly\u2019 \u201cquotes\u201d", "{{n}}", "{{secret:x}}", "${n}", "%s%n", "\x01\x1f\x7f",
]
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\uff1d")


def csv_text(rows, **how):
    out = io.StringIO()
    csv.writer(out, **how).writerows(rows)
    return out.getvalue()


def lines_of(w, table):
    """The rows as they are exported, numbers as the text they are."""
    done = w.run("export", table, "--json")
    assert done.returncode == 0, done.stderr
    return [json.loads(line, parse_float=str, parse_int=str) for line in done.stdout.split("\n") if line]


def same(got, wanted, what=""):
    assert got == wanted, f"{what} {str(got)[:300]!r} is not {str(wanted)[:300]!r}"


def story_texts_go_from_a_file_through_columns_to_the_org_and_back():
    with Workspace(org=ORG) as w:
        rows = [["n", "Text"]] + [[i, t] for i, t in enumerate(TEXTS)]
        (w.home / "texts.csv").write_text(csv_text(rows, quoting=csv.QUOTE_ALL), newline="")
        recipe = "table: {0}\nsource:\n  csv: {{ file: {0}.csv, fields: [n, Text] }}\n  unique_by: n\n"
        w.argil("apply", w.recipe(recipe.format("texts") + """
columns:
  - name: Copy
    formula: "{{Text}}"
  - name: Nul
    formula: "'a' + String.fromCharCode(0) + {{n}}"
  - name: Lead
    type: json
    salesforce_create:
      connection: demo
      object: Lead
      set: { LastName: "T{{n}}", Company: Texts, Description: "{{Text}}" }
"""))
        report = w.argil("sync", "texts")
        assert report["complete"] and report["added"] == len(TEXTS), report["statement"]
        run = w.argil("run", "texts", "--yes", ok=(3,))
        # what the field cannot hold is refused with field, rule and fix; never cut
        same((run["created"], run["refused"], run["rejected"]), (len(TEXTS) - 2, 2, 0))
        assert "Lead.Description" in run["refusals"][0]["message"] and "the field holds 32000" in run["refusals"][0]["message"], run
        got = {int(r["n"]): r for r in lines_of(w, "texts")}
        there = {int(r["LastName"][1:]): r["Description"] for r in ORG.query("SELECT LastName, Description FROM Lead WHERE Company = 'Texts'")}
        for i, text in enumerate(TEXTS):
            same((got[i]["Text"], got[i]["Copy"], got[i]["Nul"]), (text, text, f"a\ufffd{i}"), i)
            if len(text) <= 32000:
                same(there[i], text.strip(" \t\r\n") or None, i)  # Salesforce keeps no white space around a text
        # for machines: every byte; for spreadsheets: no cell that would be a formula
        for words, name in (((), "safe"), (("--raw",), "raw")):
            (w.home / f"{name}.csv").write_bytes(subprocess.run([str(ARGIL), "export", "texts", *words], env=w.env, capture_output=True).stdout)
            w.argil("apply", w.recipe(recipe.format(name)))
            w.argil("sync", name)
            back = {int(r["n"]): r["Text"] for r in lines_of(w, name)}
            for i, text in enumerate(TEXTS):
                guarded = name == "safe" and text.startswith(FORMULAS)
                same(back[i], "'" + text if guarded else text, (name, i))


def story_texts_come_by_webhook_and_are_read_by_api_as_they_are():
    with bare() as w, Server(w) as server:
        ann = server.setup()
        ann.ok("POST", "/recipes", {"recipe": "table: texts\nsource:\n  webhook: {fields: [n, Text], rate_limit: 1000/s}\n  unique_by: n\n"})
        key = ann.ok("POST", "/tables/texts/sources/source/key")["key"]
        stranger = Person(server)

        def send(raw):
            return stranger.call("POST", "/hooks/texts/source", raw=raw, headers={
                "Authorization": "Bearer " + key, "Content-Type": "application/json"})
        status, _, body = send(json.dumps([{"n": i, "Text": t} for i, t in enumerate(TEXTS)], ensure_ascii=False).encode())
        same((status, body), (202, {"rows": len(TEXTS), "added": len(TEXTS), "changed": 0}))
        rows = ann.get(f"/tables/texts/rows?limit={len(TEXTS)}")["rows"]
        for row in rows:
            cell, text = row["cells"][1], TEXTS[int(row["cells"][0])]
            if isinstance(cell, dict):  # the start of a long one, which says that it is
                assert len(text) > 1000 and text.startswith(cell["v"]), (len(text), str(cell)[:200])
            else:
                same(cell, text)
        same({int(r["n"]): r["Text"] for r in lines_of(w, "texts")}, dict(enumerate(TEXTS)))
        # what is no JSON, or not one document of it, is refused whole
        before = ann.get("/tables/texts")["row_count"]
        for raw, wanted in ((b'{"n":"a"} {"n":"b"}', 400), (b'{"n":"a"}x', 400), (b"[" * 100000 + b"]" * 100000, 400),
                            (b'{"n":"a","Text":"\xc0\x80"}', 400), (b'{"n":"a","Text":"\xed\xa0\x80"}', 400),
                            (b'{"n":"a","Text":"\xe2\x82"}', 400), (b'{"n":"a","Text":"\\ud800"}', 400), (b'{"n":"a\0b"}', 400),
                            (b"", 400), (b"<html>", 400), (b'{n:1}', 400), (b"{'n':1}", 400), (b'{"n":NaN}', 400),
                            (b'{"n":01}', 400), (b"[]", 422), (b"null", 422), (b"7", 422), (b"[[1]]", 422), (b'{"n":null}', 422),
                            (b'{"n":"   "}', 422)):
            status, _, body = send(raw)
            assert status == wanted and body["error"]["code"] and body["error"]["message"], (raw[:40], status, body)
        same(ann.get("/tables/texts")["row_count"], before)
        # and what is JSON, if oddly so, has one defined reading
        odd = {"mark": b'\xef\xbb\xbf{"n":"mark","Text":"x"}', "twice": b'{"n":"twice","Text":"x","Text":"y"}',
               "nul": b'{"n":"nul","Text":"a\\u0000b"}', "number": b'{"n":"number","Text":1e400}', "deep": b'{"n":"deep","Text":{"a":[1,{"b":null}]}}',
               "keys": b'{"n":"keys","1":2,"__proto__":{"Text":"z"},"":1}', "long": b'{"n":"long","Text":"' + b"m" * (900 << 10) + b'"}'}
        for raw in odd.values():
            status, _, body = send(raw)
            same(status, 202, (raw[:30], body))
        got = {r["n"]: r["Text"] for r in lines_of(w, "texts") if r["n"] in odd}
        same({k: v for k, v in got.items() if k != "long"}, {
            "mark": "x", "twice": "y", "nul": "a\ufffdb", "number": "1e400", "deep": '{"a":[1,{"b":null}]}', "keys": None})
        same(len(got["long"]), 900 << 10)


# ------------------------------------------------------------------ SOQL

SEARCHED = ["O'Dell-Q", "' OR LastName != '", "\\", "trailing\\", "50%_off", "a\nb", "x--y", "\u2018q\u2019", ":bind", "\\' OR 1=1 --",
            "\U0001F469\U0001F3FD", "%", "_", "--", "cafe\u0301"]
NOT_THERE = ["' OR Id != '", '"', "%' OR LastName LIKE '%", "z" * 4001, "') OR (Id != '"]


def story_what_a_row_holds_never_leaves_its_quotes():
    ids = [create("Lead", LastName=t, Company="Soql") for t in SEARCHED]
    with Workspace(org=ORG) as w:
        (w.home / "s.csv").write_text(csv_text([["n", "Text"]] + [[i, t] for i, t in enumerate(SEARCHED + NOT_THERE)]), newline="")
        w.argil("apply", w.recipe("""
table: s
source:
  csv: { file: s.csv, fields: [n, Text] }
  unique_by: n
columns:
  - name: Exact
    salesforce_lookup: { connection: demo, object: Lead, match: { LastName: "{{Text}}", Company: Soql }, all: true }
  - name: Part
    salesforce_lookup: { connection: demo, object: Lead, match: { LastName: "{{Text}}", Company: Soql }, compare: contains, all: true }
  - name: Free
    salesforce_lookup: { connection: demo, soql: "SELECT Id FROM Lead WHERE LastName = {{Text}} AND Company = 'Soql'", all: true }
  - name: Like
    salesforce_lookup: { connection: demo, soql: "SELECT Id FROM Lead WHERE LastName LIKE '%{{Text}}%' AND Company = 'Soql'", all: true }
"""))
        w.argil("sync", "s")
        run = w.argil("run", "s", ok=(3,))
        same([r["code"] for r in run["refusals"]], ["sf.MALFORMED_QUERY"])  # 4,001 characters, in their own rows alone
        for row in lines_of(w, "s"):
            n = int(row["n"])
            text = (SEARCHED + NOT_THERE)[n]
            found = {c: {r["Id"] for r in row[c] or []} for c in ("Exact", "Part", "Free", "Like")}
            wanted = {ids[n]} if n < len(ids) else set()
            holding = {i for i, t in zip(ids, SEARCHED) if text in t}
            same((found["Exact"], found["Free"]), (wanted, wanted), text)
            same((found["Part"], found["Like"]), (holding, holding), text)


# ------------------------------------------------------------------ numbers, days, choices of a file

TYPED = {
    "number": {"0": "0", "-0": "-0", "1e400": "1e400", "999999999999999999": "999999999999999999", "0.30000000000000004": "0.30000000000000004",
               "1.6147805824397E13": "1.6147805824397E13", "1234567890123456.78": "1234567890123456.78", "0.5": "0.5", "1,234.56": None,
               "1.234,56": None, "00123": None, "50%": None, "5 EUR": None, "NaN": None, "Infinity": None, ".5": None, "1_000": None},
    "date": {"1700-01-01": "1700-01-01", "4000-12-31": "4000-12-31", "2024-02-29": "2024-02-29", "2026-11-23T00:00:00Z": "2026-11-23",
             "2023-02-29": None, "24:00": None, "0000-00-00": None, "45000": None, "20261123": None, "23.11.2026": None},
    "datetime": {"2026-11-23T10:11:12Z": "2026-11-23T10:11:12.000Z", "2026-11-23T10:11:12+00:00": "2026-11-23T10:11:12.000Z",
                 "2026-11-23T10:11:12+0000": "2026-11-23T10:11:12.000Z", "2026-11-23T10:11:12.123456Z": "2026-11-23T10:11:12.123Z",
                 "2026-03-29T02:30:00+01:00": "2026-03-29T01:30:00.000Z", "2016-12-31T23:59:60Z": None, "2026-11-23T24:00:00Z": None,
                 "2026-11-23T10:11:12": None, "2026-11-23": None, "1764000000": None, "23:59:59.999Z": None},
    "checkbox": {"TRUE": True, "true": True, "yes": True, "1": True, "0": False, "no": False, "on": None, "perhaps": None},
    "json": {'{"a":1}': {"a": "1"}, '"x"': "x", '{"a":1,"a":2}': {"a": "2"}, "[1,2": None, "nope": None, '{"a":"\\ud800"}': None,
             "[" * 100 + "]" * 100: None},
    "multiselect": {"A;B": "A;B", "B;A": "B;A", "A; B": "A; B", '["x;y"]': '["x;y"]'},
}


def story_what_is_no_number_day_or_choice_is_told_with_its_row():
    with bare() as w:
        for kind, values in TYPED.items():
            (w.home / "v.csv").write_text(csv_text([["n", "V"]] + [[i, t] for i, t in enumerate(values)]), newline="")
            w.argil("apply", w.recipe(f"table: {kind}\nsource:\n  csv: {{ file: v.csv, fields: [n, {{V: {{type: {kind}}}}}] }}\n  unique_by: n\n"))
            refused = [i for i, wanted in enumerate(values.values()) if wanted is None]
            report = w.argil("sync", kind, ok=(3 if refused else 0,))
            same(report["complete"], not refused, report["statement"])
            same({int(r["n"]): r["V"] for r in lines_of(w, kind)}, dict(enumerate(values.values())), kind)
            told = w.run("source", "problems", kind).stdout
            assert told.count("cell.type") == len(refused) and all(f"column V: \"{list(values)[i][:40]}" in told for i in refused), told


# ------------------------------------------------------------------ the form of a file


def files(w, name, data, fields="all"):
    """(how apply or sync left, what they said, the rows) of a table over such a file."""
    (w.home / f"{name}.csv").write_bytes(data if isinstance(data, bytes) else data.encode())
    recipe = w.recipe(f"table: {name}\nsource:\n  csv: {{ file: {name}.csv, fields: {fields} }}\n", f"{name}.yaml")
    for words in (("apply", recipe), ("sync", name)):
        done = w.run(*words)
        if done.returncode not in (0, 3):
            return done.returncode, done.stderr, []
    return done.returncode, done.stdout, lines_of(w, name)


def story_headings_of_any_form_name_each_column_once():
    with bare() as w:
        for name, text, wanted in (
                ("twice", "A,A,B\n1,2,3\n", {"A": "1", "A (2)": "2", "B": "3"}),
                ("cases", "name,NAME,Name\n1,2,3\n", {"name": "1", "NAME (2)": "2", "Name (3)": "3"}),
                ("blank", "A,,B\n1,2,3\n", {"A": "1", "Column 2": "2", "B": "3"}),
                ("special", 'Id,attributes,__proto__,constructor,row_key,a.b,{{x}},"a,b"\n1,2,3,4,5,6,7,8\n',
                 {"Id": "1", "attributes": "2", "__proto__": "3", "constructor": "4", "row_key (2)": "5", "a.b": "6", "{{x}}": "7", "a,b": "8"}),
                ("wide", ",".join(f"c{i}" for i in range(800)) + "\n" + ",".join(map(str, range(800))) + "\n",
                 {f"c{i}": str(i) for i in range(800)})):
            code, said, rows = files(w, name, text)
            same((code, rows), (0, [{"row_key": "1", **wanted}]), (name, said))
        same(files(w, "headless", "1,2\n3,4\n", "all, header: false")[2], [
            {"row_key": "1", "Column 1": "1", "Column 2": "2"}, {"row_key": "2", "Column 1": "3", "Column 2": "4"}])
        heading = w.run("export", "special").stdout.split("\n")[0]
        same(next(csv.reader([heading])), ["row_key", "Id", "attributes", "__proto__", "constructor", "row_key (2)", "a.b", "{{x}}", "a,b"])


def story_files_of_any_form_are_read_or_refused_by_name():
    with bare() as w:
        same(files(w, "header", "A,B\n")[::2], (0, []))
        same(len(files(w, "ends", "A,B\r\n1,2\n3,4\r5,6\r\n")[2]), 3)
        same(files(w, "wideenc", "A;B\n\u00fc;2\n".encode("utf-16"))[2], [{"row_key": "1", "A": "\u00fc", "B": "2"}])
        same(files(w, "latin", b"A,B\nJ\xfcrgen,1\n\xed\xa0\x80,2\n")[2][0]["A"], "J\u00fcrgen")
        code, said, rows = files(w, "nul", b"A,B\nx\0y,1\n")
        assert rows[0]["A"] == "x\ufffdy" and "NUL characters, now U+FFFD: 1" in said, (said, rows)
        code, said, rows = files(w, "ragged", "A,B\n1\n2,3,4\n,\n5,6\n")
        assert code == 3 and [r["A"] for r in rows] == ["1", "5"] and "problems: 1" in said, (code, said, rows)
        for name, data, wanted in (
                ("empty", b"", "csv.no_heading"), ("mark", b"\xef\xbb\xbf\r\n", "csv.no_heading"),
                ("packed", gzip.compress(b"A,B\n1,2\n"), "csv.not_text"), ("sheet", b"PK\x03\x04" + b"\0" * 60, "csv.not_text"),
                ("page", b"<!DOCTYPE html><html><body>Login</body></html>\n", "csv.not_text"), ("answer", b'[{"a":1},{"a":2}]\n', "csv.not_text"),
                ("xml", b"\xef\xbb\xbf\n <?xml version='1.0'?><a/>\n", "csv.not_text"), ("quote", b'A,B\n"x,1\n2,3\n', "csv.open_quote"),
                ("vast", b",".join(b"c" for _ in range(6000)) + b"\n", "csv.too_many_fields")):
            code, said, rows = files(w, name, data)
            assert code in (1, 2) and wanted in said and not rows, (name, code, said, rows)


def story_a_field_of_100_mb_costs_its_cell_and_no_memory():
    with bare() as w:
        for name, open_quote, close_quote in (("line", b"", b""), ("quoted", b'"', b'"')):
            data = b"A,B\n" + open_quote + b"x" * (100 << 20) + close_quote + b",1\n2,3\n"
            (w.home / f"{name}.csv").write_bytes(data)
            w.argil("apply", w.recipe(f"table: {name}\nsource:\n  csv: {{ file: {name}.csv, fields: all }}\n"))
            # a process that cannot have as much memory as the field is long
            done = subprocess.run([str(ARGIL), "sync", name], env=w.env, text=True, capture_output=True,
                                  preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (96 << 20, 96 << 20)))
            assert done.returncode == 3 and "NOT complete" in done.stdout, (done.returncode, done.stdout, done.stderr)
            same([(r["A"], r["B"]) for r in lines_of(w, name)], [(None, "1"), ("2", "3")])
            told = w.run("source", "problems", name).stdout
            assert "csv.large_cell" in told and "104857600 bytes" in told, told
            (w.home / f"{name}.csv").unlink()


def story_an_upload_of_nothing_is_refused_and_leaves_the_last_one():
    with bare() as w, Server(w) as server:
        ann = server.setup()
        ann.ok("POST", "/recipes", {"recipe": "table: list\nsource:\n  csv: { fields: [A] }\n  unique_by: A\n"})

        def upload(data):
            up = ann.ok("POST", "/uploads", {"name": "x.csv"})["id"]
            if data:
                status, _, body = ann.call("PUT", f"/uploads/{up}?at=0", raw=data, headers={"Content-Type": "application/octet-stream"})
                assert status == 200, body
            status, _, body = ann.call("POST", "/tables/list/uploads", {"upload": up})
            return body["error"] if status >= 400 else ann.wait_for_run(body["id"])
        assert upload(b"A\n1\n2\n")["state"] == "done"
        for data in (b"", b"\xef\xbb\xbf", b"<html>", gzip.compress(b"A\n3\n")):
            told = upload(data)
            words = json.dumps(told)
            assert told.get("state") != "done" and ("is empty" in words or "not a CSV file" in words), (data, told)
            same([r["A"] for r in lines_of(w, "list")], ["1", "2"])
        run = ann.wait_for_run(ann.ok("POST", "/tables/list/syncs", {})["id"])
        same((run["state"], [r["A"] for r in lines_of(w, "list")]), ("done", ["1", "2"]))


# ------------------------------------------------------------------ fields of a form of their own


def story_compound_polymorphic_and_computed_fields_are_read_and_never_written():
    firm = create("Account", Name="Struct", BillingStreet="1 Main\nSt", BillingCity="Town", BillingLatitude=1.5, BillingLongitude=2.5)
    contact = create("Contact", LastName="Struct", FirstName="Ann", AccountId=firm)
    lead = create("Lead", LastName="Struct", Company="Struct")
    for who in (contact, lead):
        create("Task", Subject="struct", WhoId=who)
    ORG.control("POST", "/schema", {"object": "Account", "fields": [
        {"name": "Number__c", "label": "Number", "type": "string", "length": 30, "autoNumber": True, "externalId": True, "idLookup": True,
         "unique": True, "createable": False, "updateable": False},
        {"name": "Masked__c", "label": "Masked", "type": "encryptedstring", "length": 30}]})
    with Workspace(org=ORG) as w:
        for way in ("rest", "bulk"):
            got = {}
            for name, obj, fields, where in (
                    ("address", "Account", "[Id, BillingAddress, Masked__c, Number__c]", f"Id = '{firm}'"),
                    ("person", "Contact", "[Id, Name, Account.BillingCity]", f"Id = '{contact}'"),
                    ("task", "Task", "[Id, WhoId, Who.Name, Who.Type, Owner.Name]", "Subject = 'struct'")):
                w.argil("apply", w.recipe(f"table: {name}_{way}\nsource:\n  salesforce: {{ connection: demo, object: {obj}, fields: {fields}, "
                                          f'where: "{where}", transport: {way} }}\n', f"{name}.yaml"))
                for _ in range(2):  # the second sync finds no field changed
                    report = w.argil("sync", f"{name}_{way}")
                    assert report["complete"] and "values kept" not in report["statement"], report["statement"]
                got[name] = lines_of(w, f"{name}_{way}")
            address = got["address"][0]["BillingAddress"]
            same((address["street"], address["city"], float(address["latitude"])), ("1 Main\nSt", "Town", 1.5))
            same((got["person"][0]["Name"], got["person"][0]["Account.BillingCity"]), ("Ann Struct", "Town"))
            same({(r["WhoId"], r["Who.Name"], r["Who.Type"]) for r in got["task"]}, {(contact, "Ann Struct", "Contact"), (lead, "Struct", "Lead")})
        wanted = w.run("permset", "demo").stdout
        assert "Who" not in wanted and "Contact.Type" not in wanted and "Lead.Type" not in wanted, wanted
        for kind, setting, field in (("salesforce_upsert: { connection: demo, object: Account, external_id: Number__c, set: {", 'Number__c: "A-1"', "Account.Number__c"),
                                     ('salesforce_update: { connection: demo, object: Contact, id: "{{Id}}", set: {', "Name: x", "Contact.Name"),
                                     ('salesforce_update: { connection: demo, object: Account, id: "{{Id}}", set: {', "BillingAddress: x", "Account.BillingAddress")):
            done = w.run("apply", w.recipe("table: writes\nsource: { salesforce: { connection: demo, object: Contact, fields: [Id] } }\n"
                                           f"columns:\n  - name: W\n    {kind} {setting} }} }}\n"))
            assert done.returncode == 2 and f"{field} cannot be written" in done.stderr, done.stderr


# ------------------------------------------------------------------ what Argil itself is fed


def story_recipes_that_are_none_change_nothing():
    good = "table: t\nsource:\n  webhook: { fields: [a] }\n"
    with bare() as w:
        for raw in (b"", b"\xef\xbb\xbf", b"\0", b"table: a\0b\n", b"\xff\xfe" + good.encode("utf-16le"), b"table: \xc0\x80\n", b"[]", b"- a\n- b\n", b"text",
                    b"{" * 5000, b"a: " * 5000, b"[" * 5000, good.encode() + b"table: u\n", b"a: &x [1]\nb: *x\n",
                    b"a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\n", good.encode() + b"---\n" + good.encode(), b"\ttable: t\n",
                    b"!!python/object:os.system ls\n", good.replace("t\n", "\u202et\n", 1).encode() + b"nonsense: 1\n",
                    b"# " + b"x" * (3 << 20) + b"\n" + good.encode() + b"nonsense: 1\n",
                    good.encode() + b"nonsense: 1\n", good.replace("[a]", "[a, a]").encode(), good.replace("[a]", "7").encode(), b"table: 7\nsource: 7\n"):
            (w.home / "r.yaml").write_bytes(raw)
            done = w.run("apply", str(w.home / "r.yaml"))
            assert done.returncode == 2 and "code: " in done.stderr and len(done.stderr) < 20000, (raw[:40], done.returncode, done.stderr[:500])
        same(w.argil("table", "list"), [])
        done = w.run("apply", str(w.home))
        assert done.returncode in (1, 2) and "code: " in done.stderr, done


def story_contracts_that_are_none_change_nothing():
    with Workspace(org=ORG) as w:
        good = "connection: demo\nfields:\n  - { field: Contact.Title, direction: write, status: active, rule: always }\n"
        w.argil("contract", "apply", w.recipe(good, "contract.yaml"))
        sheet = w.run("contract", "export", "demo").stdout
        before = w.run("contract", "show", "demo", "--json").stdout
        bad = [b"", b"\0", b"\xff\xfe\x00", b"[]", b"<html></html>", good.replace("always", "sometimes").encode(), good.replace("Contact.Title", "Contact.Nothing").encode(),
               good.replace("Contact.Title", "'x.y.z'").encode(), (good + "nonsense: 1\n").encode(), b"[" * 5000]
        bad += [sheet.replace("always", "sometimes").encode(), sheet.encode() + b'"open\n', gzip.compress(sheet.encode()), sheet.split("\n")[0].encode()[:5] + b"\n1\n"]
        for n, raw in enumerate(bad):
            path = w.home / ("bad.csv" if n >= len(bad) - 4 else "bad.yaml")
            path.write_bytes(raw)
            done = w.run("contract", "import", "demo", str(path)) if path.suffix == ".csv" else w.run("contract", "apply", str(path))
            assert done.returncode in (1, 2) and "code: " in done.stderr, (raw[:60], done.returncode, done.stdout[:300], done.stderr[:300])
        same(w.run("contract", "show", "demo", "--json").stdout, before)
