"""What a person sees of money, at 80 columns: kept as it is expected."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from milestones import open_workspace
from milestones.cardano.address import Address, key_credential
from milestones.cli.views import (
    check_status,
    paying,
    register_milestone,
    sending,
)
from milestones.services.calculate_distribution import (
    CalculatedAllocation,
    DistributionCalculated,
)
from milestones.services.check_status import StatusReport
from milestones.services.check_status.report import (
    ClaimRecord,
    ContractState,
    MilestoneStatus,
    ProposalStatus,
    Synchronization,
)
from milestones.services.deploy import Deployed
from milestones.services.deploy.report import LockedDeposits, OpeningTransaction
from milestones.services.distribution.powers import Power
from milestones.services.paying.left_out import NotDue
from milestones.services.register_milestone import register_milestone as register
from milestones.services.submit_release import ReleaseReport
from milestones.services.submit_release.report import (
    PaidAllocation,
    ReleaseTransaction,
)
from tests.support.screens import ADDRESS, GRANT, NAME, printed

pytestmark = pytest.mark.usefixtures("in_utc")


REGISTERED = f"""\
Registered, not on the chain: 4 payments to 1 person, 10,000 GRANT
For the audit

milestone  payments       amount  vests (UTC)
phase 0           2  4,000 GRANT  2090-06-01 to 2090-06-03
phase 1           2  6,000 GRANT  2090-06-02 to 2090-06-04

- The creator opens it: their key signs, and locks what is promised.
- 2 of the 3 oracles together attest that a milestone is reached, at any time,
  even before anything vests. It can't be taken back.
- Anybody can pay out what is vested and attested. It goes to the beneficiary
  alone, and nobody can hold it up.
- Once all is paid, the creator's key takes the deposits back.
- From 2096-10-02 07:06:40 UTC on the creator's key can take back all that is
  not claimed, whether it was reached or not.
- Nobody can cancel it, attest without the oracles, replace the oracles, take
  anything for paying out, stake or vote with the ADA in it or change these
  terms.

address   {NAME}
id        ID
schedule  schedule.json
"""


async def test_register_milestone(tmp_path: Path) -> None:
    person = Address(0, key_credential(bytes([1]) * 28), None)
    oracles = [str(Address(0, key_credential(bytes([n]) * 28), None)) for n in (2, 3, 4)]
    rows = [
        {
            "beneficiary_address": str(person),
            "token_amount": 1_000 * (1 + number),
            "milestone_identifier": f"phase {number % 2}",
            "vesting_timestamp": 3_800_000_000 + number * 86_400,
        }
        for number in range(4)
    ]
    document = {
        "token_policy_id": "01" * 28,
        "token_name": b"GRANT".hex(),
        "beneficiary_allocations": rows,
        "oracle_addresses": oracles,
        "quorum_threshold": 2,
        "creator": str(ADDRESS),
        "reclaim_after": 4_000_000_000,
        "contract_metadata": {"created_at": 1_798_761_600, "description": "For the audit"},
    }
    workspace = open_workspace(tmp_path, network="preprod")
    result = await register(workspace, document)
    shown = result.model_copy(update={"schedule_file": "schedule.json", "contract_name": NAME})
    # The id follows the contract's own, and is no matter of how things look.
    text = printed(register_milestone.registered(shown)).replace(shown.distribution_id.hex(), "ID")
    assert text == REGISTERED


def report(**changes: Any) -> StatusReport:
    def milestone(name: str, **values: Any) -> MilestoneStatus:
        usual: dict[str, Any] = {
            "milestone_identifier": name,
            "verified": False,
            "quorum_status": "pending",
            "signature_count": 0,
            "quorum_threshold": 2,
            "vesting_passed": True,
            "total_oracles": 3,
            "attested": False,
            "source": None,
            "verification_timestamp": None,
            "allocation_count": 3,
            "vested_count": 3,
            "claimed_count": 0,
            "token_amount": 5_000,
            "claimable_count": 0,
            "claimable_amount": 0,
        }
        return MilestoneStatus(**{**usual, **values})

    state = ContractState(
        total_token_amount=15_000,
        remaining_token_amount=14_000,
        claimed_count=1,
        unclaimed_count=8,
        **GRANT,
        quorum_threshold=2,
        total_oracles=3,
        reclaim_after=1_814_356_800,
        closed=False,
        status="open",
        returned_token_amount=0,
        opening_transaction="07" * 32,
        opened_at=1_798_761_600,
    )
    proposal = ProposalStatus(
        milestone_identifier="launch",
        state="under_review",
        said_at=1_798_761_600,
        due_at=1_798_848_000,
        forgotten_at=1_900_000_000,
        evidence_hash=b"",
        bond_lovelace=5_000_000,
        return_address=None,
        reference="07" * 32 + "#0",
    )
    claim = ClaimRecord(
        beneficiary_index=0,
        milestone_identifier="audit",
        beneficiary_address=ADDRESS,
        token_amount=1_000,
        transaction_hash="ab" * 32,
        slot=7,
        claimed_at=1_798_761_660,
    )
    values: dict[str, Any] = {
        "contract_address": ADDRESS,
        "contract_name": NAME,
        "milestones": (
            milestone(
                "audit", verified=True, attested=True, claimed_count=1, claimable_amount=4_000
            ),
            milestone("launch", verified=True, signature_count=2, vesting_passed=False),
            milestone("the last of all", claimable_amount=None, claimed_count=None),
        ),
        "contract_state": state,
        "vaults": (),
        "attestations": (),
        "board": None,
        "proposals": (proposal,),
        "notices": (),
        "claims": (claim,),
        "discrepancies": (),
        "rebuilt_records": (),
        "distribution_id": bytes(28),
        "now": 1_798_765_200,
        "sync": Synchronization(status="syncing", checkpoint_slot=7, node_slot=9),
        "source": "chain",
        **changes,
    }
    return StatusReport(**values)


STATUS = f"""\
Open: 1,000 GRANT of 15,000 GRANT paid, in 1 of 9 payments
{NAME}
now: 2027-01-01 01:00 UTC

milestone        oracles  state                          paid    to claim
audit            0 of 2   attested                       1 of 3     4,000
launch           2 of 2   signed, not attested, vesting  0 of 3         0
the last of all  0 of 2   waits for oracles              ?              ?

launch is proposed: oracles can object until 2027-01-02 00:00 UTC.
Unclaimed tokens can be taken back from 2027-06-30 12:00 UTC on.
Kupo is syncing: it may not have read the newest blocks.
newest payments (UTC)  to                       amount  transaction
2027-01-01 00:01       addr_test1vqqq…qqd9tg5t   1,000  abababab…
"""


def test_check_status() -> None:
    assert printed(check_status.status(report())) == STATUS


def test_what_was_closed_says_how_much_was_paid() -> None:
    state = report().contract_state.model_copy(
        update={
            "closed": True,
            "status": "ended",
            "remaining_token_amount": 0,
            "returned_token_amount": 4_000,
        }
    )
    text = printed(check_status.status(report(contract_state=state)))
    assert text.startswith("Ended: 11,000 GRANT of 15,000 GRANT paid")
    assert "can be taken back" not in text


CALCULATED = f"""\
250,000 GRANT to claim now, 1,000 later, 0 paid of 251,000
{ADDRESS}
now: 2027-01-01 01:00 UTC

 #  milestone   amount  vests (UTC)       why
 0  audit      250,000  2027-01-01 00:00  claimable
12  launch       1,000  at once           milestone not attested
What is not claimed can be taken away from 2027-06-30 12:00 UTC on.
"""


def test_calculate_distribution() -> None:
    def allocation(number: int, **values: Any) -> CalculatedAllocation:
        usual: dict[str, Any] = {
            "beneficiary_index": number,
            "milestone_identifier": "audit",
            "token_amount": 250_000,
            "claimable": True,
            "reason": "claimable",
            "vesting_passed": True,
            "vesting_timestamp": 1_798_761_600,
            "status": "claimable",
            "attested": True,
        }
        return CalculatedAllocation(**{**usual, **values})

    result = DistributionCalculated(
        beneficiary_address=ADDRESS,
        contract_address=ADDRESS,
        **GRANT,
        claimable_amount=250_000,
        later_amount=1_000,
        claimed_amount=0,
        total_amount=251_000,
        allocations=(
            allocation(0),
            allocation(
                12,
                milestone_identifier="launch",
                token_amount=1_000,
                reason="milestone not attested",
                vesting_timestamp=0,
            ),
        ),
        now=1_798_765_200,
        claim_until=1_814_356_800,
    )
    assert printed(paying.calculated(result)) == CALCULATED


RELEASED = """\
Paid, in a block: 10 payments, 15,000 GRANT

#  to                       amount  milestone
0  addr_test1vqqq…qqd9tg5t   1,500  audit
1  addr_test1vqqq…qqd9tg5t   1,500  audit
2  addr_test1vqqq…qqd9tg5t   1,500  audit
3  addr_test1vqqq…qqd9tg5t   1,500  audit
4  addr_test1vqqq…qqd9tg5t   1,500  audit
5  addr_test1vqqq…qqd9tg5t   1,500  audit
6  addr_test1vqqq…qqd9tg5t   1,500  audit
7  addr_test1vqqq…qqd9tg5t   1,500  audit
and 2 payments more: `--full`

not due yet: #11, 1,500 for audit: milestone not attested
not due yet: 4,000 allocations, 6,000,000 for launch: vesting until 2030-01-01
00:00:00 UTC
Fees 0.345678 ADA, and 11.000000 ADA that go along and stay theirs.
transaction  abababababababababababababababababababababababababababababababab
"""


def test_submit_release() -> None:
    rows: dict[str, Any] = {"milestone_identifier": "audit", "token_amount": 1_500}
    paid = tuple(
        PaidAllocation(
            beneficiary_index=number,
            beneficiary_address=ADDRESS,
            transaction_hash="ab" * 32,
            **rows,
        )
        for number in range(10)
    )
    report = ReleaseReport(
        transaction_hash="ab" * 32,
        status="confirmed",
        fee_estimate=345_678,
        collateral_amount=5_000_000,
        deposits_lovelace=11_000_000,
        allowance_lovelace=0,
        contract_address=ADDRESS,
        attested=False,
        **GRANT,
        paid_token_amount=15_000,
        claimed_before=0,
        paid=paid,
        skipped=(
            NotDue(
                **rows,
                beneficiary_indices=(11,),
                allocation_count=1,
                vesting_timestamp=0,
                reason="milestone not attested",
            ),
            NotDue(
                milestone_identifier="launch",
                beneficiary_indices=tuple(range(100)),
                allocation_count=4_000,
                token_amount=6_000_000,
                vesting_timestamp=1_893_456_000,
                reason="vesting until 2030-01-01 00:00:00 UTC",
            ),
        ),
        transactions=(
            ReleaseTransaction(
                transaction_hash="ab" * 32,
                status="confirmed",
                fee_lovelace=345_678,
                collateral_lovelace=5_000_000,
                size=1_000,
                memory=1,
                cpu=1,
                beneficiary_indices=tuple(range(10)),
                attested_milestone=None,
                deposits_lovelace=11_000_000,
            ),
        ),
    )
    assert printed(paying.released(report)) == RELEASED


DEPLOYED = f"""\
Open, in a block: 15,000 GRANT for 5 payments

Deposits 4.331550 ADA, which come back when it is closed; fees 0.281632 ADA.
The schedule is private: every beneficiary needs a file, see `claim-file`.
address  {NAME}
opening  {"ab" * 32}
"""


def test_deploy() -> None:
    result = Deployed(
        status="confirmed",
        transaction_hash="ab" * 32,
        contract_address=ADDRESS,
        contract_name=NAME,
        distribution_id=bytes(28),
        private=True,
        schedule_transactions=(),
        allocation_count=5,
        **GRANT,
        total_token_amount=15_000,
        fee_estimate=281_632,
        collateral_amount=5_000_000,
        deposits=LockedDeposits(
            terms_lovelace=2_603_240,
            vaults_lovelace=1_728_310,
            allowances_lovelace=0,
            board_lovelace=0,
            total_lovelace=4_331_550,
        ),
        transactions=(
            OpeningTransaction(
                transaction_hash="ab" * 32,
                role="opening",
                fee_lovelace=281_632,
                size=1_157,
                memory=1,
                cpu=1,
            ),
        ),
        powers=(Power(name="pay", words="Anybody can pay out what is vested and attested."),),
    )
    assert printed(sending.deployed(result)) == DEPLOYED
