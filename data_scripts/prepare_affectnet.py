"""Verify and prepare AffectNet: read, count against what was published, check, drop duplicates, split, align, pack.

Where: mohammadmahoor.com/affectnet; the agreement is signed by the head of the laboratory.
Licence: non-commercial research, no redistribution.
Layout, pack of 2017: DIR/Manually_Annotated_Images/<folder>/<56 hex>.<ending> and DIR/training.csv, DIR/validation.csv. Pack of 2021: DIR/{train_set,val_set}/images/<n>.jpg and
    annotations/<n>_{exp,val,aro,lnd}.npy. Copies with numbered folders are alphabetical more often than not: the counts tell, and `verify` says so.
A good run: 283,901 training images of seven classes (neutral 74,874, happiness 134,415, sadness 25,459, surprise 14,090, fear 6,378, disgust 3,803, anger 24,882), 3,750 more with contempt;
    500 of each class to validate, which papers call test. None, uncertain and non-face (8-10) leave with that reason; training.csv has one malformed row.
These are the published figures (the sources stand in fer_course.data.readers.affectnet and chapter 03_layouts_*). The set is gated: nobody here has run this script on the real one, only on
small trees that are built like it.

    python data_scripts/prepare_affectnet.py DIR --out _data/affectnet
    python data_scripts/prepare_affectnet.py DIR --out _data/affectnet --expressions neutral,happiness,sadness,surprise,fear,disgust,anger,contempt

OUT/manifest.parquet and OUT/images.npy are what training reads; OUT/dropped.parquet lists every image that left, with the step and the reason. Killed, it goes on where it stopped.
"""

import sys
from fer_course.app import prepare_published

if __name__ == "__main__":
    sys.exit(prepare_published("affectnet", __doc__))
