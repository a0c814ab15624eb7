"""The picture."""


def write_page(report, path):
    pass
