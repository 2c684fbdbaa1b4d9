"Preparation on a Dask cluster, one of whose workers is killed midway: nothing lost, the same result."

import hashlib, os, signal, threading, time
import pytest
from fer_course.app import prepare

NAMES = ("manifest.parquet", "dropped.parquet", "images.npy")


def digests(folder):
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in NAMES}


@pytest.fixture
def many_faces(tmp_path):
    "96 rendered faces, 48 px, and three files that are none"
    from fer_course.faces import render_dataset

    render_dataset(tmp_path / "faces", 96, size=48, device="cpu")
    for k, data in enumerate(
        (b"", b"no image", (tmp_path / "faces" / "images" / "000003.png").read_bytes()[:500])
    ):
        (tmp_path / "faces" / "images" / f"{k:06d}.png").write_bytes(data)
    return tmp_path / "faces"


def test_a_worker_killed_midway_loses_nothing(many_faces, tmp_path):
    from dask.distributed import LocalCluster

    options = dict(target=many_faces, reader="faces", auxiliary="none", device="cpu")
    prepare(out=tmp_path / "here", workers=0, **options)
    killed = []
    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        dashboard_address=None,
        worker_dashboard_address=None,
        silence_logs=50,
    ) as cluster:
        pids = [nanny.pid for nanny in cluster.workers.values()]

        def kill_one():
            while (
                not any((tmp_path / "there").glob(".align/*.npz"))
                and not (tmp_path / "there" / "images.npy").exists()
            ):
                time.sleep(0.005)
            os.kill(pids[0], signal.SIGKILL)
            killed.append((tmp_path / "there" / "images.npy").exists())

        thread = threading.Thread(target=kill_one, daemon=True)
        thread.start()
        prepare(out=tmp_path / "there", scheduler=cluster.scheduler_address, chunk=16, **options)
        thread.join(20)
    assert killed == [False], "the kill must hit while faces are being aligned"
    assert digests(tmp_path / "here") == digests(tmp_path / "there")
