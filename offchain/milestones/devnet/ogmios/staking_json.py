"""Ogmios' JSON for certificates, stake pools and representatives. Source: Ogmios' `cardano.json`."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import Any

from milestones.cardano.address import Credential
from milestones.cardano.certificates import (
    ABSTAIN,
    Anchor,
    Certificate,
    CommitteeAuthorization,
    CommitteeResignation,
    Delegation,
    Deregistration,
    DRep,
    DRepDeregistration,
    DRepRegistration,
    DRepUpdate,
    PoolParameters,
    PoolRegistration,
    PoolRetirement,
    Registration,
    Relay,
)
from milestones.cardano.delegatees import pool_text


def lovelace_json(amount: int) -> dict[str, Any]:
    """`Value<AdaOnly>` and `Value<Delta>`."""
    return {"ada": {"lovelace": amount}}


def origin_json(credential: Credential) -> str:
    """`CredentialOrigin`."""
    return "verificationKey" if credential.kind == "key" else "script"


def credential_json(credential: Credential, name: str = "credential") -> dict[str, Any]:
    """A credential and its origin, as they stand beside each other."""
    return {name: credential.hash.hex(), "from": origin_json(credential)}


def drep_json(drep: DRep) -> dict[str, Any]:
    """`DelegateRepresentative`."""
    if isinstance(drep, Credential):
        return {**credential_json(drep, "id"), "type": "registered"}
    return {"type": "abstain" if drep == ABSTAIN else "noConfidence"}


def anchor_json(anchor: Anchor) -> dict[str, Any]:
    """`Anchor`."""
    return {"url": anchor.url, "hash": anchor.hash.hex()}


def pool_json(pool: PoolParameters) -> dict[str, Any]:
    """`StakePool`."""
    shown = {
        "id": pool_text(pool.id),
        "vrfVerificationKeyHash": pool.vrf.hex(),
        "owners": [owner.hex() for owner in pool.owners],
        "cost": lovelace_json(pool.cost_lovelace),
        "margin": f"{pool.margin.numerator}/{pool.margin.denominator}",
        "pledge": lovelace_json(pool.pledge_lovelace),
        "rewardAccount": str(pool.reward_account),
        "relays": [_relay_json(relay) for relay in pool.relays],
    }
    return _with_anchor(shown, pool.metadata)


def certificate_json(certificate: Certificate) -> dict[str, Any]:
    """`Certificate`. One that registers and delegates is shown as a delegation: Ogmios shows a list of both."""
    match certificate:
        case Registration(credential=who, deposit_lovelace=coin):
            return _account_json("stakeCredentialRegistration", who, coin)
        case Deregistration(credential=who, refund_lovelace=coin):
            return _account_json("stakeCredentialDeregistration", who, coin)
        case Delegation():
            return _delegation_json(certificate)
        case PoolRegistration(pool=pool):
            return {"type": "stakePoolRegistration", "stakePool": pool_json(pool)}
        case PoolRetirement(pool_id=pool_id, epoch=epoch):
            retired = {"id": pool_text(pool_id), "retirementEpoch": epoch}
            return {"type": "stakePoolRetirement", "stakePool": retired}
    return _governance_json(certificate)


def certificates_json(certificate: Certificate) -> list[dict[str, Any]]:
    """A certificate as Ogmios lists it: one that registers and delegates is two."""
    shown = [certificate_json(certificate)]
    if isinstance(certificate, Delegation) and certificate.deposit_lovelace is not None:
        registration = Registration(certificate.credential, certificate.deposit_lovelace)
        shown.insert(0, certificate_json(registration))
    return shown


def _account_json(kind: str, who: Credential, coin: int | None) -> dict[str, Any]:
    deposit = {} if coin is None else {"deposit": lovelace_json(coin)}
    return {"type": kind, **credential_json(who), **deposit}


def _delegation_json(certificate: Delegation) -> dict[str, Any]:
    shown = {"type": "stakeDelegation", **credential_json(certificate.credential)}
    if certificate.pool_id is not None:
        shown["stakePool"] = {"id": pool_text(certificate.pool_id)}
    if certificate.drep is not None:
        shown["delegateRepresentative"] = drep_json(certificate.drep)
    return shown


def _governance_json(certificate: Certificate) -> dict[str, Any]:
    match certificate:
        case DRepRegistration(credential=who, deposit_lovelace=coin, anchor=anchor):
            shown = _drep_certificate("Registration", who, {"deposit": lovelace_json(coin)})
            return _with_anchor(shown, anchor)
        case DRepDeregistration(credential=who, refund_lovelace=coin):
            return _drep_certificate("Retirement", who, {"deposit": lovelace_json(coin)})
        case DRepUpdate(credential=who, anchor=anchor):
            document = None if anchor is None else anchor_json(anchor)
            return _drep_certificate("Update", who, {"metadata": document})
        case CommitteeAuthorization(cold=cold, hot=hot):
            return {
                "type": "constitutionalCommitteeDelegation",
                "member": credential_json(cold, "id"),
                "delegate": {"status": "authorized", **credential_json(hot, "id")},
            }
        case CommitteeResignation(cold=cold, anchor=anchor):
            member = credential_json(cold, "id")
            return _with_anchor(
                {"type": "constitutionalCommitteeRetirement", "member": member}, anchor
            )
    raise NotImplementedError(type(certificate).__name__)


def _drep_certificate(what: str, who: Credential, more: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": f"delegateRepresentative{what}",
        "delegateRepresentative": drep_json(who),
        **more,
    }


def _with_anchor(shown: dict[str, Any], anchor: Anchor | None) -> dict[str, Any]:
    return shown if anchor is None else {**shown, "metadata": anchor_json(anchor)}


def _relay_json(relay: Relay) -> dict[str, Any]:
    port = {} if relay.port is None else {"port": relay.port}
    if relay.hostname is not None:
        return {"type": "hostname", "hostname": relay.hostname, **port}
    shown: dict[str, Any] = {"type": "ipAddress"}
    if relay.ipv4 is not None:
        shown["ipv4"] = str(IPv4Address(relay.ipv4))
    if relay.ipv6 is not None:
        shown["ipv6"] = str(IPv6Address(relay.ipv6))
    return {**shown, **port}
