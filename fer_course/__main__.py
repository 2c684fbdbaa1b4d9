"`python -m fer_course` is the same as `fer-course`."

import sys

# Every Python 3 reads this file, so that old ones give a message and not a traceback.
OLDEST = (3, 10)
TOO_OLD = (
    "fer-course: Python %d.%d is too old: fer_course needs %d.%d or newer. Remedy: install Python "
    "3.12, then make PYTHON=/path/to/python3.12 run.\n"
)


STOPPED = "fer-course: stopped. Give the same command again to resume it.\n"


def main(arguments: list = None) -> int:
    "Carry out a command and return its exit status; `doctor` needs no package."
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    try:
        return _carried_out(arguments)
    except KeyboardInterrupt:  # also while packages are imported
        sys.stderr.write(STOPPED)
        return 130


def _carried_out(arguments):
    old = sys.version_info < OLDEST
    if arguments[:1] == ["doctor"] and sys.version_info >= (3, 8):
        from fer_course.app.doctor import main as carry_out

        return carry_out(arguments[1:])
    if old:
        sys.stderr.write(TOO_OLD % (sys.version_info[:2] + OLDEST))
        return 1
    from fer_course.app.cli import main as carry_out

    return carry_out(arguments)


if __name__ == "__main__":
    sys.exit(main())
