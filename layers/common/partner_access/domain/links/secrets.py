"""The secrets that open access links. Each has 256 random bits, and only its digest is stored."""

import binascii
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from partner_access.domain.errors import LinkNotFound

SECRET_PATTERN: Final = re.compile(r"pal_(?P<partner>[\w-]{1,172})\.(?P<link>[0-9a-f]{32})\.[\w-]{43}", re.ASCII)
TEXT_PATTERN: Final = r"pal_[\w-]{1,172}\.[0-9a-f]{32}\.[\w-]{43}_[0-9a-f]{8}"
"""Pattern of a secret with its checksum, to find one in a longer text."""


@dataclass(frozen=True, slots=True)
class LinkSecret:
    """A link's secret, `pal_<partner>.<link>.<secret>_<checksum>`.

    It contains the key of the link. It opens the link if the link stores its digest.
    """

    partner_id: str
    link_id: str
    fingerprint: str

    @classmethod
    def read(cls, text: str) -> "LinkSecret":
        """Parse a secret. Raise `LinkNotFound` for a malformed one without a database read (threat-model.md §1.1)."""
        body, _, checksum = text.rpartition("_")
        parts = SECRET_PATTERN.fullmatch(body)
        if not parts or checksum != _checksum(body):
            raise LinkNotFound
        padded = parts["partner"] + "=" * (-len(parts["partner"]) % 4)
        try:
            partner_id = urlsafe_b64decode(padded).decode("ascii")
        except (ValueError, UnicodeDecodeError) as unreadable:
            raise LinkNotFound from unreadable
        return cls(partner_id, f"lnk_{parts['link']}", _fingerprint(text))

    @staticmethod
    def write(partner_id: str, link_id: str, random: str) -> str:
        """Return the text of a new secret. `random` is 43 characters of 256 random bits."""
        partner = urlsafe_b64encode(partner_id.encode()).decode().rstrip("=")
        body = f"pal_{partner}.{link_id.removeprefix('lnk_')}.{random}"
        return f"{body}_{_checksum(body)}"


def _checksum(body: str) -> str:
    return f"{binascii.crc32(body.encode()):08x}"


def _fingerprint(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
