"""Money that its owner pays to herself, again and again: the simplest load there is."""

from __future__ import annotations

import cbor2
from ledger_world import hash256, key_address
from nacl.signing import SigningKey

from milestones.devnet.ledger.addresses import decode_address

FEE_LOVELACE = 170_000


class Purse:
    """One output of a key's: its transaction's id, its index and its lovelace."""

    def __init__(self, seed: bytes) -> None:
        self._key = SigningKey(hash256(seed))
        self.address = str(decode_address(key_address(self._key)))
        self.source, self.lovelace = (b"", 0), 0

    def take(self, transaction_id: str, index: int, lovelace: int) -> None:
        """Goes on with this output."""
        self.source, self.lovelace = (bytes.fromhex(transaction_id), index), lovelace

    def pay(self) -> tuple[str, str]:
        """The next payment: its id, and its CBOR in hexadecimal. What it pays is the purse then."""
        left = self.lovelace - FEE_LOVELACE
        assert left > 1_000_000, "the purse is empty"
        body = {0: [list(self.source)], 1: [[key_address(self._key), left]], 2: FEE_LOVELACE}
        raw = cbor2.dumps(body)
        digest = hash256(raw)
        witness = [self._key.verify_key.encode(), self._key.sign(digest).signature]
        self.source, self.lovelace = (digest, 0), left
        return digest.hex(), (b"\x84" + raw + cbor2.dumps({0: [witness]}) + b"\xf5\xf6").hex()
