"`python -m fer_course` is the same as `fer-course`."
from .cli import main

if __name__ == '__main__': main()
