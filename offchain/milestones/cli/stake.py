"""`milestones stake`: the reward account of a distribution's staking credential."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

import milestones
from milestones.cli.loading import Later, new_typer
from milestones.cli.options import (
    CollateralFrom,
    ContractAddress,
    DryRun,
    PayerAccount,
    PayerElsewhere,
    SigningKeyPath,
    UnsignedOut,
    ValidFor,
    Wait,
    Yes,
    address,
    distribution,
    native_script,
)
from milestones.cli.session import Session, session_of
from milestones.errors import InvalidInput

if TYPE_CHECKING:
    from milestones.cardano import certificates, delegatees
    from milestones.cli.views import stake as views
else:
    certificates = Later("milestones.cardano.certificates")
    delegatees = Later("milestones.cardano.delegatees")
    views = Later("milestones.cli.views.stake")

StakeScript = Annotated[
    Path | None,
    typer.Option(
        "--stake-script",
        metavar="FILE",
        help="The native script of the staking credential, which register-milestone wrote beside the"
        " schedule; else what the data directory knows.",
        show_default=False,
    ),
]
StakeKeys = Annotated[
    list[Path] | None,
    typer.Option(
        "--stake-key",
        metavar="FILE",
        help="A key (.skey) that signs for the account, where the one that pays doesn't. Repeatable.",
        show_default=False,
    ),
]
Abstain = Annotated[
    bool,
    typer.Option("--abstain", help="Delegate its votes to the predefined option abstain."),
]
NoConfidence = Annotated[
    bool,
    typer.Option(
        "--no-confidence", help="Delegate its votes to the predefined option of that name."
    ),
]
Drep = Annotated[
    str | None,
    typer.Option(
        "--drep",
        metavar="ID",
        help="Delegate its votes to this representative, drep1….",
        show_default=False,
    ),
]
Pool = Annotated[
    str | None,
    typer.Option(
        "--pool",
        metavar="ID",
        help="Delegate its stake to this pool, pool1….",
        show_default=False,
    ),
]

stake: Final = new_typer(
    no_args_is_help=True,
    help="The reward account of a distribution's staking credential: registered, delegated, emptied, closed.",
)


@stake.command("register")
def stake_register(  # noqa: PLR0917 - an option each
    context: typer.Context,
    contract_address: ContractAddress,
    abstain: Abstain = False,
    no_confidence: NoConfidence = False,
    drep: Drep = None,
    pool: Pool = None,
    stake_script: StakeScript = None,
    stake_key: StakeKeys = None,
    signing_key_path: SigningKeyPath = None,
    payer: PayerElsewhere = None,
    payer_account: PayerAccount = False,
    unsigned_out: UnsignedOut = None,
    valid_for: ValidFor = None,
    collateral: CollateralFrom = None,
    dry_run: DryRun = False,
    wait: Wait = False,
    yes: Yes = False,
) -> None:
    """Register the reward account, and delegate it in the same transaction where that is asked for.

    The deposit comes back when it is closed: `stake deregister`.
    """
    session = session_of(context)
    to_pool, to_drep = _delegatees(pool, drep, abstain=abstain, no_confidence=no_confidence)
    given = _given(session, contract_address, stake_script, stake_key)
    key = session.payer(
        signing_key_path, payer, unsigned_out, valid_for, collateral, account=payer_account
    )
    session.perform(
        lambda backend: milestones.stake_register(
            backend, **given, key=key, pool=to_pool, drep=to_drep, dry_run=dry_run, wait=wait
        ),
        views.changed,
        yes=yes,
    )


@stake.command("delegate")
def stake_delegate(  # noqa: PLR0917 - an option each
    context: typer.Context,
    contract_address: ContractAddress,
    abstain: Abstain = False,
    no_confidence: NoConfidence = False,
    drep: Drep = None,
    pool: Pool = None,
    stake_script: StakeScript = None,
    stake_key: StakeKeys = None,
    signing_key_path: SigningKeyPath = None,
    payer: PayerElsewhere = None,
    payer_account: PayerAccount = False,
    unsigned_out: UnsignedOut = None,
    valid_for: ValidFor = None,
    collateral: CollateralFrom = None,
    dry_run: DryRun = False,
    wait: Wait = False,
    yes: Yes = False,
) -> None:
    """Delegate the reward account: its votes, its stake, or both."""
    session = session_of(context)
    to_pool, to_drep = _delegatees(pool, drep, abstain=abstain, no_confidence=no_confidence)
    given = _given(session, contract_address, stake_script, stake_key)
    key = session.payer(
        signing_key_path, payer, unsigned_out, valid_for, collateral, account=payer_account
    )
    session.perform(
        lambda backend: milestones.stake_delegate(
            backend, **given, key=key, pool=to_pool, drep=to_drep, dry_run=dry_run, wait=wait
        ),
        views.changed,
        yes=yes,
    )


@stake.command("withdraw")
def stake_withdraw(  # noqa: PLR0917 - an option each
    context: typer.Context,
    contract_address: ContractAddress,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="Where they go; else to whoever pays.", show_default=False
        ),
    ] = None,
    stake_script: StakeScript = None,
    stake_key: StakeKeys = None,
    signing_key_path: SigningKeyPath = None,
    payer: PayerElsewhere = None,
    payer_account: PayerAccount = False,
    unsigned_out: UnsignedOut = None,
    valid_for: ValidFor = None,
    collateral: CollateralFrom = None,
    dry_run: DryRun = False,
    wait: Wait = False,
    yes: Yes = False,
) -> None:
    """Withdraw all rewards of the account."""
    session = session_of(context)
    where = None if to is None else address(to, "to")
    given = _given(session, contract_address, stake_script, stake_key)
    key = session.payer(
        signing_key_path, payer, unsigned_out, valid_for, collateral, account=payer_account
    )
    session.perform(
        lambda backend: milestones.stake_withdraw(
            backend, **given, key=key, to=where, dry_run=dry_run, wait=wait
        ),
        views.changed,
        yes=yes,
    )


@stake.command("deregister")
def stake_deregister(  # noqa: PLR0917 - an option each
    context: typer.Context,
    contract_address: ContractAddress,
    stake_script: StakeScript = None,
    stake_key: StakeKeys = None,
    signing_key_path: SigningKeyPath = None,
    payer: PayerElsewhere = None,
    payer_account: PayerAccount = False,
    unsigned_out: UnsignedOut = None,
    valid_for: ValidFor = None,
    collateral: CollateralFrom = None,
    dry_run: DryRun = False,
    wait: Wait = False,
    yes: Yes = False,
) -> None:
    """Close the reward account: its deposit comes back, with the rewards that it holds."""
    session = session_of(context)
    given = _given(session, contract_address, stake_script, stake_key)
    key = session.payer(
        signing_key_path, payer, unsigned_out, valid_for, collateral, account=payer_account
    )
    session.perform(
        lambda backend: milestones.stake_deregister(
            backend, **given, key=key, dry_run=dry_run, wait=wait
        ),
        views.changed,
        yes=yes,
    )


@stake.command("show")
def stake_show(context: typer.Context, contract_address: ContractAddress) -> None:
    """Show how the reward account is, and whether that is what is asked of ADA out of the treasury."""
    contract = distribution(contract_address)
    session_of(context).perform(
        lambda backend: milestones.stake_show(backend, contract_address=contract), views.shown
    )


def _given(
    session: Session, contract_address: str, stake_script: Path | None, stake_key: list[Path] | None
) -> dict[str, Any]:
    script = None if stake_script is None else native_script(str(stake_script), "stake_script")
    return {
        "contract_address": distribution(contract_address),
        "stake_script": script,
        "stake_keys": tuple(session.stake_key(path) for path in stake_key or ()),
    }


def _delegatees(
    pool: str | None, drep: str | None, *, abstain: bool, no_confidence: bool
) -> tuple[bytes | None, Any]:
    if sum((abstain, no_confidence, drep is not None)) > 1:
        raise InvalidInput(
            "votes are delegated to one alone",
            path="drep",
            hint="give one of --abstain, --no-confidence and --drep",
        )
    to_pool = None if pool is None else delegatees.parse_pool(pool)
    if abstain:
        return to_pool, certificates.ABSTAIN
    if no_confidence:
        return to_pool, certificates.NO_CONFIDENCE
    return to_pool, None if drep is None else delegatees.parse_drep(drep)
