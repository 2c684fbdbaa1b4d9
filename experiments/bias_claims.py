"""The claims of experiments/bias_known.py; their bars are stated in its docstring."""

import harness  # noqa: F401  first: it sets the threads

from claims import verdict

WORDS = dict(
    cosine="cosine distance",
    basic="cosine distance without neutral",
    l1="mean absolute difference of the mean vectors",
    single="labels given one unit",
    shares="shares of the labels",
    label13="label distance given 13 units",
    label21="label distance given 21 units",
)
FACES_ALONE = ("fear is the most distant expression", "happiness is the least distant expression")


def find(rows, **keys):
    "Return the first row with these values, or None."
    return next((row for row in rows if all(row[k] == v for k, v in keys.items())), None)


def claim_of(question, claim, row, bars, key="mean"):
    "Return one claim with its numbers and verdict; None if it was not measured."
    if row is None or row[key] is None or row["low"] is None:
        return None
    supports, refutes = bars
    numbers = dict(estimate=row[key], low=row["low"], high=row["high"])
    return dict(question=question, claim=claim, **numbers, bar=supports, refutes=refutes) | dict(
        verdict=verdict(*numbers.values(), supports, refutes)
    )


def order_claims(tables):
    "Yield the claims of question A, and those of C about the order."
    scenarios = {
        "random": "A",
        "random, few faces": "A",
        "random, one profile": "A",
        "random, pseudo": "C",
        "random, mixed": "C",
        "detected: random, pseudo": "C",
        "detected: random, mixed": "C",
    }
    for scenario, question in scenarios.items():
        for measure, words in WORDS.items():
            row = find(tables["order"], scenario=scenario, measure=measure)
            claim = f"{words} orders the pairs as the truth does ({scenario})"
            yield claim_of(question, claim, row, (0.8, 0.6))
    for measure, words in dict(
        own="the truth on the faces of the two sets", pooled21="pooled model given 21 units"
    ).items():
        row = find(tables["limits"], measure=measure)
        yield claim_of("A", f"{words} orders the pairs as the truth does", row, (0.8, 0.6))
    row = find(tables["habits"], kind="prototypes", strength=1.0, measure="basic")
    claim = "the cosine calls labels that differ on 29% of the faces different (above 0.3)"
    yield claim_of("A", claim, row, (0.3, 0.2))
    for measure in ("label13", "label21"):
        row = find(tables["order_differences"], scenario="random", measure=measure)
        claim = f"{WORDS[measure]} orders the pairs better than the cosine distance"
        yield claim_of("A", claim, row, (0.1, 0.0))


def library_claims(tables):
    "Yield the claims of question A about `fer_course.bias.label_distances`."
    for row in tables["library"]:
        units = row["measure"].removeprefix("library")
        words = f"label_distances given {units} units"
        if row["order"] is not None:
            claim = f"{words} orders the pairs as the truth does ({row['scenario']})"
            yield claim_of("A", claim, row["order"], (0.8, 0.6))
            claim = f"{words} orders the pairs better than the cosine without neutral"
            yield claim_of("A", f"{claim} ({row['scenario']})", row["ahead"], (0.1, 0.0))


def separation_claims(tables):
    "Yield the claims of question B."
    for measure, words in WORDS.items():
        for tool in ("", ", pseudo", ", mixed"):
            row = find(tables["ratios"], scenario=f"equal{tool}", measure=measure)
            claim = f"{words} is small where annotators are equal (exact units)"
            if tool:
                claim = claim.replace("exact", tool.strip(", "))
            yield claim_of("C" if tool else "B", claim, row, (0.2, 0.5))
        for tool in ("exact", "pseudo"):
            row = find(tables["variance"], tool=tool, measure=measure)
            if row and row["annotator_se"] is not None:
                half = 1.96 * row["annotator_se"]
                row = row | dict(low=row["annotator"] - half, high=row["annotator"] + half)
            elif row:
                row = row | dict(low=None, high=None)
            claim = f"the annotator explains the variance of the {words} ({tool} units)"
            yield claim_of("B", claim, row, (0.8, 0.5), "annotator")


def tool_claims(tables):
    "Yield the claims of question C about the distance of EmotioNet."
    for scenario in ("equal, mixed", "detected: equal, mixed"):
        row = find(tables["emotionet"], scenario=scenario, measure="cosine")
        claim = f"EmotioNet is 0.4 from the others by mixed tools alone ({scenario})"
        yield claim_of("C", claim, row, (0.4, 0.2))
        row = find(tables["mixing"], scenario=scenario, measure="cosine")
        claim = f"mixed tools double the distance of EmotioNet ({scenario})"
        yield claim_of("C", claim, row, (2.0, 1.2))


def composition_claims(tables):
    "Yield the claims of question C about a set that is mostly of one expression."
    for row in tables["composition"]:
        if row["happy"] == 0.8 and row["namer"].endswith("everywhere"):
            claim = "EmotioNet is 0.4 from the others because its faces are happy, with the same"
            claim = f"{claim} annotator everywhere ({row['namer']}, {row['tool']} units)"
            yield claim_of("C", claim, row, (0.4, 0.2))


def reading_claims(tables):
    "Yield the claims of question D: the paper's readings, in shares of the worlds."
    for row in tables["readings"]:
        if row["scenario"] in ("stand-ins, mixed", "network, mixed", "detected: stand-ins, mixed"):
            claim = f"{row['reading']} ({row['scenario']})"
            yield claim_of("D", claim, row, (0.8, 0.2), "share")
        elif row["scenario"] in ("equal, pseudo", "equal, mixed", "detected: equal, mixed") and row[
            "reading"
        ].startswith("EmotioNet is the most"):
            claim = f"{row['reading']} by the tools alone ({row['scenario']})"
            yield claim_of("C", claim, row, (0.8, 0.2), "share")
        elif row["scenario"] == "equal" and row["reading"] in FACES_ALONE:
            claim = f"{row['reading']} with equal annotators, by the faces alone"
            yield claim_of("D", claim, row, (0.5, 1 / 7), "share")


def all_claims(tables):
    "Return every claim that was measured."
    kinds = (order_claims, library_claims, separation_claims, tool_claims, composition_claims)
    kinds += (reading_claims,)
    return [claim for kind in kinds for claim in kind(tables) if claim]
