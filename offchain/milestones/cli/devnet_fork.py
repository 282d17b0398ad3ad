"""How `milestones devnet` becomes a fork of a real network, or an ordinary chain without one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from milestones.cli.loading import Later
from milestones.devnet.funds import default_accounts
from milestones.devnet.origin import OriginFacts, kept_facts
from milestones.devnet.server import DevnetConfig, run
from milestones.errors import InvalidInput

if TYPE_CHECKING:
    from milestones.fork import impersonation, real_network
else:
    # The clients take as long to load as all else, and most chains are no forks.
    impersonation = Later("milestones.fork.impersonation")
    real_network = Later("milestones.fork.real_network")

TAKEN_OVER: Final = ("network_magic", "start_time", "kupo_match")
"""Options of an ordinary chain that a fork takes over from its network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForkOptions:
    """What the command was given: URLs, a point, addresses to impersonate, and options by name.

    `accounts` is None where the network decides. `given` says of each option whether it was given.
    """

    ogmios_url: str | None
    kupo_url: str | None
    at: str | None
    impersonate: tuple[str, ...]
    accounts: int | None
    given: Mapping[str, bool]


async def serve(config: DevnetConfig, options: ForkOptions) -> None:
    """Runs the chain until it is ended. Raises `InvalidInput` for options that exclude each other."""
    kept = kept_facts(config.chain.state_dir)
    _check(options, kept)
    network: real_network.RealNetwork | None = None
    try:
        facts = kept
        if options.ogmios_url is not None and options.kupo_url is not None:
            facts, network = await real_network.opened(
                options.ogmios_url, options.kupo_url, at=options.at, kept=kept
            )
        chain = config.chain
        if facts is not None:
            own = options.given["parameters"]
            parameters = chain.parameters if own else real_network.parameters_of(facts)
            chain = replace(
                chain,
                network_magic=facts.network_magic,
                facts=facts,
                origin=network,
                parameters=parameters,
            )
        count = options.accounts
        accounts = default_accounts(chain.network_magic) if count is None else count
        chain = replace(chain, accounts=accounts)
        if options.impersonate:
            waived = await impersonation.impersonations(options.impersonate, network)
            chain = replace(chain, impersonated=waived)
        await run(replace(config, chain=chain))
    finally:
        if network is not None:
            await network.close()


def _check(options: ForkOptions, kept: OriginFacts | None) -> None:
    if (options.ogmios_url is None) != (options.kupo_url is None):
        missing = "fork_kupo" if options.kupo_url is None else "fork_ogmios"
        raise InvalidInput(
            f"--{missing.replace('_', '-')} is missing",
            path=missing,
            hint="a fork asks both: give --fork-ogmios and --fork-kupo",
        )
    if options.ogmios_url is None and options.at is not None:
        raise InvalidInput(
            "--at is where a network is forked, and none is named",
            path="at",
            hint="give --fork-ogmios and --fork-kupo, too",
        )
    if options.ogmios_url is None and kept is None:
        return
    for name in TAKEN_OVER:
        if options.given[name]:
            raise InvalidInput(
                f"--{name.replace('_', '-')} is taken over from the network that is forked",
                path=name,
                hint="leave it out",
            )
