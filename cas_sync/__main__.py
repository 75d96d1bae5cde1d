"""`python -m cas_sync` is the command line."""

from cas_sync.cli.main import main

if __name__ == "__main__":
    main()
