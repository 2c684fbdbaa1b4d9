"The generated site of the course: notebooks in, Sphinx pages out."
