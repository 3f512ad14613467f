"""Kernels as operators of torch: gradients, torch's own checks, compilation; under Triton's interpreter, in a process of
its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gencompiler import pipeline
from gencompiler.diagnostics.span import SourceText
from gencompiler.emit.write import write_package

ROOT = Path(__file__).parents[2]

SPEC = """
bijection AffineCoupling(u : Real[D] | H = 12) -> Real[D] = join(a, b * exp(tanh(s)) + t)
  where { a, b = split(u)   s, t = mlp(a, hidden = [H]) }
model Tiny(D = 20) {
  observed x : Real[D]
  latent   z : Real[D]
  p(z) = Normal(0, 1)
  x = z |> repeat(4) { AffineCoupling |> reverse }
  train maximum_likelihood
}
"""

#: What the process does; each part prints its name when it has passed.
SCRIPT = """
import os, sys, torch
sys.path.insert(0, sys.argv[1])
import tiny
from gencompiler.runtime import operators

model = tiny.Tiny()
generator = torch.Generator().manual_seed(0)
for parameter in model.parameters():
    parameter.data += 0.3 * torch.randn(parameter.shape, generator=generator)
x = torch.randn(21, 20, generator=generator).requires_grad_()

def gradients(backend):
    os.environ["GENC_BACKEND"] = backend
    model.zero_grad()
    x.grad = None
    model.row_values("log_prob", [x]).sum().backward()
    return [x.grad.clone(), *(p.grad.clone() for p in model.parameters())]

for ours, theirs in zip(gradients("triton"), gradients("torch"), strict=True):
    assert (ours - theirs).norm() <= 1e-5 * theirs.norm(), (ours - theirs).norm() / theirs.norm()
print("gradients")

module, program = "tiny.backward", model.programs["log_prob"].function.__name__
values = [model.value(path).detach().requires_grad_() for path in model.programs["log_prob"].parameters]
arguments = (module, program, [x.detach().requires_grad_()], values, torch.arange(21), 0, 0)
torch.library.opcheck(operators._rows, arguments)
print("opcheck")

os.environ["GENC_BACKEND"] = "triton"
eager = operators.run(module, program, [x], values, torch.arange(21), 0, 0)
compiled = torch.compile(operators.run, fullgraph=True, backend="aot_eager")
torch.testing.assert_close(compiled(module, program, [x], values, torch.arange(21), 0, 0), eager)
wanted = torch.autograd.grad(eager.sum(), values)
found = torch.autograd.grad(compiled(module, program, [x], values, torch.arange(21), 0, 0).sum(), values)
for ours, theirs in zip(found, wanted, strict=True):
    torch.testing.assert_close(ours, theirs)
print("compile")

class Density(torch.nn.Module):
    def forward(self, x, *values):
        return operators.run(module, program, [x], list(values), torch.arange(21), 0, 0)

exported = torch.export.export(Density(), (x.detach(), *(v.detach() for v in values)))
torch.testing.assert_close(exported.module()(x, *values), eager)
print("export")

class Loss(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.model = model

    def forward(self, x):
        return self.model.row_values("log_prob", [x]).sum()

torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
wanted = gradients("triton")[1:]
model.zero_grad()
torch.nn.parallel.DistributedDataParallel(Loss())(x).backward()
for ours, theirs in zip((p.grad for p in model.parameters()), wanted, strict=True):
    torch.testing.assert_close(ours, theirs)
torch.distributed.destroy_process_group()
print("distributed")

shared = tiny.Tiny()
shared.load_state_dict(model.state_dict())
big = operators.run(module, program, [x], values, torch.arange(21), (1 << 64) - 1, 0)
torch.testing.assert_close(big, eager)  # nothing is drawn
print("seed")

import triton
from gencompiler.runtime import kernels, tiles
tl = triton.language

@triton.jit
def cut(x, y, BITS: tl.constexpr):
    places = tl.arange(0, 1024)
    tl.store(y + places, kernels.rounded(tl.load(x + places), BITS))

numbers = torch.randn(1024) * torch.randn(1024).mul(8).exp2()
found = torch.empty_like(numbers)
cut[(1,)](numbers, found, 16)
assert torch.equal(found, numbers.bfloat16().float())
cut[(1,)](numbers, found, 13)
assert (found.view(torch.int32) & ((1 << 13) - 1)).eq(0).all()
assert ((found - numbers).abs() <= numbers.abs() * 2.0**-11).all()

exact = tiny.Tiny()
exact.load_state_dict(model.state_dict())
os.environ["GENC_BACKEND"] = "torch"
with torch.no_grad():
    wanted = exact.double().log_prob(x.double())
    os.environ["GENC_BACKEND"] = "triton"
    errors = {}
    for setting, words in (("highest", "ieee"), ("high", "rounded to tf32"), ("medium", "rounded to bf16")):
        torch.set_float32_matmul_precision(setting)
        assert tiles.precision() == words
        errors[setting] = float((model.log_prob(x) - wanted).abs().max() / wanted.abs().max())
assert errors["highest"] < 1e-5 < errors["high"] < errors["medium"] < 0.1, errors
print("precision")
"""


@pytest.mark.slow
def test_the_operator(tmp_path: Path) -> None:
    pytest.importorskip("triton")
    done = pipeline.run(SourceText("tiny.gen", SPEC))
    write_package(done.files, tmp_path, "tiny")
    command = [sys.executable, "-W", "ignore", "-c", SCRIPT, str(tmp_path)]
    environment = {**os.environ, "TRITON_INTERPRET": "1"}
    passed = ["gradients", "opcheck", "compile", "export", "distributed", "seed", "precision"]
    run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=600)
    assert run.stdout.split() == passed, run.stderr[-3000:]
