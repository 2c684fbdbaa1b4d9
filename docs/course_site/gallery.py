"stub"


def gallery_cells(root):
    return set()


def describe_output(notebook, index):
    return "Figure"


def cell_anchor(i):
    return "cell-" + i[:8]


def write_gallery(root, source):
    return []
