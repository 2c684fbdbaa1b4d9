"""Tables and claims of experiments/bias_known.py, from the measures of its worlds."""

import harness  # noqa: F401  first: it sets the threads

import numpy as np
from bias_readings import readings
from bias_worlds import (
    CLASSES,
    DETECTED,
    DOSE_TOOLS,
    ERRORS,
    HABITS,
    HAPPY,
    MEASURES,
    NAMERS,
    NAMES,
)
from bias_worlds import PAIR_NAMES, PAIRS
from bias_worlds import SCENARIOS, STEPS, UNITS, mean_known, overall
from fer_course.metrics import compare, correct

# scenarios whose distances are kept for each pair and expression
SHOWN = ("equal", "random", "stand-ins", "stand-ins, mixed", "equal, mixed")
IN_GRID = ("cosine", "basic", "label13", "label21")  # measures whose cells are kept
GOOD = 0.8  # the bar of Spearman's rho
EMOTIONET = [i for i, pair in enumerate(PAIRS) if NAMES.index("EmotioNet") in pair]


def number(value):
    "Return a number for JSON with four decimals, None if it is not finite."
    return round(float(value), 4) if value is not None and np.isfinite(value) else None


def summary(values):
    "Return n, mean, SD and the t interval of the mean of finite numbers."
    values = np.asarray(values, float)
    values = values[np.isfinite(values)]
    rows = [[{"x": v, "seed": i} for i, v in enumerate(one)] for one in (0 * values, values)]
    found = compare(*rows, metric="x")
    return dict(n=found["n"]) | {key: number(found[key]) for key in ("mean", "sd", "low", "high")}


def share(holds):
    "Return n, the share of True, and Wilson's 95% interval."
    holds = np.asarray(holds, float)
    n = len(holds)
    if not n:
        return dict(n=0, share=None, low=None, high=None)
    p, z2 = holds.mean(), 1.959964**2
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = np.sqrt(z2 * (p * (1 - p) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    return dict(n=n, share=number(p), low=number(middle - half), high=number(middle + half))


def rho(first, second):
    "Return Spearman's rank correlation of two rows of pairs; NaN if there are fewer than four."
    from scipy.stats import spearmanr

    known = np.isfinite(first) & np.isfinite(second)
    if known.sum() < 4 or np.ptp(first[known]) == 0 or np.ptp(second[known]) == 0:
        return np.nan
    return float(spearmanr(first[known], second[known])[0])


def of_scenario(one, scenario):
    "Return {measure: array} of a scenario of a world."
    start = f"{scenario}|"
    return {key.removeprefix(start): v for key, v in one.items() if key.startswith(start)}


def cast_of(scenario):
    "Return the cast of a scenario, the key of its truth."
    return DETECTED[scenario][0] if scenario in DETECTED else SCENARIOS[scenario][1]


# A: order


def rhos(worlds, scenario, measure):
    "Return the rank correlation with the truth in each world (worlds,)."
    truth = f"{cast_of(scenario)}|truth"
    return np.array([rho(overall(of_scenario(w, scenario), measure), w[truth]) for w in worlds])


def order(worlds, scenarios):
    "Return a row for each scenario and measure: rho over the pairs, summarised over worlds."
    rows = []
    for scenario in scenarios:
        for measure in MEASURES:
            each = rhos(worlds, scenario, measure)
            if not np.isfinite(each).any():
                continue
            good = share(each[np.isfinite(each)] >= GOOD)
            rows.append(
                dict(scenario=scenario, measure=measure, **summary(each))
                | dict(good=good["share"], good_low=good["low"], good_high=good["high"])
                | dict(each=[number(v) for v in each])
            )
    return rows


def against_cosine(worlds, scenarios):
    "Return the paired difference in rho of each measure and the cosine, corrected by scenario."
    rows = []
    for scenario in scenarios:
        runs = {
            measure: [dict(rho=v, seed=i) for i, v in enumerate(rhos(worlds, scenario, measure))]
            for measure in MEASURES
        }
        pairs = [
            compare(runs["cosine"], runs[measure], metric="rho", names=("cosine", measure))
            for measure in MEASURES
            if measure != "cosine" and np.isfinite([r["rho"] for r in runs[measure]]).any()
        ]
        for found in correct(pairs):
            kept = {key: number(found[key]) for key in ("mean", "sd", "low", "high", "holm_p")}
            rows.append(dict(scenario=scenario, measure=found["names"][1], n=found["n"]) | kept)
    return rows


def library(runs, worlds):
    """Return how `fer_course.bias.label_distances` orders the pairs, and what it measures.

    A row for each scenario and measure: rho over the pairs and its paired difference to that of
    the cosine without neutral (both None with equal annotators), and the level of the distance.
    """
    known = {one["seed"]: one for one in worlds}
    rows = []
    for key in sorted({key for one in runs for key in one if "|library" in key}):
        scenario, measure = key.split("|")
        level = summary([one[key].mean() for one in runs])
        row = dict(scenario=scenario, measure=measure, level=level, order=None, ahead=None)
        if scenario.startswith("random"):
            each = np.array([rho(one[key], one["random|truth"]) for one in runs])
            other = np.array([rhos([known[one["seed"]]], scenario, "basic")[0] for one in runs])
            good = share(each >= GOOD)
            row["order"] = summary(each) | dict(good=good["share"], each=[number(v) for v in each])
            row["ahead"] = summary(each - other)
        rows.append(row)
    return rows


def by_expression(worlds, scenarios):
    "Return rho of an expression's distance and its truth, for each expression."
    rows = []
    for scenario in scenarios:
        truth = f"{cast_of(scenario)}|truth by expression"
        for measure in ("cosine", "l1"):
            values = [of_scenario(world, scenario)[measure] for world in worlds]
            for c, expression in enumerate(CLASSES):
                each = [rho(v[:, c], w[truth][:, c]) for v, w in zip(values, worlds)]
                row = dict(scenario=scenario, measure=measure, expression=expression)
                rows.append(row | summary(each))
    return rows


def curves(runs):
    "Return each measure at each strength of one kind of habit, with the truth."
    rows = []
    for i, (kind, annotator) in enumerate(HABITS.items()):
        for j, strength in enumerate(STEPS):
            truth = np.mean([run["truth"][i, j] for run in runs])
            for m, measure in enumerate(MEASURES):
                values = np.array([run["measures"][i, j, m] for run in runs])
                start = np.array([run["measures"][i, 0, m] for run in runs])
                row = dict(kind=kind, annotator=annotator, strength=strength, measure=measure)
                row |= dict(truth=number(truth), **summary(values))
                rows.append(row | dict(rise=number((values - start).mean())))
    return rows


def limits(runs):
    "Return rho and level of the measures of `bias_known.limits`."
    rows = []
    for measure in ("own", "pair13", "pair21", "label13", "label21", "pooled21", "pooled23"):
        each = [rho(run[f"random|{measure}"], run["random|truth"]) for run in runs]
        level = np.mean([run[f"random|{measure}"].mean() for run in runs])
        equal = np.mean([run[f"equal|{measure}"].mean() for run in runs])
        rows.append(
            dict(measure=measure, **summary(each), each=[number(v) for v in each])
            | dict(random=number(level), equal=number(equal), ratio=number(equal / level))
        )
    return rows


# B: separation


def levels(worlds, scenarios):
    "Return mean over pairs and largest pair of each measure, and the mean of each pair."
    rows = []
    for scenario in scenarios:
        truth = np.mean([world[f"{cast_of(scenario)}|truth"].mean() for world in worlds])
        for measure in MEASURES:
            values = np.array([overall(of_scenario(w, scenario), measure) for w in worlds])
            if not np.isfinite(values).any():
                continue
            row = dict(scenario=scenario, measure=measure, truth=number(truth))
            row |= summary(values.mean(1)) | dict(largest=number(values.max(1).mean()))
            rows.append(row | dict(pairs=[number(v) for v in values.mean(0)]))
    return rows


def above(worlds, scenarios):
    "Return the share of the cosine distances above the paper's limits, without neutral."
    rows = []
    basic = len(CLASSES) - 1
    for scenario in scenarios:
        values = np.array([of_scenario(world, scenario)["cosine"][:, :basic] for world in worlds])
        known = values[np.isfinite(values)]
        row = dict(scenario=scenario, n=len(known), largest=number(known.max()))
        row |= {f"above_{limit}": number((known > limit).mean()) for limit in (0.3, 0.5)}
        rows.append(row)
    return rows


def ratios(worlds, top, bottom):
    "Return the ratio of the mean distance in one scenario to that in another, by measure."
    rows = []
    for measure in MEASURES:
        pair = [
            [overall(of_scenario(w, name), measure).mean() for w in worlds]
            for name in (top, bottom)
        ]
        if np.isfinite(pair).all():
            each = np.array(pair[0]) / np.mean(pair[1])
            rows.append(dict(scenario=top, against=bottom, measure=measure, **summary(each)))
    return rows


def explained(values):
    """Return the shares of the variance of a grid (worlds, images, annotators): four numbers.

    Sums of squares of the means over the images, the annotators, their interaction, and what is
    left between worlds.
    """
    mean = values.mean(0)
    image = mean.mean(1) - mean.mean()
    annotator = mean.mean(0) - mean.mean()
    both = mean - mean.mean() - image[:, None] - annotator[None]
    parts = dict(
        image=len(annotator) * (image**2).sum(),
        annotator=len(image) * (annotator**2).sum(),
        interaction=(both**2).sum(),
        worlds=((values - mean) ** 2).sum() / len(values),
    )
    total = sum(parts.values())
    return {key: part / total for key, part in parts.items()}


def grid(runs):
    "Return the cells of the grid of image and annotator bias, and the variance explained."
    cells, variance = [], []
    if not runs:
        return cells, variance
    values = np.array([run["measures"] for run in runs])  # (worlds, tools, images, annotators, m)
    for t, tool in enumerate(("exact", "pseudo")):
        for m, measure in enumerate(MEASURES):
            part = values[:, t, :, :, m]
            if not np.isfinite(part).all():
                continue
            shown = np.ndindex(part.shape[1:]) if measure in IN_GRID else ()
            for i, j in shown:
                row = dict(tool=tool, measure=measure, image=STEPS[i], annotator=STEPS[j])
                truth = np.mean([run["truth"][j] for run in runs])
                rows = summary(part[:, i, j])
                cells.append(row | dict(truth=number(truth)) | rows)
            parts = explained(part)
            # leave one world out: how much the share depends on the worlds
            error = np.nan
            if len(part) > 1:
                each = [explained(np.delete(part, k, 0))["annotator"] for k in range(len(part))]
                error = np.std(each) * np.sqrt(len(part) - 1)
            row = dict(tool=tool, measure=measure) | {k: number(v) for k, v in parts.items()}
            variance.append(row | dict(annotator_se=number(error)))
    return cells, variance


def chances(runs):
    "Return distance, chance level and share of p < 0.05 with equal annotators, by expression."
    rows = []
    for size in ("n", "few"):
        for c, expression in enumerate(CLASSES):
            part = {
                key: np.array([run[f"{size}|{key}"][:, c] for run in runs])
                for key in ("distance", "chance", "p", "holm_p")
            }
            row = dict(size=size, expression=expression)
            for key in ("distance", "chance"):
                row[key] = number(mean_known(part[key]))
            for key in ("p", "holm_p"):
                known = part[key][np.isfinite(part[key])]
                row[f"{key}_below_0.05"] = number((known < 0.05).mean()) if len(known) else None
            rows.append(row)
    return rows


# C: tools


def doses(runs):
    "Return distances and rho as the errors of the detector grow."
    rows = []
    for c, cast in enumerate(("equal", "random")):
        for t, tool in enumerate(DOSE_TOOLS):
            for f, factor in enumerate(ERRORS):
                for m, measure in enumerate(MEASURES):
                    part = np.array(
                        [run["measures"][c, t, f, m] for run in runs]
                    )  # (worlds, pairs)
                    if not np.isfinite(part).any():
                        continue
                    row = dict(cast=cast, tool=tool, errors=factor, measure=measure)
                    row |= summary(part.mean(1))
                    row["emotionet"] = number(part[:, EMOTIONET].mean())
                    if cast == "random":
                        truth = [run["truth"] for run in runs]
                        row["rho"] = number(mean_known([rho(a, b) for a, b in zip(part, truth)]))
                    rows.append(row)
    return rows


def detectors(known):
    "Return the error rates that a detector has in each set, or those of the model."
    from bias_worlds import DATASETS, rates
    from fer_course.faces import PROFILES, SETS

    rows = []
    for name, key in DATASETS.items():
        pairs = known[name] if known else rates(PROFILES[SETS[key].profile])
        for unit, true, false in zip(UNITS, *pairs):
            rows.append(dict(set=name, unit=unit, true_rate=number(true), false_rate=number(false)))
    return rows


def from_emotionet(worlds, scenarios):
    "Return the mean distance of EmotioNet from the others, and that of the other pairs."
    rows = []
    others = [i for i in range(len(PAIRS)) if i not in EMOTIONET]
    for scenario in scenarios:
        for measure in MEASURES:
            values = np.array([overall(of_scenario(w, scenario), measure) for w in worlds])
            if not np.isfinite(values).any():
                continue
            row = dict(scenario=scenario, measure=measure, **summary(values[:, EMOTIONET].mean(1)))
            rows.append(row | dict(others=number(values[:, others].mean())))
    return rows


def mixing(worlds, pairs):
    "Return the ratio of EmotioNet's distances with mixed tools to those with one tool."
    rows = []
    for mixed, one in pairs:
        for measure in MEASURES:
            values = [
                np.array([overall(of_scenario(w, name), measure) for w in worlds])[:, EMOTIONET]
                for name in (mixed, one)
            ]
            if not np.isfinite(values).all():
                continue
            each = values[0].mean(1) / values[1].mean(1)
            rows.append(dict(scenario=mixed, against=one, measure=measure, **summary(each)))
    return rows


def composition(runs):
    "Return EmotioNet's distances from the others as its faces become happy."
    rows = []
    other = [i for i in range(len(PAIRS)) if i not in EMOTIONET]
    if not runs:
        return rows
    basic = len(CLASSES) - 1
    for k, namer in enumerate(NAMERS):
        for t, tool in enumerate(("exact", "mixed")):
            for h, happy in enumerate(HAPPY):
                cosine = np.array([run["cosine"][k, t, h] for run in runs])  # (worlds, pairs, c)
                label = np.array([run["label13"][k, t, h] for run in runs])
                row = dict(namer=namer, tool=tool, happy=number(happy))
                row |= summary(mean_known(cosine[:, EMOTIONET], axis=(1, 2)))
                row["others"] = number(mean_known(cosine[:, other]))
                row["without_neutral"] = number(mean_known(cosine[:, EMOTIONET, :basic]))
                each = [number(mean_known(cosine[:, EMOTIONET, c])) for c in range(len(CLASSES))]
                row["by_expression"] = dict(zip(CLASSES, each))
                row["label13"] = number(label[:, EMOTIONET].mean())
                rows.append(row | dict(label13_others=number(label[:, other].mean())))
    return rows


# D: readings


def of_readings(worlds, scenarios):
    "Return how often each reading of the paper holds, and the mean distance by expression."
    rows, distances = [], []
    for scenario in scenarios:
        values = [of_scenario(world, scenario)["cosine"] for world in worlds]
        found = [readings(one, PAIRS, NAMES, CLASSES) for one in values]
        for reading in found[0]:
            holds = share([one[reading] for one in found])
            rows.append(dict(scenario=scenario, reading=reading, **holds))
        if scenario not in SHOWN and scenario not in DETECTED:
            continue
        mean = mean_known(values, axis=0)
        for p, pair in enumerate(PAIR_NAMES):
            for c, expression in enumerate(CLASSES):
                row = dict(scenario=scenario, pair=pair, expression=expression)
                distances.append(row | dict(mean=number(mean[p, c])))
    return rows, distances
