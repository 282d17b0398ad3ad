from milestones.cli.app import main

main()
