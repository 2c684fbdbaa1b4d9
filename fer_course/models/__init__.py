"""The networks of the course: parts, presets, and other people's weights.

`create(preset, **changes)` gives a network whose call returns `(expression_logits, au_logits)`; `save` and `load` keep it;
`load_released(path)` and `load_ir50(path)` take the weights of the authors and of face.evoLVe without running any code of theirs."""
from .au_cvt import *
