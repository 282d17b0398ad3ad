"""`python -m milestones` is the console command `milestones`."""

from milestones.cli.app import main

main()
