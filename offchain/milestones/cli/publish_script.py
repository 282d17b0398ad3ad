"""`milestones publish-script`: the contract's scripts, once per network."""

from __future__ import annotations

import typer

import milestones
from milestones.cli.options import DryRun, SigningKeyPath, Wait
from milestones.cli.session import session_of


def publish_script(
    context: typer.Context,
    signing_key_path: SigningKeyPath = None,
    dry_run: DryRun = False,
    wait: Wait = False,
) -> None:
    """Publish the contract's scripts, once per network, for everybody's use."""
    session = session_of(context)
    key = session.signing_key(signing_key_path)
    session.perform(
        lambda backend: milestones.publish_script(backend, key=key, dry_run=dry_run, wait=wait)
    )
