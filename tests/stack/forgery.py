"""Tokens that must not open anything: forged in the known ways, or honestly signed and no longer good."""

import base64
import hmac
import json
import time
from collections.abc import Callable
from hashlib import sha256

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tools.api_client import Json

Signer = Callable[[bytes], bytes]


def parts_of(token: str) -> tuple[Json, Json]:
    """Header and claims of a token."""
    header, claims, _ = token.split(".")
    return json.loads(_unwrapped(header)), json.loads(_unwrapped(claims))


def put_together(header: Json, claims: Json, sign: Signer) -> str:
    """A token of these, signed so."""
    said = f"{_wrapped(json.dumps(header).encode())}.{_wrapped(json.dumps(claims).encode())}"
    return f"{said}.{_wrapped(sign(said.encode()))}"


def unsigned(said: bytes) -> bytes:
    """No signature."""
    return said[:0]


def by_key(key: rsa.RSAPrivateKey) -> Signer:
    """RS256."""
    return lambda said: key.sign(said, padding.PKCS1v15(), hashes.SHA256())


def by_secret(secret: bytes) -> Signer:
    """HS256."""
    return lambda said: hmac.digest(secret, said, sha256)


def forgeries(token: str, signing_key: rsa.RSAPrivateKey) -> dict[str, str]:
    """What an attacker would send who has seen this good token, and what an old token looks like."""
    header, claims = parts_of(token)
    another = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = signing_key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    honest, now = by_key(signing_key), int(time.time())
    jwk = {"kty": "RSA", "kid": "mine", "n": _number(another.public_key().public_numbers().n), "e": "AQAB"}
    return {
        "no token at all": "",
        "not a token": "garbage",
        "three empty parts": "..",
        "alg none": put_together(header | {"alg": "none"}, claims, unsigned),
        "alg None, signature kept": token.replace(token.split(".", maxsplit=1)[0], _wrapped(b'{"alg":"None"}'), 1),
        "HS256 with the public key": put_together(header | {"alg": "HS256"}, claims, by_secret(public)),
        "another key, same kid": put_together(header, claims, by_key(another)),
        "unknown kid": put_together(header | {"kid": "unknown"}, claims, by_key(another)),
        "kid that is a path": put_together(header | {"kid": "../../dev/null"}, claims, by_secret(b"")),
        "its own key inside": put_together(header | {"kid": "mine", "jwk": jwk}, claims, by_key(another)),
        "signature of other claims": ".".join(
            (*_resaid(token, claims | {"sub": "somebody-else"}), token.split(".")[2])
        ),
        "expired": put_together(header, claims | {"exp": now - 1}, honest),
        "not yet good": put_together(header, claims | {"nbf": now + 600}, honest),
        "another issuer": put_together(header, claims | {"iss": "https://issuer.example"}, honest),
        "another client": put_together(header, claims | {"client_id": "another"}, honest),
        "two tokens": f"{token} {token}",
    }


def the_same_again(token: str, signing_key: rsa.RSAPrivateKey) -> str:
    """The claims of a good token, signed anew: good as well, or the forgeries would prove nothing."""
    return put_together(*parts_of(token), by_key(signing_key))


def _resaid(token: str, claims: Json) -> tuple[str, str]:
    return token.split(".", maxsplit=1)[0], _wrapped(json.dumps(claims).encode())


def _wrapped(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _unwrapped(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _number(number: int) -> str:
    return _wrapped(number.to_bytes((number.bit_length() + 7) // 8, "big"))
