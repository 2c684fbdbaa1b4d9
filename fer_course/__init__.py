"fer_course: learn, teach and do facial expression recognition in the wild."

import os

__version__ = "0.2.0"

# PyTorch's OpenMP threads read this variable when PyTorch is loaded. They wait a moment for each
# other, then sleep. By default they spin, and two programs on one machine slow each other down.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")
