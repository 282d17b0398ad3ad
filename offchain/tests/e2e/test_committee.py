"""Three of five people who share nothing but files: they open a distribution, give notice, and close it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from milestones.cardano.address import Address, key_credential
from milestones.cardano.native_script import script_address
from milestones.testing.cast import ADA
from milestones.testing.distribution import FIRST_MILESTONE, open_distribution
from milestones.testing.world import World
from tests.support.air_gap import air_gapped

MEMBERS = ("oracle-0", "oracle-1", "oracle-2", "beneficiary-3", "beneficiary-4")
PAYS_COLLATERAL = "stranger"
WEEK = 7 * 86_400


class Office:
    """Where the node is, and no key: it builds, hands out, collects, and sends."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self.folder = world, folder

    async def run(self, *arguments: str) -> Any:
        """A command that succeeds; its result."""
        done = await self.world.cli(*arguments)
        assert done.exit_code == 0, done.stderr
        return done.json

    async def sent(self, handed_out: dict[str, Any], *signers: str) -> None:
        """Each signer gets the file on a machine without network, and gives a signature back."""
        file = Path(self.world.directory) / handed_out["file"]
        witnesses = []
        for name in signers:
            vault = self.folder / f"{file.stem}-{name}"
            vault.mkdir()
            shutil.copy(file, vault / "to-sign.tx")
            self.world.keys[name].save(vault / "my.skey")
            said = air_gapped(
                vault,
                *("transaction", "sign", "to-sign.tx", "--signing-key-path", "my.skey"),
                *("--witness-only", "--output", "my.witness"),
            )
            assert said["transaction_hash"] == handed_out["transaction_hash"]
            assert said["summary"]
            witnesses += ["--witness", str(vault / "my.witness")]
        whole = f"{file.stem}.signed"
        assembled = await self.run(
            "transaction", "assemble", str(file), *witnesses, "--output", whole
        )
        assert (assembled["missing"], assembled["missing_count"]) == ([], 0)
        assert assembled["valid_until"] == handed_out["valid_until"]
        sent = await self.run("transaction", "submit", whole, "--wait")
        assert sent["status"] == "confirmed"


async def test_a_committee_opens_gives_notice_and_closes(world: World, tmp_path: Path) -> None:
    keys = [{"type": "sig", "keyHash": world.keys[name].key_hash.hex()} for name in MEMBERS]
    in_ten_years = world.devnet.chain.tip.slot + 315_360_000
    heir = {"type": "sig", "keyHash": world.keys["relayer"].key_hash.hex()}
    way_out = {"type": "all", "scripts": [{"type": "after", "slot": in_ten_years}, heir]}
    three = {"type": "atLeast", "required": 3, "scripts": keys}
    script = world.write_json("committee.json", {"type": "any", "scripts": [three, way_out]})
    home = script_address(json.loads(Path(script).read_text()), 0)
    world.pay(home, 200 * ADA, 20_000)
    await world.publish()
    office = Office(world, tmp_path)
    collateral = str(world.address(PAYS_COLLATERAL))

    await office.run("init", "--payer", script, "--payer", collateral)
    registered = await office.run(
        "register-milestone",
        *("--token-policy-id", world.token.policy_id.hex(), "--token-name", "GRANT"),
        *("--beneficiary-allocations", world.write_json("rows.json", world.allocations())),
        *("--oracle-addresses", ",".join(str(world.address(f"oracle-{n}")) for n in range(3))),
        *("--quorum-threshold", "2", "--reclaim-after", str(world.now + 31_536_000)),
        *("--creator", script, "--refund-address", str(world.address("relayer"))),
        *("--cancel-by", "creator", "--cancel-grace", "7d"),
    )
    contract = registered["contract_address"]

    def paying(file: str) -> tuple[str, ...]:
        return ("--payer", script, "--collateral", collateral, "--unsigned-out", file)

    opening = await office.run(
        "deploy", "--contract-address", contract, *paying("open.tx"), "--valid-for", "1d"
    )
    assert opening["status"] == "waiting_for_signatures"
    (handed_out,) = opening["handed_out"]
    assert handed_out["signature_count"] == 4
    assert 86_000 < handed_out["valid_until"] - world.now <= 86_400
    await office.sent(handed_out, "oracle-0", "oracle-2", "beneficiary-4", PAYS_COLLATERAL)
    assert (await office.run("verify", "--contract-address", contract))["verdict"] == "sound"

    notice = await office.run("cancel", "--contract-address", contract, *paying("cancel.tx"))
    await office.sent(
        notice["handed_out"][0], "oracle-1", "beneficiary-3", "beneficiary-4", PAYS_COLLATERAL
    )
    world.reach(notice["ends_at"] + 1)
    closing = await office.run("close", "--contract-address", contract, *paying("close.tx"))
    await office.sent(closing["handed_out"][0], "oracle-0", "oracle-1", "oracle-2", PAYS_COLLATERAL)
    ended = await office.run("verify", "--contract-address", contract)
    assert ended["verdict"] == "cancelled"
    assert world.held_by(world.address("relayer")).quantity(world.token) == 15_000


async def test_a_claim_for_an_address_whose_key_the_program_never_sees(
    world: World, tmp_path: Path
) -> None:
    async with open_distribution(world) as opened:
        await opened.attested(FIRST_MILESTONE)
        contract = str(opened.address)
        office = Office(world, tmp_path)
        payer = str(world.address("beneficiary-0"))
        await office.run("init", "--payer", payer)
        claim = await office.run(
            "submit-release",
            *("--contract-address", contract, "--beneficiary-index", "0"),
            *("--payer", payer, "--unsigned-out", "claim.tx"),
        )
        await office.sent(claim["handed_out"][0], "beneficiary-0")
        assert world.held_by(world.address("beneficiary-0")).quantity(world.token) == 1_000
        mine = await office.run(
            "calculate-distribution",
            *("--contract-address", contract, "--beneficiary-address", payer),
        )
        assert mine["claimed_amount"] == 1_000


async def test_a_claim_is_paid_by_a_wallet_of_many_keys(world: World, tmp_path: Path) -> None:
    staking = key_credential(world.keys["oracle-0"].key_hash)
    names = ("oracle-1", "oracle-2", "beneficiary-4")
    keys = {world.keys[name].key_hash.hex(): name for name in names}
    wallet = [Address(0, key_credential(bytes.fromhex(each)), staking) for each in keys]
    async with open_distribution(world) as opened:
        await opened.attested(FIRST_MILESTONE)
        for address in wallet:
            world.pay(address, 2 * ADA)
        office = Office(world, tmp_path)
        payer = ("--payer", str(wallet[0]), "--payer-account")
        await office.run("init", *payer)
        claim = await office.run(
            "submit-release",
            *("--contract-address", str(opened.address), "--beneficiary-index", "0"),
            *(*payer, "--unsigned-out", "claim.tx"),
        )
        (handed_out,) = claim["handed_out"]
        assert len(handed_out["to_sign"]) > 1
        await office.sent(handed_out, *(keys[each] for each in handed_out["to_sign"]))
        assert world.held_by(world.address("beneficiary-0")).quantity(world.token) == 1_000
