"""A client of the HTTP API: JSON in, JSON out, a token for each client, every response returned as it is."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import urllib3
from typing_extensions import override

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """An HTTP response."""

    method: str
    path: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Json:
        """The body as a JSON object."""
        read: Json = json.loads(self.body)
        return read

    @property
    def code(self) -> str:
        """The error code of a problem response, or an empty string."""
        if "problem+json" not in self.headers.get("content-type", ""):
            return ""
        return str(self.json.get("code", ""))

    @override
    def __str__(self) -> str:
        return f"{self.method} {self.path} → {self.status} {self.body[:600].decode(errors='replace')}"


@dataclass(frozen=True, slots=True)
class ApiClient:
    """A client of one stack's API, with one token or none."""

    base_url: str
    pool: urllib3.PoolManager
    token: str | None = field(default=None, repr=False)

    def with_token(self, token: str | None) -> "ApiClient":
        """Return a client of the same API with another token."""
        return ApiClient(self.base_url, self.pool, token)

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> ApiResponse:
        """Send a request, optionally with an Idempotency-Key, and return the response whatever its status."""
        sent = dict(headers or {})
        if self.token:
            sent["authorization"] = f"Bearer {self.token}"
        if key:
            sent["idempotency-key"] = key
        encoded: bytes | None = None
        if body is not None:
            sent.setdefault("content-type", "application/json")
            encoded = body if isinstance(body, bytes) else json.dumps(body).encode()
        response = self.pool.request(method, self.base_url + path, body=encoded, headers=sent, redirect=False)
        return ApiResponse(method, path, response.status, response.headers, response.data)

    def get(self, path: str) -> ApiResponse:
        return self.call("GET", path)

    def put(self, path: str, body: object) -> ApiResponse:
        return self.call("PUT", path, body)

    def post(self, path: str, body: object, *, key: str | None = None) -> ApiResponse:
        return self.call("POST", path, body, key=key)

    def delete(self, path: str) -> ApiResponse:
        return self.call("DELETE", path)


def connection_pool() -> urllib3.PoolManager:
    """Return a pool of keep-alive connections for many threads.

    It never retries, so that callers see every response. It waits longer than the emulator of a busy machine needs, so
    that no test or benchmark fails because of load.
    """
    return urllib3.PoolManager(maxsize=128, retries=False, timeout=urllib3.Timeout(connect=60, read=600))
