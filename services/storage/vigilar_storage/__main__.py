"""`python -m vigilar_storage`."""

import gc
import sys


def main() -> int:
    if len(sys.argv) > 1:
        from vigilar_storage import cli

        return cli.main(sys.argv[1:])
    # Loading code makes hardly any garbage, but a collector that looks for it again and again takes a tenth of the
    # time to start; what is loaded then stays for good, so later collections need not look at it either.
    gc.disable()
    import uvicorn  # noqa: F401 here, so that `start` finds all its code loaded
    from vigilar_common.service import run

    from vigilar_storage import api  # noqa: F401
    from vigilar_storage.app import build

    gc.freeze()
    gc.enable()
    return run("storage", build)


if __name__ == "__main__":
    sys.exit(main())
