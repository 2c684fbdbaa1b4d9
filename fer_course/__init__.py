"fer_course: learn, teach and do facial expression recognition in the wild."
__version__ = "0.1.0"
