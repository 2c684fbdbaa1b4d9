r"""Verify and prepare ABAW4 LSD.

Where: the organisers of the 4th ABAW competition (ECCV 2022, Learning from Synthetic Data); a
    person with a permanent post signs the agreement.
Licence: research only, no redistribution. The images are synthesised from frames of Aff-Wild2.
Layout: DIR/training_set_synthetic_images/{ANGRER,DISGUST,FEAR,HAPPINESS,SADNESS,SURPRISE}/*.jpg
    (the first is really spelled so), DIR/validation_set_real_images/ with the same folders, and a
    folder of test images beside LSD_Challenge_test_set_release.txt. The reports' subset of 43,435
    files, six folders without splits, is read too.
A good run: anger 18,286, disgust 15,150, fear 10,923, happiness 73,285, sadness 144,631,
    surprise 14,976 (277,251) to train on, 4,670 to validate, 106,120 unlabelled test images.
    The subset: 8,228, 2,651, 2,985, 9,113, 13,040, 7,418, of which 196 are dropped as duplicates
    (193 disgust, 2 fear, 1 surprise). By report S 34,591 of the others are for training and 8,648
    for the test; by report K, which drops none, 32,574 and 10,861 of all 43,435. Neither has a
    validation set; --valid .1 cuts one from training.

    python data_scripts/prepare_lsd.py DIR --out _data/lsd --align s --no-face keep \
        --split report_s --balance report_s
    python data_scripts/prepare_lsd.py DIR --out _data/lsd --align k --split report_k \
        --balance report_k

AU-CVT's best row, LSD and OpenFace's action units of the same images, with the published splits
(OpenFace's table names the images, such as ANGRER/0001.jpg; --valid 0 keeps every training image):

    python data_scripts/prepare_lsd.py DIR --out _data/lsd --attach-units openface.csv --valid 0
    fer-course train --data _data/lsd --preset paper --units openface --out _runs/lsd
"""

import sys
from published import prepare

if __name__ == "__main__":
    sys.exit(prepare("lsd", __doc__))
