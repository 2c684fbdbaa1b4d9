"""The user's photographs as aligned crops, their people in two halves."""

from pathlib import Path
import numpy as np
import pandas as pd
from fer_course.align import align_manifest
from fer_course.core.files import read_json, read_table, write_json, write_table
from fer_course.data import check_images, halves, read
from fer_course.facs import SEVEN


def photographs(
    folder: str | Path | None,  # photographs with a csv of labels; None = they were aligned before
    out: str | Path,  # folder of the crops
) -> tuple:  # (manifest with `half` and `aligned`, crops as a memory map, counts of what was lost)
    "Return the photographs as aligned crops, made once."
    out = Path(out)
    if not (out / "lost.json").exists():
        align_photographs(folder, out)
    images = np.load(out / "images.npy", mmap_mode="r")
    return read_table(out / "manifest.parquet"), images, read_json(out / "lost.json")


def align_photographs(folder, out):
    "Read, check and align the photographs; write manifest, crops and counts of lost images."
    table, unreadable = read("csv", folder, dataset="photographs", expressions=SEVEN)
    table, broken = check_images(table, folder)
    table, damaged = align_manifest(table, dict(photographs=folder), out=out, device="cpu")
    write_table(out / "manifest.parquet", table.assign(half=halves(table)))
    reasons = pd.concat([unreadable, broken, damaged]).reason
    reasons = reasons.str.replace(r"\(.*", "", regex=True).str.strip().value_counts()
    counts = table.groupby("expression").aligned.agg(["size", "sum"])
    detection = {
        expression: dict(photographs=int(n), no_face=int(n - found))
        for expression, (n, found) in counts.iterrows()
    }
    write_json(out / "lost.json", dict(left_out=reasons.to_dict(), detection=detection))
