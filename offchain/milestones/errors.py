"""Every error this package raises on purpose.

MilestonesError                      exit code
├── OutputLost                       1   standard output took no result; 141 where its reader has gone
├── Interrupted                      130 from the keyboard; 143 by SIGTERM, 129 by SIGHUP
├── InvalidInput                     2   an argument, a file or a field is wrong
│   ├── InvalidUsage                     the command line as a whole
│   ├── InvalidAddress
│   ├── InvalidEncoding                  CBOR, Plutus Data, hex or Bech32
│   ├── InvalidSchedule
│   ├── InvalidSignature                 the format of an oracle's entry, never the cryptography
│   ├── InvalidKeyFile
│   ├── InvalidWitness                   a signature that is not one of this transaction
│   ├── TransactionMismatch              a transaction that does something else than was asked for
│   ├── LimitsExceeded                   a transaction over the ledger's limits, seen before signing
│   ├── InvalidConfiguration
│   └── InvalidBlueprint
├── ServiceUnavailable               3   Ogmios, Kupo or the node
│   ├── ServiceOutOfSync
│   └── NetworkMismatch
├── NotFound                         4
├── NotAllowedYet                    5   quorum, vesting, already claimed, already open
│   ├── SignaturesMissing                not everybody has signed whose signature is needed
│   └── SigningRefused                   whoever was asked to sign said no
├── InsufficientFunds                6
│   ├── InsufficientCollateral
│   └── InsufficientTokens
├── ChainRejected                    7   the ledger or the contract said no
└── OutcomeUnknown                   8   submitted, and the command was cut short

Classes carry typed attributes and build their message from them. They are caught at the edges only:
the command line turns them into an exit code and, in JSON, `{"error": {...}}`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any, ClassVar


class MilestonesError(Exception):
    """Base of every deliberate error.

    Attributes: `message` (what is wrong and where), `hint` (what to do next, may be empty), `details`
    (JSON-serialisable facts, for programs), `code` (a stable name), `exit_code` (0 to 8, and by a shell's
    custom 128 and the signal's number).
    """

    code: ClassVar[str] = "unexpected"
    exit_code: int = 1

    def __init__(
        self, message: str, *, hint: str = "", details: dict[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = details or {}

    def to_json(self) -> dict[str, Any]:
        """The object that JSON mode prints under `error`."""
        return {
            "code": self.code,
            "message": self.message,
            "details": self.details,
            "hint": self.hint,
        }


def exit_code_of(code: str) -> int:
    """The exit code of the errors with this `code`; 1 for one that there is not."""
    waiting: list[type[MilestonesError]] = [MilestonesError]
    while waiting:
        error = waiting.pop()
        if error.code == code:
            return error.exit_code
        waiting += error.__subclasses__()
    return MilestonesError.exit_code


class InvalidInput(MilestonesError):
    """A value that can't be used; `path` names the field, such as `allocations[3].token_amount`."""

    code = "invalid_input"
    exit_code = 2

    def __init__(
        self, message: str, *, path: str = "", hint: str = "", details: dict[str, Any] | None = None
    ) -> None:
        self.path = path
        text = f"{path}: {message}" if path else message
        super().__init__(
            text, hint=hint, details={**({"path": path} if path else {}), **(details or {})}
        )
        self.reason = message

    def inside(self, prefix: str) -> InvalidInput:
        """The same error seen from the outside: `prefix` is put before its path."""
        joined = (
            f"{prefix}.{self.path}"
            if self.path and not self.path.startswith("[")
            else prefix + self.path
        )
        details = {k: v for k, v in self.details.items() if k != "path"}
        return type(self)(self.reason, path=joined, hint=self.hint, details=details)


class InvalidUsage(InvalidInput):
    """A command line that can't be read: an unknown command or option, or one that is missing."""

    code = "usage"


class InvalidAddress(InvalidInput):
    """Not an address that this program can pay to or read."""

    code = "invalid_address"


class InvalidEncoding(InvalidInput):
    """Bytes or text that aren't well-formed CBOR, Plutus Data, hexadecimal or Bech32."""

    code = "invalid_encoding"


class InvalidSchedule(InvalidInput):
    """A schedule that breaks a rule of the distribution."""

    code = "invalid_schedule"


class InvalidSignature(InvalidInput):
    """An oracle's entry whose form is wrong. The signature itself is verified by the chain alone."""

    code = "invalid_signature"


class InvalidKeyFile(InvalidInput):
    """A key file that is missing, unreadable or of the wrong kind."""

    code = "invalid_key_file"


class InvalidWitness(InvalidInput):
    """A signature that isn't one of this transaction. Hashes: the key's 28 bytes, the id's 32."""

    code = "invalid_witness"

    def __init__(self, key_hash: bytes, transaction_id: bytes) -> None:
        self.key_hash, self.transaction_id = key_hash, transaction_id
        super().__init__(
            f"the signature of key {key_hash.hex()} is not one of transaction {transaction_id.hex()}",
            hint="sign the transaction's bytes as they were handed out: in another encoding it has"
            " another id",
            details={"key_hash": key_hash.hex(), "transaction_id": transaction_id.hex()},
        )


@dataclass(frozen=True, slots=True)
class Difference:
    """A part of a transaction, by its path: what was asked for, and what it is."""

    path: str
    wanted: str
    found: str

    def __str__(self) -> str:
        return f"{self.path} is {self.found}, where {self.wanted} was asked for"


class TransactionMismatch(InvalidInput):
    """A transaction that does something else than was asked for. Nothing of it is signed or sent."""

    code = "transaction_mismatch"

    def __init__(
        self,
        transaction_id: str,
        differences: tuple[Difference, ...],
        *,
        hint: str = "don't sign it: find out who has changed it, and let it be built anew",
    ) -> None:
        self.transaction_id, self.differences = transaction_id, differences
        super().__init__(
            f"transaction {transaction_id} is not what was asked for: "
            + "; ".join(map(str, differences)),
            hint=hint,
            details={
                "transaction_id": transaction_id,
                "differences": [asdict(each) for each in differences],
            },
        )


class InvalidConfiguration(InvalidInput):
    """A configuration file, variable or flag that can't be used."""

    code = "invalid_configuration"


class InvalidBlueprint(InvalidInput):
    """A compiled contract (`plutus.json`) that can't be used."""

    code = "invalid_blueprint"


@dataclass(frozen=True, slots=True)
class ExceededLimit:
    """One limit of the ledger and what the transaction would take; `unit` says of what.

    `actual` is None where a script was stopped when it reached the limit: nobody knows how much more
    it would have taken.
    """

    limit: str
    actual: int | None
    maximum: int
    unit: str

    def __str__(self) -> str:
        if self.actual is None:
            return f"{self.limit} is more than the {self.maximum} {self.unit} that are allowed"
        return f"{self.limit} is {self.actual} {self.unit}, at most {self.maximum} are allowed"


class LimitsExceeded(InvalidInput):
    """A transaction that no block would take.

    `budgets` gives, for each script run (such as `spend 0`), its hash and its execution units.
    """

    code = "limits_exceeded"

    def __init__(
        self,
        exceeded: tuple[ExceededLimit, ...],
        budgets: dict[str, dict[str, Any]],
        *,
        what: str = "the transaction is too large",
        hint: str = "do less in one transaction: fewer claims, or the attestation on its own",
    ) -> None:
        self.exceeded, self.budgets = exceeded, budgets
        super().__init__(
            f"{what}: " + "; ".join(map(str, exceeded)),
            hint=hint,
            details={"exceeded": [asdict(limit) for limit in exceeded], "budgets": budgets},
        )


class ServiceUnavailable(MilestonesError):
    """A service can't be reached, hung up, or answered something that isn't its protocol.

    `may_pass` says that the same question may be answered later: a cut line, a busy gateway, a service
    that starts. `retry_after_seconds` is what the service asks to wait for, None where it doesn't say.
    """

    code = "service_unavailable"
    exit_code = 3

    def __init__(
        self,
        service: str,
        url: str,
        reason: str,
        *,
        hint: str = "",
        may_pass: bool = False,
        retry_after_seconds: float | None = None,
    ) -> None:
        self.service, self.url, self.reason = service, url, reason
        self.may_pass, self.retry_after_seconds = may_pass, retry_after_seconds
        super().__init__(
            f"{service} at {url} is not available: {reason}",
            hint=hint
            or f"start {service}, or correct its address in the configuration, then try again",
            details={"service": service, "url": url, "reason": reason, "may_pass": may_pass},
        )


class ServiceOutOfSync(ServiceUnavailable):
    """A service answers, but is behind the chain."""

    code = "service_out_of_sync"

    def __init__(self, service: str, url: str, reason: str, *, hint: str = "") -> None:
        wait = f"wait until {service} has caught up (`milestones init` shows it), then try again"
        super().__init__(service, url, reason, hint=hint or wait, may_pass=True)


class NetworkMismatch(ServiceUnavailable):
    """The node runs another network than the configuration names."""

    code = "network_mismatch"


class NotFound(MilestonesError):
    """What was asked for isn't on the chain or on disk."""

    code = "not_found"
    exit_code = 4


class NotAllowedYet(MilestonesError):
    """A rule of the contract forbids it now; `rule` is the rule's short name, such as `vesting`."""

    code = "not_allowed_yet"
    exit_code = 5

    def __init__(
        self, rule: str, message: str, *, hint: str = "", details: dict[str, Any] | None = None
    ) -> None:
        self.rule = rule
        super().__init__(message, hint=hint, details={"rule": rule, **(details or {})})


class SignaturesMissing(NotAllowedYet):
    """Not everybody has signed; `key_hashes` (28 bytes each, ascending) are those who have not."""

    code = "signatures_missing"

    def __init__(self, key_hashes: Collection[bytes]) -> None:
        self.key_hashes = tuple(sorted(key_hashes))
        named = [key_hash.hex() for key_hash in self.key_hashes]
        super().__init__(
            "signatures",
            f"the signatures of these keys are missing: {', '.join(named)}",
            hint="sign with the keys whose hashes are named",
            details={"key_hashes": named},
        )


class SigningRefused(NotAllowedYet):
    """Whoever was asked to sign said no; `signer` is what people call it."""

    code = "signing_refused"

    def __init__(self, signer: str, reason: str) -> None:
        self.signer = signer
        super().__init__(
            "signing",
            f"{signer} did not sign: {reason}",
            hint="nothing was sent; run the command again to be asked again",
            details={"signer": signer, "reason": reason},
        )


class InsufficientFunds(MilestonesError):
    """The wallet can't pay. Amounts are lovelace."""

    code = "insufficient_funds"
    exit_code = 6

    def __init__(
        self,
        what: str,
        required_lovelace: int,
        available_lovelace: int,
        *,
        hint: str = "",
        details: dict[str, Any] | None = None,
    ) -> None:
        self.required_lovelace, self.available_lovelace = required_lovelace, available_lovelace
        super().__init__(
            f"{what}: {required_lovelace} lovelace are needed, the wallet has {available_lovelace}",
            hint=hint or "send ADA to the wallet's address and try again",
            details={
                "required_lovelace": required_lovelace,
                "available_lovelace": available_lovelace,
                **(details or {}),
            },
        )


class InsufficientCollateral(InsufficientFunds):
    """The wallet lacks what has to be put at stake for the scripts; it is taken only if one fails."""

    code = "insufficient_collateral"


class BudgetSpent(InsufficientFunds):
    """What may be spent is spent, or nearly: the next transaction costs more than what is left."""

    code = "budget_spent"

    def __init__(self, cost_lovelace: int, left_lovelace: int) -> None:
        self.required_lovelace, self.available_lovelace = cost_lovelace, left_lovelace
        MilestonesError.__init__(
            self,
            f"the budget has {left_lovelace} lovelace left, and the next transaction costs"
            f" {cost_lovelace}",
            hint="give a larger budget, and run the command again: it goes on",
            details={"required_lovelace": cost_lovelace, "available_lovelace": left_lovelace},
        )


class InsufficientTokens(InsufficientFunds):
    """The wallet lacks a native token; `asset` is its policy and name in hexadecimal."""

    code = "insufficient_tokens"

    def __init__(self, asset: str, required: int, available: int) -> None:
        self.asset, self.required, self.available = asset, required, available
        MilestonesError.__init__(
            self,
            f"{required} of the token {asset} are needed, the wallet has {available}",
            hint="send the tokens to the wallet's address and try again",
            details={"asset": asset, "required": required, "available": available},
        )


class ChainRejected(MilestonesError):
    """The ledger or the contract refused the transaction; nothing was spent.

    Facts to decide by: `inputs_spent`: an input is gone or unknown, which a transaction that is in already
    meets too: look for it first. `script_failed`: a script said no, and not the ledger. `over_budget`: the
    script runs (such as `spend 0`) that were stopped because they took too much. For reports alone:
    `rejection_code` is Ogmios' code (3000 to 3999), `data` its data.
    """

    code = "rejected_by_the_chain"
    exit_code = 7

    def __init__(
        self,
        message: str,
        *,
        rejection_code: int,
        data: Any = None,
        hint: str = "",
        inputs_spent: bool = False,
        script_failed: bool = False,
        over_budget: tuple[str, ...] = (),
    ) -> None:
        self.rejection_code, self.data = rejection_code, data
        self.inputs_spent, self.script_failed = inputs_spent, script_failed
        self.over_budget = over_budget
        super().__init__(
            message, hint=hint, details={"rejection_code": rejection_code, "data": data}
        )


class OutcomeUnknown(MilestonesError):
    """A transaction was sent, and what became of it isn't known: it may be in the mempool or in a block.

    `taken` says that the node did answer and has it, and that no block is known yet that does. `cut_short`:
    the disk filled up, standard output took no result, or the command was interrupted.
    """

    code = "outcome_unknown"
    exit_code = 8

    def __init__(
        self, transaction_id: str, reason: str, *, taken: bool = False, cut_short: bool = False
    ) -> None:
        self.transaction_id, self.reason, self.taken = transaction_id, reason, taken
        what = "was sent, but no answer came back"
        if cut_short:
            what = "was sent, but the command was cut short"
        elif taken:
            what = "was taken by the node, and no block is known yet that has it"
        super().__init__(
            f"transaction {transaction_id} {what}: {reason}",
            hint="run the same command again: it goes on with that transaction, and nothing is done twice;"
            f" `milestones transaction {transaction_id}` shows where it stands",
            details={"transaction_id": transaction_id, "reason": reason, "taken": taken},
        )

    @classmethod
    def after(cls, transaction_id: str, error: Exception) -> OutcomeUnknown:
        """What an error amounts to once a transaction (id in hexadecimal) has left."""
        if isinstance(error, InvalidInput):
            return cls(transaction_id, error.reason, cut_short=True)
        if isinstance(error, MilestonesError):
            return cls(transaction_id, error.message, cut_short=True)
        return cls(transaction_id, f"{type(error).__name__}: {error}", cut_short=True)


class Interrupted(MilestonesError):
    """A signal ended the command before anything was sent; `signal_number` is the signal's."""

    code = "interrupted"
    exit_code = 130

    def __init__(self, signal_number: int) -> None:
        self.signal_number = signal_number
        self.exit_code = 128 + signal_number
        super().__init__("interrupted", details={"signal": signal_number})


class OutputLost(MilestonesError):
    """Standard output did not take the result: it is closed, or its disk is full. Nothing was sent."""

    code = "output_lost"

    def __init__(self, reason: str, *, reader_gone: bool = False) -> None:
        self.reason, self.reader_gone = reason, reader_gone
        self.exit_code = 141 if reader_gone else 1
        super().__init__(
            f"the result can't be written to standard output: {reason}",
            hint="give standard output another place, and run the command again",
            details={"reason": reason},
        )
