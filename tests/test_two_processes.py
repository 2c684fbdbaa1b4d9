"Two processes on two CPUs, started by torchrun: the same training as one, scores over the whole set, and each goes on with what the other left."

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

OPTIONS = TINY | dict(
    augment=None, optimizer="sgd", lr=0.05
)  # nothing random but the order: then two and one agree to rounding


def data():
    "Ninety images, every fifth auxiliary; odd numbers everywhere, and labels with gaps"
    m, pixels = tiny_set(91)
    m["role"] = np.where(np.arange(len(m)) % 5 == 0, "auxiliary", "target")
    m.loc[m.index % 7 == 1, "AU1"] = np.nan
    return m, pixels


def train(out, **changes):
    m, pixels = data()
    net = Tiny(dropout=0.0)
    table = fit(net, m, pixels, out, **OPTIONS | changes)
    return net, table


def child(folder):
    "What each of the two processes does"
    found, agreed, agree = {}, [], distributed.agree

    def watched(tensors):
        agree(tensors)
        agreed.append([len(tensors), all(torch.equal(*pair) for pair in zip(*gather(tensors)))])

    distributed.agree = watched
    with group("cpu"):
        rank, world = rank_and_world()
        assert world == 2
        for name, changes in dict(
            two={},
            mean=dict(ema=0.8),
            own=dict(ema=0.8, own_norms=True),
            half=dict(stop_after=1),
            half_mean=dict(stop_after=1, ema=0.8),
            half_own=dict(stop_after=1, own_norms=True),
            begun={},
        ).items():
            net, table = train(folder / name, **changes)
            every = gather([p.detach().clone() for p in net.state_dict().values()])
            found[name] = dict(
                equal=all(torch.equal(a, b) for a, b in zip(*every)),
                rows=len(table),
                same_log=len({runs.without_timing(t).to_csv() for t in gather(table)}) == 1,
            )
        found["agreed"] = agreed
        m, pixels = data()
        yt, ut = labels(m, SEVEN[:3], "common")
        train_rows = m.split == "train"
        rows = [
            torch.from_numpy(np.flatnonzero(train_rows & (m.role == role)))
            for role in ("target", "auxiliary")
        ]
        steps = gather(
            Batches(pixels, yt, ut, *rows, batch_size=16, seed=0, part=(rank, world)).plan()[0]
        )
        auxiliary = set(rows[1].tolist())
        found["steps"] = [
            [
                [sum(int(r) not in auxiliary for r in mine), sum(int(r) in auxiliary for r in mine)]
                for mine in step
            ]
            for step in zip(*steps)
        ]
        try:
            train(folder / "few", batch_size=1)
        except CourseError as error:
            found["few"] = str(error)
        if rank == 0:
            (folder / "found.json").write_text(json.dumps(found))


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    "The folder of everything that the two processes did, and what they found"
    folder = tmp_path_factory.mktemp("two")
    train(folder / "begun", stop_after=1)  # one process begins what two finish
    path = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "torch.distributed.run",
            "--standalone",
            "--nproc-per-node",
            "2",
            __file__,
            str(folder),
        ],
        env=dict(QUIET, PYTHONPATH=path),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder, json.loads((folder / "found.json").read_text())


def weights(run, which="last"):
    from safetensors.torch import load_file

    return load_file(run / f"{which}.safetensors")


def close(a, b):
    return all(torch.allclose(p.float(), b[k].float(), atol=1e-5) for k, p in a.items())


def test_both_have_the_same_network_and_it_is_that_of_one(two, tmp_path):
    folder, found = two
    assert found["two"] == found["mean"] == dict(equal=True, rows=3, same_log=True)
    for name in ("half", "half_mean"):
        assert found[name] == dict(equal=True, rows=1, same_log=True), (
            "unfinished: what each has learned itself, not what it read back"
        )
    for name, changes in dict(two={}, mean=dict(ema=0.8)).items():
        _, table = train(tmp_path / name, **changes)
        assert close(weights(folder / name), weights(tmp_path / name)) and close(
            weights(folder / name, "best"), weights(tmp_path / name, "best")
        )
        np.testing.assert_allclose(
            runs.without_timing(runs.read_log(folder / name)),
            runs.without_timing(table),
            atol=1e-5,
            err_msg="losses and scores are those of the whole set",
        )
        kept = [runs.read_config(f / name) for f in (folder, tmp_path)]
        assert kept[0] == kept[1], "the number of processes is no setting"


def test_own_norms_end_in_one_network_that_is_not_that_of_one_process(two, tmp_path):
    folder, found = two
    assert (
        found["half_own"] == dict(equal=True, rows=1, same_log=True)
        and found["own"]["rows"] == 3
        and found["own"]["same_log"]
    )
    both, one = (
        2 * len(shared_norms.norm_statistics(Tiny())),
        len(shared_norms.norm_statistics(Tiny())),
    )
    assert one and found["agreed"] == [[both, True]] * 3 + [[one, True]], (
        "the running mean of the weights has statistics, too"
    )
    train(tmp_path / "one", ema=0.8, own_norms=True)
    assert close(weights(tmp_path / "one"), weights(folder / "mean")), "alone it changes nothing"
    assert (
        not close(weights(folder / "own"), weights(tmp_path / "one"))
        and runs.read_config(folder / "own")["training"]["own_norms"]
    )


def test_one_goes_on_with_what_two_began_and_two_with_what_one_began(two, tmp_path):
    folder, found = two
    whole = train(tmp_path / "whole")[1]
    _, table = train(folder / "half")
    assert found["begun"]["rows"] == 3 and len(table) == 3
    for name in ("half", "begun"):
        assert close(weights(folder / name), weights(tmp_path / "whole"))
        np.testing.assert_allclose(
            runs.without_timing(runs.read_log(folder / name)), runs.without_timing(whole), atol=1e-5
        )
        assert {p.name for p in (folder / name).iterdir()} == set(runs.FILES)


def test_every_step_is_shared_and_the_ratio_holds(two):
    steps = two[1]["steps"]
    for (t0, a0), (t1, a1) in steps:
        assert 0 <= t0 - t1 <= 1 and 0 <= a0 - a1 <= 1 and abs((a0 + a1) - (t0 + t1) / 4) < 1
    assert sum(a for step in steps for _, a in step) == round(
        sum(t for step in steps for t, _ in step) / 4
    )


def test_too_many_processes_for_a_batch_are_refused(two):
    assert "2 processes cannot share batches of 1" in two[1]["few"]


if __name__ == "__main__":
    torch.set_num_threads(1)
    child(Path(sys.argv[1]))
