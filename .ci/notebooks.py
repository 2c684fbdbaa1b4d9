"""Run every notebook as `nbdev_test` does, but without the cells that pytest runs in tests/.

python .ci/notebooks.py [--workers 1]
"""

import argparse, sys
from nbdev.config import get_config
from nbdev.test import nbdev_test

TEST_CELLS = "test"


def main():
    "Run the notebooks; exit with status 1 if one fails"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=1, help="notebooks at a time")
    arguments = parser.parse_args()
    get_config().d["tst_flags"] += f" {TEST_CELLS}"
    try:
        nbdev_test(n_workers=arguments.workers, timing=True)
    except SystemExit as ended:
        sys.exit(ended.code)


if __name__ == "__main__":
    main()
