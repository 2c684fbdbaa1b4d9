"stub"


def badge(stem):
    return "[Open in Colab](https://colab.research.google.com/)"


def write_copies(root, out):
    pass
