"""Distributions whose terms the program would never write, opened all the same."""

from __future__ import annotations

from typing import Any

from milestones.cardano import plutus_data
from milestones.cardano.plutus_data import PlutusData
from milestones.protocol.distribution import Distribution
from milestones.protocol.terms import Terms
from milestones.testing.contract import opened_by
from milestones.testing.proceedings import Proceedings
from milestones.transactions.contract_drafts import open_draft
from milestones.transactions.draft import TransactionDraft
from tests.support.creators import Creator
from tests.support.hostile import Edit, replaced
from tests.support.scenes import GOVERNED, Scene


class RawTerms(Terms):
    """Terms as somebody wrote them: another datum than the one that these fields make."""

    __slots__ = ("raw",)
    raw: PlutusData

    @classmethod
    def written(cls, terms: Terms, raw: PlutusData) -> RawTerms:
        """These terms, with this datum."""
        fields: dict[str, Any] = {name: getattr(terms, name) for name in Terms.__dataclass_fields__}
        made = cls(**fields)
        object.__setattr__(made, "raw", raw)
        return made

    def encode(self) -> bytes:
        """The datum's bytes."""
        return plutus_data.encode(self.raw)


def raw_distribution(
    scene: Scene, path: tuple[int, ...], value: PlutusData | Edit, **terms: object
) -> Distribution:
    """Terms that allow everything, with one place of their datum changed; all else agrees."""
    known = scene.other(**{**GOVERNED, **terms})
    raw = RawTerms.written(known.terms, replaced(known.terms.to_data(), path, value))
    return scene.with_terms(raw)


def raw_opening(
    scene: Scene, path: tuple[int, ...], value: PlutusData | Edit, **terms: object
) -> TransactionDraft:
    """Opens it."""
    return open_draft(raw_distribution(scene, path, value, **terms), scripts=scene.harness.scripts)


def opened_raw(
    scene: Scene,
    path: tuple[int, ...],
    value: PlutusData | Edit,
    creator: Creator | None = None,
    **terms: object,
) -> Proceedings:
    """Opened, by a creator who consents."""
    if creator is not None:
        terms["creator"] = creator.credential
    distribution = raw_distribution(scene, path, value, **terms)
    draft = open_draft(distribution, scripts=scene.harness.scripts)
    if creator is not None and creator.script is not None:
        draft = creator.consenting(scene.harness, draft)
    return Proceedings(opened_by(scene.harness, distribution, scene.harness.send(draft)))
