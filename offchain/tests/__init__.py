"""The project's own tests. They stand on `milestones.testing`; `support` holds what only they need."""
