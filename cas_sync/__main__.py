"""`python -m cas_sync` is the command line; without arguments it shows its help."""

from cas_sync.cli.main import start

if __name__ == "__main__":
    start()
