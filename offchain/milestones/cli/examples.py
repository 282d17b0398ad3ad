"""An example for every command's help. Each is run by the tests, most of them on a page of the documents.

`<name>` stands for what an earlier command printed under that name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

EXAMPLES: Final[Mapping[str, str]] = {
    "init": "milestones init --signing-key-path treasurer.skey",
    "keys": "milestones keys --generate vault.skey cosigner.skey",
    "schedule template": "milestones schedule template --output template.csv",
    "schedule check": (
        "milestones schedule check grants.csv --decimals 2 --decimal-mark , --token-policy-id <policy_id>"
        " --token-name GRANT"
    ),
    "schedule vesting": (
        "milestones schedule vesting --beneficiary-address <ada> --milestone-identifier audit --amount 400000"
        " --start 2025-01-01 --duration 4y --every 1m --cliff 1y --output plan.csv"
    ),
    "register-milestone": (
        "milestones register-milestone --token-policy-id <policy_id> --token-name GRANT"
        " --beneficiary-allocations grants.csv --decimals 2 --decimal-mark ,"
        " --oracle-addresses <una>,<vic>,<wim> --quorum-threshold 2 --creator <treasurer>"
        " --reclaim-after 2040-01-01 --objectors 2 --review-bond 5000000 --rotatable oldest"
        ' --description "Grants of the spring round" --output schedule.json'
    ),
    "publish-script": "milestones publish-script --signing-key-path treasurer.skey --wait",
    "deploy": "milestones deploy --schedule schedule.json --signing-key-path treasurer.skey --dry-run",
    "claim-file": (
        "milestones claim-file --schedule private.json --beneficiary-address <ben> --output ben.json"
    ),
    "demo": "milestones demo",
    "commit-milestone": (
        "milestones commit-milestone --contract-address <contract_name> --milestone-identifier design"
        " --oracle-signatures signatures.json"
    ),
    "attest": (
        "milestones attest --contract-address <contract_name> --milestone-identifier design"
        " --signing-key-path relayer.skey --wait"
    ),
    "list": "milestones list --address <treasurer>",
    "find": "milestones find --beneficiary <ada>",
    "history": "milestones history --contract-address <contract_name> --format csv > books.csv",
    "report": (
        "milestones report --contract-address <contract_name> --decimals 2 --output report.html"
    ),
    "check-status": "milestones check-status --contract-address <contract_name>",
    "calculate-distribution": (
        "milestones calculate-distribution --contract-address <contract_name> --beneficiary-address <ada>"
    ),
    "submit-release": (
        "milestones submit-release --contract-address <contract_name> --beneficiary-address <ada>"
        " --signing-key-path ada.skey --wait"
    ),
    "relay": (
        "milestones relay --contract-address <contract_name> --budget 20 --token <policy_id>.4752414e54"
        " --signing-key-path relayer.skey --until-paid"
    ),
    "proposal submit": (
        "milestones proposal submit --contract-address <contract_name> --milestone-identifier launch"
        " --evidence-file launch.json --signing-key-path relayer.skey --wait"
    ),
    "proposal object": (
        "milestones proposal object --contract-address <contract_name> --proposal launch"
        " --signatures objection.json --signing-key-path relayer.skey --wait"
    ),
    "proposal confirm": (
        "milestones proposal confirm --contract-address <contract_name> --proposal launch"
        " --signing-key-path relayer.skey --wait"
    ),
    "proposal retire": (
        "milestones proposal retire --contract-address <contract_name> --proposal launch"
        " --signing-key-path relayer.skey --wait"
    ),
    "proposal show": "milestones proposal show --contract-address <contract_name>",
    "cancel": (
        "milestones cancel --contract-address <contract_address> --payer committee.json"
        " --collateral <addresses.fees> --unsigned-out notice.tx --valid-for 6h"
    ),
    "close": (
        "milestones close --contract-address <contract_name> --signing-key-path treasurer.skey --wait"
    ),
    "serve": "milestones serve --distribution <contract_name> --port 0",
    "verify": "milestones verify --contract-address <contract_name>",
    "stake register": (
        "milestones stake register --contract-address <contract_address> --abstain"
        " --signing-key-path treasury.skey --wait"
    ),
    "stake delegate": (
        "milestones stake delegate --contract-address <contract_name> --no-confidence"
        " --signing-key-path creator.skey --wait"
    ),
    "stake withdraw": (
        "milestones stake withdraw --contract-address <contract_address> --to <treasury>"
        " --signing-key-path treasury.skey --wait"
    ),
    "stake deregister": (
        "milestones stake deregister --contract-address <contract_address>"
        " --signing-key-path treasury.skey --wait"
    ),
    "stake show": "milestones stake show --contract-address <contract_address>",
    "transaction status": "milestones transaction <transaction_hash>",
    "transaction show": "milestones transaction show payment.json --offline",
    "transaction check-hardware": (
        "milestones transaction check-hardware payment.json --body-output body.json"
    ),
    "transaction sign": (
        "milestones transaction sign payment.json --signing-key-path vault.skey --output signed.json"
    ),
    "transaction assemble": (
        "milestones transaction assemble payment.json --offline --witness cosigner.json"
        " --witness witness.json --output whole.json"
    ),
    "transaction drop": "milestones transaction drop <transaction_hash>",
    "transaction submit": "milestones transaction submit whole.tx --wait",
    "completion": "milestones completion bash --install",
    "schema": "milestones schema claim-file",
    "devnet": "milestones devnet --fund <treasury>=1000000000",
    "devnet state": "milestones devnet state",
    "devnet advance": "milestones devnet advance 100000",
    "devnet mine": "milestones devnet mine",
    "devnet faucet": "milestones devnet faucet <treasurer> --token GRANT=1000000",
    "devnet rewards": "milestones devnet rewards <stake_address> --lovelace 3000000",
    "devnet submit": "milestones devnet submit signed.json",
    "devnet place": "milestones devnet place output.json",
    "devnet parameters": "milestones devnet parameters changes.json",
    "devnet blocks": "milestones devnet blocks --interval 20",
    "devnet rollback": "milestones devnet rollback 2",
    "devnet snapshot": "milestones devnet snapshot",
    "devnet revert": "milestones devnet revert <snapshot>",
    "devnet freeze": "milestones devnet freeze kupo stale",
    "devnet unfreeze": "milestones devnet unfreeze kupo",
    "devnet profile": "milestones devnet profile <transaction_hash> --svg release.svg",
    "oracle payload": (
        "milestones oracle payload --contract-address <contract_name> --milestone-identifier design"
        " --verification-timestamp 2026-01-15T12:00:00Z"
    ),
    "oracle sign": (
        "milestones oracle sign --signed-data <signed_data> --signing-key-path una.skey"
        " --output signatures.json"
    ),
    "oracle import": "milestones oracle import answer.json --output signatures.json",
    "oracle rotate": (
        "milestones oracle rotate --contract-address <contract_name> --signatures rotation.json"
        " --signing-key-path relayer.skey --wait"
    ),
}
"""By the command's words. A shell takes each line as it is, once its `<name>`s are filled in."""


WIDTH: Final = 76


def in_lines(example: str, width: int = WIDTH) -> Iterator[str]:
    """The example in lines that a shell takes as one; they end before an option."""
    line = ""
    for part in example.replace(" --", "\n--").split("\n"):
        if line and len(line) + 1 + len(part) > width - 2:
            yield f"{line} \\"
            line = f"    {part}"
        else:
            line = f"{line} {part}" if line else part
    yield line
