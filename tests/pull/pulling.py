"""What the stories of bringing records in share."""
import csv
import io

from programs import Org

_org = None


def org():
    """One org for the stories that only read it, or change what is theirs."""
    global _org
    _org = _org or Org(seed="demo")
    return _org


def table(w, name, source, columns="", rules=""):
    """A table of that name from a source in YAML flow style; the sync's report."""
    w.argil("apply", w.recipe(f"table: {name}\nsource:\n  {source}\n{rules}{columns}", f"{name}.yaml"))
    return w.argil("sync", name)


def rows(w, name):
    done = w.run("export", name)
    assert done.returncode == 0, done.stderr
    return list(csv.DictReader(io.StringIO(done.stdout)))


def same(a, b):
    assert a == b, f"{a!r} is not {b!r}"


def killed_at_every_page(w, name, step=1, most=90):
    """Syncs with a kill at page 1, then page 2 (or a step further) ... until one goes through; at which that was."""
    for at in range(1, most, step):
        done = w.run("sync", name, env={"ARGIL_CRASH_AT": f"K16:{at}"})
        if done.returncode >= 0 and "complete as of" in done.stdout:
            return at - 1
        assert done.returncode < 0 or done.returncode > 128, (done.returncode, done.stdout, done.stderr)
    raise AssertionError("it never came through")


def hide(w, field, hidden):
    """Field-level security of the connected user, as a control request."""
    w.org.control("POST", "/users", {"username": w.org.ready["username"], "deny": [
        {"object": "Account", "field": field, "access": ["read", "edit"] if hidden else []}]})


def field(name, type="string", **more):
    return {"name": name, "label": name[:-3], "type": type, **({"length": 80} if type == "string" else {}), **more}
