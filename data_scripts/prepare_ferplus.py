"""Verify and prepare FERPlus: read, count against what was published, check, drop duplicates, split, align, pack.

Where: the labels are fer2013new.csv of github.com/microsoft/FERPlus; the pictures are fer2013.csv of Kaggle's "Challenges in Representation Learning", to be downloaded with an account there.
Licence: labels MIT; pictures as in the terms of the challenge.
Layout: DIR/FER2013Train, FER2013Valid, FER2013Test with fer0000000.png and label.csv, as FERPlus' generate_training_data.py leaves them; or, before that, DIR/fer2013.csv and
    DIR/fer2013new.csv: `python -c "from fer_course.data.readers.affectnet import write_fer2013_images as w; w('DIR', 'DIR')"` writes the pictures.
A good run, rule majority: 25,060 to train, 3,199 to validate, 3,153 to test, of 35,887. 173 rows leave without a picture's name (148, 10, 15), 4,302 because no class has more than half of the
    votes or because unknown or no face has. (28,236 and 3,137 come from another rule, that of RAN's lists: see --rule.)
These are the published figures (the sources stand in fer_course.data.readers.affectnet and chapter 03_layouts_*). The set is gated: nobody here has run this script on the real one, only on
small trees that are built like it.

    python data_scripts/prepare_ferplus.py DIR --out _data/ferplus --rule majority --expressions neutral,happiness,surprise,sadness,anger,disgust,fear,contempt
    python data_scripts/prepare_ferplus.py DIR --out _data/ferplus --rule probability

OUT/manifest.parquet and OUT/images.npy are what training reads; OUT/dropped.parquet lists every image that left, with the step and the reason. Killed, it goes on where it stopped.
"""

import sys
from fer_course.app import prepare_published

if __name__ == "__main__":
    sys.exit(prepare_published("ferplus", __doc__))
