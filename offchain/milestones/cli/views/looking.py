"""What commands say on a terminal that change nothing on the chain: services, keys, files, and an audit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from rich.console import RenderableType

from milestones.cli.views.figures import (
    amount,
    counted,
    heading,
    labelled,
    moment,
    more,
    of_token,
    table,
    whole,
)
from milestones.domain.posix_time import to_posix_seconds

if TYPE_CHECKING:
    from milestones.services.claim_file import ClaimFileWritten
    from milestones.services.init import Initialised
    from milestones.services.keys import KeysShown
    from milestones.services.schedule import ScheduleTemplate, VestingPlanned
    from milestones.services.verify import Verified
    from milestones.services.verify.checks import Check

SHOWN: Final = 8
EVERYWHERE: Final = ("open", "attest", "pay", "close")
"""Powers that every distribution has: only the use of them is shown."""
VERDICTS: Final = {
    "sound": "Sound: everything that was checked holds",
    "unsound": "UNSOUND: something is wrong with it",
    "incomplete": "Incomplete: the schedule is private, and nobody can check it without its file",
    "completed": "Closed, and all was paid before",
    "cancelled": "Closed after a notice, with something left",
    "ended": "Closed, with something left",
}
STATES: Final = {
    "success": "All is well",
    "degraded": "All answer, and not all is well",
    "failed": "Something is down, or on another network",
}


def initialised(result: Initialised) -> Iterator[RenderableType]:
    """Each service with its version and how far it is."""
    services = result.services
    ogmios, kupo, node = services.ogmios, services.kupo, services.cardano_node
    yield heading(f"{STATES[result.status]}.")
    yield ""
    share = ogmios.network_synchronization
    caught_up = "" if share is None else f"{share:.1%} of the network's blocks"
    behind = "" if kupo.slots_behind is None else f", {counted(kupo.slots_behind, 'slot')} behind"
    tip = "" if node.tip_slot is None else f"slot {node.tip_slot:,}"
    network = f"{node.network or '?'}, {node.era or 'era not known'}"
    yield table(
        ("service", "state", "version", "how far"),
        (
            ("Ogmios", _state(ogmios.connected), ogmios.version or "?", caught_up),
            (
                "Kupo",
                _state(kupo.connected),
                kupo.version or "?",
                f"{kupo.sync_status or '?'}{behind}",
            ),
            ("node", _state(node.connected), network, tip),
        ),
    )
    for report in (ogmios, kupo, node):
        if report.reason:
            yield f"- {report.reason}; {report.hint}"
    yield ""
    if result.indexed:
        yield f"Kupo watches {counted(len(result.indexed), 'pattern')} for this program."
    slow = [each for each in result.performance if not each.within]
    if result.performance:
        times = ", ".join(f"{each.what} {each.elapsed_ms:,} ms" for each in result.performance)
        yield f"It took: {times}{'; too slow' if slow else ''}."
    yield from labelled(("Ogmios", ogmios.url), ("Kupo", kupo.url))


def _state(connected: bool) -> str:
    return "answers" if connected else "DOWN"


def keys(result: KeysShown) -> Iterator[RenderableType]:
    """Addresses and key hashes, to be copied."""
    made = f", {len(result.generated)} of them new" if result.generated else ""
    yield heading(f"{counted(len(result.addresses), 'key')}{made}")
    for name, address in result.addresses.items():
        yield ""
        yield f"{name}{' (new)' if name in result.generated else ''}"
        yield from labelled(("  address", address), ("  hash", result.key_hashes[name]))


def claim_file(result: ClaimFileWritten) -> Iterator[RenderableType]:
    """Whose it is, and what is in it."""
    numbers = result.beneficiary_indices
    yield heading(f"Written: a claim file with {counted(len(numbers), 'allocation')}")
    yield ""
    listed = ", ".join(f"#{each}" for each in numbers[:SHOWN])
    rest = "" if len(numbers) <= SHOWN else f" and {len(numbers) - SHOWN:,} more"
    yield f"{listed}{rest}. It stays good as long as the distribution lives; give it to"
    yield whole(result.beneficiary_address)
    yield ""
    yield from labelled(("file", result.file), ("address", result.contract_address))


def template(result: ScheduleTemplate) -> Iterator[RenderableType]:
    """Where the table is, and what comes next."""
    yield heading(f"Written: a table to begin with, {result.file}")
    yield "Fill it in, and look at it with `milestones schedule check`."


def planned(result: VestingPlanned) -> Iterator[RenderableType]:
    """What a plan comes to; the rows are in its file."""
    rows = result.allocations
    total = amount(result.total_token_amount, None)
    yield heading(f"Written: {counted(len(rows), 'payment')}, {total} in all (smallest unit)")
    yield ""
    yield table(
        ("vests (UTC)", "amount"),
        (
            (
                moment(each.vesting_timestamp)[:16] if each.vesting_timestamp else "at once",
                amount(each.token_amount, None),
            )
            for each in rows[:SHOWN]
        ),
        numbers=("amount",),
    )
    yield from more(len(rows), SHOWN, "payment")
    yield from labelled(("file", result.file or ""))


def verified(result: Verified) -> Iterator[RenderableType]:
    """The verdict, what doesn't hold, what is used of the powers, and what to do by when."""
    yield heading(f"{VERDICTS[result.verdict]}.")
    yield whole(str(result.contract_address))
    yield ""
    if result.datum is not None:
        yield (_promised(result))
    yield (_counts(result.checks))
    for check in result.checks:
        if check.outcome in ("failed", "not_checked"):
            word = "FAILS" if check.outcome == "failed" else "not checked"
            yield f"- {check.name} {word}: {check.detail}"
    yield from _powers(result)
    if result.to_do:
        yield ""
        yield "What somebody who waits for money should do:"
        yield from (f"- {each.when}: {each.what}" for each in result.to_do)
    if result.documents:
        yield ""
        yield table(
            ("document", "named by", "given file"),
            (
                (each.url or f"{each.hash.hex()[:16]}…", each.named_by, each.file or "none")
                for each in result.documents[:SHOWN]
            ),
        )
        yield from more(len(result.documents), SHOWN, "document")


def _powers(result: Verified) -> Iterator[RenderableType]:
    """Who can do what beside what is in every distribution, and what has been made use of."""
    if not result.powers:
        return
    yield ""
    used = (each.in_use for each in result.powers if each.name in EVERYWHERE and each.in_use)
    yield from (f"{each[0].upper()}{each[1:]}." for each in used)
    for power in result.powers:
        if power.name not in EVERYWHERE:
            yield f"- {power.words}" + (f" Now: {power.in_use}." if power.in_use else "")


def _promised(result: Verified) -> str:
    """What is promised, by how many, until when."""
    terms = result.datum
    if terms is None:
        raise AssertionError("the terms are known")
    total = of_token(terms.total_token_amount, terms.token_policy_id, terms.token_name)
    payments = counted(len(result.allocations), "payment") if result.allocations else "payments"
    oracles = counted(len(terms.oracles), "oracle")
    back = "it is irrevocable"
    if terms.reclaim_after_posix_ms is not None:
        until = moment(to_posix_seconds(terms.reclaim_after_posix_ms))
        back = f"what is unclaimed can be taken back from {until} on"
    return f"{total} in {payments}, by {terms.quorum_threshold} of {oracles}; {back}."


def _counts(checks: tuple[Check, ...]) -> str:
    count = Counter(each.outcome for each in checks)
    passed, warned = count["passed"], count["warning"]
    parts = [f"{counted(passed, 'check')} {'holds' if passed == 1 else 'hold'}"]
    parts += [f"{counted(warned, 'warning')} above"] if warned else []
    parts += [f"{count['not_checked']} not checked"] if count["not_checked"] else []
    parts += [f"{count['failed']} FAILED"] if count["failed"] else []
    return ", ".join(parts) + "."
