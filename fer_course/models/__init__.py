"""The networks of the course: parts, presets, what they cost, and other people's weights.

`create(preset, **changes)` gives a network whose call returns `(expression_logits, au_logits)`; `save` and `load` keep it, `pretrained(name)` gives one that comes
with the package; `load_released(path)`, `load_vit(path)`, `load_ir50(path)` and `load_resnet50(path)` take other people's weights without running any code of theirs."""
from .parts import *
from .au_branch import *
from .weights import *
from .config import *
from .au_cvt import *
from .costs import *
from .export import *
from .released import *
from .checkpoints import *
from .au_vit import *
