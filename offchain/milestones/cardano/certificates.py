"""Certificates: who registers, delegates and represents; decoded, encoded, and whose consent each needs.

All legal encodings are read. Source: Conway CDDL, `certificate`, `pool_params`, `drep` and `anchor`; the
ledger's `Cardano.Ledger.Conway.TxCert`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal, TypeAlias

from milestones.cardano import cbor
from milestones.cardano.address import Credential, StakeAddress
from milestones.cardano.cbor import Item, encode_bytes
from milestones.cardano.encoding import SET_TAG, array, integer, tagged, tagged_set
from milestones.errors import InvalidEncoding

ABSTAIN: Final = "abstain"
NO_CONFIDENCE: Final = "no_confidence"

DRep: TypeAlias = Credential | Literal["abstain", "no_confidence"]
"""Who votes with a stake: a registered representative, or one of the two predefined options."""

LONGEST_TEXT: Final = 128
"""Bytes of a URL or a DNS name, in UTF-8."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where a document is, and its hash: 32 bytes, of a pool's metadata any number."""

    url: str
    hash: bytes


@dataclass(frozen=True, slots=True)
class Relay:
    """Where a pool can be reached: a name, or addresses (4 and 16 bytes); `port` None where none is said."""

    hostname: str | None = None
    port: int | None = None
    ipv4: bytes | None = None
    ipv6: bytes | None = None


@dataclass(frozen=True, slots=True)
class PoolParameters:
    """What a stake pool says of itself. `id` and `owners` are key hashes of 28 bytes, `vrf` has 32."""

    id: bytes
    vrf: bytes
    pledge_lovelace: int
    cost_lovelace: int
    margin: Fraction
    reward_account: StakeAddress
    owners: tuple[bytes, ...] = ()
    relays: tuple[Relay, ...] = ()
    metadata: Anchor | None = None


@dataclass(frozen=True, slots=True)
class Certificate:
    """Any of those below."""


@dataclass(frozen=True, slots=True)
class Registration(Certificate):
    """Opens a reward account. Without a deposit said (the form before Conway) nobody need consent."""

    credential: Credential
    deposit_lovelace: int | None = None


@dataclass(frozen=True, slots=True)
class Deregistration(Certificate):
    """Closes a reward account; the deposit returns. `refund_lovelace` is None in the form before Conway."""

    credential: Credential
    refund_lovelace: int | None = None


@dataclass(frozen=True, slots=True)
class Delegation(Certificate):
    """Delegates to a pool, a representative, or both. With a deposit, it opens the account too."""

    credential: Credential
    pool_id: bytes | None = None
    drep: DRep | None = None
    deposit_lovelace: int | None = None


@dataclass(frozen=True, slots=True)
class PoolRegistration(Certificate):
    """Registers a stake pool, or changes what is registered."""

    pool: PoolParameters


@dataclass(frozen=True, slots=True)
class PoolRetirement(Certificate):
    """Retires a stake pool at the start of an epoch."""

    pool_id: bytes
    epoch: int


@dataclass(frozen=True, slots=True)
class CommitteeAuthorization(Certificate):
    """A member of the constitutional committee names the credential that votes."""

    cold: Credential
    hot: Credential


@dataclass(frozen=True, slots=True)
class CommitteeResignation(Certificate):
    """A member leaves the constitutional committee."""

    cold: Credential
    anchor: Anchor | None = None


@dataclass(frozen=True, slots=True)
class DRepRegistration(Certificate):
    """Registers a representative."""

    credential: Credential
    deposit_lovelace: int
    anchor: Anchor | None = None


@dataclass(frozen=True, slots=True)
class DRepDeregistration(Certificate):
    """A representative leaves; the deposit returns."""

    credential: Credential
    refund_lovelace: int


@dataclass(frozen=True, slots=True)
class DRepUpdate(Certificate):
    """A representative shows that it is there, and names another document or none."""

    credential: Credential
    anchor: Anchor | None = None


def consenting(certificate: Certificate) -> Credential | None:
    """Who must consent: a key signs, a script agrees. Ledger: `getVKeyWitnessConwayTxCert` and its twin.

    A registration that says no deposit needs nobody. A pool's owners sign besides.
    """
    match certificate:
        case Registration(deposit_lovelace=None):
            return None
        case PoolRegistration(pool=pool):
            return Credential("key", pool.id)
        case PoolRetirement(pool_id=pool_id):
            return Credential("key", pool_id)
        case CommitteeAuthorization(cold=cold) | CommitteeResignation(cold=cold):
            return cold
    credential: Credential = certificate.credential  # type: ignore[attr-defined]
    return credential


def ledger_order(credential: Credential) -> tuple[bool, bytes]:
    """The key that the ledger sorts credentials by: scripts first. Withdrawals' redeemers count so."""
    return credential.kind == "key", credential.hash


def sorted_withdrawals(withdrawals: Mapping[StakeAddress, int]) -> dict[StakeAddress, int]:
    """Withdrawals in the ledger's order, by network and then by credential."""
    return dict(
        sorted(
            withdrawals.items(),
            key=lambda entry: (entry[0].network_id, *ledger_order(entry[0].credential)),
        )
    )


# -- reading


def decode_certificates(item: Item) -> tuple[Certificate, ...]:
    """The field of a body: some certificates, none twice, in their own order. Raises `InvalidEncoding`."""
    found = [decode_certificate(each) for each in item.untagged(SET_TAG).array()]
    if not found:
        raise InvalidEncoding(f"an empty set of certificates at byte {item.start}")
    if len(set(found)) != len(found):
        raise InvalidEncoding(f"a certificate stands twice in the set at byte {item.start}")
    return tuple(found)


def decode_withdrawals(item: Item) -> dict[StakeAddress, int]:
    """The field of a body: some withdrawals, in the ledger's order. Raises `InvalidEncoding`."""
    found = {_reward_account(account): coin.unsigned() for account, coin in item.entries()}
    if not found:
        raise InvalidEncoding(f"empty withdrawals at byte {item.start}")
    return sorted_withdrawals(found)


def decode_certificate(item: Item) -> Certificate:
    """One certificate. Raises `InvalidEncoding` for every other shape, and for those of earlier eras."""
    parts = item.array()
    kind = parts[0].unsigned() if parts else -1
    if kind not in _READERS:
        raise InvalidEncoding(f"no certificate that Conway knows at byte {item.start}")
    length, read = _READERS[kind]
    if len(parts) != length:
        raise InvalidEncoding(f"a certificate of {len(parts)} parts at byte {item.start}")
    return read(parts[1:])


def credential_of(item: Item) -> Credential:
    """A credential: 0 and a key's hash, or 1 and a script's. Raises `InvalidEncoding`."""
    parts = item.array()
    if len(parts) != 2 or parts[0].unsigned() > 1:
        raise InvalidEncoding(f"not a credential at byte {item.start}")
    return Credential("script" if parts[0].unsigned() else "key", parts[1].definite_bytes(28))


def _hash(item: Item) -> bytes:
    return item.definite_bytes(28)


def _drep(item: Item) -> DRep:
    parts = item.array()
    if len(parts) == 2:
        return credential_of(item)
    if len(parts) == 1 and parts[0].unsigned() in (2, 3):
        return ABSTAIN if parts[0].unsigned() == 2 else NO_CONFIDENCE
    raise InvalidEncoding(f"not a representative at byte {item.start}")


def _text(item: Item) -> str:
    text = item.text()
    if len(text.encode()) > LONGEST_TEXT:
        raise InvalidEncoding(f"a text over {LONGEST_TEXT} bytes at byte {item.start}")
    return text


def _anchor(item: Item, length: int | None = 32) -> Anchor | None:
    if item.is_null():
        return None
    parts = item.array()
    if len(parts) != 2:
        raise InvalidEncoding(f"not an anchor at byte {item.start}")
    return Anchor(_text(parts[0]), parts[1].definite_bytes(length))


def _reward_account(item: Item) -> StakeAddress:
    raw = item.definite_bytes(29)
    if raw[0] & 0xEE != 0xE0:
        raise InvalidEncoding(f"not a reward account at byte {item.start}")
    return StakeAddress(raw[0] & 1, Credential("script" if raw[0] & 0x10 else "key", raw[1:]))


def _margin(item: Item) -> Fraction:
    parts = item.value.array() if item.kind == cbor.TAG and item.tag == 30 else ()
    if len(parts) != 2:
        raise InvalidEncoding(f"not a ratio at byte {item.start}")
    numerator, denominator = (part.unsigned() for part in parts)
    if not 0 < denominator >= numerator:
        raise InvalidEncoding(f"a margin that is no part of one at byte {item.start}")
    return Fraction(numerator, denominator)


def _relay(item: Item) -> Relay:
    parts = item.array()
    kind = parts[0].unsigned() if parts else -1
    if kind == 0 and len(parts) == 4:
        addresses = (
            None if part.is_null() else part.definite_bytes(length)
            for part, length in zip(parts[2:], (4, 16), strict=True)
        )
        return Relay(None, _port(parts[1]), *addresses)
    if kind == 1 and len(parts) == 3:
        return Relay(_text(parts[2]), _port(parts[1]))
    if kind == 2 and len(parts) == 2:
        return Relay(_text(parts[1]))
    raise InvalidEncoding(f"not a relay at byte {item.start}")


def _port(item: Item) -> int | None:
    if item.is_null():
        return None
    if item.unsigned() > 65535:
        raise InvalidEncoding(f"not a port at byte {item.start}")
    return item.unsigned()


def _owners(item: Item) -> tuple[bytes, ...]:
    owners = [_hash(each) for each in item.untagged(SET_TAG).array()]
    if len(set(owners)) != len(owners):
        raise InvalidEncoding(f"an owner stands twice in the set at byte {item.start}")
    return tuple(sorted(owners))


def _pool(parts: tuple[Item, ...]) -> PoolRegistration:
    operator, vrf, pledge, cost, margin, account, owners, relays, metadata = parts
    return PoolRegistration(
        PoolParameters(
            id=_hash(operator),
            vrf=vrf.definite_bytes(32),
            pledge_lovelace=pledge.unsigned(),
            cost_lovelace=cost.unsigned(),
            margin=_margin(margin),
            reward_account=_reward_account(account),
            owners=_owners(owners),
            relays=tuple(_relay(each) for each in relays.array()),
            metadata=_anchor(metadata, None),
        )
    )


_READERS: Final[Mapping[int, tuple[int, Callable[[tuple[Item, ...]], Certificate]]]] = {
    0: (2, lambda p: Registration(credential_of(p[0]))),
    1: (2, lambda p: Deregistration(credential_of(p[0]))),
    2: (3, lambda p: Delegation(credential_of(p[0]), _hash(p[1]))),
    3: (10, _pool),
    4: (3, lambda p: PoolRetirement(_hash(p[0]), p[1].unsigned())),
    7: (3, lambda p: Registration(credential_of(p[0]), p[1].unsigned())),
    8: (3, lambda p: Deregistration(credential_of(p[0]), p[1].unsigned())),
    9: (3, lambda p: Delegation(credential_of(p[0]), None, _drep(p[1]))),
    10: (4, lambda p: Delegation(credential_of(p[0]), _hash(p[1]), _drep(p[2]))),
    11: (4, lambda p: Delegation(credential_of(p[0]), _hash(p[1]), None, p[2].unsigned())),
    12: (4, lambda p: Delegation(credential_of(p[0]), None, _drep(p[1]), p[2].unsigned())),
    13: (5, lambda p: Delegation(credential_of(p[0]), _hash(p[1]), _drep(p[2]), p[3].unsigned())),
    14: (3, lambda p: CommitteeAuthorization(credential_of(p[0]), credential_of(p[1]))),
    15: (3, lambda p: CommitteeResignation(credential_of(p[0]), _anchor(p[1]))),
    16: (4, lambda p: DRepRegistration(credential_of(p[0]), p[1].unsigned(), _anchor(p[2]))),
    17: (3, lambda p: DRepDeregistration(credential_of(p[0]), p[1].unsigned())),
    18: (3, lambda p: DRepUpdate(credential_of(p[0]), _anchor(p[1]))),
}
"""By the number on the wire: how many parts, and how they are read."""


# -- writing: what this program makes


Writable: TypeAlias = Registration | Deregistration | Delegation | PoolRegistration
"""What this program makes."""


def encode_certificate(certificate: Writable) -> bytes:
    """A certificate, in the form that says its deposit where it has one."""
    if isinstance(certificate, PoolRegistration):
        return _encode_pool(certificate.pool)
    who = encode_credential(certificate.credential)
    if isinstance(certificate, Delegation):
        return _encode_delegation(certificate, who)
    registers = isinstance(certificate, Registration)
    amount = (
        certificate.deposit_lovelace
        if isinstance(certificate, Registration)
        else certificate.refund_lovelace
    )
    if amount is None:
        return array((integer(0 if registers else 1), who))
    return array((integer(7 if registers else 8), who, integer(amount)))


def _encode_delegation(certificate: Delegation, who: bytes) -> bytes:
    pool_id, drep, deposit = certificate.pool_id, certificate.drep, certificate.deposit_lovelace
    to = [] if pool_id is None else [encode_bytes(pool_id)]
    to += [] if drep is None else [_encode_drep(drep)]
    kinds = {(True, False): (2, 11), (False, True): (9, 12), (True, True): (10, 13)}
    plain, registering = kinds[pool_id is not None, drep is not None]
    if deposit is None:
        return array((integer(plain), who, *to))
    return array((integer(registering), who, *to, integer(deposit)))


def _encode_pool(pool: PoolParameters) -> bytes:
    """A pool without relays and metadata: those of the embedded chain."""
    margin = (integer(pool.margin.numerator), integer(pool.margin.denominator))
    return array(
        (
            integer(3),
            encode_bytes(pool.id),
            encode_bytes(pool.vrf),
            integer(pool.pledge_lovelace),
            integer(pool.cost_lovelace),
            tagged(30, array(margin)),
            encode_bytes(pool.reward_account.to_bytes()),
            tagged_set([encode_bytes(owner) for owner in pool.owners]),
            array(()),
            b"\xf6",
        )
    )


def encode_certificates(certificates: tuple[Writable, ...]) -> bytes:
    """The field of a body."""
    return tagged_set([encode_certificate(each) for each in certificates])


def encode_credential(credential: Credential) -> bytes:
    """0 and a key's hash, or 1 and a script's."""
    return array((integer(int(credential.kind == "script")), encode_bytes(credential.hash)))


def _encode_drep(drep: DRep) -> bytes:
    if isinstance(drep, Credential):
        return encode_credential(drep)
    return array((integer(2 if drep == ABSTAIN else 3),))
