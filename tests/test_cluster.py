"Preparation on a Dask cluster, one of whose workers is killed midway: the same result."

import os
import signal
import pytest
from fer_course.align import crops
from fer_course.app import prepare
from test_kill import PREPARED, digests


@pytest.fixture
def many_faces(tmp_path):
    "Return 96 rendered faces, 48 px, of which three files are not readable images"
    from fer_course.faces import render_dataset

    folder = tmp_path / "faces"
    render_dataset(folder, 96, size=48, device="cpu")
    half = (folder / "images" / "000003.png").read_bytes()[:500]
    for number, data in enumerate((b"", b"no image", half)):
        (folder / "images" / f"{number:06d}.png").write_bytes(data)
    return folder


def test_a_worker_killed_midway_loses_nothing(many_faces, tmp_path, monkeypatch):
    from dask.distributed import LocalCluster

    options = dict(target=many_faces, reader="faces", auxiliary="none", device="cpu")
    here = tmp_path / "here"
    there = tmp_path / "there"
    prepare(out=here, workers=0, **options)
    killed = []
    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        dashboard_address=None,
        worker_dashboard_address=None,
        silence_logs=50,
    ) as cluster:
        pids = [nanny.pid for nanny in cluster.workers.values()]

        def keep_and_kill(*arguments, **options):
            write_kept(*arguments, **options)
            if not killed:  # the first of six chunks: at most four are begun ahead
                os.kill(pids[0], signal.SIGKILL)
                killed.append(pids[0])

        write_kept = crops.write_kept
        monkeypatch.setattr(crops, "write_kept", keep_and_kill)
        prepare(out=there, scheduler=cluster.scheduler_address, chunk=16, **options)
    assert killed
    assert digests(here, PREPARED) == digests(there, PREPARED)
