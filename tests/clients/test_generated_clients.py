"""Clients that two generators make of openapi.json send only the fields that their caller sets."""

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from typing_extensions import override

from tests.support.builders import a_user
from tests.support.gateway import CONTRACT, DIRECTORY, VENDOR, call_as_vendor
from tests.support.seeded_table import CLERK, seed
from tests.support.table import Table
from tests.support.wsgi import application
from tools.template import ROOT

CONTRACT_FILE = ROOT / "openapi.json"
PYTHON_ENVIRONMENT = ROOT / ".venvs/clients/bin"
NODE_TOOLS = ROOT / "node_modules/.bin"
NO_NODE = (
    "NO NODE: Node.js or its tools are not here, so the TypeScript client is NOT tested. Run `make node_modules/.made`"
)
SECONDS = 60

PYTHON_CLIENT = """
import sys
from generated import Client
from generated.api.directory import put_user
from generated.models import PutUserRequest

origin, user_id = sys.argv[1:]
body = PutUserRequest(email="clerk@bakery.example", name="Renamed")
response = put_user.sync_detailed(user_id, client=Client(base_url=origin), body=body)
assert response.status_code == 200, response
"""
TYPESCRIPT_CLIENT = """
import type { paths } from "./generated";

type PutUser = paths["/directory/users/{user_id}"]["put"];
const [origin, userId] = process.argv.slice(2);
const body: PutUser["requestBody"]["content"]["application/json"] = { email: "clerk@bakery.example", name: "Renamed" };
const response = await fetch(`${origin}/directory/users/${userId}`, {
  method: "PUT",
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});
if (response.status !== 200) throw new Error(await response.text());
"""
GLOBALS = "declare const process: { argv: string[] };\n"


def run(*command: str | Path, folder: Path) -> None:
    """Run a program in this folder, with the generator's environment on its PATH."""
    environment = {**os.environ, "PATH": f"{PYTHON_ENVIRONMENT}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def python_client(folder: Path) -> Sequence[str | Path]:
    """Generate a client with openapi-python-client, and return the command that uses it."""
    generator = PYTHON_ENVIRONMENT / "openapi-python-client"
    assert generator.exists(), "run `make .venvs/clients/.made`"
    config = folder / "config.yml"
    config.write_text("post_hooks: []\n", encoding="utf-8")
    options = ("--path", CONTRACT_FILE, "--output-path", folder / "generated", "--meta", "none", "--config", config)
    run(generator, "generate", *options, folder=folder)
    return (PYTHON_ENVIRONMENT / "python", "-c", PYTHON_CLIENT)


def typescript_client(folder: Path) -> Sequence[str | Path]:
    """Generate types with openapi-typescript, check a program with them, and return the command that runs it."""
    node = shutil.which("node")
    if not node or not NODE_TOOLS.exists():
        pytest.skip(NO_NODE)
    source, bundle = folder / "client.ts", folder / "client.mjs"
    source.write_text(GLOBALS + TYPESCRIPT_CLIENT, encoding="utf-8")
    run(NODE_TOOLS / "openapi-typescript", CONTRACT_FILE, "--output", folder / "generated.d.ts", folder=folder)
    checks = ("--noEmit", "--strict", "--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler")
    run(NODE_TOOLS / "tsc", *checks, "--skipLibCheck", source, folder=folder)
    run(NODE_TOOLS / "esbuild", source, "--format=esm", f"--outfile={bundle}", folder=folder)
    return (node, bundle)


class QuietHandler(WSGIRequestHandler):
    @override
    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


@pytest.mark.parametrize("generate", [python_client, typescript_client])
def test_generated_client_that_sends_two_fields_keeps_the_others(
    generate: Callable[[Path], Sequence[str | Path]], table: Table, tmp_path: Path
) -> None:
    # domain.md rule 28
    seed(table, a_user(CLERK, active=False, locale="ja"))
    command = generate(tmp_path)

    with make_server(
        "127.0.0.1", 0, application(CONTRACT, {"/": (VENDOR, DIRECTORY)}), handler_class=QuietHandler
    ) as server:
        server.timeout = SECONDS
        client = subprocess.Popen(
            [*command, f"http://127.0.0.1:{server.server_port}", CLERK], cwd=tmp_path, stderr=subprocess.PIPE, text=True
        )
        server.handle_request()
        _, errors = client.communicate(timeout=SECONDS)

    assert client.returncode == 0, errors
    user = call_as_vendor("GET /directory/users/{user_id}", user_id=CLERK).body
    assert (user["name"], user["active"], user["locale"]) == ("Renamed", False, "ja")
