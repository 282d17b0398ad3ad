"""The terms in words: who can do what to this money, and when. For any terms, signed or only planned."""

from __future__ import annotations

from collections.abc import Iterator

from milestones.cardano.value import LOVELACE
from milestones.domain.posix_time import duration_in_words, in_words, to_posix_seconds
from milestones.protocol.terms import Terms
from milestones.services.results import View


class Power(View):
    """One thing that somebody can do. `name` is for programs, `words` say who, what and when."""

    name: str
    words: str


def powers_of(terms: Terms) -> tuple[Power, ...]:
    """Everything that anybody can do to a distribution with these terms; last, what nobody can."""
    found = (
        ("open", _open(terms)),
        ("attest", _attest(terms)),
        ("pay", _pay()),
        ("close", _close(terms)),
        ("reclaim", _reclaim(terms)),
        ("cancel", _cancel(terms)),
        ("refund", _refund(terms)),
        ("waive", _waive(terms)),
        ("propose", _propose(terms)),
        ("rotate", _rotate(terms)),
        ("allowance", _allowance(terms)),
        ("stake", _stake(terms)),
        ("nobody", _nobody(terms)),
    )
    return tuple(Power(name=name, words=words) for name, words in found if words)


def warnings_about(terms: Terms) -> Iterator[str]:
    """What somebody should know before they sign such terms, or count on them."""
    script = script_creator_warning(terms)
    if script is not None:
        yield script
    if terms.staking is not None and terms.staking.kind == "key":
        yield (
            "the stake belongs to a key: other distributions may name the same one, and share the"
            " address; this one is then named by <address>#<id>"
        )


def script_creator_warning(terms: Terms) -> str | None:
    """What it means that the creator is a script; None where it is a key."""
    if terms.creator.kind == "key":
        return None
    powers = [*(["give notice"] if "creator" in terms.cancel_by else [])]
    powers += ["waive what was not reached"] if terms.waiver_after_posix_ms is not None else []
    if powers:
        return (
            f"the creator is a script: whoever can spend there can {' and '.join(powers)}, also where"
            " it is meant for everybody to spend from"
        )
    return (
        "the creator is a script: nobody's key stands behind it, and once all is paid or can be taken"
        " back, anybody can end the distribution"
    )


def in_ada(lovelace: int) -> str:
    """An amount of lovelace as people read it, exact: `1.5 ADA`."""
    whole, rest = divmod(abs(lovelace), 1_000_000)
    digits = f"{whole}.{rest:06}".rstrip("0").rstrip(".")
    return f"{'-' if lovelace < 0 else ''}{digits} ADA"


def moment(posix_ms: int) -> str:
    """A moment of the chain as people read it."""
    return in_words(to_posix_seconds(posix_ms))


def _period(milliseconds: int) -> str:
    return duration_in_words(to_posix_seconds(milliseconds))


def _open(terms: Terms) -> str:
    if terms.creator.kind == "key":
        return "The creator opens it: their key signs, and locks what is promised."
    return "Whoever can spend from the creator's script opens it, and locks what is promised."


def _attest(terms: Terms) -> str:
    quorum, total = terms.quorum_threshold, len(terms.oracles)
    who = f"{quorum} of the {total} oracles together" if total > 1 else "The only oracle"
    return (
        f"{who} {'attest' if total > 1 else 'attests'} that a milestone is reached, at any time, even"
        " before anything vests. It can't be taken back."
    )


def _pay() -> str:
    return (
        "Anybody can pay out what is vested and attested. It goes to the beneficiary alone, and"
        " nobody can hold it up."
    )


def _close(terms: Terms) -> str:
    if terms.creator.kind == "key":
        return "Once all is paid, the creator's key takes the deposits back."
    return "Once all is paid, anybody can send the deposits to the refund address: a script isn't asked."


def _reclaim(terms: Terms) -> str:
    after = terms.reclaim_after_posix_ms
    if after is None and terms.cancel_by:
        return "At no set time can anything be taken back. Only a notice can end it before all is paid."
    if after is None:
        return "It is irrevocable: nobody can ever take back what is not claimed."
    if terms.creator.kind == "key":
        return (
            f"From {moment(after)} on the creator's key can take back all that is not claimed,"
            " whether it was reached or not."
        )
    return (
        f"From {moment(after)} on anybody can send all that is not claimed to the refund address,"
        " whether it was reached or not."
    )


def _cancel(terms: Terms) -> str:
    if not terms.cancel_by:
        return ""
    who = {"creator": "the creator", "quorum": "a quorum of the oracles"}
    named = " or ".join(who[each] for each in sorted(terms.cancel_by))
    alone = ", each alone," if len(terms.cancel_by) > 1 else ""
    return (
        f"{named[0].upper()}{named[1:]}{alone} can give notice at any time. Claims and attestations go"
        f" on for {_period(terms.grace_ms)}; from then on anybody can end the distribution, and what is"
        " not claimed returns to the refund address. A notice can't be withdrawn and doesn't expire:"
        " once its grace is over, the end may come at any time."
    )


def _refund(terms: Terms) -> str:
    if not terms.cancel_by and terms.creator.kind == "key":
        return ""
    datum = terms.refund.datum
    carried = "" if datum.inline is None and datum.hash is None else ", with a datum"
    return (
        "Where another than the creator's key ends it, everything returns to"
        f" {terms.refund.address}{carried}. Whoever ends it can't choose another address."
    )


def _waive(terms: Terms) -> str:
    after = terms.waiver_after_posix_ms
    if after is None:
        return ""
    return (
        f"From {moment(after)} on the creator alone can attest any milestone, without an oracle. It can"
        " only favour beneficiaries."
    )


def _propose(terms: Terms) -> str:
    if not terms.objectors:
        return ""
    bond = "" if not terms.bond_lovelace else f" with a bond of {in_ada(terms.bond_lovelace)}"
    some = "oracle objects" if terms.objectors == 1 else "oracles object"
    return (
        f"Anybody can propose that a milestone is reached{bond}. Unless {terms.objectors} {some}"
        f" within {_period(terms.review_ms)}, anybody can confirm it: it is attested, and the bond"
        " returns. Whoever objects says where the bond goes. A quorum can attest meanwhile."
    )


def _rotate(terms: Terms) -> str:
    if terms.rotatable is None:
        return ""
    return (
        "A quorum of the oracles can replace all oracles and the quorum, at any time and as often as"
        " they agree. The creator has no say in it."
    )


def _allowance(terms: Terms) -> str:
    if not terms.allowance_lovelace:
        return ""
    what = (
        "A payout in ADA needs no deposit, so all of it above the fee is wage."
        if terms.token == LOVELACE
        else "It repays the ADA that goes with the tokens, and the fee; what is left is wage."
    )
    amount = in_ada(terms.allowance_lovelace)
    return f"Whoever pays out takes {amount} from the vault for each claim. {what}"


def _stake(terms: Terms) -> str:
    if terms.staking is None:
        return ""
    return (
        f"Whoever holds the stake delegates the ADA in the vaults, votes with it and takes its rewards:"
        f" the {terms.staking.kind} {terms.staking.hash.hex()}. Nothing can be spent with it."
    )


def _nobody(terms: Terms) -> str:
    absent = (
        ("cancel it", not terms.cancel_by),
        ("attest without the oracles", _only_oracles(terms)),
        ("replace the oracles", terms.rotatable is None),
        ("take anything for paying out", not terms.allowance_lovelace),
        ("stake or vote with the ADA in it", terms.staking is None),
        ("change these terms", True),
    )
    named = [words for words, holds in absent if holds]
    listed = ", ".join(named[:-1]) + (" or " if len(named) > 1 else "") + named[-1]
    return f"Nobody can {listed}."


def _only_oracles(terms: Terms) -> bool:
    return terms.waiver_after_posix_ms is None and not terms.objectors
