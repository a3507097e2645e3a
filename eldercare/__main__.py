"""`python -m eldercare`: the command line."""

from eldercare.tools.cli.commands import main

if __name__ == "__main__":
    main()
