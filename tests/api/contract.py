"""Every route as the document tells of it: every role, every error, every shape.

A new route is tested by being in the route table; there is no list here."""
import atexit

from programs import Workspace
from schema import Document
from server import PASSWORD, Person, Server

ROLES = ["nobody", "viewer", "runner", "builder", "admin"]
BODY_USUAL = 1024 * 1024
WANTED_QUERIES = {"/api/v1/tables/{table}/dedupe-preview": "?by=LastName"}  # of what cannot do without


class Stage:
    """A server with a user and a token of every role."""

    def __enter__(self):
        self.workspace = Workspace()
        self.server = Server(self.workspace)
        self.admin = self.server.setup()
        self.people = {"admin": self.admin}
        for role in ROLES[1:4]:
            self.people[role] = self.server.user(role + "@example.com", role)
        self.tokens = {role: Person(self.server, self.token_of(role)) for role in ROLES[1:]}
        self.nobody = Person(self.server)
        self.document = Document(self.nobody.get("/openapi.json"))
        return self

    def token_of(self, role):
        made = self.people[role].ok("POST", "/tokens", {"name": "test", "scope": role})
        return made["text"]

    def asker(self, operation):
        """An admin who may ask this: a token, unless it is for people alone."""
        return self.admin if operation.session_only else self.tokens["admin"]

    def __exit__(self, *_):
        self.server.__exit__()
        self.workspace.close()


shared = None


def stage_of_all():
    """One stage for the stories that change nobody's session."""
    global shared
    if not shared:
        shared = Stage().__enter__()
        atexit.register(shared.__exit__)
    return shared


def complain(problems):
    assert not problems, f"{len(problems)} problems:\n        " + "\n        ".join(problems[:15])


def ask(person, operation, query="", **more):
    if operation.streams and operation.role != "nobody" and person.token:
        try:
            person.events().close()
            return 200, None
        except AssertionError as error:
            return error.args[0][0], None
    if operation.bytes:
        more = {"raw": b"x", "headers": {"Content-Type": "application/octet-stream"} | more.get("headers", {})}
        query = query or "?at=0"
    else:
        more = {"body": operation.body()} | more
    status, _, body = person.call(operation.method, operation.address() + query, **more)
    return status, body


def story_every_route_lets_in_who_may_and_nobody_else():
    with Stage() as stage:
        problems = []
        for operation in stage.document.operations():
            for role in ROLES:
                person = stage.tokens.get(role, stage.nobody)
                status, body = ask(person, operation)
                refused = status in (401, 403) and not any(code in str(body) for code in ("auth.wrong", "webhook.key"))
                wanted = ROLES.index(role) < ROLES.index(operation.role) or operation.session_only
                if refused != wanted:
                    problems.append(f"{operation} as {role}: {status} {str(body)[:200]}")
                if wanted and status != (401 if role == "nobody" else 403):
                    problems.append(f"{operation} as {role}: {status}, the wrong refusal")
                problems += operation.problems(status, body)
        complain(problems)


def story_what_is_for_signed_in_people_lets_them_in():
    with Stage() as stage:
        for operation in stage.document.operations():
            if operation.session_only:
                person = stage.server.user(f"{abs(hash(str(operation)))}", operation.role)
                status, body = ask(person, operation)
                assert status != 401 and "auth.session" not in str(body), (str(operation), status, body)
                assert status != 403 or body["error"]["code"] == "auth.password", (str(operation), body)


def story_a_tokens_scope_is_the_most_it_may_do():
    stage = stage_of_all()
    made = stage.admin.ok("POST", "/tokens", {"name": "reader", "scope": "viewer"})
    reader = Person(stage.server, made["text"])
    problems = []
    for operation in stage.document.operations():
        if operation.role in ("nobody", "viewer") or operation.streams:
            continue
        status, body = ask(reader, operation)
        if status != 403:
            problems.append(f"{operation}: {status} {str(body)[:200]}")
    complain(problems)
    assert reader.get("/session")["person"]["role"] == "viewer"


def story_a_changing_request_of_a_page_wants_its_token():
    stage = stage_of_all()
    problems = []
    for operation in stage.document.operations():
        if operation.method == "GET" or operation.role == "nobody":
            continue
        for headers in ({"X-Argil-CSRF": None}, {"X-Argil-CSRF": stage.people["viewer"].csrf},
                        {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
            status, body = ask(stage.admin, operation, headers=headers)
            if status != 403 or body["error"]["code"] != "auth.forged":
                problems.append(f"{operation} with {headers}: {status} {str(body)[:200]}")
    complain(problems)
    assert stage.admin.get("/session"), "a forged request ended the session"


def story_what_cannot_be_read_is_refused_before_anything_happens():
    stage = stage_of_all()
    problems = []

    def expect(operation, wanted, status, body):
        if status != wanted:
            problems.append(f"{operation}: {status} instead of {wanted}: {str(body)[:200]}")
        problems.extend(operation.problems(status, body))

    for operation in stage.document.operations():
        if operation.streams:
            continue
        admin = stage.asker(operation)
        status, body = ask(admin, operation, query="?nonsense=1")
        expect(operation, 400, status, body)
        if operation.raw:
            status, _, body = admin.call(operation.method, operation.address(), raw=b"x" * (8 * BODY_USUAL + 1))
            expect(operation, 413, status, body)
            continue
        if not operation.body_schema:
            if operation.method != "GET":
                query = "?at=0" if operation.bytes else ""
                status, _, body = admin.call(operation.method, operation.address() + query, body={"x": 1})
                expect(operation, 415 if operation.bytes else 400, status, body)
            continue
        json = {"Content-Type": "application/json"}
        for raw, headers, wanted in (
                (b"{", json, 400), (b"", json, 400), (b'{"a":1}{"b":2}', json, 400),
                (b'{"a":"\xff"}', json, 400), (b'{"a":"\xed\xa0\x80"}', json, 400),
                (b"[" * 100000, json, 400),
                (b"[]", json, 422), (b"null", json, 422), (b'"text"', json, 422),
                (b'{"nonsense":1}', json, 422),
                (b"{}", {"Content-Type": "text/plain"}, 415),
                (b"{}", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
                (b"{}", {"Content-Type": None}, 415)):
            status, _, body = admin.call(operation.method, operation.address(), raw=raw, headers=headers)
            expect(operation, wanted, status, body)
        if operation.path not in ("/api/v1/recipes", "/api/v1/tables/{table}/cells"):  # they take more
            raw = b'{"a":"' + b"x" * BODY_USUAL + b'"}'
            status, _, body = admin.call(operation.method, operation.address(), raw=raw, headers=json)
            expect(operation, 413, status, body)
    complain(problems)


def wrong_values(document, schema):
    """For each field of a body, values of the wrong type or out of bounds."""
    schema = document.resolve(schema)
    good = document.minimal(schema)
    for name, field in schema["properties"].items():
        kind = field.get("type", "object")
        null = isinstance(kind, list)
        kind = kind[0] if null else kind
        wrong = {"string": [1, None, [], {}, "nul\0inside"], "integer": ["x", 1.5, None, True],
                 "boolean": ["true", 1, None], "array": [{}, "x", [[]]], "object": [[], 1]}.get(kind, [])
        if "enum" in field:
            wrong = ["no such word", 1, ""]
        if field.get("maxLength"):
            wrong.append("x" * (field["maxLength"] + 1))
        if field.get("maximum"):
            wrong += [field["maximum"] + 1, field["minimum"] - 1]
        if field.get("format") == "date-time":
            wrong.append("yesterday")
        for value in [v for v in wrong if v is not None or not null]:
            if len(str(value)) < BODY_USUAL:
                yield name, {**good, name: value}
    for name in schema.get("required", []):
        yield name, {k: v for k, v in good.items() if k != name}


def story_each_field_of_each_body_is_checked():
    stage = stage_of_all()
    problems, count = [], 0
    for operation in stage.document.operations():
        if not operation.body_schema:
            continue
        for name, body in wrong_values(stage.document, operation.body_schema):
            status, _, answer = stage.asker(operation).call(operation.method, operation.address(), body)
            count += 1
            if status != 422 or name not in answer["error"].get("where", ""):
                problems.append(f"{operation} {name} {str(body)[:80]}: {status} {str(answer)[:200]}")
    complain(problems)
    assert count > 100, count


def story_other_methods_are_answered_405_with_what_is_allowed():
    stage = stage_of_all()
    paths, problems = {}, []
    for operation in stage.document.operations():
        paths.setdefault(operation.path, []).append(operation)
    for path, operations in paths.items():
        have = {o.method for o in operations}
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"):
            if method in have:
                continue
            status, headers, body = stage.admin.call(method, operations[0].address())
            allowed = set((headers.get("Allow") or "").replace("HEAD", "").replace(" ", "").split(",")) - {""}
            other = {o.method for p, os in paths.items() for o in os if matches(p, operations[0].address())}
            if status != 405 or allowed != other:
                problems.append(f"{method} {path}: {status}, Allow {allowed}, there is {other}: {str(body)[:100]}")
    complain(problems)


def matches(pattern, address):
    a, b = pattern.split("/"), address.split("/")
    return len(a) == len(b) and all(x.startswith("{") or x == y for x, y in zip(a, b))


def story_method_overrides_are_not_listened_to():
    stage = stage_of_all()
    for header in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        status, _, body = stage.admin.call("GET", "/sessions", headers={header: "DELETE"})
        assert status == 200 and body["sessions"], (header, status, body)
    assert stage.people["viewer"].get("/session")


def story_answers_fit_the_document():
    """What a workspace with something in it answers, shape by shape."""
    from deciding import CONTRACT
    from main_job import RECIPE
    stage = stage_of_all()
    admin, problems = stage.admin, []
    admin.ok("POST", "/recipes", {"recipe": RECIPE, "connection": "demo"})
    admin.wait_for_run(admin.ok("POST", "/tables/people/syncs", {})["id"])
    run = admin.wait_for_run(admin.ok("POST", "/tables/people/plans", {"first": 3})["id"])
    wrote = admin.wait_for_run(admin.ok("POST", "/tables/people/runs", {"first": 3, "approve": True})["id"])
    admin.ok("PUT", "/connections/demo/contract", {"text": CONTRACT})
    table = admin.get("/tables/people")
    row, record = (admin.get("/tables/people/rows?limit=1")["rows"][0][k] for k in ("id", "key"))
    operation_id = admin.get("/journal?limit=1")["operations"][0]["id"]
    admin.ok("PUT", "/secrets/key", {"value": "x"})
    values = {"{table}": "people", "{row}": str(row), "{column}": str(table["columns"][-1]["id"]),
              "{run}": str(run["id"]), "{operation}": str(operation_id), "{connection}": "demo",
              "{object}": "Account", "{secret}": "key", "{source}": table["sources"][0]["name"],
              "{upload}": admin.ok("POST", "/uploads", {"name": "x.csv"})["id"], "{user}": "1", "{session}": "1", "{token}": "1",
              "{plan}": str(admin.get("/plans")["plans"][0]["id"]), "{version}": "1", "{record}": record}
    for operation in stage.document.operations():
        if operation.method != "GET" or operation.streams:
            continue
        path = operation.path.replace("{run}/undo", f"{wrote['id']}/undo")
        for name, value in values.items():
            path = path.replace(name, value)
        assert "{" not in path, f"{path}: tell this test what to ask for"
        status, _, body = admin.call("GET", path + WANTED_QUERIES.get(operation.path, ""))
        if status != operation.success:
            problems.append(f"{operation}: {status} {str(body)[:200]}")
        problems += operation.problems(status, body)
    complain(problems)


def story_the_document_and_the_reference_page_ask_nobody_else():
    stage = stage_of_all()
    status, headers, page = stage.nobody.call("GET", "/api/v1/")
    assert status == 200 and "text/html" in headers["Content-Type"]
    for operation in stage.document.operations():
        assert operation.path in page, f"{operation.path} is not on the page"
    assert "http://" not in page and "https://" not in page and "<script" not in page
    assert PASSWORD not in page
