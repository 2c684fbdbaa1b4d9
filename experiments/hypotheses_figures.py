"""Figures and tables of the lesson nbs/06_hypotheses.ipynb."""

import io
import numpy as np
import pandas as pd
from IPython.display import Image, display
from claims import HYPOTHESES, verdict
from factors import FACTORS, at_level
from fer_course.evaluate.figures import ACCENT, PALETTE
from matplotlib.figure import Figure
from PIL import Image as Pixels
from people_scores import corrected

SIDE = 150  # pixels of a face in a figure
TEXT = 10  # points
COLUMNS = ["claim", "supports", "refutes", "estimate", "low", "high", "verdict"]


def shown(figure, photographs=False):
    "Show a figure: plots as PNG of 64 colours, photographs as JPEG."
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=72 if photographs else 84, facecolor="white")
    image = Pixels.open(buffer).convert("RGB")
    small = io.BytesIO()
    if photographs:
        image.save(small, "jpeg", quality=72)
    else:
        image.quantize(64, Pixels.Quantize.MAXCOVERAGE).save(small, "png", optimize=True)
    display(Image(small.getvalue(), format="jpeg" if photographs else "png"))


def axes_of(width, height, rows=1, columns=1, **options):
    "Return a figure of `width` x `height` inches and its plain axes (rows, columns)."
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    for ax in axes.flat:
        ax.spines[["top", "right"]].set_visible(False)
        ax.tick_params(labelsize=TEXT)
    return figure, axes


def faces(rows):
    "Show rows of faces, each a list of (title, image (h, w, 3) uint8)."
    columns = max(map(len, rows))
    inches = SIDE / 72
    size = (columns * inches, len(rows) * (inches + 0.25))
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(len(rows), columns, squeeze=False)
    for ax in axes.flat:
        ax.axis("off")
    for line, row in zip(axes, rows):
        for ax, (title, image) in zip(line, row):
            ax.imshow(image, interpolation="nearest")
            ax.set_title(title, fontsize=TEXT, pad=2)
    shown(figure, photographs=True)


def ordered(levels):
    "Return numbers sorted, names as they are."
    if any(isinstance(level, str) for level in levels):
        return list(levels)
    return sorted(levels)


def factor_faces(renderer, people, *factors, most=5, expression="fear"):
    "Show a face at the levels of each factor, the next person for the next factor."
    chosen = [row for row, name in enumerate(people.expressions) if name == expression]
    rows = []
    for number, factor in enumerate(factors):
        face = chosen[number % len(chosen)]
        levels = ordered(FACTORS[factor][1])
        shots = []
        for level in levels:
            image = renderer.render(at_level(people, factor, level)[face]).images[0]
            shots.append((f"{factor} {level}", image))
        rows += [shots[k : k + most] for k in range(0, len(shots), most)]
    faces(rows)


def interval(row):
    "Return the lengths of an error bar, (2, 1)."
    return [[row["macro_f1"] - row["low"]], [row["high"] - row["macro_f1"]]]


def levels(results, *factors):
    "Draw the macro F1 at each level: bars = 95% intervals over people, dots = seeds."
    tables = results["factors"]
    width = sum(max(3.1, 0.6 * len(tables[factor]["levels"])) for factor in factors)
    figure, axes = axes_of(width, 2.6, columns=len(factors), sharey=True)
    for ax, factor in zip(axes[0], factors):
        found = tables[factor]
        by_level = {row["level"]: row for row in found["levels"]}
        names = ordered(list(by_level))
        rows = [by_level[name] for name in names]
        points(ax, rows, joined=not isinstance(names[0], str))
        turn = 35 if isinstance(names[0], str) else 0
        ax.set_xticks(range(len(names)), names, rotation=turn)
        ax.set_xlabel(f"{factor}: {found['unit']}", fontsize=TEXT)
    axes[0, 0].set_ylabel("macro F1", fontsize=TEXT)
    shown(figure)


def points(ax, rows, joined=False, at=None):
    "Draw scores with their intervals over people and a dot for each seed."
    at = range(len(rows)) if at is None else at
    if joined:
        ax.plot(at, [row["macro_f1"] for row in rows], color=PALETTE[0], lw=1)
    for x, row in zip(at, rows):
        ax.errorbar(x, row["macro_f1"], interval(row), fmt="o", ms=5, capsize=3, color=PALETTE[0])
        ax.plot([x + 0.15] * len(row["each"]), row["each"], ".", color=ACCENT, ms=4)
    ax.set_ylim(0, 1)


def bars(panels):
    "Draw the macro F1 of training sets, {label: rows}: bars, and a dot for each seed."
    width = sum(0.9 * len(rows) + 1 for rows in panels.values())
    figure, axes = axes_of(width, 2.6, columns=len(panels), sharey=True)
    for ax, (label, rows) in zip(axes[0], panels.items()):
        at = np.arange(len(rows))
        ax.bar(at, [row["macro_f1"] for row in rows], 0.6, color="#9fb4c7")
        for x, row in zip(at, rows):
            ax.plot([x] * len(row["each"]), row["each"], ".", color=ACCENT, ms=6)
        names = [str(row.get("name", row["level"])).replace(" of ", "\nof ") for row in rows]
        ax.set_xticks(at, names)
        ax.set_xlabel(label, fontsize=TEXT)
        ax.set_ylim(0, 1)
    axes[0, 0].set_ylabel("macro F1", fontsize=TEXT)
    shown(figure)


def heat(tables, number="{:.2f}"):
    "Draw tables of shares from 0 to 1, {title: DataFrame}."
    sizes = [0.52 * table.shape[1] + 1.3 for table in tables.values()]
    height = 0.42 * max(len(table) for table in tables.values()) + 1.2
    figure, axes = axes_of(sum(sizes), height, columns=len(tables))
    for ax, (title, table) in zip(axes[0], tables.items()):
        ax.imshow(table, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        for i, j in np.ndindex(*table.shape):
            value = table.iloc[i, j]
            colour = "w" if value > 0.55 else "k"
            text = number.format(value).removeprefix("0")
            ax.text(j, i, text, ha="center", va="center", fontsize=9, color=colour)
        ax.set_xticks(range(table.shape[1]), table.columns, rotation=45, ha="right")
        ax.set_yticks(range(len(table)), table.index)
        ax.set_title(title, fontsize=TEXT)
    shown(figure)


def pairs(results, named=6):
    "Draw how often two classes are confused against their distance in action units."
    table = pd.DataFrame(results["pairs"])
    figure, axes = axes_of(6, 3)
    ax = axes[0, 0]
    ax.plot(table.distance, 100 * table.confused, "o", ms=5, color=PALETTE[0])
    for pair in table.nlargest(named, "confused").itertuples():
        place = (pair.distance, 100 * pair.confused)
        ax.annotate(
            " – ".join(pair.pair), place, fontsize=9, xytext=(5, 2), textcoords="offset points"
        )
    ax.set_xlabel("distance of the mean action units", fontsize=TEXT)
    ax.set_ylabel("confused, %", fontsize=TEXT)
    shown(figure)


def noises(rows, variances):
    "Draw the macro F1 of both networks at each strength of Gaussian noise."
    figure, axes = axes_of(5, 2.9)
    ax = axes[0, 0]
    for k, (name, words) in enumerate(dict(without="no noise", noises="three noises").items()):
        found = {row["level"][1]: row for row in rows if row["level"][0] == name}
        at = np.arange(len(variances)) + 0.08 * (2 * k - 1)
        chosen = [found[str(variance)] for variance in variances]
        scores = [row["macro_f1"] for row in chosen]
        errors = np.hstack([interval(row) for row in chosen])
        label = f"trained with {words}"
        ax.errorbar(
            at, scores, errors, fmt="o-", ms=5, lw=1, capsize=3, color=PALETTE[k], label=label
        )
    ax.set_xticks(range(len(variances)), variances)
    ax.set_xlabel("variance of Gaussian noise on test faces (light from 0 to 1)", fontsize=TEXT)
    ax.set_ylabel("macro F1", fontsize=TEXT)
    ax.set_ylim(0, 1)
    ax.legend(fontsize=9, frameon=False)
    shown(figure)


def square(rows):
    "Return rows whose level is a pair as a table of macro F1: learned down, tested across."
    table = pd.DataFrame({tuple(row["level"]): [row["macro_f1"]] for row in rows}).T[0].unstack()
    table.index.name, table.columns.name = "learned", "tested"
    return table


def rounded(table):
    "Return a table with its numbers rounded to three digits."
    return table.map(lambda value: round(value, 3) if isinstance(value, float) else value)


def verdicts(results, *keys):
    "Show the verdicts on some claims; a claim that is not measured is named."
    found = {key: results["hypotheses"][key] for key in keys if key in results["hypotheses"]}
    if found:
        display(rounded(pd.DataFrame(found).T[COLUMNS]))
    for key in keys:
        if key not in found:
            part = HYPOTHESES[key]["part"]
            print(f"{key}: not measured; experiments/hypotheses.py --parts {part} measures it")


def corrected_verdicts(results):
    "Return {claim: verdict} with intervals that hold for all measured claims together."
    table = results["hypotheses"]
    found = {}
    for key, row in table.items():
        low, high = corrected(row, len(table))
        bars = (row["supports"], row["refutes"], row.get("reference"))
        found[key] = verdict(row["estimate"], low, high, *bars)
    return found
