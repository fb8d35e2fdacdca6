"""A Hub on loopback: the calls that the real client makes to publish and to fetch a model, with failures to order."""

import base64
import hashlib
import json
import re
import socket
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import yaml

TOKEN = "hf_loopbackTokenThatMustNeverBeSeenAnywhere"
LFS_FROM = 100_000  # bytes; and every safetensors file, as on the Hub
CUT = -1  # the connection is closed without an answer
LOST = -2  # the request is carried out, and the connection is closed without an answer


@dataclass
class Repository:
    """A repository with one branch."""

    private: bool
    files: dict[str, bytes] = field(default_factory=lambda: {".gitattributes": b"*.safetensors filter=lfs\n"})
    commits: list[dict[str, Any]] = field(default_factory=lambda: [{"oid": hashlib.sha1(b"0").hexdigest(), "summary": "initial commit"}])
    pull_requests: list[dict[str, bytes]] = field(default_factory=list)

    @property
    def head(self) -> str:
        return self.commits[-1]["oid"]

    def blob_id(self, name: str) -> str:
        return hashlib.sha1(b"blob %d\0" % len(self.files[name]) + self.files[name]).hexdigest()


class Hub(ThreadingHTTPServer):
    """The server; ``url`` is what ``HF_ENDPOINT`` is set to.

    ``failures`` maps the name of a call to the statuses of its next answers: 429, 503, ``CUT``, ``LOST``, or 0 for a good one.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.repositories: dict[str, Repository] = {}
        self.objects: dict[str, bytes] = {}
        self.failures: dict[str, list[int]] = {}
        self.calls: Counter[str] = Counter()
        self.authorized: dict[str, str | None] = {}
        self.message = "as ordered"
        self.meanwhile: Any = None
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news."""


class Answer(BaseHTTPRequestHandler):
    """One request; each method of ``_CALLS`` answers one of the Hub's calls."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Hub

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def do_POST(self) -> None:
        self._answer()

    do_GET = do_HEAD = do_PUT = do_POST

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        self.query = parse_qs(parts.query)
        for method, pattern, name in _CALLS:
            found = re.fullmatch(pattern, unquote(parts.path))
            if found and self.command in method:
                self.server.calls[name] += 1
                self.server.authorized[name] = self.headers.get("Authorization")
                return self._call(name, found.groups())
        return self._send(404, {"error": f"no such call: {self.command} {parts.path}"})

    def _call(self, name: str, groups: tuple[str, ...]) -> None:
        ordered = self.server.failures.get(name, [])
        status = ordered.pop(0) if ordered else 0
        if status == CUT:
            # Some of a large body is read first: the line goes dead in the middle of it.
            self.rfile.read(min(1000, int(self.headers.get("Content-Length") or 0)))
            return self._hang_up()
        self.body = self._read()
        if status > 0:
            headers = {"Retry-After": "0"} if status == 429 else {}
            return self._send(status, {"error": f"{self.server.message} {self.headers.get('Authorization')}"}, headers)
        if name not in OPEN and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._send(401, {"error": "Invalid credentials"}, {"X-Error-Message": "Invalid credentials in Authorization header"})
        self.lost = status == LOST
        return getattr(self, f"_{name}")(*groups)

    def _read(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _send(self, status: int, content: Any = b"", headers: dict[str, str] | None = None) -> None:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for key, value in {"Content-Length": str(len(data)), "Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _hang_up(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _found(self, name: str) -> Repository | None:
        repository = self.server.repositories.get(name)
        if repository is None:
            self._send(404, {"error": "Repository not found"}, {"X-Error-Code": "RepoNotFound"})
        return repository

    def _create(self) -> None:
        wanted = json.loads(self.body)
        name = f"{wanted['organization']}/{wanted['name']}"
        if name in self.server.repositories:
            return self._send(409, {"error": "You already created this model repo", "url": f"{self.server.url}/{name}"})
        self.server.repositories[name] = Repository(private=wanted.get("visibility") == "private" or bool(wanted.get("private")))
        return self._hang_up() if self.lost else self._send(200, {"url": f"{self.server.url}/{name}"})

    def _info(self, name: str, revision: str | None = None) -> None:
        if (found := self._found(name)) is not None:
            siblings = [{"rfilename": file} for file in sorted(found.files)]
            self._send(200, {"id": name, "modelId": name, "sha": found.head, "private": found.private, "siblings": siblings, "tags": [],
                             "downloads": 0, "likes": 0})  # fmt: skip

    def _tree(self, name: str, revision: str, folder: str | None = None) -> None:
        if (found := self._found(name)) is not None:
            rows = [{"type": "file", "path": file, "size": len(data), "oid": found.blob_id(file)} for file, data in found.files.items()]
            self._send(200, rows)

    def _yaml(self) -> None:
        content = json.loads(self.body)["content"]
        try:
            metadata = yaml.safe_load(content.split("---")[1])
            assert isinstance(metadata["tags"], list) and metadata["license"] and metadata["model-index"][0]["results"]
        except (yaml.YAMLError, IndexError, KeyError, AssertionError, TypeError) as error:
            return self._send(400, {"errors": [{"message": repr(error)}], "warnings": []})
        return self._send(200, {"errors": [], "warnings": []})

    def _preupload(self, name: str, revision: str) -> None:
        if (found := self._found(name)) is None:
            return
        answers = []
        for file in json.loads(self.body)["files"]:
            path, lfs = file["path"], file["path"].endswith(".safetensors") or file["size"] >= LFS_FROM
            here = found.files.get(path)
            oid = None if here is None else hashlib.sha256(here).hexdigest() if lfs else found.blob_id(path)
            answers.append({"path": path, "uploadMode": "lfs" if lfs else "regular", "shouldIgnore": False, "oid": oid})
        self._send(200, {"files": answers})

    def _batch(self, name: str) -> None:
        objects = []
        for wanted in json.loads(self.body)["objects"]:
            entry = dict(wanted)
            if wanted["oid"] not in self.server.objects:
                place = f"{self.server.url}/lfs/{wanted['oid']}"
                entry["actions"] = {"upload": {"href": place}, "verify": {"href": f"{place}/verify"}}
            objects.append(entry)
        self._send(200, {"transfer": "basic", "objects": objects})

    def _put(self, oid: str) -> None:
        if hashlib.sha256(self.body).hexdigest() != oid:
            return self._send(400, {"error": "these are other bytes"})
        self.server.objects[oid] = self.body
        return self._hang_up() if self.lost else self._send(200)

    def _verify(self, oid: str) -> None:
        self._send(200 if oid in self.server.objects else 404)

    def _commit(self, name: str, revision: str) -> None:
        if (found := self._found(name)) is None:
            return None
        if self.server.meanwhile is not None:
            self.server.meanwhile, change = None, self.server.meanwhile
            change(found)
        lines = [json.loads(line) for line in self.body.splitlines()]
        header = next(line["value"] for line in lines if line["key"] == "header")
        if header.get("parentCommit", found.head) != found.head:
            return self._send(412, {"error": "A commit has happened since. Please refresh and try again."})
        files = dict(found.files)
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.server.objects[value["oid"]]
            elif line["key"] == "deletedFile":
                del files[value["path"]]
        oid = hashlib.sha1(self.body + str(len(found.commits) + len(found.pull_requests)).encode()).hexdigest()
        answer = {"commitUrl": f"{self.server.url}/{name}/commit/{oid}", "commitOid": oid}
        if self.query.get("create_pr"):
            found.pull_requests.append(files)
            answer["pullRequestUrl"] = f"{self.server.url}/{name}/discussions/{len(found.pull_requests)}"
        else:
            found.files = files
            found.commits.append({"oid": oid, **header})
        return self._hang_up() if self.lost else self._send(200, answer)

    def _resolve(self, name: str, revision: str, file: str) -> None:
        if (found := self._found(name)) is None:
            return None
        commit = {"X-Repo-Commit": found.head}
        if file not in found.files:
            return self._send(404, {"error": "Entry not found"}, {**commit, "X-Error-Code": "EntryNotFound"})
        data = found.files[file]
        return self._send(
            200, data, {**commit, "ETag": f'"{hashlib.sha256(data).hexdigest()}"', "Content-Type": "application/octet-stream"}
        )


_NAME = r"([^/]+/[^/]+)"
_CALLS = (
    ("POST", r"/api/repos/create", "create"),
    ("POST", r"/api/validate-yaml", "yaml"),
    ("POST", rf"/api/models/{_NAME}/preupload/([^/]+)", "preupload"),
    ("POST", rf"/{_NAME}\.git/info/lfs/objects/batch", "batch"),
    ("PUT", r"/lfs/([0-9a-f]+)", "put"),
    ("POST", r"/lfs/([0-9a-f]+)/verify", "verify"),
    ("POST", rf"/api/models/{_NAME}/commit/([^/]+)", "commit"),
    ("GET", rf"/api/models/{_NAME}/tree/([^/]+)(?:/(.*))?", "tree"),
    ("GET", rf"/api/models/{_NAME}(?:/revision/([^/]+))?", "info"),
    ("HEAD GET", rf"/{_NAME}/resolve/([^/]+)/(.+)", "resolve"),
)
OPEN = frozenset({"put", "resolve", "tree"})  # storage addresses are signed; and anyone may fetch
