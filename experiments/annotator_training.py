"""Training of the experiment hypotheses from the labels of annotators who disagree."""

import torch
from fastai.callback.core import Callback
from fer_course.core.device import no_denormals
from fer_course.core.random import seed_everything
from fer_course.facs import SEVEN
from fer_course.models import create
from fer_course.train import AnnotatorLoss, Batches, LatentTruth, Seeds, TrainConfig, learner
from laboratory import AUGMENT, TRAINING

ALONE = 1 / 3  # share of the epochs before the matrices learn, as LTNet starts from the mixture


class Release(Callback):
    "Let the transition matrices learn from an epoch on."

    def __init__(self, first):
        self.first = first

    def before_epoch(self):
        self.model.weights.requires_grad_(self.epoch >= self.first)


@no_denormals()
def learned_from(lab, seed, images, labels, learned):
    """Return the network that learned from class numbers (n, K), and its transition matrices.

    No epoch is chosen, since no arm has labels that are known to be right: the last one counts.
    """
    size, epochs, batch = lab.sizes.again
    settings = TRAINING | dict(smoothing=0.0)  # the matrices would learn the smoothing
    config = TrainConfig(epochs=epochs, batch_size=batch, seed=seed, **settings)
    seed_everything(seed)
    network = create("small", expressions=SEVEN, size=size, au_vocabulary=None)
    model = LatentTruth(network, labels.shape[1], classes=len(SEVEN))
    labels = torch.from_numpy(labels)
    shared = dict(action_units=labels, batch_size=batch)
    train = Batches(
        images, labels[:, 0], target=range(len(images)), augment=AUGMENT, seed=seed, **shared
    )
    valid = Batches(images, labels[:, 0], target=range(batch), **shared)  # fastai wants one
    release = Release(round(ALONE * epochs) if learned else epochs)
    learn = learner(
        model,
        train,
        valid=valid,
        loss=AnnotatorLoss(),
        config=config,
        callbacks=[Seeds(seed), release],
    )
    learn.fit(epochs)
    return network, model.transitions.detach().numpy()
