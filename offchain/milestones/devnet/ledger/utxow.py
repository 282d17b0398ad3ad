"""Ledger rule `UTXOW`: signatures, scripts, datums, redeemers and metadata, all that are needed and no more.

Source: Shelley's `validateVerifiedWits` and `validateNeededWitnesses`, Conway's
`getConwayWitsVKeyNeeded`, Alonzo's and Babbage's `UTXOW`, Alonzo's `hashScriptIntegrity`,
`getLanguageView` and `encodeLangViews`; Conway CDDL, `script_data_hash`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from nacl.bindings import crypto_sign_open
from nacl.exceptions import BadSignatureError

from milestones.cardano import cbor, encoding
from milestones.cardano.certificates import PoolRegistration, consenting
from milestones.cardano.hashes import blake2b_224, blake2b_256
from milestones.cardano.outputs import OutputReference
from milestones.devnet.ledger import failures
from milestones.devnet.ledger.auxiliary_data import decode_plutus_scripts
from milestones.devnet.ledger.failures import LedgerFailure
from milestones.devnet.ledger.plutus import is_well_formed
from milestones.devnet.ledger.resolved_transaction import ResolvedTransaction
from milestones.devnet.ledger.scripts import EVERYBODY, LANGUAGE_NUMBERS, native_script_holds
from milestones.devnet.ledger.transaction import Transaction


def signers(transaction: Transaction) -> frozenset[bytes]:
    """The hashes of the keys that come with a signature. Ledger: `keyHashWitnessesTxWits`."""
    return frozenset(blake2b_224(witness.key) for witness in transaction.witnesses.keys)


def check_signatures(resolved: ResolvedTransaction) -> Iterator[LedgerFailure]:
    """Every signature is valid for the transaction's id. Ledger rule: `validateVerifiedWits`."""
    transaction = resolved.transaction
    invalid = [
        witness.key
        for witness in transaction.witnesses.keys
        if not verify_signature(witness.key, witness.signature, transaction.id)
    ]
    if invalid:
        yield failures.InvalidWitnessesUTXOW(tuple(invalid))


def check_needed_signatures(resolved: ResolvedTransaction) -> Iterator[LedgerFailure]:
    """Ledger rule: `validateNeededWitnesses`."""
    missing = needed_signers(resolved) - signers(resolved.transaction)
    missing -= resolved.environment.impersonated
    if missing:
        yield failures.MissingVKeyWitnessesUTXOW(missing)


def needed_signers(resolved: ResolvedTransaction) -> frozenset[bytes]:
    """Keys that lock inputs or collateral, that certificates and withdrawals need, and the required signers.

    Ledger: `witsVKeyNeeded`.
    """
    locked = (*resolved.inputs.values(), *resolved.collateral.values())
    payments = (output.address.payment for output in locked)
    owners = (payment.hash for payment in payments if payment and payment.kind == "key")
    staking = (*_certifying_keys(resolved), *_withdrawing_keys(resolved))
    return frozenset((*owners, *staking, *resolved.body.required_signers))


def _certifying_keys(resolved: ResolvedTransaction) -> Iterator[bytes]:
    """The keys that consent to certificates, pools' owners among them."""
    for certificate in resolved.body.certificates:
        who = consenting(certificate)
        if who is not None and who.kind == "key":
            yield who.hash
        if isinstance(certificate, PoolRegistration):
            yield from certificate.pool.owners


def _withdrawing_keys(resolved: ResolvedTransaction) -> Iterator[bytes]:
    accounts = (address.credential for address in resolved.body.withdrawals)
    return (each.hash for each in accounts if each.kind == "key")


def verify_signature(key: bytes, signature: bytes, message: bytes) -> bool:
    """Ed25519 by libsodium's rules, as in the node."""
    try:
        crypto_sign_open(signature + message, key)
    except BadSignatureError:
        return False
    return True


def check_native_scripts(resolved: ResolvedTransaction) -> Iterator[LedgerFailure]:
    """Ledger rule: `validateFailedBabbageScripts`, of needed scripts only."""
    body, keys = resolved.body, signers(resolved.transaction)
    impersonated = resolved.environment.impersonated
    needed = {each.script_hash for each in resolved.scripts_needed}
    failing = [
        digest
        for digest, script in resolved.scripts.items()
        if digest in needed
        and script.language == "native"
        and not native_script_holds(
            script.code,
            EVERYBODY if digest in impersonated else keys,
            body.invalid_before,
            body.invalid_after,
        )
    ]
    if failing:
        yield failures.ScriptWitnessNotValidatingUTXOW(tuple(failing))


def check_needed_scripts(resolved: ResolvedTransaction) -> Iterator[LedgerFailure]:
    """Witnesses bring exactly what is needed and no reference brings. `babbageMissingScripts`."""
    needed = {
        each.script_hash for each in resolved.scripts_needed
    } - resolved.reference_scripts.keys()
    received = resolved.transaction.witnesses.scripts.keys()
    if missing := needed - received:
        yield failures.MissingScriptWitnessesUTXOW(frozenset(missing))
    if extraneous := received - needed:
        yield failures.ExtraneousScriptWitnessesUTXOW(frozenset(extraneous))


def check_datums(resolved: ResolvedTransaction) -> Iterator[LedgerFailure]:
    """Ledger rule: `missingRequiredDatums`.

    A Plutus script's output needs its datum: inline, or among the witnesses. Plutus V3 can do without.
    Beyond those, witnesses may bring datums of outputs and of referenced outputs only.
    """
    orphans, required = _input_datums(resolved)
    if orphans:
        yield failures.UnspendableUTxONoDatumHash(tuple(orphans))
    brought = resolved.transaction.witnesses.datums.keys()
    if missing := required - brought:
        yield failures.MissingRequiredDatums(frozenset(missing))
    shown = (*resolved.outputs, *resolved.reference_inputs.values())
    allowed = {output.datum_hash for output in shown}
    if extraneous := brought - required - allowed:
        yield failures.NotAllowedSupplementalDatums(frozenset(extraneous))


def _input_datums(resolved: ResolvedTransaction) -> tuple[list[OutputReference], set[bytes]]:
    """(inputs without a datum, hashes of the datums needed). Ledger: `getInputDataHashesTxBody`."""
    orphans, required = [], set()
    for each, script in resolved.plutus_scripts_needed:
        if not isinstance(each.subject, OutputReference):
            continue
        output = resolved.inputs[each.subject]
        if output.datum_hash is not None:
            required.add(output.datum_hash)
        elif output.datum is None and script.language != "plutus:v3":
            orphans.append(each.subject)
    return orphans, required


def check_redeemers(resolved: ResolvedTransaction) -> Iterator[LedgerFailure]:
    """One redeemer a Plutus script that runs. Ledger rule: `hasExactSetOfRedeemers`."""
    needed = {each.pointer: each for each, _ in resolved.plutus_scripts_needed}
    pointers = [redeemer.pointer for redeemer in resolved.transaction.witnesses.redeemers]
    if extraneous := [pointer for pointer in pointers if pointer not in needed]:
        yield failures.ExtraRedeemers(tuple(extraneous))
    if missing := [each.subject for pointer, each in needed.items() if pointer not in pointers]:
        yield failures.MissingRedeemers(tuple(missing))


def check_scripts_well_formed(resolved: ResolvedTransaction) -> Iterator[LedgerFailure]:
    """Ledger rule: `validateScriptsWellFormed`, of witnesses and of new outputs' reference scripts."""
    created = [output.script for output in resolved.outputs if output.script is not None]
    version = resolved.parameters.protocol_version[0]
    malformed = set()
    for script in (*resolved.transaction.witnesses.scripts.values(), *created):
        if not is_well_formed(script, version):
            malformed.add(script.hash())
    if malformed:
        yield failures.MalformedScripts(frozenset(malformed))


def check_auxiliary_data(resolved: ResolvedTransaction) -> Iterator[LedgerFailure]:
    """Ledger rule: `validateMetadata`."""
    provided, raw = resolved.body.auxiliary_data_hash, resolved.transaction.auxiliary_data
    if raw is None:
        if provided is not None:
            yield failures.MissingTxMetadata(provided)
        return
    computed = blake2b_256(raw)
    if provided is None:
        yield failures.MissingTxBodyMetadataHash(computed)
    elif provided != computed:
        yield failures.ConflictingMetadataHash(provided, computed)
    if _has_malformed_script(resolved, raw):
        yield failures.InvalidMetadata()


def _has_malformed_script(resolved: ResolvedTransaction, raw: bytes) -> bool:
    """Ledger: not `validateAlonzoTxAuxData`."""
    version = resolved.parameters.protocol_version[0]
    return not all(is_well_formed(script, version) for script in decode_plutus_scripts(raw))


EMPTY_REDEEMERS = b"\xa0"
"""What is hashed in place of redeemers where there are only datums: an empty map."""


def check_script_integrity(resolved: ResolvedTransaction) -> Iterator[LedgerFailure]:
    """Ledger rule: `checkScriptIntegrityHash`."""
    provided, computed = resolved.body.script_integrity_hash, script_integrity_hash(resolved)
    if provided != computed:
        yield failures.PPViewHashesDontMatch(provided, computed)


def script_integrity_hash(resolved: ResolvedTransaction) -> bytes | None:
    """The hash that the body must hold; None without scripts, redeemers and datums."""
    witnesses = resolved.transaction.witnesses
    languages = {script.language for _, script in resolved.plutus_scripts_needed}
    redeemers, datums = witnesses.redeemers_raw, witnesses.datums_raw
    if not languages and redeemers is None and datums is None:
        return None
    views = language_views(languages, resolved.parameters.cost_models)
    return blake2b_256((redeemers or EMPTY_REDEEMERS) + (datums or b"") + views)


def language_views(languages: Iterable[str], models: Mapping[str, Sequence[int]]) -> bytes:
    """The cost models of the languages used, encoded; languages without a model are left out.

    Keys are sorted by length, then by bytes, so version 1, whose key is longer, comes last.
    """
    views = dict(_language_view(name, tuple(models[name])) for name in languages if name in models)
    ordered = sorted(views, key=lambda key: (len(key), key))
    return cbor.head(cbor.MAP, len(views)) + b"".join(key + views[key] for key in ordered)


@lru_cache(maxsize=64)
def _language_view(language: str, model: tuple[int, ...]) -> tuple[bytes, bytes]:
    """(key, value). Version 1's are both wrapped in byte strings, its list of indefinite length:

    an oversight of the Alonzo era that became the rule.
    """
    number = cbor.head(cbor.UINT, LANGUAGE_NUMBERS[language])
    entries = b"".join(encoding.integer(entry) for entry in model)
    if language == "plutus:v1":
        return cbor.encode_bytes(number), cbor.encode_bytes(b"\x9f" + entries + b"\xff")
    return number, cbor.head(cbor.ARRAY, len(model)) + entries
