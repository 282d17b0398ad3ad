"""`keys`: whose key files these are. Asks nobody."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from milestones.errors import InvalidInput
from milestones.keys.key_files import STAKE_KINDS, SigningKey
from milestones.keys.phrases import DerivationPath, Phrase
from milestones.services.results import Result


class KeysShown(Result):
    """Addresses by the names of their files less `.skey`; `generated` are those of new keys.

    Of a stake key it is the reward account. `key_hashes` (28 bytes each, hexadecimal) are what a native script
    names its members by.
    """

    key_hashes: dict[str, str]
    addresses: dict[str, str]
    generated: tuple[str, ...]


def show_keys(files: Sequence[Path], *, network_id: int, generate: bool = False) -> KeysShown:
    """Whom payment key files belong to; with `generate`, missing ones are made.

    `network_id` is that of the addresses: 1 on mainnet, 0 elsewhere. All files are read before one is
    made. Raises `InvalidKeyFile`, which names the file, and `InvalidInput` where two files have one name.
    """
    by_name = {file.stem: file for file in files}
    if len(by_name) < len(files):
        raise InvalidInput(
            "two of the files have the same name", path="files", hint="show one folder at a time"
        )
    keys = {
        name: SigningKey.load(file, may_stake=True)
        for name, file in by_name.items()
        if file.exists() or not generate
    }
    missing = tuple(name for name in by_name if name not in keys)
    for name in missing:
        keys[name] = SigningKey.generate()
        keys[name].save(by_name[name])
    return KeysShown(
        key_hashes={name: keys[name].key_hash.hex() for name in by_name},
        addresses={name: _address(keys[name], network_id) for name in by_name},
        generated=missing,
        warnings=tuple(
            f"every user of this machine can read {by_name[name]}: chmod 600 {by_name[name]}"
            for name, key in keys.items()
            if key.is_exposed
        ),
    )


def _address(key: SigningKey, network_id: int) -> str:
    is_stake = key.kind in STAKE_KINDS
    return str(key.stake_address(network_id) if is_stake else key.address(network_id))


def show_phrase_keys(
    phrase: Phrase, paths: Sequence[DerivationPath], *, network_id: int
) -> KeysShown:
    """What a wallet shows for these paths of its phrase, by path: to be compared before anything is signed.

    A device derives other keys from the same words, and some wallets begin elsewhere.
    """
    exposed = (
        ("every user of this machine can read the phrase: chmod 600",) if phrase.is_exposed else ()
    )
    return KeysShown(
        key_hashes={str(path): phrase.key(path).key_hash.hex() for path in paths},
        addresses={str(path): phrase.address(path, network_id) for path in paths},
        generated=(),
        warnings=exposed,
    )
