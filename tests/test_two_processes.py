"""Train in two processes on two CPUs, started by torchrun.

They train what one process trains, score the whole set, and continue each other's runs.
"""

import json, os, subprocess, sys
from pathlib import Path
import numpy as np, pytest, torch
from conftest import QUIET
from fer_course.train import distributed, runs, shared_norms
from fer_course.train import gather, group, rank_and_world
from fer_course.core.errors import CourseError
from fer_course.train import Batches, labels
from fer_course.train import fit
from test_train_loop import TINY, SEVEN, Tiny, tiny_set

# nothing is random but the order: two processes and one then agree up to rounding
OPTIONS = TINY | dict(augment=None, optimizer="sgd", lr=0.05)
RUNS = {  # runs of the two processes: name -> changes of the options
    "two": {},
    "mean": dict(ema=0.8),
    "own": dict(ema=0.8, own_norms=True),
    "half": dict(stop_after=1),
    "half_mean": dict(stop_after=1, ema=0.8),
    "half_own": dict(stop_after=1, own_norms=True),
    "begun": {},
}


def data():
    "Return 91 images, every fifth auxiliary, with gaps in the labels; all counts are odd"
    m, pixels = tiny_set(91)
    m["role"] = np.where(np.arange(len(m)) % 5 == 0, "auxiliary", "target")
    m.loc[m.index % 7 == 1, "AU1"] = np.nan
    return m, pixels


def train(out, **changes):
    "Train the small network; return it and its history"
    m, pixels = data()
    net = Tiny(dropout=0.0)
    table = fit(net, m, pixels, out, **OPTIONS | changes)
    return net, table


def all_equal(lists):
    "Return whether all processes have the same tensors"
    return all(torch.equal(a, b) for a, b in zip(*lists))


def summary(net, table):
    "Return what the processes have in common after a run"
    tensors = [tensor.detach().clone() for tensor in net.state_dict().values()]
    logs = {runs.without_timing(each).to_csv() for each in gather(table)}
    return dict(equal=all_equal(gather(tensors)), rows=len(table), same_log=len(logs) == 1)


def shares_of_each_step(part):
    "Return, for each step, how many target and auxiliary rows each process gets"
    m, pixels = data()
    expression, units = labels(m, SEVEN[:3], vocabulary="common")
    is_train = m.split == "train"
    target, auxiliary = (
        torch.from_numpy(np.flatnonzero(is_train & (m.role == role)))
        for role in ("target", "auxiliary")
    )
    batches = Batches(
        pixels,
        expression,
        action_units=units,
        target=target,
        auxiliary=auxiliary,
        batch_size=16,
        seed=0,
        part=part,
    )
    counts = []
    for rows in batches.plan()[0]:
        n_auxiliary = int(torch.isin(rows, auxiliary).sum())
        counts.append([len(rows) - n_auxiliary, n_auxiliary])
    return [list(step) for step in zip(*gather(counts))]


def child(folder):
    "Train every configuration in each of the two processes; the first writes the results"
    found = {}
    agreed = []
    agree = distributed.agree

    def watched(tensors):
        agree(tensors)
        agreed.append([len(tensors), all_equal(gather(tensors))])

    distributed.agree = watched
    with group("cpu"):
        rank, world = rank_and_world()
        assert world == 2
        for name, changes in RUNS.items():
            found[name] = summary(*train(folder / name, **changes))
        found["agreed"] = agreed
        found["steps"] = shares_of_each_step((rank, world))
        try:
            train(folder / "few", batch_size=1)
        except CourseError as error:
            found["few"] = str(error)
        if rank == 0:
            (folder / "found.json").write_text(json.dumps(found))


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    "Start the two processes; return their folder and what they found"
    folder = tmp_path_factory.mktemp("two")
    train(folder / "begun", stop_after=1)  # one process begins what two finish
    path = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    done = subprocess.run(
        [*torchrun, "--nproc-per-node", "2", __file__, str(folder)],
        env=dict(QUIET, PYTHONPATH=path),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder, json.loads((folder / "found.json").read_text())


def weights(run, which="last"):
    "Return the weights of a run folder"
    from safetensors.torch import load_file

    return load_file(run / f"{which}.safetensors")


def close(a, b):
    "Return whether two state dicts agree up to rounding"
    return all(torch.allclose(p.float(), b[name].float(), atol=1e-5) for name, p in a.items())


def assert_same_log(run, table):
    "Compare log.csv of a run with a history, without the times"
    log = runs.without_timing(runs.read_log(run))
    np.testing.assert_allclose(log, runs.without_timing(table), atol=1e-5)


@pytest.mark.parametrize("name", ["two", "mean"])
def test_both_have_the_same_network_and_log(two, name):
    _, found = two
    assert found[name] == dict(equal=True, rows=3, same_log=True)


@pytest.mark.parametrize("name", ["half", "half_mean"])
def test_both_have_learned_the_same_without_reading_it_back(two, name):
    _, found = two
    assert found[name] == dict(equal=True, rows=1, same_log=True), "the run is unfinished"


@pytest.mark.parametrize("name", ["two", "mean"])
def test_two_processes_train_what_one_trains(two, tmp_path, name):
    folder, _ = two
    _, table = train(tmp_path / name, **RUNS[name])
    assert close(weights(folder / name), weights(tmp_path / name))
    assert close(weights(folder / name, "best"), weights(tmp_path / name, "best"))
    assert_same_log(folder / name, table)  # losses and scores are those of the whole set
    several, one = (runs.read_config(parent / name) for parent in (folder, tmp_path))
    assert several == one, "the number of processes is not a setting"


def test_own_norms_end_in_one_network_that_is_not_that_of_one_process(two, tmp_path):
    folder, found = two
    assert found["half_own"] == dict(equal=True, rows=1, same_log=True)
    assert found["own"]["rows"] == 3
    assert found["own"]["same_log"]
    train(tmp_path / "one", ema=0.8, own_norms=True)
    alone = weights(tmp_path / "one")
    assert close(alone, weights(folder / "mean")), "in one process it changes nothing"
    assert not close(weights(folder / "own"), alone)
    assert runs.read_config(folder / "own")["training"]["own_norms"]


def test_own_norms_agree_on_statistics_before_each_validation(two):
    _, found = two
    n_statistics = len(shared_norms.norm_statistics(Tiny()))
    assert n_statistics > 0
    with_ema = [2 * n_statistics, True]  # the EMA has statistics, too
    assert found["agreed"] == [with_ema] * 3 + [[n_statistics, True]]


@pytest.mark.parametrize("name", ["half", "begun"])
def test_one_continues_what_two_began_and_two_what_one_began(two, tmp_path, name):
    folder, found = two
    assert found["begun"]["rows"] == 3
    _, table = train(folder / name)  # "half" is continued here, "begun" is read back
    assert len(table) == 3
    _, whole = train(tmp_path / "whole")
    assert close(weights(folder / name), weights(tmp_path / "whole"))
    assert_same_log(folder / name, whole)
    assert {p.name for p in (folder / name).iterdir()} == set(runs.FILES)


def test_every_step_is_shared_and_the_ratio_holds(two):
    steps = two[1]["steps"]
    assert steps
    for (target0, auxiliary0), (target1, auxiliary1) in steps:
        assert 0 <= target0 - target1 <= 1
        assert 0 <= auxiliary0 - auxiliary1 <= 1
        assert abs((auxiliary0 + auxiliary1) - (target0 + target1) / 4) < 1
    n_target, n_auxiliary = np.sum(steps, axis=(0, 1))
    assert n_auxiliary == round(n_target / 4)


def test_too_many_processes_for_a_batch_are_refused(two):
    assert "2 processes cannot share batches of 1" in two[1]["few"]


if __name__ == "__main__":
    torch.set_num_threads(1)
    child(Path(sys.argv[1]))
