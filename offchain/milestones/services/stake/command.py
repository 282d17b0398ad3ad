"""`stake register`, `delegate`, `withdraw`, `deregister`: a transaction each, or none where all is so."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from milestones.cardano.address import Address
from milestones.cardano.certificates import Delegation, Deregistration, DRep, Registration
from milestones.cardano.delegatees import drep_text, pool_text
from milestones.cardano.value import Value
from milestones.clients.ogmios_answers import RewardAccount
from milestones.domain.models import TransactionStatus
from milestones.domain.reading import AddressField
from milestones.errors import InvalidInput, NotAllowedYet
from milestones.keys.key_files import SigningKey
from milestones.protocol.distribution import ContractAddress
from milestones.services.backend import Backend
from milestones.services.distribution.naming import must_be_of_network
from milestones.services.sending.payer import PaidBy, Payer
from milestones.services.sending.reports import SentResult
from milestones.services.sending.run import Run, SubmissionRequest
from milestones.services.sending.runner import SendingCommand, perform
from milestones.services.stake.account import StakeHolder, stake_holder
from milestones.storage.submission import StakingPayload, Submission
from milestones.transactions.contract_drafts import PublishedScripts
from milestones.transactions.draft import Certifying, DraftOutput, TransactionDraft, Withdrawal

Action = Literal["register", "delegate", "withdraw", "deregister"]
Already = Literal[
    "already_registered", "already_delegated", "nothing_to_withdraw", "not_registered"
]


class StakeChanged(SentResult):
    """What a transaction did to a reward account, or why none was needed. Amounts are lovelace.

    `deposit_lovelace` is what the registration deposits, `refund_lovelace` what returns of it. What is
    withdrawn goes to `paid_to`, or where that is None is part of the payer's change. `pool` and
    `representative` are what is delegated to. Fee, size and hash are None where nothing was to be done.
    """

    status: Already | TransactionStatus
    action: Action
    contract_address: AddressField
    stake_address: str
    transaction_hash: str | None = None
    deposit_lovelace: int = 0
    refund_lovelace: int = 0
    withdrawn_lovelace: int = 0
    paid_to: AddressField | None = None
    pool: str | None = None
    representative: str | None = None
    fee_estimate: int | None = None
    size: int | None = None
    resumed: bool = False


async def stake_register(
    backend: Backend,
    *,
    contract_address: ContractAddress,
    key: PaidBy,
    pool: bytes | None = None,
    drep: DRep | None = None,
    stake_script: Mapping[str, Any] | None = None,
    stake_keys: Sequence[SigningKey] = (),
    dry_run: bool = False,
    wait: bool = False,
) -> StakeChanged:
    """Registers the reward account of a distribution's staking credential, and delegates it where asked.

    `pool` is a pool's id (28 bytes). `key` pays fee and deposit; `stake_keys` sign besides, where the
    credential asks for other keys. `stake_script` is cardano-cli's JSON of the native script that the
    credential is of. Where the account is registered, only what is missing is done. Raises `InvalidInput`,
    `SignaturesMissing`, `InsufficientFunds`, `ChainRejected`, `OutcomeUnknown`.
    """
    command = _command(backend, "register", contract_address, stake_script, pool=pool, drep=drep)
    return await _perform(backend, command, key, stake_keys, dry_run=dry_run, wait=wait)


async def stake_delegate(
    backend: Backend,
    *,
    contract_address: ContractAddress,
    key: PaidBy,
    pool: bytes | None = None,
    drep: DRep | None = None,
    stake_script: Mapping[str, Any] | None = None,
    stake_keys: Sequence[SigningKey] = (),
    dry_run: bool = False,
    wait: bool = False,
) -> StakeChanged:
    """Delegates a registered reward account: its stake to a pool, its votes, or both; arguments as above.

    Raises what `stake_register` raises, and `NotAllowedYet` (`not_registered`).
    """
    if pool is None and drep is None:
        raise InvalidInput(
            "nothing to delegate to",
            path="drep",
            hint="give --abstain, --no-confidence, --drep or --pool",
        )
    command = _command(backend, "delegate", contract_address, stake_script, pool=pool, drep=drep)
    return await _perform(backend, command, key, stake_keys, dry_run=dry_run, wait=wait)


async def stake_withdraw(
    backend: Backend,
    *,
    contract_address: ContractAddress,
    key: PaidBy,
    to: Address | None = None,
    stake_script: Mapping[str, Any] | None = None,
    stake_keys: Sequence[SigningKey] = (),
    dry_run: bool = False,
    wait: bool = False,
) -> StakeChanged:
    """Withdraws all rewards, to the address `to`, or with the payer's change.

    Raises what `stake_register` raises, and `NotAllowedYet` (`not_registered`, or `not_delegated` where a
    key's account has delegated its votes to nobody).
    """
    if to is not None:
        must_be_of_network(to, backend.network.network_id, "to", where="the node")
    command = _command(backend, "withdraw", contract_address, stake_script, to=to)
    return await _perform(backend, command, key, stake_keys, dry_run=dry_run, wait=wait)


async def stake_deregister(
    backend: Backend,
    *,
    contract_address: ContractAddress,
    key: PaidBy,
    stake_script: Mapping[str, Any] | None = None,
    stake_keys: Sequence[SigningKey] = (),
    dry_run: bool = False,
    wait: bool = False,
) -> StakeChanged:
    """Closes the reward account: its deposit returns to the payer, with what it holds.

    Raises what `stake_withdraw` raises.
    """
    command = _command(backend, "deregister", contract_address, stake_script)
    return await _perform(backend, command, key, stake_keys, dry_run=dry_run, wait=wait)


def _command(
    backend: Backend,
    action: Action,
    contract_address: ContractAddress,
    stake_script: Mapping[str, Any] | None,
    **asked: Any,
) -> _Stake:
    return _Stake(
        name=f"stake {action}",
        action=action,
        holder=stake_holder(backend, contract_address, stake_script),
        **asked,
    )


async def _perform(
    backend: Backend,
    command: _Stake,
    key: PaidBy,
    stake_keys: Sequence[SigningKey],
    *,
    dry_run: bool,
    wait: bool,
) -> StakeChanged:
    payer = Payer.of(key)
    if payer.signers:
        payer = replace(payer, signers=(*payer.signers, *stake_keys))
        _must_hold(command.holder, payer)
    elif stake_keys:
        raise InvalidInput(
            "what is handed out is signed elsewhere",
            path="stake_key",
            hint="leave it out: `milestones transaction sign` signs the file",
        )
    return await perform(backend, command, key=payer, dry_run=dry_run, wait=wait)


def _must_hold(holder: StakeHolder, payer: Payer) -> None:
    """A key's account is signed for by that key. Raises `InvalidInput` about `stake_key`."""
    who = holder.account.credential
    if who.kind == "key" and not any(who.hash in each.key_hashes for each in payer.signers):
        raise InvalidInput(
            f"the staking credential is the key {who.hash.hex()}, which isn't given",
            path="stake_key",
            hint="give its file, --stake-key; where the terms name no staking credential, it is the"
            " distribution's id, a key that nobody holds",
        )


@dataclass(kw_only=True)
class _Stake(SendingCommand[StakeChanged]):
    """One change of a reward account; `already` says why there was nothing to do."""

    name: str
    action: Action
    holder: StakeHolder
    pool: bytes | None = None
    drep: DRep | None = None
    to: Address | None = None
    already: Already | None = field(default=None, init=False)

    async def build(self, run: Run) -> AsyncIterator[SubmissionRequest]:
        """Looks how the account is, and builds what is missing."""
        if run.resume_instead(self._is_ours):
            return
        account = await run.backend.ogmios.reward_account(self.holder.account.credential)
        context = await run.context(PublishedScripts(run.backend.contract))
        deposit = context.parameters.stake_credential_deposit_lovelace
        draft, payload = self._draft(account, deposit)
        if not draft.certificates and not draft.withdrawals:
            return
        if self.holder.script is not None:
            draft = replace(draft, scripts=(self.holder.script,))
        yield SubmissionRequest(
            transaction=await context.build(draft),
            # What was registered, and closed since, can be registered again.
            sole=f"{self._sole(payload)}{run.after(self._is_ours)}",
            payload=payload,
        )

    def _sole(self, payload: StakingPayload) -> str:
        """One delegation may follow another at once; the rest the ledger takes only once anyway."""
        words = [f"stake {payload.action}", payload.stake_address]
        if payload.action == "delegate":
            words += [payload.pool or "", payload.representative or ""]
        return " ".join(words)

    def _is_ours(self, submission: Submission) -> bool:
        payload = submission.payload
        asked = self._with_delegatees(
            StakingPayload(action=self.action, stake_address=str(self.holder.account))
        )
        return isinstance(payload, StakingPayload) and self._sole(payload) == self._sole(asked)

    def _draft(
        self, account: RewardAccount | None, deposit: int
    ) -> tuple[TransactionDraft, StakingPayload]:
        payload = StakingPayload(action=self.action, stake_address=str(self.holder.account))
        if account is None and self.action == "deregister":
            self.already = "not_registered"
            return TransactionDraft(), payload
        if account is None and self.action != "register":
            raise NotAllowedYet(
                "not_registered",
                f"the reward account {self.holder.account} is not registered",
                hint="run `milestones stake register` first; if it was sent just now, wait for the next"
                " block",
            )
        if account is None:
            return self._registering(payload, deposit)
        if self.action in ("register", "delegate"):
            return self._delegating(payload, account)
        return self._emptying(payload, account)

    def _delegations(self, account: RewardAccount | None) -> list[Certifying]:
        """One certificate each: hardware wallets know none that does both."""
        who = self.holder.account.credential
        found = []
        if self.pool is not None and (account is None or account.pool_id != self.pool):
            found.append(Certifying(Delegation(who, self.pool)))
        if self.drep is not None and (account is None or account.drep != self.drep):
            found.append(Certifying(Delegation(who, None, self.drep)))
        return found

    def _registering(
        self, payload: StakingPayload, deposit: int
    ) -> tuple[TransactionDraft, StakingPayload]:
        registration = Registration(self.holder.account.credential, deposit)
        certificates = (Certifying(registration), *self._delegations(None))
        return TransactionDraft(certificates=certificates), self._with_delegatees(
            payload.model_copy(update={"deposit_lovelace": deposit})
        )

    def _delegating(
        self, payload: StakingPayload, account: RewardAccount
    ) -> tuple[TransactionDraft, StakingPayload]:
        certificates = tuple(self._delegations(account))
        if not certificates:
            self.already = (
                "already_registered" if self.action == "register" else "already_delegated"
            )
        return TransactionDraft(certificates=certificates), self._with_delegatees(payload)

    def _with_delegatees(self, payload: StakingPayload) -> StakingPayload:
        return payload.model_copy(
            update={
                "pool": None if self.pool is None else pool_text(self.pool),
                "representative": None if self.drep is None else drep_text(self.drep),
            }
        )

    def _emptying(
        self, payload: StakingPayload, account: RewardAccount
    ) -> tuple[TransactionDraft, StakingPayload]:
        stake, rewards = self.holder.account, account.rewards_lovelace
        if rewards and stake.credential.kind == "key" and account.drep is None:
            raise NotAllowedYet(
                "not_delegated",
                f"the network pays no rewards of {stake} before its votes are delegated",
                hint="run `milestones stake delegate --abstain` first",
            )
        withdrawals = (Withdrawal(stake, rewards),) if rewards else ()
        outputs: tuple[DraftOutput, ...] = ()
        if self.to is not None and rewards:
            outputs = (DraftOutput(address=self.to, value=Value(rewards)),)
            payload = payload.model_copy(update={"paid_to": self.to.to_bech32()})
        payload = payload.model_copy(update={"withdrawn_lovelace": rewards})
        if self.action == "withdraw":
            self.already = None if rewards else "nothing_to_withdraw"
            return TransactionDraft(withdrawals=withdrawals, outputs=outputs), payload
        closing = Certifying(Deregistration(stake.credential, account.deposit_lovelace))
        draft = TransactionDraft(withdrawals=withdrawals, certificates=(closing,))
        return draft, payload.model_copy(update={"refund_lovelace": account.deposit_lovelace})

    def report(self, run: Run) -> StakeChanged:
        """What was done, or why nothing was."""
        about: dict[str, Any] = {
            "action": self.action,
            "contract_address": self.holder.contract_address,
            "stake_address": str(self.holder.account),
        }
        if self.already is not None:
            return StakeChanged(status=self.already, **about)
        sent, payload = run.newest(StakingPayload)
        return StakeChanged(
            **about,
            status=sent.status,
            transaction_hash=sent.submission.transaction_id,
            deposit_lovelace=payload.deposit_lovelace,
            refund_lovelace=payload.refund_lovelace,
            withdrawn_lovelace=payload.withdrawn_lovelace,
            paid_to=None if payload.paid_to is None else Address.from_bech32(payload.paid_to),
            pool=payload.pool,
            representative=payload.representative,
            fee_estimate=sent.submission.fee_lovelace,
            size=sent.submission.size,
            resumed=sent.resumed,
        )
