"""A key that is planted is nowhere to be found: in no output, log, journal, file or error."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path

import pytest

from milestones.cardano import cbor
from milestones.errors import MilestonesError
from milestones.keys.key_files import EXTENDED, PAYMENT, SigningKey
from milestones.keys.phrases import DerivationPath, Phrase
from milestones.services.transaction.files import transaction_in
from milestones.testing.world import World

PHRASE = "test walk nut penalty hip pave soap entry language right filter choice"


def forms(secret: bytes) -> list[bytes]:
    """How a secret could be written: as it is, in hexadecimal, as Python shows bytes, in Base64."""
    parts = [secret[start : start + 16] for start in range(0, len(secret) - 15, 16)]
    shown = [repr(part)[2:-1].encode() for part in parts]
    return [*parts, *(part.hex().encode() for part in parts), *shown, b64encode(secret)[:20]]


def found_in(folder: Path, secret: bytes, *, but: set[str]) -> list[str]:
    files = [each for each in folder.rglob("*") if each.is_file() and each.name not in but]
    assert files
    return [str(each) for each in files if any(form in each.read_bytes() for form in forms(secret))]


@pytest.mark.parametrize("kind", [PAYMENT, EXTENDED])
async def test_a_planted_key_is_in_no_output_and_no_file(world: World, kind: str) -> None:
    """Whatever the commands do with it, whatever is wrong with it, and with all that a log can have."""
    path = DerivationPath.parse("m/1852'/1815'/0'/0/0")
    key = SigningKey.generate() if kind == PAYMENT else Phrase.parse(PHRASE).key(path)
    secret = key._secret[:64]
    plant = world.directory / "plant.skey"
    key.save(plant)
    world.pay(key.address(0), 500_000_000)
    damaged = json.loads(plant.read_text())
    hexadecimal = damaged["cborHex"]
    spoilt = {
        "half.skey": plant.read_text()[:-30],
        "long.skey": json.dumps({**damaged, "cborHex": hexadecimal + "00"}),
        "odd.skey": json.dumps({**damaged, "cborHex": hexadecimal[:-1]}),
        "list.skey": json.dumps({**damaged, "cborHex": "82" + hexadecimal * 2}),
        "other.skey": json.dumps({**damaged, "type": "VrfSigningKey_PraosVRF"}),
        "twice.skey": plant.read_text()[:-2] + ', "cborHex": "' + hexadecimal + '"}',
        "bare.skey": hexadecimal,
        "quoted.skey": json.dumps(hexadecimal),
        "binary.skey": "",
    }
    for name, text in spoilt.items():
        (world.directory / name).write_text(text)
    (world.directory / "binary.skey").write_bytes(cbor.encode_bytes(key._secret))
    log = ("-vv", "--log-file", "log", "--log-format", "json")
    runs = [
        await world.cli(*log, "publish-script", "--signing-key-path", str(plant), "--wait"),
        await world.cli(*log, "keys", str(plant)),
        await world.cli(*log, "transaction", "submit", str(plant)),
        await world.cli(*log, "transaction", "show", str(plant)),
    ]
    assert [run.exit_code for run in runs] == [0, 0, 2, 2], [run.stderr for run in runs]
    for name in spoilt:
        for read in (SigningKey.load, transaction_in):
            with pytest.raises(MilestonesError) as caught:
                read(world.directory / name)
            said = str(caught.value.to_json()).encode() + repr(caught.value.args).encode()
            assert not any(form in said for form in forms(secret)), (name, read)
    for run in runs:
        printed = (run.stdout + run.stderr).encode()
        assert not any(form in printed for form in forms(secret))
        assert "Traceback" not in run.stderr
    assert found_in(world.directory, secret, but={"plant.skey", *spoilt}) == []


async def test_a_planted_phrase_is_in_no_output(world: World) -> None:
    file = world.directory / "words"
    words = PHRASE.split()
    for text in (PHRASE, PHRASE.replace("pave", "paev"), " ".join(reversed(words)), PHRASE[:-7]):
        file.write_text(text)
        run = await world.cli("-vv", "--log-file", "log", "keys", "--phrase-file", str(file))
        assert run.exit_code == (0 if text == PHRASE else 2)
        printed = run.stdout + run.stderr + (world.directory / "log").read_text()
        assert not any(word in printed for word in ("penalty", "paev", "nut ", "walk "))
        refused = await world.cli("keys", str(file))
        assert refused.exit_code == 2
        assert "penalty" not in refused.stdout + refused.stderr
