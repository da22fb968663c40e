"""The description of the HTTP API as a client reads it: operations, schemas, and examples that belong together by name."""

import dataclasses

import jsonschema


class Description:
    def __init__(self, document):
        self.document = document
        self._resolver = jsonschema.RefResolver("", document)

    def resolve(self, node):
        """What a reference stands for."""
        while "$ref" in node:
            node = self._resolver.resolve(node["$ref"])[1]
        return node

    def operations(self):
        for path, methods in self.document["paths"].items():
            for method, operation in methods.items():
                yield Operation(self, path, method.upper(), operation)

    def check(self, value, schema):
        jsonschema.Draft202012Validator(schema, resolver=self._resolver).validate(value)


@dataclasses.dataclass(frozen=True)
class Operation:
    description: Description
    path: str
    method: str
    node: dict

    def __str__(self):
        return f"{self.method} {self.path}"

    def parameters(self):
        return [self.description.resolve(parameter) for parameter in self.node.get("parameters", [])]

    def bodies(self):
        """Each media type of the request, with its schema and examples."""
        return self.node.get("requestBody", {}).get("content", {})

    def responses(self):
        return {status: self.description.resolve(response) for status, response in self.node["responses"].items()}

    def response_to(self, status):
        responses = self.responses()
        return responses.get(str(status)) or responses["default"]

    def headers(self, status):
        """Those that are described, by their names in small letters."""
        return {name.lower(): self.description.resolve(header)
                for name, header in self.response_to(status).get("headers", {}).items()}

    def answers(self):
        """(name, status, media type or None, value) of each example of an answer, and of each that is only a header's."""
        for status, response in self.responses().items():
            named = set()
            for media_type, content in response.get("content", {}).items():
                for name, example in content.get("examples", {}).items():
                    named.add(name)
                    yield name, int(status), media_type, example["value"]
            for header in self.headers(status).values():
                for name in header.get("examples", {}):
                    if name not in named:
                        named.add(name)
                        yield name, int(status), None, None

    def request(self, name):
        """The parameters by place, the media type and the body of the request with that name."""
        values = {place: {} for place in ("path", "query", "header")}
        for parameter in self.parameters():
            if name in parameter.get("examples", {}):
                values[parameter["in"]][parameter["name"]] = parameter["examples"][name]["value"]
        for media_type, content in self.bodies().items():
            if name in content["examples"]:
                return values, media_type, content["examples"][name]["value"]
        return values, None, None
