"""Factors of the experiment hypotheses: each level changes one thing of the same faces."""

from dataclasses import replace
import cv2
import numpy as np
import torch
from fer_course.faces import ACTION_UNITS, CONDITIONS, OCCLUDERS, PLACES, sample
from fer_course.faces.parameters import MIDDLE_UNITS
from fer_course.faces.people import SKIN_TONES, palette_colours
from fer_course.facs import SEVEN
from harness import MEANING

SHRUNK = (128, 96, 64, 48, 32, 24, 16)  # pixels that a crop is shrunk to, then enlarged again
CUT = 0.56  # the row between the eyes and the mouth, as a share of an aligned crop
GREY = 127


def everybody(people, profile="course", seed=900):
    "Return test faces of a profile: each person with all seven expressions."
    return sample(people * len(SEVEN), profile, seed=seed, per_identity=len(SEVEN), meaning=MEANING)


def base(people, seed=900):
    "Return the faces of every test set: each person with all seven expressions, no occluder."
    return everybody(people, seed=seed).with_scene(occluder=0)


def to_its_side(name):
    "Return a change that turns each face further to the side to which it is turned already."

    def change(parameters, level):
        sign = torch.where(parameters.scene[name] < 0, -1.0, 1.0)
        return parameters.with_scene(**{name: level * sign})

    return change


def set_scene(name):
    "Return a change that sets one number of the scene."

    def change(parameters, level):
        return parameters.with_scene(**{name: level})

    return change


def light(parameters, ratio):
    "Set a key light of .8 from 75 degrees, `ratio` times as strong as the ambient light."
    side = torch.where(parameters.scene["light_side"] < 0, -1.0, 1.0)
    return parameters.with_scene(
        light_side=75 * side, light_height=20, key=0.8, fill=0, ambient=0.8 / ratio
    )


def occluder(parameters, level):
    "Put something in front of the faces: an occluder, or one of `CONDITIONS`."
    if level == "none":
        condition = {}
    else:
        condition = CONDITIONS.get(level, dict(occluder=level))
    return parameters.with_scene(
        occluder=OCCLUDERS.index(condition.get("occluder")),
        occluder_place=PLACES.index(condition.get("place")),
    )


def background(parameters, level):
    "Keep the backgrounds, take that of the first face for all, or invert their colours."
    scene = parameters.scene
    if level == "as dealt":
        return parameters
    if level == "one for all":
        names = ("background", "background2", "background_shape")
        return parameters.with_scene(**{name: scene[name][:1] for name in names})
    return parameters.with_scene(
        background=1 - scene["background"], background2=1 - scene["background2"]
    )


def with_identity(parameters, **values):
    "Return the faces with other values of their identity."
    return replace(parameters, identity=parameters.identity | values)


def complexion(parameters, tone):
    "Give all faces one skin; the lips go with it, hair and brows stay."
    before = parameters.identity["skin"]
    skin = palette_colours(SKIN_TONES, torch.full((len(parameters),), float(tone)))
    lips = (parameters.identity["lips"] * skin / before).clamp(0.03, 1)
    return with_identity(parameters, skin=skin, lips=lips)


def wrinkles(parameters, level):
    "Give all faces wrinkles of one depth."
    depth = torch.full_like(parameters.identity["wrinkles"], level)
    return with_identity(parameters, wrinkles=depth)


def intensity(parameters, share):
    "Weaken all action units."
    return replace(parameters, action_units=parameters.action_units * share)


def still(parameters, where):
    """Hold muscles still.

    Those of the forehead and around the eyes (what Botox is injected for), or of the face's left
    half (a palsy; the jaw and the muscles around the mouth that the renderer moves as one still
    move).
    """
    units = parameters.action_units.clone()
    if where == "forehead":
        units[:, [ACTION_UNITS.index(unit) for unit in (1, 2, 4, 6)]] *= 0.2
    if where == "one half":
        sided = [k for k, unit in enumerate(ACTION_UNITS) if unit not in MIDDLE_UNITS]
        units[:, sided, 0] = 0
    return replace(parameters, action_units=units)


FACTORS = {  # name -> (change, levels, unit); the first level is the easy one
    "yaw": (to_its_side("yaw"), (0, 15, 30, 45, 60), "degrees"),
    "pitch": (set_scene("pitch"), (0, -25, 25), "degrees"),
    "roll": (to_its_side("roll"), (0, 20, 40), "degrees"),
    "light": (light, (1, 2, 4, 8, 16), "side light over ambient light"),
    "exposure": (set_scene("exposure"), (0.25, 0.5, 0.12, 0.06), "mean brightness, linear"),
    "occluder": (
        occluder,
        ("none", "sunglasses", "mask", "upper", "lower", "left", "right", "hand"),
        "what hides the face",
    ),
    "background": (background, ("as dealt", "one for all", "inverted"), "background"),
    "wrinkles": (wrinkles, (0.6, 0, 1.2, 1.8), "depth"),
    "complexion": (complexion, (0.5, 3.0, 5.5), "palette row, light to dark"),
    "intensity": (intensity, (1, 0.75, 0.5, 0.35, 0.25), "share of the intensity"),
    "still": (still, ("none", "forehead", "one half"), "muscles at rest"),
}


def at_level(parameters, factor, level):
    "Return the faces at one level of a factor."
    change = FACTORS[factor][0]
    return change(parameters, level)


def resized(crops, pixels):
    "Return crops of another size, resampled by area."
    size = (pixels, pixels)
    return np.stack([cv2.resize(c, size, interpolation=cv2.INTER_AREA) for c in np.asarray(crops)])


def shrunk(crops, pixels):
    "Return crops (n, S, S, 3) with no more detail than `pixels` x `pixels` have."
    side = crops.shape[1]
    if pixels == side:
        return crops
    small = resized(crops, pixels)
    return np.stack([cv2.resize(c, (side, side), interpolation=cv2.INTER_CUBIC) for c in small])


def only(crops, region):
    "Return crops with all but the 'mouth' or the 'eyes' painted grey."
    crops = np.array(crops)
    row = round(CUT * crops.shape[1])
    if region == "mouth":
        crops[:, :row] = GREY
    if region == "eyes":
        crops[:, row:] = GREY
    return crops
