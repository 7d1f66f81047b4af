"""`python -m firewright`: the command line."""

from firewright.cli.main import main

if __name__ == "__main__":
    main()
