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


proof, given = json.loads(Path(sys.argv[1]).read_bytes()), json.loads(Path(sys.argv[-1]).read_bytes())
entry, place, account, seal = proof["entry"], proof["place"], proof["account_id"], given.get("seal", given)
digests = [hashed(0, written(entry)), *map(bytes.fromhex, proof["after"])]
chain = bytes.fromhex(proof["before"])
for digest in digests:
    chain = hashed(2, chain, digest)
head = {"account_id": account, "chain_hash": chain.hex(), "entries": place - 1 + len(digests)}
node = hashed(0, written(head))
for side, other in proof["path"]:
    node = hashed(1, bytes.fromhex(other), node) if side == "left" else hashed(1, node, bytes.fromhex(other))
if node.hex() != seal["root"]:
    sys.exit("The entry is NOT in this signed tree head.")
result = (
    f"Entry {entry['audit_id']}, number {place} of {account}, is in signed tree head {seal['number']} of {seal['at']}."
)
sys.stdout.write(f"{result}\n")
if seal is not given:
    sys.stderr.write("WARNING: this signed tree head comes from the proof itself. Compare it with the vendor's.\n")
