"""Tokens that must be rejected: forged in the known ways, or correctly signed but no longer valid."""

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
    """Return the header and the claims of a token."""
    header, claims, _ = token.split(".")
    return json.loads(_decoded(header)), json.loads(_decoded(claims))


def signed_token(header: Json, claims: Json, sign: Signer) -> str:
    """Return a signed token with this header and these claims."""
    signing_input = f"{_encoded(json.dumps(header).encode())}.{_encoded(json.dumps(claims).encode())}"
    return f"{signing_input}.{_encoded(sign(signing_input.encode()))}"


def unsigned(signing_input: bytes) -> bytes:
    """Return an empty signature."""
    return signing_input[:0]


def rs256(key: rsa.RSAPrivateKey) -> Signer:
    """Return an RS256 signer."""
    return lambda said: key.sign(said, padding.PKCS1v15(), hashes.SHA256())


def hs256(secret: bytes) -> Signer:
    """Return an HS256 signer."""
    return lambda said: hmac.digest(secret, said, sha256)


def forgeries(token: str, signing_key: rsa.RSAPrivateKey) -> dict[str, str]:
    """Return forgeries by an attacker who has this valid token, and invalid tokens with a correct signature."""
    header, claims = parts_of(token)
    another = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = signing_key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    honest, now = rs256(signing_key), int(time.time())
    jwk = {"kty": "RSA", "kid": "mine", "n": _number(another.public_key().public_numbers().n), "e": "AQAB"}
    return {
        "no token at all": "",
        "not a token": "garbage",
        "three empty parts": "..",
        "alg none": signed_token(header | {"alg": "none"}, claims, unsigned),
        "alg None, signature kept": token.replace(token.split(".", maxsplit=1)[0], _encoded(b'{"alg":"None"}'), 1),
        "HS256 with the public key": signed_token(header | {"alg": "HS256"}, claims, hs256(public)),
        "another key, same kid": signed_token(header, claims, rs256(another)),
        "unknown kid": signed_token(header | {"kid": "unknown"}, claims, rs256(another)),
        "kid that is a path": signed_token(header | {"kid": "../../dev/null"}, claims, hs256(b"")),
        "its own key inside": signed_token(header | {"kid": "mine", "jwk": jwk}, claims, rs256(another)),
        "signature of other claims": ".".join(
            (*_with_claims(token, claims | {"sub": "other-user"}), token.split(".")[2])
        ),
        "expired": signed_token(header, claims | {"exp": now - 1}, honest),
        "not yet good": signed_token(header, claims | {"nbf": now + 600}, honest),
        "another issuer": signed_token(header, claims | {"iss": "https://issuer.example"}, honest),
        "another client": signed_token(header, claims | {"client_id": "another"}, honest),
        "two tokens": f"{token} {token}",
    }


def resigned(token: str, signing_key: rsa.RSAPrivateKey) -> str:
    """Return a token with the same claims and a new signature.

    It is valid, so each forgery fails because of its change alone.
    """
    return signed_token(*parts_of(token), rs256(signing_key))


def _with_claims(token: str, claims: Json) -> tuple[str, str]:
    return token.split(".", maxsplit=1)[0], _encoded(json.dumps(claims).encode())


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _number(number: int) -> str:
    return _encoded(number.to_bytes((number.bit_length() + 7) // 8, "big"))
