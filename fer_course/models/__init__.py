"""The networks of the course: parts, presets, costs, and weights of other projects.

`create(preset, **changes)` gives a network whose call returns `(expression_logits, au_logits)`.
With `ir50=FILE`, `resnet50=FILE` or `vit=FILE` it starts from weights of other projects.
`save` and `load` keep it, `pretrained(name)` gives one that comes with the package.
`load_released(path)`, `load_vit(path)`, `load_ir50(path)` and `load_resnet50(path)` read weights
of other projects without running any of their code.
"""

from ..core.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "Attention": ".parts",
        "Block": ".parts",
        "ConvFFN": ".parts",
        "ConvPooling": ".parts",
        "FEED_FORWARD": ".parts",
        "IRBlock": ".parts",
        "IRStem": ".parts",
        "MERGING": ".parts",
        "MLP": ".parts",
        "PatchMerging": ".parts",
        "PositionConv": ".parts",
        "TokenLinear": ".parts",
        "placeless": ".parts",
        "resnet_stem": ".parts",
        "timm_layer": ".parts",
        "AUBranch": ".au_branch",
        "AUToken": ".au_branch",
        "AU_REGIONS": ".au_branch",
        "window": ".au_branch",
        "fill": ".weights",
        "load_ir50": ".weights",
        "load_resnet50": ".weights",
        "read_weights": ".weights",
        "fill_vit": ".vit_weights",
        "Config": ".config",
        "VALUES": ".config",
        "check_config": ".config",
        "refuse": ".config",
        "MODULES": ".presets",
        "PRESETS": ".presets",
        "configure": ".presets",
        "paper_value": ".presets",
        "AUCVT": ".au_cvt",
        "create": ".au_cvt",
        "shallow": ".au_cvt",
        "PARTS": ".costs",
        "summary": ".costs",
        "to_onnx": ".export",
        "DEAD": ".released_names",
        "PATCHES": ".released_names",
        "patch_layers": ".released_names",
        "released_name": ".released_names",
        "translate": ".released_names",
        "two_stages": ".released_names",
        "load_released": ".released",
        "load_vit": ".released",
        "recognise": ".released",
        "load": ".checkpoints",
        "pretrained": ".checkpoints",
        "save": ".checkpoints",
        "ROWS": ".au_vit",
        "Row": ".au_vit",
        "network_of": ".au_vit",
    },
)
