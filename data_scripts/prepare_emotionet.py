"""Verify and prepare EmotioNet.

Where: cbcsl.ece.ohio-state.edu (EmotioNet challenge); a member of staff signs the form. The set is
    a list of addresses and labels; the pictures are downloaded from there, and many no longer
    exist.
Licence: non-commercial research; the pictures belong to the owners of their pages.
Layout: DIR/dataFile_XXXX.txt (1.2) or DIR/EmotioNet_FACS_aws_2020_24600.csv (2020) and the
    pictures below DIR. The script detects which picture belongs to which line and reports the rule.
A good run: 24,600 lines of the 2020 list, less one dropped line for each image that can no
    longer be downloaded. 999 means unlabelled and is never read as 0.

    python data_scripts/prepare_emotionet.py DIR --out _data/emotionet
"""

import sys
from published import prepare

if __name__ == "__main__":
    sys.exit(prepare("emotionet", __doc__))
