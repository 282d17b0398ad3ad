"""A chain and a wallet in this process: transactions are built, judged and taken without any socket."""

from __future__ import annotations

from dataclasses import dataclass

from milestones.cardano.address import Address
from milestones.cardano.outputs import Script, TransactionOutput, Utxo
from milestones.cardano.parameters import ProtocolParameters
from milestones.cardano.value import AssetId, Value
from milestones.clients.ogmios_answers import protocol_parameters
from milestones.devnet.opening import ChainConfig, open_chain
from milestones.domain.models import Allocation, ContractMetadata, MilestoneSchedule
from milestones.protocol.distribution import Distribution
from milestones.protocol.redeemers import OracleWitness
from milestones.protocol.signing import Statement
from milestones.protocol.validator_loader import load_contract
from milestones.transactions.attest import Attesting, attest_draft
from milestones.transactions.close import close_draft
from milestones.transactions.draft import DraftOutput, Mint, TransactionDraft
from milestones.transactions.open import open_draft
from milestones.transactions.publish import publish_draft
from milestones.transactions.published_scripts import PublishedScripts
from milestones.transactions.release import ReleaseSources, release_draft
from milestones.transactions.tx_builder import SignedTransaction, balance, sign
from milestones.transactions.wallet import SigningKey

ADA = 1_000_000
VESTING = 1_600_000_000
MILESTONE = "milestone-001"


@dataclass(frozen=True)
class Opened:
    """A distribution on the chain: what releases need."""

    distribution: Distribution
    terms: Utxo
    vaults: tuple[Utxo, ...]
    oracles: tuple[SigningKey, ...]


class Workbench:
    """One chain and one rich wallet. Every transaction is accepted, or this raises."""

    def __init__(self) -> None:
        self.contract = load_contract()
        self.key = _key(0)
        self.beneficiary = Address(0, _key(1).address(0).payment, _key(2).address(0).payment)
        self.address = self.key.address(0)
        funds = {self.address.to_bech32(): 3_000_000 * ADA}
        self.chain, _ = open_chain(ChainConfig(funds=funds))
        self.parameters: ProtocolParameters = protocol_parameters(self.chain.parameters.to_ogmios())
        self.wallet = tuple(
            Utxo(
                reference, TransactionOutput(self.address.to_bech32(), Value(output.value.lovelace))
            )
            for reference, output in self.chain.utxo.items()
            if output.address.raw == self.address.to_bytes()
        )
        self.policy = Script("native", b"\x82\x00\x58\x1c" + self.key.key_hash)
        self.token = AssetId(self.policy.hash(), b"GRANT")
        self._split_collateral()
        self.scripts = self._published()

    def send(
        self, draft: TransactionDraft, pay_with: tuple[Utxo, ...] | None = None
    ) -> SignedTransaction:
        """Balances, evaluates, signs and submits."""
        wallet = self.wallet if pay_with is None else pay_with
        balanced = balance(
            draft, parameters=self.parameters, wallet=wallet, change_address=self.address
        )
        if balanced.needs_evaluation:
            balanced = balanced.with_units(dict(self.chain.evaluate(balanced.unsigned(), {})))
        signed = sign(balanced, [self.key])
        self.chain.submit(signed.cbor)
        self.wallet = signed.wallet_after(self.wallet)
        return signed

    def fund(self, tokens: int) -> tuple[Utxo, ...]:
        """Fresh outputs: the tokens to lock, ADA for the fee, and the small collateral."""
        draft = TransactionDraft(
            mints=(Mint(self.policy.hash(), {self.token.asset_name: tokens}),),
            scripts=(self.policy,),
        )
        minted = self.send(draft)
        return minted.change

    def open(
        self, size: int, *, depth: int | None = None, oracles: int = 3, quorum: int = 2
    ) -> tuple[Opened, SignedTransaction]:
        """Opens a distribution of `size` allocations, unpublished, and returns what it took."""
        keys = tuple(sorted((_key(100 + n) for n in range(oracles)), key=lambda key: key.key_hash))
        schedule = self._schedule(size, depth, keys, quorum)
        self.fund(schedule.total_token_amount)
        distribution = Distribution.from_schedule(schedule, self.contract)
        signed = self.send(open_draft(distribution, scripts=self.scripts))
        pages = len(distribution.terms.pages)
        return Opened(distribution, signed.outputs[0], signed.outputs[1 : 1 + pages], keys), signed

    def attesting(self, opened: Opened, milestone: str = MILESTONE) -> Attesting:
        """The quorum's signatures for a milestone."""
        distribution = opened.distribution
        statement = Statement(
            self.contract.policy_id, distribution.id, milestone.encode(), bytes(32), VESTING * 1000
        )
        quorum = opened.oracles[: distribution.terms.quorum_threshold]
        witnesses = [
            OracleWitness(key.verification_key, key.sign(statement.signed_data)) for key in quorum
        ]
        return Attesting.of(distribution.terms, statement, witnesses)

    def attest(self, opened: Opened, milestone: str = MILESTONE) -> tuple[Utxo, SignedTransaction]:
        """Attests a milestone on its own."""
        draft = attest_draft(
            self.attesting(opened, milestone), terms=opened.terms, scripts=self.scripts
        )
        signed = self.send(draft)
        return signed.outputs[0], signed

    def release(
        self,
        opened: Opened,
        indices: list[int],
        *,
        vault: Utxo | None = None,
        attestation: Utxo | None = None,
    ) -> SignedTransaction:
        """Pays allocations; without an attestation's UTxO, the transaction attests too."""
        sources = ReleaseSources(
            vault=vault or opened.vaults[0],
            terms=opened.terms,
            scripts=self.scripts,
            attestations={} if attestation is None else {MILESTONE: attestation},
            attesting=self.attesting(opened) if attestation is None else None,
        )
        slot = self.chain.tip.slot
        return self.send(release_draft(opened.distribution, indices, sources, valid_from_slot=slot))

    def close(
        self, opened: Opened, vaults: tuple[Utxo, ...], attestations: tuple[Utxo, ...]
    ) -> SignedTransaction:
        """Closes a distribution whose vaults are empty."""
        draft = close_draft(
            opened.distribution.terms,
            terms_utxo=opened.terms,
            vaults=vaults,
            attestations=attestations,
            scripts=self.scripts,
        )
        return self.send(draft)

    def ada_only(self) -> None:
        """Burns what the wallet holds of the token, so that change is lovelace alone."""
        held = sum(utxo.output.value.quantity(self.token) for utxo in self.wallet)
        if held:
            mint = Mint(self.policy.hash(), {self.token.asset_name: -held})
            self.send(TransactionDraft(mints=(mint,), scripts=(self.policy,)))

    def _schedule(
        self, size: int, depth: int | None, oracles: tuple[SigningKey, ...], quorum: int
    ) -> MilestoneSchedule:
        allocation = Allocation(
            beneficiary_address=self.beneficiary,
            token_amount=1_000_000,
            milestone_identifier=MILESTONE,
            vesting_timestamp=VESTING,
        )
        return MilestoneSchedule(
            token_policy_id=self.token.policy_id,
            token_name=self.token.asset_name,
            beneficiary_allocations=(allocation,) * size,
            oracle_addresses=tuple(key.address(0) for key in oracles),
            quorum_threshold=quorum,
            creator=self.address,
            irrevocable=True,
            contract_metadata=ContractMetadata(created_at=VESTING, network_magic=42),
            page_depth=depth,
        )

    def _split_collateral(self) -> None:
        small = DraftOutput(address=self.address, value=Value(5 * ADA))
        self.wallet = self.send(TransactionDraft(outputs=(small,))).outputs

    def _published(self) -> PublishedScripts:
        signed = self.send(publish_draft(self.contract, network_id=0))
        vault, registry = signed.outputs[:2]
        return PublishedScripts(self.contract, vault, registry)


def _key(number: int) -> SigningKey:
    return SigningKey.from_bytes(number.to_bytes(32, "big"))
