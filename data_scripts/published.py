"""The part that the scripts prepare_<dataset>.py share: their notes, and the call."""

from fer_course.app import prepare_published

NOTES = """
The steps: read, count against what was published, check, drop duplicates, split, align, pack.
The sources of the published figures are in fer_course.data.published_counts. The set is gated: this
script was run on small trees that are built like the set, not yet on the set itself.

OUT/manifest.parquet and OUT/images.npy are what training reads. OUT/dropped.parquet lists every
dropped image with the step and the reason. The same command continues a run that was killed.
"""


def prepare(
    reader: str,  # a key of `fer_course.data.READERS`
    description: str,  # docstring of the script, shown by --help together with `NOTES`
) -> int:  # exit status, 1 if the counts are not the published ones
    "Verify and prepare a published dataset with the arguments of the command line."
    return prepare_published(reader, description + NOTES)
