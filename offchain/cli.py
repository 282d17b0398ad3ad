"""`python cli.py`: the command line, as `milestones`."""

from milestones.cli.app import main

main()
