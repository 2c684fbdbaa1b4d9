"`python -m fer_course` is the same as `fer-course`."

import sys
from .app.cli import main

if __name__ == "__main__":
    sys.exit(main())
