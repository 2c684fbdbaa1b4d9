r"""Verify and prepare FERPlus.

Where: the labels are fer2013new.csv of github.com/microsoft/FERPlus; the pictures are fer2013.csv
    of Kaggle's "Challenges in Representation Learning", which needs an account there.
Licence: labels MIT; pictures as in the terms of the challenge.
Layout: DIR/FER2013Train, FER2013Valid, FER2013Test with fer0000000.png and label.csv, as FERPlus'
    generate_training_data.py leaves them; or, before that, DIR/fer2013.csv and DIR/fer2013new.csv.
    This command writes the pictures:
    python -c "from fer_course.data import write_fer2013_images as w; w('DIR', 'DIR')"
A good run, rule majority: 25,060 to train, 3,199 to validate, 3,153 to test, of 35,887. Dropped are
    173 rows without a picture's name (148, 10, 15), and 4,302 because no class has more than half
    of the votes or because unknown or no face has. (28,236 and 3,137 come from a different rule,
    that of RAN's lists: see --rule.)

    python data_scripts/prepare_ferplus.py DIR --out _data/ferplus --rule majority \
        --expressions neutral,happiness,surprise,sadness,anger,disgust,fear,contempt
    python data_scripts/prepare_ferplus.py DIR --out _data/ferplus --rule probability
"""

import sys
from published import prepare

if __name__ == "__main__":
    sys.exit(prepare("ferplus", __doc__))
