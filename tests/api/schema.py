"""The server's own document, read as a program would: making minimal requests
from it and holding answers against it. Knows the part of JSON Schema that the
document uses, and fails on anything else."""


class Document:
    def __init__(self, document):
        self.document = document
        self.schemas = document["components"]["schemas"]

    def operations(self):
        for path, methods in self.document["paths"].items():
            for method, operation in methods.items():
                yield Operation(self, path, method.upper(), operation)

    def resolve(self, schema):
        while "$ref" in schema:
            schema = self.schemas[schema["$ref"].rsplit("/", 1)[1]]
        return schema

    def problems(self, schema, value, where="answer"):
        """What does not fit, a line each."""
        schema = self.resolve(schema)
        if "anyOf" in schema:
            tries = [self.problems(s, value, where) for s in schema["anyOf"]]
            return [] if any(not t for t in tries) else tries[0]
        kinds = schema.get("type")
        if kinds is None:
            return []
        kinds = kinds if isinstance(kinds, list) else [kinds]
        kind = kind_of(value)
        if kind not in kinds and not (kind == "integer" and "number" in kinds):
            return [f"{where} is {kind}, not {kinds}: {str(value)[:80]}"]
        if "enum" in schema and value not in schema["enum"]:
            return [f"{where} is {value!r}, not one of {schema['enum']}"]
        found = []
        if kind == "array":
            for at, item in enumerate(value):
                found += self.problems(schema["items"], item, f"{where}[{at}]")
        if kind == "object" and "properties" in schema:
            for name in schema.get("required", []):
                if name not in value:
                    found.append(f"{where}.{name} is missing")
            for name, item in value.items():
                if name not in schema["properties"]:
                    found.append(f"{where}.{name} is not in the document")
                else:
                    found += self.problems(schema["properties"][name], item, f"{where}.{name}")
        elif kind == "object" and "additionalProperties" in schema:
            for name, item in value.items():
                found += self.problems(schema["additionalProperties"], item, f"{where}.{name}")
        return found

    def minimal(self, schema):
        """The smallest value that fits."""
        schema = self.resolve(schema)
        kind = schema.get("type", "object")
        kind = kind[0] if isinstance(kind, list) else kind
        if "enum" in schema:
            return schema["enum"][0]
        if kind == "object":
            return {name: self.minimal(schema["properties"][name]) for name in schema.get("required", [])}
        return {"string": "x" * max(schema.get("minLength", 1), 1), "integer": schema.get("minimum", 1),
                "number": 1, "boolean": True, "array": []}[kind]


def kind_of(value):
    return {str: "string", bool: "boolean", int: "integer", float: "number", list: "array", dict: "object",
            type(None): "null"}[type(value)]


class Operation:
    def __init__(self, document, path, method, operation):
        self.document, self.path, self.method, self.operation = document, path, method, operation
        self.role = operation["x-role"]
        self.session_only = operation.get("x-session-only", False)
        self.answers = {int(code): answer for code, answer in operation["responses"].items()}
        self.success = min(self.answers)
        self.streams = "text/event-stream" in self.answers[self.success].get("content", {})
        body = operation.get("requestBody")
        self.bytes = bool(body) and "application/octet-stream" in body["content"]
        self.raw = bool(body) and body["content"].get("application/json") == {}  # judged by the handler alone
        has_schema = body and not self.bytes and not self.raw
        self.body_schema = body["content"]["application/json"]["schema"] if has_schema else None

    def __str__(self):
        return f"{self.method} {self.path}"

    def address(self, value="nope"):
        """The path with every value in braces filled."""
        out = self.path
        while "{" in out:
            out = out[:out.index("{")] + value + out[out.index("}") + 1:]
        return out

    def body(self):
        return self.document.minimal(self.body_schema) if self.body_schema else None

    def problems(self, status, body):
        """What is wrong with an answer, by the document."""
        if status not in self.answers:
            return [f"{self} answered {status}, which the document does not have: {str(body)[:300]}"]
        content = self.answers[status].get("content", {}).get("application/json", {})
        if "schema" not in content:
            return []
        return [f"{self} {status}: {p}" for p in self.document.problems(content["schema"], body)]
