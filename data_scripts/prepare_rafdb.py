r"""Verify and prepare RAF-DB (basic emotions).

Where: Real-world Affective Faces Database, whdeng.cn/RAF/model1.html; an agreement signed by a
    member of staff is mailed to the authors.
Licence: non-commercial research, no redistribution.
Layout: DIR/basic/EmoLabel/list_patition_label.txt (spelled so),
    DIR/basic/Image/aligned/<stem>_aligned.jpg or Image/original/<stem>.jpg, and if it exists
    Annotation/manual/<stem>_manu_attri.txt (five landmarks). DIR may be the folder `basic` itself.
    Copies (folders 1-7, EfficientFace, APViT) are read and named as such.
A good run: 12,271 training images (surprise 1,290, fear 281, disgust 717, happiness 4,772,
    sadness 1,982, anger 705, neutral 2,524) and 3,068 test images
    (329, 74, 160, 1,185, 478, 162, 680). The set has no validation images: a tenth of the training
    images is cut off for it.

    python data_scripts/prepare_rafdb.py DIR --out _data/rafdb --images aligned \
        --near-duplicates report
    python data_scripts/prepare_rafdb.py DIR --out _data/rafdb --images original \
        --landmarks given --align oadn
"""

import sys
from published import prepare

if __name__ == "__main__":
    sys.exit(prepare("rafdb", __doc__))
