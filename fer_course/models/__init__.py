"The networks of the course: `create(preset)`, `load_released(path)`, `load_ir50(path)`."
from .au_cvt import *
