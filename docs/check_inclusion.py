"""Is an entry in a sealed trail? `python check_inclusion.py proof.json [seal.json]`, with the standard library alone.

The seal should come from the vendor's locked storage; without one, the proof's own is taken. That it is signed says
`openssl dgst -sha256 -verify key.pem -signature signature.der`, over the seal as JSON like below without its signature.
"""

import hashlib
import json
import sys
from pathlib import Path


def hashed(kind: int, *parts: bytes) -> bytes:
    return hashlib.sha256(bytes([kind]) + b"".join(parts)).digest()


def written(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


proof, seal = json.loads(Path(sys.argv[1]).read_bytes()), json.loads(Path(sys.argv[-1]).read_bytes())
digests = [hashed(0, written(proof["entry"])), *map(bytes.fromhex, proof["after"])]
chain = bytes.fromhex(proof["before"])
for digest in digests:
    chain = hashed(2, chain, digest)
entries = proof["place"] - 1 + len(digests)
node = hashed(0, written({"account_id": proof["account_id"], "chain_hash": chain.hex(), "entries": entries}))
for side, other in proof["path"]:
    node = hashed(1, bytes.fromhex(other), node) if side == "left" else hashed(1, node, bytes.fromhex(other))
sys.exit(0 if node.hex() == seal.get("seal", seal)["root"] else "The entry is NOT under this seal.")
