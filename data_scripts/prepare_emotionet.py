"""Verify and prepare EmotioNet: read, count against what was published, check, drop duplicates, split, align, pack.

Where: cbcsl.ece.ohio-state.edu (EmotioNet challenge); the form is signed by a member of staff. One gets addresses of pictures and labels, and downloads the pictures oneself; many are gone.
Licence: non-commercial research; the pictures belong to whoever put them on the web.
Layout: DIR/dataFile_XXXX.txt (1.2) or DIR/EmotioNet_FACS_aws_2020_24600.csv (2020) and the pictures below DIR. Which picture belongs to which line is found out and said.
A good run: 24,600 lines of the 2020 list, less one `there is no such image` for each address that could not be downloaded any more. 999 means unlabelled and is never read as 0.
These are the published figures (the sources stand in fer_course.data.readers.affectnet and chapter 03_layouts_*). The set is gated: nobody here has run this script on the real one, only on
small trees that are built like it.

    python data_scripts/prepare_emotionet.py DIR --out _data/emotionet

OUT/manifest.parquet and OUT/images.npy are what training reads; OUT/dropped.parquet lists every image that left, with the step and the reason. Killed, it goes on where it stopped.
"""

import sys
from fer_course.app import prepare_published

if __name__ == "__main__":
    sys.exit(prepare_published("emotionet", __doc__))
