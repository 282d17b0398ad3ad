"""Kupo's patterns: which outputs an index holds, and which a query asks for.

`*`, an address, `CREDENTIAL/CREDENTIAL` with `*` for either, a stake address, `POLICY.NAME` or
`POLICY.*`, `INDEX@TRANSACTION` or `*@TRANSACTION`, and `{LABEL}` for outputs of transactions that carry
metadata under a label. Source: Kupo's manual, "Patterns".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from milestones.cardano import base58, bech32
from milestones.cardano.address import Credential
from milestones.cardano.hashes import blake2b_224
from milestones.cardano.outputs import OutputReference
from milestones.devnet.ledger.addresses import LedgerAddress, decode_address
from milestones.devnet.ledger.outputs import Output
from milestones.errors import InvalidEncoding, InvalidInput

_KEY_PREFIXES: Final = frozenset({"vk", "addr_vk", "stake_vk"})
_HASH_PREFIXES: Final = frozenset({"vkh", "addr_vkh", "stake_vkh", "script"})


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern in its normal form: every part that is set must agree.

    `shelley_only` leaves out addresses of the Byron era. `address` is an address' bytes, `payment` and
    `staking` are hashes of 28 bytes.
    """

    text: str
    shelley_only: bool = False
    address: bytes | None = None
    payment: bytes | None = None
    staking: bytes | None = None
    policy_id: bytes | None = None
    asset_name: bytes | None = None
    transaction_id: bytes | None = None
    output_index: int | None = None
    label: int | None = None

    def matches(self, reference: OutputReference, output: Output, labels: frozenset[int]) -> bool:
        """Whether an output of a transaction with these metadata labels is asked for."""
        return (
            self.covers_address(output.address)
            and (self.transaction_id is None or self.transaction_id == reference.transaction_id)
            and (self.output_index is None or self.output_index == reference.index)
            and (self.label is None or self.label in labels)
            and (self.policy_id is None or self._holds_token(output))
        )

    def covers_address(self, address: LedgerAddress) -> bool:
        """Whether the parts that are about addresses agree with this one."""
        if self.address is not None and self.address != address.raw:
            return False
        if self.payment is not None and self.payment != _hash(address.payment):
            return False
        if self.staking is not None and self.staking != _hash(address.staking):
            return False
        return not (self.shelley_only and address.is_bootstrap)

    def _holds_token(self, output: Output) -> bool:
        return any(
            asset.policy_id == self.policy_id and self.asset_name in (None, asset.asset_name)
            for asset in output.value.assets
        )

    def includes(self, other: Pattern) -> bool:
        """Whether Kupo lists this one among those that include `other`.

        Every output that `other` matches is then matched by this one too, but for one slip of Kupo's: an
        output's reference counts as including its whole transaction, and not the other way round.
        """
        if other.address is not None:
            covers = self._is_about_addresses()
            return covers and self.covers_address(decode_address(other.address))
        if self.is_any:
            return not self.shelley_only or other.text != "*"
        if self.transaction_id is not None:
            same = self.transaction_id == other.transaction_id
            return same and other.output_index in (None, self.output_index)
        return all(
            getattr(self, part) is None or getattr(self, part) == getattr(other, part)
            for part in _PARTS
        )

    def overlaps(self, other: Pattern) -> bool:
        """Whether one of the two includes the other or asks for anything, or a credential is shared."""
        if self.is_any or other.is_any or self.includes(other) or other.includes(self):
            return True
        both = self.payment and self.staking and other.payment and other.staking
        return bool(both) and (self.payment == other.payment or self.staking == other.staking)

    @property
    def is_any(self) -> bool:
        """Whether this is a wildcard alone, with or without Byron's addresses."""
        return self.text in ("*", "*/*")

    def _is_about_addresses(self) -> bool:
        others = ("policy_id", "transaction_id", "label")
        return all(getattr(self, part) is None for part in others)


_PARTS: Final = ("address", "payment", "staking", "policy_id", "asset_name", "label")


def parse_pattern(text: str) -> Pattern:
    """Reads a pattern. Raises `InvalidInput` for what isn't one."""
    if text == "*":
        return Pattern("*")
    for read in (_metadata_label, _credentials, _output_reference, _asset, _address):
        try:
            pattern = read(text)
        except InvalidInput:
            continue
        if pattern is not None:
            return pattern
    raise InvalidInput(f"{text[:80]!r} is not a pattern", path="pattern")


def machine_word(digits: str, bits: int) -> int:
    """Decimal digits as Kupo reads them, into an unsigned number of so many bits that wraps around."""
    number = 0
    for start in range(0, len(digits), 1000):  # Python refuses to read longer ones at once
        chunk = digits[start : start + 1000]
        number = (number * pow(10, len(chunk), 1 << bits) + int(chunk)) % (1 << bits)
    return number


def _hash(credential: Credential | tuple[int, int, int] | None) -> bytes | None:
    return credential.hash if isinstance(credential, Credential) else None


def _metadata_label(text: str) -> Pattern | None:
    match = re.fullmatch(r"[{}]([0-9]+)[{}]", text)
    if match is None:
        return None
    label = machine_word(match[1], 64)
    return Pattern(f"{{{label}}}", label=label)


def _credentials(text: str) -> Pattern | None:
    parts = text.split("/")
    if len(parts) != 2:
        return None
    if parts == ["*", "*"]:
        return Pattern("*/*", shelley_only=True)
    payment, staking = (None if part == "*" else _credential(part) for part in parts)
    shown = "/".join("*" if each is None else each.hex() for each in (payment, staking))
    return Pattern(shown, payment=payment, staking=staking)


def _credential(text: str) -> bytes:
    """A key (32 bytes, then hashed) or a hash (28 bytes), in base16 or Bech32."""
    if re.fullmatch("[0-9a-fA-F]{56}|[0-9a-fA-F]{64}", text):
        raw = bytes.fromhex(text)
        return blake2b_224(raw) if len(raw) == 32 else raw
    prefix, raw = bech32.decode(text)
    if prefix in _KEY_PREFIXES and len(raw) == 32:
        return blake2b_224(raw)
    if prefix in _HASH_PREFIXES and len(raw) == 28:
        return raw
    raise InvalidEncoding("not a credential")


def _output_reference(text: str) -> Pattern | None:
    match = re.fullmatch(r"(\*|[0-9]+)@([0-9a-fA-F]{64})", text)
    if match is None:
        return None
    index = None if match[1] == "*" else machine_word(match[1], 16)
    shown = f"{'*' if index is None else index}@{match[2].lower()}"
    return Pattern(shown, transaction_id=bytes.fromhex(match[2]), output_index=index)


def _asset(text: str) -> Pattern | None:
    match = re.fullmatch(r"([0-9a-fA-F]{56})\.(\*|(?:[0-9a-fA-F]{2}){0,32})", text)
    if match is None:
        return None
    name = None if match[2] == "*" else bytes.fromhex(match[2])
    return Pattern(text.lower(), policy_id=bytes.fromhex(match[1]), asset_name=name)


def _address(text: str) -> Pattern | None:
    if re.fullmatch("([0-9a-fA-F]{2})+", text):
        return _exact(bytes.fromhex(text))
    prefix = text.partition("1")[0].lower()
    if prefix in ("stake", "stake_test"):
        _, raw = bech32.decode(text)
        return Pattern(f"*/{raw[1:].hex()}", staking=raw[1:])
    return _exact(
        bech32.decode(text)[1] if prefix in ("addr", "addr_test") else base58.decode(text)
    )


def _exact(raw: bytes) -> Pattern:
    decode_address(raw)
    return Pattern(raw.hex(), address=raw)
