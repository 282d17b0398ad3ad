"""Options that several commands share, and how their texts and files are read."""

from __future__ import annotations

import binascii
import re
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer

import milestones
from milestones import documents
from milestones.domain.posix_time import read_moment
from milestones.errors import InvalidAddress, InvalidEncoding, InvalidInput

SigningKeyPath = Annotated[
    Path | None,
    typer.Option(
        "--signing-key-path",
        help="Payment key (.skey) that pays and signs; else MILESTONES_SIGNING_KEY, or the configured one.",
        show_default=False,
    ),
]
PayerElsewhere = Annotated[
    str | None,
    typer.Option(
        "--payer",
        metavar="ADDRESS|FILE",
        help="With --unsigned-out: whose outputs pay, and where change returns. A committee's is its"
        " native script's JSON file.",
        show_default=False,
    ),
]
PayerAccount = Annotated[
    bool,
    typer.Option(
        "--payer-account",
        help="With --payer ADDRESS: outputs at all addresses with its staking part pay, as a wallet's with"
        " many keys. Change returns to the address.",
    ),
]
UnsignedOut = Annotated[
    Path | None,
    typer.Option(
        "--unsigned-out",
        help="Send nothing: write the transaction into a file, to be signed elsewhere.",
        show_default=False,
    ),
]
ValidFor = Annotated[
    str | None,
    typer.Option(
        "--valid-for",
        help="With --unsigned-out: how long it can be signed and sent, such as 6h or 2d; else 2h. What it"
        " needs stays reserved as long.",
        show_default=False,
    ),
]
CollateralFrom = Annotated[
    str | None,
    typer.Option(
        "--collateral",
        metavar="ADDRESS",
        help="With a committee: a key's address that puts up the collateral, and signs, too.",
        show_default=False,
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Build, check and show everything, and submit nothing.")
]
Yes = Annotated[
    bool, typer.Option("--yes", help="Don't ask on a terminal before anything is signed and sent.")
]
Wait = Annotated[bool, typer.Option("--wait", help="Return once a block has it.")]
ContractAddress = Annotated[
    str,
    typer.Option(
        "--contract-address",
        help="The distribution's address, or <address>#<id>.",
        show_default=False,
    ),
]
ServedSeries = Annotated[
    str | None,
    typer.Option(
        "--series",
        help="A series that it serves, by its root or the beginning of it: all of its distributions.",
        show_default=False,
    ),
]
SeriesName = Annotated[
    str | None,
    typer.Option(
        "--series",
        help="Instead of one distribution: a series, by its root or the beginning of it. Every distribution"
        " that the command has to do with, one after the other.",
        show_default=False,
    ),
]
MilestoneIdentifier = Annotated[
    str, typer.Option("--milestone-identifier", help="The milestone.", show_default=False)
]
ClaimFilePath = Annotated[
    Path | None,
    typer.Option("--claim-file", help="The beneficiary's file of a private distribution."),
]
ScriptBeneficiaries = Annotated[
    bool, typer.Option("--allow-script-beneficiaries", help="Scripts may be beneficiaries.")
]
OptionalContractAddress = Annotated[
    str | None,
    typer.Option("--contract-address", help="The distribution's address, or <address>#<id>."),
]
AnchorUrl = Annotated[
    str | None,
    typer.Option(
        "--anchor",
        metavar="URL",
        help="Name a document in the transaction's metadata: where it is.",
    ),
]
AnchorHash = Annotated[
    str | None,
    typer.Option("--anchor-hash", metavar="HEX", help="The document's blake2b-256, hexadecimal."),
]
AnchorFile = Annotated[
    Path | None, typer.Option("--anchor-file", help="Instead of its hash: the document itself.")
]
OptionalMilestone = Annotated[
    str | None, typer.Option("--milestone-identifier", help="The milestone.", show_default=False)
]
EvidenceFile = Annotated[
    Path | None, typer.Option(help="A report; blake2b-256 of the file is the evidence hash.")
]
EvidenceHash = Annotated[
    str | None, typer.Option(help="The evidence hash itself, hexadecimal, up to 64 bytes.")
]
VerificationTimestamp = Annotated[
    str | None,
    typer.Option(help="When the milestone was reached: POSIX seconds or ISO; default now."),
]
SaidAt = Annotated[
    str | None,
    typer.Option(
        "--said-at",
        help="When it is said: POSIX seconds or ISO, still to come.",
        show_default=False,
    ),
]
Signatures = Annotated[
    Path | None,
    typer.Option(
        "--signatures", help="JSON file that `oracle sign --output` wrote.", show_default=False
    ),
]
OracleKeys = Annotated[
    list[str] | None,
    typer.Option(
        "--oracle-keys",
        metavar="FILE|HEX",
        help="Verification keys (.vkey, or 64 hex digits) of oracles whose entry has none; repeated, or"
        " with commas.",
        show_default=False,
    ),
]
PhraseFile = Annotated[
    Path | None,
    typer.Option(
        "--phrase-file",
        help="A file with a wallet's phrase of 12 to 24 words; - is standard input.",
        show_default=False,
    ),
]
DerivationPaths = Annotated[
    list[str] | None,
    typer.Option(
        "--path",
        help="Which key of the phrase; may be given repeatedly. Default: m/1852'/1815'/0'/0/0.",
        show_default=False,
    ),
]
Decimals = Annotated[
    int | None,
    typer.Option(
        "--decimals",
        help="In a table: how many digits of an amount stand behind the decimal mark (ADA has 6); else"
        " amounts are whole numbers of the smallest unit.",
        show_default=False,
    ),
]
DecimalMark = Annotated[
    Literal[".", ","] | None,
    typer.Option(
        "--decimal-mark",
        help="In a table: what stands before the decimals, where 1,000 could be read in two ways.",
        show_default=False,
    ),
]


def derivation_paths(texts: list[str] | None) -> list[milestones.DerivationPath]:
    """The paths that `--path` names; without any, the first address of the first account."""
    return [milestones.DerivationPath.parse(each) for each in texts or ["m/1852'/1815'/0'/0/0"]]


def distribution(text: str) -> milestones.Address | milestones.DistributionName:
    """The distribution that `--contract-address` names. Raises `InvalidAddress` that names the option."""
    try:
        return milestones.parse_contract_address(text)
    except InvalidAddress as error:
        raise InvalidAddress(error.reason, path="contract_address", hint=error.hint) from None


def address(text: str, option: str) -> milestones.Address:
    """An address that was given on the command line. Raises `InvalidAddress` that names the option."""
    try:
        return milestones.Address.from_bech32(text.strip())
    except InvalidAddress as error:
        raise InvalidAddress(error.reason, path=option, hint=error.hint) from None


def is_address(text: str) -> bool:
    """Whether this is meant to be an address, and no file's name."""
    return text.strip().lower().startswith("addr")


def native_script(path: str, option: str) -> dict[str, Any]:
    """A native script's JSON file. Raises `InvalidInput` that names the option."""
    return documents.read_object(Path(path), documents.NATIVE_SCRIPT, option, InvalidInput)


def hexadecimal(text: str, option: str) -> bytes:
    """Bytes that were given in hexadecimal. Raises `InvalidEncoding` that names the option."""
    try:
        return binascii.unhexlify(text.strip())
    except ValueError:
        raise InvalidEncoding(
            f"{text[:40]!r} is not hexadecimal",
            path=option,
            hint="write two of 0-9 and a-f for each byte",
        ) from None


def anchor_of(
    url: str | None, digest: str | None, file: Path | None, *, evidence_hash: bytes = b""
) -> milestones.Anchor | None:
    """The document that the anchor's options name; None without any. Raises `InvalidInput`.

    A URL alone is where the evidence is, if there is any.
    """
    if url is not None and evidence_hash and not digest and not file:
        return milestones.Anchor(url, evidence_hash)
    if url is None and digest is None and file is None:
        return None
    if url is None or (digest is None) == (file is None):
        raise InvalidInput(
            "an anchor is a URL and the document's hash",
            path="anchor",
            hint="give --anchor URL with --anchor-hash HEX, or with --anchor-file FILE",
        )
    if file is not None:
        return milestones.Anchor(url, file_hash(file, "anchor_file"))
    return milestones.Anchor(url, hexadecimal(digest or "", "anchor_hash"))


def file_hash(file: Path, option: str) -> bytes:
    """blake2b-256 of a file. Raises `InvalidInput` that names the option."""
    try:
        return milestones.evidence_hash_of(file)
    except InvalidInput as error:
        raise InvalidInput(error.reason, path=option, hint=error.hint) from None


def asset_name(text: str, option: str) -> str:
    """A token's name in hexadecimal, out of text or of `0x` and hexadecimal. Raises `InvalidInput`."""
    if text[:2].lower() != "0x":
        return text.encode().hex()
    try:
        return binascii.unhexlify(text[2:]).hex()
    except ValueError:
        raise InvalidInput(
            f"{text[:80]!r} is not hexadecimal after 0x",
            path=option,
            hint="write the name as text, or 0x and two hexadecimal digits a byte",
        ) from None


def moment(text: str, option: str) -> int:
    """POSIX seconds out of a number of seconds, or an ISO 8601 time; without an offset it is UTC."""
    if re.fullmatch(r"-[0-9]{1,18}", text):
        return int(text)
    try:
        return read_moment(text, without_zone="Z")
    except ValueError as error:
        raise InvalidInput(
            f"{text[:40]!r} {error}",
            path=option,
            hint="write POSIX seconds, or a UTC time such as 2027-06-30T12:00:00Z",
        ) from None


def duration(text: str, option: str) -> int:
    """Seconds out of a number of seconds, or days, hours, minutes and seconds such as `14d` or `1d12h`."""
    if re.fullmatch(r"-?\d{1,12}", text):
        return int(text)
    parts = re.fullmatch(r"(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?", text)
    if parts is None or not text:
        raise InvalidInput(
            f"{text[:40]!r} is not a period",
            path=option,
            hint="write seconds, or a period such as 14d, 36h or 1d12h",
        )
    lengths = (86_400, 3_600, 60, 1)
    return sum(int(part) * length for part, length in zip(parts.groups("0"), lengths, strict=True))


_ADA: Final = re.compile(r"\d{1,11}(\.\d{1,6})?")


def lovelace(text: str, option: str) -> int:
    """Lovelace out of ADA, exactly. Raises `InvalidInput` that names the option."""
    if _ADA.fullmatch(text.strip()) is None:
        raise InvalidInput(
            f"{text[:40]!r} is no amount of ADA",
            path=option,
            hint="write digits, and up to six more behind a point, such as 250 or 0.75",
        )
    return int(Decimal(text.strip()) * 1_000_000)


def optional_lovelace(text: str | None, option: str) -> int | None:
    """As `lovelace`; None where nothing is given."""
    return None if text is None else lovelace(text, option)


def optional_moment(text: str | None, option: str) -> int | None:
    """As `moment`; None where nothing is given."""
    return None if text is None else moment(text, option)


def missing(options: Sequence[str], hint: str) -> InvalidInput:
    """The error for options that are needed and not given, all at once; they are named as fields."""
    names = ["--" + option.replace("_", "-") for option in options]
    return InvalidInput(
        f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} missing",
        path=options[0],
        hint=hint,
        details={"missing": names},
    )


def oracle_keys(given: list[str] | None) -> list[bytes]:
    """The oracles' verification keys (32 bytes each) that an option names. Raises `InvalidKeyFile`."""
    texts = [part.strip() for text in given or () for part in text.split(",") if part.strip()]
    return [milestones.read_verification_key(text) for text in texts]


def evidence(file: Path | None, digest: str | None) -> bytes:
    """The evidence hash, of a file or as it is given; empty where neither is. Raises `InvalidInput`."""
    if file is not None and digest is not None:
        raise InvalidInput(
            "the evidence is given twice",
            path="evidence_hash",
            hint="give --evidence-file or --evidence-hash",
        )
    if file is not None:
        return milestones.evidence_hash_of(file)
    return b"" if digest is None else hexadecimal(digest, "evidence_hash")


def read_schedule(path: Path) -> milestones.MilestoneSchedule:
    """The schedule in a file. Raises `InvalidSchedule` with a path for each field of a wrong type."""
    raw = documents.read_object(path, documents.SCHEDULE, "schedule", InvalidInput)
    return milestones.parse_schedule(raw)


def read_claim_file(path: Path | None) -> milestones.ClaimFile | None:
    """A beneficiary's claim file; None where none is given."""
    if path is None:
        return None
    raw = documents.read_object(path, documents.CLAIM_FILE, "claim_file", InvalidInput)
    return milestones.parse_claim_file(raw)
