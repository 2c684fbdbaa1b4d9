"fer_course: learn, teach and do facial expression recognition in the wild."
import os
__version__ = "0.1.0"
os.environ.setdefault('GOMP_SPINCOUNT', '10000')   # read when PyTorch is loaded: its threads wait a moment for each other, then sleep; by default they spin on, and two programs on one machine eat each other's time
