"""Check that a signed tree head covers an audit entry: `python check_inclusion.py proof.json [tree-head.json]`.

Take the signed tree head from the vendor's locked bucket. Without it, the program uses the one inside the proof, which
proves nothing against the sender: it exits with 2. The program does not check the signature. `openssl dgst -sha256 -verify key.pem -signature signature.der` does,
over the canonical JSON of the tree head without its signature.
"""

import hashlib
import json
import sys
from pathlib import Path


def digest(kind: int, *parts: bytes) -> bytes:
    return hashlib.sha256(bytes([kind]) + b"".join(parts)).digest()


def canonical_json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


proof, given = json.loads(Path(sys.argv[1]).read_bytes()), json.loads(Path(sys.argv[-1]).read_bytes())
entry, position, account_id = proof["entry"], proof["position"], proof["account_id"]
tree_head = given.get("tree_head", given)
entry_digests = [digest(0, canonical_json(entry)), *map(bytes.fromhex, proof["after"])]
chain_hash = bytes.fromhex(proof["before"])
for each in entry_digests:
    chain_hash = digest(2, chain_hash, each)
last = position - 1 + len(entry_digests)
node = digest(0, canonical_json({"account_id": account_id, "chain_hash": chain_hash.hex(), "entries": last}))
for side, sibling in proof["path"]:
    node = digest(1, bytes.fromhex(sibling), node) if side == "left" else digest(1, node, bytes.fromhex(sibling))
if node.hex() != tree_head["root"]:
    sys.exit("The entry is NOT in this signed tree head.")
described = f"Entry {entry['audit_id']}, number {position} of {account_id}"
sys.stdout.write(f"{described}, is in signed tree head {tree_head['number']} of {tree_head['at']}.\n")
if tree_head is not given:
    sys.stderr.write("NOT PROVED: this signed tree head comes from the proof itself. Pass the vendor's own.\n")
    sys.exit(2)
