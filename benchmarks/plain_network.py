"""The authors' AU-CVT network and training step, written out plainly.

The preset `released` is compared with it. Layers and names are those of the authors' checkpoints
(https://arxiv.org/abs/2207.09777): fp32, default memory layout, attention as softmax(q k) v, SGD
parameter by parameter, loss and accuracy asked for with `.item()` in each step. The 51 million
parameters that a checkpoint carries unused are left out, which is to the plain network's advantage.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F

WIDTHS, DEPTHS = (64, 64, 128, 256), (3, 4, 14)
PATCHES = dict(  # name -> rows, columns, number of action units
    AU11=(slice(0, 7), slice(0, 7), 4),
    AU13=(slice(0, 7), slice(7, 14), 4),
    AU12=(slice(0, 7), slice(4, 10), 1),
    AU21=(slice(5, 12), slice(0, 6), 1),
    AU23=(slice(5, 12), slice(8, 14), 1),
    AU22=(slice(4, 10), slice(4, 10), 1),
    AU3=(slice(6, 14), slice(0, 14), 14),
)


def conv(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    "Return a convolution without bias that keeps the size of the map at stride 1."
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)


class PlainIR(nn.Module):
    "A block of face.evoLVe's IR50."

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        if inputs == outputs:
            self.shortcut_layer = nn.MaxPool2d(1, stride)
        else:
            self.shortcut_layer = nn.Sequential(
                conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs)
            )
        self.res_layer = nn.Sequential(
            nn.BatchNorm2d(inputs),
            conv(inputs, outputs, 3),
            nn.PReLU(outputs),
            conv(outputs, outputs, 3, stride),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, x):
        return self.shortcut_layer(x) + self.res_layer(x)


class PlainAttention(nn.Module):
    "Self-attention with the matrix of weights written out."

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x):
        B, N, C = x.shape
        q, k, v = self.qkv(x).reshape(B, N, 3, self.heads, C // self.heads).permute(2, 0, 3, 1, 4)
        weights = ((q @ k.transpose(-2, -1)) * (C // self.heads) ** -0.5).softmax(-1)
        return self.proj((weights @ v).transpose(1, 2).reshape(B, N, C))


class PlainMLP(nn.Module):
    "Two layers with GELU between them."

    def __init__(self, width):
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class PlainBlock(nn.Module):
    "A transformer block."

    def __init__(self, width):
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = PlainAttention(width, 16)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = PlainMLP(width)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class PlainViT(nn.Module):
    "Two stages of blocks: action units are read behind the first, expressions behind both."

    def __init__(self, width=512, classes=7):
        super().__init__()
        self.patch_embed = nn.Conv2d(256, width, 3, padding=1)
        self.pos_embed = nn.Parameter(0.02 * torch.randn(1, 196, width))
        self.transformers = nn.ModuleList([nn.Module(), nn.Module()])
        for stage, depth in zip(self.transformers, (4, 2)):
            stage.blocks = nn.ModuleList([PlainBlock(width) for _ in range(depth)])
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.head = nn.Linear(width, classes)
        for name, (*_, units) in PATCHES.items():
            setattr(self, f"norm_{name}", nn.LayerNorm(width, eps=1e-6))
            setattr(self, f"head_{name}", nn.Linear(width, units))

    def units(self, x):
        "Return the logits of RAF-AU's 21 action units, (B, 21), from the tokens (B, 196, C)."
        image = x.transpose(1, 2).reshape(len(x), -1, 14, 14)
        read = {}
        for name, (rows, columns, _) in PATCHES.items():
            pooled = image[:, :, rows, columns].mean((2, 3))
            read[name] = getattr(self, f"head_{name}")(getattr(self, f"norm_{name}")(pooled))
        eyes = torch.max(read["AU11"], read["AU13"])
        brows = read["AU12"]
        cheeks = torch.max(read["AU21"], read["AU23"])
        upper = [eyes[:, :2], brows, eyes[:, 2:3], cheeks, eyes[:, 3:]]  # 1 2, 4, 5, 6, 7
        return torch.cat([*upper, read["AU22"], read["AU3"]], 1)  # 9, then the mouth's

    def forward(self, x):
        x = self.patch_embed(x).flatten(2).transpose(1, 2) + self.pos_embed
        for block in self.transformers[0].blocks:
            x = block(x)
        units = self.units(x)
        for block in self.transformers[1].blocks:
            x = block(x)
        return self.head(self.norm(x.mean(1))), units


class Plain(nn.Module):
    "The network: images (B, 3, 112, 112) -> logits of expressions (B, 7) and units (B, 21)."

    def __init__(self, depths=DEPTHS):
        super().__init__()
        self.cnn, self.vit = nn.Module(), PlainViT()
        self.cnn.input_layer = nn.Sequential(conv(3, 64, 3), nn.BatchNorm2d(64), nn.PReLU(64))
        blocks = []
        for before, after, depth in zip(WIDTHS, WIDTHS[1:], depths):
            blocks.append(PlainIR(before, after, 2))
            blocks += [PlainIR(after, after, 1) for _ in range(depth - 1)]
        self.cnn.body = nn.Sequential(*blocks)

    def forward(self, x):
        return self.vit(self.cnn.body(self.cnn.input_layer(x)))


def random_batch(
    batch: int,  # images
    device: str,  # "cpu", "cuda", ...
) -> list:  # images (B, 3, 112, 112) in -1..1, expressions (B,), action units (B, 21)
    "Return a batch of random numbers: speed does not depend on what the images show."
    g = torch.Generator().manual_seed(0)
    images = torch.rand(batch, 3, 112, 112, generator=g) * 2 - 1
    expressions = torch.randint(7, (batch,), generator=g)
    units = torch.randint(2, (batch, 21), generator=g).float()
    return [part.to(device) for part in (images, expressions, units)]


def plain_training_step(batch: int, device: str, *, depths: tuple = DEPTHS):
    "Return a function that does one training step as the authors' loop does it."
    torch.manual_seed(0)
    model = Plain(depths).to(device).train()
    x, y, units = random_batch(batch, device)
    optimizer = torch.optim.SGD(
        model.parameters(), lr=1e-3, momentum=0.9, weight_decay=5e-4, foreach=False
    )
    log = []

    def step():
        z, z_au = model(x)
        loss = F.cross_entropy(z, y) + F.binary_cross_entropy_with_logits(z_au, units)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        log.append((loss.item(), (z.argmax(1) == y).float().mean().item()))

    return step
