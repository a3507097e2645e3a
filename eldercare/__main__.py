"""`python -m eldercare`: the command line."""

from eldercare.cli import main

if __name__ == "__main__":
    main()
