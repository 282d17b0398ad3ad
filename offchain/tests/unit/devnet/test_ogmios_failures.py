"""How the ledger's failures are answered: each has a code, and the most urgent one is reported."""

from __future__ import annotations

import pytest

from milestones.devnet.chain import ALL_INPUTS_SPENT
from milestones.devnet.ledger import failures, staking_failures
from milestones.devnet.ledger.failures import (
    FeeTooSmallUTxO,
    InputSetEmptyUTxO,
    LedgerFailure,
    MaxTxSizeUTxO,
    MissingVKeyWitnessesUTXOW,
    NoCollateralInputs,
    TransactionRejected,
    Unsupported,
)
from milestones.devnet.ledger.rules import check
from milestones.devnet.ledger.transaction import decode_transaction
from milestones.devnet.ogmios.failures import ANSWERS, PRIORITY, rpc_failure
from milestones.devnet.ogmios.messages import message
from milestones.devnet.ogmios.rpc import MISSING
from tests.support.raw_transactions import BOB, payment


def test_every_failure_of_the_ledger_has_an_answer() -> None:
    known = (*vars(failures).values(), *vars(staking_failures).values())
    kinds = {each for each in known if isinstance(each, type)}
    named = {each for each in kinds if issubclass(each, LedgerFailure)} - {LedgerFailure}
    assert named == ANSWERS.keys()


def test_codes_are_reported_in_ogmios_order() -> None:
    """Source: Ogmios' `SubmitTxError`, `pickPredicateFailure`, of the codes that this chain has."""
    submission = (
        *(-32602, 3997, 3164, 3139, 3118, 3120, 3121, 3124, 3126, 3130, 3144, 3145, 3146),
        *(3152, 3153, 3170, 3143, 3166, 3114, 3117, 3129, 3140, 3113),
        *(3105, 3106, 3107, 3108, 3100, 3101, 3115, 3116, 3102, 3109, 3111, 3004, 3103),
        *(3104, 3110, 3112, 3131, 3132, 3133, 3141, 3147, 3150, 3135, 3151),
        *(3125, 3128, 3119, 3134, 3122, 3123, 3136),
    )
    assert PRIORITY[: len(submission)] == submission
    assert set(PRIORITY[len(submission) :]) == {3010, 3011, 3012, 3013}


def test_the_ledger_reports_all_that_is_wrong_and_ogmios_the_most_urgent() -> None:
    draft = payment()
    draft.fee, draft.keys = 1, [BOB]
    with pytest.raises(TransactionRejected, match=r"MissingVKey.*FeeTooSmall") as rejected:
        check(decode_transaction(draft.seal()), draft.known(), draft.environment)
    unsigned, cheap = rejected.value.failures
    assert isinstance(unsigned, MissingVKeyWitnessesUTXOW)
    assert isinstance(cheap, FeeTooSmallUTxO)
    assert cheap.provided_lovelace == 1
    assert rpc_failure(rejected.value).rpc_code == 3101
    answer = rpc_failure(TransactionRejected(cheap))
    assert answer.message.startswith("Insufficient fee!")
    assert answer.data["minimumRequiredFee"] == {"ada": {"lovelace": cheap.required_lovelace}}


@pytest.mark.parametrize("failure", [InputSetEmptyUTxO(), NoCollateralInputs()])
def test_what_ogmios_gives_no_data_for_has_none(failure: LedgerFailure) -> None:
    assert rpc_failure(TransactionRejected(failure)).data is MISSING


def test_of_equally_urgent_failures_the_first_is_reported() -> None:
    first, second = Unsupported("votes {f}"), Unsupported("withdrawals")
    answer = rpc_failure(TransactionRejected(MaxTxSizeUTxO(2, 1), first, second))
    assert answer.data == {"error": "not supported by this chain: votes {f}"}


@pytest.mark.parametrize(
    ("version", "words"),
    [
        (
            "6.14.0",
            "A transaction was rejected due to custom rules that prevented it from entering the mempool. "
            "A justification is given as 'data.error'.",
        ),
        (
            "7.0.0",
            "The transaction couldn't be added to the mempool. A justification is given as 'data.error'.",
        ),
    ],
)
def test_what_has_come_before_is_refused_in_the_version_s_own_words(
    version: str, words: str
) -> None:
    """Published clients compare these words, to know that a transaction is in already."""
    answer = rpc_failure(TransactionRejected(ALL_INPUTS_SPENT), version)
    assert (answer.rpc_code, answer.message) == (3997, words)
    error = "All inputs are spent. Transaction has probably already been included"
    assert answer.data == {"error": error}


def test_every_code_has_its_words_in_both_versions() -> None:
    for code in {answer.code for answer in ANSWERS.values()}:
        for version in ("6.14.0", "7.0.0"):
            assert len(message(code, version)) > 20
