"""Certificates as Plutus scripts are shown them: `DCert` of versions 1 and 2, `TxCert` of version 3.

Source: `PlutusLedgerApi.V1.DCert` and `PlutusLedgerApi.V3.Contexts`; Alonzo's `transTxCertCommon`, Conway's
`transTxCertV1V2` and `transTxCert`. Anchors are shown to none.
"""

from __future__ import annotations

from milestones.cardano.address import Credential
from milestones.cardano.certificates import (
    ABSTAIN,
    Certificate,
    Delegation,
    Deregistration,
    DRep,
    DRepDeregistration,
    DRepRegistration,
    DRepUpdate,
    PoolRegistration,
    Registration,
)
from milestones.devnet.ledger.script_data import constr, credential, optional, plain


def certificate_v1(certificate: Certificate) -> bytes | None:
    """For versions 1 and 2; None where they can't be shown it. Deposits are left out."""
    match certificate:
        case Registration(credential=who):
            return constr(0, constr(0, credential(who)))
        case Deregistration(credential=who):
            return constr(1, constr(0, credential(who)))
        case Delegation(credential=who, pool_id=bytes() as pool, drep=None, deposit_lovelace=None):
            return constr(2, constr(0, credential(who)), plain(pool))
        case PoolRegistration(pool=parameters):
            return constr(3, plain(parameters.id), plain(parameters.vrf))
    return None


def certificate_v3(certificate: Certificate, *, deposits_shown: bool) -> bytes:
    """For version 3. The deposits of plain registrations are shown from protocol 10 on."""
    match certificate:
        case Registration(credential=who, deposit_lovelace=coin):
            shown = constr(0, credential(who), _coin(coin if deposits_shown else None))
        case Deregistration(credential=who, refund_lovelace=coin):
            shown = constr(1, credential(who), _coin(coin if deposits_shown else None))
        case Delegation(credential=who, deposit_lovelace=coin):
            kind, deposit = (2, []) if coin is None else (3, [plain(coin)])
            shown = constr(kind, credential(who), _delegatee(certificate), *deposit)
        case PoolRegistration(pool=parameters):
            shown = constr(7, plain(parameters.id), plain(parameters.vrf))
        case _:
            shown = _representative(certificate)
    return shown


def _representative(certificate: Certificate) -> bytes:
    match certificate:
        case DRepRegistration(credential=who, deposit_lovelace=deposit):
            return constr(4, credential(who), plain(deposit))
        case DRepUpdate(credential=who):
            return constr(5, credential(who))
        case DRepDeregistration(credential=who, refund_lovelace=refund):
            return constr(6, credential(who), plain(refund))
    raise NotImplementedError(f"{type(certificate).__name__} is refused before scripts are run")


def _coin(coin: int | None) -> bytes:
    return optional(None if coin is None else plain(coin))


def _delegatee(certificate: Delegation) -> bytes:
    pool = [] if certificate.pool_id is None else [plain(certificate.pool_id)]
    drep = [] if certificate.drep is None else [_drep(certificate.drep)]
    kind = {(True, False): 0, (False, True): 1, (True, True): 2}[bool(pool), bool(drep)]
    return constr(kind, *pool, *drep)


def _drep(drep: DRep) -> bytes:
    if isinstance(drep, Credential):
        return constr(0, credential(drep))
    return constr(1 if drep == ABSTAIN else 2)
