"""Boxes of faces: how far two detectors agree.

Detections are pairs of lists, boxes (x0, y0, x1, y1) and scores, one pair for each image.
"""

SURE = 0.9  # a face is sure if its score is larger


def overlap(
    a: list,  # box: x0, y0, x1, y1
    b: list,  # box
) -> float:  # 0-1
    "Return the intersection over union of two boxes."
    width = max(0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0, min(a[3], b[3]) - max(a[1], b[1]))
    common = width * height
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return common / (sum(areas) - common)


def best_overlaps(
    detections: list,  # of one detector, a pair of boxes and scores for each image
    others: list,  # of the other detector, for the same images
) -> list:  # one number for each sure face of the first detector
    "Return the overlap of each sure face with the best box of the other detector."
    found = []
    for (boxes, scores), (other_boxes, _) in zip(detections, others):
        for box, score in zip(boxes, scores):
            if score > SURE:
                found.append(max((overlap(box, other) for other in other_boxes), default=0))
    return found
