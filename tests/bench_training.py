"""Training speed of the presets, side by side in one run: bench_training.py [--presets small released] [--batch 16] [--steps 6] [--rounds 2] [--device cpu]

Three columns of images per second on made-up faces: the bare step (forward, loss, backward, optimizer) with the batch at hand; the course's loop as `fit` runs it, with cutting,
normalising and augmenting the batch, fastai's Learner and a look at each loss; prediction. The presets take turns, and the best round counts, so that another process on the machine
disturbs all alike."""
import argparse, os, platform, tempfile, time
from pathlib import Path
import numpy as np
import torch
from fer_course.augment import PAPER
from fer_course.files import make_folder
from fer_course.models import create
from fer_course.train import Batches, JointLoss, _Run, learner, make_optimizer, normalise, pick_device, predict

def machine(device):
    "Name of what calculates"
    if device.type == 'cuda': return f'{torch.cuda.get_device_name(device)}, torch {torch.__version__}'
    names = [line.split(':')[1].strip() for line in open('/proc/cpuinfo') if line.startswith('model name')] if Path('/proc/cpuinfo').exists() else []
    return f'{(names or [platform.processor() or platform.machine()])[0]}, {torch.get_num_threads()} of {os.cpu_count()} cores, torch {torch.__version__}'

def seconds(work, device):
    "Time of one call, the device's queue included"
    wait = torch.cuda.synchronize if device.type == 'cuda' else (lambda: None)
    wait(); start = time.perf_counter(); work(); wait()
    return time.perf_counter() - start

class Candidate:
    "One preset with what is measured of it"
    def __init__(self, preset, batch, steps, device):
        self.preset, self.device, self.times = preset, device, {'step': [], 'loop': [], 'predict': []}
        torch.manual_seed(0); self.model = create(preset).to(device); self.loss = JointLoss().to(device)
        self.data(batch, 1); self.step(1); first = seconds(lambda: self.step(1), device)          # the first call allocates
        self.data(batch, steps or min(50, max(1, round(3/first)))); self.predict()

    def data(self, batch, steps):
        "Made-up faces for so many steps"
        rng = np.random.default_rng(0); self.steps, self.n = steps, batch*steps; device = self.device
        self.images = rng.integers(0, 256, (self.n, 112, 112, 3), dtype=np.uint8)
        expression, units = torch.from_numpy(rng.integers(0, 7, self.n)), torch.from_numpy(rng.integers(0, 2, (self.n, 21)).astype(np.float32))
        held = torch.from_numpy(self.images).to(device) if device.type == 'cuda' else self.images
        cut = lambda rows, **options: Batches(held, expression, units, rows, batch_size=batch, device=device, **options)
        self.train, self.valid = cut(range(self.n), augment=PAPER, seed=0), cut(range(batch))
        self.batch = (normalise(torch.from_numpy(self.images[:batch]).to(device)), expression[:batch].to(device), units[:batch].to(device))

    def step(self, steps=None):
        optimizer = make_optimizer(self.model); self.model.train(); x, y, units = self.batch
        for _ in range(steps or self.steps):
            with torch.autocast('cuda', torch.bfloat16, enabled=self.device.type == 'cuda'): prediction = self.model(x)
            self.loss(prediction, y, units).backward(); optimizer.step(); optimizer.zero_grad()

    def loop(self):
        from fastai.callback.core import Callback, CancelFitException
        def stop(callback): raise CancelFitException                              # the training part of one epoch, without its validation
        run = _Run(self.out, dict(seed=0, lr=1e-3), 1).callback()
        stopping = Callback(before_validate=stop); stopping.order = 100
        learner(self.model, self.train, self.valid, self.loss, callbacks=[run, stopping]).fit(1, 1e-3)

    def predict(self): predict(self.model, self.images, device=self.device)

    def round(self):
        with tempfile.TemporaryDirectory() as folder:
            self.out = make_folder(Path(folder)/'run')
            for name in self.times: self.times[name].append(seconds(getattr(self, name), self.device))

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--presets', nargs='+', default=['small', 'released'])
    parser.add_argument('--batch', type=int, default=None, help='images in a step (default: 16 on a CPU, 256 on a GPU)')
    parser.add_argument('--steps', type=int, default=None, help='steps in a round (default: as many as take about 3 s)')
    parser.add_argument('--rounds', type=int, default=2, help='the best one counts')
    parser.add_argument('--device', default=None)
    args = parser.parse_args()
    device = pick_device(args.device); cpu = device.type == 'cpu'; torch.set_flush_denormal(True)
    batch = args.batch or (16 if cpu else 256)
    candidates = [Candidate(preset, batch, args.steps, device) for preset in args.presets]
    print(f'{machine(device)}\nbatches of {batch}, 112 x 112; the best of {args.rounds} rounds')
    for _ in range(args.rounds):
        for candidate in candidates: candidate.round()
    print(f'{"preset":12}{"parameters":>12}{"steps":>7}{"bare step":>14}{"course loop":>14}{"overhead":>10}{"prediction":>14}')
    for c in candidates:
        speed = {name: c.n/min(t) for name, t in c.times.items()}
        print(f'{c.preset:12}{sum(p.numel() for p in c.model.parameters()):>12,}{c.steps:>7}{speed["step"]:>10.1f} i/s{speed["loop"]:>10.1f} i/s{speed["step"]/speed["loop"] - 1:>10.1%}{speed["predict"]:>10.1f} i/s')

if __name__ == '__main__': main()
