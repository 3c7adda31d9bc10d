"""What all stories of pushing share: one org, and short words for tables and records."""
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/support_py"))
from programs import Org, Workspace  # noqa: E402, F401

ORG = Org(scale=1)


def rows(w, table):
    return [json.loads(line) for line in w.run("export", table, "--json").stdout.splitlines()]


def cells(w, table, column):
    return [row[column] for row in rows(w, table)]


def as_json(value):
    return json.loads(value) if isinstance(value, str) and value[:1] in "[{" else value


def table(w, name, columns, fields="Id, FirstName, LastName, Email, Phone, AccountId", where="Email != null",
          guard="", obj="Contact"):
    w.argil("apply", w.recipe(f"""
table: {name}
source:
  salesforce: {{ connection: demo, object: {obj}, fields: [{fields}], where: "{where}" }}
columns:
{columns}
{guard}
""", name + ".yaml"))
    w.argil("sync", name)


def first_contacts(count):
    return ORG.query(f"SELECT Id, Email FROM Contact WHERE Email != null ORDER BY Id LIMIT {count}")


def create(obj, **fields):
    status, body = ORG.call("POST", f"/services/data/v66.0/sobjects/{obj}", fields,
                            {"Sforce-Duplicate-Rule-Header": "allowSave=true"})
    assert status == 201, body
    return body["id"]


def why(run):
    return " | ".join(r["message"] for r in run["refusals"])
