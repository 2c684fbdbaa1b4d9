"""Verify and prepare RAF-AU.

Where: whdeng.cn/RAF/model3.html, with the same agreement as RAF-DB.
Licence: non-commercial research, no redistribution.
Layout: DIR/RAFAU_label.txt (`0001.jpg 1+2+L12+25`, `null` for none) and
    DIR/aligned/<stem>_aligned.jpg; or the list of 21 columns that AU-CVT's authors made of it.
A good run: 4,601 faces, 253 of them without any unit. There are no expressions: this is an
    auxiliary set. Its pictures are those of RAF-ML, and some are reported to be in RAF-DB's test
    set: prepare both in one run with --near-duplicates report and see leaks.parquet.

The first command prepares both sets for AU-CVT or AU-ViT: all 4,601 faces teach action units,
except those whose bytes are in RAF-DB's validation or test set. The second prepares RAF-AU alone,
whole, for "fer-course train --auxiliary".

    fer-course prepare --target RAF-DB --reader rafdb --auxiliary DIR --auxiliary-reader raf_au \
        --near-duplicates report --out _data/rafdb
    python data_scripts/prepare_raf_au.py DIR --out _data/raf_au --valid 0 --test 0
"""

import sys
from published import prepare

if __name__ == "__main__":
    sys.exit(prepare("raf_au", __doc__))
