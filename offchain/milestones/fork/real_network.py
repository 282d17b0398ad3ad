"""A network behind an Ogmios and a Kupo, asked about one block: nothing is ever submitted or changed there."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from typing import Any, Final

from milestones.cardano.address import Credential
from milestones.cardano.hashes import blake2b_256
from milestones.cardano.outputs import OutputReference, Script, Utxo
from milestones.cardano.slots import Point
from milestones.clients import ogmios_answers
from milestones.clients.answers import reading
from milestones.clients.chain_walk import RollForward
from milestones.clients.failures import unavailable
from milestones.clients.kupo_answers import Match
from milestones.clients.kupo_client import KupoClient
from milestones.clients.ogmios_client import OgmiosClient
from milestones.clients.ogmios_connection import JsonRpcConnection, RpcError, query_failure
from milestones.devnet.blocks import Point as ChainPoint
from milestones.devnet.blocks import Spent
from milestones.devnet.ledger.outputs import Output, decode_output
from milestones.devnet.ledger.parameters import Parameters
from milestones.devnet.ledger.staking_state import Account
from milestones.devnet.ogmios.parameters import parse_parameters
from milestones.devnet.origin import OriginFacts, OriginMatch, OriginMetadata
from milestones.errors import (
    InvalidConfiguration,
    InvalidEncoding,
    InvalidInput,
    NotFound,
    ServiceOutOfSync,
    ServiceUnavailable,
)
from milestones.fork.forms import address_text, calendar_of, encoded_output, not_like_this

ERA: Final = "conway"
"""The era whose rules the embedded chain has."""
ASKED_AT_ONCE: Final = 8
GENESES: Final = ("byron", "shelley", "alonzo", "conway")
CANNOT_ACQUIRE: Final = 2000
"""Ogmios: the state at a point can't be had, as it is too old."""
TIMEOUT_SECONDS: Final = 30.0


class RealNetwork:
    """What a fork asks. `kept` are the facts of a fork that is gone on with; else `facts` comes first."""

    def __init__(
        self,
        ogmios_url: str,
        kupo_url: str,
        *,
        kept: OriginFacts | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._ogmios = OgmiosClient(ogmios_url, timeout_seconds=timeout_seconds)
        self._kupo = KupoClient(kupo_url, timeout_seconds=timeout_seconds)
        self._timeout_seconds = timeout_seconds
        self._given: Point | None = None
        self._patterns: tuple[str, ...] = ()
        if kept is not None:
            self._given, self._patterns = Point(*kept.point), kept.patterns
        self._places = asyncio.Semaphore(ASKED_AT_ONCE)

    async def close(self) -> None:
        """Ends the connections."""
        await self._ogmios.close()
        await self._kupo.close()

    # -- the start

    async def facts(self, at: str | None) -> OriginFacts:
        """What a fork takes over: at `SLOT.HASH`, `SLOT` (the newest block until then), or the index's tip.

        Raises `InvalidConfiguration` where the network is of another era or calendar than an embedded chain
        can have, `NotFound` for a block that isn't there, and `ServiceUnavailable`.
        """
        health = await self._ogmios.health()
        if not health.connected:
            raise unavailable(self._ogmios.address, "it has lost its node", may_pass=True)
        point = self._given = await self._place(at)
        height = await self._height_of(point)
        era, at_tip, parameters, eras = await self._state_at(point)
        if era != ERA:
            raise not_like_this("fork_ogmios", f"it is in the era {era!r}, and this chain in {ERA}")
        genesis = {
            each: await self._ask("queryNetwork/genesisConfiguration", era=each) for each in GENESES
        }
        with reading(self._ogmios.address, "queryNetwork/genesisConfiguration"):
            magic = int(genesis["shelley"]["networkMagic"])
            start_posix_ms = ogmios_answers.time_posix_ms(genesis["shelley"]["startTime"])
        self._patterns = tuple(await self._kupo.patterns())
        with reading(self._ogmios.address, "queryLedgerState/eraSummaries"):
            byron_epochs, epoch_slots, later_starts = calendar_of(eras)
        return OriginFacts(
            network_magic=magic,
            start_posix_ms=start_posix_ms,
            byron_epochs=byron_epochs,
            epoch_slots=epoch_slots,
            later_starts=later_starts,
            point=ChainPoint(point.slot, point.header_hash),
            height=height,
            genesis=genesis,
            parameters=parameters,
            parameters_at_tip=at_tip,
            patterns=self._patterns,
            services=(self._ogmios.url, self._kupo.url),
        )

    async def _place(self, at: str | None) -> Point:
        if at is None:
            newest = await self._newest()
            if newest is None:
                raise ServiceOutOfSync("Kupo", self._kupo.url, "it has indexed nothing yet")
            return newest
        named = re.fullmatch(r"(\d{1,19})(?:\.([0-9a-fA-F]{64}))?", at)
        if named is None:
            raise InvalidConfiguration(
                f"{at[:80]!r} is no point",
                path="at",
                hint="give SLOT, or SLOT.HASH with the block's hash in hexadecimal",
            )
        slot = int(named[1])
        newest = await self._newest()
        if newest is None or newest.slot < slot:
            read = "nothing" if newest is None else f"slot {newest.slot}"
            reason = f"it has read up to {read}, and slot {slot} is asked for"
            raise ServiceOutOfSync("Kupo", self._kupo.url, reason)
        point = await self._kupo.checkpoint_at(slot)
        if point is None or (named[2] and point != Point(slot, bytes.fromhex(named[2]))):
            raise NotFound(
                f"there is no block {at} in Kupo's index",
                hint="give the slot of a block after the one that Kupo began with (--since)",
            )
        return point

    async def _newest(self) -> Point | None:
        known = await self._kupo.checkpoints()
        return known[0] if known else None

    async def _height_of(self, point: Point) -> int:
        """The height of a block, which only the node says, of the block that follows or of its tip."""
        try:
            async with self._ogmios.walk_from([point]) as walk:
                tip = (await walk.next_block()).tip
                if tip is not None and tip.point == point:
                    return tip.height
                event = await walk.next_block()
        except NotFound:
            raise ServiceOutOfSync(
                "Ogmios",
                self._ogmios.url,
                f"its node does not have the block {point} that Kupo has",
                hint="wait until both have caught up, or name two services of one network",
            ) from None
        if isinstance(event, RollForward):
            return event.block.height - 1
        raise ServiceUnavailable(
            "Ogmios", self._ogmios.url, "its chain was rolled back", may_pass=True
        )

    async def _state_at(self, point: Point) -> tuple[str, bool, Any, Any]:
        """Era, whether it is the tip's state, parameters and era summaries: at the point where possible."""
        era = (await self._ogmios.health()).current_era

        async def look(ask: Callable[[str], Awaitable[Any]]) -> tuple[Any, Any]:
            parameters = await ask("queryLedgerState/protocolParameters")
            return parameters, await ask("queryLedgerState/eraSummaries")

        found = await self._acquired(point, look)
        if found is not None:
            return era, False, *found
        return (
            era,
            True,
            await self._ask("queryLedgerState/protocolParameters"),
            await self._ask("queryLedgerState/eraSummaries"),
        )

    # -- what is asked for later

    @property
    def _point(self) -> Point:
        assert self._given is not None, "facts come first"  # noqa: S101
        return self._given

    async def matches(self, pattern: str, since_slot: int = 0) -> Iterable[OriginMatch]:
        """What the index has for a pattern; a spend after the point has not happened yet."""
        return [self._match(each) for each in await self._matches(pattern, since_slot)]

    async def _matches(self, pattern: str, since_slot: int = 0) -> list[Match]:
        async with self._places:
            try:
                found = await self._kupo.snapshot(
                    pattern,
                    created_after=since_slot,
                    created_before=self._point,
                    order="oldest_first",
                )
            except InvalidInput as error:
                raise ServiceOutOfSync(
                    "Kupo",
                    self._kupo.url,
                    f"it can't answer about the block {self._point}: {error.reason}",
                    hint="where the block was rolled back, fork again from another one",
                ) from None
        if found.checkpoint is None or found.checkpoint.slot < self._point.slot:
            raise ServiceOutOfSync("Kupo", self._kupo.url, f"it is before slot {self._point.slot}")
        return list(found.matches)

    def _match(self, match: Match) -> OriginMatch:
        spent = match.spent
        if spent is not None and spent.point.slot > self._point.slot:
            spent = None
        if match.datum is not None and blake2b_256(match.datum) != match.datum_hash:
            raise unavailable(self._kupo.address, f"a datum of {match.reference} has another hash")
        return OriginMatch(
            match.reference,
            self._output(match.utxo),
            match.transaction_index,
            ChainPoint(match.created_at.slot, match.created_at.header_hash),
            None
            if spent is None
            else Spent(
                ChainPoint(spent.point.slot, spent.point.header_hash),
                spent.transaction_id or bytes(32),
                spent.input_index or 0,
                spent.redeemer,
            ),
            match.datum,
        )

    def _output(self, utxo: Utxo) -> Output:
        output = utxo.output
        script = output.script
        if output.script_hash is not None and script is None:
            reason = (
                f"the script at {utxo.reference} is of a language that this program doesn't know"
            )
            raise unavailable(self._kupo.address, reason)
        if script is not None and script.hash() != output.script_hash:
            raise unavailable(
                self._kupo.address, f"the script at {utxo.reference} has another hash"
            )
        try:
            return decode_output(encoded_output(output))
        except InvalidEncoding as error:
            raise unavailable(
                self._kupo.address, f"the output {utxo.reference} can't be read: {error.reason}"
            ) from None

    async def outputs(
        self, references: Collection[OutputReference]
    ) -> Mapping[OutputReference, Output | None]:
        """The outputs as they were at the point: of the index, else of the node while it can go back so far."""
        asked = [self._matches(f"{each.index}@{each.transaction_id.hex()}") for each in references]
        answers = await asyncio.gather(*asked)
        found: dict[OutputReference, Output | None] = {}
        unknown = []
        for reference, matches in zip(references, answers, strict=True):
            if matches:
                (match,) = map(self._match, matches)
                found[reference] = match.output if match.spent is None else None
            else:
                unknown.append(reference)
        if unknown and "*" not in self._patterns:
            wanted = [
                {"transaction": {"id": each.transaction_id.hex()}, "index": each.index}
                for each in unknown
            ]
            held = await self._utxo({"outputReferences": wanted}, f"output {unknown[0]}")
            return found | {each: held.get(each) for each in unknown}
        return found | dict.fromkeys(unknown)

    async def outputs_at(self, address: bytes) -> Mapping[OutputReference, Output]:
        """What an address held at the point."""
        if await self._kupo.patterns_including(address.hex()):
            matches = map(self._match, await self._matches(address.hex()))
            return {each.reference: each.output for each in matches if each.spent is None}
        return await self._utxo({"addresses": [address_text(address)]}, "the address")

    async def _utxo(self, params: Any, what: str) -> dict[OutputReference, Output]:
        async def look(ask: Callable[..., Awaitable[Any]]) -> Any:
            return await ask("queryLedgerState/utxo", **params)

        answer = await self._acquired(self._point, look)
        if answer is None:
            raise ServiceOutOfSync(
                "Kupo",
                self._kupo.url,
                f"it does not index {what}, and Ogmios' node can't go back to slot {self._point.slot}",
                hint="let that Kupo watch it, or fork again from a newer block",
            )
        with reading(self._ogmios.address, "queryLedgerState/utxo"):
            held = [ogmios_answers.utxo(each) for each in answer]
        return {each.reference: self._output(each) for each in held}

    async def accounts(
        self, credentials: Collection[Credential]
    ) -> Mapping[Credential, Account | None]:
        """The reward accounts as they were at the point, which only the node knows, for half a day or so."""
        method = "queryLedgerState/rewardAccountSummaries"

        async def look(ask: Callable[..., Awaitable[Any]]) -> Any:
            kinds = {"key": "keys", "script": "scripts"}
            return [
                await ask(method, **{kinds[each.kind]: [each.hash.hex()]}) for each in credentials
            ]

        answers = await self._acquired(self._point, look)
        if answers is None:
            raise ServiceOutOfSync(
                "Ogmios",
                self._ogmios.url,
                f"its node can't go back to slot {self._point.slot}, and only it knows reward accounts",
                hint="fork again from a newer block",
            )
        found: dict[Credential, Account | None] = {}
        with reading(self._ogmios.address, method):
            for who, answer in zip(credentials, answers, strict=True):
                known = ogmios_answers.reward_account(answer, who)
                found[who] = (
                    None
                    if known is None
                    else Account(
                        known.deposit_lovelace, known.rewards_lovelace, known.pool_id, known.drep
                    )
                )
        return found

    async def datum(self, digest: bytes) -> bytes | None:
        """The datum with this hash."""
        found = await self._kupo.datum(digest.hex())
        if found is not None and blake2b_256(found) != digest:
            raise unavailable(self._kupo.address, f"the datum {digest.hex()} has another hash")
        return found

    async def script(self, digest: bytes) -> Script | None:
        """The script with this hash."""
        found = await self._kupo.script(digest.hex())
        if found is not None and found.hash() != digest:
            raise unavailable(self._kupo.address, f"the script {digest.hex()} has another hash")
        return found

    async def metadata(self, slot: int, transaction_id: bytes | None) -> OriginMetadata:
        """The metadata of the block at a slot."""
        found = await self._kupo.metadata(slot, transaction_id.hex() if transaction_id else None)
        entries = tuple(each.raw for each in found.entries)
        return OriginMetadata(found.header_hash or bytes(32), entries)

    # -- Ogmios

    async def _ask(self, method: str, **params: Any) -> Any:
        try:
            return await self._ogmios.session.query(method, params or None)
        except RpcError as error:
            raise query_failure(self._ogmios.address, method, error) from error

    async def _acquired(
        self, point: Point, look: Callable[[Callable[..., Awaitable[Any]]], Awaitable[Any]]
    ) -> Any:
        """What `look` finds in the ledger's state at a point; None where the node can't go back to it."""

        async def asked(connection: JsonRpcConnection) -> Any:
            async def ask(method: str, **params: Any) -> Any:
                return await connection.call(
                    method, params or None, timeout_seconds=self._timeout_seconds
                )

            where = {"slot": point.slot, "id": point.header_hash.hex()}
            await ask("acquireLedgerState", point=where)
            try:
                return await look(ask)
            finally:
                if connection.is_open:
                    await ask("releaseLedgerState")

        try:
            return await self._ogmios.session.converse(asked)
        except RpcError as error:
            if error.code == CANNOT_ACQUIRE:
                return None
            raise query_failure(self._ogmios.address, "acquireLedgerState", error) from error


async def opened(
    ogmios_url: str, kupo_url: str, *, at: str | None, kept: OriginFacts | None
) -> tuple[OriginFacts, RealNetwork]:
    """What a fork is made from, and whom it asks later. What was `kept` is not asked for again.

    Raises `InvalidConfiguration` where a fork that was kept stands on another point than `at`, and as
    `RealNetwork.facts` does.
    """
    network = RealNetwork(ogmios_url, kupo_url, kept=kept)
    if kept is None:
        try:
            return await network.facts(at), network
        except BaseException:
            await network.close()
            raise
    if at not in (None, str(kept.point.slot), str(Point(*kept.point))):
        raise InvalidConfiguration(
            f"the fork in this directory stands on {Point(*kept.point)}, not on {at}",
            path="at",
            hint="leave --at out, or fork again with another --state-dir",
        )
    return kept, network


def parameters_of(facts: OriginFacts) -> Parameters:
    """The parameters that were taken over; those that no rule here reads are shown as they were."""
    return parse_parameters(facts.parameters, strict=False)
