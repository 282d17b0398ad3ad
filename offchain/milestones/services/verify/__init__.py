"""`verify`: audits a distribution from the chain alone, before anybody trusts it."""

from milestones.services.verify.command import Verified, verify

__all__ = ["Verified", "verify"]
