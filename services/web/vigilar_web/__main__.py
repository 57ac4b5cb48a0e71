"""`python -m vigilar_web`, and the verbs that the `vigilar` command hands to it."""

import sys


def main() -> int:
    if len(sys.argv) > 1:
        from vigilar_web import users_cli

        return users_cli.main(sys.argv[1:])
    from vigilar_web.app import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
