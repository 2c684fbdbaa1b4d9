r"""Verify and prepare AffectNet.

Where: mohammadmahoor.com/affectnet; the head of the laboratory signs the agreement.
Licence: non-commercial research, no redistribution.
Layout, pack of 2017: DIR/Manually_Annotated_Images/<folder>/<56 hex>.<ending> and
    DIR/training.csv, DIR/validation.csv.
Layout, pack of 2021: DIR/{train_set,val_set}/images/<n>.jpg and
    annotations/<n>_{exp,val,aro,lnd}.npy. Copies with numbered folders are alphabetical more often
    than not: `verify` compares the counts and reports it.
A good run: 283,901 training images of seven classes (neutral 74,874, happiness 134,415,
    sadness 25,459, surprise 14,090, fear 6,378, disgust 3,803, anger 24,882), 3,750 more with
    contempt; 500 of each class to validate, which papers call test. None, uncertain and non-face
    (8-10) are dropped with that reason; training.csv has one malformed row.

    python data_scripts/prepare_affectnet.py DIR --out _data/affectnet
    python data_scripts/prepare_affectnet.py DIR --out _data/affectnet \
        --expressions neutral,happiness,sadness,surprise,fear,disgust,anger,contempt
"""

import sys
from published import prepare

if __name__ == "__main__":
    sys.exit(prepare("affectnet", __doc__))
