"""Bearer tokens: a file of them, made by the program itself, and clients that show them."""

import json
import subprocess

from tests.support.sidecar import PROGRAM


def new_token(name_and_scopes):
    """(the token, its line for the file)."""
    made = subprocess.run([PROGRAM, "--new-token", name_and_scopes], capture_output=True, text=True, check=True)
    return made.stderr.split()[-1], made.stdout


class TokenFile:
    def __init__(self, path, *lines):
        self.path = path
        self.tokens = {}  # by name
        self._lines = {}
        for line in lines:
            self.add(line)

    def add(self, name_and_scopes):
        name = name_and_scopes.split()[0]
        self.tokens[name], self._lines[name] = new_token(name_and_scopes)
        self._write()

    def change(self, name, scopes):
        """The same token with other scopes."""
        self._lines[name] = " ".join([*self._lines[name].split()[:2], scopes]) + "\n"
        self._write()

    def remove(self, name):
        del self._lines[name]
        self._write()

    def _write(self):
        self.path.write_text("# made by a test\n\n" + "".join(self._lines.values()))


class Client:
    """Asks a sidecar with a token, or with an Authorization header as it is given."""

    def __init__(self, sidecar, token=None, *, authorization=None):
        self._sidecar = sidecar
        authorization = f"Bearer {token}" if token else authorization
        self.headers = {"Authorization": authorization} if authorization is not None else {}

    def request(self, method, path, body=None, headers=None, **options):
        return self._sidecar.request(method, path, body, {**self.headers, **(headers or {})}, **options)

    def get(self, path, headers=None):
        return self.request("GET", path, headers=headers)

    def post(self, body, headers=None, query=""):
        return self.request("POST", "/publish" + query, body if isinstance(body, bytes) else json.dumps(body), headers)

    def ids(self, query=""):
        response = self.get("/events" + query)
        assert response.status == 200, response.body
        return [event["event_id"] for event in response.json]
