"""Verify and prepare RAF-AU: read, count against what was published, check, drop duplicates, split, align, pack.

Where: whdeng.cn/RAF/model3.html, with the same agreement as RAF-DB.
Licence: non-commercial research, no redistribution.
Layout: DIR/RAFAU_label.txt (`0001.jpg 1+2+L12+25`, `null` for none) and DIR/aligned/<stem>_aligned.jpg; or the list of 21 columns that AU-CVT's authors made of it.
A good run: 4,601 faces, 253 of them without any unit. There are no expressions: this is an auxiliary set. Its pictures are those of RAF-ML, and some are said to be in RAF-DB's test:
    prepare both in one run with --near-duplicates report and see leaks.parquet.
These are the published figures (the sources stand in fer_course.data.readers.affectnet and chapter 03_layouts_*). The set is gated: nobody here has run this script on the real one, only on
small trees that are built like it.

    python data_scripts/prepare_raf_au.py DIR --out _data/raf_au

OUT/manifest.parquet and OUT/images.npy are what training reads; OUT/dropped.parquet lists every image that left, with the step and the reason. Killed, it goes on where it stopped.
"""

import sys
from fer_course.app import prepare_published

if __name__ == "__main__":
    sys.exit(prepare_published("raf_au", __doc__))
